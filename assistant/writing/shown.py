"""The text of an answer as it grows, sentence by sentence; what was shown stays."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.answering.citations import Marks, within
from assistant.backends.messages import BackendError
from assistant.records import Answer, AnswerSentence, Citation, Hit, Nearest
from assistant.writing.calls import Calls
from assistant.writing.fallback import INSTEAD, cut_off, failure
from assistant.writing.gate import Judged

if TYPE_CHECKING:
    from assistant.writing.stream import Pieces

MOST_SENTENCES = 12     # shown of one reply; the call ends there
REFUSED_CONFIDENCE = 0.2


class Shown:
    """The text as it grows. What was shown stays as it was shown; marks count in order of appearance."""

    def __init__(self, draft: Answer, trace: list[str]) -> None:
        self.draft = draft
        self.trace = trace
        self.sentences: list[AnswerSentence] = []
        self.held: list[Judged] = []       # that claim nothing: shown once something is claimed
        self._marks = Marks()
        self._parts: list[str] = []
        self._seen: set[str] = set()
        self._supports: list[float] = []
        self._began = time.perf_counter()
        self._first_ms: float | None = None
        self._failed = 0

    @property
    def borne_out(self) -> bool:
        """Whether there is a sentence that cites a paper."""
        return any(sentence.marks for sentence in self.sentences)

    @property
    def full(self) -> bool:
        """Whether it is long enough."""
        return len(self.sentences) >= MOST_SENTENCES

    def take(self, judged: Judged, *, flag: bool) -> Iterator[str]:
        """What is shown once a sentence has been judged: it, nothing, or it with a flag."""
        key = " ".join(judged.text.casefold().split())
        if judged.problem:
            self._failed += 1
            self.trace.append(f"sentence {len(self._seen) + self._failed} failed: {judged.problem}")
            if flag:
                text = f"(Not borne out by the papers: “{judged.text}”)"
                yield self._show(AnswerSentence(text, (), checked=False), judged.lead)
        elif key in self._seen:
            pass
        elif judged.claims_nothing:
            self._seen.add(key)
            self.held.append(judged)
        else:
            self._seen.add(key)
            for held in self.held:
                yield self._show(AnswerSentence(held.text, (), checked=True), held.lead)
            self.held = []
            marks = tuple(self._marks.cite(place.paper, place.start, place.end) for place in judged.places)
            self._supports.append(judged.support)
            yield self._show(AnswerSentence(judged.text, marks, checked=True), judged.lead)

    def _show(self, sentence: AnswerSentence, lead: str) -> str:
        self.sentences.append(sentence)
        marks = " " + "".join(f"[{mark}]" for mark in sentence.marks) if sentence.marks else ""
        return self._put((lead if self._parts else lead.strip(" \n") and "- ") + sentence.text + marks)

    def _put(self, part: str) -> str:
        if self._first_ms is None:
            self._first_ms = (time.perf_counter() - self._began) * 1000
        self._parts.append(part)
        return part

    def answer(self, calls: Calls) -> Answer:
        """The text as an answer of the model's."""
        citations = self._marks.citations()
        support = sum(self._supports) / len(self._supports) if self._supports else 0.0
        return replace(
            self._base(calls), text="".join(self._parts), sentences=tuple(self.sentences), citations=citations,
            items=(), matched=len({citation.paper_id for citation in citations}), abstained=False, reason=None,
            nearest=(), confidence=(self.draft.confidence + support) / 2, backend=calls.backend.name,
        )

    def refuse(self, hits: Sequence[Hit], calls: Calls) -> Pieces:
        """The model says that the papers do not answer."""
        reason = "no abstract of the collection says this"
        yield self._put(f"I cannot answer that: {reason}.")
        text = "".join(self._parts)
        self.trace.append(f"{calls.backend.name} finds no answer in the papers")
        yield replace(
            self._base(calls), text=text, sentences=(AnswerSentence(text, (), checked=True),), citations=(), items=(),
            matched=0, abstained=True, reason=reason, nearest=self.draft.nearest or nearest(hits),
            confidence=min(self.draft.confidence, REFUSED_CONFIDENCE), backend=calls.backend.name,
        )

    def end_here(self, calls: Calls) -> Iterator[str]:
        """The notice that a reply goes on where what is shown of it ends."""
        self.trace.append(f"{calls.backend.name}: the reply was cut after {len(self.sentences)} sentences")
        yield self._put(f"\n({cut_off(calls.backend.name)}.)")

    def fall_back(self, error: BackendError | None, calls: Calls, *, cut: bool = False) -> Pieces:
        """The model failed: what was shown stays, a notice says so, and the papers' own words follow."""
        what = cut_off(calls.backend.name) if cut and error is None else failure(error, calls.backend.name)
        self.trace.append(str(error) if error else f"{calls.backend.name} wrote nothing the papers bear out")
        draft = self.draft
        if not self._parts:
            yield self._put(f"({what}. {INSTEAD}) ")
            yield self._put(draft.text)
            yield replace(
                self._base(calls), text="".join(self._parts), backend="extractive",
                trace=(*draft.trace, *self.trace),
            )
            return
        quotes = self._not_shown(draft)
        yield self._put(f"\n({what}. {INSTEAD})" if quotes else f"\n({what}.)")
        for sentence, citations in quotes:
            marks = tuple(self._marks.add(citation) for citation in citations)
            yield self._show(replace(sentence, marks=marks), " ")
        yield self.answer(calls)

    def _not_shown(self, draft: Answer) -> list[tuple[AnswerSentence, list[Citation]]]:
        """The quotes of an extractive answer that no mark leads to yet, each with citations of its words alone."""
        if draft.abstained:
            return []
        by_mark = {citation.mark: citation for citation in draft.citations}
        shown = self._marks.citations()
        quotes = []
        for sentence in draft.sentences:
            cited = [by_mark[mark] for mark in sentence.marks if mark in by_mark]
            if any(
                not any(sentence.text in other.quote for other in shown if other.paper_id == citation.paper_id)
                for citation in cited
            ):
                quotes.append((sentence, [within(citation, sentence.text) for citation in cited]))
        return quotes

    def _base(self, calls: Calls) -> Answer:
        timings = {**self.draft.timings, "model": round(calls.waited_s * 1000, 1)}
        if self._first_ms is not None:
            timings["first"] = round(self._first_ms, 1)
        return replace(
            self.draft, timings=timings, tokens=calls.tokens, cost=calls.cost, trace=(*self.draft.trace, *self.trace)
        )


def nearest(hits: Sequence[Hit]) -> tuple[Nearest, ...]:
    """What a refusal can point at."""
    return tuple(
        Nearest(hit.paper.paper_id, hit.paper.title, max(hit.sentences, key=lambda found: found.score).text,
                hit.paper.sources, hit.similarity)
        for hit in hits[:3] if hit.sentences
    )
