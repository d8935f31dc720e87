"""What a measure is: a function from a case to a number, with its name, its definition and its source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from assistant.evaluation.case import Case

Value = Callable[[Case], float | None]
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number per question; its figure is the mean over the questions to which it applies."""

    name: str
    value: Value         # None where it does not apply
    better: Better
    definition: str      # the docstring of `value`, without its source
    source: str          # where the literature defines it; "" for plain counts
    share: bool = True   # whether it is 0–1

    def __call__(self, case: Case) -> float | None:
        """The measure of one case, None where it does not apply."""
        return self.value(case)


def measure(name: str, *, better: Better = "higher", share: bool = True) -> Callable[[Value], Measure]:
    """Make a function a `Measure`; its docstring is the definition, up to a line that begins with "Source:"."""

    def wrap(value: Value) -> Measure:
        definition, _, source = (inspect.getdoc(value) or "").partition("Source:")
        return Measure(name, value, better, one_line(definition), one_line(source), share)

    return wrap


def one_line(text: str) -> str:
    """A docstring's paragraph as one line."""
    return re.sub(r"\s+", " ", text.replace("``", "")).strip()
