"""Late interaction: each word of the question looks for its best match in each sentence of a paper.

Source: Khattab and Zaharia, "ColBERT", SIGIR 2020, section 3.3 (MaxSim); here with the tokens of an ordinary sentence
embedder, and with question tokens weighted by how rare their word is in the collection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.int8]


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


def match(query: Floats, documents: Iterable[Document]) -> list[Match]:
    """Compare (q, r) question tokens, as `tokens.Basis.query` gives them, with each document's tokens.

    Each document by itself: so a match is the same to the last bit, whatever else is compared.

    Returns:
        One `Match` per document, in order. Documents without tokens match nothing: zeros.
    """
    turned, nothing = query.T, Match(np.zeros((1, len(query)), dtype=np.float32))
    return [
        Match(np.maximum.reduceat(document.tokens.astype(np.float32) @ turned, document.starts, axis=0))
        if len(document.tokens) else nothing for document in documents
    ]


def support(coverage: Floats, weights: Floats) -> Floats:
    """Weighted mean of best cosines: (…, q) and (q,) → (…), clipped to 0–1. No weight at all gives 0."""
    total = float(weights.sum())
    if total <= 0:
        return np.zeros(coverage.shape[:-1], dtype=np.float32)
    with np.errstate(invalid="ignore"):  # numpy blames matmul for float flags that the model's runtime left set
        mean: Floats = np.clip(coverage @ weights / total, 0.0, 1.0).astype(np.float32)
    return mean
