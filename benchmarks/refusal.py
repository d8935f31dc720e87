"""Fit when to refuse a question of fact, and how sure to be of an answer; show the risk at every coverage.

    python benchmarks/refusal.py                     # on the `choose` half of the question set
    python benchmarks/refusal.py --also FILE.jsonl   # and on these questions

Prints the models ``answerability``, ``fact_confidence`` and ``list_confidence`` of weights.json, with --write puts them
there, and prints the constants of assistant/answering/confidence.py. All figures are of questions that no model was
fitted on: ten-fold cross-validation, in which no paper stands on both sides, of the models of sentences, of refusal and
of confidence one inside the other; the threshold of a fold is set on the other folds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import astuple, fields
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from facts import FOLDS, Sample, answered, folds, questions, readings, samples
from logistic import add_write, fit_logistic, on, write

from assistant.answering import answerable, confidence
from assistant.answering.answerable import AnswerabilityFeatures
from assistant.answering.sentences import Reading
from assistant.api import Assistant
from assistant.evaluation.measures.lists import f1, precision_recall
from assistant.evaluation.questions import FACTS, EvalQuestion
from assistant.index.lexical import LexicalIndex

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SEVERAL = ("multi", "compare")  # where they are not told by their form, they are answered as facts
RIDGE = 10.0
RIDGE_OF_CONFIDENCE = 1.0
FALSE_REFUSALS = {"strict": 0.15, "balanced": 0.07, "eager": 0.02}  # of answerable questions, at most
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
BINS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--also", type=Path, action="append", default=[], help="more questions that may be tuned on")
    add_write(parser)
    arguments = parser.parse_args()
    asked = [
        question for question in questions(arguments.also) if question.kind in (*FACTS, *SEVERAL, "unanswerable")
    ]
    with Assistant.open() as assistant:
        found = [
            sample for sample in assistant.collection.read(lambda: samples(assistant, asked))
            if sample.asked.kind not in SEVERAL or sample.understood.kind != "compare"
        ]
        fold = folds(found)
        read_as = readings(found, fold)
        lexical = assistant.collection.lexical
        rows = assistant.collection.read(
            lambda: [features_of(s, r, lexical) for s, r in zip(found, read_as, strict=True)]
        )
        listed = assistant.collection.read(lambda: lists(assistant, questions(arguments.also)))
    x = np.array([astuple(row) for row in rows])
    y = np.array([sample.asked.kind != "unanswerable" for sample in found])
    ruled_out = np.array([  # refused by an unknown name alone, or for asking for authors or dates
        bool(sample.understood.unknown) or sample.understood.wants_metadata for sample in found
    ])
    right = np.array([answered(sample, reading) for sample, reading in zip(found, read_as, strict=True)]) & y
    styles = np.array([sample.asked.style if not good else sample.asked.kind + " " + sample.asked.style
                       for sample, good in zip(found, y, strict=True)])
    chance, refused = crossed(x, y, fold, ruled_out)
    for level in FALSE_REFUSALS:
        by_style = {str(style): round(float(refused[level][styles == style].mean()), 2)
                    for style in sorted(set(styles[~y]))}
        print(f"{level}: refused {refused[level][~y].mean():.3f} {by_style}, "
              f"false refusals {refused[level][y].mean():.3f}, "
              f"of them paraphrases {refused[level][y & np.char.endswith(styles, 'paraphrase')].mean():.3f}")
    apart = auroc(chance[y & ~ruled_out], chance[~y & ~ruled_out])
    print(f"AUROC of answerable, those refused by rule left out: {apart:.3f}")
    slopes, bias = fit_logistic(x[~ruled_out], y[~ruled_out].astype(float), ridge=RIDGE)
    write_model = partial(write, arguments.write, by="python benchmarks/refusal.py", on=on(arguments.also))
    features = {field.name: slope for field, slope in zip(fields(AnswerabilityFeatures), slopes, strict=True)}
    write_model("answerability", features, bias, thresholds={
        level: float(np.quantile(chance[y & ~ruled_out], share)) for level, share in FALSE_REFUSALS.items()
    })
    slopes, bias = fit_confidence(chance, read_as, right, fold, ruled_out)
    write_model("fact_confidence", {"answerable": slopes[0], "sentences": slopes[1]}, bias)
    slopes, bias = fit_list_confidence(listed)
    write_model("list_confidence", {"f1": slopes[0]}, bias)


def features_of(sample: Sample, reading: Reading, lexical: LexicalIndex) -> AnswerabilityFeatures:
    """Return the features of one question."""
    return answerable.extract_features(
        sample.understood, sample.wanted, sample.query, sample.hits, reading, lexical
    )


def crossed(
    x: Floats, y: Flags, fold: npt.NDArray[np.int64], ruled_out: Flags
) -> tuple[Floats, dict[str, Flags]]:
    """P(answerable) of each question by a model of the other folds, and per level whether it is refused.

    A fold's threshold is a quantile of the chances of the other folds' answerable questions, each told by a model
    that knows neither fold.
    """
    chance = np.zeros(len(y))
    refused = {level: ruled_out.copy() for level in FALSE_REFUSALS}
    for k in range(FOLDS):
        held = fold == k
        chance[held] = told(x, y, ~held & ~ruled_out, held)
        inner = np.zeros(len(y))
        for other in range(FOLDS):
            if other != k:
                inner[fold == other] = told(x, y, ~held & ~ruled_out & (fold != other), fold == other)
        for level, share in FALSE_REFUSALS.items():
            refused[level][held] |= chance[held] < np.quantile(inner[~held & y & ~ruled_out], share)
    return chance, refused


def told(x: Floats, y: Flags, train: Flags, test: Flags) -> Floats:
    """P(answerable) of the test questions by a model of the training ones."""
    slopes, bias = fit_logistic(x[train], y[train].astype(float), ridge=RIDGE)
    chances: Floats = 1 / (1 + np.exp(-(x[test] @ slopes + bias)))
    return chances


def auroc(good: Floats, bad: Floats) -> float:
    """P(a good one is above a bad one), ties half."""
    return float(np.mean((good[:, None] > bad) + 0.5 * (good[:, None] == bad)))


def fit_confidence(
    chance: Floats, read_as: Sequence[Reading], right: Flags, fold: npt.NDArray[np.int64], ruled_out: Flags
) -> tuple[Floats, float]:
    """Fit confidence; print its calibration error and the risk at each coverage."""
    shares = np.array([confidence.found(reading.chosen()) for reading in read_as])
    features = np.c_[log_odds(chance), log_odds(shares)]
    share = (int(right[ruled_out].sum()) + 1) / (int(ruled_out.sum()) + 2)
    sure = np.full(len(right), share)
    for k in range(FOLDS):
        train, test = (fold != k) & ~ruled_out, (fold == k) & ~ruled_out
        slopes, bias = fit_logistic(features[train], right[train].astype(float), ridge=RIDGE_OF_CONFIDENCE)
        sure[test] = 1 / (1 + np.exp(-(features[test] @ slopes + bias)))
    print("RULED_OUT =", round(share, 3))
    print(f"expected calibration error, {BINS} bins: {calibration_error(sure, right):.3f}")
    order = np.argsort(-sure, kind="stable")
    curve = {share: round(1 - float(right[order[:round(share * len(order))]].mean()), 3) for share in COVERAGES}
    print("risk at coverage, of all questions, most confident first:", curve)
    return fit_logistic(features[~ruled_out], right[~ruled_out].astype(float), ridge=RIDGE_OF_CONFIDENCE)


def lists(assistant: Assistant, asked: Sequence[EvalQuestion]) -> list[tuple[float | None, float]]:
    """Of each question read as one for a list: the mean chance of the papers listed, None without any, and its F1."""
    extractive = assistant.extractive()
    found = []
    for question in asked:
        understood = assistant.understand(question.question)
        if understood.kind not in ("list", "count") or understood.unknown:
            continue
        fitting = extractive.lists.members(understood).fitting
        neutral = assistant.paper_ids(question.borderline)
        listed = [paper for member in fitting if (paper := member.hit.paper.paper_id) not in neutral]
        right = f1(*precision_recall(listed, assistant.paper_ids(question.papers)))
        found.append((float(np.mean([member.chance for member in fitting])) if fitting else None, right))
    return found


def fit_list_confidence(listed: Sequence[tuple[float | None, float]]) -> tuple[Floats, float]:
    """Fit confidence in lists to their F1; print, by ten-fold cross-validation, its calibration error."""
    raw = np.array([chance for chance, _ in listed if chance is not None])
    f1 = np.array([score for chance, score in listed if chance is not None])
    empty = [score for chance, score in listed if chance is None]
    features = log_odds(raw)[:, None]
    fold = np.random.default_rng(0).permutation(len(f1)) % FOLDS
    sure = np.zeros(len(f1))
    for k in range(FOLDS):
        slopes, bias = fit_logistic(features[fold != k], f1[fold != k], ridge=RIDGE_OF_CONFIDENCE)
        sure[fold == k] = 1 / (1 + np.exp(-(features[fold == k] @ slopes + bias)))
    print("NO_PAPER =", round((sum(empty) + 1) / (len(empty) + 2), 3), f"n={len(empty)}")
    print(f"expected calibration error of lists against F1: {calibration_error(sure, f1):.3f}, n={len(f1)}")
    return fit_logistic(features, f1, ridge=RIDGE_OF_CONFIDENCE)


def log_odds(chance: Floats) -> Floats:
    """As confidence.py has it."""
    bounded = np.clip(chance, 1e-3, 1 - 1e-3)
    odds: Floats = np.log(bounded / (1 - bounded))
    return odds


def calibration_error(sure: Floats, right: Flags | Floats) -> float:
    """Mean distance of confidence and share right over bins of equal width, weighted by what falls in each, 0–1.

    Source: Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015.
    """
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    return float(sum(
        abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)
    ))


if __name__ == "__main__":
    main()
