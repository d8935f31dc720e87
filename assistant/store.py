"""SQLite: the truth about the collection. Everything else in the index folder follows from it.

Texts and works: every distinct abstract read is a *text*; texts that are one work (exact repeats have one
text, near-duplicates several) share a *work*, which is the id of the text that represents it. A `Paper` is
a work put together with its title and all its sources.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.code_links import gives_code
from assistant.errors import StorageError
from assistant.records import Paper, Source
from assistant.retrieval.spelling import LETTERS, edits

SCHEMA_VERSION = 3
NO_INDEX = "there is no index yet; make one with: ingest PATH (a file or folder of abstracts, such as seeds/)"
COMMON_NOUN_SHARE = 0.2  # of the papers that mention it
NAME_SAMPLE = 1000  # papers that say how a name is written; their ids are hashes, so the first are any
BATCH = 500  # bound variables in one statement; SQLite's oldest limit is 999
NAME_LETTERS = LETTERS + "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœšžłčćęąńśżğ.+"  # that slips in names are looked for with

_SCHEMA = """
CREATE TABLE card (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE files (
    file_id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    layout TEXT NOT NULL);
CREATE TABLE texts (
    text_id TEXT PRIMARY KEY, abstract TEXT NOT NULL, raw TEXT NOT NULL, work TEXT NOT NULL);
CREATE INDEX texts_work ON texts (work);
CREATE TABLE records (
    record_id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL REFERENCES files, key TEXT NOT NULL, line INTEGER,
    text_id TEXT NOT NULL, title TEXT, year INTEGER, authors TEXT NOT NULL DEFAULT '[]');
CREATE INDEX records_file ON records (file_id);
CREATE INDEX records_text ON records (text_id);
CREATE TABLE bands (band INTEGER NOT NULL, text_id TEXT NOT NULL, PRIMARY KEY (band, text_id)) WITHOUT ROWID;
CREATE TABLE papers (
    paper_id TEXT PRIMARY KEY, title TEXT, abstract TEXT NOT NULL, raw TEXT NOT NULL, sources TEXT NOT NULL,
    aliases TEXT NOT NULL, chunks BLOB NOT NULL, sentences BLOB NOT NULL,
    token_start INTEGER NOT NULL, token_count INTEGER NOT NULL,
    year INTEGER, authors TEXT NOT NULL DEFAULT '[]', has_code INTEGER NOT NULL DEFAULT 0);
CREATE TABLE names (key TEXT NOT NULL, paper_id TEXT NOT NULL, surface TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (key, paper_id)) WITHOUT ROWID;
CREATE INDEX names_paper ON names (paper_id);
CREATE TABLE abbreviations (key TEXT NOT NULL, expansion TEXT NOT NULL, paper_id TEXT NOT NULL,
    PRIMARY KEY (key, expansion, paper_id)) WITHOUT ROWID;
CREATE INDEX abbreviations_paper ON abbreviations (paper_id);
"""
_FILTERS = """
CREATE INDEX IF NOT EXISTS papers_untitled ON papers (paper_id) WHERE title IS NULL;
CREATE INDEX IF NOT EXISTS papers_long ON papers (paper_id, length(chunks)) WHERE length(chunks) > 8;
CREATE INDEX papers_year ON papers (year);
CREATE INDEX papers_code ON papers (paper_id) WHERE has_code;
CREATE TABLE author_words (word TEXT NOT NULL, paper_id TEXT NOT NULL, PRIMARY KEY (word, paper_id)) WITHOUT ROWID;
CREATE INDEX author_words_paper ON author_words (paper_id);
CREATE INDEX abbreviations_expansion ON abbreviations (replace(replace(expansion, '-', ''), ' ', ''));
"""
_FROM_2 = """
ALTER TABLE records ADD COLUMN year INTEGER;
ALTER TABLE records ADD COLUMN authors TEXT NOT NULL DEFAULT '[]';
ALTER TABLE papers ADD COLUMN year INTEGER;
ALTER TABLE papers ADD COLUMN authors TEXT NOT NULL DEFAULT '[]';
ALTER TABLE papers ADD COLUMN has_code INTEGER NOT NULL DEFAULT 0;
"""

COUNTS = ("papers", "chunks", "token_rows")  # on the card, so that what is missing elsewhere shows at once

Spans = npt.NDArray[np.int32]
SPAN_BYTES = 8  # of a chunk's start and end as stored


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper and where its vectors are."""

    paper: Paper
    chunks: Spans     # (c, 2) start, end in the abstract
    sentences: Spans  # (s, 4) start, end in the abstract, first and last+1 token row; the title is (-1, -1, …)
    token_start: int  # row in the token file
    token_count: int

    def chunk_ids(self) -> list[str]:
        """The ids of this paper's chunks, as Chroma has them."""
        return chunk_ids(self.paper.paper_id, len(self.chunks))


def chunk_ids(paper_id: str, count: int) -> list[str]:
    """Ids derive from the paper and the position, so that a second ingest finds them again."""
    return [f"{paper_id}:{position}" for position in range(count)]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was ingested."""

    file_id: int
    path: str  # absolute
    name: str
    layout: str


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record of a file that was ingested."""

    record_id: int
    key: str           # the record's id in the file, else its line
    line: int | None
    text_id: str
    title: str | None
    year: int | None = None
    authors: tuple[str, ...] = ()


class Store:
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
            version = self.card().get("schema")
            if _ends_in_mid_page(path, int(self._db.execute("PRAGMA page_size").fetchone()[0])):
                raise sqlite3.DatabaseError("it is cut short")
        except sqlite3.Error as exc:
            raise damaged_database(exc) from exc
        if version != str(SCHEMA_VERSION):
            way_out = "run: ingest rebuild" if version == "2" else "move the index folder away and run ingest again"
            raise StorageError(f"this index has schema {version}, this program reads {SCHEMA_VERSION}; {way_out}")

    def _create(self) -> None:
        if self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'card'").fetchone():
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._run(_SCHEMA + _FILTERS)
        self._db.executemany(
            "INSERT INTO card VALUES (?, ?)",
            [("schema", str(SCHEMA_VERSION)), *((key, "0") for key in ("generation", *COUNTS))],
        )
        self._db.execute("COMMIT")

    def _upgrade(self) -> None:
        """Schema 2 had no years, authors and code flags. What it stored stays; names are read anew by a rebuild."""
        if self.card().get("schema") != "2":
            return
        with self.transaction():
            self._run(_FROM_2 + _FILTERS)
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

    # -- papers

    def count(self) -> int:
        """How many works the collection has: from the card, since counting reads all of them."""
        return int(self._db.execute("SELECT value FROM card WHERE key = 'papers'").fetchone()[0])

    def count_untitled(self) -> int:
        """How many of them have no title."""
        return int(self._db.execute("SELECT count(*) FROM papers WHERE title IS NULL").fetchone()[0])

    def chunk_counts(self) -> dict[str, int]:
        """paper_id -> chunks, of the papers that have more than one."""
        return dict(self._db.execute(
            f"SELECT paper_id, length(chunks) / {SPAN_BYTES} FROM papers WHERE length(chunks) > 8"
        ))

    def paper_ids(self) -> list[str]:
        """All ids, sorted."""
        return [row[0] for row in self._db.execute("SELECT paper_id FROM papers ORDER BY paper_id")]

    def entries(self, paper_ids: Sequence[str]) -> dict[str, Entry]:
        """The papers that exist among ``paper_ids``."""
        found: dict[str, Entry] = {}
        for row in self._select("SELECT * FROM papers WHERE paper_id IN ({})", paper_ids):
            found[row[0]] = Entry(
                _paper((*row[:6], *row[10:12])), _spans(row[6], 2), _spans(row[7], 4), row[8], row[9]
            )
        return found

    def paper(self, paper_id: str) -> Paper | None:
        """One paper by its id or by that of a merged repeat."""
        row = self._db.execute(
            "SELECT paper_id, title, abstract, raw, sources, aliases, year, authors FROM papers WHERE paper_id = "
            "coalesce((SELECT work FROM texts WHERE text_id = ?1), ?1)", (paper_id,)
        ).fetchone()
        return _paper(row) if row else None

    def titles(self) -> list[tuple[str, str | None]]:
        """(paper_id, title) of every paper, sorted by id."""
        return list(self._db.execute("SELECT paper_id, title FROM papers ORDER BY paper_id"))

    def by_title(self, limit: int, offset: int) -> list[str]:
        """Ids in order of title, those without one last."""
        return [row[0] for row in self._db.execute(
            "SELECT paper_id FROM papers ORDER BY title IS NULL, lower(title), paper_id LIMIT ? OFFSET ?",
            (limit, offset),
        )]

    def papers_at(self, places: Iterable[str]) -> set[str]:
        """Ids of the papers read at "FILE:LINE" places; unknown places are left out."""
        found = set()
        for place in places:
            name, _, line = place.rpartition(":")
            found |= {row[0] for row in self._db.execute(
                "SELECT work FROM records JOIN files USING (file_id) JOIN texts USING (text_id) "
                "WHERE name = ? AND line = ?",
                (name, line),
            )}
        return found

    # -- what was read

    def files(self) -> list[StoredFile]:
        """Every ingested file, in the order of ingest."""
        rows = self._db.execute("SELECT file_id, path, name, layout FROM files ORDER BY file_id")
        return [StoredFile(*row) for row in rows]

    def records(self, file_id: int) -> list[StoredRecord]:
        """What a file gave, in the order of ingest."""
        rows = self._db.execute(
            "SELECT record_id, key, line, text_id, title, year, authors FROM records WHERE file_id = ? "
            "ORDER BY record_id", (file_id,)
        )
        return [
            StoredRecord(record, key, line, text, title, year, tuple(json.loads(authors)))
            for record, key, line, text, title, year, authors in rows
        ]

    def read_from(self) -> list[tuple[str, int, int]]:
        """(name, records, papers) of every ingested file, in order of ingest; a paper counts in each that has it."""
        return list(self._db.execute(
            "SELECT name, count(record_id), count(DISTINCT work) FROM files LEFT JOIN records USING (file_id) "
            "LEFT JOIN texts USING (text_id) GROUP BY file_id ORDER BY file_id"
        ))

    def papers_only_in(self, file_id: int) -> int:
        """How many papers no other file has."""
        works = "SELECT work FROM records JOIN texts USING (text_id) WHERE file_id"
        found = self._db.execute(f"SELECT count(*) FROM ({works} = ?1 EXCEPT {works} <> ?1)", (file_id,)).fetchone()
        return int(found[0])

    def repeats(self) -> tuple[int, int]:
        """Records that repeat an abstract exactly, and different abstracts that were merged with that of a work."""
        records, texts = self._db.execute(
            "SELECT (SELECT count(*) FROM records), (SELECT count(*) FROM texts)"
        ).fetchone()
        return records - texts, texts - self.count()

    def lengths(self) -> list[tuple[str, int]]:
        """(paper_id, characters) of the shortest and of the longest abstract; nothing of an empty collection."""
        ends = "SELECT paper_id, length(abstract) AS n FROM papers ORDER BY n {}, paper_id LIMIT 1"
        return [row for order in ("ASC", "DESC") for row in self._db.execute(ends.format(order))]

    def mean_length(self) -> float:
        """Mean characters of an abstract; 0 for an empty collection."""
        return float(self._db.execute("SELECT coalesce(avg(length(abstract)), 0) FROM papers").fetchone()[0])

    # -- filters

    def papers_of_file(self, name: str) -> set[str]:
        """Ids of the papers that a file of this name gave."""
        return {row[0] for row in self._db.execute(
            "SELECT work FROM files JOIN records USING (file_id) JOIN texts USING (text_id) WHERE name = ?", (name,)
        )}

    def papers_with_code(self) -> set[str]:
        """Ids of the papers whose abstract gives code; see `assistant.code_links`."""
        return {row[0] for row in self._db.execute("SELECT paper_id FROM papers WHERE has_code")}

    def with_code(self, paper_ids: Sequence[str]) -> set[str]:
        """Those of ``paper_ids`` whose abstract gives code."""
        query = "SELECT paper_id FROM papers WHERE has_code AND paper_id IN ({})"
        return {row[0] for row in self._select(query, paper_ids)}

    def papers_from(self, first: int | None, last: int | None) -> set[str]:
        """Ids of the papers of these years, both ends included, None for open; papers without a year are none."""
        return {row[0] for row in self._db.execute(
            "SELECT paper_id FROM papers WHERE year BETWEEN coalesce(?, 0) AND coalesce(?, 9999)", (first, last)
        )}

    def papers_with_author_word(self, word: str) -> set[str]:
        """Ids of the papers one of whose authors' names has this word, written as `filters.author_words` gives it."""
        return {row[0] for row in self._db.execute("SELECT paper_id FROM author_words WHERE word = ?", (word,))}

    def authors_of(self, paper_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """paper_id -> authors of the papers that exist among ``paper_ids``."""
        rows = self._select("SELECT paper_id, authors FROM papers WHERE paper_id IN ({})", paper_ids)
        return {paper: tuple(json.loads(authors)) for paper, authors in rows}

    def author_words_like(self, start: str, limit: int) -> list[str]:
        """Words of authors' names that begin with ``start``, most papers first."""
        return [row[0] for row in self._db.execute(
            "SELECT word FROM author_words WHERE word >= ?1 AND word < ?1 || char(1114111) "
            "GROUP BY word ORDER BY count(*) DESC, word LIMIT ?2", (start, limit),
        )]

    def known_bylines(self) -> tuple[int, int | None, int | None, int]:
        """Papers with a year, the first and the last year, papers with authors."""
        dated, first, last, signed = self._db.execute(
            "SELECT count(year), min(year), max(year), coalesce(sum(authors <> '[]'), 0) FROM papers"
        ).fetchone()
        return dated, first, last, signed

    # -- names

    def papers_with_name(self, key: str, *, versions: bool = True) -> dict[str, str]:
        """paper_id -> how it writes the name. With ``versions`` an unversioned key finds its versions too."""
        rows = self._db.execute("SELECT paper_id, surface FROM names WHERE key = ?", (key,)).fetchall()
        if versions and key.isalpha() and len(key) >= 3:
            pattern = key + "[0-9]*"
            rows = self._db.execute(
                "SELECT paper_id, surface FROM names WHERE key GLOB ?", (pattern,)
            ).fetchall() + rows
        return dict(rows)

    def name_counts(self, keys: Sequence[str]) -> dict[str, int]:
        """key -> papers that mention exactly it; keys nobody mentions are left out."""
        query = "SELECT key, count(*) FROM names WHERE key IN ({}) GROUP BY key"
        return dict(self._select(query, keys))

    def names_like(self, key: str) -> list[str]:
        """Known keys one letter away from ``key``, or with two neighbours swapped, sorted: candidates for a slip.

        Every such key is looked up, because reading all keys takes a second where there are a million.
        """
        return sorted(self.name_counts(sorted({*edits(key, NAME_LETTERS)} - {"", key})))

    def surface(self, key: str) -> str:
        """How most papers write a name, of the first `NAME_SAMPLE` that do."""
        row = self._db.execute(
            "SELECT surface FROM (SELECT surface FROM names WHERE key = ? LIMIT ?) "
            "GROUP BY surface ORDER BY count(*) DESC, surface LIMIT 1", (key, NAME_SAMPLE)
        ).fetchone()
        return str(row[0]) if row else key

    def is_common_noun(self, key: str) -> bool:
        """Whether papers use a name in the plural, as they do LLM and API but not Mistral or LoRA."""
        plural, papers = self._db.execute(
            "SELECT sum(surface GLOB '*[A-Z]s'), count(*) FROM (SELECT surface FROM names WHERE key = ? LIMIT ?)",
            (key, NAME_SAMPLE),
        ).fetchone()
        return not key.endswith("s") and (plural or 0) >= COMMON_NOUN_SHARE * max(papers, 1)

    def mentions(self, key: str) -> dict[str, int]:
        """paper_id -> how often it mentions exactly this name."""
        return dict(self._db.execute("SELECT paper_id, count FROM names WHERE key = ?", (key,)))

    def top_names(self, limit: int) -> list[tuple[str, int]]:
        """(key, papers), most mentioned first."""
        return list(self._db.execute(
            "SELECT key, count(*) AS papers FROM names GROUP BY key ORDER BY papers DESC, key LIMIT ?", (limit,)
        ))

    def names_of(self, paper_id: str) -> list[str]:
        """The names a paper mentions, as it writes them, most often first."""
        return [row[0] for row in self._db.execute(
            "SELECT surface FROM names WHERE paper_id = ? ORDER BY count DESC, key", (paper_id,)
        )]

    def expansions(self, key: str) -> dict[str, int]:
        """What an abbreviation is short for, in lower case -> how many papers say so."""
        return dict(self._db.execute(
            "SELECT expansion, count(*) FROM abbreviations WHERE key = ? GROUP BY expansion ORDER BY expansion", (key,)
        ))

    def abbreviated(self, key: str) -> dict[str, str]:
        """abbreviation -> expansion, where that, singular or plural, is this key but for hyphens and spaces."""
        return dict(self._db.execute(
            "SELECT key, expansion FROM abbreviations WHERE replace(replace(expansion, '-', ''), ' ', '') IN (?, ?, ?) "
            "ORDER BY key, expansion", (key, key + "s", key.removesuffix("s")),
        ))

    def spellings(self, key: str) -> dict[str, int]:
        """How papers write a name -> how many mostly do, most first."""
        return dict(self._db.execute(
            "SELECT surface, count(*) FROM names WHERE key = ? GROUP BY surface ORDER BY count(*) DESC, surface", (key,)
        ))

    def names_from(self, start: str) -> list[str]:
        """The names whose key begins with ``start``, most mentioned first."""
        return [row[0] for row in self._db.execute(
            "SELECT key FROM names WHERE key >= ?1 AND key < ?1 || char(1114111) "
            "GROUP BY key ORDER BY count(*) DESC, key", (start,),
        )]

    # -- helpers

    def _select(self, query: str, values: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(values), BATCH):
            part = values[start:start + BATCH]
            yield from self._db.execute(query.format(",".join("?" * len(part))), part)


def damaged_database(exc: sqlite3.Error) -> StorageError:
    """What to say when SQLite cannot go on; the database is the one part that nothing can rebuild."""
    return StorageError(
        f"the index's database cannot be read ({exc}); move the index folder away and run ingest again: "
        "ingest rebuild cannot mend it"
    )


def _ends_in_mid_page(path: Path, page_bytes: int) -> bool:
    """Whether the last page is cut, which SQLite fills with zeros; missing pages it reports itself.

    The file is not opened: closing it would drop SQLite's locks on it, held by this process for any connection.
    """
    log = path.with_name(path.name + "-wal")
    in_log = log.exists() and log.stat().st_size > 0  # a crash in the middle of copying pages out of the log is mended
    return not in_log and path.stat().st_size % page_bytes != 0


def sources_json(sources: Iterable[Source]) -> str:
    """Sources as stored: [[file, line], …]."""
    return json.dumps([[source.file, source.line] for source in sources], ensure_ascii=False)


def authors_json(authors: Sequence[str]) -> str:
    """Authors as stored: a list of names."""
    return json.dumps(list(authors), ensure_ascii=False)


def _paper(row: Sequence[Any]) -> Paper:
    paper_id, title, abstract, raw, sources, aliases, year, authors = row
    return Paper(
        paper_id, title, abstract, raw,
        tuple(Source(file, line) for file, line in json.loads(sources)), tuple(aliases.split()),
        year, tuple(json.loads(authors)),
    )


def _spans(blob: bytes, columns: int) -> Spans:
    return np.frombuffer(blob, dtype=np.int32).reshape(-1, columns)
