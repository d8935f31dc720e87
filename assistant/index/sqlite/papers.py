"""Papers: works put together with their titles and all their sources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.index.sqlite.database import SPAN_BYTES, Database
from assistant.records import Paper, Source

Spans = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper and where its vectors are."""

    paper: Paper
    chunks: Spans     # (c, 2) start, end in the abstract
    sentences: Spans  # (s, 4) start, end in the abstract, first and last+1 token row; the title is (-1, -1, …)
    token_start: int  # row in the token file
    token_count: int

    def chunk_ids(self) -> list[str]:
        """The ids of this paper's chunks, as Chroma has them."""
        return chunk_ids(self.paper.paper_id, len(self.chunks))


def chunk_ids(paper_id: str, count: int) -> list[str]:
    """Ids derive from the paper and the position, so that a second ingest finds them again."""
    return [f"{paper_id}:{position}" for position in range(count)]


class Papers(Database):
    """The papers themselves."""

    def count_untitled(self) -> int:
        """How many have no title."""
        return int(self._db.execute("SELECT count(*) FROM papers WHERE title IS NULL").fetchone()[0])

    def chunk_counts(self) -> dict[str, int]:
        """paper_id -> chunks, of the papers that have more than one."""
        return dict(self._db.execute(
            f"SELECT paper_id, length(chunks) / {SPAN_BYTES} FROM papers WHERE length(chunks) > 8"
        ))

    def paper_ids(self) -> list[str]:
        """All ids, sorted."""
        return [row[0] for row in self._db.execute("SELECT paper_id FROM papers ORDER BY paper_id")]

    def entries(self, paper_ids: Sequence[str]) -> dict[str, Entry]:
        """The papers that exist among ``paper_ids``."""
        found: dict[str, Entry] = {}
        for row in self._select("SELECT * FROM papers WHERE paper_id IN ({})", paper_ids):
            found[row[0]] = Entry(
                _paper((*row[:6], *row[10:12])), _spans(row[6], 2), _spans(row[7], 4), row[8], row[9]
            )
        return found

    def paper(self, paper_id: str) -> Paper | None:
        """One paper by its id or by that of a merged repeat."""
        row = self._db.execute(
            "SELECT paper_id, title, abstract, raw, sources, aliases, year, authors FROM papers WHERE paper_id = "
            "coalesce((SELECT work FROM texts WHERE text_id = ?1), ?1)", (paper_id,)
        ).fetchone()
        return _paper(row) if row else None

    def abstracts(self) -> Iterator[tuple[str, str]]:
        """(id, abstract) of every text that was read, and of every paper."""
        for table in ("SELECT text_id, abstract FROM texts", "SELECT paper_id, abstract FROM papers"):
            yield from self._db.execute(table)

    def titles(self) -> list[tuple[str, str | None]]:
        """(paper_id, title) of every paper, sorted by id."""
        return list(self._db.execute("SELECT paper_id, title FROM papers ORDER BY paper_id"))

    def by_title(self, limit: int, offset: int) -> list[str]:
        """Ids in order of title, those without one last."""
        return [row[0] for row in self._db.execute(
            "SELECT paper_id FROM papers ORDER BY title IS NULL, lower(title), paper_id LIMIT ? OFFSET ?",
            (limit, offset),
        )]

    def lengths(self) -> list[tuple[str, int]]:
        """(paper_id, characters) of the shortest and of the longest abstract; nothing of an empty collection."""
        ends = "SELECT paper_id, length(abstract) AS n FROM papers ORDER BY n {}, paper_id LIMIT 1"
        return [row for order in ("ASC", "DESC") for row in self._db.execute(ends.format(order))]

    def mean_length(self) -> float:
        """Mean characters of an abstract; 0 for an empty collection."""
        return float(self._db.execute("SELECT coalesce(avg(length(abstract)), 0) FROM papers").fetchone()[0])


def sources_json(sources: Iterable[Source]) -> str:
    """Sources as stored: [[file, line], …]."""
    return json.dumps([[source.file, source.line] for source in sources], ensure_ascii=False)


def authors_json(authors: Sequence[str]) -> str:
    """Authors as stored: a list of names."""
    return json.dumps(list(authors), ensure_ascii=False)


def _paper(row: Sequence[Any]) -> Paper:
    paper_id, title, abstract, raw, sources, aliases, year, authors = row
    return Paper(
        paper_id, title, abstract, raw,
        tuple(Source(file, line) for file, line in json.loads(sources)), tuple(aliases.split()),
        year, tuple(json.loads(authors)),
    )


def _spans(blob: bytes, columns: int) -> Spans:
    return np.frombuffer(blob, dtype=np.int32).reshape(-1, columns)
