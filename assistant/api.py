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
from assistant.records import Answer, Hit, Paper
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

    @classmethod
    def open(cls, settings: Settings | None = None) -> Assistant:
        """Open the index that ``ingest`` made.

        Args:
            settings: default: from the environment and ``.env``.
        Raises:
            StorageError: there is no index, or it was made by another embedder.
            EmbedderError: the model is missing or damaged.

        >>> Assistant.open().ask("which methods edit GPT-J?").matched  # doctest: +SKIP
        """
        from assistant.embedder import open_embedder
        from assistant.settings import load_settings

        settings = settings or load_settings()
        collection = Collection(settings)
        embedder = open_embedder(settings.embedder_dir, precision=settings.precision, threads=settings.threads)
        collection.check_embedder(embedder)
        return cls(collection, embedder, settings)

    def ask(self, question: str, *, answer_id: str | None = None) -> Answer:
        """Answer one question; never raises for what the question says.

        A question is cut after 10,000 characters. ``answer_id`` defaults to a hash of the question.
        """
        return self.collection.read(lambda: self._ask(question, answer_id))

    def _ask(self, question: str, answer_id: str | None) -> Answer:
        began = time.perf_counter()
        text = question[:MAX_QUESTION]
        answer_id = answer_id or hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
        answer = self.extractive().answer(self._understand(text), answer_id=answer_id)
        return replace(answer, timings={"total": round((time.perf_counter() - began) * 1000, 1)})

    def understand(self, question: str) -> Question:
        """How a question is read: its kind, names, exclusions and topic."""
        return self.collection.read(lambda: self._understand(question[:MAX_QUESTION]))

    def _understand(self, text: str) -> Question:
        return understand(text, self.collection, is_word=self._embedder.is_word)

    def search(self, question: str, *, limit: int = 10, name: str | None = None) -> list[Hit]:
        """The best papers for a question, best first; with ``name`` only among those that mention it."""
        return self.collection.read(lambda: self._search(question[:MAX_QUESTION], limit, name))

    def _search(self, question: str, limit: int, name: str | None) -> list[Hit]:
        among = sorted(self._with_name(name)) if name is not None else None
        retriever = self.retriever()
        query = retriever.query(question)
        return retriever.search(query, limit=limit, candidates=self.settings.candidates, among=among)

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

    def retriever(self) -> Retriever:
        """What `ask` and `search` find papers with."""
        return Retriever(self.collection, self._embedder)

    def extractive(self) -> Extractive:
        """The answerer that quotes."""
        return Extractive(
            self.retriever(), top_k=self.settings.top_k, candidates=self.settings.candidates,
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
