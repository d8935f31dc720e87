"""Whether a question with neither pronoun nor name goes on about what was said before: "which models?", "is the code
public?", "what was the bottleneck?".

Such a question says little by itself, and the papers spoken of meet what it says as well as any paper does; one that
stands alone ("which papers are about agents?") says more, and other papers meet it better. A logistic regression weighs
both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.conversation.wording import GIVEN
from assistant.index.late_interaction import support
from assistant.query.parse import Question
from assistant.retrieval.retriever import Floats, Ranking, Retriever
from assistant.weights.logistic import models

_PAST = re.compile(r"\b(?:was|were|did|had)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DependenceFeatures:
    """What speaks for and against it."""

    words: float    # content words it has
    content: float  # the sum of their weights, see `Query`
    missed: float   # 1 - how well the best of the papers spoken of meets them, a share of cosines
    gap: float      # by which the best paper of all meets the whole question better, in cosines
    listing: float  # P(a list or a count of papers is asked for)
    given: float    # 1: speaks of something as known, "the code", "the gains"
    past: float     # 1: asks what was done or found


def extract_features(
    question: Question, papers: Sequence[str], retriever: Retriever, *, candidates: int = 200
) -> DependenceFeatures:
    """Return the features of a question and the papers spoken of before it."""
    query = retriever.query(question.text)
    spoken = retriever.rank(query, among=sorted(papers))
    best = _met(retriever.rank(query, candidates=candidates), query.weights)
    content = [word.weight for word in query.words if word.content]
    of_content = np.array([at >= 0 and query.words[at].content for at in query.word_of]) * query.weights
    missed = 1 - _met(spoken, of_content) if content else 0.0
    return DependenceFeatures(
        words=len(content), content=sum(content), missed=missed, gap=max(best - _met(spoken, query.weights), 0.0),
        listing=question.listing, given=float(bool(GIVEN.search(question.text))),
        past=float(bool(_PAST.search(question.text))),
    )


def leaning(features: DependenceFeatures) -> float:
    """Return P(the question goes on about these papers), 0–1."""
    return models()["dependence"].probability(features)


def _met(ranking: Ranking, weights: Floats) -> float:
    """How well the best of the papers meets the question, 0–1."""
    if not len(ranking):
        return 0.0
    coverage = np.stack([match.coverage() for match in ranking.matches])
    return float(support(coverage, weights).max())
