"""A question → hits: candidates from dense and lexical search, ranked by late interaction and both."""

from __future__ import annotations

import math
from collections.abc import Collection as Collection_
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from assistant.collection import Collection
from assistant.records import Hit, SentenceHit
from assistant.retrieval.fuse import ranked, rescale, weighted_sum
from assistant.retrieval.late import Match, match, support
from assistant.retrieval.words import FUNCTION_WORDS, words
from assistant.store import Entry

if TYPE_CHECKING:
    from assistant.embedder import Embedder

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each ranker's score, rescaled to 0–1, counts. Chosen by ``benchmarks/retrieval.py``."""

    late: float = 1.0
    dense: float = 0.25
    lexical: float = 0.25


@dataclass(frozen=True, slots=True)
class QueryWord:
    """One word of the question."""

    text: str      # lower case
    start: int
    end: int
    papers: int    # of the collection, whose title or abstract has its stem
    weight: float  # 0 for function words, else its inverse document frequency, 0–1 of the largest possible


@dataclass(frozen=True, slots=True)
class Query:
    """A question made ready for search."""

    text: str
    words: tuple[QueryWord, ...]
    pooled: Floats      # (d,)
    tokens: Floats      # (q, r), see `tokens.Basis.query`
    weights: Floats     # (q,), of each token
    word_of: npt.NDArray[np.int64]  # (q,) index into `words` of each token, -1 for punctuation


class Retriever:
    """Searches one collection with one embedder."""

    def __init__(self, collection: Collection, embedder: Embedder, *, weights: Weights | None = None) -> None:
        collection.check_embedder(embedder)
        self.collection = collection
        self._embedder = embedder
        self._weights = weights or Weights()

    def query(self, text: str, *, muted: Collection_[str] = ()) -> Query:
        """Embed a question and weigh its words by their rarity in the collection.

        Args:
            text: longer than the model's window, its beginning is used.
            muted: words (lower case) that give context but are not looked for.
        """
        encoding = next(iter(self._embedder.encode([self._fit(text)])))
        total = self.collection.store.count()
        found = []
        for word, start, end in words(text):
            stems = self.collection.lexical.stems(word) if word not in FUNCTION_WORDS and word not in muted else []
            papers = max((self.collection.lexical.frequency(stem) for stem in stems), default=0)
            rarity = math.log((total + 1) / (papers + 0.5)) / math.log((total + 1) / 0.5) if stems else 0.0
            found.append(QueryWord(word, start, end, papers, max(rarity, 0.0)))
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
            text, tuple(found), encoding.pooled, self.collection.basis.query(encoding.vectors), weights, word_of
        )

    def search(self, query: Query, *, limit: int, candidates: int = 200, among: Sequence[str] | None = None) -> list[Hit]:
        """The ``limit`` best papers, best first.

        Args:
            candidates: papers each first-stage ranker proposes; each is then compared token by token.
            among: rank these papers only, all of them, whatever the first stage thinks of them.
        """
        dense = self._dense(query, candidates if among is None else max(candidates, len(among)))
        lexical = dict(self.collection.lexical.search(query.text, limit=candidates, among=among))
        wanted = sorted({*dense, *lexical}) if among is None else list(among)
        # Chroma and the lexical index may be ahead of the database: what it does not hold, does not exist.
        entries = self.collection.store.entries(wanted)
        ids = sorted(entries)
        matches = dict(zip(ids, match(query.tokens, self.collection.documents([entries[i] for i in ids])), strict=True))
        supports = {
            paper: float(support(found.coverage(), query.weights)) for paper, found in matches.items()
        }
        scores = weighted_sum(
            [
                (self._weights.late, rescale(supports, ids)),
                (self._weights.dense, rescale(dense, ids)),
                (self._weights.lexical, rescale(lexical, ids)),
            ],
            ids,
        )
        top = max(lexical.values(), default=0.0) or 1.0
        return [
            Hit(
                paper=entries[paper].paper,
                score=scores[paper],
                support=supports[paper],
                similarity=dense.get(paper, 0.0),
                lexical=lexical.get(paper, 0.0) / top,
                coverage=_by_word(matches[paper].coverage(), query),
                sentences=_sentences(entries[paper], matches[paper], query),
            )
            for paper in ranked(scores)[:limit]
        ]

    def _dense(self, query: Query, limit: int) -> dict[str, float]:
        best: dict[str, float] = {}
        for chunk, cosine in self.collection.vectors.search(query.pooled, limit=limit):
            paper = chunk.partition(":")[0]
            best[paper] = max(best.get(paper, -1.0), cosine)
        return best

    def _fit(self, text: str) -> str:
        offsets = self._embedder.token_offsets(text)
        room = self._embedder.window - 2
        return text if len(offsets) <= room else text[:int(offsets[room - 1][1])]


def _by_word(coverage: Floats, query: Query) -> tuple[float, ...]:
    """Best cosine of each word: the mean over its pieces."""
    means = []
    for position in range(len(query.words)):
        pieces = coverage[query.word_of == position]
        means.append(float(np.clip(pieces.mean(), 0.0, 1.0)) if len(pieces) else 0.0)
    return tuple(means)


def _sentences(entry: Entry, found: Match, query: Query) -> tuple[SentenceHit, ...]:
    scores = support(found.best, query.weights)
    return tuple(
        SentenceHit(int(start), int(end), entry.paper.abstract[start:end], float(score))
        for (start, end, _, _), score in zip(entry.sentences, scores, strict=True)
        if start >= 0  # the title is matched too, but is not a sentence to quote
    )
