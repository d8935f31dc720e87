"""The floor no change may go below: a bound for each measure that counts, on the half nothing was tuned on.

A bound is raised by ``assistant eval --raise-floor REASON``. To lower one, edit ``floor.json`` and write into
CHANGELOG.md a line as `lowering_line` gives it; a test looks at the history of the file and fails without it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from assistant.evaluation.bootstrap import Estimate
from assistant.evaluation.measures import better

PATH = Path(__file__).with_name("floor.json")
HALF = "report"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a measure must reach, or, where lower is better, not exceed."""

    bound: float
    measured: float  # when the bound was set
    date: str
    reason: str


def load_floor(path: Path = PATH) -> dict[str, Bound]:
    """The bounds in force, by measure."""
    return {name: Bound(**fields) for name, fields in json.loads(path.read_text("utf-8"))["bounds"].items()}


def below(figures: Mapping[str, Estimate], floor: Mapping[str, Bound]) -> list[str]:
    """Each measure that misses its bound, in a sentence; one without a figure misses it."""
    found = []
    for name, held in floor.items():
        figure = figures.get(name)
        if figure is None:
            found.append(f"{name} has no figure on {HALF}; its bound is {held.bound:g}")
        elif is_worse(name, figure.mean, held.bound):
            relation = "above its ceiling" if better(name) == "lower" else "below its floor"
            found.append(f"{name} is {figure.mean:.3f} on {HALF}, {relation} of {held.bound:g}")
    return found


def is_worse(name: str, value: float, bound: float) -> bool:
    """Whether a value is on the wrong side of a bound."""
    return value > bound + 1e-9 if better(name) == "lower" else value < bound - 1e-9


def proposed(name: str, figure: Estimate) -> float:
    """The bound a figure allows: half way to the near end of its interval, so that another CPU's rounding passes.

    >>> proposed("list F1", Estimate(0.455, 0.365, 0.548, 66))
    0.41
    """
    if better(name) == "lower":
        return math.ceil(100 * (figure.mean + figure.high) / 2 - 1e-9) / 100
    return math.floor(100 * (figure.mean + figure.low) / 2 + 1e-9) / 100


def raised(
    figures: Mapping[str, Estimate], floor: Mapping[str, Bound], *, reason: str, date: str
) -> dict[str, Bound]:
    """The floor with every bound that the figures allow to be stricter; no bound is loosened."""
    new = dict(floor)
    for name, held in floor.items():
        figure = figures.get(name)
        if figure is not None and is_worse(name, held.bound, proposed(name, figure)):
            new[name] = replace(
                held, bound=proposed(name, figure), measured=round(figure.mean, 3), date=date, reason=reason
            )
    return new


def write_floor(floor: Mapping[str, Bound], path: Path = PATH) -> None:
    """Keep a floor."""
    bounds = {name: asdict(held) for name, held in floor.items()}
    path.write_text(json.dumps({"half": HALF, "bounds": bounds}, indent=2, ensure_ascii=False) + "\n", "utf-8")


def lowered(old: Mapping[str, float], new: Mapping[str, float]) -> list[tuple[str, float, float | None]]:
    """(measure, old bound, new bound) of each that was loosened; None as the new bound if it was dropped."""
    return [
        (name, bound, new.get(name)) for name, bound in old.items()
        if name not in new or is_worse(name, new[name], bound)
    ]


def lowering_line(name: str, old: float, new: float | None) -> str:
    """How CHANGELOG.md must begin to explain a loosened bound.

    >>> lowering_line("list F1", 0.4, 0.38)
    'Floor of "list F1" lowered from 0.4 to 0.38:'
    """
    return f'Floor of "{name}" ' + (f"dropped at {old:g}:" if new is None else f"lowered from {old:g} to {new:g}:")
