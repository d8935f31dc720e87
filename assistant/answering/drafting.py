"""A question's draft: the answer in the papers' own words, which is the answer or what a language model betters."""

from __future__ import annotations

import copy
import threading
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assistant.answering.absence import absence_asked, explain_absence
from assistant.answering.citations import papers_of
from assistant.answering.extractive import LISTS, Extractive
from assistant.answering.narrowing import Scope, all_of, best_of, compared, narrowed
from assistant.query.parse import Question, understand
from assistant.query.tagger import Reader, open_reader
from assistant.records import Answer, AnswerSentence
from assistant.retrieval.filters import Filters, Selection, resolve
from assistant.retrieval.retriever import Retriever

if TYPE_CHECKING:
    from assistant.embedding.embedder import Embedder
    from assistant.index.collection import Collection
    from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Draft:
    """A question that has its extractive answer."""

    question: Question
    answer: Answer
    retriever: Retriever | None    # over the papers it is answered from; None if there are none
    settled: str = ""              # why a model has nothing to add
    final: bool = False            # the draft is the answer


class Drafting:
    """Drafts over one collection. Call its methods inside `Collection.read`."""

    def __init__(self, collection: Collection, embedder: Embedder, settings: Settings) -> None:
        self._collection = collection
        self._embedder = embedder
        self._settings = settings
        self._reader: Reader | None = None
        self._opening = threading.Lock()
        self._reranker = None
        if settings.reranker is not None:
            from assistant.retrieval.cross_encoder import open_reranker

            self._reranker = open_reranker(settings.reranker)

    def with_settings(self, settings: Settings) -> Drafting:
        """Another with the same models."""
        other = copy.copy(self)
        other._settings = settings
        return other

    def draft(
        self, text: str, typed: str, answer_id: str = "", filters: Filters | None = None, scope: Scope | None = None
    ) -> Draft:
        """The extractive answer, and what else a model needs to better it; see `Assistant.ask`.

        Args:
            text: the question, complete.
            typed: what the user wrote.
        """
        question = self.understand(text)
        if scope is not None and scope.has_code is not None:
            filters = replace(filters or Filters(), has_code=scope.has_code)
        chosen = self.select(filters)
        if chosen is not None and chosen.problem is not None:
            answer = _nothing_left(answer_id, question, chosen.problem)
            return Draft(question, replace(answer, trace=(_traced(chosen), *answer.trace)), None, final=True)
        everywhere = chosen.paper_ids if chosen else None
        retriever = self.retriever(within=everywhere)
        settled = ""
        absent = absence_asked(text)
        if absent is not None and absent.listed is not None:
            settled = "why a list lacks a paper is told by rule"
            answer = replace(self._absence(absent.listed, absent.paper, answer_id, chosen), question=text)
        elif scope is None:
            answer = self.quoting(retriever).answer(question, answer_id=answer_id)
        else:
            within = frozenset(scope.paper_ids) & (everywhere or frozenset(scope.paper_ids))
            whole, retriever = retriever, self.retriever(within=within)
            if question.kind == "collection":  # no talk about all papers: some are referred to
                question = replace(question, kind="list" if scope.only else "fact")
            if scope.every:
                settled = "what is asked of the papers is told by rule"
                left = within - frozenset(scope.without) - self._listed(scope.but, whole)
                answer = all_of(question, answer_id, retriever, scope, sorted(left))
            elif scope.sides:
                settled = "which papers are compared is told by rule"
                answer = compared(question, answer_id, retriever, scope)
            else:
                answer = self._scoped(question, answer_id, scope, whole, retriever)
        if answer.abstained and typed != text and not (scope and scope.only):
            whole = self.retriever(within=everywhere)
            found = self._elsewhere(text if scope else typed, typed, answer_id, scope, whole)
            if found is not None:
                answer, retriever = found, whole
        if typed != text:
            answer = replace(answer, question=typed, trace=(f"follow-up: read as “{text}”", *answer.trace))
        if chosen is not None:
            answer = replace(answer, trace=(_traced(chosen), *answer.trace))
        return Draft(question, answer, retriever, settled=settled)

    def _elsewhere(
        self, text: str, typed: str, answer_id: str, scope: Scope | None, retriever: Retriever
    ) -> Answer | None:
        """What a follow-up finds beyond the papers it refers to, then in its original wording.

        An answer that does not cite one of these papers first is about something else.
        """
        for wording in dict.fromkeys((text, typed)):
            found = self.quoting(retriever).answer(self.understand(wording), answer_id=answer_id)
            cited = papers_of(found)
            if cited and (scope is None or cited[0] in scope.paper_ids):
                return found
        return None

    def _scoped(
        self, question: Question, answer_id: str, scope: Scope, everywhere: Retriever, within: Retriever
    ) -> Answer:
        """An answer from the papers referred to; members of a list are judged among all papers."""
        told_by_one = len(scope.paper_ids) == 1 and not scope.only and not question.wants_metadata
        if told_by_one and question.kind in ("fact", *LISTS):
            return self.quoting(within).facts.answer(answer_id, question)
        if question.kind in LISTS and not question.wants_metadata:
            cut = narrowed(self.quoting(everywhere).answer(question, answer_id=answer_id), scope)
            if cut is not None:
                return replace(cut, kind=question.kind)  # papers that stood below the sentences of a fact, too
            if not question.unknown:
                return best_of(question, answer_id, within, scope)
        return self.quoting(within).answer(question, answer_id=answer_id)

    def _listed(self, text: str, everywhere: Retriever) -> frozenset[str]:
        """The papers of a list, judged among all; none without a question."""
        if not text:
            return frozenset()
        question = self.understand(text)
        listed = self.quoting(everywhere).lists.answer("", replace(question, kind="list"))
        return frozenset(entry.paper_id for entry in listed.items)

    def absence(
        self, listed: str, paper: str, answer_id: str, filters: Filters | None, shown: Container[str] | None = None
    ) -> Answer:
        """Why the list that answers a question does not have a paper, given by its id, title or name, or has it.

        Args:
            shown: the papers of the list as it was given, where it was narrowed after.
        """
        return self._absence(listed, paper, answer_id, self.select(filters), shown)

    def _absence(
        self, listed: str, paper: str, answer_id: str, chosen: Selection | None, shown: Container[str] | None = None
    ) -> Answer:
        retriever = self.retriever(within=chosen.paper_ids if chosen else None)
        return explain_absence(
            self.understand(listed), paper, lists=self.quoting(retriever).lists, retriever=retriever,
            level=self._settings.refusal, answer_id=answer_id, shown=shown,
        )

    def understand(self, text: str) -> Question:
        """How a question is read."""
        with self._opening:  # numpy reads its files with `ast`, which Python 3.11 cannot do in two threads at once
            reader = self._reader = self._reader or open_reader(self._embedder)
        return understand(
            text, self._collection, read=lambda text: reader.read(text, self._embedder), is_word=self._embedder.is_word,
        )

    def select(self, filters: Filters | None) -> Selection | None:
        """The papers that pass, where there are filters."""
        return resolve(filters, self._collection) if filters else None

    def retriever(self, *, within: frozenset[str] | None = None) -> Retriever:
        """What papers are found with; ``within``: among these only."""
        return Retriever(self._collection, self._embedder, within=within, reranker=self._reranker)

    def quoting(self, retriever: Retriever) -> Extractive:
        """The answerer that quotes from what a retriever finds."""
        return Extractive(
            retriever, top_k=self._settings.top_k, candidates=self._settings.candidates,
            refusal=self._settings.refusal,
        )


def _traced(chosen: Selection) -> str:
    return f"filter: {chosen.label}: {len(chosen.paper_ids)} papers"


def _nothing_left(answer_id: str, question: Question, problem: str) -> Answer:
    text = f"I cannot answer that: {problem}."
    return Answer(
        answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=True),), abstained=True,
        reason=problem, trace=question.trace,
    )
