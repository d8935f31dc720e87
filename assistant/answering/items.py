"""The items of a list answer, and how a list stands in its text."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.answering.citations import Marks, shorten
from assistant.records import Answer, Hit, ListItem, SentenceHit


def item(hit: Hit, marks: Marks, *, proof: SentenceHit, name: str | None) -> ListItem:
    """One line of a list, its proof cited; ``name`` is what the paper calls its method."""
    paper = hit.paper
    return ListItem(
        paper_id=paper.paper_id, name=name, title=paper.title,
        mark=marks.cite(paper, proof.start, proof.end), quote=proof.text, start=proof.start, end=proof.end,
        sources=paper.sources,
    )


def as_text(head: str, items: Sequence[ListItem]) -> str:
    """A list as text: its heading, then a numbered line for each paper."""
    return "\n".join([head, *(f"{n}. {line(listed)}" for n, listed in enumerate(items, 1))])


def gives_list(answer: Answer) -> bool:
    """Whether papers are what an answer gives; below the sentences of a fact they only stand beside."""
    return bool(answer.items) and answer.kind != "fact"


def heading(answer: Answer) -> str:
    """What an answer says before its items."""
    return answer.text.partition("\n1. ")[0]


def line(listed: ListItem) -> str:
    """One item as text; a paper without a name and a title is told by its words."""
    label = listed.name or listed.title
    title = f" — {listed.title}" if listed.title and listed.title != label else ""
    said = f"“{shorten(listed.quote, 400)}”"
    return f"{label}{title}: {said} [{listed.mark}]" if label else f"{said} (untitled) [{listed.mark}]"
