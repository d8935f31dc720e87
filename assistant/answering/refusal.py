"""When not to answer a question for a list: the collection is not about its topic; of facts see `answerable`.

A logistic model over two signals that the retriever gives anyway: how near the best papers are tells what the
collection is not about; words of the question that the best paper does not cover tell what it does not say. Unknown
names decide alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.question import FEW_PAPERS, Question
from assistant.records import Hit
from assistant.retrieval.retriever import Query

# P(answerable) below which a question is refused: as printed by benchmarks/calibrate.py for 15, 7 and 2 % of the
# answerable questions of the `choose` half refused by mistake.
THRESHOLDS = {"strict": 0.716, "balanced": 0.685, "eager": 0.656}
OFF_TOPIC = 0.3  # mean cosine below which nothing in the collection is near
MEANT_BY_NAME = 0.45  # about what answerable questions have
COVERED = 0.6  # token cosine from which a word counts as met


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for and against an answer, each 0–1 or a cosine."""

    nearby: float     # mean cosine of question and the five best papers; of a paper that is meant by name, at least .45
    shortfall: float  # by how much content words miss a coverage of .6 in the best paper, weighted mean, 0–.6


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to refuse, why, and how probable a right answer is."""

    abstain: bool
    reason: str | None
    confidence: float  # 0–1


def signals(query: Query, hits: Sequence[Hit]) -> Signals:
    """Read the signals off the hits of a question, best first; no hits give the worst of each."""
    if not hits:
        return Signals(0.0, COVERED)
    content = [
        (cover, word.weight) for cover, word in zip(hits[0].coverage, query.words, strict=True) if word.content
    ]
    total = sum(weight for _, weight in content) or 1.0
    nearby = sum(hit.similarity for hit in hits[:5]) / len(hits[:5])
    best = hits[0].paper.paper_id
    if any(best in name.papers and len(name.papers) <= FEW_PAPERS for name in query.names):
        nearby = max(nearby, MEANT_BY_NAME)  # its neighbours say nothing of whether it has the answer
    return Signals(
        nearby=nearby,
        shortfall=sum(weight * max(0.0, COVERED - cover) for cover, weight in content) / total,
    )


# Fitted by benchmarks/calibrate.py on the questions of the `choose` half that have no unknown name.
WEIGHTS = {"nearby": 1.632, "shortfall": -8.426}
BIAS = 1.516


def probability(found: Signals) -> float:
    """P(the collection answers the question), 0–1."""
    score = BIAS + sum(weight * getattr(found, name) for name, weight in WEIGHTS.items())
    return 1.0 / (1.0 + math.exp(-score))


def judge(question: Question, found: Signals, *, level: str) -> Judgement:
    """Decide whether the hits answer the question; ``level`` is one of `THRESHOLDS`."""
    if question.unknown:
        names = " and ".join(f"“{name.surface}”" for name in question.unknown)
        return Judgement(True, f"no paper of the collection mentions {names}", 0.05)
    likely = probability(found)
    if likely < THRESHOLDS[level]:
        reason = (
            "the collection does not seem to treat this" if found.nearby < OFF_TOPIC
            else "no abstract of the collection says this"
        )
        return Judgement(True, reason, likely)
    return Judgement(False, None, likely)
