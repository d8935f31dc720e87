"""Marks, quotes, titles and places: the small parts that every kind of answer is made of."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.answering.citations import places, title_of
from assistant.records import Citation, Nearest, Source
from assistant.ui.page.shown.buttons import button
from assistant.ui.page.shown.escape import text


def mark(found: Citation) -> str:
    """The button of a mark: hovering shows the quote, a click opens the paper at it; see ``chat.js``."""
    title = title_of(found.title, found.quote)
    return button(
        str(found.mark), "paper", css="mark", label=f"Citation {found.mark}: {title}", mark=found.mark,
        paper=found.paper_id, start=found.start, end=found.end, quote=found.quote,
    )


def opener(near: Nearest) -> str:
    """The title of a paper that is not cited, as a button that opens it at its quote."""
    title = f"<bdi>{text(title_of(near.title, near.quote))}</bdi>"
    return button(title, "paper", css="opener", paper=near.paper_id, quote=near.quote)


def check(checked: bool) -> str:
    """The small sign behind a sentence."""
    if checked:
        css, why, word = "check", "Checked: its words stand in what it cites", "checked"
    else:
        css, why, word = "check not", "Not checked: it cites nothing that bears it out", "not checked"
    return f'<span class="{css}" title="{why}"><span class="sr">{word}</span></span>'


def quote(words: str) -> str:
    """What a paper says, in its words."""
    return f'<q class="quote"><bdi>{text(words)}</bdi></q>'


def place(sources: Sequence[Source]) -> str:
    """Where a paper was read: file and line."""
    return f'<span class="place"><bdi>{text(places(sources))}</bdi></span>'


def reference(found: Citation) -> str:
    """A citation as a line of text, to be copied."""
    end = f" {found.url}" if found.url else ""
    return f"{title_of(found.title, found.quote)}. {places(found.sources)}. “{found.quote}”{end}"


def near_papers(papers: Sequence[Nearest]) -> str:
    """Papers that come near, each with its words and place."""
    return f'<ul class="near">{"".join(map(_near, papers))}</ul>'


def _near(near: Nearest) -> str:
    return (
        f"<li>{opener(near)} {quote(near.quote)} {place(near.sources)} "
        f'<span class="similarity" title="cosine of question and paper">similarity {max(0.0, near.similarity):.2f}'
        "</span></li>"
    )
