"""Quotes, marks and citations: every statement shown is the words of a paper, and says where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest

from assistant.records import Answer, AnswerSentence, Citation, Paper

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


def papers_of(answer: Answer) -> tuple[str, ...]:
    """The papers an answer cites, in order; none of a refusal."""
    if answer.abstained:
        return ()
    return tuple(dict.fromkeys(citation.paper_id for citation in answer.citations))


def first_url(text: str) -> str | None:
    """The first web address in a text, without the full stop or bracket that follows it."""
    match = _URL.search(text)
    return match.group().rstrip(".,;:!?") if match else None


def quoted(places: Sequence[tuple[Paper, int, int]]) -> tuple[tuple[AnswerSentence, ...], tuple[Citation, ...]]:
    """Sentences to show, in order, each ``abstract[start:end]`` of a paper, and their citations.

    Neighbours in an abstract that are shown one after the other are cited as one span, with one mark.
    """
    spans: list[tuple[Paper, int, int]] = []
    span_of: list[int] = []  # of each sentence
    for paper, start, end in places:
        if spans and _goes_on(spans[-1], paper, start, end):
            spans[-1] = (paper, spans[-1][1], end)
        else:
            spans.append((paper, start, end))
        span_of.append(len(spans) - 1)
    marks = Marks()
    mark_of = [marks.cite(*span) for span in spans]
    return tuple(
        AnswerSentence(paper.abstract[start:end], (mark_of[span],), checked=True)
        for (paper, start, end), span in zip(places, span_of, strict=True)
    ), marks.citations()


def _goes_on(span: tuple[Paper, int, int], paper: Paper, start: int, end: int) -> bool:
    before, _, stop = span
    between = paper.abstract[stop:start]
    return before.paper_id == paper.paper_id and stop <= start < end and not between.strip()


def with_marks(sentences: Iterable[AnswerSentence]) -> str:
    """The text of an answer: each sentence followed by its marks, which a run of sentences that share them has once.

    >>> with_marks([AnswerSentence("MEMIT edits GPT-J.", (1, 2), True)])
    'MEMIT edits GPT-J. [1][2]'
    >>> with_marks([AnswerSentence("We edit.", (1,), True), AnswerSentence("It works.", (1,), True)])
    'We edit. It works. [1]'
    """
    parts = []
    shown = list(sentences)
    for sentence, following in zip_longest(shown, shown[1:]):
        parts.append(sentence.text)
        if sentence.marks and (following is None or following.marks != sentence.marks):
            parts.append("".join(f"[{mark}]" for mark in sentence.marks))
    return " ".join(parts)


def within(citation: Citation, text: str) -> Citation:
    """The citation of ``text`` alone, where it stands in what is cited; else the citation as it is."""
    at = citation.quote.find(text)
    if at < 0:
        return citation
    return replace(citation, quote=text, start=citation.start + at, end=citation.start + at + len(text))


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
