"""BM25 over titles, abstracts and names: the only file that knows tantivy.

Words are split by us (`words.index_terms`) and stemmed by tantivy; names are a field of their own, because a stock word
pattern reduces GPT-J to "gpt". Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
Beyond", 2009; tantivy fixes k1 = 1.2 and b = 0.75.
"""

from __future__ import annotations

import contextlib
import json
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Set
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from assistant.errors import DamagedPart, StorageError, panics_as_errors
from assistant.index.room import no_room
from assistant.records import Paper
from assistant.text.names import families, find_names
from assistant.text.words import FUNCTION_WORDS, index_terms

if TYPE_CHECKING:
    import tantivy

WRITER_BYTES = 64_000_000
TITLE_BOOST = 0.4  # a title says again what the abstract says; chosen on `choose` halves, see benchmarks/RESULTS.md
NAME_BOOST = 0.5
CHECKED_BYTES = 64 << 20  # of files whose checksums are looked at when they are opened: a tenth of a second
FOOTER = 1337  # the last four bytes of a file of tantivy


@contextlib.contextmanager
def _damage_reported() -> Iterator[None]:
    """Turn what tantivy raises into errors of ours, without its words: they hold paths."""
    try:
        with panics_as_errors():
            yield
    except StorageError:
        raise
    except Exception as exc:  # ValueError and plain Exception alike
        raise no_room(exc) or DamagedPart("the lexical index is damaged") from exc


class LexicalIndex:
    """Paper ids by the words and names they contain."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, making an empty index if there is none.

        Raises:
            DamagedPart: a file is missing or damaged. Files of more than `CHECKED_BYTES` are trusted: see `check`.
        """
        import tantivy

        schema = tantivy.SchemaBuilder()
        schema.add_text_field("paper_id", stored=True, tokenizer_name="raw")
        schema.add_text_field("title", tokenizer_name="stem")
        schema.add_text_field("abstract", tokenizer_name="stem")
        schema.add_text_field("names", tokenizer_name="keys", index_option="basic")
        self._tantivy = tantivy
        self._schema = schema.build()
        self._folder = folder
        self.check(at_most=CHECKED_BYTES)
        with _damage_reported():
            folder.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(self._schema, path=str(folder))
        whitespace = tantivy.Tokenizer.whitespace
        self._stemmer = tantivy.TextAnalyzerBuilder(whitespace()).filter(tantivy.Filter.stemmer("english")).build()
        self._index.register_tokenizer("stem", self._stemmer)
        self._index.register_tokenizer("keys", tantivy.TextAnalyzerBuilder(whitespace()).build())
        self.reload()

    @_damage_reported()
    def reload(self) -> None:
        """See what has been committed since."""
        self._index.reload()

    def check(self, *, at_most: int | None = None) -> None:
        """Compare every file of the last commit with the checksum that tantivy put at its end.

        Args:
            at_most: bytes; where the files have more, none is looked at.
        Raises:
            DamagedPart: a file differs by so much as a bit.
        """
        files = _segment_files(self._folder)
        if at_most is not None and sum(map(_size, files)) > at_most:
            return
        for path in files:
            try:
                data = path.read_bytes()
                length, magic = struct.unpack("<II", data[-8:])
                whole = magic == FOOTER and zlib.crc32(data[:-8 - length]) == json.loads(data[-8 - length:-8])["crc"]
            except FileNotFoundError:
                continue  # merged with others by the writer, meanwhile; one that is needed tantivy misses itself
            except (OSError, ValueError, LookupError, TypeError, struct.error):
                whole = False
            if not whole:
                raise DamagedPart(f"the lexical index is damaged ({path.suffix[1:]} file)")

    @_damage_reported()
    def count(self) -> int:
        """How many papers are indexed."""
        return int(self._index.searcher().num_docs)

    def deleted(self) -> int:
        """How many deleted papers still count in the frequencies of words."""
        return sum(deletes["num_deleted_docs"] for deletes in _segments(self._folder).values())

    def writer(self) -> LexicalWriter:
        """The one writer; changes show after its block ends."""
        return LexicalWriter(self._index, self._tantivy)

    def stems(self, text: str) -> list[str]:
        """The stems of the content words of ``text``, as indexed."""
        kept = [term for term in index_terms(text) if term not in FUNCTION_WORDS]
        return list(self._stemmer.analyze(" ".join(kept)))

    @_damage_reported()
    def search(self, text: str, *, limit: int, among: Collection[str] | None = None) -> list[tuple[str, float]]:
        """The ``limit`` best papers for a question as (paper_id, BM25 sum over fields), best first, ties by id.

        With ``among`` only those papers are ranked. Few are looked up; of many, a longer ranking of all is read until
        it holds enough of them, because each id looked up costs as much as a rank read.
        """
        clauses = self._clauses(text)
        if not clauses or limit < 1:
            return []
        tantivy = self._tantivy
        query = tantivy.Query.boolean_query(clauses)
        if among is None:
            return self._best(query, limit)
        total = self.count()
        if len(among) ** 2 <= limit * total:
            chosen = tantivy.Query.term_set_query(self._schema, "paper_id", list(among))
            return self._best(tantivy.Query.boolean_query([
                (tantivy.Occur.Must, query), (tantivy.Occur.Must, tantivy.Query.const_score_query(chosen, 0.0)),
            ]), limit)
        allowed = among if isinstance(among, Set) else frozenset(among)
        depth = limit * total // len(allowed)
        while True:
            depth = min(depth * 3 // 2 + limit, total)
            ranking = self._best(query, depth)
            found = [hit for hit in ranking if hit[0] in allowed]
            if len(found) >= limit or len(ranking) < depth or depth >= total:
                return found[:limit]

    @_damage_reported()
    def with_phrases(self, phrases: Iterable[str], *, without_name: str | None = None) -> list[str]:
        """Ids of all papers that have the words of one of ``phrases`` in a row, whatever their endings, and do not
        mention the name with the key ``without_name``, nor a version of it; sorted.
        """
        tantivy = self._tantivy
        clauses = [
            (tantivy.Occur.Should, query) for phrase in phrases for query in self._phrase(phrase)
        ]
        if not clauses:
            return []
        query = tantivy.Query.boolean_query(clauses)
        if without_name is None:
            return self._all(query)
        named = tantivy.Query.term_query(self._schema, "names", without_name, "basic")
        return self._all(tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.MustNot, named)]))

    def _phrase(self, phrase: str) -> list[Any]:
        """A phrase as queries of title and abstract; of no words, none."""
        stems = list(self._stemmer.analyze(" ".join(w for w in index_terms(phrase) if w)))
        plain = len(phrase.replace("-", " ").split())
        stems = stems[:plain]  # without the joined compounds, which stand after the words
        if not stems:
            return []
        tantivy = self._tantivy
        return [
            tantivy.Query.phrase_query(self._schema, field, stems) if len(stems) > 1
            else tantivy.Query.term_query(self._schema, field, stems[0], "freq")
            for field in ("title", "abstract")
        ]

    @_damage_reported()
    def frequency(self, stem: str) -> int:
        """In how many papers' abstracts or titles a stem occurs (the larger of the two)."""
        searcher = self._index.searcher()
        return max(int(searcher.doc_freq(field, stem)) for field in ("abstract", "title"))

    def word_frequency(self, word: str) -> int:
        """In how many papers' abstracts or titles a word occurs, whatever its ending (the larger of the two)."""
        return max((self.frequency(stem) for stem in self._stemmer.analyze(word)), default=0)

    def _all(self, query: Any) -> list[str]:
        return sorted(paper for paper, _ in self._best(query, max(1, self.count())))

    def _best(self, query: Any, limit: int) -> list[tuple[str, float]]:
        searcher = self._index.searcher()
        hits = searcher.search(query, limit, count=False).hits
        # In the order in which they are stored, so that each block of stored ids is unpacked once.
        hits.sort(key=lambda hit: (hit[1].segment_ord, hit[1].doc))
        found = [(str(searcher.doc(address)["paper_id"][0]), float(score)) for score, address in hits]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))

    def _clauses(self, text: str) -> list[tuple[Any, Any]]:
        tantivy = self._tantivy
        stems = dict.fromkeys(self.stems(text))
        keys = dict.fromkeys(name.key for name in find_names(text))
        if not stems:  # "who are you": nothing but function words
            stems = dict.fromkeys(self._stemmer.analyze(" ".join(index_terms(text))))
        clauses = []
        for stem in stems:
            for field, boost in (("abstract", 1.0), ("title", TITLE_BOOST)):
                term = tantivy.Query.term_query(self._schema, field, stem, "freq")
                clauses.append((tantivy.Occur.Should, tantivy.Query.boost_query(term, boost)))
        for key in keys:
            term = tantivy.Query.term_query(self._schema, "names", key, "basic")
            clauses.append((tantivy.Occur.Should, tantivy.Query.boost_query(term, NAME_BOOST)))
        return clauses


class LexicalWriter:
    """Adds and removes papers; commits when its block ends well, else leaves all as it was."""

    def __init__(self, index: tantivy.Index, module: Any) -> None:
        self._index = index
        self._tantivy = module
        self._writer: Any = None

    @_damage_reported()
    def __enter__(self) -> LexicalWriter:
        try:
            self._writer = self._index.writer(heap_size=WRITER_BYTES, num_threads=1)
        except ValueError as exc:
            raise no_room(exc) or StorageError(
                f"the lexical index is being written to by another process ({exc})"
            ) from exc
        # A commit that was killed leaves files that are in no commit, and the next would give the same names again.
        self._writer.garbage_collect_files()
        return self

    @_damage_reported()
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._writer.commit()
            self._writer.wait_merging_threads()
        else:
            self._writer.rollback()
        self._writer = None
        self._index.reload()

    def clear(self) -> None:
        """Forget all papers."""
        self._writer.delete_all_documents()

    def remove(self, paper_ids: Iterable[str]) -> None:
        """Forget these papers; unknown ids are no error."""
        for paper_id in paper_ids:
            self._writer.delete_documents_by_term("paper_id", paper_id)

    def add(self, paper: Paper, names: Iterable[str]) -> None:
        """Index one paper anew, under its words and the keys of the ``names`` it mentions."""
        self._writer.delete_documents_by_term("paper_id", paper.paper_id)
        document = self._tantivy.Document()
        document.add_text("paper_id", paper.paper_id)
        document.add_text("title", " ".join(index_terms(paper.title or "")))
        document.add_text("abstract", " ".join(index_terms(paper.abstract)))
        keys = set(names)
        keys |= {family for key in keys for family in families(key)}
        document.add_text("names", " ".join(sorted(keys)))
        self._writer.add_document(document)


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _segments(folder: Path) -> dict[str, dict[str, int]]:
    """Segment -> opstamp and number of its deletions, both 0 where it has none: the last commit, as tantivy notes it.

    Raises:
        DamagedPart: the note cannot be read.
    """
    meta = folder / "meta.json"
    if not meta.exists():
        return {}
    try:
        return {
            segment["segment_id"].replace("-", ""): segment.get("deletes") or {"opstamp": 0, "num_deleted_docs": 0}
            for segment in json.loads(meta.read_bytes())["segments"]
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as exc:
        raise DamagedPart("the lexical index is damaged (meta.json)") from exc


def _segment_files(folder: Path) -> list[Path]:
    """The files of the last commit: those a writer makes meanwhile have no checksum yet."""
    segments = _segments(folder)
    files = []
    for path in sorted(folder.iterdir()) if segments else ():
        deletes = segments.get(path.name.partition(".")[0])
        if deletes is not None and (path.suffix != ".del" or path.name.endswith(f".{deletes['opstamp']}.del")):
            files.append(path)
    return files
