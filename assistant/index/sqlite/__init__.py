"""SQLite: the truth about the collection. Everything else in the index folder follows from it.

Texts and works: every distinct abstract read is a *text*; texts that are one work (exact repeats have one
text, near-duplicates several) share a *work*, which is the id of the text that represents it. A `Paper` is
a work put together with its title and all its sources.
"""

from __future__ import annotations

from assistant.index.sqlite.database import EMPTY, NO_INDEX, NO_PAPERS, SPAN_BYTES, damaged_database
from assistant.index.sqlite.files import Files, StoredFile, StoredRecord
from assistant.index.sqlite.filters import Filtering
from assistant.index.sqlite.names import Names
from assistant.index.sqlite.papers import Entry, Papers, authors_json, chunk_ids, sources_json

__all__ = [
    "EMPTY", "NO_INDEX", "NO_PAPERS", "SPAN_BYTES", "Entry", "Store", "StoredFile", "StoredRecord", "authors_json",
    "chunk_ids", "damaged_database", "sources_json",
]


class Store(Papers, Files, Filtering, Names):
    """All of it, on one connection."""
