"""Places and texts → topics: groups of neighbours, each named by the words that set it apart."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from assistant.text.words import FUNCTION_WORDS

MOST_TOPICS = 24  # more names than that cannot be read on one screen
PAPERS_A_TOPIC = 3  # of a collection of n papers √(n / this) topics are made
TERMS = 3  # words or word pairs in a name
SEPARATOR = " · "
MIN_SHARE = 0.12  # of a topic's papers have a word that names it
MIN_LIFT = 1.5  # that share over the share of the other papers
PAIR_BONUS = 1.3  # "knowledge editing" says more than "editing"
GENERIC = frozenset(
    "paper papers work study approach method methods results propose proposed present model models".split()
)

_TOKEN = re.compile(r"[^\W_]+(?:[-.'’+][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Topic:
    """A group of neighbours on the map."""

    name: str     # "knowledge editing · GPT-J"
    papers: int
    x: float      # where its name stands, 0–1
    y: float


def topic_count(papers: int) -> int:
    """How many topics a map of so many papers gets.

    >>> [topic_count(n) for n in (1, 10, 326, 10_000)]
    [1, 2, 10, 24]
    """
    return max(1, min(MOST_TOPICS, round(math.sqrt(papers / PAPERS_A_TOPIC))))


def group_neighbours(points: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the group of each of (n, d) points, as many groups as `topic_count` says, 0 the largest."""
    count = topic_count(len(points))
    if count == 1:
        return np.zeros(len(points), np.int64)
    from sklearn.cluster import KMeans

    groups = KMeans(count, n_init=4, random_state=0).fit_predict(points)
    sizes = Counter(groups.tolist())
    order = {group: rank for rank, (group, _) in enumerate(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))}
    return np.array([order[group] for group in groups.tolist()], np.int64)


def find_topics(
    places: npt.NDArray[np.float32], texts: Sequence[str]
) -> tuple[npt.NDArray[np.int64], tuple[Topic, ...]]:
    """Group neighbours and name the groups, largest first.

    Args:
        places: (n, 2).
        texts: title and abstract of each paper.
    Returns:
        (n,) the topic of each paper, and the topics.
    """
    groups = group_neighbours(places)
    names = topic_names(groups.tolist(), texts)
    middles = [np.median(places[groups == topic], axis=0) for topic in range(len(names))]
    return groups, tuple(
        Topic(name, int((groups == topic).sum()), float(x), float(y))
        for topic, (name, (x, y)) in enumerate(zip(names, middles, strict=True))
    )


def topic_names(groups: Sequence[int], texts: Sequence[str]) -> list[str]:
    """A name for each group 0, 1, …: the terms that more of its papers have than other papers do.

    >>> topic_names([0, 0, 1, 1], ["Sparse Attention", "sparse attention", "GPT-J editing", "editing of GPT-J"])
    ['sparse attention', 'editing · GPT-J']
    """
    everywhere: Counter[str] = Counter()   # term -> papers that have it
    inside = [Counter[str]() for _ in range(max(groups, default=-1) + 1)]
    written: dict[str, Counter[str]] = {}
    for group, text in zip(groups, texts, strict=True):
        terms: dict[str, str] = {}
        for term, surface in _terms(text):
            # "Attention" may only begin a sentence: lower case, where a paper has both.
            if term not in terms or surface == term:
                terms[term] = surface
        everywhere.update(terms.keys())
        inside[group].update(terms.keys())
        for term, surface in terms.items():
            written.setdefault(term, Counter())[surface] += 1
    return [
        _name(found, size, everywhere, len(texts), written)
        for found, size in zip(inside, _sizes(groups), strict=True)
    ]


def _sizes(groups: Sequence[int]) -> list[int]:
    counted = Counter(groups)
    return [counted[group] for group in range(max(groups, default=-1) + 1)]


def _name(
    inside: Counter[str], size: int, everywhere: Counter[str], total: int, written: dict[str, Counter[str]]
) -> str:
    least = max(2, math.ceil(MIN_SHARE * size)) if size > 2 else 1
    scores = {}
    for term, papers in inside.items():
        if papers < least:
            continue
        share, elsewhere = papers / size, (everywhere[term] - papers + 0.5) / (total - size + 1)
        if share > MIN_LIFT * elsewhere:
            scores[term] = share * math.log(share / elsewhere) ** 2 * (PAIR_BONUS if " " in term else 1)
    chosen: list[str] = []
    for term in sorted(scores, key=lambda term: (-scores[term], term)):
        # One word of a chosen pair, or a pair that overlaps one, says nothing new.
        if not any(_stems(term) & _stems(other) for other in chosen):
            chosen.append(term)
        if len(chosen) == TERMS:
            break
    return SEPARATOR.join(_surface(written[term]) for term in chosen) or "other"


def _surface(written: Counter[str]) -> str:
    return min(written, key=lambda surface: (-written[surface], surface != surface.lower(), surface))


def _stems(term: str) -> set[str]:
    """Roughly: what "editing", "edits" and "model-editing" have in common."""
    return {word.removesuffix("ing").removesuffix("s").removesuffix("e")[:6] for word in re.split(r"[ -]", term)}


def _terms(text: str) -> Iterator[tuple[str, str]]:
    """(in lower case, as written) of the words and word pairs that may name a topic."""
    words = [(match.group().casefold(), match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    for word, surface, _, _ in words:
        if _telling(word):
            yield word, surface
    for (first, one, _, end), (second, two, start, _) in pairwise(words):
        if text[end:start] == " " and _telling(first) and _telling(second):
            yield f"{first} {second}", f"{one} {two}"


def _telling(word: str) -> bool:
    return len(word) > 1 and not word[0].isdigit() and word not in FUNCTION_WORDS and word not in GENERIC
