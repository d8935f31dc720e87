"""Fit a logistic regression, and write it where the program reads it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.weights.logistic import WEIGHTS, LogisticModel

CHOOSE = "the `choose` half of assistant/evaluation/questions.jsonl"  # what may be tuned on
DIGITS = 3

Floats = npt.NDArray[np.float64]


def fit_logistic(x: Floats, y: Floats, weight: Floats | None = None, *, ridge: float = 1.0) -> tuple[Floats, float]:
    """Fit by Newton's method with a ridge on standardised features.

    Args:
        weight: of each sample, (n,); default: all alike.
    Returns:
        Slopes (k,) and bias for features (n, k) as they are and labels (n,) 0–1.
    """
    weighed = np.ones(len(y)) if weight is None else weight
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    design = np.c_[(x - mean) / spread, np.ones(len(x))]
    theta = np.zeros(design.shape[1])
    penalty = ridge * np.eye(len(theta))
    penalty[-1, -1] = 1e-6
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ theta))
        gradient = design.T @ (weighed * (p - y)) + penalty @ theta
        theta -= np.linalg.solve((design * (weighed * p * (1 - p))[:, None]).T @ design + penalty, gradient)
    slopes: Floats = theta[:-1] / spread
    return slopes, float(theta[-1] - slopes @ mean)


def add_write(parser: ArgumentParser) -> None:
    """Give a command the option ``--write``."""
    parser.add_argument("--write", nargs="?", type=Path, const=WEIGHTS, metavar="FILE",
                        help=f"put what is fitted into FILE; without one, into {WEIGHTS.name} of the program")


def on(also: Iterable[Path]) -> str:
    """Say what a model is fitted on: the `choose` half, and these files."""
    return " and ".join([CHOOSE, *(path.name for path in also)])


def write(
    path: Path | None, name: str, features: Mapping[str, float], bias: float, *, by: str, on: str,
    thresholds: Mapping[str, float] | None = None,
) -> None:
    """Print a fitted model as an entry of ``weights.json``, and put it into that file, ``path``, if one is given.

    Args:
        by: the command that fits it.
        on: the data.
        thresholds: name -> probability; default: those of the entry that stands there, as is its note.
    """
    entries = json.loads((path or WEIGHTS).read_text("utf-8"))
    before = LogisticModel(**entries[name]) if name in entries else LogisticModel({}, 0.0)
    rounded = [{key: round(float(value), DIGITS) for key, value in numbers.items()}
               for numbers in (features, before.thresholds if thresholds is None else thresholds)]
    fitted = {**before.fitted, "by": by, "on": on}
    entries[name] = asdict(LogisticModel(rounded[0], round(float(bias), DIGITS), rounded[1], fitted))
    print(as_json({name: entries[name]}), end="")
    if path:
        path.write_text(as_json(entries), "utf-8")


def as_json(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of ``weights.json``: a line for each field of an entry."""
    blocks = (
        f"{json.dumps(name)}: {{\n" + ",\n".join(
            f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()
        ) + "\n}" for name, entry in entries.items()
    )
    return "{\n" + ",\n".join(blocks) + "\n}\n"
