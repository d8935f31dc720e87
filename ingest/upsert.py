"""Changes of records → changes of papers, written to database, token file, Chroma and lexical index as one.

The order makes a crash harmless. What is new goes into Chroma and the lexical index first, then the database commits,
then what is old is deleted from both. Readers believe the database, so before the commit the new does not exist for
them, and after it the old does not. A journal names the papers in between, so that the next writer can tidy up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Any

import numpy as np

from assistant.embedding.embedder import Embedder
from assistant.errors import StorageError
from assistant.index.collection import Collection
from assistant.index.sqlite import SPAN_BYTES, Store, authors_json, sources_json
from assistant.records import Paper, Source
from assistant.retrieval.filters import author_words
from assistant.text.code_links import gives_code
from assistant.text.names import abbreviations
from ingest.clean import normalise, paper_id
from ingest.dedupe import bands, group, near, representative, signature
from ingest.embed import EmbeddedPaper, embed

JOURNAL = "journal.json"


@dataclass(frozen=True, slots=True)
class Insert:
    """A record to be stored."""

    file_id: int
    key: str           # the record's id in its file, else its line
    line: int | None
    title: str | None  # cleaned
    abstract: str      # cleaned
    raw: str
    year: int | None = None
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What a file's records changed to, since last time."""

    inserts: Sequence[Insert] = ()
    moves: Sequence[tuple[int, str, int | None]] = ()  # record_id, new key, new line
    deletes: Sequence[int] = ()                        # record_ids

    def __bool__(self) -> bool:
        return bool(self.inserts or self.moves or self.deletes)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What applying changes came to."""

    new: tuple[bool, ...]  # of each insert, whether it began a work; else it repeats one
    embedded: int          # papers that went through the model


class Writer:
    """The one writer of a collection; whoever makes one holds the lock."""

    def __init__(self, collection: Collection, embedder: Embedder, *, chunk_tokens: int) -> None:
        self._collection = collection
        self._embedder = embedder
        self._chunk_tokens = chunk_tokens
        self._journal = collection.folder / JOURNAL

    def apply(self, changes: Changes) -> Outcome:
        """Make the collection say what ``changes`` say; all of it or, on an error, nothing."""
        with self._collection.store.transaction() as db:
            touched, new = self._apply_records(db, changes)
            papers, gone = _papers_of(db, touched)
            stale, same = _split_by_content(db, papers)
            embedded = list(embed(
                stale, self._embedder, self._collection.basis, chunk_tokens=self._chunk_tokens
            ))
            surplus = self._surplus_chunks(embedded, gone)
            self._write_journal([*(paper.paper_id for paper in stale), *gone])
            self.write_vectors(db, embedded)
            for paper in same:
                db.execute(
                    "UPDATE papers SET sources = ?, aliases = ?, raw = ?, year = ?, authors = ? WHERE paper_id = ?",
                    (sources_json(paper.sources), " ".join(paper.aliases), paper.raw, paper.year,
                     authors_json(paper.authors), paper.paper_id),
                )
                db.execute("DELETE FROM author_words WHERE paper_id = ?", (paper.paper_id,))
                _remember_authors(db, paper)
            for old in gone:
                _forget(self._collection.store, db, old)
        self._delete(surplus, gone)
        self._journal.unlink(missing_ok=True)
        return Outcome(tuple(new), len(embedded))

    def recover(self) -> int:
        """Finish or undo what a crash left half written; returns how many papers were looked at."""
        try:
            ids: list[str] = json.loads(self._journal.read_text())
        except FileNotFoundError:
            return 0
        except ValueError:  # the journal itself was cut: nothing was written after it
            self._journal.unlink()
            return 0
        except IsADirectoryError as exc:
            raise StorageError(f"{JOURNAL} in the index folder is a folder; move it away and run ingest again") from exc
        vectors, lexical = self._collection.vectors, self._collection.lexical
        entries = self._collection.store.entries(ids)
        again = list(embed(
            [entry.paper for entry in entries.values()], self._embedder, self._collection.basis,
            chunk_tokens=self._chunk_tokens,
        ))
        self._write_chunks(again)
        keep = {piece.chunk_id for item in again for piece in item.chunks}
        vectors.delete([chunk for chunk in vectors.ids_of(ids) if chunk not in keep])
        with lexical.writer() as writer:
            writer.remove(old for old in ids if old not in entries)
            for item in again:
                writer.add(item.paper, item.names)
        self._journal.unlink()
        return len(ids)

    # -- records and texts

    def _apply_records(self, db: Connection, changes: Changes) -> tuple[set[str], list[bool]]:
        """Write records and texts; returns the works touched and, of each insert, whether it began one."""
        touched: set[str] = set()
        began: list[bool] = []
        for insert in changes.inserts:
            text_id, new = self._place(db, insert)
            began.append(new)
            db.execute(
                "INSERT INTO records (file_id, key, line, text_id, title, year, authors) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (insert.file_id, insert.key, insert.line, text_id, insert.title, insert.year,
                 authors_json(insert.authors)),
            )
            touched.add(_work(db, text_id))
        for record_id, key, line in changes.moves:
            db.execute("UPDATE records SET key = ?, line = ? WHERE record_id = ?", (key, line, record_id))
            touched.add(_work(db, _text_of(db, record_id)))
        for record_id in changes.deletes:
            text_id = _text_of(db, record_id)
            touched.add(_work(db, text_id))
            db.execute("DELETE FROM records WHERE record_id = ?", (record_id,))
            if not db.execute("SELECT 1 FROM records WHERE text_id = ?", (text_id,)).fetchone():
                _forget_text(db, text_id)
        if changes.deletes:
            touched |= {part for work in touched for part in _regroup(db, work)}
        return touched, began

    def _place(self, db: Connection, insert: Insert) -> tuple[str, bool]:
        """The text of a record, made if it is new, and whether it begins a work of its own."""
        text_id = paper_id(insert.abstract)
        known = db.execute("SELECT abstract FROM texts WHERE text_id = ?", (text_id,)).fetchone()
        while known and normalise(known[0]) != normalise(insert.abstract):  # two texts, one hash
            text_id = paper_id(text_id + insert.abstract)
            known = db.execute("SELECT abstract FROM texts WHERE text_id = ?", (text_id,)).fetchone()
        if known:
            return text_id, False
        keys = bands(signature(insert.abstract))
        works = _near_works(db, insert.abstract, keys)
        work = works[0] if works else text_id
        for other in works[1:]:  # the new text links what seemed to be several works
            db.execute("UPDATE texts SET work = ? WHERE work = ?", (work, other))
        db.execute(
            "INSERT INTO texts VALUES (?, ?, ?, ?)", (text_id, insert.abstract, insert.raw, work)
        )
        db.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?)", [(key, text_id) for key in keys])
        return text_id, not works

    # -- papers and vectors

    def write_vectors(self, db: Connection, embedded: Sequence[EmbeddedPaper]) -> None:
        """Write papers to all parts; ``db`` is in a transaction, which the caller commits."""
        if not embedded:
            return
        store = self._collection.store
        # Never over the rows of papers since removed: a reader may still hold the generation that has them.
        card = store.card()
        row = int(card["token_rows"])
        tokens = self._collection.tokens
        # An index of an earlier version has no checksum yet.
        before = int(card["token_checksum"]) if "token_checksum" in card else tokens.checksum(row)
        checksum = tokens.append([item.tokens for item in embedded], at=row, checksum=before)
        self._write_chunks(embedded)
        with self._collection.lexical.writer() as writer:
            for item in embedded:
                writer.add(item.paper, item.names)
        for item in embedded:
            _forget(store, db, item.paper.paper_id)
            _remember(store, db, item, row)
            row += len(item.tokens)
        store.set_card({"token_rows": str(row), "token_checksum": str(checksum)})

    def _write_chunks(self, embedded: Sequence[EmbeddedPaper]) -> None:
        if not embedded:
            return
        pieces = [piece for item in embedded for piece in item.chunks]
        self._collection.vectors.upsert(
            [piece.chunk_id for piece in pieces],
            np.concatenate([item.vectors for item in embedded]),
            [{"paper_id": piece.paper_id, "position": piece.position} for piece in pieces],
        )

    def _surplus_chunks(self, embedded: Iterable[EmbeddedPaper], gone: Sequence[str]) -> list[str]:
        """Chunk ids that exist now and must not after the commit."""
        before = self._collection.store.entries([*(item.paper.paper_id for item in embedded), *gone])
        after = {item.paper.paper_id: len(item.chunks) for item in embedded}
        return [
            chunk for paper, entry in before.items() for chunk in entry.chunk_ids()[after.get(paper, 0):]
        ]

    def _delete(self, chunks: Sequence[str], papers: Sequence[str]) -> None:
        if chunks:
            self._collection.vectors.delete(chunks)
        if papers:
            with self._collection.lexical.writer() as writer:
                writer.remove(papers)

    def _write_journal(self, papers: Sequence[str]) -> None:
        temporary = self._journal.with_suffix(".part")
        with temporary.open("w") as file:
            json.dump(list(papers), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._journal)


def _near_works(db: Connection, abstract: str, keys: Sequence[int]) -> list[str]:
    """Works one of whose texts is nearly this abstract, sorted; not its own text, which has its id."""
    marks = ",".join("?" * len(keys))
    rows = db.execute(
        f"SELECT DISTINCT texts.work, texts.abstract FROM bands JOIN texts USING (text_id) WHERE band IN ({marks})",
        list(keys),
    )
    return sorted({work for work, other in rows if near(abstract, other)})


def _regroup(db: Connection, work: str) -> list[str]:
    """The works that the texts of a work make up, now that a text that linked them may be gone."""
    texts = db.execute("SELECT text_id, abstract FROM texts WHERE work = ? ORDER BY text_id", (work,)).fetchall()
    if len(texts) < 2:
        return [work]
    works = []
    for members in group([abstract for _, abstract in texts]):
        ids = [texts[member][0] for member in members]
        works.append(work if work in ids else ids[0])
        db.executemany("UPDATE texts SET work = ? WHERE text_id = ?", [(works[-1], text_id) for text_id in ids])
    return works


def _forget_text(db: Connection, text_id: str) -> None:
    """Delete a text and its bands, whose keys are computed anew: an index of them by text would double them."""
    abstract = str(db.execute("SELECT abstract FROM texts WHERE text_id = ?", (text_id,)).fetchone()[0])
    keys = bands(signature(abstract))
    db.executemany("DELETE FROM bands WHERE band = ? AND text_id = ?", [(key, text_id) for key in keys])
    db.execute("DELETE FROM texts WHERE text_id = ?", (text_id,))


def _work(db: Connection, text_id: str) -> str:
    return str(db.execute("SELECT work FROM texts WHERE text_id = ?", (text_id,)).fetchone()[0])


def _text_of(db: Connection, record_id: int) -> str:
    return str(db.execute("SELECT text_id FROM records WHERE record_id = ?", (record_id,)).fetchone()[0])


def _papers_of(db: Connection, works: Iterable[str]) -> tuple[list[Paper], list[str]]:
    """The papers that touched works now are, sorted by id, and the ids of papers that are no more."""
    papers: dict[str, Paper] = {}
    for work in sorted(works):
        if work in papers:  # became another touched work's name
            continue
        texts = db.execute("SELECT text_id, abstract, raw FROM texts WHERE work = ?", (work,)).fetchall()
        if not texts:
            continue
        candidates = [Paper(text_id, _title(db, text_id), abstract, raw) for text_id, abstract, raw in texts]
        best = representative(candidates)
        db.execute("UPDATE texts SET work = ? WHERE work = ?", (best.paper_id, work))
        sources = db.execute(
            "SELECT DISTINCT name, line FROM records JOIN files USING (file_id) JOIN texts USING (text_id) "
            "WHERE work = ?",
            (best.paper_id,),
        )
        papers[best.paper_id] = replace(
            best,
            sources=tuple(sorted((Source(*row) for row in sources), key=lambda s: (s.file, s.line or 0))),
            aliases=tuple(sorted(other.paper_id for other in candidates if other.paper_id != best.paper_id)),
            year=_known(db, "year", best.paper_id, unknown=None),
            authors=tuple(json.loads(_known(db, "authors", best.paper_id, unknown="[]"))),
        )
    merged = {alias for paper in papers.values() for alias in paper.aliases}
    before = {work for work in {*works, *merged} if _exists(db, work)}
    return [papers[paper_id] for paper_id in sorted(papers)], sorted(before - papers.keys())


def _exists(db: Connection, paper: str) -> bool:
    return db.execute("SELECT 1 FROM papers WHERE paper_id = ?", (paper,)).fetchone() is not None


def _title(db: Connection, text_id: str) -> str | None:
    row = db.execute(
        "SELECT title FROM records JOIN files USING (file_id) WHERE text_id = ? AND title IS NOT NULL "
        "ORDER BY name, line, record_id LIMIT 1", (text_id,)
    ).fetchone()
    return str(row[0]) if row else None


def _known(db: Connection, column: str, work: str, *, unknown: Any) -> Any:
    """What the first record of a work that has it says, those of the text that represents the work before others."""
    row = db.execute(
        f"SELECT records.{column} FROM records JOIN files USING (file_id) JOIN texts USING (text_id) "
        f"WHERE work = ? AND records.{column} IS NOT ? ORDER BY text_id <> work, name, line, record_id LIMIT 1",
        (work, unknown),
    ).fetchone()
    return row[0] if row else unknown


def _split_by_content(db: Connection, papers: Iterable[Paper]) -> tuple[list[Paper], list[Paper]]:
    """Papers that must be embedded (new, or with another title or wording), and those whose sources alone changed."""
    stale: list[Paper] = []
    same: list[Paper] = []
    for paper in papers:
        row = db.execute("SELECT title, abstract FROM papers WHERE paper_id = ?", (paper.paper_id,)).fetchone()
        (same if row == (paper.title, paper.abstract) else stale).append(paper)
    return stale, same


def _forget(store: Store, db: Connection, paper: str) -> None:
    row = db.execute("SELECT length(chunks) FROM papers WHERE paper_id = ?", (paper,)).fetchone()
    if row:
        store.tally(papers=-1, chunks=-(row[0] // SPAN_BYTES))
    for table in ("papers", "names", "abbreviations", "author_words"):
        db.execute(f"DELETE FROM {table} WHERE paper_id = ?", (paper,))


def _remember(store: Store, db: Connection, item: EmbeddedPaper, row: int) -> None:
    paper = item.paper
    store.tally(papers=1, chunks=len(item.chunks))
    spans = np.array([(piece.start, piece.end) for piece in item.chunks], dtype=np.int32)
    db.execute(
        "INSERT INTO papers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (paper.paper_id, paper.title, paper.abstract, paper.raw, sources_json(paper.sources), " ".join(paper.aliases),
         spans.tobytes(), item.sentences.tobytes(), row, len(item.tokens),
         paper.year, authors_json(paper.authors), gives_code(paper.abstract)),
    )
    _remember_authors(db, paper)
    db.executemany("INSERT INTO names VALUES (?, ?, ?, ?)", _name_rows(item))
    texts = {pair for text in (paper.title or "", paper.abstract) for pair in abbreviations(text)}
    db.executemany(
        "INSERT INTO abbreviations VALUES (?, ?, ?)",
        [(key, expansion, paper.paper_id) for key, expansion in sorted(texts)],
    )


def _remember_authors(db: Connection, paper: Paper) -> None:
    words = sorted({word for author in paper.authors for word in author_words(author)})
    db.executemany("INSERT INTO author_words VALUES (?, ?)", [(word, paper.paper_id) for word in words])


def _name_rows(item: EmbeddedPaper) -> list[tuple[str, str, str, int]]:
    """(key, paper_id, most frequent spelling, mentions) of every name the paper has."""
    return [
        (key, item.paper.paper_id, max(sorted(spellings), key=spellings.__getitem__), sum(spellings.values()))
        for key, spellings in sorted(item.names.items())
    ]
