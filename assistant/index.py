"""Chunk vectors in Chroma: the only file that knows Chroma.

Vectors come from outside, always: Chroma's own default model would be downloaded. The collection is made with
cosine distance and a denser graph than Chroma's default, which misses 12 % of the exact top 100 at 5,000
vectors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from assistant.errors import StorageError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

COLLECTION = "chunks"
GRAPH = {"space": "cosine", "ef_construction": 200, "ef_search": 300, "max_neighbors": 32}

Floats = npt.NDArray[np.float32]


class VectorIndex:
    """Chunk ids and their vectors, in a folder or on a Chroma server."""

    def __init__(self, folder: Path, *, url: str | None = None) -> None:
        """Connect, making the collection if there is none.

        Raises:
            StorageError: the folder cannot be opened or the server does not answer.
        """
        self._client = _client(folder, url)
        try:
            self._collection = self._client.get_or_create_collection(
                COLLECTION, embedding_function=None, configuration={"hnsw": GRAPH}  # type: ignore[arg-type]
            )
            self._batch = int(self._client.get_max_batch_size())
        except Exception as exc:  # Chroma raises its own, sqlite's, and Rust panics as plain exceptions
            raise StorageError(f"Chroma cannot open its collection ({exc}); run: ingest rebuild") from exc

    def upsert(self, ids: Sequence[str], vectors: Floats, metadatas: Sequence[dict[str, Any]]) -> None:
        """Write (n, d) vectors under ``ids``; those there already are replaced."""
        for start in range(0, len(ids), self._batch):
            part = slice(start, start + self._batch)
            self._collection.upsert(
                ids=list(ids[part]), embeddings=vectors[part], metadatas=list(metadatas[part])
            )

    def delete(self, ids: Sequence[str]) -> None:
        """Forget ``ids``; unknown ones are no error."""
        for start in range(0, len(ids), self._batch):
            self._collection.delete(ids=list(ids[start:start + self._batch]))

    def delete_paper(self, paper_id: str) -> None:
        """Forget every chunk of a paper, however many there are."""
        self._collection.delete(where={"paper_id": paper_id})

    def search(self, vector: Floats, *, limit: int) -> list[tuple[str, float]]:
        """The ``limit`` chunks nearest to one (d,) vector as (chunk_id, cosine), best first."""
        if limit < 1 or self._collection.count() == 0:
            return []
        found = self._collection.query(
            query_embeddings=vector[np.newaxis], n_results=min(limit, self._collection.count()), include=["distances"]
        )
        distances = (found["distances"] or [[]])[0]
        return [(chunk, 1.0 - distance) for chunk, distance in zip(found["ids"][0], distances, strict=True)]

    def vectors(self, ids: Sequence[str]) -> dict[str, Floats]:
        """The stored vectors of those ``ids`` that exist."""
        stored: dict[str, Floats] = {}
        for start in range(0, len(ids), self._batch):
            found = self._collection.get(ids=list(ids[start:start + self._batch]), include=["embeddings"])
            for chunk, vector in zip(found["ids"], np.asarray(found["embeddings"], np.float32), strict=True):
                stored[chunk] = vector
        return stored

    def ids(self) -> Iterator[str]:
        """Every stored chunk id."""
        for start in range(0, self._collection.count(), self._batch):
            yield from self._collection.get(limit=self._batch, offset=start, include=[])["ids"]

    def count(self) -> int:
        """How many chunks are stored."""
        return int(self._collection.count())


def forget_client(folder: Path) -> None:
    """Drop Chroma's cached client of ``folder``: it would not see what another process has written since."""
    from chromadb.api.shared_system_client import SharedSystemClient

    systems = SharedSystemClient._identifier_to_system
    system = systems.pop(str(folder), None)
    if system is not None:
        system.stop()


def _client(folder: Path, url: str | None) -> ClientAPI:
    # Chroma reads this at import, before any Settings can reach it.
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    import chromadb
    from chromadb.config import Settings

    quiet = Settings(anonymized_telemetry=False)
    try:
        if url is None:
            return chromadb.PersistentClient(path=str(folder), settings=quiet)
        parts = urlsplit(url)
        return chromadb.HttpClient(
            host=parts.hostname or "localhost", port=parts.port or 8000, ssl=parts.scheme == "https", settings=quiet
        )
    except Exception as exc:
        where = "ASSISTANT_CHROMA_URL" if url else "the index folder"
        raise StorageError(f"Chroma cannot open {where} ({type(exc).__name__}: {exc})") from exc
