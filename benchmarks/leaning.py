"""Fit when a question that names nothing goes on about the papers spoken of before it.

    python benchmarks/leaning.py

Positive are the later turns of conversations, the `choose` half and ``benchmarks/conversations.jsonl``, that ask about
a paper of the turn before; negative are the single questions of the `choose` half, asked after a question about some
other paper. Prints the model ``dependence`` of weights.json, with --write puts it there, and prints by ten-fold
cross-validation how many of each are told rightly.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
from facts import FOLDS
from logistic import add_write, fit_logistic, on, write

from assistant.api import Assistant
from assistant.conversation.dependence import DependenceFeatures, extract_features
from assistant.conversation.dialogue import Known
from assistant.conversation.ellipsis import FEW
from assistant.conversation.followup import leads_away
from assistant.evaluation.questions import FACTS, load_conversations, load_questions

RIDGE = 1.0
OWN = Path(__file__).with_name("conversations.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_write(parser)
    arguments = parser.parse_args()
    with Assistant.open() as assistant:
        found = list(samples(assistant))
    x = np.array([astuple(features) for _, features, _ in found])
    y = np.array([goes_on for _, _, goes_on in found], dtype=float)
    slopes, bias = fit_logistic(x, y, ridge=RIDGE)
    features = {field.name: slope for field, slope in zip(fields(DependenceFeatures), slopes, strict=True)}
    write(arguments.write, "dependence", features, bias, by="python benchmarks/leaning.py", on=on([OWN]))
    fold = np.random.default_rng(0).permutation(len(found)) % FOLDS
    told = np.zeros(len(found))
    for k in range(FOLDS):
        slopes, bias = fit_logistic(x[fold != k], y[fold != k], ridge=RIDGE)
        told[fold == k] = x[fold == k] @ slopes + bias
    print(f"goes on: {(told[y == 1] > 0).mean():.3f} of {int(y.sum())}; "
          f"stands alone: {(told[y == 0] <= 0).mean():.3f} of {int((1 - y).sum())}")
    for (question, _, goes_on), score in sorted(zip(found, told, strict=True), key=lambda pair: pair[1]):
        if goes_on != (score > 0):
            print(f"{score:6.2f} {'goes on' if goes_on else 'stands alone'}: {question}")


def samples(assistant: Assistant) -> Iterator[tuple[str, DependenceFeatures, bool]]:
    """Yield a question, its features, and whether it goes on about the papers before it."""
    chance = random.Random(0)
    known = Known(assistant)

    def sample(question: str, papers: list[str], goes_on: bool) -> Iterator[tuple[str, DependenceFeatures, bool]]:
        if not any(leads_away(name, papers, known) for name in known.names(question)):
            asked = assistant.understand(question)
            retriever = assistant.retriever()
            yield question, assistant.collection.read(lambda: extract_features(asked, papers, retriever)), goes_on

    spoken: list[list[str]] = []
    for talk in [*(talk for talk in load_conversations() if talk.turns[0].split == "choose"), *load_conversations(OWN)]:
        before: list[str] = []
        for turn in talk.turns:
            papers = sorted(assistant.paper_ids(turn.papers))
            if turn.kind in FACTS and 0 < len(before) <= FEW and set(papers) <= set(before):
                yield from sample(turn.question, before, True)
            before = papers or before
            spoken += [papers] if 0 < len(papers) <= FEW else []
    for question in load_questions():
        if question.split == "choose":
            other = [papers for papers in spoken if not assistant.paper_ids(question.papers).intersection(papers)]
            yield from sample(question.question, chance.choice(other), False)


if __name__ == "__main__":
    main()
