"""When not to answer, and how sure to be when answering.

A small logistic model over signals the retriever gives anyway: similarity tells what the collection is not about,
words of the question that no found paper covers tell what its abstracts do not say. Unknown names decide alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.question import Question
from assistant.records import Hit
from assistant.retrieval.retriever import Query

# P(answerable) below which a question is refused.
THRESHOLDS = {"strict": 0.6, "balanced": 0.42, "eager": 0.2}


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for and against an answer, each 0–1 or a cosine."""

    similarity: float  # cosine of question and best paper
    support: float     # of the best paper, late interaction over the question's content words
    weakest: float     # coverage of the question's worst covered content word in the best paper
    unseen: float      # share of the question's weight on words that no paper of the collection has
    margin: float      # support of the best paper over that of the tenth


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to refuse, why, and how probable a right answer is."""

    abstain: bool
    reason: str | None
    confidence: float  # 0–1


def signals(query: Query, hits: Sequence[Hit]) -> Signals:
    """Read the signals off the hits of a question; no hits give zeros."""
    if not hits:
        return Signals(0.0, 0.0, 0.0, 1.0, 0.0)
    top = hits[0]
    weights = [word.weight for word in query.words]
    total = sum(weights) or 1.0
    content = [cover for cover, weight in zip(top.coverage, weights, strict=True) if weight > 0]
    unseen = sum(word.weight for word in query.words if word.weight > 0 and word.papers == 0) / total
    tenth = hits[min(9, len(hits) - 1)].support
    return Signals(
        similarity=max(hit.similarity for hit in hits[:5]), support=top.support, weakest=min(content, default=0.0),
        unseen=unseen, margin=top.support - tenth,
    )


# Fitted by benchmarks/refusal.py on the questions of the `choose` half.
WEIGHTS = {"similarity": 6.0, "support": 7.0, "weakest": 2.0, "unseen": -2.0, "margin": 4.0}
BIAS = -6.0


def probability(found: Signals) -> float:
    """P(the collection answers the question), 0–1."""
    score = BIAS + sum(weight * getattr(found, name) for name, weight in WEIGHTS.items())
    return 1.0 / (1.0 + math.exp(-score))


def judge(question: Question, found: Signals, *, level: str) -> Judgement:
    """Decide whether the hits answer the question; ``level`` is one of `THRESHOLDS`."""
    unknown = [name.surface for name in question.names if not name.known]
    if unknown:
        names = " and ".join(f"“{name}”" for name in unknown)
        return Judgement(True, f"no paper of the collection mentions {names}", 0.05)
    likely = probability(found)
    if likely < THRESHOLDS[level]:
        reason = (
            "the collection does not seem to treat this" if found.similarity < 0.35
            else "no abstract of the collection says this"
        )
        return Judgement(True, reason, likely)
    return Judgement(False, None, likely)
