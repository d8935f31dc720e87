"""The list of saved conversations."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.conversations import Saved
from assistant.ui.page.shown.escape import text


def saved_list(found: Sequence[Saved], *, current: str | None, words: str = "") -> str:
    """The conversations of one owner, newest first, each with its buttons."""
    if not found:
        return f'<p class="none">{"No conversation has these words." if words else "None saved yet."}</p>'
    return '<ul class="saved">' + "".join(
        f'<li{" class=current aria-current=true" if entry.id == current else ""}>'
        f'<button type="button" class="resume" data-do="resume" data-id="{text(entry.id)}">'
        f'<bdi>{text(entry.title)}</bdi><span class="place">{entry.updated[:10]} · '
        f'{entry.turns} {"question" if entry.turns == 1 else "questions"}</span></button>'
        f'<button type="button" class="plain" data-do="rename" data-id="{text(entry.id)}" '
        f'data-title="{text(entry.title)}" aria-label="Rename {text(entry.title)}">Rename</button>'
        f'<button type="button" class="plain" data-do="delete" data-id="{text(entry.id)}" '
        f'data-title="{text(entry.title)}" aria-label="Delete {text(entry.title)}">Delete</button></li>'
        for entry in found
    ) + "</ul>"
