"""What a file gives now against what the collection has of it: records to insert, to move and to delete."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.index.sqlite import Store, StoredFile, StoredRecord
from ingest.files import is_there
from ingest.reading import CleanFile, CleanRecord
from ingest.upsert import Insert


@dataclass(frozen=True, slots=True)
class Difference:
    """A file against what the collection knows of it."""

    inserts: tuple[Insert, ...]
    moves: tuple[tuple[int, str, int | None], ...]
    deletes: tuple[int, ...]
    replaced: frozenset[str]  # keys of inserts whose place held another text
    unchanged: int


def difference(file: CleanFile, file_id: int, known: list[StoredRecord]) -> Difference:
    """Match a file's records with those it gave before: by text, at the same place first; what is left by place."""
    at_place: dict[tuple[object, ...], list[StoredRecord]] = {}
    for stored in reversed(known):  # the first is taken first, from the end
        at_place.setdefault((*_content(stored), stored.key), []).append(stored)
    matches = [
        (record, same.pop() if (same := at_place.get((*_content(record), record.key))) else None)
        for record in file.records
    ]
    elsewhere: dict[tuple[object, ...], list[StoredRecord]] = {}
    for unmatched in at_place.values():
        for stored in unmatched:
            elsewhere.setdefault(_content(stored), []).append(stored)
    inserts: list[Insert] = []
    moves: list[tuple[int, str, int | None]] = []
    for record, match in matches:
        if match is None and (same := elsewhere.get(_content(record))):
            match = same.pop()
        if match is None:
            inserts.append(Insert(
                file_id, record.key, record.line, record.title, record.abstract, record.raw, record.year, record.authors
            ))
        elif (match.key, match.line) != (record.key, record.line):
            moves.append((match.record_id, record.key, record.line))
    left = [stored for records in elsewhere.values() for stored in records]
    places = {stored.key for stored in left}
    return Difference(
        tuple(inserts), tuple(moves), tuple(stored.record_id for stored in left),
        replaced=frozenset(insert.key for insert in inserts if insert.key in places),
        unchanged=len(known) - len(left),
    )


def _content(record: CleanRecord | StoredRecord) -> tuple[object, ...]:
    return record.text_id, record.title, record.year, record.authors


class KnownFiles:
    """The files of a collection. What is new of them is written when `write` is called, all in one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        files = store.files()
        self._ids = {file.path: file.file_id for file in files}
        self._by_name: dict[str, list[StoredFile]] = {}
        for file in files:
            self._by_name.setdefault(file.name, []).append(file)
        self._gone: dict[str, list[StoredFile]] = {}  # name -> files that are no longer where they were
        self._next = max(self._ids.values(), default=0) + 1
        self._new: list[tuple[int, str, str, str]] = []
        self._moved: list[tuple[str, int]] = []

    def __contains__(self, file: CleanFile) -> bool:
        return file.path in self._ids

    def id_of(self, file: CleanFile) -> int:
        """Return the id of the known file at this path; or of the one that was moved here; or that of a new one."""
        known = self._ids.get(file.path)
        if known is None:
            known = self._ids[file.path] = self._moved_here(file) or self._add(file)
        return known

    def write(self) -> None:
        """Make the database know the files that are new or were moved."""
        if not self._new and not self._moved:
            return
        with self._store.transaction() as db:
            db.executemany("INSERT INTO files (file_id, path, name, layout) VALUES (?, ?, ?, ?)", self._new)
            db.executemany("UPDATE files SET path = ? WHERE file_id = ?", self._moved)
        self._new.clear()
        self._moved.clear()

    def _add(self, file: CleanFile) -> int:
        self._new.append((self._next, file.path, file.name, file.layout))
        self._next += 1
        return self._next - 1

    def _moved_here(self, file: CleanFile) -> int | None:
        if file.name not in self._gone:
            self._gone[file.name] = [known for known in self._by_name.get(file.name, ()) if not is_there(known.path)]
        gone = self._gone[file.name]
        texts = {record.text_id for record in file.records} if gone else set()
        for known in gone:
            if self._mostly(known, texts):
                gone.remove(known)
                self._moved.append((file.path, known.file_id))
                return known.file_id
        return None

    def _mostly(self, known: StoredFile, texts: set[str]) -> bool:
        """Whether at least half of what a file gave is among ``texts``: else it is another file of the same name."""
        records = self._store.records(known.file_id)
        return 2 * sum(record.text_id in texts for record in records) >= max(1, len(records))
