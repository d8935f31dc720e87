"""Whether a question with neither pronoun nor name goes on about what was said before: "which models?", "is the code
public?", "what was the bottleneck?".

Such a question says little by itself, and the papers spoken of meet what it says as well as any paper does; one that
stands alone ("which papers are about agents?") says more, and other papers meet it better. A logistic regression weighs
both; ``benchmarks/leaning.py`` fits it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from assistant.question import Question
from assistant.retrieval.late import support
from assistant.retrieval.retriever import Floats, Ranking, Retriever


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks against it; all are 0 and up."""

    words: float    # content words it has
    content: float  # the sum of their weights, see `Query`
    missed: float   # 1 - how well the best of the papers spoken of meets them, a share of cosines
    gap: float      # by which the best paper of all meets the whole question better, in cosines
    listing: float  # P(a list or a count of papers is asked for)


# Fitted by benchmarks/leaning.py.
WEIGHTS = Signs(words=-0.57, content=-0.96, missed=-12.01, gap=-6.44, listing=-4.23)
BIAS = 12.01


def signs(question: Question, papers: Sequence[str], retriever: Retriever, *, candidates: int = 200) -> Signs:
    """Of a question and the papers spoken of before it."""
    query = retriever.query(question.text)
    spoken = retriever.rank(query, among=sorted(papers))
    best = _met(retriever.rank(query, candidates=candidates), query.weights)
    content = [word.weight for word in query.words if word.content]
    of_content = np.array([at >= 0 and query.words[at].content for at in query.word_of]) * query.weights
    missed = 1 - _met(spoken, of_content) if content else 0.0
    return Signs(len(content), sum(content), missed, max(best - _met(spoken, query.weights), 0.0), question.listing)


def leaning(found: Signs) -> float:
    """P(the question goes on about these papers), 0–1."""
    score = BIAS + sum(w * value for w, value in zip(astuple(WEIGHTS), astuple(found), strict=True))
    return 1 / (1 + math.exp(-score))


def _met(ranking: Ranking, weights: Floats) -> float:
    """How well the best of the papers meets the question, 0–1."""
    if not len(ranking):
        return 0.0
    coverage = np.stack([match.coverage() for match in ranking.matches])
    return float(support(coverage, weights).max())
