"""Lists and counts: sets of papers, with borderline ones neutral."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from assistant.evaluation.case import Case
from assistant.evaluation.measures.measure import measure
from assistant.evaluation.questions import LISTS


def precision_recall(listed: Sequence[str], gold: Collection[str]) -> tuple[float, float]:
    """Set precision and recall, 0–1. An empty list has precision 0; nothing to find gives recall 0."""
    judged = set(listed)
    right = len(judged & set(gold))
    return (right / len(judged) if judged else 0.0), (right / len(gold) if gold else 0.0)


def f1(precision: float, recall: float) -> float:
    """The harmonic mean, 0 where both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def score(case: Case) -> float:
    """F1 of a list; if nothing belongs on it, 1 for an empty list and 0 for any other."""
    if not case.gold.papers:
        return float(not case.listed and not case.answer.abstained)
    return f1(*precision_recall(case.listed, case.gold.papers))


@measure("list precision")
def list_precision(case: Case) -> float | None:
    """Share of the listed papers that belong, 0–1; borderline papers count neither way, an empty list has 0.

    Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section 8.3.
    """
    return precision_recall(case.listed, case.gold.papers)[0] if case.question.kind in LISTS else None


@measure("list recall")
def list_recall(case: Case) -> float | None:
    """Share of the papers that belong that are listed, 0–1.

    Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section 8.3.
    """
    return precision_recall(case.listed, case.gold.papers)[1] if case.question.kind in LISTS else None


@measure("list F1")
def list_f1(case: Case) -> float | None:
    """Harmonic mean of list precision and recall, 0–1; a refused list has 0.

    Source: van Rijsbergen, "Information Retrieval", 1979, chapter 7.
    """
    return score(case) if case.question.kind in LISTS else None


@measure("count right")
def count_right(case: Case) -> float | None:
    """Whether the number given is the number of papers that belong, or up to the borderline ones more."""
    if case.question.kind != "count":
        return None
    least = len(case.gold.papers)
    return float(not case.answer.abstained and least <= case.answer.matched <= least + len(case.gold.borderline))


MEASURES_OF_LISTS = (list_precision, list_recall, list_f1, count_right)
