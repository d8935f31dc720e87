"""The Python front door: open a collection, ask it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING

from assistant.answering.absence import absence_asked
from assistant.answering.extractive import LISTS, Extractive
from assistant.answering.narrowing import Scope, all_of, best_of, narrowed
from assistant.answering.stream import AnswerStream, AsyncAnswerStream, Brake, Pieces
from assistant.collection import Collection
from assistant.followup import papers_of
from assistant.question import Question, understand
from assistant.reading.reader import Reader, open_reader
from assistant.records import Answer, AnswerSentence, Hit, Paper, id_of
from assistant.retrieval.filters import Filters, Selection, resolve
from assistant.retrieval.retriever import Ranking, Retriever
from assistant.tracefile import log_answer

if TYPE_CHECKING:
    from assistant.backends.base import Backend
    from assistant.backends.caps import SessionCap
    from assistant.embedder import Embedder
    from assistant.followup import Turn
    from assistant.settings import Settings

MAX_QUESTION = 10_000  # characters


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question that has its extractive answer."""

    question: Question
    draft: Answer
    retriever: Retriever | None    # over the papers it is answered from; None if there are none
    settled: str = ""              # why a model has nothing to add
    final: bool = False            # the draft is the answer


class Assistant:
    """Answers questions about one collection. Made by `Assistant.open`."""

    def __init__(self, collection: Collection, embedder: Embedder, settings: Settings) -> None:
        self.collection = collection
        self.settings = settings
        self._embedder = embedder
        self._reader: Reader | None = None
        self._opening = threading.Lock()
        self._model: Backend | None = None
        self._cap: SessionCap | None = None
        self._lent = False  # collection and embedder are another's
        self._reranker = None
        if settings.reranker is not None:
            from assistant.retrieval.cross_encoder import open_reranker

            self._reranker = open_reranker(settings.reranker)

    @classmethod
    def open(cls, settings: Settings | None = None) -> Assistant:
        """Open the index that ``ingest`` made.

        Args:
            settings: default: from the environment and ``.env``.
        Raises:
            StorageError: there is no index, or it was made by another embedder.
            EmbedderError: the model is missing or damaged.
            RerankerError: ``settings.reranker`` names a model that is not there, or its extra is not installed.

        >>> Assistant.open().ask("which methods edit GPT-J?").matched  # doctest: +SKIP
        """
        from assistant.embedder import open_embedder
        from assistant.settings import load_settings

        settings = settings or load_settings()
        collection = Collection(settings)
        embedder = open_embedder(settings.embedder_dir, precision=settings.precision, threads=settings.threads)
        collection.check_embedder(embedder)
        return cls(collection, embedder, settings)

    def with_settings(self, settings: Settings) -> Assistant:
        """Another over the same collection and embedder, which closing it leaves open; it must not outlive this one."""
        other = Assistant(self.collection, self._embedder, settings.model_copy(update={"reranker": None}))
        other.settings, other._reader, other._reranker, other._lent = settings, self._reader, self._reranker, True
        return other

    def ask(
        self, question: str, *, answer_id: str | None = None, filters: Filters | None = None,
        scope: Scope | None = None, original: str | None = None, cap: SessionCap | None = None,
    ) -> Answer:
        """Answer one question; never raises for what the question says, nor for what a language model does.

        Args:
            question: cut after 10,000 characters.
            answer_id: default: a hash of the question.
            filters: only papers that pass them are looked at; if there are none, the answer is a refusal that says so.
            scope: the papers it refers back to; see `assistant.followup`.
            original: what the user wrote, where ``question`` puts it into other words; it is searched too.
            cap: what the session may still use of a language model; default: one for this assistant.
        """
        with self.stream(
            question, answer_id=answer_id, filters=filters, scope=scope, original=original, cap=cap
        ) as stream:
            for _ in stream:
                pass
            return stream.answer

    def stream(
        self, question: str, *, answer_id: str | None = None, filters: Filters | None = None,
        scope: Scope | None = None, original: str | None = None, cap: SessionCap | None = None,
    ) -> AnswerStream:
        """The same piece by piece: texts as they may be shown, then the `Answer`, whose text is the texts joined.

        A sentence comes once it has been checked, and is never taken back; nor is its mark.
        """
        return AnswerStream(lambda brake: self.pieces(
            question, answer_id=answer_id, filters=filters, scope=scope, original=original, cap=cap, brake=brake
        ))

    async def aask(
        self, question: str, *, answer_id: str | None = None, filters: Filters | None = None,
        scope: Scope | None = None, original: str | None = None, cap: SessionCap | None = None,
    ) -> Answer:
        """`ask`, awaited; cancelling it stops the call to the model."""
        async with self.astream(
            question, answer_id=answer_id, filters=filters, scope=scope, original=original, cap=cap
        ) as stream:
            async for _ in stream:
                pass
            return stream.answer

    def astream(
        self, question: str, *, answer_id: str | None = None, filters: Filters | None = None,
        scope: Scope | None = None, original: str | None = None, cap: SessionCap | None = None,
    ) -> AsyncAnswerStream:
        """`stream`, awaited."""
        return AsyncAnswerStream(lambda: self.stream(
            question, answer_id=answer_id, filters=filters, scope=scope, original=original, cap=cap
        ))

    def pieces(
        self, question: str, *, answer_id: str | None = None, filters: Filters | None = None,
        scope: Scope | None = None, original: str | None = None, cap: SessionCap | None = None, brake: Brake,
    ) -> Pieces:
        """What `stream` yields; ``brake`` stops the calls to a model."""
        began = time.perf_counter()
        text, typed = question[:MAX_QUESTION], (original or question)[:MAX_QUESTION]
        answer_id = answer_id or id_of(typed)
        asked = self.collection.read(lambda: self._draft(text, typed, answer_id, filters, scope))
        drafted = round((time.perf_counter() - began) * 1000, 1)
        for piece in self._answered(asked, typed, cap, brake):
            if isinstance(piece, Answer):
                total = round((time.perf_counter() - began) * 1000, 1)
                piece = replace(piece, timings={"total": total, "quoting": drafted, **piece.timings})
                if self.settings.trace_file is not None:
                    log_answer(piece, self.settings.trace_file, with_text=self.settings.trace_text)
            yield piece

    def quote(self, question: str, *, scope: Scope | None = None, filters: Filters | None = None) -> Answer:
        """The extractive answer, whoever writes answers; see `ask`."""
        text = question[:MAX_QUESTION]
        return self.collection.read(lambda: self._draft(text, text, "", filters, scope)).draft

    def rewrite(self, question: str, turns: Sequence[Turn], cap: SessionCap | None, brake: Brake) -> str | None:
        """A follow-up in words of its own, by the language model in use; None if it gives none."""
        from assistant.answering.calls import Calls
        from assistant.answering.rewriting import rewritten
        from assistant.backends.base import BackendError

        try:
            calls = Calls(self._backend(), cap or self._session_cap())
        except BackendError:
            return None
        brake.stops(calls)
        return rewritten(question, turns, calls, budget=self.settings.history_tokens)

    def _answered(self, asked: _Asked, typed: str, cap: SessionCap | None, brake: Brake) -> Pieces:
        if self.settings.model_backend is None or asked.final:
            yield asked.draft.text
            yield asked.draft
        else:
            yield from self._written(asked, typed, cap or self._session_cap(), brake)

    def _written(self, asked: _Asked, typed: str, cap: SessionCap, brake: Brake) -> Pieces:
        """What the answerer in use makes of a draft."""
        from assistant.answering.calls import Calls
        from assistant.answering.fallback import not_available
        from assistant.answering.generative import Task
        from assistant.answering.table import open_answerer
        from assistant.backends.base import BackendError

        try:
            calls = Calls(self._backend(), cap)
        except BackendError as error:
            yield from not_available(asked.draft, self.settings.model_backend or "", error)
            return
        brake.stops(calls)
        answerer = open_answerer(self.settings, asked.retriever or self.retriever(), self._embedder)
        yield from answerer.write(Task(asked.question, typed, asked.draft, asked.settled), calls)

    def _draft(
        self, text: str, typed: str, answer_id: str, filters: Filters | None, scope: Scope | None
    ) -> _Asked:
        """The extractive answer, and what else a model needs to better it."""
        question = self._understand(text)
        if scope is not None and scope.has_code is not None:
            filters = replace(filters or Filters(), has_code=scope.has_code)
        chosen = self._select(filters)
        if chosen is not None and chosen.problem is not None:
            draft = _nothing_left(answer_id, question, chosen.problem)
            return _Asked(question, replace(draft, trace=(_traced(chosen), *draft.trace)), None, final=True)
        everywhere = chosen.paper_ids if chosen else None
        retriever = self.retriever(within=everywhere)
        settled = ""
        absent = absence_asked(text)
        if absent is not None and absent.listed is not None:
            settled = "why a list lacks a paper is told by rule"
            draft = replace(self._absence(absent.listed, absent.paper, answer_id, chosen), question=text)
        elif scope is None:
            draft = self._quoting(retriever).answer(question, answer_id=answer_id)
        else:
            within = frozenset(scope.paper_ids) & (everywhere or frozenset(scope.paper_ids))
            whole, retriever = retriever, self.retriever(within=within)
            if scope.every:
                settled = "what is asked of the papers is told by rule"
                draft = all_of(question, answer_id, retriever, scope, sorted(within))
            else:
                draft = self._scoped(question, answer_id, scope, whole, retriever)
        if draft.abstained and typed != text and not (scope and scope.only):
            whole = self.retriever(within=everywhere)
            found = self._elsewhere(text if scope else typed, typed, answer_id, scope, whole)
            if found is not None:
                draft, retriever = found, whole
        if typed != text:
            draft = replace(draft, question=typed, trace=(f"follow-up: read as “{text}”", *draft.trace))
        if chosen is not None:
            draft = replace(draft, trace=(_traced(chosen), *draft.trace))
        return _Asked(question, draft, retriever, settled=settled)

    def _elsewhere(
        self, text: str, typed: str, answer_id: str, scope: Scope | None, retriever: Retriever
    ) -> Answer | None:
        """What a follow-up finds beyond the papers it refers to, then in its original wording.

        An answer that does not cite one of these papers first is about something else.
        """
        for wording in dict.fromkeys((text, typed)):
            found = self._quoting(retriever).answer(self._understand(wording), answer_id=answer_id)
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
            return self._quoting(within).facts.answer(answer_id, question)
        if question.kind in LISTS:
            cut = narrowed(self._quoting(everywhere).answer(question, answer_id=answer_id), scope)
            if cut is not None:
                return cut
            if not question.unknown:
                return best_of(question, answer_id, within, scope)
        return self._quoting(within).answer(question, answer_id=answer_id)

    def _backend(self) -> Backend:
        """The language model in use, opened when first asked."""
        from assistant.backends.table import open_backend

        with self._opening:
            if self._model is None:
                self._model = open_backend(self.settings)
            return self._model

    def _session_cap(self) -> SessionCap:
        from assistant.backends.caps import SessionCap

        with self._opening:
            if self._cap is None:
                self._cap = SessionCap.of(self.settings)
            return self._cap

    def explain_absence(
        self, question: str, paper_or_name: str, *, answer_id: str | None = None, filters: Filters | None = None
    ) -> Answer:
        """Why the list that answers ``question`` does not have a paper, given by its id, title or name."""
        began = time.perf_counter()
        answer = self.collection.read(lambda: self._absence(
            question[:MAX_QUESTION], paper_or_name[:MAX_QUESTION],
            answer_id or id_of(f"{question} {paper_or_name}"), self._select(filters),
        ))
        return replace(answer, timings={"total": round((time.perf_counter() - began) * 1000, 1)})

    def _absence(self, listed: str, paper: str, answer_id: str, chosen: Selection | None) -> Answer:
        extractive = self.extractive(within=chosen.paper_ids if chosen else None)
        return extractive.explain_absence(self._understand(listed), paper, answer_id=answer_id)

    def understand(self, question: str) -> Question:
        """How a question is read: its kind, names, exclusions and topic."""
        return self.collection.read(lambda: self._understand(question[:MAX_QUESTION]))

    def _understand(self, text: str) -> Question:
        with self._opening:  # numpy reads its files with `ast`, which Python 3.11 cannot do in two threads at once
            reader = self._reader = self._reader or open_reader(self._embedder)
        return understand(
            text, self.collection, read=lambda text: reader.read(text, self._embedder), is_word=self._embedder.is_word,
        )

    def search(
        self, question: str, *, limit: int = 10, name: str | None = None, filters: Filters | None = None
    ) -> list[Hit]:
        """The best papers for a question, best first.

        Args:
            limit: papers at most.
            name: only among the papers that mention it; the same as one more of the filters' ``names``.
            filters: only among the papers that pass; `select` says why none does.
        """
        if name is not None:
            filters = replace(filters or Filters(), names=(*(filters.names if filters else ()), name))
        return self.collection.read(lambda: self._search(question[:MAX_QUESTION], limit, filters))

    def _search(self, question: str, limit: int, filters: Filters | None) -> list[Hit]:
        chosen = self._select(filters)
        return self._ranking(question, within=chosen.paper_ids if chosen else None).hits(limit)

    def ranking(self, question: str, *, limit: int = 10) -> list[str]:
        """The ids of what `search` finds, for those who need no more."""
        return self.collection.read(lambda: self._ranking(question[:MAX_QUESTION]).paper_ids()[:limit])

    def _ranking(self, question: str, *, within: frozenset[str] | None = None) -> Ranking:
        retriever = self.retriever(within=within)
        return retriever.ranking(retriever.query(question), candidates=self.settings.candidates)

    def select(self, filters: Filters) -> Selection:
        """The ids of all papers that pass some filters, and, if none does, why and what there would be."""
        return self.collection.read(lambda: resolve(filters, self.collection))

    def _select(self, filters: Filters | None) -> Selection | None:
        return resolve(filters, self.collection) if filters else None

    def with_name(self, name: str) -> set[str]:
        """Ids of the papers that mention a name, however it is written."""
        return self.collection.read(lambda: self._with_name(name))

    def _with_name(self, name: str) -> set[str]:
        from assistant.retrieval.names import name_key

        return self.collection.with_name(name_key(name))

    def papers(self, paper_ids: Sequence[str]) -> list[Paper]:
        """Papers by id, those that exist, sorted by id."""
        return [entry.paper for _, entry in sorted(self.collection.store.entries(paper_ids).items())]

    def paper_ids(self, places: Sequence[str]) -> set[str]:
        """Ids of the papers read at ``FILE:LINE`` places; places nothing was read from are left out."""
        return self.collection.store.papers_at(places)

    def retriever(self, *, within: frozenset[str] | None = None) -> Retriever:
        """What `ask` and `search` find papers with; ``within``: among these only."""
        return Retriever(self.collection, self._embedder, within=within, reranker=self._reranker)

    def extractive(self, *, within: frozenset[str] | None = None) -> Extractive:
        """The answerer that quotes; ``within``: from these papers only."""
        return self._quoting(self.retriever(within=within))

    def _quoting(self, retriever: Retriever) -> Extractive:
        return Extractive(
            retriever, top_k=self.settings.top_k, candidates=self.settings.candidates,
            refusal=self.settings.refusal,
        )

    def close(self) -> None:
        """Let go of the index, and of the language model if one was asked."""
        if self._model is not None:
            self._model.close()
        if not self._lent:
            self.collection.close()

    def __enter__(self) -> Assistant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _traced(chosen: Selection) -> str:
    return f"filter: {chosen.label}: {len(chosen.paper_ids)} papers"


def _nothing_left(answer_id: str, question: Question, problem: str) -> Answer:
    text = f"I cannot answer that: {problem}."
    return Answer(
        answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=True),), abstained=True,
        reason=problem, trace=question.trace,
    )
