"""Fit which sentences answer a question of fact, and say how well they do on questions they were not fitted on.

    python benchmarks/facts.py                       # on the `choose` half of the question set
    python benchmarks/facts.py --also FILE.jsonl     # and on these questions

Prints the models ``meant_paper`` and ``answer_sentence`` of weights.json, with --write puts them there, and prints, by
ten-fold cross-validation in which no paper stands on both sides, how often an accepted answer is among the sentences
chosen, and the first of them from the right paper.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
from logistic import add_write, fit_logistic, on, write

from assistant.answering.asked import Asked, Stems
from assistant.answering.sentences import (
    PaperFeatures,
    Reading,
    SentenceFeatures,
    paper_features,
    read,
    sentence_features,
)
from assistant.api import Assistant
from assistant.evaluation.questions import FACTS, EvalQuestion, load_questions
from assistant.query.parse import Question
from assistant.records import Hit
from assistant.retrieval.retriever import Query
from assistant.weights.logistic import LogisticModel

Floats = npt.NDArray[np.float64]
FOLDS = 10
RIDGE_OF_PAPERS = 0.5
RIDGE_OF_SENTENCES = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One question with the best papers found for it."""

    asked: EvalQuestion
    understood: Question
    query: Query
    hits: tuple[Hit, ...]
    wanted: Asked
    gold: frozenset[str]  # ids of the papers it needs
    stems: Stems

    def answers(self, hit: Hit, text: str) -> bool:
        """Whether a sentence of a paper holds an accepted answer."""
        low = text.casefold()
        return hit.paper.paper_id in self.gold and any(answer.casefold() in low for answer in self.asked.answers)


def questions(also: Sequence[Path]) -> list[EvalQuestion]:
    """What may be tuned on: the `choose` half, and the files named."""
    return [
        *(question for question in load_questions() if question.split == "choose"),
        *(question for path in also for question in load_questions(path)),
    ]


def samples(assistant: Assistant, asked: Sequence[EvalQuestion]) -> list[Sample]:
    """Find the best papers for each question."""
    facts = assistant.extractive().facts
    found = []
    for question in asked:
        understood = assistant.understand(question.question)
        if understood.kind == "empty":
            continue
        query, hits, wanted, _ = facts.read(understood)
        found.append(Sample(
            question, understood, query, tuple(hits), wanted, frozenset(assistant.paper_ids(question.papers)),
            assistant.collection.lexical.stems,
        ))
    return found


def folds(found: Sequence[Sample]) -> npt.NDArray[np.int64]:
    """(n,) fold of each question; questions that need the same paper share one, as do repeats of a question."""
    groups = [min(sample.gold, default=sample.asked.question) for sample in found]
    names = sorted(set(groups))
    order = np.random.default_rng(0).permutation(len(names)) % FOLDS
    fold = dict(zip(names, order.tolist(), strict=True))
    return np.array([fold[group] for group in groups], dtype=np.int64)


def fit(found: Sequence[Sample]) -> dict[str, LogisticModel]:
    """Fit both models, by name, on questions of fact."""
    by_paper: list[tuple[Floats, Floats]] = []
    x, y = [], []
    for sample in found:
        hits = sample.hits
        right = np.array([float(hit.paper.paper_id in sample.gold) for hit in hits])
        if not right.any():
            continue
        by_paper.append((np.array([astuple(features) for features in paper_features(sample.query, hits)]), right))
        for hit in hits:
            if hit.paper.paper_id in sample.gold:
                x += [astuple(row) for row in sentence_features(sample.query, hit, sample.wanted, sample.stems)]
                y += [float(sample.answers(hit, sentence.text)) for sentence in hit.sentences]
    slopes, bias = fit_logistic(np.array(x), np.array(y), ridge=RIDGE_OF_SENTENCES)
    paper_slopes = conditional_logit(by_paper, ridge=RIDGE_OF_PAPERS)
    return {
        name: LogisticModel({f.name: value for f, value in zip(fields(kind), row.round(3).tolist(), strict=True)}, bias)
        for name, kind, row, bias in (
            ("meant_paper", PaperFeatures, paper_slopes, 0.0),
            ("answer_sentence", SentenceFeatures, slopes, round(bias, 3)),
        )
    }


def readings(found: Sequence[Sample], fold: npt.NDArray[np.int64]) -> list[Reading]:
    """Each question read with weights fitted on the other folds."""
    read_as: dict[int, Reading] = {}
    for k in range(FOLDS):
        fitted = fit([s for s, of in zip(found, fold, strict=True) if of != k and s.asked.kind in FACTS])
        for place in np.flatnonzero(fold == k).tolist():
            sample = found[place]
            read_as[place] = read(sample.query, sample.hits, sample.wanted, sample.stems, fitted=fitted)
    return [read_as[place] for place in range(len(found))]


def conditional_logit(choices: Sequence[tuple[Floats, Floats]], *, ridge: float) -> Floats:
    """Weights (k,) of the features (p, k) of p papers, one (p,) of which is chosen, for many choices; Newton's method.

    Source: McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior", 1974.
    """
    spread = np.concatenate([features for features, _ in choices]).std(axis=0) + 1e-6
    theta = np.zeros(len(spread))
    for _ in range(30):
        gradient, curvature = ridge * theta, ridge * np.eye(len(theta))
        for features, right in choices:
            scaled = features / spread
            powers = np.exp(scaled @ theta - (scaled @ theta).max())
            chance = powers / powers.sum()
            mean = scaled.T @ chance
            gradient = gradient + mean - scaled.T @ (right / right.sum())
            curvature = curvature + (scaled * chance[:, None]).T @ scaled - np.outer(mean, mean)
        theta = theta - np.linalg.solve(curvature, gradient)
    weights: Floats = theta / spread
    return weights


def answered(sample: Sample, reading: Reading) -> bool:
    """Whether an accepted answer stands in the sentences that would be quoted; if several papers are needed, whether
    all are quoted."""
    if not sample.asked.answers:
        return bool(sample.gold) and sample.gold <= {item.hit.paper.paper_id for item in reading.chosen()}
    return any(sample.answers(item.hit, item.sentence.text) for item in reading.chosen())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--also", type=Path, action="append", default=[], help="more questions that may be tuned on")
    add_write(parser)
    arguments = parser.parse_args()
    with Assistant.open() as assistant:
        asked = [question for question in questions(arguments.also) if question.kind in FACTS]
        found = assistant.collection.read(lambda: samples(assistant, asked))
    read_as = readings(found, folds(found))
    for style in ("all", *sorted({sample.asked.style for sample in found})):
        chosen = [
            (sample, reading) for sample, reading in zip(found, read_as, strict=True)
            if style in ("all", sample.asked.style)
        ]
        right = np.mean([answered(sample, reading) for sample, reading in chosen])
        first = np.mean([reading.chosen()[0].hit.paper.paper_id in sample.gold for sample, reading in chosen])
        length = median(sum(len(item.sentence.text.split()) for item in reading.chosen()) for _, reading in chosen)
        print(f"{style:12s} n={len(chosen):3d} answered {right:.3f} first paper {first:.3f} median words {length:.0f}")
    for name, model in fit(found).items():
        write(arguments.write, name, model.features, model.bias, by="python benchmarks/facts.py",
              on=f"questions of fact of {on(arguments.also)}")


if __name__ == "__main__":
    main()
