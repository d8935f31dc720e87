"""The Python front door: open a collection, ask it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from assistant.answering.extractive import Extractive
from assistant.collection import Collection
from assistant.question import Question, understand
from assistant.reading.reader import Reader, open_reader
from assistant.records import Answer, AnswerSentence, Hit, Paper
from assistant.retrieval.filters import Filters, Selection, resolve
from assistant.retrieval.retriever import Retriever

if TYPE_CHECKING:
    from assistant.embedder import Embedder
    from assistant.settings import Settings

MAX_QUESTION = 10_000  # characters


class Assistant:
    """Answers questions about one collection. Made by `Assistant.open`."""

    def __init__(self, collection: Collection, embedder: Embedder, settings: Settings) -> None:
        self.collection = collection
        self.settings = settings
        self._embedder = embedder
        self._reader: Reader | None = None
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

    def ask(self, question: str, *, answer_id: str | None = None, filters: Filters | None = None) -> Answer:
        """Answer one question; never raises for what the question says.

        A question is cut after 10,000 characters. ``answer_id`` defaults to a hash of the question. With ``filters``
        only papers that pass them are looked at; if there are none, the answer is a refusal that says so.
        """
        return self.collection.read(lambda: self._ask(question, answer_id, filters))

    def _ask(self, question: str, answer_id: str | None, filters: Filters | None) -> Answer:
        began = time.perf_counter()
        text = question[:MAX_QUESTION]
        answer_id = answer_id or hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
        understood = self._understand(text)
        chosen = self._select(filters)
        if chosen is None:
            answer = self.extractive().answer(understood, answer_id=answer_id)
        elif chosen.problem is not None:
            answer = _nothing_left(answer_id, understood, chosen.problem)
        else:
            answer = self.extractive(within=chosen.paper_ids).answer(understood, answer_id=answer_id)
        if chosen is not None:
            answer = replace(answer, trace=(_traced(chosen), *answer.trace))
        return replace(answer, timings={"total": round((time.perf_counter() - began) * 1000, 1)})

    def understand(self, question: str) -> Question:
        """How a question is read: its kind, names, exclusions and topic."""
        return self.collection.read(lambda: self._understand(question[:MAX_QUESTION]))

    def _understand(self, text: str) -> Question:
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
        retriever = self.retriever(within=chosen.paper_ids if chosen else None)
        return retriever.search(retriever.query(question), limit=limit, candidates=self.settings.candidates)

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
        return Extractive(
            self.retriever(within=within), top_k=self.settings.top_k, candidates=self.settings.candidates,
            refusal=self.settings.refusal,
        )

    def close(self) -> None:
        """Let go of the index."""
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
