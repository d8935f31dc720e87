"""Which papers pass a filter: of some files, years, authors, or with code."""

from __future__ import annotations

import json
from collections.abc import Sequence

from assistant.index.sqlite.database import Database


class Filtering(Database):
    """Ids of the papers that pass; which they must, `assistant.retrieval.filters` says."""

    def papers_of_file(self, name: str) -> set[str]:
        """Ids of the papers that a file of this name gave."""
        return {row[0] for row in self._db.execute(
            "SELECT work FROM files JOIN records USING (file_id) JOIN texts USING (text_id) WHERE name = ?", (name,)
        )}

    def papers_with_code(self) -> set[str]:
        """Ids of the papers whose abstract gives code; see `assistant.text.code_links`."""
        return {row[0] for row in self._db.execute("SELECT paper_id FROM papers WHERE has_code")}

    def with_code(self, paper_ids: Sequence[str]) -> set[str]:
        """Those of ``paper_ids`` whose abstract gives code."""
        query = "SELECT paper_id FROM papers WHERE has_code AND paper_id IN ({})"
        return {row[0] for row in self._select(query, paper_ids)}

    def papers_from(self, first: int | None, last: int | None) -> set[str]:
        """Ids of the papers of these years, both ends included, None for open; papers without a year are none."""
        return {row[0] for row in self._db.execute(
            "SELECT paper_id FROM papers WHERE year BETWEEN coalesce(?, 0) AND coalesce(?, 9999)", (first, last)
        )}

    def papers_with_author_word(self, word: str) -> set[str]:
        """Ids of the papers one of whose authors' names has this word, written as `filters.author_words` gives it."""
        return {row[0] for row in self._db.execute("SELECT paper_id FROM author_words WHERE word = ?", (word,))}

    def authors_of(self, paper_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """paper_id -> authors of the papers that exist among ``paper_ids``."""
        rows = self._select("SELECT paper_id, authors FROM papers WHERE paper_id IN ({})", paper_ids)
        return {paper: tuple(json.loads(authors)) for paper, authors in rows}

    def author_words_like(self, start: str, limit: int) -> list[str]:
        """Words of authors' names that begin with ``start``, most papers first."""
        return [row[0] for row in self._db.execute(
            "SELECT word FROM author_words WHERE word >= ?1 AND word < ?1 || char(1114111) "
            "GROUP BY word ORDER BY count(*) DESC, word LIMIT ?2", (start, limit),
        )]

    def known_bylines(self) -> tuple[int, int | None, int | None, int]:
        """Papers with a year, the first and the last year, papers with authors."""
        dated, first, last, signed = self._db.execute(
            "SELECT count(year), min(year), max(year), coalesce(sum(authors <> '[]'), 0) FROM papers"
        ).fetchone()
        return dated, first, last, signed
