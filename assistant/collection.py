"""The open index: database, token vectors, chunk vectors and lexical index, held at one generation."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.errors import StorageError
from assistant.index import VectorIndex, forget_client
from assistant.retrieval.late import Document
from assistant.retrieval.lexical import LexicalIndex
from assistant.store import Entry, Store
from assistant.tokens import Basis, TokenFile

if TYPE_CHECKING:
    from assistant.embedder import Embedder
    from assistant.settings import Settings


MIN_NAME_SHARE = 0.6


class Collection:
    """What questions are asked of. Cheap to open; Chroma is loaded when first searched."""

    def __init__(self, settings: Settings, *, write: bool = False) -> None:
        """Open the index in ``settings.index_dir``.

        Raises:
            StorageError: there is no index, or it is damaged.
        """
        self.folder = settings.index_dir
        self._settings = settings
        if write:
            make_folder(self.folder)
        self.store = Store(self.folder / "papers.sqlite", write=write)
        self._open_parts()
        self._lock = threading.Lock()

    def _open_parts(self) -> None:
        self.card = self.store.card()
        self._generation = int(self.card["generation"])
        self._vectors: VectorIndex | None = None
        self._lexical: LexicalIndex | None = None
        self._basis: Basis | None = None
        self._tokens: TokenFile | None = None

    def refresh(self) -> None:
        """See what has been ingested since, if anything: a reader calls this before each question."""
        with self._lock:
            if self.store.generation() != self._generation:
                if self._vectors is not None and self._settings.chroma_url is None:
                    forget_client(self.folder / "chroma")
                self._open_parts()

    @property
    def generation(self) -> int:
        """The generation of the database that is being read."""
        return self._generation

    @property
    def vectors(self) -> VectorIndex:
        """Chunk vectors."""
        if self._vectors is None:
            self._vectors = VectorIndex(self.folder / "chroma", url=self._settings.chroma_url)
        return self._vectors

    @property
    def lexical(self) -> LexicalIndex:
        """Words and names."""
        if self._lexical is None:
            self._lexical = LexicalIndex(self.folder / "lexical")
        return self._lexical

    @property
    def basis(self) -> Basis:
        """The projection token vectors were stored with."""
        if self._basis is None:
            self._basis = Basis.load(self.folder / "basis.npz")
        return self._basis

    @property
    def tokens(self) -> TokenFile:
        """Token vectors."""
        if self._tokens is None:
            self._tokens = TokenFile(self.folder / self.card["token_file"], self.basis.rank)
        return self._tokens

    def documents(self, entries: Sequence[Entry]) -> list[Document]:
        """Token rows and sentence starts of papers, in order."""
        return [
            Document(
                self.tokens.rows(entry.token_start, entry.token_count),
                entry.sentences[:, 2].astype(np.int64),
            )
            for entry in entries
        ]

    def is_name(self, key: str, frequency: int) -> bool:
        """Whether a plain word is a name here: most of the ``frequency`` papers that have it write it as one."""
        return self.store.name_counts([key]).get(key, 0) >= MIN_NAME_SHARE * max(frequency, 1)

    def with_name(self, key: str) -> set[str]:
        """Ids of the papers that mention a name, by any of its spellings or by what it abbreviates."""
        found = set(self.store.papers_with_name(key))
        for expansion in self.store.expansions(key):
            if len(expansion.split()) > 1 or "-" in expansion:
                found |= set(self.lexical.with_phrase(expansion))
        return found

    def check_embedder(self, embedder: Embedder) -> None:
        """Refuse an embedder other than the one that made the index.

        Raises:
            StorageError: with both names and the way out.
        """
        made_by = self.card.get("fingerprint")
        if made_by is not None and made_by != embedder.fingerprint:
            raise StorageError(
                f"this index was made with {self.card.get('embedder')}, the model in use is {embedder.name}; set "
                "ASSISTANT_EMBEDDER_DIR back, or make another index under another ASSISTANT_HOME"
            )

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()
        if self._vectors is not None and self._settings.chroma_url is None:
            forget_client(self.folder / "chroma")


def make_folder(folder: Path) -> None:
    """Make the index folder if it is not there.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StorageError(
            f"the index folder {folder.name!r} cannot be made ({exc.strerror}); set ASSISTANT_HOME to a folder you can write to"
        ) from exc
