"""Late interaction: each word of the question looks for its best match in each sentence of a paper.

Source: Khattab and Zaharia, "ColBERT", SIGIR 2020, section 3.3 (MaxSim); here with the tokens of an ordinary sentence
embedder, and with question tokens weighted by how rare their word is in the collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.int8]

SLAB_ROWS = 1_500  # token rows turned to floats at once: 2 MB at 384 dimensions, which a processor's cache holds


@dataclass(frozen=True, slots=True)
class Document:
    """The token rows of one paper and where its sentences begin."""

    tokens: Bytes                       # (n, r)
    starts: npt.NDArray[np.int64]       # (s,) first row of each sentence, from 0, strictly ascending


@dataclass(frozen=True, slots=True)
class Match:
    """How well a paper's sentences meet the question's tokens."""

    best: Floats  # (s, q) best cosine of each question token in each sentence

    def coverage(self) -> Floats:
        """(q,) best cosine of each question token anywhere in the paper."""
        covered: Floats = self.best.max(axis=0)
        return covered


def match(query: Floats, documents: Sequence[Document]) -> list[Match]:
    """Compare (q, r) question tokens, as `tokens.Basis.query` gives them, with each document's tokens.

    Returns:
        One `Match` per document, in order. Documents without tokens match nothing: zeros.
    """
    matches: list[Match] = []
    slab: list[Document] = []
    rows = 0
    for document in documents:
        slab.append(document)
        rows += len(document.tokens)
        if rows >= SLAB_ROWS:
            matches += _match_slab(query, slab)
            slab, rows = [], 0
    return matches + _match_slab(query, slab)


def support(coverage: Floats, weights: Floats) -> Floats:
    """Weighted mean of best cosines: (…, q) and (q,) → (…), clipped to 0–1. No weight at all gives 0."""
    total = float(weights.sum())
    if total <= 0:
        return np.zeros(coverage.shape[:-1], dtype=np.float32)
    with np.errstate(invalid="ignore"):  # numpy blames matmul for float flags that the model's runtime left set
        mean: Floats = np.clip(coverage @ weights / total, 0.0, 1.0).astype(np.float32)
    return mean


def _match_slab(query: Floats, documents: Sequence[Document]) -> list[Match]:
    filled = [document for document in documents if len(document.tokens)]
    empty = np.zeros((1, len(query)), dtype=np.float32)
    if not filled:
        return [Match(empty) for _ in documents]
    rows = np.concatenate([document.tokens for document in filled]).astype(np.float32)
    cosines = rows @ query.T  # (rows, q)
    offsets = np.cumsum([0, *(len(document.tokens) for document in filled)])
    starts = np.concatenate([
        document.starts + offset for document, offset in zip(filled, offsets[:-1], strict=True)
    ])
    best = np.maximum.reduceat(cosines, starts, axis=0)  # (sentences, q)
    bounds = np.cumsum([0, *(len(document.starts) for document in filled)])
    by_document = iter([Match(best[a:b]) for a, b in pairwise(bounds)])
    return [next(by_document) if len(document.tokens) else Match(empty) for document in documents]
