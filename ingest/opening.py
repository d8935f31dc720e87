"""The index open for writing: locked, its card written, what a crash or a failing disk left put right."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

import assistant
from assistant.embedding.embedder import Embedder
from assistant.errors import DamagedPart, StorageError
from assistant.index.collection import Collection, make_folder
from assistant.index.room import no_room, unwritable
from assistant.index.sqlite import EMPTY, NO_INDEX, damaged_database
from assistant.index.token_vectors import Basis
from assistant.records import Paper
from assistant.settings import Settings
from ingest.batches import BATCH, Progress
from ingest.embed import embed, fit_basis
from ingest.upsert import JOURNAL, Writer

BASIS_PAPERS = 512
LOCK = "write.lock"
SHIPPED_BASES = Path(assistant.__file__).parent / "bases"  # named by `Embedder.model`: one serves every precision
SOON_INDEXED = 5_000  # papers whose words are indexed in a few seconds
QUICKLY_CHECKED_BYTES = 64 << 20  # of a database whose pages are looked at before it is written to
MAX_DELETED_SHARE = 0.1  # of the papers, in a larger collection
SECOND_LOOK_S = 1.0  # before anything is taken for damaged: what another process holds is let go by then


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the one writer's lock.

    Raises:
        StorageError: another process holds it, or the index cannot be written.
    """
    make_folder(folder)
    if reason := unwritable(folder):
        raise StorageError(
            f"the index cannot be written: {reason}; make room or let it be written, or set ASSISTANT_HOME to another "
            "folder"
        )
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as exc:
        raise StorageError("another ingest is writing to this index; wait until it has finished") from exc
    except OSError as exc:
        raise StorageError(
            f"{LOCK} in the index folder cannot be written ({exc.strerror}); move it away if it is no file, or set "
            "ASSISTANT_HOME to a folder you can write to"
        ) from exc
    try:
        yield
    except sqlite3.OperationalError as exc:
        raise no_room(exc) or StorageError(
            f"the index's database cannot be written ({exc}); nothing half done is kept"
        ) from exc
    except sqlite3.DatabaseError as exc:
        raise damaged_database(exc) from exc
    except OSError as exc:
        raise StorageError(f"the index cannot be written ({exc.strerror or exc}); nothing half done is kept") from exc
    finally:
        lock.release()


@contextlib.contextmanager
def writing(
    settings: Settings, embedder: Embedder, first: Sequence[Paper] = (), *,
    progress: Progress | None = None, mended: list[str] | None = None,
) -> Iterator[tuple[Collection, Writer]]:
    """Open the collection for writing.

    Args:
        first: papers that a new index begins with: a model without a shipped basis has it fitted to them.
        progress: told of parts that are made anew.
        mended: gets a line for each damage that was found and mended.
    """
    max_tokens = chunk_tokens(settings, embedder)
    with locked(settings.index_dir), Collection(settings, write=True) as collection:
        collection.check_embedder(embedder)
        card = collection.card
        if "fingerprint" not in card:
            if collection.parts.chroma.exists():
                raise StorageError(EMPTY)
            if not first:
                raise StorageError(NO_INDEX)
            default_basis(embedder, first, settings).save(collection.parts.basis)
            collection.tokens.append([], at=0)
            with collection.store.transaction():
                collection.store.set_card({**card_of(embedder, max_tokens), "build": ""})
            collection.reopen()
        elif card["chunk_tokens"] != str(max_tokens):
            raise StorageError(
                f"this index was made with chunks of {card['chunk_tokens']} tokens, ASSISTANT_CHUNK_TOKENS asks for "
                f"{max_tokens}; set it back, or run: ingest rebuild"
            )
        writer = Writer(collection, embedder, chunk_tokens=max_tokens)
        _put_right(collection, writer, settings, embedder, progress, [] if mended is None else mended)
        yield collection, writer


def _put_right(
    collection: Collection, writer: Writer, settings: Settings, embedder: Embedder, progress: Progress | None,
    mended: list[str],
) -> None:
    """Finish or undo what a crash left half written, and make damaged parts anew from the database.

    Raises:
        StorageError: the database itself is damaged.
    """
    if (found := collection.store.integrity(at_most=QUICKLY_CHECKED_BYTES)) != "ok":
        raise damaged_database(sqlite3.DatabaseError(found.splitlines()[-1]))
    try:
        collection.check_lexical()
    except DamagedPart as exc:
        mended.append(f"{exc.what}: made anew")
        _remake_lexical(collection)
    try:
        _recover(collection, writer)
    except DamagedPart:
        collection.reopen()
        time.sleep(SECOND_LOOK_S)
        try:
            _recover(collection, writer)
        except DamagedPart as exc:
            mended.append(f"{exc.what}: made anew")
            remake(collection, settings, embedder, progress)


def _recover(collection: Collection, writer: Writer) -> None:
    writer.recover()
    _settle_words(collection)
    sweep(collection)
    collection.check()


def settle(collection: Collection) -> None:
    """Let what was written be found as if it had been written at once.

    Deleted papers count in tantivy's frequencies until they are merged away, for which it has no call: a small
    collection, or one of which many were deleted, is indexed anew.
    """
    collection.vectors.settle()
    _settle_words(collection)


def _settle_words(collection: Collection) -> None:
    deleted, papers = collection.lexical.deleted(), collection.lexical.count()
    if deleted and (papers <= SOON_INDEXED or deleted > MAX_DELETED_SHARE * papers):
        _index_words(collection)


def _remake_lexical(collection: Collection) -> None:
    """Index words and names anew, in place; a kill leaves a folder that is made anew again."""
    collection.reopen()
    if collection.parts.lexical.is_dir():
        shutil.rmtree(collection.parts.lexical)
    else:
        collection.parts.lexical.unlink(missing_ok=True)
    _index_words(collection)


def _index_words(collection: Collection) -> None:
    """Index the words and names of all papers in one commit: readers see all as before, then all as new."""
    store = collection.store
    ids = store.paper_ids()
    with collection.lexical.writer() as lexical:
        lexical.clear()
        for start in range(0, len(ids), BATCH):
            for entry in store.entries(ids[start:start + BATCH]).values():
                lexical.add(entry.paper, store.name_keys(entry.paper.paper_id))


def remake(collection: Collection, settings: Settings, embedder: Embedder, progress: Progress | None) -> int:
    """Make everything but the database anew from the database; returns how many papers there are.

    The new parts are made beside the old, which answer questions until the database names the new.
    """
    before = collection.parts
    sweep(collection)
    store = collection.store
    ids = store.paper_ids()
    max_tokens = chunk_tokens(settings, embedder)
    with store.transaction() as db:
        store.set_card({
            **card_of(embedder, max_tokens), **store.count_anew(), "token_rows": "0", "token_checksum": "0",
            "build": str(collection.generation + 1),
        })
        collection.reopen()
        papers = [entry.paper for entry in store.entries(ids[:BASIS_PAPERS]).values()]
        default_basis(embedder, papers, settings).save(collection.parts.basis)
        collection.tokens.append([], at=0)
        writer = Writer(collection, embedder, chunk_tokens=max_tokens)
        for start in range(0, len(ids), BATCH):
            papers = [entry.paper for entry in store.entries(ids[start:start + BATCH]).values()]
            writer.write_vectors(db, list(embed(papers, embedder, collection.basis, chunk_tokens=max_tokens)))
            if progress:
                progress("rebuild", start + len(papers), len(ids))
        collection.check()
        collection.vectors.settle()
    (collection.folder / JOURNAL).unlink(missing_ok=True)
    collection.reopen()
    sweep(collection)
    if settings.chroma_url is not None:
        collection.vectors.drop(before.chroma_name)
    return len(ids)


def sweep(collection: Collection) -> None:
    """Delete the parts of other builds: those a rebuild replaced, and those of one that was cut off."""
    for part in ("chroma*", "lexical*", "tokens*.int8", "basis*.npz"):
        for path in set(collection.folder.glob(part)) - collection.parts.paths():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def chunk_tokens(settings: Settings, embedder: Embedder) -> int:
    """Return how many tokens a chunk may have: what is set, or what the model takes, if that is less."""
    max_tokens: int = min(settings.chunk_tokens, embedder.window)
    return max_tokens


def card_of(embedder: Embedder, max_tokens: int) -> dict[str, str]:
    """Return what the card says of the model and of chunks of ``max_tokens`` tokens."""
    return {
        "embedder": f"{embedder.name} {embedder.precision}", "fingerprint": embedder.fingerprint,
        "dimension": str(embedder.dimension), "chunk_tokens": str(max_tokens),
    }


def default_basis(embedder: Embedder, papers: Sequence[Paper], settings: Settings) -> Basis:
    """The basis shipped for the default model, or one fitted to the first papers for any other."""
    shipped = SHIPPED_BASES / f"{embedder.model}.npz"
    max_tokens = chunk_tokens(settings, embedder)
    whole = Basis.load(shipped) if shipped.exists() else fit_basis(papers, embedder, chunk_tokens=max_tokens)
    return whole.first(settings.token_dimensions)
