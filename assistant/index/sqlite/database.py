"""The database as a file: opening it, changing it as a whole or not at all, and the card that says what it is."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.errors import StorageError
from assistant.index.room import no_room
from assistant.index.sqlite.schema import FILTERS, FROM_2, SCHEMA, SCHEMA_VERSION
from assistant.text.code_links import gives_code

NO_INDEX = "there is no index yet; make one with: ingest PATH (a file or folder of abstracts, such as seeds/)"
NO_PAPERS = "the index has no papers yet; run the ingest again, or: ingest PATH (a file or folder of abstracts)"
EMPTY = "the index's database is empty, the rest is not; move the index folder away and run ingest again"
COUNTS = ("papers", "chunks", "token_rows")  # on the card, so that what is missing elsewhere shows at once
SPAN_BYTES = 8  # of a chunk's start and end as stored
BATCH = 500  # bound variables in one statement; SQLite's oldest limit is 999


class Database:
    """One SQLite file. Opened read-only for questions, for writing by the one ingest that holds the lock."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        """Open the file, making it if ``write``, and bringing one of the schema before up to date.

        Raises:
            StorageError: there is none, it cannot be opened, or another version of the program made it.
        """
        self.path = path
        new = not path.exists()
        if new and not write:
            raise StorageError(NO_INDEX)
        try:
            # Read-only connections too need write access for the write-ahead log's shared memory, so ask
            # SQLite itself to refuse writes.
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
            if write:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._create()
                self._upgrade()
            else:
                self._db.execute("PRAGMA query_only=1")
                if not self._has_card():  # the first ingest was killed at once
                    raise StorageError(EMPTY if any(path.parent.glob("*.npz")) else NO_INDEX)
            version = self.card().get("schema")
            if _ends_in_mid_page(path, int(self._db.execute("PRAGMA page_size").fetchone()[0])):
                raise sqlite3.DatabaseError("it is cut short")
        except sqlite3.Error as exc:
            raise damaged_database(exc) from exc
        if version != str(SCHEMA_VERSION):
            way_out = "run: ingest rebuild" if version == "2" else "move the index folder away and run ingest again"
            raise StorageError(f"this index has schema {version}, this program reads {SCHEMA_VERSION}; {way_out}")

    def _create(self) -> None:
        if self._has_card():
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._run(SCHEMA + FILTERS)
        self._db.executemany(
            "INSERT INTO card VALUES (?, ?)",
            [("schema", str(SCHEMA_VERSION)), *((key, "0") for key in ("generation", *COUNTS))],
        )
        self._db.execute("COMMIT")

    def _has_card(self) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'card'").fetchone() is not None

    def _upgrade(self) -> None:
        """Schema 2 had no years, authors and code flags. What it stored stays; names are read anew by a rebuild."""
        if self.card().get("schema") != "2":
            return
        with self.transaction():
            self._run(FROM_2 + FILTERS)
            self._db.create_function("gives_code", 1, gives_code, deterministic=True)
            self._db.execute("UPDATE papers SET has_code = gives_code(abstract)")
            self.set_card({"schema": "3"})

    def _run(self, script: str) -> None:
        for statement in script.split(";\n"):
            if statement.strip():
                self._db.execute(statement)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block's writes, or none; each one committed is a new generation."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("UPDATE card SET value = value + 1 WHERE key = 'generation'")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def begin(self) -> None:
        """Read one state of the database from here to `end`, whatever is written meanwhile."""
        self._db.execute("BEGIN")
        self.generation()  # SQLite takes its snapshot at the first read

    def end(self) -> None:
        """End what `begin` began."""
        self._db.execute("COMMIT")

    def _select(self, query: str, values: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(values), BATCH):
            part = values[start:start + BATCH]
            yield from self._db.execute(query.format(",".join("?" * len(part))), part)

    # -- the card

    def card(self) -> dict[str, str]:
        """What the index is: schema, generation, build, embedder, fingerprint, dimension, chunk_tokens, counts."""
        return dict(self._db.execute("SELECT key, value FROM card"))

    def generation(self) -> int:
        """Goes up with every committed change."""
        return int(self._db.execute("SELECT value FROM card WHERE key = 'generation'").fetchone()[0])

    def set_card(self, values: Mapping[str, str]) -> None:
        """Put values on the card; call inside a transaction."""
        self._db.executemany("INSERT OR REPLACE INTO card VALUES (?, ?)", list(values.items()))

    def count_anew(self) -> dict[str, str]:
        """The card's counts of papers and chunks, from the papers themselves."""
        row = self._db.execute(
            f"SELECT count(*), coalesce(sum(length(chunks)), 0) / {SPAN_BYTES} FROM papers"
        ).fetchone()
        return {"papers": str(row[0]), "chunks": str(row[1])}

    def tally(self, *, papers: int, chunks: int) -> None:
        """Add to the counts on the card; call inside a transaction."""
        self._db.executemany(
            "UPDATE card SET value = value + ? WHERE key = ?", [(papers, "papers"), (chunks, "chunks")]
        )

    def integrity(self, *, at_most: int | None = None) -> str:
        """Return what SQLite finds wrong with its pages, tables and indexes; "ok" where all is well.

        Args:
            at_most: bytes; a file that has more is not looked at, one that has fewer without its indexes.
        """
        if at_most is None:
            return str(self._db.execute("PRAGMA integrity_check(1)").fetchone()[0])
        if self.path.stat().st_size > at_most:
            return "ok"
        return str(self._db.execute("PRAGMA quick_check(1)").fetchone()[0])

    def count(self) -> int:
        """How many works the collection has: from the card, since counting reads all of them."""
        return int(self._db.execute("SELECT value FROM card WHERE key = 'papers'").fetchone()[0])


def damaged_database(exc: sqlite3.Error) -> StorageError:
    """What to say when SQLite cannot go on; the database is the one part that nothing can rebuild."""
    reason = f"{exc}".partition(" with text ")[0]  # without what stands in it
    return no_room(exc) or StorageError(
        f"the index's database cannot be read ({reason}); move the index folder away and run ingest again: "
        "ingest rebuild cannot mend it"
    )


def _ends_in_mid_page(path: Path, page_bytes: int) -> bool:
    """Whether the last page is cut, which SQLite fills with zeros; missing pages it reports itself.

    The file is not opened: closing it would drop SQLite's locks on it, held by this process for any connection.
    """
    log = path.with_name(path.name + "-wal")
    in_log = log.exists() and log.stat().st_size > 0  # a crash in the middle of copying pages out of the log is mended
    return not in_log and path.stat().st_size % page_bytes != 0
