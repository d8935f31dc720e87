"""Ranked retrieval: where the right papers stand in what search finds. Borderline papers are taken out first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from assistant.evaluation.case import Case
from assistant.evaluation.measures.measure import Measure, measure
from assistant.evaluation.questions import LISTS

DEPTH = 100  # papers looked at


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], *, k: int) -> float:
    """Discounted cumulative gain of the first ``k`` over that of the best possible ranking, 0–1.

    >>> round(ndcg(["a", "b"], {"b": 1}, k=10), 3)
    0.631
    """
    best = dcg(sorted(grades.values(), reverse=True)[:k])
    return dcg([grades.get(paper, 0) for paper in ranking[:k]]) / best if best else 0.0


def dcg(gains: Sequence[int]) -> float:
    """The sum of gain / log2(rank + 1), ranks from 1."""
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def recall_at(ranking: Sequence[str], grades: Mapping[str, int], *, k: int) -> float:
    """The share of right papers among the first ``k``, 0–1."""
    return len(set(ranking[:k]) & set(grades)) / len(grades)


def reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    """1 / rank of the first right paper, 0 if there is none."""
    return next((1 / rank for rank, paper in enumerate(ranking, 1) if paper in grades), 0.0)


def average_precision(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    """The mean over the right papers of the precision at their rank, 0–1; those not found add 0."""
    found, total = 0, 0.0
    for rank, paper in enumerate(ranking, 1):
        if paper in grades:
            found += 1
            total += found / rank
    return total / len(grades)


def _judged(case: Case) -> list[str] | None:
    """The ranking without borderline papers; None where nothing is to be found, or a turn needs those before it."""
    if not case.gold.grades or case.question.turn > 1:
        return None
    return [paper for paper in case.ranking if paper not in case.gold.borderline]


@measure("nDCG@10")
def ndcg_at_10(case: Case) -> float | None:
    """Normalised discounted cumulative gain of the first ten papers that search finds, 0–1, the gain being the grade.

    Source: Järvelin and Kekäläinen, TOIS 20(4), 2002, doi:10.1145/582415.582418; as trec_eval's ndcg_cut.10.
    """
    ranking = _judged(case)
    return None if ranking is None else ndcg(ranking, case.gold.grades, k=10)


def _recall(k: int) -> Measure:
    @measure(f"R@{k}")
    def value(case: Case) -> float | None:
        """Share of the right papers among the first k that search finds, 0–1.

        Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section 8.4.
        """
        ranking = _judged(case)
        return None if ranking is None else recall_at(ranking, case.gold.grades, k=k)

    return value


@measure("RR")
def rr(case: Case) -> float | None:
    """Reciprocal of the rank of the first right paper that search finds, 0 beyond rank 100; its mean is the MRR.

    Source: Voorhees, TREC-8 Question Answering Track Report, 1999, section 3.
    """
    ranking = _judged(case)
    return None if ranking is None else reciprocal_rank(ranking, case.gold.grades)


@measure("AP")
def ap(case: Case) -> float | None:
    """Average precision of the first hundred papers that search finds, of questions with many right papers, 0–1.

    Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section 8.4.
    """
    ranking = _judged(case)
    many = case.question.kind in LISTS or len(case.gold.grades) > 1
    return average_precision(ranking, case.gold.grades) if ranking is not None and many else None


RETRIEVAL = (ndcg_at_10, _recall(1), _recall(5), _recall(20), rr, ap)
