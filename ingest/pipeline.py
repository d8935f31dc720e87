"""Files → index, end to end: find, parse, clean, compare with what is known, write the difference."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

import assistant
from assistant.collection import Collection, make_folder
from assistant.embedder import Embedder
from assistant.errors import MisuseError, StorageError
from assistant.records import Paper
from assistant.settings import Settings
from assistant.store import NO_INDEX, StoredFile
from assistant.tokens import Basis
from ingest.batches import BATCH, Batches, Progress
from ingest.difference import KnownFiles, difference
from ingest.embed import embed, fit_basis
from ingest.files import find_files, own_name, stored_path
from ingest.reading import CleanFile, read_files
from ingest.report import Report
from ingest.upsert import JOURNAL, Changes, Writer

BASIS_PAPERS = 512
SHIPPED_BASES = Path(assistant.__file__).parent / "bases"  # named by `Embedder.model`: one serves every precision


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
    with _writing(settings, embedder, first) as (collection, writer):
        files = KnownFiles(collection.store)
        batches = Batches(writer, files, report, progress or (lambda *_: None))
        for file in itertools.chain(first, read):
            report.skipped += file.skipped
            if file.records or file in files:  # else it is no source of anything, now or before
                _ingest_file(file, collection, files, batches, report)
        batches.write()
        if report.embedded or report.removed:
            collection.vectors.settle()
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
    with _writing(settings, embedder, []) as (collection, writer):
        files = collection.store.files()
        for file in [_named(name, files) for name in dict.fromkeys(names)]:
            records = collection.store.records(file.file_id)
            for start in range(0, len(records), BATCH):
                writer.apply(Changes(deletes=[record.record_id for record in records[start:start + BATCH]]))
            with collection.store.transaction() as db:
                db.execute("DELETE FROM files WHERE file_id = ?", (file.file_id,))
            report.files += 1
            report.removed += len(records)
        collection.vectors.settle()
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
    The new parts are made beside the old, which answer questions until the database names the new.

    Raises:
        StorageError: there is no index, or its database is damaged.
    """
    began = time.perf_counter()
    report = Report()
    folder = settings.index_dir
    _expect_index(settings)
    with _locked(folder), Collection(settings, write=True) as collection:
        if "fingerprint" not in collection.card:
            raise StorageError(NO_INDEX)
        before = collection.parts
        _sweep(collection)
        store = collection.store
        ids = store.paper_ids()
        room = _chunk_tokens(settings, embedder)
        with store.transaction() as db:
            store.set_card({
                **_card(embedder, room), **store.count_anew(), "token_rows": "0",
                "build": str(collection.generation + 1),
            })
            collection.reopen()
            papers = [entry.paper for entry in store.entries(ids[:BASIS_PAPERS]).values()]
            _default_basis(embedder, papers, settings).save(collection.parts.basis)
            collection.tokens.append([], at=0)
            writer = Writer(collection, embedder, chunk_tokens=room)
            for start in range(0, len(ids), BATCH):
                entries = store.entries(ids[start:start + BATCH])
                papers = [entry.paper for entry in entries.values()]
                writer.write_vectors(db, list(embed(papers, embedder, collection.basis, chunk_tokens=room)))
                report.embedded += len(papers)
                if progress:
                    progress("rebuild", start + len(papers), len(ids))
            collection.check()
            collection.vectors.settle()
        (folder / JOURNAL).unlink(missing_ok=True)
        collection.reopen()
        _sweep(collection)
        if settings.chroma_url is not None:
            collection.vectors.drop(before.chroma_name)
        _count_papers(collection, report)
    report.seconds = time.perf_counter() - began
    return report


def _sweep(collection: Collection) -> None:
    """Delete the parts of other builds: those a rebuild replaced, and those of one that was cut off."""
    for part in ("chroma*", "lexical*", "tokens*.int8", "basis*.npz"):
        for path in set(collection.folder.glob(part)) - collection.parts.paths():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


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


@contextlib.contextmanager
def _writing(
    settings: Settings, embedder: Embedder, files: Sequence[CleanFile]
) -> Iterator[tuple[Collection, Writer]]:
    """The collection open for writing, its card written if it is new, and what a crash left put right."""
    room = _chunk_tokens(settings, embedder)
    with _locked(settings.index_dir), Collection(settings, write=True) as collection:
        collection.check_embedder(embedder)
        card = collection.card
        if "fingerprint" not in card:
            if collection.parts.chroma.exists():
                raise StorageError(
                    "the index's database is empty, the rest is not; move the index folder away and run ingest again"
                )
            papers = _first_papers(files)
            if not papers:
                raise StorageError(NO_INDEX)
            _default_basis(embedder, papers, settings).save(collection.parts.basis)
            collection.tokens.append([], at=0)
            with collection.store.transaction():
                collection.store.set_card({**_card(embedder, room), "build": ""})
            collection.reopen()
        elif card["chunk_tokens"] != str(room):
            raise StorageError(
                f"this index was made with chunks of {card['chunk_tokens']} tokens, ASSISTANT_CHUNK_TOKENS asks for "
                f"{room}; set it back, or run: ingest rebuild"
            )
        writer = Writer(collection, embedder, chunk_tokens=room)
        writer.recover()
        _sweep(collection)
        collection.check()
        yield collection, writer


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the one writer's lock."""
    make_folder(folder)
    lock = FileLock(folder / "write.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as exc:
        raise StorageError("another ingest is writing to this index; wait until it has finished") from exc
    except OSError as exc:
        raise StorageError(
            f"the index folder cannot be written ({exc.strerror}); set ASSISTANT_HOME to a folder you can write to"
        ) from exc
    try:
        yield
    except sqlite3.Error as exc:
        raise StorageError(f"the index's database cannot be written ({exc}); nothing half done is kept") from exc
    except OSError as exc:
        raise StorageError(f"the index cannot be written ({exc.strerror or exc}); nothing half done is kept") from exc
    finally:
        lock.release()


def _has_index(settings: Settings) -> bool:
    return (settings.index_dir / "papers.sqlite").exists()


def _expect_index(settings: Settings) -> None:
    if not _has_index(settings):
        raise StorageError(NO_INDEX)


def _chunk_tokens(settings: Settings, embedder: Embedder) -> int:
    room: int = min(settings.chunk_tokens, embedder.window)
    return room


def _card(embedder: Embedder, chunk_tokens: int) -> dict[str, str]:
    return {
        "embedder": f"{embedder.name} {embedder.precision}", "fingerprint": embedder.fingerprint,
        "dimension": str(embedder.dimension), "chunk_tokens": str(chunk_tokens),
    }


def _default_basis(embedder: Embedder, papers: Sequence[Paper], settings: Settings) -> Basis:
    """The basis shipped for the default model, or one fitted to the first papers for any other."""
    shipped = SHIPPED_BASES / f"{embedder.model}.npz"
    room = _chunk_tokens(settings, embedder)
    whole = Basis.load(shipped) if shipped.exists() else fit_basis(papers, embedder, chunk_tokens=room)
    return whole.first(settings.token_dimensions)


def _first_papers(files: Sequence[CleanFile]) -> list[Paper]:
    records = itertools.islice((record for file in files for record in file.records), BASIS_PAPERS)
    return [Paper(record.text_id, record.title, record.abstract, record.raw) for record in records]


def _count_papers(collection: Collection, report: Report) -> None:
    report.papers = collection.store.count()
    report.untitled = collection.store.count_untitled()
