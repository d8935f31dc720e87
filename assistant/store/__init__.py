"""SQLite: the truth about the collection. Everything else in the index folder follows from it.

Texts and works: every distinct abstract read is a *text*; texts that are one work (exact repeats have one
text, near-duplicates several) share a *work*, which is the id of the text that represents it. A `Paper` is
a work put together with its title and all its sources.
"""

from __future__ import annotations

from assistant.store.database import EMPTY, NO_INDEX, NO_PAPERS, SPAN_BYTES, damaged_database
from assistant.store.files import Files, StoredFile, StoredRecord
from assistant.store.filters import Filtering
from assistant.store.names import Names
from assistant.store.papers import Entry, Papers, authors_json, chunk_ids, sources_json

__all__ = [
    "EMPTY", "NO_INDEX", "NO_PAPERS", "SPAN_BYTES", "Entry", "Store", "StoredFile", "StoredRecord", "authors_json",
    "chunk_ids", "damaged_database", "sources_json",
]


class Store(Papers, Files, Filtering, Names):
    """All of it, on one connection."""
