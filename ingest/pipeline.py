"""Files → index, end to end: find, parse, clean, compare with what is known, write the difference."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.collection import Collection
from assistant.embedder import Embedder
from assistant.errors import MisuseError, ParseError, StorageError
from assistant.records import Paper
from assistant.room import DATABASE
from assistant.settings import Settings
from assistant.store import NO_INDEX, NO_PAPERS, StoredFile, StoredRecord
from ingest.clean import clean_abstract, clean_title, paper_id
from ingest.files import own_name
from ingest.opening import BASIS_PAPERS, BATCH, Progress, locked, remake, settle, writing
from ingest.parse import ParsedFile, Skip, find_files, read_records
from ingest.report import Report
from ingest.upsert import Changes, Insert, Writer


@dataclass(frozen=True, slots=True)
class _Difference:
    """A parsed file against what the collection knows of it."""

    inserts: tuple[Insert, ...]
    moves: tuple[tuple[int, str, int | None], ...]
    deletes: tuple[int, ...]
    replaced: frozenset[str]  # keys of inserts whose place held another text
    unchanged: int


def ingest(
    paths: Sequence[Path], settings: Settings, embedder: Embedder, *, progress: Progress | None = None
) -> Report:
    """Bring the collection up to date with the files behind ``paths``.

    Unreadable files are skipped and reported, the others go in. A file read before is compared with what it
    gave then: records it no longer has are removed. Files not named stay as they are.

    Raises:
        StorageError: the index cannot be written, is being written by another process, or does not fit the model.
    """
    began = time.perf_counter()
    report = Report()
    found = find_files(paths)
    report.skipped += found.skipped
    parsed = _parsed(found.files, report)
    first = list(_up_to(BASIS_PAPERS, parsed))
    if not first:
        report.seconds = time.perf_counter() - began
        return report
    papers = _first_papers([file for _, file in first])
    with writing(settings, embedder, papers, progress=progress, mended=report.mended) as (collection, writer):
        known = {file.path for file in collection.store.files()}
        for path, file in itertools.chain(first, parsed):
            report.skipped += file.skipped or ([] if file.records else [Skip(own_name(path), None, "has no record")])
            if not file.records and str(path.resolve()) not in known:
                continue  # no source of anything, now or before
            report.files += 1
            report.read += len(file.records)
            _ingest_file(path, file, collection, writer, report, progress or (lambda *_: None))
        if report.embedded or report.removed or collection.lexical.deleted():
            settle(collection)
        _count_papers(collection, report)
    report.seconds = time.perf_counter() - began
    return report


def remove(names: Sequence[str], settings: Settings, embedder: Embedder) -> Report:
    """Take files out of the collection, by path or by name; their papers go unless another file has them too.

    Raises:
        MisuseError: a name fits no file of the collection, or more than one.
    """
    began = time.perf_counter()
    report = Report()
    _expect_index(settings)
    with writing(settings, embedder, mended=report.mended) as (collection, writer):
        files = collection.store.files()
        for file in [_named(name, files) for name in dict.fromkeys(names)]:
            records = collection.store.records(file.file_id)
            for start in range(0, len(records), BATCH):
                writer.apply(Changes(deletes=[record.record_id for record in records[start:start + BATCH]]))
            with collection.store.transaction() as db:
                db.execute("DELETE FROM files WHERE file_id = ?", (file.file_id,))
            report.files += 1
            report.removed += len(records)
        settle(collection)
        _count_papers(collection, report)
    report.seconds = time.perf_counter() - began
    return report


def _named(name: str, files: Sequence[StoredFile]) -> StoredFile:
    """The one file of the collection at this path, or of this name."""
    wanted = [f for f in files if f.path == str(Path(name).resolve())] or [f for f in files if f.name == name]
    if len(wanted) == 1:
        return wanted[0]
    known = ", ".join(sorted({f.name for f in files})) or "none"
    problem = "no file" if not wanted else f"{len(wanted)} files"
    raise MisuseError(f"{problem} of the collection is called {name!r}; it has: {known}")


def rebuild(settings: Settings, embedder: Embedder, *, progress: Progress | None = None) -> Report:
    """Make everything but the database anew from the database.

    Mends a damaged Chroma folder, lexical index, token file or basis, and changes the model or the chunk length.

    Raises:
        StorageError: there is no index, it has no papers, or its database is damaged.
    """
    began = time.perf_counter()
    report = Report()
    _expect_index(settings)
    with locked(settings.index_dir), Collection(settings, write=True) as collection:
        if "fingerprint" not in collection.card:
            raise StorageError(NO_INDEX)
        if not collection.store.paper_ids():
            raise StorageError(NO_PAPERS)
        report.embedded = remake(collection, settings, embedder, progress)
        _count_papers(collection, report)
    report.seconds = time.perf_counter() - began
    return report


def _parsed(paths: Sequence[Path], report: Report) -> Iterator[tuple[Path, ParsedFile]]:
    """Read file after file; those that cannot be read are reported."""
    for path in paths:
        try:
            yield path, read_records(path)
        except ParseError as exc:
            report.skipped.append(Skip(own_name(path), None, exc.reason))


def _up_to(enough: int, parsed: Iterator[tuple[Path, ParsedFile]]) -> Iterator[tuple[Path, ParsedFile]]:
    """Files until they hold ``enough`` records."""
    found = 0
    while found < enough and (item := next(parsed, None)):
        found += len(item[1].records)
        yield item


def _ingest_file(
    path: Path, file: ParsedFile, collection: Collection, writer: Writer, report: Report, progress: Progress
) -> None:
    difference = _difference(file, _file_id(collection, path, file), collection)
    inserts = difference.inserts
    report.unchanged += difference.unchanged
    report.removed += len(difference.deletes) - len(difference.replaced)
    progress(path.name, difference.unchanged, len(file.records))
    # Old records go last, so that a crash in between leaves too much rather than too little.
    for start in range(0, max(len(inserts), 1), BATCH):
        batch = inserts[start:start + BATCH]
        last = start + BATCH >= len(inserts)
        changes = Changes(batch, difference.moves, difference.deletes) if last else Changes(batch)
        if not changes:
            continue
        outcome = writer.apply(changes)
        report.embedded += outcome.embedded
        for insert, new in zip(batch, outcome.new, strict=True):
            if insert.key in difference.replaced:
                report.updated += 1
            elif new:
                report.added += 1
            else:
                report.merged += 1
        progress(path.name, difference.unchanged + start + len(batch), len(file.records))


def _difference(file: ParsedFile, file_id: int, collection: Collection) -> _Difference:
    """Match a file's records with those it gave before: by text, at the same place first; what is left by place."""
    known = collection.store.records(file_id)
    waiting: dict[tuple[object, ...], list[StoredRecord]] = {}
    for record in known:
        waiting.setdefault((record.text_id, record.title, record.year, record.authors), []).append(record)
    inserts: list[Insert] = []
    moves: list[tuple[int, str, int | None]] = []
    for insert, text_id in _cleaned(file, file_id):
        same = waiting.get((text_id, insert.title, insert.year, insert.authors))
        if not same:
            inserts.append(insert)
            continue
        here = next((record for record in same if record.key == insert.key), same[0])
        same.remove(here)
        if (here.key, here.line) != (insert.key, insert.line):
            moves.append((here.record_id, insert.key, insert.line))
    left = [record for records in waiting.values() for record in records]
    places = {record.key for record in left}
    return _Difference(
        tuple(inserts), tuple(moves), tuple(record.record_id for record in left),
        replaced=frozenset(insert.key for insert in inserts if insert.key in places),
        unchanged=len(known) - len(left),
    )


def _cleaned(file: ParsedFile, file_id: int) -> Iterator[tuple[Insert, str]]:
    """Each record ready to be stored, with the id of its text."""
    for record, key in zip(file.records, file.keys, strict=True):
        title = clean_title(record.title) if record.title else ""
        abstract = clean_abstract(record.text, record.title)
        insert = Insert(
            file_id, key, record.source.line, title or None, abstract, record.text, record.year, record.authors
        )
        yield insert, paper_id(abstract)


def _file_id(collection: Collection, path: Path, file: ParsedFile) -> int:
    """The known file at this path; or the one that was moved here; or a new one."""
    place = str(path.resolve())
    files = collection.store.files()
    for known in files:
        if known.path == place:
            return known.file_id
    gone = [known for known in files if known.name == path.name and not Path(known.path).exists()]
    texts = {text_id for _, text_id in _cleaned(file, 0)} if gone else set()
    for known in gone:
        if _mostly(collection, known, texts):
            with collection.store.transaction() as db:
                db.execute("UPDATE files SET path = ? WHERE file_id = ?", (place, known.file_id))
            return known.file_id
    with collection.store.transaction() as db:
        cursor = db.execute("INSERT INTO files (path, name, layout) VALUES (?, ?, ?)", (place, path.name, file.layout))
        return int(cursor.lastrowid or 0)


def _mostly(collection: Collection, known: StoredFile, texts: set[str]) -> bool:
    """Whether at least half of what a file gave is among ``texts``: else it is another file of the same name."""
    records = collection.store.records(known.file_id)
    return 2 * sum(record.text_id in texts for record in records) >= max(1, len(records))


def _expect_index(settings: Settings) -> None:
    if not (settings.index_dir / DATABASE).exists():
        raise StorageError(NO_INDEX)


def _first_papers(files: Sequence[ParsedFile]) -> list[Paper]:
    papers: list[Paper] = []
    for file in files:
        for insert, text_id in _cleaned(file, 0):
            papers.append(Paper(text_id, insert.title, insert.abstract, insert.raw))
            if len(papers) == BASIS_PAPERS:
                return papers
    return papers


def _count_papers(collection: Collection, report: Report) -> None:
    report.papers = collection.store.count()
    report.untitled = collection.store.count_untitled()
