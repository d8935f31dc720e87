"""What an index holds, read by the libraries that store it and by none of our code: two trees can be compared."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any


def stored_state(index: Path) -> Iterator[tuple[str, str]]:
    """(what, text) of each part of an index, whatever random names and row order its files have."""
    folders = {path.parent for name in ("chroma.sqlite3", "meta.json") for path in index.rglob(name)}
    for path in sorted(index.rglob("*")):
        name = str(path.relative_to(index))
        if path.is_dir() and (path / "chroma.sqlite3").exists():
            yield name, "\n".join(_chroma(path))
        elif path.is_dir() and (path / "meta.json").exists():
            yield name, "\n".join(_tantivy(path))
        elif path.is_file() and not folders.intersection(path.parents) and not name.endswith(("-wal", "-shm")):
            if path.suffix == ".sqlite":
                yield from ((f"{name} {table}", rows) for table, rows in _tables(path))
            else:
                yield name, _digest(path.read_bytes())


def _tables(path: Path) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        for (table,) in tables:
            rows = database.execute(f'SELECT * FROM "{table}"').fetchall()
            yield table, "\n".join(sorted(str([_plain(value) for value in row]) for row in rows))


def _chroma(folder: Path) -> Iterator[str]:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
    for collection in sorted(client.list_collections(), key=lambda collection: collection.name):
        yield f"{collection.name} {json.dumps(collection.configuration_json, sort_keys=True, default=str)}"
        found: Any = collection.get(include=["embeddings", "metadatas", "documents"])
        rows = zip(found["ids"], found["embeddings"], found["metadatas"], found["documents"], strict=True)
        yield from sorted(
            f"{key} {_digest(vector.tobytes())} {json.dumps(meta, sort_keys=True)} {text}"
            for key, vector, meta, text in rows
        )


def _tantivy(folder: Path) -> Iterator[str]:
    import tantivy

    yield json.dumps(json.loads((folder / "meta.json").read_text("utf-8"))["schema"], sort_keys=True)
    searcher = tantivy.Index.open(str(folder)).searcher()
    found = searcher.search(tantivy.Query.all_query(), limit=max(1, searcher.num_docs))
    yield from sorted(str(searcher.doc(address).to_dict()) for _, address in found.hits)


def _plain(value: object) -> object:
    return _digest(value) if isinstance(value, bytes) else value


def _digest(content: bytes) -> str:
    return f"{len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()[:16]}"
