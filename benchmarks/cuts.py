"""Fit when a question is about two papers: the features of every way to cut it in two.

    python benchmarks/cuts.py

On the `choose` half of the question set and ``benchmarks/comparisons.jsonl``, questions that join names of different
papers left out, as they need no fit. A cut is right if its papers are those of a question over several; each question
counts once. Prints the model ``comparison_split`` of weights.json, with --write puts it there, and prints by ten-fold
cross-validation how many of the questions over several papers are cut rightly, and how many others are cut.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from facts import FOLDS, questions
from logistic import add_write, fit_logistic, on, write

from assistant.answering.compare import ranked, sides_by_name
from assistant.answering.cuts import ComparisonSplitFeatures, cuts
from assistant.answering.own_names import own_names
from assistant.api import Assistant
from assistant.evaluation.questions import SEVERAL, EvalQuestion

RIDGE = 1.0
OWN = Path(__file__).with_name("comparisons.jsonl")


@dataclass(frozen=True, slots=True)
class Sample:
    """One question and its cuts."""

    asked: EvalQuestion
    features: tuple[ComparisonSplitFeatures, ...]
    right: tuple[bool, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_write(parser)
    arguments = parser.parse_args()
    with Assistant.open() as assistant:
        found = assistant.collection.read(lambda: samples(assistant, questions([OWN])))
    x = np.array([astuple(features) for sample in found for features in sample.features])
    y = np.array([float(right) for sample in found for right in sample.right])
    of = np.repeat(np.arange(len(found)), [len(sample.features) for sample in found])
    weight = np.array([  # the right cuts of a question count as much as all its wrong ones, once each
        1 / (sum(sample.right) if right else len(sample.features)) for sample in found for right in sample.right
    ])
    slopes, bias = fit_logistic(x, y, weight, ridge=RIDGE)
    features = {field.name: slope for field, slope in zip(fields(ComparisonSplitFeatures), slopes, strict=True)}
    write(arguments.write, "comparison_split", features, bias, by="python benchmarks/cuts.py", on=on([OWN]))
    fold = np.random.default_rng(0).permutation(len(found)) % FOLDS
    score = np.zeros(len(y))
    for k in range(FOLDS):
        kept = fold[of] != k
        slopes, bias = fit_logistic(x[kept], y[kept], weight[kept], ridge=RIDGE)
        score[~kept] = x[~kept] @ slopes + bias
    several = np.array([sample.asked.kind in SEVERAL for sample in found])
    best = [max(np.flatnonzero(of == at), key=lambda place: score[place]) for at in range(len(found))]
    cut, right = score[best] > 0, y[best] > 0
    print(f"over several: {int((cut & right)[several].sum())} of {int(several.sum())} cut rightly, "
          f"{int((cut & ~right)[several].sum())} wrongly; others: {int(cut[~several].sum())} of "
          f"{int((~several).sum())} cut")
    for sample, value, good in zip(found, score[best], right, strict=True):
        if (value > 0) != (sample.asked.kind in SEVERAL) or (value > 0 and not good):
            print(f"{value:6.2f} {sample.asked.kind}: {sample.asked.question}")


def samples(assistant: Assistant, asked: Sequence[EvalQuestion]) -> list[Sample]:
    """The questions that have a cut, with the features of each cut."""
    found = []
    retriever = assistant.retriever()
    for question in asked:
        understood = assistant.understand(question.question)
        text = understood.corrected
        owned = list(own_names(retriever, text))
        if understood.unknown or understood.wants_metadata or len(sides_by_name(understood, text, owned)) > 1:
            continue
        ranking = ranked(retriever, understood, text, owned)
        gold = assistant.paper_ids(question.papers) if question.kind in SEVERAL else set()
        every = list(cuts(ranking, text, owned, understood.comparing))
        if every:
            right = tuple({side.paper_id for side in cut.sides} == gold for cut in every)
            found.append(Sample(question, tuple(cut.features for cut in every), right))
    return found


if __name__ == "__main__":
    main()
