"""How sure to be: P(the answer is right and its paper cited), over answerable and unanswerable questions alike.

Each kind of answer has its own evidence; here it becomes a probability, by a logistic regression on the share of right
answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from assistant.answering.sentences import Candidate
from assistant.weights.logistic import models

# Shares of right answers, (right + 1) / (asked + 2), Laplace's rule of succession: of questions with an unknown name or
# for authors and dates; of lists that find no paper. Printed by ``benchmarks/refusal.py``.
RULED_OUT = 0.06
NO_PAPER = 0.022


def of_fact(answerable: float, chosen: Sequence[Candidate]) -> float:
    """Confidence in an answer that quotes these sentences, 0–1.

    Args:
        answerable: P(the best papers answer).
    """
    features = {"answerable": log_odds(answerable), "sentences": log_odds(found(chosen))}
    return models()["fact_confidence"].probability(features)


def found(chosen: Sequence[Candidate]) -> float:
    """P(one of these sentences answers), if any paper does, 0–1."""
    return min(sum(candidate.chance for candidate in chosen), 1.0)


def of_list(chances: Sequence[float]) -> float:
    """Confidence in a list: its expected F1, 0–1, from P(belongs) of each paper listed; 0.5 odds where none is."""
    f1 = sum(chances) / len(chances) if chances else 0.5
    return models()["list_confidence"].probability({"f1": log_odds(f1)})


def log_odds(chance: float) -> float:
    """The logarithm of the odds of a chance, which is kept off 0 and 1 by a thousandth."""
    bounded = min(max(chance, 1e-3), 1 - 1e-3)
    return math.log(bounded / (1 - bounded))
