"""Linear scores over vectors and signs, and their fit to examples.

Each sign (a string such as "-1 without") has its own row of weights; a vector has one row per dimension. The
same scores serve a classifier (multinomial logistic regression) and, token by token, the tagger.

Source of the fit: Nocedal and Wright, "Numerical Optimization", 2nd ed. 2006, algorithm 7.4 (L-BFGS).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Loss = Callable[[Doubles], tuple[float, Doubles]]

OF_VECTORS = 0.1  # standard deviation vectors are brought to; a sign counts 1, so this is how little they are trusted
MIN_EXAMPLES = 2  # that show a sign; one that shows up once is the subject of that question
STEPS, MEMORY = 120, 10  # of L-BFGS


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Scores for k classes from (d,) vectors and signs."""

    centre: Floats               # (d,)
    scale: Floats                # (d,) what a centred vector is multiplied with
    vocabulary: Mapping[str, int]  # sign -> its row in `of_signs`
    of_vectors: Floats           # (d, k)
    of_signs: Floats             # (v, k)
    bias: Floats                 # (k,)

    def scores(self, vectors: Floats, signs: Sequence[Sequence[str]]) -> Doubles:
        """(n, k) for n examples; signs that were never seen count nothing."""
        found = ((vectors - self.centre) * self.scale) @ self.of_vectors + self.bias
        for row, shown in enumerate(signs):
            known = [self.vocabulary[sign] for sign in shown if sign in self.vocabulary]
            if known:
                found[row] += self.of_signs[known].sum(axis=0)
        return found.astype(np.float64)


def fit(vectors: Floats, signs: Sequence[Sequence[str]], loss: Loss, *, classes: int, extra: int = 0,
        ridge: float = 1.0) -> tuple[Linear, Doubles]:
    """Fit scores of n examples to a loss.

    Args:
        vectors: (n, d).
        loss: (n k + extra,) scores and extra parameters → loss and its slope.
        extra: parameters of the loss beside the scores.
        ridge: weight of half the sum of squares of all parameters but the biases.
    Returns:
        The scores' weights, and the (extra,) parameters of the loss.
    """
    centre, spread = vectors.mean(axis=0), vectors.std(axis=0)
    scale = (OF_VECTORS / np.maximum(spread, 1e-6)).astype(np.float32)
    x = (vectors - centre) * scale
    counts = Counter(sign for shown in signs for sign in set(shown))
    vocabulary = {sign: row for row, sign in enumerate(sorted(s for s, n in counts.items() if n >= MIN_EXAMPLES))}
    table = _Table.of(signs, vocabulary)
    d, v, n = x.shape[1], len(vocabulary), len(x)
    penalty = np.full((d + v + 1) * classes + extra, ridge)
    penalty[(d + v) * classes:(d + v + 1) * classes] = 0.0

    def total(theta: Doubles) -> tuple[float, Doubles]:
        weights = theta[:(d + v + 1) * classes].reshape(-1, classes)
        scores = x @ weights[:d].astype(np.float32) + table.times(weights[d:-1]) + weights[-1]
        value, slope = loss(np.concatenate([scores.ravel(), theta[(d + v + 1) * classes:]]))
        of_scores = slope[:n * classes].reshape(n, classes)
        slopes = np.concatenate([
            x.T @ of_scores.astype(np.float32), table.turned_times(of_scores, v), of_scores.sum(axis=0)[np.newaxis],
        ])
        penalised = penalty * theta
        return (value + 0.5 * float(theta @ penalised),
                np.concatenate([slopes.ravel(), slope[n * classes:]]) + penalised)

    theta = minimise(total, np.zeros(len(penalty)))
    weights = theta[:(d + v + 1) * classes].reshape(-1, classes).astype(np.float32)
    return Linear(centre, scale, vocabulary, weights[:d], weights[d:-1], weights[-1]), theta[len(theta) - extra:]


def softmax(scores: Doubles) -> Doubles:
    """(…, k) scores → probabilities."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def cross_entropy(gold: Integers, classes: int) -> Loss:
    """The loss of a classifier of n examples whose classes are ``gold`` (n,)."""
    rows = np.arange(len(gold))

    def loss(scores: Doubles) -> tuple[float, Doubles]:
        chances = softmax(scores.reshape(len(gold), classes))
        value = -float(np.log(np.maximum(chances[rows, gold], 1e-300)).sum())
        chances[rows, gold] -= 1.0
        return value, chances.ravel()

    return loss


def minimise(function: Loss, start: Doubles, *, steps: int = STEPS) -> Doubles:
    """Where a smooth convex function of (p,) is smallest, as far as ``steps`` steps lead."""
    x, (value, slope) = start, function(start)
    seen: deque[tuple[Doubles, Doubles]] = deque(maxlen=MEMORY)
    for _ in range(steps):
        direction = -_inverse_curvature(slope, seen)
        step = 1.0 if seen else 1.0 / max(1.0, float(np.abs(slope).sum()))
        enough = 1e-4 * float(direction @ slope)  # Armijo's condition on the first step that is tried
        moved = x + step * direction
        found, new_slope = function(moved)
        while found > value + step * enough and step > 1e-10:
            step /= 2
            moved = x + step * direction
            found, new_slope = function(moved)
        if (moved - x) @ (new_slope - slope) > 1e-12:
            seen.append((moved - x, new_slope - slope))
        settled = value - found <= 1e-7 * abs(value)
        x, value, slope = moved, found, new_slope
        if settled:
            break
    return x


def _inverse_curvature(slope: Doubles, seen: deque[tuple[Doubles, Doubles]]) -> Doubles:
    """The two loops of L-BFGS: the inverse Hessian, as past steps show it, times a slope."""
    q, alphas = slope.copy(), []
    for s, y in reversed(seen):
        alphas.append(float(s @ q) / float(s @ y))
        q -= alphas[-1] * y
    if seen:
        s, y = seen[-1]
        q *= float(s @ y) / float(y @ y)
    for (s, y), alpha in zip(seen, reversed(alphas), strict=True):
        q += (alpha - float(y @ q) / float(s @ y)) * s
    return q


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Which of v signs each of n examples shows, as a sparse matrix of ones, by example and by sign."""

    n: int
    rows: Integers     # (e,) ascending
    places: Integers   # (e,)
    turned: Integers   # (e,) the order by place

    @classmethod
    def of(cls, signs: Sequence[Sequence[str]], vocabulary: Mapping[str, int]) -> _Table:
        known = [[vocabulary[sign] for sign in shown if sign in vocabulary] for shown in signs]
        places = np.array([place for row in known for place in row], np.int64)
        rows = np.repeat(np.arange(len(known)), [len(row) for row in known])
        return cls(len(known), rows, places, np.argsort(places, kind="stable"))

    def times(self, weights: Doubles) -> Doubles:
        """(v, k) → (n, k)"""
        return _sums(weights[self.places], self.rows, self.n)

    def turned_times(self, slopes: Doubles, v: int) -> Doubles:
        """(n, k) → (v, k)"""
        return _sums(slopes[self.rows[self.turned]], self.places[self.turned], v)


def _sums(values: Doubles, groups: Integers, n: int) -> Doubles:
    """(e, k) values summed by group (e,), ascending, → (n, k)."""
    found = np.zeros((n, values.shape[1]))
    if len(values):
        starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
        found[groups[starts]] = np.add.reduceat(values, starts, axis=0)
    return found
