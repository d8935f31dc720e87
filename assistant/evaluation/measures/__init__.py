"""Measures: each a value with its definition and its source.

`MEASURES` are means over questions; `POOLED` are computed over all questions of a half at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.evaluation.case import Case, Gold
from assistant.evaluation.measures.answers import ANSWERS, words
from assistant.evaluation.measures.calibration import ece
from assistant.evaluation.measures.citations import CITATIONS
from assistant.evaluation.measures.cost import COST
from assistant.evaluation.measures.lists import MEASURES_OF_LISTS
from assistant.evaluation.measures.measure import Better, Measure, one_line
from assistant.evaluation.measures.refusal import REFUSAL, aurc, auroc
from assistant.evaluation.measures.retrieval import RETRIEVAL
from assistant.evaluation.measures.verdict import confidence, right
from assistant.evaluation.questions import FACTS, LISTS

__all__ = ["DEFINED", "FACTS", "LISTS", "MEASURES", "POOLED", "Case", "Gold", "Measure", "Pooled", "better"]

Floats = npt.NDArray[np.float64]

MEASURES: dict[str, Measure] = {found.name: found for found in (
    right, *ANSWERS, *MEASURES_OF_LISTS, *CITATIONS, *REFUSAL, *RETRIEVAL, confidence, words, *COST,
)}


@dataclass(frozen=True, slots=True)
class Pooled:
    """A measure of many questions at once."""

    name: str
    value: Callable[[Floats, Floats, Floats], float]  # confidence (n,), outcome (n,), answerable (n,)
    better: Better
    definition: str
    source: str


def _pooled(name: str, value: Callable[[Floats, Floats, Floats], float], of: object, *, better: Better) -> Pooled:
    definition, _, source = (of.__doc__ or "").partition("Source:")
    first = definition.strip().split("\n\n")[0]
    return Pooled(name, value, better, one_line(first), one_line(source.split(">>>")[0]))


POOLED: dict[str, Pooled] = {found.name: found for found in (
    _pooled("refusal AUROC", lambda sure, _, answerable: auroc(sure, answerable), auroc, better="higher"),
    _pooled("AURC", lambda sure, outcome, _: aurc(sure, outcome), aurc, better="lower"),
    _pooled("ECE", lambda sure, outcome, _: ece(sure, outcome), ece, better="lower"),
)}


# name -> what it means, of both sorts
DEFINED: dict[str, Measure | Pooled] = {**MEASURES, **POOLED}


def better(name: str) -> Better:
    """Which way a measure is good; of a name it does not know, higher."""
    return DEFINED[name].better if name in DEFINED else "higher"
