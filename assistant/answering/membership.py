"""Which papers belong to a topic: a calibrated cut through a ranking, instead of a fixed number of papers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.retrieval.retriever import Ranking, Retriever

# Fitted by benchmarks/calibrate.py on the list questions of the `choose` half: weights of `Evidence`'s fields.
WEIGHTS = {"score": 1.46, "support_gap": 2.584, "similarity_gap": 6.445}
BIAS = -3.765
CUT = 0.25  # mean F1 is flat from .2 to .3


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one paper's being about a topic."""

    score: float           # the ranking's score, in standard deviations over the papers looked at
    support_gap: float     # late interaction minus that of the best paper, at most 0
    similarity_gap: float  # cosine of topic and paper minus that of the best paper, at most 0


def evidence(retriever: Retriever, topic: Sequence[str], ranking: Ranking) -> list[Evidence]:
    """One `Evidence` per paper of ``ranking``: all papers looked at, since they are judged against each other."""
    if not len(ranking):
        return []
    cosines = retriever.dense(retriever.pooled(" ".join(topic)), limit=len(ranking))
    floor = min(cosines.values(), default=0.0)
    similarity = np.array([cosines.get(paper, floor) for paper in ranking.paper_ids()])
    columns = (
        (ranking.score - ranking.score.mean()) / (ranking.score.std() + 1e-6),
        ranking.support - ranking.support.max(),
        similarity - similarity.max(),
    )
    return [Evidence(*(float(value) for value in row)) for row in zip(*columns, strict=True)]


def probability(found: Evidence) -> float:
    """P(the paper belongs to the topic), 0–1."""
    total = BIAS + sum(weight * getattr(found, name) for name, weight in WEIGHTS.items())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))
