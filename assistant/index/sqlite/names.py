"""The names that papers mention, and what abbreviations are short for."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.index.sqlite.database import Database
from assistant.text.spelling import LETTERS, edits

COMMON_NOUN_SHARE = 0.2  # of the papers that mention it
NAME_SAMPLE = 1000  # papers that say how a name is written; their ids are hashes, so the first are any
NAME_LETTERS = LETTERS + "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœšžłčćęąńśżğ.+"  # that slips in names are looked for with


class Names(Database):
    """Names by their keys; see `assistant.text.names`."""

    def papers_with_name(self, key: str, *, versions: bool = True) -> dict[str, str]:
        """paper_id -> how it writes the name. With ``versions`` an unversioned key finds its versions too."""
        rows = self._db.execute("SELECT paper_id, surface FROM names WHERE key = ?", (key,)).fetchall()
        if versions and key.isalpha() and len(key) >= 3:
            pattern = key + "[0-9]*"
            rows = self._db.execute(
                "SELECT paper_id, surface FROM names WHERE key GLOB ?", (pattern,)
            ).fetchall() + rows
        return dict(rows)

    def name_counts(self, keys: Sequence[str]) -> dict[str, int]:
        """key -> papers that mention exactly it; keys nobody mentions are left out."""
        query = "SELECT key, count(*) FROM names WHERE key IN ({}) GROUP BY key"
        return dict(self._select(query, keys))

    def names_like(self, key: str) -> list[str]:
        """Known keys one letter away from ``key``, or with two neighbours swapped, sorted: candidates for a slip.

        Every such key is looked up, because reading all keys takes a second where there are a million.
        """
        return sorted(self.name_counts(sorted({*edits(key, NAME_LETTERS)} - {"", key})))

    def surface(self, key: str) -> str:
        """How most papers write a name, of the first `NAME_SAMPLE` that do."""
        row = self._db.execute(
            "SELECT surface FROM (SELECT surface FROM names WHERE key = ? LIMIT ?) "
            "GROUP BY surface ORDER BY count(*) DESC, surface LIMIT 1", (key, NAME_SAMPLE)
        ).fetchone()
        return str(row[0]) if row else key

    def is_common_noun(self, key: str) -> bool:
        """Whether papers use a name in the plural, as they do LLM and API but not Mistral or LoRA."""
        plural, papers = self._db.execute(
            "SELECT sum(surface GLOB '*[A-Z]s'), count(*) FROM (SELECT surface FROM names WHERE key = ? LIMIT ?)",
            (key, NAME_SAMPLE),
        ).fetchone()
        return not key.endswith("s") and (plural or 0) >= COMMON_NOUN_SHARE * max(papers, 1)

    def mentions(self, key: str) -> dict[str, int]:
        """paper_id -> how often it mentions exactly this name."""
        return dict(self._db.execute("SELECT paper_id, count FROM names WHERE key = ?", (key,)))

    def top_names(self, limit: int) -> list[tuple[str, int]]:
        """(key, papers), most mentioned first."""
        return list(self._db.execute(
            "SELECT key, count(*) AS papers FROM names GROUP BY key ORDER BY papers DESC, key LIMIT ?", (limit,)
        ))

    def names_of(self, paper_id: str) -> list[str]:
        """The names a paper mentions, as it writes them, most often first."""
        return [row[0] for row in self._db.execute(
            "SELECT surface FROM names WHERE paper_id = ? ORDER BY count DESC, key", (paper_id,)
        )]

    def name_keys(self, paper_id: str) -> list[str]:
        """The keys of the names a paper mentions, sorted."""
        rows = self._db.execute("SELECT key FROM names WHERE paper_id = ? ORDER BY key", (paper_id,))
        return [row[0] for row in rows]

    def expansions(self, key: str) -> dict[str, int]:
        """What an abbreviation is short for, in lower case -> how many papers say so."""
        return dict(self._db.execute(
            "SELECT expansion, count(*) FROM abbreviations WHERE key = ? GROUP BY expansion ORDER BY expansion", (key,)
        ))

    def abbreviated(self, key: str) -> dict[str, str]:
        """abbreviation -> expansion, where that, singular or plural, is this key but for hyphens and spaces."""
        return dict(self._db.execute(
            "SELECT key, expansion FROM abbreviations WHERE replace(replace(expansion, '-', ''), ' ', '') IN (?, ?, ?) "
            "ORDER BY key, expansion", (key, key + "s", key.removesuffix("s")),
        ))

    def spellings(self, key: str) -> dict[str, int]:
        """How papers write a name -> how many mostly do, most first."""
        return dict(self._db.execute(
            "SELECT surface, count(*) FROM names WHERE key = ? GROUP BY surface ORDER BY count(*) DESC, surface", (key,)
        ))

    def names_from(self, start: str) -> list[str]:
        """The names whose key begins with ``start``, most mentioned first."""
        return [row[0] for row in self._db.execute(
            "SELECT key FROM names WHERE key >= ?1 AND key < ?1 || char(1114111) "
            "GROUP BY key ORDER BY count(*) DESC, key", (start,),
        )]
