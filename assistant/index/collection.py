"""The open index: database, token vectors, chunk vectors and lexical index, held at one generation."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from assistant.closing import Closing
from assistant.errors import DamagedPart, StorageError
from assistant.index.chunk_vectors import COLLECTION, VectorIndex
from assistant.index.late_interaction import Document, Match, match
from assistant.index.lexical import LexicalIndex
from assistant.index.lru import Recent
from assistant.index.room import DATABASE, copy_to_read, unwritable
from assistant.index.sqlite import EMPTY, NO_INDEX, NO_PAPERS, Entry, Store, chunk_ids, damaged_database
from assistant.index.token_vectors import Basis, Floats, TokenFile
from assistant.text.names import main_sense, writes_apart, written_apart

if TYPE_CHECKING:
    from assistant.embedding.embedder import Embedder
    from assistant.settings import Settings


MIN_NAME_SHARE = 0.6
MAX_SPELLINGS = 8  # of a name, the most frequent, that are looked for written apart
NAMES_KEPT = 16  # of 100,000 papers that all mention one, 10 MB a name
ENTRIES_KEPT = 2_000  # 10 MB, and 4 MB for as many chunk vectors
MATCHES_KEPT = 4_000  # 5 MB
ATTEMPTS = 5  # at a question, while a writer moves on

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts of an index are that follow from its database. A rebuild makes new ones beside the old."""

    chroma: Path
    chroma_name: str  # of the collection
    lexical: Path
    tokens: Path
    basis: Path

    @classmethod
    def of(cls, folder: Path, build: str) -> Parts:
        """The parts of a build; the first is "", the others are numbers."""
        suffix = f"-{build}" if build else ""
        return cls(
            folder / f"chroma{suffix}", COLLECTION + suffix, folder / f"lexical{suffix}",
            folder / f"tokens{suffix}.int8", folder / f"basis{suffix}.npz",
        )

    def paths(self) -> set[Path]:
        """All four."""
        return {self.chroma, self.lexical, self.tokens, self.basis}


class Collection(Closing):
    """What questions are asked of. Cheap to open; Chroma is loaded when first searched."""

    def __init__(self, settings: Settings, *, write: bool = False) -> None:
        """Open the index in ``settings.index_dir``.

        Raises:
            StorageError: there is no index, or it is damaged.
        """
        self.folder = settings.index_dir
        self._held = contextlib.ExitStack()
        if not write and (self.folder / DATABASE).exists() and (reason := unwritable(self.folder)):
            self.folder = Path(self._held.enter_context(copy_to_read(self.folder, reason)))
        self._settings = settings
        self._write = write
        self._lock = threading.RLock()
        self._readers = 0
        # All at one generation.
        self._named: Recent[str, frozenset[str]] = Recent(NAMES_KEPT)            # key -> papers
        self._entries: Recent[str, Entry] = Recent(ENTRIES_KEPT)                 # paper_id -> entry
        self._chunk_vectors: Recent[str, Floats] = Recent(ENTRIES_KEPT)          # chunk_id -> vector
        self._matches: Recent[tuple[str, str], Match] = Recent(MATCHES_KEPT)     # question, paper_id -> match
        self._checked = False
        if write:
            make_folder(self.folder)
        self._vectors: VectorIndex | None = None
        try:
            self.store = Store(self.folder / DATABASE, write=write)
            self._held.callback(self.store.close)
            self.reopen()
            if not write:
                self._open_for_reading(vectors=False)
        except BaseException:
            self.close()
            raise

    def reopen(self) -> None:
        """Let go of all parts and read the card anew; parts are opened when first used."""
        if self._vectors is not None:
            self._vectors.close()
        try:
            self.card = self.store.card()
        except sqlite3.Error as exc:
            raise damaged_database(exc) from exc
        self._generation = int(self.card["generation"])
        self._checked = False  # since opened
        self._chunk_counts: dict[str, int] | None = None
        self.parts = Parts.of(self.folder, self.card.get("build", ""))
        self._vectors = None
        self._lexical: LexicalIndex | None = None
        self._basis: Basis | None = None
        self._tokens: TokenFile | None = None

    def read(self, work: Callable[[], T]) -> T:
        """Do ``work`` on one finished state of the index, the newest; again if a writer moved on and it failed.

        Raises:
            StorageError: the index is damaged.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._reading():
                    return work()
            except (StorageError, sqlite3.DatabaseError) as exc:
                # Only what a writer has since replaced may fail: its old parts are gone.
                if attempt < ATTEMPTS and self._moved_on():
                    continue
                raise exc if isinstance(exc, StorageError) else damaged_database(exc) from exc
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Hold one state of the database; questions that overlap share it."""
        with self._lock:
            if self._readers == 0:
                self._open_for_reading(vectors=True)
                self.store.begin()
                if self.store.generation() != self._generation:
                    self.store.end()
                    raise StorageError("the index is being written to without pause; try again")
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                if self._readers == 0:
                    self.store.end()

    def _open_for_reading(self, *, vectors: bool) -> None:
        """Open the newest state and look whether it is whole."""
        while True:
            if self._moved_on():
                self.reopen()
            if "fingerprint" not in self.card:  # an ingest that found nothing, or was killed at once
                raise StorageError(EMPTY if self.parts.chroma.exists() else NO_INDEX)
            try:
                if not self._checked:  # Chroma reads all ids to count them
                    self.check(vectors=vectors)
                    self._checked = vectors
                return
            except StorageError as exc:
                if self._moved_on():
                    continue
                if isinstance(exc, DamagedPart) and self.card["papers"] == "0":  # the first ingest was killed early
                    raise StorageError(NO_PAPERS) from exc
                raise

    def _moved_on(self) -> bool:
        try:
            return self.store.generation() != self._generation
        except sqlite3.Error as exc:
            raise damaged_database(exc) from exc

    def check(self, *, vectors: bool = True) -> None:
        """Refuse an index whose parts hold less than its card says: counts are compared, in a second per million.

        More may be there: what is new is written before the database knows it, what is old deleted after.

        Raises:
            DamagedPart: a part is missing or damaged.
        """
        chunks, rows = (int(self.card[key]) for key in ("chunks", "token_rows"))
        if self.tokens.count() < rows:
            raise DamagedPart(f"{self.parts.tokens.name} is cut short")
        self.check_lexical()
        if vectors and self.vectors.count() < chunks:
            raise DamagedPart(f"the vectors have {self.vectors.count()} of {chunks} chunks")

    def check_lexical(self) -> None:
        """Refuse words and names that hold fewer papers than the card says.

        Raises:
            DamagedPart: there are fewer, or the files are missing or damaged.
        """
        papers = int(self.card["papers"])
        if self.lexical.count() < papers:
            raise DamagedPart(f"the lexical index has {self.lexical.count()} of {papers} papers")

    @property
    def generation(self) -> int:
        """The generation of the database that is being read."""
        return self._generation

    @property
    def vectors(self) -> VectorIndex:
        """Chunk vectors."""
        if self._vectors is None:
            self._vectors = VectorIndex(
                self.parts.chroma, url=self._settings.chroma_url, name=self.parts.chroma_name, create=self._write
            )
        return self._vectors

    @property
    def lexical(self) -> LexicalIndex:
        """Words and names."""
        if self._lexical is None:
            if not self._write and not self.parts.lexical.exists():
                raise DamagedPart("the lexical index is missing")
            self._lexical = LexicalIndex(self.parts.lexical)
        return self._lexical

    @property
    def basis(self) -> Basis:
        """The projection token vectors were stored with."""
        if self._basis is None:
            self._basis = Basis.load(self.parts.basis)
        return self._basis

    @property
    def tokens(self) -> TokenFile:
        """Token vectors."""
        if self._tokens is None:
            self._tokens = TokenFile(self.parts.tokens, self.basis.rank)
        return self._tokens

    def entries(self, paper_ids: Sequence[str]) -> dict[str, Entry]:
        """The papers that exist among ``paper_ids``; the last ones read are remembered."""
        return self._entries.get(paper_ids, self.store.entries, state=self.store.generation())

    def chunk_vectors(self, ids: Sequence[str]) -> dict[str, Floats]:
        """The stored vectors of those chunk ``ids`` that exist; the last ones read are remembered."""
        return self._chunk_vectors.get(ids, self.vectors.vectors, state=self.store.generation())

    def matches(self, text: str, tokens: Floats, entries: Mapping[str, Entry]) -> dict[str, Match]:
        """paper_id -> how its sentences meet a question's tokens; what the last questions met is remembered.

        Args:
            text: the question.
            tokens: (q, r) of the text, as `tokens.Basis.query` gives them.
        """
        def compare(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Match]:
            found = match(tokens, (self._document(entries[paper]) for _, paper in keys))
            return dict(zip(keys, found, strict=True))

        found = self._matches.get([(text, paper) for paper in entries], compare, state=self.store.generation())
        return {paper: of_paper for (_, paper), of_paper in found.items()}

    def _document(self, entry: Entry) -> Document:
        return Document(self.tokens.rows(entry.token_start, entry.token_count), entry.sentences[:, 2].astype(np.int64))

    def chunk_ids(self, paper_ids: Iterable[str]) -> list[str]:
        """The ids of all chunks of papers, as Chroma has them."""
        if self._chunk_counts is None:
            self._chunk_counts = self.store.chunk_counts()
        more = self._chunk_counts
        return [chunk for paper in paper_ids for chunk in chunk_ids(paper, more.get(paper, 1))]

    def is_name(self, key: str, frequency: int) -> bool:
        """Whether a plain word is a name here: most of the ``frequency`` papers that have it write it as one."""
        return self.store.name_counts([key]).get(key, 0) >= MIN_NAME_SHARE * max(frequency, 1)

    def with_name(self, key: str) -> set[str]:
        """Ids of the papers that mention a name in any spelling, what it is short for, or what it is shortened to.

        The last names asked for are remembered until something is written: one question asks several times.
        """
        def mentioning(keys: Sequence[str]) -> dict[str, frozenset[str]]:
            return {key: frozenset(self._mentioning(key)) for key in keys}

        return set(self._named.get([key], mentioning, state=self.store.generation())[key])

    def _mentioning(self, key: str) -> set[str]:
        found = set(self.store.papers_with_name(key))
        found |= self._writing_apart(key, found)
        spelt_out = [text for text in main_sense(self.store.expansions(key)) if len(text.split()) > 1 or "-" in text]
        found |= set(self.lexical.with_phrases(spelt_out, without_name=key))
        for short, expansion in self.store.abbreviated(key).items():
            if expansion in main_sense(self.store.expansions(short)):
                found |= set(self.lexical.with_phrases([expansion])) | set(self.store.papers_with_name(short))
        return found

    def _writing_apart(self, key: str, known: set[str]) -> set[str]:
        """Papers beside those ``known`` that write a name with spaces where others have hyphens or capitals."""
        found: set[str] = set()
        for surface in islice(self.store.spellings(key), MAX_SPELLINGS):
            for apart in written_apart(surface):
                others = set(self.lexical.with_phrases([apart])) - known - found
                found |= {
                    paper for paper, entry in self.store.entries(sorted(others)).items()
                    if writes_apart(f"{entry.paper.title or ''}\n{entry.paper.abstract}", apart, key)
                }
        return found

    def check_embedder(self, embedder: Embedder) -> None:
        """Refuse an embedder other than the one that made the index.

        Raises:
            StorageError: with both names and the way out.
        """
        made_by = self.card.get("fingerprint")
        if made_by is not None and made_by != embedder.fingerprint:
            raise StorageError(
                f"this index was made with {self.card.get('embedder')}, the model in use is "
                f"{embedder.name} {embedder.precision}; set ASSISTANT_EMBEDDER_DIR and ASSISTANT_PRECISION back, "
                "run: ingest rebuild, or name another folder with ASSISTANT_HOME"
            )

    def close(self) -> None:
        """Let go of the files."""
        if self._vectors is not None:
            self._vectors.close()
            self._vectors = None
        self._held.close()


def make_folder(folder: Path) -> None:
    """Make the index folder if it is not there.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StorageError(
            f"the index folder {folder.name!r} cannot be made ({exc.strerror}); "
            "set ASSISTANT_HOME to a folder you can write to"
        ) from exc
