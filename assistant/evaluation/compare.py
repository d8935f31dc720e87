"""Two evaluations of the same questions: paired differences, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.errors import MisuseError
from assistant.evaluation.bootstrap import Estimate, difference, estimate_of
from assistant.evaluation.evaluation import Evaluation
from assistant.evaluation.measures import MEASURES, POOLED, better
from assistant.evaluation.questions import UNANSWERABLE
from assistant.evaluation.result import Result
from assistant.evaluation.summary import HALVES

Pair = tuple[Result, Result]  # before, after
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """One measure over the questions that both have."""

    name: str
    before: float
    after: float
    change: Estimate  # after - before, paired

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, or "" where the interval holds 0 or no direction is good."""
        direction = better(self.name)
        if direction == "neither" or self.change.low <= 0 <= self.change.high:
            return ""
        return "better" if (self.change.low > 0) == (direction == "higher") else "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the questions that two evaluations share."""

    before: Evaluation
    after: Evaluation
    pairs: tuple[Pair, ...]
    changes: dict[str, list[Change]]  # half -> by measure
    changed: tuple[Pair, ...]         # questions whose worth or verdict differs, those that lost most first
    only_before: int                  # questions the other does not have, or has in other words
    only_after: int


def compare(before: Evaluation, after: Evaluation) -> Comparison:
    """Compare question by question.

    Raises:
        MisuseError: they have no question in common.
    """
    old = {(result.id, result.question): result for result in before.results}
    pairs = tuple(
        (old[result.id, result.question], result) for result in after.results if (result.id, result.question) in old
    )
    if not pairs:
        raise MisuseError("the two reports have no question in common, by id and wording; compare runs of one set")
    changed = [
        (a, b) for a, b in pairs if a.verdict != b.verdict or a.values.get("right") != b.values.get("right")
    ]
    changed.sort(key=lambda pair: (_gain(pair), pair[0].id))
    return Comparison(
        before, after, pairs,
        {half: _changes([pair for pair in pairs if pair[1].half == half]) for half in HALVES},
        tuple(changed), len(before.results) - len(pairs), len(after.results) - len(pairs),
    )


def _gain(pair: Pair) -> float:
    return pair[1].values["right"] - pair[0].values["right"]


def _changes(pairs: Sequence[Pair]) -> list[Change]:
    single = [pair for pair in pairs if not pair[1].turn]
    turns = [pair for pair in pairs if pair[1].turn]
    found = [_of_mean(name, name, single) for name in MEASURES]
    found += [_of_pooled(name, single) for name in POOLED]
    found.append(_of_mean("turn right", "right", turns))
    return [change for change in found if change is not None]


def _of_mean(name: str, measure: str, pairs: Sequence[Pair]) -> Change | None:
    both = [(a.values[measure], b.values[measure]) for a, b in pairs if measure in a.values and measure in b.values]
    if not both:
        return None
    old, new = zip(*both, strict=True)
    return Change(name, float(np.mean(old)), float(np.mean(new)), difference(old, new))


def _of_pooled(name: str, pairs: Sequence[Pair]) -> Change | None:
    value = POOLED[name].value
    columns = [
        [float(side.answer["confidence"]) for side in sides] for sides in zip(*pairs, strict=True)
    ] + [[side.outcome for side in sides] for sides in zip(*pairs, strict=True)]
    if not columns:
        return None
    answerable = [float(pair[0].kind != UNANSWERABLE) for pair in pairs]

    def both(sure_a: Floats, sure_b: Floats, out_a: Floats, out_b: Floats, can: Floats) -> float:
        return value(sure_b, out_b, can) - value(sure_a, out_a, can)

    change = estimate_of(both, *columns, answerable)
    if change is None:
        return None
    arrays = [np.asarray(column) for column in (*columns, answerable)]
    return Change(name, value(arrays[0], arrays[2], arrays[4]), value(arrays[1], arrays[3], arrays[4]), change)
