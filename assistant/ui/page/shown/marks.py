"""Marks, quotes, titles and places: the small parts that every kind of answer is made of."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.answering.citations import places, title_of
from assistant.records import Citation, Nearest, Source
from assistant.ui.page.shown.escape import text


def mark(found: Citation) -> str:
    """The button of a mark: hovering shows the quote, a click opens the paper at it; see ``chat.js``."""
    title = title_of(found.title, found.quote)
    return (
        f'<button type="button" class="mark" data-do="paper" data-mark="{found.mark}" '
        f'data-paper="{text(found.paper_id)}" data-start="{found.start}" data-end="{found.end}" '
        f'data-title="{text(title)}" data-quote="{text(found.quote)}" '
        f'aria-label="Citation {found.mark}: {text(title)}">{found.mark}</button>'
    )


def opener(near: Nearest) -> str:
    """The title of a paper that is not cited, as a button that opens it at its quote."""
    return (
        f'<button type="button" class="opener" data-do="paper" data-paper="{text(near.paper_id)}" '
        f'data-quote="{text(near.quote)}"><bdi>{text(title_of(near.title, near.quote))}</bdi></button>'
    )


def check(checked: bool) -> str:
    """The small sign behind a sentence."""
    if checked:
        return '<span class="check" title="Checked: its words stand in what it cites"><span class="sr">checked</span></span>'
    return (
        '<span class="check not" title="Not checked: it cites nothing that bears it out">'
        '<span class="sr">not checked</span></span>'
    )


def quote(words: str) -> str:
    """What a paper says, in its words."""
    return f'<q class="quote"><bdi>{text(words)}</bdi></q>'


def place(sources: Sequence[Source]) -> str:
    """Where a paper was read: file and line."""
    return f'<span class="place"><bdi>{text(places(sources))}</bdi></span>'


def copier(what: str, label: str) -> str:
    """A button that copies a text."""
    return f'<button type="button" class="plain" data-do="copy" data-copy="{text(what)}">{text(label)}</button>'


def reference(found: Citation) -> str:
    """A citation as a line of text, to be copied."""
    end = f" {found.url}" if found.url else ""
    return f"{title_of(found.title, found.quote)}. {places(found.sources)}. “{found.quote}”{end}"


def near_papers(papers: Sequence[Nearest]) -> str:
    """Papers that come near, each with its words and place."""
    return '<ul class="near">' + "".join(
        f"<li>{opener(near)} {quote(near.quote)} {place(near.sources)} "
        f'<span class="similarity" title="cosine of question and paper">similarity {near.similarity:.2f}</span></li>'
        for near in papers
    ) + "</ul>"
