"""What an answer is worth: measures from a question and its answer to numbers, and the interval of their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.evaluation.questions import EvalQuestion
from assistant.records import Answer

FACTS = ("fact", "definition", "yesno")
LISTS = ("list", "count")


@dataclass(frozen=True, slots=True)
class Gold:
    """The papers a right answer has, by id."""

    papers: frozenset[str]
    borderline: frozenset[str] = frozenset()


def measure(question: EvalQuestion, answer: Answer, gold: Gold) -> dict[str, float]:
    """Every measure that applies to a question, by name; each is 0–1 but for ``words``."""
    cited = [citation.paper_id for citation in answer.citations]
    if question.kind == "unanswerable":
        return {"refused": float(answer.abstained), f"refused: {question.style}": float(answer.abstained)}
    refusal = {"false refusal": float(answer.abstained)}
    if question.kind in FACTS:
        found = float(answer_found(question, answer) and bool(gold.papers & set(cited)))
        return refusal | {
            "fact answered": found, f"fact answered: {question.style}": found,
            "first citation": float(bool(cited) and cited[0] in gold.papers),
            "words": float(len(answer.text.split())),
        }
    if question.kind in LISTS:
        precision, recall = precision_recall([item.paper_id for item in answer.items], gold)
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        measures = {"list precision": precision, "list recall": recall, "list F1": f1}
        return measures | ({"count F1": f1} if question.kind == "count" else {})
    return refusal | {"all papers cited": float(gold.papers <= set(cited))}


def answer_found(question: EvalQuestion, answer: Answer) -> bool:
    """Whether one of the accepted strings stands in the answer, whatever its case, and it was not refused."""
    text = answer.text.casefold()
    return not answer.abstained and any(string.casefold() in text for string in question.answers)


def precision_recall(listed: Sequence[str], gold: Gold) -> tuple[float, float]:
    """Set precision and recall, 0–1; borderline papers count neither way. An empty list has precision 0.

    Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section 8.3.
    """
    judged = set(listed) - gold.borderline
    right = len(judged & gold.papers)
    return (right / len(judged) if judged else 0.0), (right / len(gold.papers) if gold.papers else 0.0)


def interval(values: Sequence[float], *, resamples: int = 2000) -> tuple[float, float]:
    """A 95 % bootstrap interval of the mean, percentile method, the same for the same values.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3.
    """
    sample = np.asarray(values, dtype=float)
    draws = np.random.default_rng(0).integers(0, len(sample), (resamples, len(sample)))
    low, high = np.quantile(sample[draws].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
