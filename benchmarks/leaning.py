"""Fit when a question that names nothing goes on about the papers spoken of before it.

    python benchmarks/leaning.py

Positive are the later turns of conversations, the `choose` half and ``benchmarks/conversations.jsonl``, that ask about
a paper of the turn before; negative are the single questions of the `choose` half, asked after a question about some
other paper. Prints the constants of assistant/conversation/dependence.py, and by ten-fold cross-validation how many of
each are told rightly.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np
from facts import FOLDS
from logistic import logistic

from assistant.api import Assistant
from assistant.conversation.dependence import Signs, signs
from assistant.conversation.dialogue import Known
from assistant.conversation.ellipsis import FEW
from assistant.conversation.followup import leads_away
from assistant.evaluation.questions import FACTS, load_conversations, load_questions

RIDGE = 1.0
OWN = Path(__file__).with_name("conversations.jsonl")


def main() -> None:
    with Assistant.open() as assistant:
        found = list(samples(assistant))
    x = np.array([astuple(sign) for _, sign, _ in found])
    y = np.array([goes_on for _, _, goes_on in found], dtype=float)
    slopes, bias = logistic(x, y, ridge=RIDGE)
    print("WEIGHTS =", ", ".join(f"{name}={value:.2f}" for name, value in zip(
        Signs.__slots__, slopes.tolist(), strict=True)), f"BIAS = {bias:.2f}")
    fold = np.random.default_rng(0).permutation(len(found)) % FOLDS
    told = np.zeros(len(found))
    for k in range(FOLDS):
        slopes, bias = logistic(x[fold != k], y[fold != k], ridge=RIDGE)
        told[fold == k] = x[fold == k] @ slopes + bias
    print(f"goes on: {(told[y == 1] > 0).mean():.3f} of {int(y.sum())}; "
          f"stands alone: {(told[y == 0] <= 0).mean():.3f} of {int((1 - y).sum())}")
    for (question, _, goes_on), score in sorted(zip(found, told, strict=True), key=lambda pair: pair[1]):
        if goes_on != (score > 0):
            print(f"{score:6.2f} {'goes on' if goes_on else 'stands alone'}: {question}")


def samples(assistant: Assistant) -> Iterator[tuple[str, Signs, bool]]:
    """A question, its signs, and whether it goes on about the papers before it."""
    chance = random.Random(0)
    known = Known(assistant)

    def sample(question: str, papers: list[str], goes_on: bool) -> Iterator[tuple[str, Signs, bool]]:
        if not any(leads_away(name, papers, known) for name in known.names(question)):
            asked = assistant.understand(question)
            yield question, assistant.collection.read(lambda: signs(asked, papers, assistant.retriever())), goes_on

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
