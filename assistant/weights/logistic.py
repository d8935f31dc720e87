"""Logistic regression: features of a thing in, log-odds or a probability out.

Every fitted model of the program is an entry of ``weights.json``, with the command that fits it; ``benchmarks/fit.py``
lists them. A conditional logit, which compares things with each other, has the same form without a bias.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

WEIGHTS = Path(__file__).with_name("weights.json")


@dataclass(frozen=True, slots=True)
class LogisticModel:
    """The weights of one logistic regression. Sums run in the order of ``features``: scores repeat bit by bit."""

    features: Mapping[str, float]  # name -> coefficient
    bias: float
    thresholds: Mapping[str, float] = field(default_factory=dict)  # name -> probability, 0–1
    fitted: Mapping[str, str] = field(default_factory=dict)  # by: the command; on: the data; note

    def score(self, features: Mapping[str, float] | DataclassInstance) -> float:
        """Return the log-odds of a thing with these features.

        Args:
            features: a mapping of names to values, or a dataclass whose fields are the features.
        Raises:
            ValueError: a feature is missing or unknown.
        """
        if not isinstance(features, Mapping):
            features = {name: getattr(features, name) for name in features.__dataclass_fields__}
        if features.keys() != self.features.keys():
            raise ValueError(f"the features are {', '.join(features)}, but the weights were fitted for "
                             f"{', '.join(self.features)}; fit them again, see benchmarks/fit.py")
        return float(self.bias + sum(weight * features[name] for name, weight in self.features.items()))

    def probability(self, features: Mapping[str, float] | DataclassInstance) -> float:
        """Return the probability, 0–1, of a thing with these features; errors as of `score`."""
        return logistic(self.score(features))


def logistic(score: float) -> float:
    """Return the probability, 0–1, that log-odds stand for.

    >>> logistic(0.0), logistic(-1e6) < 1e-200
    (0.5, True)
    """
    return 1.0 / (1.0 + math.exp(min(-score, 500.0)))


@cache
def models() -> Mapping[str, LogisticModel]:
    """Return every fitted model by its name in ``weights.json``."""
    return {name: LogisticModel(**entry) for name, entry in json.loads(WEIGHTS.read_text("utf-8")).items()}
