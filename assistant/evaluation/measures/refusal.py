"""Refusing: how often rightly, how often by mistake, and how well confidence tells the two apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assistant.evaluation.case import Case
from assistant.evaluation.measures.measure import measure

Floats = npt.NDArray[np.float64]


@measure("refused")
def refused(case: Case) -> float | None:
    """Whether a question that the collection does not answer was refused."""
    return None if case.answerable else float(case.answer.abstained)


@measure("false refusal", better="lower")
def false_refusal(case: Case) -> float | None:
    """Whether a question that the collection answers was refused; lists and counts included."""
    return float(case.answer.abstained) if case.answerable else None


def auroc(confidence: Floats, answerable: Floats) -> float:
    """The chance that an answerable question has more confidence than an unanswerable one, ties counting half, 0–1.

    Args:
        confidence: (n,) numbers on any scale.
        answerable: (n,) 1 or 0; both must occur, else the result is nan.
    Source: Hanley and McNeil, Radiology 143(1), 1982; the Mann–Whitney statistic, by ranks.

    >>> auroc(np.array([.9, .4, .4]), np.array([1., 1., 0.]))
    0.75
    """
    positives = answerable.sum()
    negatives = len(answerable) - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    wins = ranks[answerable > 0].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def risk_coverage(confidence: Floats, outcome: Floats) -> tuple[Floats, Floats]:
    """What is wrong among what is answered, as ever less sure questions are answered too.

    Args:
        confidence: (n,) the surest first to be answered; among equals, what they have on average.
        outcome: (n,) how right each answer is, 0–1.
    Returns:
        coverage (n,): 1/n … 1; risk (n,): the mean of 1 - outcome over the questions covered.
    Source: El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 11, 2010.
    """
    _, inverse, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    mean_of_block = np.bincount(inverse, weights=1 - outcome) / counts
    losses = np.repeat(mean_of_block, counts)
    covered = np.arange(1, len(losses) + 1)
    return covered / max(len(losses), 1), np.cumsum(losses) / covered


def aurc(confidence: Floats, outcome: Floats) -> float:
    """The mean risk over all coverages, 0–1, lower is better: the area under `risk_coverage`.

    Source: Geifman, Uziel and El-Yaniv, "Bias-Reduced Uncertainty Estimation", ICLR 2019, section 2.
    """
    _, risk = risk_coverage(confidence, outcome)
    return float(risk.mean()) if len(risk) else float("nan")


REFUSAL = (refused, false_refusal)
