"""One ranking out of several rankers' scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def rescale(scores: Mapping[str, float], among: Sequence[str]) -> dict[str, float]:
    """Scores of one ranker brought to 0–1 over the papers in ``among``.

    The best becomes 1 and the worst 0; a paper the ranker did not return counts as its worst; if all are equal, or
    there are none, every paper gets 0.

    >>> rescale({"a": 12.0, "b": 8.0, "c": 4.0}, ["a", "b", "c", "d"])
    {'a': 1.0, 'b': 0.5, 'c': 0.0, 'd': 0.0}
    """
    known = [scores[paper] for paper in among if paper in scores]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    if high <= low:
        return dict.fromkeys(among, 0.0)
    return {paper: (scores.get(paper, low) - low) / (high - low) for paper in among}


def weighted_sum(parts: Sequence[tuple[float, Mapping[str, float]]], among: Sequence[str]) -> dict[str, float]:
    """Convex combination of rescaled scores: 0–1 for every paper in ``among``.

    Source: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023.
    """
    total = sum(weight for weight, _ in parts) or 1.0
    return {paper: sum(weight * scores.get(paper, 0.0) for weight, scores in parts) / total for paper in among}


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Ids by descending score; ties by id, so that the same input gives the same order."""
    return sorted(scores, key=lambda paper: (-scores[paper], paper))
