"""Chunk vectors in Chroma: the only file that knows Chroma.

Vectors come from outside, always: Chroma's own default model would be downloaded. The collection is made with
cosine distance and a denser graph than Chroma's default, which misses 12 % of the exact top 100 at 5,000
vectors, and the graph is walked for more results than are asked for: see `BEAM`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from assistant.errors import DamagedPart, StorageError, panics_as_errors
from assistant.index.room import no_room

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from chromadb.config import System

COLLECTION = "chunks"
GRAPH = {"space": "cosine", "ef_construction": 200, "ef_search": 300, "max_neighbors": 32}
SYNC_AFTER = 1000  # chunks written, by Chroma's default
WORTH_SETTLING = 5000  # chunks in the graph
BEAM = 2000  # results the graph is walked for at least; for 300, that of 30,000 chunks misses 5 % of the nearest 100
FILTERED_BEAM = 600  # the same among given chunks: of a tenth of 100,000 it misses 0.3 % of the nearest 100
FEW = 1500  # chunks that are compared one by one: walking the graph for so few takes longer
ATTEMPTS = 3  # at a search, while another process writes
SAMPLE = 1000  # elements of the graph looked at before it is loaded
HEADER_BYTES = 100
CHECKED_BYTES = 64 << 20  # of a database whose pages are looked at before it is opened: a tenth of a second
LOOK_AGAIN_S = 0.1

Floats = npt.NDArray[np.float32]
T = TypeVar("T")

_opening = threading.Lock()


class VectorIndex:
    """Chunk ids and their vectors, in a folder or on a Chroma server."""

    def __init__(self, folder: Path, *, url: str | None = None, name: str = COLLECTION, create: bool = False) -> None:
        """Connect; with ``create`` make the collection if there is none.

        Raises:
            StorageError: there is no collection, it is damaged, or the server does not answer.
        """
        self._folder = folder
        self._url = url
        self._name = name
        self._create = create
        self._system: System | None = None
        self._open()

    def _open(self) -> None:
        if self._url is None and not self._create and not (self._folder / "chroma.sqlite3").exists():
            raise DamagedPart("the vectors are missing")
        if self._url is None:
            _check_database(self._folder / "chroma.sqlite3")
            _check_graphs(self._folder)
        client, self._system = _client(self._folder, self._url)
        try:
            with panics_as_errors():
                self._collection = self._get(client)
                self._batch = int(client.get_max_batch_size())
        except Exception as exc:  # Chroma raises its own, sqlite's, and panics of Rust
            self.close()
            raise self._failure("Chroma cannot open the vectors", exc) from exc

    def _get(self, client: ClientAPI) -> Collection:
        from chromadb.errors import NotFoundError

        try:  # first, because asking to create what exists is a write too
            return client.get_collection(self._name, embedding_function=None)
        except NotFoundError:
            if not self._create:
                raise
        return client.get_or_create_collection(
            self._name, embedding_function=None, configuration={"hnsw": GRAPH}  # type: ignore[arg-type]
        )

    def close(self) -> None:
        """Let go of the files; whoever opens them next sees what has been written since."""
        if self._system is not None:
            self._system.stop()
            self._system = None

    def upsert(self, ids: Sequence[str], vectors: Floats, metadatas: Sequence[dict[str, Any]]) -> None:
        """Write (n, d) vectors under ``ids``; those there already are replaced."""
        for start in range(0, len(ids), self._batch):
            part = slice(start, start + self._batch)
            with self._translated():
                self._collection.upsert(
                    ids=list(ids[part]), embeddings=vectors[part], metadatas=list(metadatas[part])
                )

    def delete(self, ids: Sequence[str]) -> None:
        """Forget ``ids``; unknown ones are no error."""
        for start in range(0, len(ids), self._batch):
            with self._translated():
                self._collection.delete(ids=list(ids[start:start + self._batch]))

    def settle(self) -> None:
        """Put what was written lately into the graph's files, where whoever opens them next need not add it again.

        Chroma does so after every `SYNC_AFTER` chunks, and has no call for it: so that number is let down and a chunk
        written that is there already. A server looks after its own files, and a small graph is soon made.
        """
        if self._url is not None or self.count() < WORTH_SETTLING:
            return
        try:
            self._sync_after(2)  # the least Chroma takes
            some = self._collection.get(limit=1, include=["embeddings", "metadatas"])
            with self._translated():
                self._collection.upsert(
                    ids=some["ids"], embeddings=some["embeddings"], metadatas=some["metadatas"]
                )
        finally:
            self._sync_after(SYNC_AFTER)

    def _sync_after(self, chunks: int) -> None:
        """Set after how many chunks the graph is written to disk; Chroma heeds it from the next opening on."""
        with self._translated():
            self._collection.modify(configuration={"hnsw": {"sync_threshold": chunks}})
        self.close()
        self._open()

    def ids_of(self, paper_ids: Sequence[str]) -> list[str]:
        """Every stored chunk of these papers."""
        found: list[str] = []
        for paper_id in paper_ids:
            with self._translated():
                found += self._collection.get(where={"paper_id": paper_id}, include=[])["ids"]
        return found

    def search(
        self, vector: Floats, *, limit: int, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """The ``limit`` chunks nearest to one (d,) vector as (chunk_id, cosine), best first; fewer if there are.

        With ``among`` of these chunk ids only, all of which are stored.

        Raises:
            StorageError: Chroma fails.
        """
        def query() -> list[tuple[str, float]]:
            wide = max(limit, BEAM) if among is None else min(max(limit, FILTERED_BEAM), len(among))
            found = self._collection.query(
                query_embeddings=vector[np.newaxis], include=["distances"], n_results=wide,
                ids=None if among is None else list(among),
            )
            distances = (found["distances"] or [[]])[0]
            nearest = zip(found["ids"][0][:limit], distances[:limit], strict=True)
            return [(chunk, 1.0 - distance) for chunk, distance in nearest]

        if among is not None and len(among) <= FEW:
            stored = self.vectors(among)
            cosines = {chunk: float(found @ vector) for chunk, found in stored.items()}
            return sorted(cosines.items(), key=lambda hit: (-hit[1], hit[0]))[:limit]

        return self._again(query)

    def vectors(self, ids: Sequence[str]) -> dict[str, Floats]:
        """The stored vectors of those ``ids`` that exist."""
        stored: dict[str, Floats] = {}
        for start in range(0, len(ids), self._batch):
            with self._translated():
                found = self._collection.get(ids=list(ids[start:start + self._batch]), include=["embeddings"])
            for chunk, vector in zip(found["ids"], np.asarray(found["embeddings"], np.float32), strict=True):
                stored[chunk] = vector
        return stored

    def ids(self) -> Iterator[str]:
        """Every stored chunk id."""
        for start in range(0, self.count(), self._batch):
            with self._translated():
                page = self._collection.get(limit=self._batch, offset=start, include=[])["ids"]
            yield from page

    def count(self) -> int:
        """How many chunks are stored."""
        return self._again(lambda: int(self._collection.count()))

    def drop(self, name: str) -> None:
        """Delete another collection of the same server or folder, if it is there."""
        client, system = _client(self._folder, self._url)
        with contextlib.suppress(Exception):  # gone is what was asked for
            client.delete_collection(name)
        if system is not None:
            system.stop()

    def _again(self, work: Callable[[], T]) -> T:
        """Do ``work``; if it fails, reopen and retry: an open client trips over what another process deleted."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with panics_as_errors():
                    return work()
            except Exception as exc:
                if attempt == ATTEMPTS:
                    raise self._failure("Chroma cannot search", exc) from exc
                self.close()
                self._open()
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with panics_as_errors():
                yield
        except Exception as exc:
            raise self._failure("Chroma failed", exc) from exc

    def _failure(self, what: str, exc: Exception) -> StorageError:
        """Return what to raise for an error of Chroma's: a server that is busy or gone has lost nothing."""
        from chromadb.errors import NotFoundError

        if self._url is not None and not isinstance(exc, NotFoundError):
            return StorageError(f"the Chroma server of ASSISTANT_CHROMA_URL failed ({_first_line(exc)}); try again")
        return _damage(what, exc)


def _damage(what: str, exc: Exception) -> StorageError:
    """Return what to raise for an error of a folder: a rebuild mends no full disk."""
    return no_room(exc) or DamagedPart(f"{what} ({_first_line(exc)})")


def _first_line(exc: Exception) -> str:
    return f"{type(exc).__name__}: {exc}".splitlines()[0][:200]


def _client(folder: Path, url: str | None) -> tuple[ClientAPI, System | None]:
    # Chroma reads this at import, before any Settings can reach it.
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

    quiet = Settings(anonymized_telemetry=False)
    try:
        if url is None:
            # Chroma hands every client of a folder the same system, which does not see what other processes
            # write. Taken off its list, this one is ours alone: to be closed and opened anew.
            place = str(folder.resolve())
            systems = SharedSystemClient._identifier_to_system
            with _opening, panics_as_errors():
                try:
                    client = chromadb.PersistentClient(path=place, settings=quiet)
                finally:
                    system = systems.pop(place, None)
            return client, system
        parts = urlsplit(url)
        return chromadb.HttpClient(
            host=parts.hostname or "localhost", port=parts.port or 8000, ssl=parts.scheme == "https", settings=quiet
        ), None
    except Exception as exc:
        if url is None:
            raise _damage("Chroma cannot open the vectors", exc) from exc
        raise StorageError(f"the Chroma server of ASSISTANT_CHROMA_URL does not answer ({_first_line(exc)})") from exc


def _check_database(path: Path) -> None:
    """Look at the pages of a small database before Chroma does: at some that are damaged it ends the process.

    Raises:
        DamagedPart: SQLite finds a fault.
    """
    if not path.exists() or path.stat().st_size > CHECKED_BYTES:
        return
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as exc:  # the second: of a message that quotes what is damaged
        raise _damage("the vectors cannot be read", exc) from exc
    if found != "ok":
        raise DamagedPart("the vectors are damaged")


def _check_graphs(folder: Path) -> None:
    """Look at the graph files before Chroma does: of damaged ones it makes wrong results or a crash of the process.

    A writer puts a graph to disk file by file, so one that looks damaged is looked at again.

    Raises:
        DamagedPart: a file is missing, cut short, or holds numbers that cannot be.
    """
    for header in folder.glob("*/header.bin"):
        for attempt in range(1, ATTEMPTS + 1):
            if _is_whole(header):
                break
            if attempt == ATTEMPTS:
                raise DamagedPart("the vectors are damaged")
            time.sleep(LOOK_AGAIN_S)


def _is_whole(header: Path) -> bool:
    """Return whether a graph can be loaded.

    Layout of hnswlib as Chroma writes it: header.bin has, after a version and an offset, the capacity, the
    number of elements and the bytes of one; each element of data_level0.bin begins with its number of neighbours.
    """
    written = header.with_name("index_metadata.pickle")  # last of all, once the graph is on disk
    try:
        head = header.read_bytes()
        if not written.exists():
            # Never put to disk: Chroma makes it from its log at every opening, emptying the files first. They hold
            # nothing, and another process that opens it just now may leave any part of nothing.
            return len(head) < HEADER_BYTES or struct.unpack_from("<Q", head, 20) == (0,)
        count, size = struct.unpack_from("<2Q", head, 20)
        neighbours = struct.unpack_from("<Q", head, 68)[0]
        data = np.memmap(header.with_name("data_level0.bin"), dtype=np.uint8, mode="r")
        if len(head) < HEADER_BYTES or size <= 4 or len(data) < count * size or not written.stat().st_size:
            return False
        rows = data[:count * size].reshape(count, size)[::max(1, count // SAMPLE), :4]
        return not count or bool((np.ascontiguousarray(rows).view("<u4") & 0xFFFF).max() <= neighbours)
    except (OSError, ValueError, struct.error):
        return False
