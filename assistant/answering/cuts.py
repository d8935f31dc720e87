"""A question cut in two where it joins things: what each part asks about, which paper it means, and how sure that is.

Which paper a part means is told by a name that is the paper's own, else by late interaction over the part's words and
half of the words outside both: one comparison of the whole question with every paper serves all cuts. How probable it
is that the question asks about two papers is told by a logistic regression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.answering.own_names import EDGE, Owned
from assistant.index.late_interaction import support
from assistant.retrieval.retriever import Ranking
from assistant.text.words import FUNCTION_WORDS, words
from assistant.weights.logistic import models

OF_SHARED = 0.5   # weight of words outside both parts beside a part's own, when its paper is told
MIN_WEIGHT = 0.3  # of a part's words, in weights of `Query`: less is no thing to ask about
HEAVY = 2.0       # weight of a part's words, from which more says no more

Flags = npt.NDArray[np.bool_]

_ONE_AND_ANOTHER = (("one", "other"), ("one", "another"), ("one", "the"), ("first", "second"))
JOINT = re.compile(  # not the "and" of "vision-and-language"
    r",?\s*(?<![\w-])(?:and|or|nor|versus|vs|than|from|to|with|as opposed to|compared (?:to|with)|unlike|whereas|while)"
    r"(?![\w-])(?:(?<=vs)\.)?|[,;&/]|[.?!] ", re.IGNORECASE,
)
# Words that speak of several things at once.
_OF_SEVERAL = re.compile(
    r"\b(?:each|both|respectively|versus|vs|the (?:two|three|four)|as opposed to|differ|differs|difference between|"
    r"differences between|compare|compares|compared|contrast|whereas)\b", re.IGNORECASE,
)
# "one … and one …", "once … and once …", "the X paper … and the Y paper"
_PARALLEL = re.compile(
    r"\b(one|once|first)\b[^.?!]{1,100}\b(?:and|or)\s+\1\b|"
    r"\bthe (?:[\w-]+ ){1,6}?(?:and|or|versus) (?:\w+ ){0,2}?the [\w-]|"
    r"\bthe (?:[\w-]+ ){1,5}(?:papers?|study|work|article|survey|one)\b[^.?!]{0,100} and (?:[\w-]+ ){0,3}?the ",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things a question asks about."""

    label: str     # as asked
    start: int     # code points into the question as searched
    end: int
    paper_id: str  # of the paper it means
    named: bool = False  # else described
    borrowed: bool = False  # the paper mentions what is named, and is about something else


@dataclass(frozen=True, slots=True)
class ComparisonSplitFeatures:
    """What speaks for two papers."""

    gain: float    # by which the parts' papers meet the parts better than the best single paper, in cosines
    met: float     # to which the worse met part is met by its paper, 0–1
    weight: float  # of the lighter part's words, 0–2
    worded: float  # 1: has words that speak of several things, or of one and another
    asked: float   # P(a comparison is asked for), 0–1
    alike: float   # 1: both parts begin with the same word: "which … and which …"
    named: float   # parts, of the two, that have a paper's own name


@dataclass(frozen=True, slots=True)
class Cut:
    """A question cut in two."""

    sides: tuple[Side, Side]
    features: ComparisonSplitFeatures

    @property
    def chance(self) -> float:
        """P(the question asks about these two papers), 0–1."""
        return models()["comparison_split"].probability(self.features)


def is_worded(text: str) -> bool:
    """Whether a question has words that speak of several things, or of one and another."""
    return bool(_OF_SEVERAL.search(text) or _PARALLEL.search(text))


def cuts(ranking: Ranking, text: str, owned: Sequence[Owned], asked: float) -> Iterator[Cut]:
    """Every way to cut a question in two whose parts mean different papers.

    Args:
        owned: the names in it that are a paper's own.
        asked: P(a comparison is asked for), 0–1.
    """
    if not len(ranking):
        return
    coverage = np.stack([found.coverage() for found in ranking.matches])
    weights = ranking.query.weights
    ids = ranking.paper_ids()
    owners = sorted({ids.index(name.paper_id) for name in owned if name.paper_id in ids})
    worded = is_worded(text)
    for spans in _spans(text):
        parts = [tokens_in(ranking, *span) for span in spans]
        weight = min(float(weights[part].sum()) for part in parts)
        if weight < MIN_WEIGHT:
            continue
        shared = OF_SHARED * support(coverage, weights * ~(parts[0] | parts[1]))
        met = [support(coverage, weights * part) + shared for part in parts]
        by_words = [int(scores.argmax()) for scores in met]
        of_names = [
            next((ids.index(name.paper_id) for name in owned if start <= name.start and name.end <= end
                  and name.paper_id in ids), None)
            for start, end in spans
        ]
        for named in dict.fromkeys((tuple(of_names), (None, None))):  # a paper may mention what another one is called
            best = [own if own is not None else at for own, at in zip(named, by_words, strict=True)]
            if best[0] == best[1]:
                continue
            own_words = [float(support(coverage[at], weights * part)) for at, part in zip(best, parts, strict=True)]
            among = owners if any(own is not None for own in named) else []  # none but its own can stand for a name
            alone = float((met[0] + met[1])[among or slice(None)].max())
            first, second = (
                Side(bare(text[start:end]), start, end, ids[at]) for (start, end), at in zip(spans, best, strict=True)
            )
            yield Cut((first, second), ComparisonSplitFeatures(
                gain=float(met[0][best[0]] + met[1][best[1]]) - alone, met=min(own_words), weight=min(weight, HEAVY),
                worded=float(worded), asked=asked, alike=float(_alike(text, *spans)),
                named=float(sum(own is not None for own in named)),
            ))


def _spans(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """What stands on both sides of every joint, as far as the next edges; and the left from where it begins with the
    same word as the right: "what do the ladder network and the low-memory optimizer save?"."""
    for joint in JOINT.finditer(text):
        start = max((edge.end() for edge in EDGE.finditer(text[:joint.start()])), default=0)
        stop = min((joint.end() + edge.start() for edge in EDGE.finditer(text[joint.end():])), default=len(text))
        right = (joint.end(), stop)
        yield (start, joint.start()), right
        begins = _first(text[slice(*right)])
        if begins in FUNCTION_WORDS:
            again = [at for word, at, _ in words(text[:joint.start()]) if word == begins]
            if again and again[-1] > start + 1:
                yield (again[-1], joint.start()), right


def _alike(text: str, left: tuple[int, int], right: tuple[int, int]) -> bool:
    begins = _first(text[slice(*left)]), _first(text[slice(*right)])
    return (begins[0] == begins[1] and begins[0] in FUNCTION_WORDS) or begins in _ONE_AND_ANOTHER


def _first(text: str) -> str:
    return next((word for word, _, _ in words(text)), "")


def tokens_in(ranking: Ranking, start: int, end: int) -> Flags:
    """(q,) which tokens of the question stand in a span of its text."""
    inside = np.array([start <= word.start < end for word in ranking.query.words] + [False], dtype=np.bool_)
    flags: Flags = inside[ranking.query.word_of]  # -1, punctuation, is the last: never inside
    return flags


def bare(text: str) -> str:
    """A part of a question without the signs around it."""
    return text.strip(" ,.;:?!")
