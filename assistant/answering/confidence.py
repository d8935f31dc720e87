"""How sure to be: P(the answer is right and its paper cited), over answerable and unanswerable questions alike.

Each kind of answer has its own evidence; here it becomes a probability, by a logistic regression on the share of right
answers. All constants are printed by ``benchmarks/refusal.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from assistant.answering.sentences import Candidate

# Of facts: weights of the log-odds that the papers answer and that the sentences quoted do, and a bias.
FACT = (0.834, 0.309, -0.63)
# Of lists: weight of the log-odds of the expected F1, and a bias.
LIST = (0.368, 0.69)
# Shares of right answers, (right + 1) / (asked + 2), Laplace's rule of succession: of questions with an unknown name or
# for authors and dates; of lists that find no paper.
RULED_OUT = 0.06
NO_PAPER = 0.022


def of_fact(answerable: float, chosen: Sequence[Candidate]) -> float:
    """Confidence in an answer that quotes these sentences, 0–1.

    Args:
        answerable: P(the best papers answer).
    """
    return _logistic(FACT[0] * log_odds(answerable) + FACT[1] * log_odds(found(chosen)) + FACT[2])


def found(chosen: Sequence[Candidate]) -> float:
    """P(one of these sentences answers), if any paper does, 0–1."""
    return min(sum(candidate.chance for candidate in chosen), 1.0)


def of_list(chances: Sequence[float]) -> float:
    """Confidence in a list: its expected F1, 0–1, from P(belongs) of each paper listed; 0.5 odds where none is."""
    return _logistic(LIST[0] * log_odds(sum(chances) / len(chances) if chances else 0.5) + LIST[1])


def log_odds(chance: float) -> float:
    """The logarithm of the odds of a chance, which is kept off 0 and 1 by a thousandth."""
    bounded = min(max(chance, 1e-3), 1 - 1e-3)
    return math.log(bounded / (1 - bounded))


def _logistic(score: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))
