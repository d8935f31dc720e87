"""The answerer that lets a language model write, and shows of it what the papers bear out.

``extractive answer + hits → context → model → sentences → check → Answer``. The extractive answer is there first: it
says what kind of answer is due, and it is what the user gets when the model fails.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from assistant import prompts
from assistant.answering.calls import Calls
from assistant.answering.citations import Marks, within
from assistant.answering.context import PAPERS, Context, choose
from assistant.answering.fallback import INSTEAD, failure, quoted
from assistant.answering.gate import Gate, Judged
from assistant.answering.judging import judged_list
from assistant.answering.reply import Reader, Written, read_reply
from assistant.backends.base import BackendError, Message
from assistant.backends.counting import count_prompt, count_tokens
from assistant.question import Question
from assistant.records import Answer, AnswerSentence, Citation, Hit, Nearest
from assistant.retrieval.retriever import Retriever

if TYPE_CHECKING:
    from assistant.answering.check import Checker
    from assistant.answering.stream import Pieces

NOTHING_NEAR = 0.2      # cosine of the best paper below which a model is not asked, unless a name is known
MOST_SENTENCES = 12     # shown of one reply; the call ends there
MOST_FAILED = 12        # in one reply, after which the call ends
LEAST_BUDGET = 200      # tokens of excerpts, however long the question is
REFUSED_CONFIDENCE = 0.2

Unsupported = Literal["drop", "flag", "repair"]


@dataclass(frozen=True, slots=True)
class Task:
    """One question, ready to be answered."""

    question: Question
    original: str        # as the user put it; searched too where it differs
    draft: Answer        # what quoting gives
    settled: str = ""    # why a model has nothing to add to it, where that is known


class Generative:
    """Answers with a language model, through one retriever. Every sentence is checked before it is shown.

    Args:
        prompt_tokens: longest prompt of a question that is not about a list.
        unsupported: what becomes of sentences the papers do not bear out: dropped, shown with a flag, or asked for
            once more and then dropped.
        candidates: papers each first-stage ranker proposes.
    """

    def __init__(
        self, retriever: Retriever, checker: Checker, *, prompt_tokens: int, unsupported: Unsupported, candidates: int,
        list_candidates: int,
    ) -> None:
        self._retriever = retriever
        self._checker = checker
        self._prompt_tokens = prompt_tokens
        self._unsupported = unsupported
        self._candidates = candidates
        self._list_candidates = list_candidates

    def write(self, task: Task, calls: Calls) -> Pieces:
        """Pieces of the text, each checked, then the answer; never raises for what the model does.

        After ``calls.stop`` it ends without an answer.
        """
        why_not = settled(task)
        if why_not:
            yield from quoted(task.draft, f"no model asked: {why_not}")
        elif task.draft.items or task.question.kind in ("list", "count"):
            yield from judged_list(
                task.question, task.draft, self._retriever, calls, most=self._list_candidates,
            )
        else:
            yield from self._prose(task, calls)

    def context(self, task: Task, model: str) -> tuple[Context, list[Hit]]:
        """What the model gets to read, and the hits it is from."""
        texts = dict.fromkeys((task.question.corrected, task.original))
        found: list[list[Hit]] = []
        for text in texts:
            query = self._retriever.query(text, names=task.question.keys)
            found.append(self._retriever.search(query, limit=PAPERS, candidates=self._candidates))
        hits = list({hit.paper.paper_id: hit for hit in _in_turn(found)}.values())
        frame = count_prompt(prompts.answering(task.question.text, ()), model)
        budget = max(self._prompt_tokens - frame, LEAST_BUDGET)
        return choose(hits, budget=budget, count=lambda text: count_tokens(text, model)), hits

    def _prose(self, task: Task, calls: Calls) -> Pieces:
        context, hits = self._retriever.collection.read(lambda: self.context(task, calls.backend.model))
        near = bool(task.question.keys) or max((hit.similarity for hit in hits), default=0.0) >= NOTHING_NEAR
        if not context.excerpts or not near:
            yield from quoted(task.draft, "no model asked: nothing in the collection is near")
            return
        asked = prompts.answering(task.question.text, context.shown)
        size = count_prompt(asked, calls.backend.model)
        page = Page(task.draft, [
            f"{calls.backend.name}: {len(context.excerpts)} papers, prompt of {size} tokens",
        ])
        gate = Gate(self._checker, context, self._retriever.collection)
        failed: list[Judged] = []
        error: BackendError | None = None
        reply: list[str] = []
        try:
            with closing(_sentences(calls, asked, reply)) as sentences:
                for written in sentences:
                    found = gate.judge(written)
                    yield from page.take(found, flag=self._unsupported == "flag")
                    if found.problem:
                        failed.append(found)
                    if page.full or len(failed) >= MOST_FAILED:
                        break
            if calls.stopped:
                return
            if failed and self._unsupported == "repair":
                yield from self._repaired(page, gate, asked, "".join(reply), failed, calls)
        except BackendError as exc:
            error = exc
        if calls.stopped:
            return
        if error is not None or not (page.borne_out or page.held) or (failed and not page.borne_out):
            yield from page.fall_back(error, calls)
        elif not page.borne_out:
            yield from page.refuse(hits, calls)
        else:
            yield page.answer(calls)

    def _repaired(
        self, page: Page, gate: Gate, asked: Sequence[Message], reply: str, failed: Sequence[Judged], calls: Calls
    ) -> Iterator[str]:
        again = prompts.repairing(asked, reply, [(found.text, found.problem or "") for found in failed])
        try:
            repaired = calls.complete(again).text
        except BackendError as error:  # what has passed stands
            page.trace.append(f"repair failed: {error}")
            return
        for written in read_reply(repaired):
            found = gate.judge(written)
            page.trace.append(f"repair: {'still ' + found.problem if found.problem else 'passed'}")
            if not found.problem and not found.claims_nothing:
                yield from page.take(found, flag=False)


class Page:
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
        """The page as an answer of the model's."""
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

    def fall_back(self, error: BackendError | None, calls: Calls) -> Pieces:
        """The model failed: what was shown stays, a notice says so, and the papers' own words follow."""
        what = failure(error, calls.backend.name)
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


def settled(task: Task) -> str:
    """Why a model has nothing to add to the extractive answer; empty if it may have."""
    question = task.question
    if task.settled:
        return task.settled
    if question.kind in ("empty", "collection"):
        return f"the question is of the kind {question.kind}"
    if question.wants_metadata:
        return "abstracts do not give what is asked for"
    if question.unknown:
        return "a name that no paper mentions"
    if task.draft.items and question.hard and not question.topic and not question.exclusions:
        return "names decide the list, and they are matched exactly"
    return ""


def nearest(hits: Sequence[Hit]) -> tuple[Nearest, ...]:
    """What a refusal can point at."""
    return tuple(
        Nearest(hit.paper.paper_id, hit.paper.title, max(hit.sentences, key=lambda found: found.score).text,
                hit.paper.sources, hit.similarity)
        for hit in hits[:3] if hit.sentences
    )


def _sentences(calls: Calls, asked: Sequence[Message], reply: list[str]) -> Generator[Written]:
    """The sentences of a reply as they are written; its pieces are added to ``reply``."""
    reader = Reader()
    with closing(calls.stream(asked)) as pieces:
        for piece in pieces:
            reply.append(piece)
            yield from reader.push(piece)
    if not calls.stopped:
        yield from reader.end()


def _in_turn(rankings: Sequence[Sequence[Hit]]) -> Iterator[Hit]:
    """The first of each, the second of each, and so on."""
    for rank in range(max(map(len, rankings), default=0)):
        for ranking in rankings:
            if rank < len(ranking):
                yield ranking[rank]
