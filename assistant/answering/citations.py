"""Quotes, marks and citations: every statement shown is the words of a paper, and says where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from assistant.records import AnswerSentence, Citation, Paper

_URL = re.compile(r"https?://[^\s<>\"'’”)\]}]+", re.IGNORECASE)


class Marks:
    """Hands out marks 1, 2, 3 … in order of first use, one for each quoted span."""

    def __init__(self) -> None:
        self._citations: dict[tuple[str, int, int], Citation] = {}

    def cite(self, paper: Paper, start: int, end: int) -> int:
        """The mark of ``paper.abstract[start:end]``, new or as before."""
        place = (paper.paper_id, start, end)
        if place not in self._citations:
            self._citations[place] = Citation(
                mark=len(self._citations) + 1, paper_id=paper.paper_id, title=paper.title, sources=paper.sources,
                quote=paper.abstract[start:end], start=start, end=end, url=first_url(paper.abstract),
            )
        return self._citations[place].mark

    def add(self, citation: Citation) -> int:
        """The mark, here, of a citation from another answer."""
        place = (citation.paper_id, citation.start, citation.end)
        self._citations.setdefault(place, replace(citation, mark=len(self._citations) + 1))
        return self._citations[place].mark

    def citations(self) -> tuple[Citation, ...]:
        """What has been cited, by mark."""
        return tuple(self._citations.values())


def first_url(text: str) -> str | None:
    """The first web address in a text, without the full stop or bracket that follows it."""
    match = _URL.search(text)
    return match.group().rstrip(".,;:!?") if match else None


def with_marks(sentences: Iterable[AnswerSentence]) -> str:
    """The text of an answer: each sentence followed by its marks.

    >>> with_marks([AnswerSentence("MEMIT edits GPT-J.", (1, 2), True)])
    'MEMIT edits GPT-J. [1][2]'
    """
    return " ".join(
        sentence.text + (" " + "".join(f"[{mark}]" for mark in sentence.marks) if sentence.marks else "")
        for sentence in sentences
    )


def is_verbatim(citation: Citation, paper: Paper) -> bool:
    """Whether a citation's quote is exactly what stands at its offsets."""
    return 0 <= citation.start < citation.end <= len(paper.abstract) and (
        paper.abstract[citation.start:citation.end] == citation.quote
    )


def shorten(text: str, limit: int) -> str:
    """A text of at most ``limit`` characters, cut at a word."""
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def title_of(paper_title: str | None, quote: str) -> str:
    """A paper's title, or the beginning of its words where the collection has none."""
    return paper_title or f"(untitled) {shorten(quote, 60)}"


def places(sources: Sequence[object]) -> str:
    """Sources as people read them: "001_a.txt:36, 002_b.txt:4"."""
    return ", ".join(
        f"{source.file}:{source.line}" if source.line is not None else source.file  # type: ignore[attr-defined]
        for source in sources
    )
