"""Files → index, end to end: find, parse, clean, compare with what is known, write the difference."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from assistant.embedding.embedder import Embedder
from assistant.errors import MisuseError, StorageError
from assistant.index.collection import Collection
from assistant.index.room import DATABASE
from assistant.index.sqlite import NO_INDEX, NO_PAPERS, StoredFile
from assistant.records import Paper
from assistant.settings import Settings
from ingest.batches import BATCH, Batches, Progress
from ingest.difference import KnownFiles, difference
from ingest.files import find_files, own_name, stored_path
from ingest.opening import BASIS_PAPERS, locked, remake, settle, writing
from ingest.reading import CleanFile, read_files
from ingest.report import Report
from ingest.upsert import Changes


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
    read = read_files(found.files, report.skipped)
    first = list(_up_to(BASIS_PAPERS, read))
    if not any(file.records for file in first) and not (first and _has_index(settings)):
        report.skipped += [skip for file in first for skip in file.skipped]
        report.seconds = time.perf_counter() - began
        return report
    papers = _first_papers(first)
    with writing(settings, embedder, papers, progress=progress, mended=report.mended) as (collection, writer):
        files = KnownFiles(collection.store)
        batches = Batches(writer, files, report, progress or (lambda *_: None))
        for file in itertools.chain(first, read):
            report.skipped += file.skipped
            if file.records or file in files:  # else it is no source of anything, now or before
                _ingest_file(file, collection, files, batches, report)
        batches.write()
        if report.embedded or report.removed:
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
    place, own = stored_path(Path(name)), own_name(Path(name))
    wanted = [f for f in files if f.path in (place, name)] or [f for f in files if f.name in (name, own)]
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


def _up_to(enough: int, files: Iterator[CleanFile]) -> Iterator[CleanFile]:
    """Files until they hold ``enough`` records."""
    found = 0
    while found < enough and (file := next(files, None)):
        found += len(file.records)
        yield file


def _ingest_file(file: CleanFile, collection: Collection, files: KnownFiles, batches: Batches, report: Report) -> None:
    file_id = files.id_of(file)
    changed = difference(file, file_id, collection.store.records(file_id))
    report.files += 1
    report.read += len(file.records)
    report.unchanged += changed.unchanged
    report.removed += len(changed.deletes) - len(changed.replaced)
    batches.add(file.name, changed)


def _has_index(settings: Settings) -> bool:
    return (settings.index_dir / DATABASE).exists()


def _expect_index(settings: Settings) -> None:
    if not _has_index(settings):
        raise StorageError(NO_INDEX)


def _first_papers(files: Sequence[CleanFile]) -> list[Paper]:
    records = itertools.islice((record for file in files for record in file.records), BASIS_PAPERS)
    return [Paper(record.text_id, record.title, record.abstract, record.raw) for record in records]


def _count_papers(collection: Collection, report: Report) -> None:
    report.papers = collection.store.count()
    report.untitled = collection.store.count_untitled()
