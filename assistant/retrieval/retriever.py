"""A question → hits: candidates from dense and lexical search, ranked by late interaction and both."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from assistant.index.collection import Collection
from assistant.index.late_interaction import Match, support
from assistant.index.sqlite import Entry
from assistant.records import Hit, SentenceHit
from assistant.retrieval.fusion import ranked, rescale, weighted_sum
from assistant.text.prompt_injection import planted
from assistant.text.words import FUNCTION_WORDS, words

if TYPE_CHECKING:
    from assistant.embedding.embedder import Embedder

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

EXACT_PAPERS = 500  # that a filter leaves are all compared; of more, what the first stage proposes among them
MIN_SHARE = 0.15    # of the papers left by a filter, to be found in a ranking of all of them
MIN_DEPTH = 4000    # of that ranking; 2,000 lose 1 % of the nearest 100 among 40,000 of 100,000 papers


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each ranker's score, rescaled to 0–1, counts. Chosen on the `choose` halves of the question set and of
    four public collections; see "Choosing the ranker" in ``benchmarks/RESULTS.md``."""

    late: float = 1.0
    dense: float = 0.25
    lexical: float = 0.05
    names: float = 0.15     # of the question's names, the share a paper mentions
    sentence: float = 0.4   # of `late`, the share of the best single sentence; the rest is the whole paper's
    function: float = 0.15  # of a function word in late interaction, where the rarest word has 1


@dataclass(frozen=True, slots=True)
class QueryWord:
    """One word of the question."""

    text: str      # lower case
    start: int
    end: int
    papers: int    # of the collection, whose title or abstract has its stem
    content: bool  # looked for: no function word, and of the topic if one is given
    weight: float  # inverse document frequency as a share of the largest possible, 0–1; little for function words


@dataclass(frozen=True, slots=True)
class QueryName:
    """One name of the question."""

    key: str
    papers: frozenset[str]  # that mention it
    rarity: float           # inverse document frequency as a share of the largest possible, 0–1


@dataclass(frozen=True, slots=True)
class Query:
    """A question made ready for search."""

    text: str
    words: tuple[QueryWord, ...]
    pooled: Floats      # (d,)
    tokens: Floats      # (q, r), see `tokens.Basis.query`
    weights: Floats     # (q,), of each token
    word_of: npt.NDArray[np.int64]  # (q,) index into `words` of each token, -1 for punctuation
    names: tuple[QueryName, ...] = ()

    def named_by(self, paper_id: str) -> float:
        """The weighted share of the question's names that a paper mentions, 0–1; 0 without names."""
        total = sum(name.rarity for name in self.names)
        return sum(name.rarity for name in self.names if paper_id in name.papers) / total if total > 0 else 0.0

    def by_word(self, coverage: Floats) -> Doubles:
        """(n, q) best cosines of the tokens → (n, words) of the words: the mean over a word's pieces, 0–1."""
        pieces = np.arange(len(self.words))[:, None] == self.word_of[None, :]  # (words, q)
        with np.errstate(invalid="ignore"):  # see `late.support`
            mean = coverage.astype(np.float64) @ pieces.T / np.maximum(pieces.sum(axis=1), 1)
        found: Doubles = np.clip(mean, 0.0, 1.0)
        return found


@dataclass(frozen=True, slots=True)
class Ranking:
    """Papers compared with one question, best first; hits are made of those that are looked at."""

    query: Query
    entries: tuple[Entry, ...]
    matches: tuple[Match, ...]
    score: Floats       # (p,) what the ranking is by, 0–1, descending
    support: Floats     # (p,) late interaction of the whole paper, 0–1
    similarity: Floats  # (p,) cosine of question and best chunk; where dense search gave none, the lowest it gave
    lexical: Floats     # (p,) BM25 over the best BM25, 0–1

    def __len__(self) -> int:
        return len(self.entries)

    def paper_ids(self) -> list[str]:
        """Ids, best first."""
        return [entry.paper.paper_id for entry in self.entries]

    def hit(self, position: int) -> Hit:
        """The paper at a position, from 0, with its sentences scored."""
        entry, found = self.entries[position], self.matches[position]
        *by_word, whole = self.query.by_word(np.vstack([found.best, found.coverage()])).tolist()
        return Hit(
            paper=entry.paper, score=float(self.score[position]), support=float(self.support[position]),
            similarity=float(self.similarity[position]), lexical=float(self.lexical[position]),
            coverage=tuple(whole), sentences=_sentences(entry, found, self.query, by_word),
            title_coverage=_title(entry, by_word),
        )

    def hits(self, limit: int) -> list[Hit]:
        """The best ``limit`` papers."""
        return [self.hit(position) for position in range(min(limit, len(self)))]


class Reranker(Protocol):
    """A slower judge of the top of a ranking."""

    def rerank(self, ranking: Ranking) -> Ranking:
        """The same papers, the first few in another order; ``score`` stays within 0–1 and descending."""
        ...


class Retriever:
    """Searches one collection, or the part of it that passes a filter, with one embedder."""

    def __init__(
        self, collection: Collection, embedder: Embedder, *, weights: Weights | None = None,
        within: frozenset[str] | None = None, reranker: Reranker | None = None,
    ) -> None:
        """``within``: these papers only; ``reranker``: what `search` puts the best in order with."""
        collection.check_embedder(embedder)
        self._within = within
        self._reranker = reranker
        self.collection = collection
        self._embedder = embedder
        self._weights = weights or Weights()
        self._ranked: tuple[object, Ranking] | None = None  # the last search: often wanted twice for a question

    def unfiltered(self) -> Retriever:
        """The same over the whole collection."""
        return Retriever(self.collection, self._embedder, weights=self._weights, reranker=self._reranker)

    def count(self) -> int:
        """How many papers are searched."""
        return self.collection.store.count() if self._within is None else len(self._within)

    def paper_ids(self) -> list[str]:
        """Ids of the papers that are searched, sorted."""
        return self.collection.store.paper_ids() if self._within is None else sorted(self._within)

    def with_name(self, key: str) -> set[str]:
        """Ids of those that mention a name."""
        found = self.collection.with_name(key)
        return found if self._within is None else found & self._within

    def query(
        self, text: str, *, topic: Sequence[str] | None = None, names: Sequence[str] = (), aside: Sequence[str] = ()
    ) -> Query:
        """Embed a question and weigh its words by their rarity in the collection.

        Args:
            text: longer than the model's window, its beginning is used.
            topic: the words (lower case) that are looked for; the others then only give them context. Default: all.
            names: keys of the names in it; papers that mention them are preferred.
            aside: words (lower case) that are not looked for.
        """
        encoding = self._embedder.encode_one(self._fit(text))
        total = self.collection.store.count()
        found = []
        for word, start, end in words(text):
            content = word not in FUNCTION_WORDS and word not in aside and (topic is None or word in topic)
            stems = self.collection.lexical.stems(word) if content else []
            papers = max((self.collection.lexical.frequency(stem) for stem in stems), default=0)
            rarity = math.log((total + 1) / (papers + 0.5)) / math.log((total + 1) / 0.5)
            context = self._weights.function if topic is None else 0.0
            weight = max(rarity, 0.0) if content else context
            found.append(QueryWord(word, start, end, papers, content, weight))
        starts = np.array([word.start for word in found], dtype=np.int64)
        ends = np.array([word.end for word in found], dtype=np.int64)
        word_of = np.full(len(encoding.offsets), -1, dtype=np.int64)
        if found and len(encoding.offsets):
            at = np.searchsorted(starts, encoding.offsets[:, 0], side="right") - 1
            inside = (at >= 0) & (encoding.offsets[:, 0] < ends[np.maximum(at, 0)])
            word_of[inside] = at[inside]
        pieces = np.bincount(word_of[word_of >= 0], minlength=len(found))  # word pieces of each word
        weights = np.array(
            [found[w].weight / math.sqrt(pieces[w]) if w >= 0 else 0.0 for w in word_of], dtype=np.float32
        )
        return Query(
            text, tuple(found), encoding.pooled, self.collection.basis.query(encoding.vectors), weights, word_of,
            tuple(self._name(key, total) for key in names),
        )

    def _name(self, key: str, total: int) -> QueryName:
        papers = frozenset(self.collection.with_name(key))
        rarity = math.log((total + 1) / (len(papers) + 0.5)) / math.log((total + 1) / 0.5)
        return QueryName(key, papers, max(rarity, 0.0))

    def search(
        self, query: Query, *, limit: int, candidates: int = 200, among: Sequence[str] | None = None
    ) -> list[Hit]:
        """The ``limit`` best papers, best first; see `rank`."""
        return self.ranking(query, candidates=candidates, among=among).hits(limit)

    def ranking(self, query: Query, *, candidates: int = 200, among: Sequence[str] | None = None) -> Ranking:
        """What `search` takes the best of: `rank`, its top put in order by the reranker if there is one."""
        asked = (
            self.collection.generation, query.text, query.names, query.weights.tobytes(), candidates,
            None if among is None else tuple(among),
        )
        last = self._ranked
        if last is None or last[0] != asked:
            ranking = self.rank(query, candidates=candidates, among=among)
            last = self._ranked = (asked, self._reranker.rerank(ranking) if self._reranker else ranking)
        return last[1]

    def rank(self, query: Query, *, candidates: int = 200, among: Sequence[str] | None = None) -> Ranking:
        """Compare papers with a question token by token.

        Args:
            candidates: papers each first-stage ranker proposes.
            among: these papers only, all of them, whatever the first stage thinks of them.
        """
        allowed = self._within
        if allowed is not None:
            if among is not None:
                among = sorted(allowed.intersection(among))
            elif len(allowed) <= EXACT_PAPERS:
                among = sorted(allowed)
        limit = candidates if among is None else max(candidates, len(among))
        if among is not None and len(among) <= EXACT_PAPERS:
            dense = self._cosines(query.pooled, among)
        else:
            dense = self.dense(query.pooled, limit=limit, within=allowed)
        lexical = dict(self.collection.lexical.search(
            query.text, limit=limit, among=allowed if among is None else among
        ))
        named = [paper for name in query.names if len(name.papers) <= candidates for paper in name.papers]
        if among is not None:
            wanted = list(among)
        elif allowed is not None:
            wanted = sorted({*dense, *lexical, *allowed.intersection(named)})
        else:
            wanted = sorted({*dense, *lexical, *named})
        # Chroma and the lexical index may be ahead of the database: what it does not hold, does not exist.
        entries = self.collection.entries(wanted)
        ids = sorted(entries)
        found = self.collection.matches(query.text, query.tokens, entries)
        matches = [found[paper] for paper in ids]
        supports = self._support(query, [of_paper.coverage() for of_paper in matches])
        best = self._best_sentence(query, matches)
        late = (1 - self._weights.sentence) * supports + self._weights.sentence * best
        scores = weighted_sum(
            [
                (self._weights.late, rescale(dict(zip(ids, late.tolist(), strict=True)), ids)),
                (self._weights.dense, rescale(dense, ids)),
                (self._weights.lexical, rescale(lexical, ids)),
                (self._weights.names if query.names else 0.0, {paper: query.named_by(paper) for paper in ids}),
            ],
            ids,
        )
        order = {paper: position for position, paper in enumerate(ids)}
        best_first = ranked(scores)
        places = [order[paper] for paper in best_first]
        floor = min(dense.values(), default=0.0)
        top = max(lexical.values(), default=0.0) or 1.0
        return Ranking(
            query=query,
            entries=tuple(entries[paper] for paper in best_first),
            matches=tuple(matches[place] for place in places),
            score=np.array([scores[paper] for paper in best_first], dtype=np.float32),
            support=supports[places],
            similarity=np.array([dense.get(paper, floor) for paper in best_first], dtype=np.float32),
            lexical=np.array([lexical.get(paper, 0.0) / top for paper in best_first], dtype=np.float32),
        )

    def _cosines(self, pooled: Floats, paper_ids: Sequence[str]) -> dict[str, float]:
        """paper_id -> cosine of its best chunk, exact, for each of these papers."""
        chunks = [chunk for entry in self.collection.entries(paper_ids).values() for chunk in entry.chunk_ids()]
        best: dict[str, float] = {}
        for chunk, vector in self.collection.chunk_vectors(chunks).items():
            paper = chunk.partition(":")[0]
            best[paper] = max(best.get(paper, -1.0), float(vector @ pooled))
        return best

    def _support(self, query: Query, coverage: Sequence[Floats]) -> Floats:
        if not coverage:
            return np.zeros(0, dtype=np.float32)
        return support(np.stack(coverage), query.weights)

    def _best_sentence(self, query: Query, matches: Sequence[Match]) -> Floats:
        """(p,) support of each paper's best sentence."""
        if not matches:
            return np.zeros(0, dtype=np.float32)
        every = support(np.concatenate([found.best for found in matches]), query.weights)
        starts = np.cumsum([0, *(len(found.best) for found in matches[:-1])])
        best: Floats = np.maximum.reduceat(every, starts)
        return best

    def is_word(self, word: str) -> bool:
        """Whether a lower-case word is one of the embedder's vocabulary."""
        return self._embedder.is_word(word)

    def pooled(self, text: str) -> Floats:
        """(d,) the sentence embedding of a short text."""
        return self._embedder.encode_one(self._fit(text)).pooled

    def dense(self, pooled: Floats, *, limit: int, within: Set[str] | None = None) -> dict[str, float]:
        """The ``limit`` papers with the chunks nearest to one (d,) vector: paper_id -> cosine of its best chunk.

        ``within``: of these papers only. Are they many, a longer ranking of all papers is read until it holds enough of
        them; are they few, their chunks alone are compared.
        """
        chunks: list[str] | None = None
        # A fifth more chunks than that many papers have on average: to search again costs more.
        of_paper = int(self.collection.card["chunks"]) / max(self.collection.store.count(), 1)
        depth = max(limit, math.ceil(1.2 * limit * of_paper))
        if within is not None:
            share = len(within) / max(self.collection.store.count(), 1)
            if share < MIN_SHARE:
                chunks = self.collection.chunk_ids(within)
            else:
                depth = max(MIN_DEPTH, math.ceil(2 * depth / share))
        while True:
            found = self.collection.vectors.search(pooled, limit=depth, among=chunks)
            best: dict[str, float] = {}
            for chunk, cosine in found:  # best first
                paper = chunk.partition(":")[0]
                if within is None or paper in within:
                    best.setdefault(paper, cosine)
            if len(best) >= limit or len(found) < depth:
                return dict(islice(best.items(), limit))
            depth *= 2

    def _fit(self, text: str) -> str:
        offsets = self._embedder.token_offsets(text)
        room = self._embedder.window - 2
        return text if len(offsets) <= room else text[:int(offsets[room - 1][1])]


def _sentences(entry: Entry, found: Match, query: Query, by_word: Sequence[Sequence[float]]) -> tuple[SentenceHit, ...]:
    scores = support(found.best, query.weights).tolist()
    spans = entry.sentences[:, :2].tolist()
    # The title is matched too, but is not a sentence to quote.
    sentences = [
        SentenceHit(start, end, entry.paper.abstract[start:end], score, tuple(coverage))
        for (start, end), score, coverage in zip(spans, scores, by_word, strict=True) if start >= 0
    ]
    orders = planted([sentence.text for sentence in sentences])
    return tuple(sentence for sentence, order in zip(sentences, orders, strict=True) if not order)


def _title(entry: Entry, by_word: Sequence[Sequence[float]]) -> tuple[float, ...]:
    starts = entry.sentences[:, 0].tolist()
    return next((tuple(coverage) for start, coverage in zip(starts, by_word, strict=True) if start < 0), ())
