"""Whether a question with neither pronoun nor name goes on about what was said before: "which models?", "is the code
public?", "what was the bottleneck?".

Such a question says little by itself, and the papers spoken of meet what it says about as well as any paper does; one
that stands alone ("which papers are about agents?") says more, and other papers meet it better. A logistic regression
weighs both; ``benchmarks/leaning.py`` fits it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from assistant.question import Question
from assistant.retrieval.late import support
from assistant.retrieval.retriever import Ranking, Retriever


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks against it; all are 0 and up."""

    content: float  # sum of the weights of its content words, see `Query`
    gap: float      # by which the best paper of all meets it better than the best of those spoken of, in cosines
    listing: float  # P(a list or a count of papers is asked for)


# Fitted by benchmarks/leaning.py.
WEIGHTS = Signs(content=-3.15, gap=-7.57, listing=-3.37)
BIAS = 6.70


def signs(question: Question, papers: Sequence[str], retriever: Retriever, *, candidates: int = 200) -> Signs:
    """Of a question and the papers spoken of before it."""
    query = retriever.query(question.text)
    best = _met(retriever.rank(query, candidates=candidates))
    spoken = _met(retriever.rank(query, among=sorted(papers)))
    content = sum(word.weight for word in query.words if word.content)
    return Signs(content, max(best - spoken, 0.0), question.listing)


def leaning(found: Signs) -> float:
    """P(the question goes on about these papers), 0–1."""
    score = BIAS + sum(w * value for w, value in zip(astuple(WEIGHTS), astuple(found), strict=True))
    return 1 / (1 + math.exp(-score))


def _met(ranking: Ranking) -> float:
    """How well the best of the papers meets the question, 0–1."""
    if not len(ranking):
        return 0.0
    coverage = np.stack([match.coverage() for match in ranking.matches])
    return float(support(coverage, ranking.query.weights).max())
