"""The list of saved conversations."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.conversation.history import Saved
from assistant.ui.page.shown.buttons import button
from assistant.ui.page.shown.escape import text


def saved_list(found: Sequence[Saved], *, current: str | None, words: str = "") -> str:
    """The conversations of one owner, newest first, each with its buttons."""
    if not found:
        return f'<p class="none">{"No conversation has these words." if words else "None saved yet."}</p>'
    return f'<ul class="saved">{"".join(_entry(entry, here=entry.id == current) for entry in found)}</ul>'


def _entry(entry: Saved, *, here: bool) -> str:
    questions = "question" if entry.turns == 1 else "questions"
    inside = (
        f'<bdi>{text(entry.title)}</bdi><span class="place">{entry.updated[:10]} · {entry.turns} {questions}</span>'
    )
    return f'<li{" class=current aria-current=true" if here else ""}>' + "".join((
        button(inside, "resume", css="resume", id=entry.id),
        '<span class="change">',
        button("Rename", "rename", label=f"Rename {entry.title}", id=entry.id, title=entry.title),
        button("Delete", "delete", label=f"Delete {entry.title}", id=entry.id, title=entry.title),
        "</span>",
    )) + "</li>"
