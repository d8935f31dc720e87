"""Which papers belong to a topic: a calibrated cut through a ranking, instead of a fixed number of papers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.retrieval.retriever import Query, Ranking, Retriever
from assistant.text.words import words
from assistant.weights.logistic import models

Floats = npt.NDArray[np.float64]

# Chance from which a paper has an excluded topic. "Other than the X paper" means papers about X and no more.
EXCLUDED = 0.3
EXCLUDED_LOOSELY = 0.6
# Coverage of the best met alternative in the best paper, below which the collection does not treat a topic at all.
MET = {"strict": 0.6, "balanced": 0.52, "eager": 0.46}
COMPANY = 5          # papers that stand for the topic
COMMON_WORD = 0.35   # share of the papers; a word that more have does not tell those with a name apart

# "Images or video", "legal/financial", "hate speech, toxic content": one of them is enough.
_ALTERNATIVES = re.compile(r"\bor\b|[/,;()]|\be\.g\b| [-–—] ")


@dataclass(frozen=True, slots=True)
class MembershipFeatures:
    """What speaks for one paper's being about a topic."""

    score: float        # what the ranking is by, 0–1: of a broad topic many papers are near the best
    alternative: float  # coverage of the best met alternative's words, as shares of each word's best coverage, 0–1
    company: float      # cosine with the mean of the five best papers
    narrowed: float     # ln(papers looked at / those that also mention the hard names), 0 without hard names


def extract_features(
    retriever: Retriever, ranking: Ranking, alternatives: Sequence[Sequence[str]], *, among: int | None = None
) -> list[MembershipFeatures]:
    """Return the features of each paper of ``ranking``.

    Args:
        ranking: by a query that is the topic and nothing else.
        alternatives: as `alternatives_of` gives them.
        among: how many of the papers meet the question's other, exact conditions; None where it has none.
    """
    if not len(ranking):
        return []
    narrowed = 0.0 if among is None else math.log(len(ranking) / max(among, 1))
    columns = (
        ranking.score,
        _best_alternative(ranking, alternatives, _shares(ranking)),
        _company(retriever, ranking),
        np.full(len(ranking), narrowed),
    )
    return [MembershipFeatures(*(float(value) for value in row)) for row in zip(*columns, strict=True)]


def probability(features: MembershipFeatures) -> float:
    """Return P(the paper belongs to the topic), 0–1."""
    return models()["membership"].probability(features)


def inclusion_threshold(level: str) -> float:
    """Return the probability from which a paper is listed; ``level``: strict, balanced or eager."""
    return models()["membership"].thresholds[level]


def alternatives_of(text: str, topic: Sequence[str]) -> list[list[str]]:
    """The words of a topic as they are grouped by "or", commas and slashes in the question.

    >>> alternatives_of("T5 used with images or video", ["images", "video"])
    [['images'], ['video']]
    >>> alternatives_of("medical hallucination", ["medical", "hallucination"])
    [['medical', 'hallucination']]
    """
    groups = ([word for word, _, _ in words(part) if word in topic] for part in _ALTERNATIVES.split(text.casefold()))
    return [group for group in groups if group] or [list(topic)]


def met(ranking: Ranking, alternatives: Sequence[Sequence[str]]) -> float:
    """How far any paper at all is about the topic: coverage of the best alternative in the best paper, 0–1."""
    if not len(ranking):
        return 0.0
    return float(_best_alternative(ranking, alternatives, _by_word(ranking, ranking.query)).max())


def _shares(ranking: Ranking) -> Floats:
    """(p, words) coverage of each word over its best coverage: a word that none has is no reason to leave one out."""
    coverage = _by_word(ranking, ranking.query)
    shares: Floats = coverage / np.maximum(coverage.max(axis=0, initial=0.0), 1e-6)
    return shares


def _best_alternative(ranking: Ranking, alternatives: Sequence[Sequence[str]], coverage: Floats) -> Floats:
    """(p,) weighted mean of the words' ``coverage``, (p, words), for the alternative that each paper meets best."""
    query = ranking.query
    weights = np.array([word.weight for word in query.words])
    best = np.zeros(len(ranking))
    for group in alternatives:
        places = [place for place, word in enumerate(query.words) if word.text in group and word.weight > 0]
        if places:
            best = np.maximum(best, coverage[:, places] @ weights[places] / weights[places].sum())
    return best


def _by_word(ranking: Ranking, query: Query) -> Floats:
    """(p, words) best cosine of each word of the query anywhere in each paper, 0–1."""
    return query.by_word(np.stack([found.coverage() for found in ranking.matches]))


def _company(retriever: Retriever, ranking: Ranking) -> Floats:
    """(p,) cosine of each paper's best chunk with the mean of the best papers, exact.

    Source of the idea: pseudo-relevance feedback; Rocchio, in Salton (ed.), "The SMART Retrieval System", 1971.
    """
    chunks = [entry.chunk_ids() for entry in ranking.entries]
    vectors = retriever.collection.chunk_vectors([chunk for of_paper in chunks for chunk in of_paper])
    known = [[vectors[chunk] for chunk in of_paper if chunk in vectors] for of_paper in chunks]
    best = [np.mean(of_paper, axis=0) for of_paper in known[:COMPANY] if of_paper]
    if not best:
        return np.zeros(len(ranking))
    centre = np.mean(best, axis=0)
    centre /= np.linalg.norm(centre) + 1e-12
    return np.array([max((float(vector @ centre) for vector in of_paper), default=0.0) for of_paper in known])
