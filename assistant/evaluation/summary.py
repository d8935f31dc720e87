"""Results → figures: means with intervals, the halves apart, by measure and by kind of question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.evaluation.bootstrap import Estimate, estimate, estimate_of
from assistant.evaluation.measures import DEFINED, MEASURES, POOLED
from assistant.evaluation.questions import KINDS, UNANSWERABLE
from assistant.evaluation.result import CONVERSATION, Result

HALVES = ("choose", "report")
Figures = dict[str, dict[str, Estimate]]  # half -> measure -> estimate


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of question, or one style of a kind."""

    kind: str
    style: str                          # "" for the whole kind
    figures: Figures  # a half without such questions is missing


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took, in milliseconds."""

    p50: float
    p95: float
    longest: float
    n: int


def alone(results: Iterable[Result]) -> list[Result]:
    """The questions asked by themselves: turns of conversations have figures of their own."""
    return [result for result in results if not result.turn]


def summarise(results: Sequence[Result]) -> Figures:
    """half -> measure -> estimate, over the questions asked by themselves.

    Questions with a style that are unanswerable add "refused: STYLE"; conversations add "turn right", and apart for
    "first turn" and "later turns".
    """
    return {half: _half([result for result in results if result.half == half]) for half in HALVES}


def _half(results: Sequence[Result]) -> dict[str, Estimate]:
    single = alone(results)
    figures = means(single)
    if single:
        columns = (
            [float(result.answer["confidence"]) for result in single], [result.outcome for result in single],
            [float(result.kind != UNANSWERABLE) for result in single],
        )
        for name, pooled in POOLED.items():
            found = estimate_of(pooled.value, *columns)
            if found is not None:
                figures[name] = found
    for result in sorted({(r.kind, r.style) for r in single if r.kind == UNANSWERABLE and r.style}):
        of_style = [r.values["refused"] for r in single if (r.kind, r.style) == result]
        figures[f"refused: {result[1]}"] = estimate(of_style)
    turns = [result for result in results if result.turn]
    for name, some in (
        ("turn right", turns), ("turn right: first", [r for r in turns if r.turn == 1]),
        ("turn right: later", [r for r in turns if r.turn > 1]),
    ):
        if some:
            figures[name] = estimate([result.values["right"] for result in some])
    return figures


def means(results: Sequence[Result]) -> dict[str, Estimate]:
    """measure -> mean over the questions to which it applies, in the order of `MEASURES`."""
    figures = {}
    for name in MEASURES:
        values = [result.values[name] for result in results if name in result.values]
        if values:
            figures[name] = estimate(values)
    return figures


def names(figures: Figures) -> list[str]:
    """Every measure that either half has, in a fixed order; breakdowns ("refused: off-topic") follow their measure."""
    there = {name for own in figures.values() for name in own}
    order = {name: place for place, name in enumerate(DEFINED)}
    return sorted(there, key=lambda name: (order.get(name.partition(":")[0], len(order)), name))


def by_kind(results: Sequence[Result]) -> list[Row]:
    """A row a kind, and below it a row a style where there are several."""
    rows = []
    for kind in (*KINDS, CONVERSATION):
        own = [result for result in results if result.group == kind]
        if not own:
            continue
        rows.append(_row(kind, "", own))
        labels = sorted({result.label for result in own})
        if len(labels) > 1:
            rows += [_row(kind, label, [r for r in own if r.label == label]) for label in labels]
    return rows


def _row(kind: str, style: str, results: Sequence[Result]) -> Row:
    halves = {half: [result for result in results if result.half == half] for half in HALVES}
    return Row(kind, style, {half: means(some) for half, some in halves.items() if some})


def latency(results: Sequence[Result]) -> Latency | None:
    """Median and 95th percentile of the time of an answer, linear between ranks; None without results."""
    if not results:
        return None
    times = [result.elapsed_ms for result in results]
    p50, p95 = np.percentile(times, (50, 95))
    return Latency(round(float(p50), 1), round(float(p95), 1), round(max(times), 1), len(times))
