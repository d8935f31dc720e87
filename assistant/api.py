"""The Python front door: open a collection, ask it."""

from __future__ import annotations

import threading
import time
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.answering.drafting import Draft, Drafting
from assistant.answering.trace_file import log_answer
from assistant.answering.wording import cut_notice
from assistant.backends.circuit import ModelServers
from assistant.closing import Closing
from assistant.errors import MisuseError
from assistant.index.collection import Collection
from assistant.query.parse import looked_at
from assistant.records import Answer, Hit, Paper, id_of
from assistant.retrieval.filters import Filters, Selection, resolve
from assistant.writing.stream import AnswerStream, AsyncAnswerStream, Brake, Pieces

if TYPE_CHECKING:
    from assistant.answering.extractive import Extractive
    from assistant.answering.narrowing import Scope
    from assistant.backends.base import Backend
    from assistant.backends.caps import SessionCap
    from assistant.embedding.embedder import Embedder
    from assistant.query.parse import Question
    from assistant.records import Turn
    from assistant.retrieval.retriever import Ranking, Retriever
    from assistant.settings import Settings


class Assistant(Closing):
    """Answers questions about one collection. Made by `Assistant.open`."""

    def __init__(
        self, collection: Collection, embedder: Embedder, settings: Settings, *, drafting: Drafting | None = None,
        servers: ModelServers | None = None,
    ) -> None:
        """``drafting`` and ``servers``: those of another assistant, whose the collection and the embedder are."""
        self.collection = collection
        self.settings = settings
        self._embedder = embedder
        self._drafting = drafting or Drafting(collection, embedder, settings)
        self.servers = servers or ModelServers()
        self._opening = threading.Lock()
        self._model: Backend | None = None
        self._cap: SessionCap | None = None
        self._lent = drafting is not None

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
        from assistant.embedding.embedder import open_embedder
        from assistant.settings import load_settings

        settings = settings or load_settings()
        collection = Collection(settings)
        embedder = open_embedder(settings.embedder_dir, precision=settings.precision, threads=settings.threads)
        collection.check_embedder(embedder)
        return cls(collection, embedder, settings)

    def with_settings(self, settings: Settings) -> Assistant:
        """Another over the same collection and embedder, which closing it leaves open; it must not outlive this one."""
        drafting = self._drafting.with_settings(settings)
        return Assistant(self.collection, self._embedder, settings, drafting=drafting, servers=self.servers)

    def ask(
        self, question: str, *, answer_id: str | None = None, filters: Filters | None = None,
        scope: Scope | None = None, original: str | None = None, cap: SessionCap | None = None,
    ) -> Answer:
        """Answer one question; never raises for what the question says, nor for what a language model does.

        Args:
            question: cut after 2,000 characters, which the answer then says.
            answer_id: default: a hash of the question.
            filters: only papers that pass them are looked at; if there are none, the answer is a refusal that says so.
            scope: the papers it refers back to; see `assistant.conversation`.
            original: what the user wrote, where ``question`` puts it into other words; it is searched too.
            cap: what the session may still use of a language model; default: one for this assistant.
        Raises:
            MisuseError: the question is no text.
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
        text, typed = looked_at(question), looked_at(original or question)
        answer_id = answer_id or id_of(typed)
        draft = self.collection.read(lambda: self._drafting.draft(text, typed, answer_id, filters, scope))
        drafted = round((time.perf_counter() - began) * 1000, 1)
        cut = cut_notice(original or question)
        if cut:
            yield cut
        for piece in self._answered(draft, typed, cap, brake):
            if isinstance(piece, Answer):
                total = round((time.perf_counter() - began) * 1000, 1)
                timings = {"total": total, "quoting": drafted, **piece.timings}
                piece = replace(piece, text=cut + piece.text, timings=timings)
                if self.settings.trace_file is not None:
                    log_answer(piece, self.settings.trace_file, with_text=self.settings.trace_text)
            yield piece

    def quote(self, question: str, *, scope: Scope | None = None, filters: Filters | None = None) -> Answer:
        """The extractive answer, whoever writes answers; see `ask`."""
        text = looked_at(question)
        return self.collection.read(lambda: self._drafting.draft(text, text, filters=filters, scope=scope)).answer

    def rewrite(self, question: str, turns: Sequence[Turn], cap: SessionCap | None, brake: Brake) -> str | None:
        """A follow-up in words of its own, by the language model in use; None if it gives none."""
        from assistant.backends.messages import BackendError
        from assistant.writing.calls import Calls
        from assistant.writing.rewriting import rewritten

        try:
            calls = Calls(self._backend(), cap or self._session_cap(), self.servers)
        except BackendError:
            return None
        brake.stops(calls)
        return rewritten(question, turns, calls, budget=self.settings.history_tokens)

    def _answered(self, draft: Draft, typed: str, cap: SessionCap | None, brake: Brake) -> Pieces:
        if self.settings.model_backend is None or draft.final:
            yield draft.answer.text
            yield draft.answer
        else:
            yield from self._written(draft, typed, cap or self._session_cap(), brake)

    def _written(self, draft: Draft, typed: str, cap: SessionCap, brake: Brake) -> Pieces:
        """What the answerer in use makes of a draft."""
        from assistant.backends.messages import BackendError
        from assistant.writing.calls import Calls
        from assistant.writing.fallback import not_available
        from assistant.writing.generative import Task
        from assistant.writing.table import open_answerer

        try:
            calls = Calls(self._backend(), cap, self.servers)
        except BackendError as error:
            yield from not_available(draft.answer, self.settings.model_backend or "", error)
            return
        brake.stops(calls)
        answerer = open_answerer(self.settings, draft.retriever or self.retriever(), self._embedder)
        yield from answerer.write(Task(draft.question, typed, draft.answer, draft.settled), calls)

    def _backend(self) -> Backend:
        """The language model in use, opened when first asked."""
        from assistant.backends.table import open_backend

        with self._opening:
            if self._model is None:
                self._model = open_backend(self.settings, servers=self.servers)
            return self._model

    def _session_cap(self) -> SessionCap:
        from assistant.backends.caps import SessionCap

        with self._opening:
            if self._cap is None:
                self._cap = SessionCap.of(self.settings)
            return self._cap

    def explain_absence(
        self, question: str, paper_or_name: str, *, answer_id: str | None = None, filters: Filters | None = None,
        shown: Container[str] | None = None,
    ) -> Answer:
        """Why the list that answers ``question`` does not have a paper, given by its id, title or name, or has it.

        Args:
            shown: ids of the papers of the list, if it was narrowed after.
        """
        began = time.perf_counter()
        answer_id = answer_id or id_of(f"{question} {paper_or_name}")
        answer = self.collection.read(
            lambda: self._drafting.absence(looked_at(question), looked_at(paper_or_name), answer_id, filters, shown)
        )
        return replace(answer, timings={"total": round((time.perf_counter() - began) * 1000, 1)})

    def understand(self, question: str) -> Question:
        """How a question is read: its kind, names, exclusions and topic."""
        return self.collection.read(lambda: self._drafting.understand(looked_at(question)))

    def search(
        self, question: str, *, limit: int = 10, name: str | None = None, filters: Filters | None = None
    ) -> list[Hit]:
        """The best papers for a question, best first.

        Args:
            limit: papers at most, 1 or more.
            name: only among the papers that mention it; the same as one more of the filters' ``names``.
            filters: only among the papers that pass; `select` says why none does.
        Raises:
            MisuseError: ``limit`` is less than 1, or the question is no text.
        """
        _check_limit(limit)
        if name is not None:
            filters = replace(filters or Filters(), names=(*(filters.names if filters else ()), name))
        return self.collection.read(lambda: self._search(looked_at(question), limit, filters))

    def _search(self, question: str, limit: int, filters: Filters | None) -> list[Hit]:
        chosen = self._drafting.select(filters)
        return self._ranking(question, within=chosen.paper_ids if chosen else None).hits(limit)

    def ranking(self, question: str, *, limit: int = 10) -> list[str]:
        """The ids of what `search` finds, for those who need no more."""
        _check_limit(limit)
        return self.collection.read(lambda: self._ranking(looked_at(question)).paper_ids()[:limit])

    def _ranking(self, question: str, *, within: frozenset[str] | None = None) -> Ranking:
        retriever = self.retriever(within=within)
        return retriever.ranking(retriever.query(question), candidates=self.settings.candidates)

    def select(self, filters: Filters) -> Selection:
        """The ids of all papers that pass some filters, and, if none does, why and what there would be."""
        return self.collection.read(lambda: resolve(filters, self.collection))

    def with_name(self, name: str) -> set[str]:
        """Ids of the papers that mention a name, however it is written."""
        return self.collection.read(lambda: self._with_name(name))

    def _with_name(self, name: str) -> set[str]:
        from assistant.text.names import name_key

        return self.collection.with_name(name_key(name))

    def papers(self, paper_ids: Sequence[str]) -> list[Paper]:
        """Papers by id, those that exist, sorted by id."""
        return [entry.paper for _, entry in sorted(self.collection.store.entries(paper_ids).items())]

    def paper_ids(self, places: Sequence[str]) -> set[str]:
        """Ids of the papers read at ``FILE:LINE`` places; places nothing was read from are left out."""
        return self.collection.store.papers_at(places)

    def retriever(self, *, within: frozenset[str] | None = None) -> Retriever:
        """What `ask` and `search` find papers with; ``within``: among these only."""
        return self._drafting.retriever(within=within)

    def extractive(self, *, within: frozenset[str] | None = None) -> Extractive:
        """The answerer that quotes; ``within``: from these papers only."""
        return self._drafting.quoting(self.retriever(within=within))

    def close(self) -> None:
        """Let go of the index, and of the language model if one was asked."""
        if self._model is not None:
            self._model.close()
        if not self._lent:
            self.collection.close()


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise MisuseError(f"a search cannot give {limit} papers; give a limit of 1 or more")
