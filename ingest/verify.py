"""Is every byte of the index as it was written? Slower than what each question looks at: all of it is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np

from assistant.errors import StorageError
from assistant.index.collection import Collection
from ingest.clean import paper_id
from ingest.opening import locked

BATCH = 1000  # chunks read at once
TOLERANCE = 0.01  # of a vector's length, which is 1


def verify(collection: Collection) -> list[str]:
    """Return what is damaged, a line each with the command that mends it; nothing where all is whole.

    No ingest can begin meanwhile: of an index that is being written to nothing can be said.

    Raises:
        StorageError: an ingest is writing to it.
    """
    with locked(collection.folder):
        collection.reopen()
        return _problems(collection)


def _problems(collection: Collection) -> list[str]:
    problems: list[str] = []
    for look in (_database, _lexical, _tokens, _vectors):
        try:
            problems += look(collection)
        except StorageError as exc:
            problems.append(str(exc))
    return problems


def _database(collection: Collection) -> Iterator[str]:
    """SQLite's own test of its pages, and every abstract against its id, which is a hash of it."""
    way_out = "move the index folder away and run ingest again"
    try:
        found = collection.store.integrity()
        if found != "ok":
            yield f"the index's database is damaged ({found.splitlines()[-1]}); {way_out}"
            return
        changed = sum(not _has_id(abstract, text_id) for text_id, abstract in collection.store.abstracts())
    except (sqlite3.Error, UnicodeDecodeError) as exc:
        yield f"the index's database cannot be read ({exc}); {way_out}"
        return
    if changed:
        yield f"the index's database is damaged ({changed} abstracts are not what was read); {way_out}"


def _has_id(abstract: str, text_id: str) -> bool:
    first = paper_id(abstract)
    return text_id in (first, paper_id(first + abstract))  # the second, where two texts have one hash


def _lexical(collection: Collection) -> Iterator[str]:
    collection.lexical.check()
    collection.check_lexical()
    yield from ()


def _tokens(collection: Collection) -> Iterator[str]:
    """The file against the checksum on the card; an index of an earlier version has none until the next ingest."""
    made = collection.tokens.checksum(int(collection.card["token_rows"]))
    if made != int(collection.card.get("token_checksum", made)):
        yield f"{collection.parts.tokens.name} is damaged; run: ingest rebuild"


def _vectors(collection: Collection) -> Iterator[str]:
    """Every chunk has a vector, and each is of length 1."""
    chunks = collection.chunk_ids(collection.store.paper_ids())
    missing = changed = 0
    for start in range(0, len(chunks), BATCH):
        stored = collection.vectors.vectors(chunks[start:start + BATCH])
        missing += len(chunks[start:start + BATCH]) - len(stored)
        lengths = np.linalg.norm(np.array(list(stored.values())), axis=1) if stored else np.ones(1)
        changed += int((~np.isclose(lengths, 1, atol=TOLERANCE)).sum())
    if missing or changed:
        yield f"the vectors are damaged ({missing} are missing, {changed} changed); run: ingest rebuild"

