"""Fit when a question that may ask for papers or for what one says gets a list, and when sentences.

    python benchmarks/routing.py                     # on the `choose` half of the question set
    python benchmarks/routing.py --also FILE.jsonl   # and on these questions

Prints the model ``routing`` of weights.json, with --write puts it there, and by ten-fold cross-validation what the
choice is worth: the mean over questions of fact of "answered" and over lists of F1, beside the reader's word alone, the
list added where sentences are not plainly better, and the better of both.
"""

from __future__ import annotations

import argparse
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from facts import FOLDS, questions
from logistic import add_write, fit_logistic, on, write

from assistant.answering import routing
from assistant.answering.extractive import LISTS
from assistant.answering.routing import RoutingFeatures
from assistant.api import Assistant
from assistant.evaluation.measures.lists import f1, precision_recall
from assistant.evaluation.questions import FACTS, EvalQuestion
from assistant.records import Answer

RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One question that may be either, with what both answers are worth, 0–1."""

    asked: EvalQuestion
    features: RoutingFeatures
    listed: float
    told: float
    read_as_list: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--also", type=Path, action="append", default=[], help="more questions that may be tuned on")
    add_write(parser)
    arguments = parser.parse_args()
    with Assistant.open() as assistant:
        asked = [question for question in questions(arguments.also) if question.kind in (*FACTS, "list", "count")]
        found = assistant.collection.read(
            lambda: list(filter(None, (sample_of(assistant, question) for question in asked)))
        )
    x = np.array([astuple(sample.features) for sample in found])
    listed, told = (np.array([getattr(sample, name) for sample in found]) for name in ("listed", "told"))
    better, matters = (listed > told).astype(float), np.abs(listed - told)
    fold = np.random.default_rng(0).permutation(len(found)) % FOLDS
    score = np.zeros(len(found))
    for k in range(FOLDS):
        slopes, bias = fit_logistic(x[fold != k], better[fold != k], matters[fold != k], ridge=RIDGE)
        score[fold == k] = x[fold == k] @ slopes + bias
    best = np.maximum(listed, told)
    read_as = np.array([sample.read_as_list for sample in found])
    facts = np.array([sample.asked.kind in FACTS for sample in found])
    for name, worth in (
        ("as read", np.where(read_as, listed, told)), ("as fitted", np.where(score > 0, listed, told)),
        ("with both", np.where(score > 0, listed, np.where(score > -routing.OPEN, best, told))),
        ("the better", best),
    ):
        print(
            f"{name:10s} {facts.sum()} facts {worth[facts].mean():.3f}, "
            f"{(~facts).sum()} lists {worth[~facts].mean():.3f}"
        )
    slopes, bias = fit_logistic(x, better, matters, ridge=RIDGE)
    features = {field.name: slope for field, slope in zip(fields(RoutingFeatures), slopes, strict=True)}
    write(arguments.write, "routing", features, bias, by="python benchmarks/routing.py", on=on(arguments.also))


def sample_of(assistant: Assistant, asked: EvalQuestion) -> Sample | None:
    """Both answers to a question; None where its words, or a refusal, leave no choice."""
    question = assistant.understand(asked.question)
    if question.kind not in ("fact", *LISTS) or not routing.is_choice(question):
        return None
    read_as_list = question.kind in LISTS
    extractive = assistant.extractive()
    told, listed = extractive.told_and_listed("", question)
    if listed.abstained or told.abstained:
        return None
    return Sample(
        asked, routing.extract_features(question, listed, told), worth(assistant, asked, listed),
        worth(assistant, asked, told), read_as_list,
    )


def worth(assistant: Assistant, asked: EvalQuestion, answer: Answer) -> float:
    """How good an answer is: of a fact, whether it has the answer and cites its paper; of a list, F1."""
    gold = assistant.paper_ids(asked.papers)
    cited = {citation.paper_id for citation in answer.citations}
    if asked.kind in FACTS:
        said = answer.text.casefold()
        return float(bool(gold & cited) and any(accepted.casefold() in said for accepted in asked.answers))
    return f1(*precision_recall(sorted(cited - assistant.paper_ids(asked.borderline)), gold))


if __name__ == "__main__":
    main()
