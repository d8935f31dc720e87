"""An optional judge, such as a language model, and how far it agrees with the measures that need none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.evaluation.questions import EvalQuestion
from assistant.records import Answer

Judge = Callable[[EvalQuestion, Answer], bool | None]  # right, wrong, or no opinion


def cohen_kappa(a: Sequence[bool], b: Sequence[bool]) -> float:
    """Agreement of two judges beyond chance: 1 whole, 0 as by chance; 1 if both say the same thing always.

    Source: Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20, 1960.

    >>> cohen_kappa([True, True, False, False], [True, False, False, False])
    0.5
    """
    n = len(a)
    agreed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    yes_a, yes_b = sum(a) / n, sum(b) / n
    chance = yes_a * yes_b + (1 - yes_a) * (1 - yes_b)
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)
