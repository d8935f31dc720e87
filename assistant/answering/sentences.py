"""Which sentences answer a question of fact: P(the paper is meant) · P(the sentence answers, if it is).

Two small models, because they fail apart: which of the best papers is meant is told by how they compare with each
other (conditional logit, McFadden 1974), which of a paper's sentences answers by how it meets the question and by what
such a sentence looks like (logistic regression).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.answering.asked import Asked, Stems
from assistant.records import Hit, SentenceHit
from assistant.retrieval.retriever import Query
from assistant.weights.logistic import LogisticModel, models

MAX_OF_PAPER = 3        # sentences quoted of one paper
MAX_PAPERS = 5          # papers quoted from where none stands out
MAX_SENTENCES = 7       # quoted where none stands out
MAX_WORDS = 200         # of all sentences quoted, but for the first
STANDS_OUT = 0.6        # P(meant) from which one paper is taken to be meant
WORTH = 0.03            # P(answers) from which one more sentence is worth reading, where a paper stands out
WORTH_OTHERWISE = 0.003

Floats = npt.NDArray[np.float64]

_BACKGROUND = re.compile(
    r"\b(?:have (?:been|become|shown|emerged)|has (?:been|become|emerged)|however|recent(?:ly)?|traditional(?:ly)?|"
    r"often|existing|prior|previous|challeng\w*|despite|typically|remains?)\b", re.IGNORECASE,
)
_CONTRIBUTION = re.compile(
    r"\b(?:we|this (?:paper|work|study|article)|our)\b[^.]*?\b(?:propos|introduc|present|develop|releas|design|creat|"
    r"build|built|describ|explor|investigat|stud)", re.IGNORECASE,
)
_DEFINES = re.compile(
    r"^\W*(?:\S+\s+){1,8}?(?:is|are) (?:an?|the|simply)\b|\bi\.e\.|\bdefin\w+|\brefers? to\b|\bnamely\b|"
    r"\b(?:called|dubbed|termed|terms?)\b|\bstands for\b", re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PaperFeatures:
    """What tells which paper is meant, each as its distance from the best of the papers compared, at most 0."""

    score: float       # what the ranking is by
    similarity: float  # cosine of question and best chunk
    lexical: float     # BM25 over the best BM25
    passage: float     # weighted coverage of the question by the best three neighbouring sentences


@dataclass(frozen=True, slots=True)
class SentenceFeatures:
    """What tells whether a sentence answers, if its paper is meant; flags are 0 or 1."""

    coverage: float     # weighted mean over the question's words of the best cosine in the sentence, 0–1
    behind: float       # the same minus that of the paper's best sentence, at most 0
    beyond_title: float  # the same, words weighted by how little the title covers them
    literal: float      # share of the question's content words that the title lacks, by weight, in the sentence itself
    place: float        # in the abstract, first 0, last 1
    opening: float      # the first of an abstract that says further on what it brings: it sets the scene
    shows: float        # has the kind of thing asked for: a number, an address
    background: float   # speaks of what others did
    contribution: float  # says what the paper brings, where no definition is asked for
    defines: float      # has the form of a definition, or spells the name out, where a definition is asked for
    introduces: float   # says what the paper brings, where a definition is asked for
    length: float       # in units of 30 words, at most 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer."""

    hit: Hit
    sentence: SentenceHit
    chance: float  # P(its paper is meant and it answers), 0–1


@dataclass(frozen=True, slots=True)
class Reading:
    """The papers and sentences of a ranking, judged."""

    hits: tuple[Hit, ...]
    meant: tuple[float, ...]                # P(each paper is meant), sums to 1
    answers: tuple[tuple[float, ...], ...]  # per paper, P(each sentence answers, if the paper is meant)

    def best_paper(self) -> int:
        """The place of the paper most probably meant; ties go to the ranking."""
        return max(range(len(self.hits)), key=lambda place: self.meant[place])

    def best_sentences(self, place: int, count: int) -> list[SentenceHit]:
        """The sentences of one paper that most probably answer, best first."""
        order = sorted(range(len(self.answers[place])), key=lambda at: -self.answers[place][at])
        return [self.hits[place].sentences[at] for at in order[:count]]

    def chosen(self) -> list[Candidate]:
        """The sentences to quote, best first: few where one paper stands out, else the best of several.

        Each next one is the one that most probably answers where the ones before do not.
        """
        clear = max(self.meant, default=0.0) >= STANDS_OUT
        left = {(place, at) for place, chances in enumerate(self.answers) for at in range(len(chances))}
        unanswered = list(self.meant)  # P(meant, and none of its sentences so far answers)
        taken: list[tuple[int, int]] = []
        found: list[Candidate] = []
        count = 0

        def gain(at: tuple[int, int]) -> float:
            return unanswered[at[0]] * self.answers[at[0]][at[1]]

        while left and len(found) < (MAX_OF_PAPER if clear else MAX_SENTENCES):
            best = max(left, key=lambda at: (gain(at), -at[0], -at[1]))
            left.discard(best)
            hit = self.hits[best[0]]
            sentence = hit.sentences[best[1]]
            quoted = [place for place, _ in taken]
            length = len(sentence.text.split())
            if quoted.count(best[0]) >= MAX_OF_PAPER or len({*quoted, best[0]}) > MAX_PAPERS:
                continue
            if found and (gain(best) < (WORTH if clear else WORTH_OTHERWISE) or count + length > MAX_WORDS):
                continue
            found.append(Candidate(hit, sentence, gain(best)))
            taken.append(best)
            unanswered[best[0]] *= 1 - self.answers[best[0]][best[1]]
            count += length
        return found


def read(
    query: Query, hits: Sequence[Hit], wanted: Asked, stems: Stems, *, fitted: Mapping[str, LogisticModel] | None = None
) -> Reading:
    """Judge the papers of a ranking and their sentences.

    Args:
        stems: gives the stems of a text's content words.
        fitted: the models meant_paper and answer_sentence; default: those of weights.json.
    """
    kept = tuple(hit for hit in hits if hit.sentences)
    papers, sentences = ((fitted or models())[name] for name in ("meant_paper", "answer_sentence"))
    return Reading(
        kept, tuple(_softmax([papers.score(features) for features in paper_features(query, kept)])),
        tuple(tuple(map(sentences.probability, sentence_features(query, hit, wanted, stems))) for hit in kept),
    )


def paper_features(query: Query, hits: Sequence[Hit]) -> list[PaperFeatures]:
    """Return the features of each paper of a ranking."""
    rows = [(hit.score, hit.similarity, hit.lexical, _best_passage(query, hit)) for hit in hits]
    top = [max(column) for column in zip(*rows, strict=True)]
    return [PaperFeatures(*(value - best for value, best in zip(row, top, strict=True))) for row in rows]


def sentence_features(query: Query, hit: Hit, wanted: Asked, stems: Stems) -> Iterator[SentenceFeatures]:
    """Yield the features of each sentence of a paper, in reading order."""
    titled = set(stems(hit.paper.title or ""))
    sought = [
        (found, word.weight) for word in query.words
        if word.content and (found := set(stems(word.text))) and titled.isdisjoint(found)
    ]
    total = sum(weight for _, weight in sought)
    weights = np.array([word.weight for word in query.words])
    title = np.array(hit.title_coverage or [0.0] * len(weights))
    best = max((sentence.score for sentence in hit.sentences), default=0.0)
    last = max(len(hit.sentences) - 1, 1)
    brought = any(_CONTRIBUTION.search(sentence.text) for sentence in hit.sentences)
    for at, sentence in enumerate(hit.sentences):
        text = sentence.text
        brings = bool(_CONTRIBUTION.search(text))
        said = set(stems(text)) if sought else set()
        yield SentenceFeatures(
            coverage=sentence.score, behind=sentence.score - best,
            beyond_title=_mean(np.array(sentence.coverage), weights * (1 - title)),
            literal=sum(weight for found, weight in sought if not said.isdisjoint(found)) / total if total > 0 else 0.0,
            place=at / last, opening=float(at == 0 and brought), shows=float(wanted.shown_in(text)),
            background=float(is_background(text)),
            contribution=float(not wanted.definition and brings),
            defines=float(wanted.definition and (bool(_DEFINES.search(text)) or wanted.spelt_out_in(text))),
            introduces=float(wanted.definition and brings),
            length=min(len(text.split()), 60) / 30,
        )


def is_background(text: str) -> bool:
    """Whether a sentence speaks of what others did or what there was before."""
    return bool(_BACKGROUND.search(text))


def _best_passage(query: Query, hit: Hit) -> float:
    rows = np.array([sentence.coverage for sentence in hit.sentences])
    weights = np.array([word.weight for word in query.words])
    return max(
        (_mean(rows[max(0, at - 1):at + 2].max(axis=0), weights) for at in range(len(rows))), default=0.0
    ) if rows.size else 0.0


def _mean(values: Floats, weights: Floats) -> float:
    total = float(weights.sum())
    return float(values @ weights) / total if total > 0 and len(values) == len(weights) else 0.0


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores, default=0.0)
    powers = [math.exp(score - top) for score in scores]
    return [power / sum(powers) for power in powers]
