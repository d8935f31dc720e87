"""Fit the calibrated constants on the `choose` half of the question set, and say how they do on `report`.

    python benchmarks/calibrate.py membership    # for assistant/answering/membership.py
    python benchmarks/calibrate.py refusal       # for assistant/answering/refusal.py
"""

from __future__ import annotations

import argparse
from dataclasses import astuple, fields

import numpy as np
import numpy.typing as npt

from assistant.answering.membership import CUT, Evidence, evidence
from assistant.answering.refusal import Signals, signals
from assistant.api import Assistant
from assistant.evaluation.questions import EvalQuestion, load_questions

Floats = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["membership", "refusal"])
    arguments = parser.parse_args()
    with Assistant.open() as assistant:
        calibrate = calibrate_membership if arguments.what == "membership" else calibrate_refusal
        assistant.collection.read(lambda: calibrate(assistant))


def calibrate_membership(assistant: Assistant) -> None:
    """Print weights, cut and F1 of list membership."""
    samples = membership_samples(assistant)
    choose = [sample for sample in samples if sample[0].split == "choose"]
    report = [sample for sample in samples if sample[0].split == "report"]
    cuts = np.arange(0.2, 0.5, 0.05)
    by_cut = {round(float(cut), 2): mean_f1(choose, choose, cut=cut, leave_one_out=True) for cut in cuts}
    weights, bias = fit(choose)
    print("leave-one-out F1 on choose by cut:", {c: round(f, 3) for c, f in by_cut.items()})
    print("WEIGHTS =", {f.name: round(float(w), 3) for f, w in zip(fields(Evidence), weights, strict=True)})
    print("BIAS =", round(float(bias), 3))
    print(f"F1 on report at cut {CUT}:", round(mean_f1(choose, report, cut=CUT), 3), f"({len(report)} questions)")


def calibrate_refusal(assistant: Assistant) -> None:
    """Print weights and thresholds of refusal, and what they do on both halves."""
    retriever = assistant.retriever()
    asked, x, y = [], [], []
    for question in load_questions():
        understood = assistant.understand(question.question)
        if understood.unknown or understood.kind in ("list", "count", "collection"):
            continue
        query = retriever.query(understood.corrected, names=understood.keys)
        asked.append(question)
        x.append(astuple(signals(query, retriever.search(query, limit=10))))
        y.append(float(question.kind != "unanswerable"))
    features, answerable = np.array(x), np.array(y)
    choose = np.array([question.split == "choose" for question in asked])
    weights, bias = logistic(features[choose], answerable[choose], np.ones(int(choose.sum())), ridge=10.0)
    chance = 1 / (1 + np.exp(-(features @ weights + bias)))
    print("WEIGHTS =", {f.name: round(float(w), 3) for f, w in zip(fields(Signals), weights, strict=True)})
    print("BIAS =", round(float(bias), 3))
    levels = {"strict": 0.15, "balanced": 0.07, "eager": 0.02}
    thresholds = {
        level: float(np.quantile(chance[choose & (answerable > 0)], share)) for level, share in levels.items()
    }
    print("THRESHOLDS =", {level: round(value, 3) for level, value in thresholds.items()})
    styles = np.array([question.style for question in asked])
    for half, members in (("choose", choose), ("report", ~choose)):
        refused = chance < thresholds["balanced"]
        by_style = {
            str(style): round(float(refused[members & (answerable == 0) & (styles == style)].mean()), 2)
            for style in sorted(set(styles[members & (answerable == 0)]))
        }
        wrong = float(refused[members & (answerable > 0)].mean())
        print(f"{half}, balanced: refused {by_style}, false refusals {wrong:.3f}")


Sample = tuple[EvalQuestion, Floats, Floats, npt.NDArray[np.bool_], int]


def membership_samples(assistant: Assistant) -> list[Sample]:
    """Per list question: evidence (n, 3), gold (n,), scored (n,: borderline papers are not), and the gold's size."""
    samples = []
    retriever = assistant.retriever()
    lists = assistant.extractive().lists
    for question in load_questions():
        if question.kind not in ("list", "count"):
            continue
        understood = assistant.understand(question.question)
        if not understood.topic or understood.exclusions:
            continue
        named, _ = lists.with_names(understood)
        ranking = lists.look_at(understood, named)
        rows = evidence(retriever, understood.topic, ranking)
        gold = assistant.paper_ids(question.papers)
        neutral = assistant.paper_ids(question.borderline)
        ids = ranking.paper_ids()
        kept = [i for i, paper in enumerate(ids) if named is None or paper in named]
        ids = [ids[i] for i in kept]
        samples.append((
            question, np.array([astuple(rows[i]) for i in kept], dtype=float).reshape(-1, 3),
            np.array([paper in gold for paper in ids], dtype=float),
            np.array([paper not in neutral for paper in ids], dtype=bool), len(gold),
        ))
    return samples


def fit(samples: list[Sample], *, ridge: float = 1.0) -> tuple[Floats, float]:
    """Logistic regression over all papers of all questions; each question weighs by 1 / sqrt(gold papers)."""
    x = np.concatenate([s[1][s[3]] for s in samples])
    y = np.concatenate([s[2][s[3]] for s in samples])
    weight = np.concatenate([np.full(int(s[3].sum()), 1 / np.sqrt(s[4])) for s in samples])
    return logistic(x, y, weight, ridge=ridge)


def logistic(x: Floats, y: Floats, weight: Floats, *, ridge: float = 1.0) -> tuple[Floats, float]:
    """Logistic regression by Newton's method with a ridge on standardised features.

    Returns:
        Slopes (k,) and bias for features (n, k) as they are, labels (n,) 0 or 1, sample weights (n,).
    """
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    design = np.c_[(x - mean) / spread, np.ones(len(x))]
    theta = np.zeros(design.shape[1])
    penalty = ridge * np.eye(len(theta))
    penalty[-1, -1] = 1e-6
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ theta))
        gradient = design.T @ (weight * (p - y)) + penalty @ theta
        theta -= np.linalg.solve((design * (weight * p * (1 - p))[:, None]).T @ design + penalty, gradient)
    slopes = theta[:-1] / spread
    return slopes, float(theta[-1] - slopes @ mean)


def mean_f1(train: list[Sample], test: list[Sample], *, cut: float, leave_one_out: bool = False) -> float:
    """Macro F1 over ``test`` of papers with probability of at least ``cut``; borderline papers are neutral."""
    model = None if leave_one_out else fit(train)
    scores = []
    for sample in test:
        slopes, bias = model or fit([other for other in train if other is not sample])
        chosen = 1 / (1 + np.exp(-(sample[1] @ slopes + bias))) >= cut
        right = float((chosen & (sample[2] > 0)).sum())
        scores.append(2 * right / ((chosen & sample[3]).sum() + sample[4]) if right else 0.0)
    return float(np.mean(scores))


if __name__ == "__main__":
    main()
