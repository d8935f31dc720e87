"""What speaks against a sentence, and how much: a small logistic regression for each kind of mistake.

A sentence is as doubtful as its most doubtful kind says. The bias of each kind is set so that 0 is where it begins to
fail sentences; `probability` is calibrated over true and corrupted sentences in equal parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks against a sentence, each 0 where nothing does.

    A margin is how much better the surroundings fit what the sentence does *not* say than what it says: the natural
    logarithm of a ratio, see `comparison.preference`, 0–3.
    """

    uncovered: float  # 0–1: weighted mean over the word pieces of 1 − best cosine in the chosen sentences
    unmet: float      # 0–1: weighted share of the content words whose stem none of the cited papers has
    number: float     # margin for another number of the papers, worst number
    name: float       # margin for another name of the papers, worst name
    stray_numbers: int  # numbers of the papers that are not in their chosen sentences
    stray_names: int    # the same of names, but for the name of a paper's own method
    unfounded: float  # margin for the statement without its negation, worst negation of the sentence
    withheld: float   # margin for the statement with a negation that the sentence leaves out, worst one
    direction: float  # margin for the opposite, worst direction
    absent: int       # numbers and names that no cited paper has: any fails the sentence, whatever the rest


# kind of problem -> weights of its signs, bias. Printed by benchmarks/corruption.py --fit.
WEIGHTS: dict[str, tuple[dict[str, float], float]] = {
    "number": ({"number": 18.08, "stray_numbers": 0.45}, -2.71),
    "name": ({"name": 12.89, "stray_names": 4.78}, -1.93),
    "negation": ({"unfounded": 12.81, "withheld": 4.39}, -2.56),
    "direction": ({"direction": 9.01}, -1.35),
    "support": ({"uncovered": 14.31, "unmet": 7.62}, -11.53),
}
CALIBRATION = (1.221, -0.548)  # P(true) = 1 / (1 + exp(slope · doubt + offset))


def doubts(signs: Signs) -> dict[str, float]:
    """Log-odds of each kind of mistake; above 0 it fails the sentence."""
    return {
        kind: bias + sum(weight * float(getattr(signs, name)) for name, weight in weights.items())
        for kind, (weights, bias) in WEIGHTS.items()
    }


def probability(doubt: float) -> float:
    """P(the cited papers say what the sentence says), 0–1, for the greatest of its `doubts`."""
    slope, offset = CALIBRATION
    return 1.0 / (1.0 + math.exp(min(slope * doubt + offset, 500.0)))
