"""Fit which papers belong to a topic on the `choose` half of the question set, and say how that does on `report`.

    python benchmarks/calibrate.py membership    # the model of weights.json; with --write, puts it there
    python benchmarks/calibrate.py membership --questions MORE.jsonl    # also on list questions of a file of your own
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from logistic import add_write, fit_logistic, on, write

from assistant.answering.membership import MembershipFeatures
from assistant.api import Assistant
from assistant.evaluation.questions import EvalQuestion, load_questions
from assistant.weights.logistic import models

Floats = npt.NDArray[np.float64]
FOLDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["membership"])
    parser.add_argument("--questions", type=Path, help="a file of more questions to fit membership on")
    add_write(parser)
    arguments = parser.parse_args()
    with Assistant.open() as assistant:
        more = load_questions(arguments.questions) if arguments.questions else []
        weights, bias = assistant.collection.read(lambda: calibrate_membership(assistant, more))
    features = {field.name: weight for field, weight in zip(fields(MembershipFeatures), weights, strict=True)}
    write(arguments.write, "membership", features, bias, by="python benchmarks/calibrate.py membership",
          on=f"list questions of {on([arguments.questions] if arguments.questions else [])}")


def calibrate_membership(assistant: Assistant, more: Sequence[EvalQuestion]) -> tuple[Floats, float]:
    """Fit list membership; print precision, recall and F1 by cut on questions left out of the fit."""
    asked = load_questions()
    choose = membership_samples(assistant, [*(question for question in asked if question.split == "choose"), *more])
    report = membership_samples(assistant, [question for question in asked if question.split == "report"])
    chances = left_out_chances(choose)
    cuts = models()["membership"].thresholds
    print(f"{FOLDS}-fold cross-validation, {len(choose)} list questions with a topic: precision, recall, F1")
    for cut in sorted({*cuts.values(), *np.arange(0.1, 0.55, 0.05).round(2).tolist()}):
        print(f"  cut {cut}:", *(f"{value:.3f}" for value in mean_scores(choose, chances, cut)))
    weights, bias = fit(choose)
    cut = cuts["balanced"]
    fitted = [chance(sample, weights, bias) for sample in report]
    print(f"report, cut {cut}:", *(f"{value:.3f}" for value in mean_scores(report, fitted, cut)), f"n={len(report)}")
    return weights, bias


@dataclass(frozen=True, slots=True)
class Sample:
    """One list question and the papers that are judged for it: those with the asked names and nothing excluded."""

    features: Floats                 # (n, features)
    right: Floats                    # (n,) 1 if the paper belongs, else 0
    scored: npt.NDArray[np.bool_]    # (n,) borderline papers are not
    gold: int                        # papers that belong, whether judged or not


def membership_samples(assistant: Assistant, questions: Sequence[EvalQuestion]) -> list[Sample]:
    """The list and count questions that have a topic, as they are understood."""
    samples = []
    lists = assistant.extractive().lists
    for question in questions:
        if question.kind not in ("list", "count"):
            continue
        understood = lists.telling(assistant.understand(question.question))
        exact = lists.exactly(understood)
        if not understood.topic or exact == set():
            continue
        ranking, rows, _ = lists.weigh(understood, exact)
        left_out = lists.excluded(understood)
        gold = assistant.paper_ids(question.papers)
        neutral = assistant.paper_ids(question.borderline)
        judged = [
            (astuple(row), paper) for row, paper in zip(rows, ranking.paper_ids(), strict=True)
            if (exact is None or paper in exact) and paper not in left_out
        ]
        samples.append(Sample(
            np.array([row for row, _ in judged], dtype=float).reshape(-1, len(fields(MembershipFeatures))),
            np.array([paper in gold for _, paper in judged], dtype=float),
            np.array([paper not in neutral for _, paper in judged], dtype=bool), len(gold),
        ))
    return samples


def fit(samples: Sequence[Sample], *, ridge: float = 1.0) -> tuple[Floats, float]:
    """Logistic regression over all papers of all questions; each question weighs by 1 / sqrt(gold papers)."""
    x = np.concatenate([sample.features[sample.scored] for sample in samples])
    y = np.concatenate([sample.right[sample.scored] for sample in samples])
    weight = np.concatenate([np.full(int(sample.scored.sum()), 1 / np.sqrt(sample.gold)) for sample in samples])
    return fit_logistic(x, y, weight, ridge=ridge)


def chance(sample: Sample, weights: Floats, bias: float) -> Floats:
    """(n,) P(the paper belongs)."""
    found: Floats = 1 / (1 + np.exp(-(sample.features @ weights + bias)))
    return found


def left_out_chances(samples: Sequence[Sample]) -> list[Floats]:
    """For each question the chances by a model that has not seen it."""
    fold_of = np.random.default_rng(0).permutation(len(samples)) % FOLDS
    models = [
        fit([sample for sample, other in zip(samples, fold_of, strict=True) if other != fold])
        for fold in range(FOLDS)
    ]
    return [chance(sample, *models[fold]) for sample, fold in zip(samples, fold_of, strict=True)]


def mean_scores(samples: Sequence[Sample], chances: Sequence[Floats], cut: float) -> tuple[float, float, float]:
    """Macro precision, recall and F1 of the papers with a chance of at least ``cut``; borderline ones are neutral."""
    scores = []
    for sample, found in zip(samples, chances, strict=True):
        chosen = (found >= cut) & sample.scored
        right, listed = float((chosen & (sample.right > 0)).sum()), float(chosen.sum())
        scores.append((right / max(listed, 1), right / sample.gold, 2 * right / (listed + sample.gold)))
    precision, recall, f1 = np.mean(scores, axis=0)
    return float(precision), float(recall), float(f1)


if __name__ == "__main__":
    main()
