"""What speaks against a sentence, and how much: a small logistic regression for each kind of mistake.

A sentence is as doubtful as its most doubtful kind says. The bias of each kind is set so that 0 is where it begins to
fail sentences; `probability` is calibrated over true and corrupted sentences in equal parts.
"""

from __future__ import annotations

from dataclasses import dataclass

from assistant.weights.logistic import models

KINDS = ("number", "name", "negation", "direction", "support")  # of mistakes, a model each


@dataclass(frozen=True, slots=True)
class DoubtFeatures:
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


def doubts(features: DoubtFeatures) -> dict[str, float]:
    """Return the log-odds of each kind of mistake; above 0 it fails the sentence."""
    of_kind = {kind: models()[f"doubt_{kind}"] for kind in KINDS}
    return {
        kind: model.score({name: getattr(features, name) for name in model.features})
        for kind, model in of_kind.items()
    }


def probability(doubt: float) -> float:
    """Return P(the cited papers say what the sentence says), 0–1, for the greatest of its `doubts`."""
    return models()["sentence_support"].probability({"doubt": doubt})
