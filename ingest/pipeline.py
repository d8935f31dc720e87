"""Files → index, end to end: find, parse, clean, compare with what is known, write the difference."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

import assistant
from assistant.collection import Collection, make_folder
from assistant.embedder import Embedder
from assistant.errors import MisuseError, ParseError, StorageError
from assistant.records import Paper
from assistant.settings import Settings
from assistant.store import StoredRecord
from assistant.tokens import Basis
from ingest.clean import clean_abstract, clean_title, paper_id
from ingest.embed import embed, fit_basis
from ingest.parse import ParsedFile, Skip, find_files, read_records
from ingest.report import Report
from ingest.upsert import Changes, Insert, Writer

BATCH = 512  # records written at once: what a kill can lose
TOKEN_FILE = "tokens.int8"
SHIPPED_BASES = Path(assistant.__file__).parent / "bases"  # named by the fingerprint of their model

Progress = Callable[[str, int, int], None]  # file name, records done, records to do


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
    parsed = []
    for path in found.files:
        try:
            parsed.append((path, read_records(path)))
        except ParseError as exc:
            report.skipped.append(Skip(path.name, None, exc.reason))
    if not parsed:
        return report
    with _writing(settings, embedder, [file for _, file in parsed]) as (collection, writer):
        for path, file in parsed:
            report.files += 1
            report.read += len(file.records)
            report.skipped += file.skipped
            _ingest_file(path, file, collection, writer, report, progress or (lambda *_: None))
        _count_papers(collection, report)
    report.seconds = time.perf_counter() - began
    return report


def remove(names: Sequence[str], settings: Settings, embedder: Embedder) -> Report:
    """Take files out of the collection, by path or by name; their papers go unless another file has them too.

    Raises:
        MisuseError: a name fits no file of the collection, or more than one.
    """
    report = Report()
    with _writing(settings, embedder, []) as (collection, writer):
        files = collection.store.files()
        for name in names:
            wanted = [f for f in files if f.path == str(Path(name).resolve())] or [f for f in files if f.name == name]
            if len(wanted) != 1:
                known = ", ".join(sorted({f.name for f in files})) or "none"
                problem = "no file" if not wanted else f"{len(wanted)} files"
                raise MisuseError(f"{problem} of the collection is called {name!r}; it has: {known}")
            records = collection.store.records(wanted[0].file_id)
            for start in range(0, len(records), BATCH):
                writer.apply(Changes(deletes=[record.record_id for record in records[start:start + BATCH]]))
            with collection.store.transaction() as db:
                db.execute("DELETE FROM files WHERE file_id = ?", (wanted[0].file_id,))
            report.files += 1
            report.removed += len(records)
        _count_papers(collection, report)
    return report


def rebuild(settings: Settings, embedder: Embedder, *, progress: Progress | None = None) -> Report:
    """Make everything but the database anew from the database.

    Mends a damaged Chroma folder, lexical index, token file or basis, and changes the model or the chunk length.
    """
    began = time.perf_counter()
    report = Report()
    folder = settings.index_dir
    if not (folder / "papers.sqlite").exists():
        raise StorageError("there is no index to rebuild; make one with: ingest PATH")
    with _locked(folder):
        for part in ("chroma", "lexical"):
            shutil.rmtree(folder / part, ignore_errors=True)
        (folder / "journal.json").unlink(missing_ok=True)
        collection = Collection(settings, write=True)
        ids = collection.store.paper_ids()
        room = _chunk_tokens(settings, embedder)
        papers = [entry.paper for entry in collection.store.entries(ids[:BATCH]).values()]
        _default_basis(embedder, papers, room).save(folder / "basis.npz")
        # Row numbers change, so the new token file has a new name until the database says so.
        generation = collection.generation + 1
        name = f"tokens-{generation}.int8"
        with collection.store.transaction() as db:
            collection.store.set_card({**_card(embedder, room), "token_file": name})
            collection.card = collection.store.card()
            writer = Writer(collection, embedder, chunk_tokens=room)
            db.execute("UPDATE papers SET token_start = 0, token_count = 0")
            for start in range(0, len(ids), BATCH):
                entries = collection.store.entries(ids[start:start + BATCH])
                papers = [entry.paper for entry in entries.values()]
                writer.write_vectors(db, list(embed(papers, embedder, collection.basis, chunk_tokens=room)))
                report.embedded += len(papers)
                if progress:
                    progress("rebuild", start + len(papers), len(ids))
        for old in folder.glob("tokens*.int8"):
            if old.name != name:
                old.unlink()
        _count_papers(collection, report)
        collection.close()
    report.seconds = time.perf_counter() - began
    return report


def _ingest_file(
    path: Path, file: ParsedFile, collection: Collection, writer: Writer, report: Report, progress: Progress
) -> None:
    difference = _difference(file, _file_id(collection, path, file.layout), collection)
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
    waiting: dict[tuple[str, str | None], list[StoredRecord]] = {}
    for record in known:
        waiting.setdefault((record.text_id, record.title), []).append(record)
    inserts: list[Insert] = []
    moves: list[tuple[int, str, int | None]] = []
    for insert, text_id in _cleaned(file, file_id):
        same = waiting.get((text_id, insert.title))
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
        yield Insert(file_id, key, record.source.line, title or None, abstract, record.text), paper_id(abstract)


def _file_id(collection: Collection, path: Path, layout: str) -> int:
    """The known file at this path; or one of the same name whose own path is gone, which was moved; or a new one."""
    place = str(path.resolve())
    files = collection.store.files()
    for known in files:
        if known.path == place:
            return known.file_id
    for known in files:
        if known.name == path.name and not Path(known.path).exists():
            with collection.store.transaction() as db:
                db.execute("UPDATE files SET path = ? WHERE file_id = ?", (place, known.file_id))
            return known.file_id
    with collection.store.transaction() as db:
        cursor = db.execute("INSERT INTO files (path, name, layout) VALUES (?, ?, ?)", (place, path.name, layout))
        return int(cursor.lastrowid or 0)


@contextlib.contextmanager
def _writing(settings: Settings, embedder: Embedder, files: Sequence[ParsedFile]) -> Iterator[tuple[Collection, Writer]]:
    """The collection open for writing, its card written if it is new, and what a crash left put right."""
    room = _chunk_tokens(settings, embedder)
    with _locked(settings.index_dir):
        collection = Collection(settings, write=True)
        collection.check_embedder(embedder)
        card = collection.card
        if "fingerprint" not in card:
            papers = _first_papers(files)
            if not papers:
                raise MisuseError("none of the files could be read as abstracts, so there is nothing to index")
            _default_basis(embedder, papers, room).save(settings.index_dir / "basis.npz")
            with collection.store.transaction():
                collection.store.set_card({**_card(embedder, room), "token_file": TOKEN_FILE})
            collection.refresh()
        elif card["chunk_tokens"] != str(room):
            raise StorageError(
                f"this index was made with chunks of {card['chunk_tokens']} tokens, ASSISTANT_CHUNK_TOKENS asks for {room}; "
                "set it back, or run: ingest rebuild"
            )
        writer = Writer(collection, embedder, chunk_tokens=room)
        writer.recover()
        try:
            yield collection, writer
        finally:
            collection.close()


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
    finally:
        lock.release()


def _chunk_tokens(settings: Settings, embedder: Embedder) -> int:
    room: int = min(settings.chunk_tokens, embedder.window)
    return room


def _card(embedder: Embedder, chunk_tokens: int) -> dict[str, str]:
    return {
        "embedder": embedder.name, "fingerprint": embedder.fingerprint, "dimension": str(embedder.dimension),
        "chunk_tokens": str(chunk_tokens),
    }


def _default_basis(embedder: Embedder, papers: Sequence[Paper], chunk_tokens: int) -> Basis:
    """The basis shipped for the default model, or one fitted to the first papers for any other."""
    shipped = SHIPPED_BASES / f"{embedder.fingerprint}.npz"
    return Basis.load(shipped) if shipped.exists() else fit_basis(papers, embedder, chunk_tokens=chunk_tokens)


def _first_papers(files: Sequence[ParsedFile]) -> list[Paper]:
    papers: list[Paper] = []
    for file in files:
        for insert, text_id in _cleaned(file, 0):
            papers.append(Paper(text_id, insert.title, insert.abstract, insert.raw))
            if len(papers) == BATCH:
                return papers
    return papers


def _count_papers(collection: Collection, report: Report) -> None:
    titles = [title for _, title in collection.store.titles()]
    report.papers = len(titles)
    report.untitled = titles.count(None)
