"""A sentence laid against the sentences of the papers it cites, word piece by word piece.

Everything the check compares, it compares here: how well a whole sentence is covered (`Evidence.support`), and how
alike the surroundings of two places are (`Evidence.likeness`): the number, name or negation of the sentence and
one of the paper. The second is late interaction (Khattab and Zaharia, "ColBERT", SIGIR 2020, section 3.3) whose
weights fall off with the distance from the two places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

REACH = 6.0         # word pieces over which a word's weight falls to 1/e, on the sentence's side
SOURCE_REACH = 12.0  # the same on the paper's side: a paraphrase moves words
FURTHER_GAIN = 0.02  # what a further sentence must add to the support to be part of the evidence


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text: code points, half-open."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """One sentence of a cited paper, or its title."""

    paper_id: str
    start: int       # code points into the abstract; -1 for a title
    end: int
    text: str
    offsets: Ints    # (n, 2) where its word pieces stand in ``text``
    weights: Floats  # (n,) 1 for a piece of a content word, little for others

    def pieces(self, span: Span) -> slice:
        """The word pieces that a place of ``text`` covers."""
        return pieces(self.offsets, span)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in one of the passages."""

    passage: int
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """A sentence of q word pieces against p passages."""

    offsets: Ints                     # (q, 2) into the sentence
    weights: Floats                   # (q,) how much each piece says: rarity, little for function words
    passages: tuple[Passage, ...]
    cosines: tuple[Floats, ...]       # per passage (n, q), clipped to 0–1
    chosen: tuple[int, ...]           # passages that support it best together, best first: one more than papers at most
    support: float                    # 0–1: weighted mean over the pieces of the best cosine in ``chosen``

    def coverage(self) -> Floats:
        """(q,) best cosine of each piece in the chosen passages; zeros without any."""
        if not self.chosen:
            return np.zeros(len(self.weights), dtype=np.float32)
        best: Floats = np.max([self.cosines[i].max(axis=0) for i in self.chosen], axis=0)
        return best

    def pieces(self, span: Span) -> slice:
        """The word pieces that a place of the sentence covers."""
        return pieces(self.offsets, span)

    def likeness(self, span: Span, place: Place, *, after: float = 0.5, itself: float = 0.0) -> float:
        """How alike the surroundings of a place in the sentence and of one in a passage are, 0–1.

        Args:
            after: the share of weight that goes to what follows the place; .5 looks both ways alike.
            itself: the share of the likeness that is of what stands in the two places.
        """
        passage = self.passages[place.passage]
        mine, there = self.pieces(span), passage.pieces(place.span)
        around = self._alike(mine, place.passage, _distances(len(passage.offsets), there), after)
        if not itself:
            return around
        block = self.cosines[place.passage][there, mine]
        return (1 - itself) * around + itself * (float(block.max(axis=0).mean()) if block.size else 0.0)

    def stated(self, span: Span, *, after: float = 0.5) -> float:
        """The greatest likeness of a place in the sentence and any gap between words of the chosen passages, 0–1."""
        mine = self.pieces(span)
        return max((self._alike(mine, i, _distances(len(self.cosines[i]), slice(gap, gap)), after)
                    for i in self.chosen for gap in range(len(self.cosines[i]))), default=0.0)

    def restated(self, place: Place, *, after: float = 0.5) -> float:
        """The greatest likeness of a place in a passage and any gap between words of the sentence, 0–1."""
        passage = self.passages[place.passage]
        theirs = _distances(len(passage.offsets), passage.pieces(place.span))
        weights = passage.weights * _fall(theirs, after)
        best = 0.0
        for gap in range(len(self.weights)):
            shifted = _kernel(theirs, _distances(len(self.weights), slice(gap, gap)))
            best = max(best, _mean((self.cosines[place.passage] * shifted).max(axis=1), weights))
        return best

    def denied(self, span: Span, place: Place, *, after: float = 0.5) -> float:
        """`likeness` with the weights on the passage's side: how much of a place in it the sentence has."""
        passage = self.passages[place.passage]
        theirs = _distances(len(passage.offsets), passage.pieces(place.span))
        kernel = _kernel(theirs, _distances(len(self.weights), self.pieces(span)))
        return _mean((self.cosines[place.passage] * kernel).max(axis=1), passage.weights * _fall(theirs, after))

    def _alike(self, mine: slice, passage: int, theirs: Floats, after: float) -> float:
        distances = _distances(len(self.weights), mine)
        met = (self.cosines[passage] * _kernel(theirs, distances)).max(axis=0)
        return _mean(met, self.weights * _fall(distances, after))


def lay_against(
    offsets: Ints, weights: Floats, query: Floats, passages: Sequence[Passage], rows: Sequence[Floats],
) -> Evidence:
    """Compare (q, r) pieces of a sentence with the (n, r) rows of each passage; see `token_vectors.Basis.query`."""
    cosines: list[Floats] = []
    for row in rows:
        with np.errstate(invalid="ignore"):  # numpy blames matmul for float flags that the model's runtime left set
            cosines.append(np.clip(row @ query.T, 0.0, 1.0).astype(np.float32))
    best = np.array([found.max(axis=0) for found in cosines], dtype=np.float32).reshape(len(cosines), len(weights))
    chosen, support = _choose(best, weights, 1 + len({passage.paper_id for passage in passages}))
    return Evidence(offsets, weights, tuple(passages), tuple(cosines), chosen, support)


def pieces(offsets: Ints, span: Span) -> slice:
    """The word pieces, given their (n, 2) offsets, that a span touches; an empty slice at the place if none."""
    first = int(np.searchsorted(offsets[:, 1], span.start, side="right"))
    after = int(np.searchsorted(offsets[:, 0], span.end, side="left"))
    return slice(first, max(first, after))


def _choose(best: Floats, weights: Floats, most: int) -> tuple[tuple[int, ...], float]:
    """The best passage, then one by one those that add enough to it, and the support of them together."""
    total = float(weights.sum())
    if not len(best) or total <= 0:
        return (), 0.0
    chosen: list[int] = []
    met, support = np.zeros(best.shape[1], dtype=np.float32), 0.0
    while len(chosen) < most:
        together = np.maximum(best, met) @ weights / total
        added = int(together.argmax())
        if chosen and float(together[added]) < support + FURTHER_GAIN:
            break
        chosen.append(added)
        met, support = np.maximum(met, best[added]), float(together[added])
    return tuple(chosen), min(support, 1.0)


def _distances(count: int, at: slice) -> Floats:
    """(count,) word pieces from a place to each: negative before it, 0 inside, positive after."""
    index = np.arange(count, dtype=np.float32)
    away: Floats = np.minimum(index - at.start, 0) + np.maximum(index - at.stop + 1, 0)
    return away


def _fall(distances: Floats, after: float) -> Floats:
    """Weights that fall off with the distance from a place, nothing inside it."""
    sides = np.where(distances < 0, 1 - after, after) * (distances != 0)
    fallen: Floats = (np.exp(-np.abs(distances) / REACH) * sides).astype(np.float32)
    return fallen


def _kernel(theirs: Floats, mine: Floats) -> Floats:
    """(n, q) how far two pieces count as being in the same position, 0–1: words may move, but not for nothing."""
    kernel: Floats = np.exp(-np.abs(theirs[:, None] - mine[None, :]) / SOURCE_REACH)
    return kernel


def _mean(values: Floats, weights: Floats) -> float:
    total = float(weights.sum())
    return float(values @ weights) / total if total > 0 else 0.0
