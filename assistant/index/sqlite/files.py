"""What was read: files, and the records of each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.index.sqlite.database import Database


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


class Files(Database):
    """What was read, from where."""

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

    def repeats(self) -> tuple[int, int]:
        """Records that repeat an abstract exactly, and different abstracts that were merged with that of a work."""
        records, texts = self._db.execute(
            "SELECT (SELECT count(*) FROM records), (SELECT count(*) FROM texts)"
        ).fetchone()
        return records - texts, texts - self.count()
