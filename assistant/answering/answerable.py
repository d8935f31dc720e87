"""Whether the best papers answer a question of fact, or only stand near it.

How well the best paper covers the question tells little alone. What a paper does not say shows elsewhere: in names and
words of the question that it, or every paper, lacks; in asking for what abstracts seldom give, or for a number where it
has none; in taking something for granted and asking why. A logistic regression weighs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from assistant.answering.asked import Asked
from assistant.answering.sentences import MAX_OF_PAPER, Reading
from assistant.index.lexical import LexicalIndex
from assistant.query.parse import Question
from assistant.records import Hit
from assistant.retrieval.retriever import Query
from assistant.text.words import WORD, words
from assistant.weights.logistic import models

NOT_TREATED = "the collection does not seem to treat this"
OWN_NAME = 3  # papers at most that mention a name which tells one of them
UNMET = 0.3   # token cosine up to which a word has nothing in common with a paper
AT_STAKE = 1  # weight of words beside the name from which their absence tells: that of one which no paper has
NEAR = 0.3       # cosine from which a paper may be about what is asked
NEAREST = 5      # papers whose mean cosine tells whether anything is near …
OFF_TOPIC = 0.3  # … and below which nothing is
# Words that ask of a name itself.
OF_NAMES = frozenset(["abbreviation", "acronym", "stand", "stands", "meaning"])

_ENDS = frozenset(".?!:;")  # right after these, every word has a capital


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to refuse, why, and how probable a right answer is."""

    abstain: bool
    reason: str | None
    confidence: float  # 0–1


@dataclass(frozen=True, slots=True)
class AnswerabilityFeatures:
    """What speaks for and against an answer; flags are 0 or 1. The *best* paper is the one most probably meant."""

    far: float         # how far the cosine of the nearest paper is below `NEAR`, if no name tells the best paper
    coverage: float    # of the question's words by the best paper's best sentence, weighted mean of cosines, 0–1
    margin: float      # ranking score of the first paper minus that of the second, 0–1
    seldom: float      # asks for what abstracts seldom give, and the best sentences do not
    reason: float      # asks why, and the best sentences give no reason for anything; times P(meant)
    unshown: float     # asks for a number or an address, and the best sentences show none
    figures: float     # numbers of the question that the best paper lacks, at most 2
    strange: float     # share of the content words, by weight, that no paper has in any form
    capitals: float    # words written with a capital, as proper names are, that the best paper lacks, at most 2
    definition: float  # asks what something is
    beside: float      # content words that are no name, in tens, at most 2: many are not covered by chance
    answers: float     # P(the best sentence answers), if the best paper is the one meant


def extract_features(
    question: Question, wanted: Asked, query: Query, hits: Sequence[Hit], reading: Reading, lexical: LexicalIndex
) -> AnswerabilityFeatures:
    """Return the features of a question's ranking; all 0 where it has no paper."""
    if not reading.hits:
        return AnswerabilityFeatures(*([0.0] * len(fields(AnswerabilityFeatures))))
    place = reading.best_paper()
    best = reading.hits[place]
    sentences = reading.best_sentences(place, MAX_OF_PAPER)
    shown = " ".join(sentence.text for sentence in sentences)
    titled = f"{best.paper.title or ''} {shown}"
    whole = f"{best.paper.title or ''} {best.paper.abstract}"
    said = set(lexical.stems(whole))
    content = [word for word in query.words if word.content]
    named = _words_of_names(question)
    capitals = [word for word in capitalised(question.corrected) if word.casefold() not in question.aside]
    strange = sum(word.weight for word in content if not lexical.word_frequency(word.text))
    scores = sorted((hit.score for hit in hits), reverse=True)
    return AnswerabilityFeatures(
        far=0.0 if _told(query, best) else max(0.0, NEAR - max(hit.similarity for hit in hits)),
        coverage=max(sentence.score for sentence in sentences),
        margin=scores[0] - scores[1] if len(scores) > 1 else 1.0,
        seldom=float(wanted.seldom is not None and not wanted.gives(titled, lexical.stems)),
        reason=reading.meant[place] * (wanted.reason and not wanted.explained_in(shown)),
        unshown=float(wanted.has_form and not wanted.shown_in(shown)),
        figures=min(float(sum(figure not in whole for figure in wanted.figures)), 2.0),
        strange=strange / (sum(word.weight for word in content) or 1.0),
        capitals=min(float(sum(said.isdisjoint(lexical.stems(word)) for word in capitals)), 2.0),
        definition=float(wanted.definition),
        beside=min(sum(word.text not in named for word in content), 20) / 10, answers=max(reading.answers[place]),
    )


def capitalised(text: str) -> list[str]:
    """The words written with a capital that no sentence begins with; none where most words are, as in a heading.

    >>> capitalised("What is the capital of Western Australia?")
    ['Western', 'Australia']
    """
    found = list(WORD.finditer(text))
    capitals = [word for word in found if word.group()[0].isupper()]
    if 2 * len(capitals) > len(found):
        return []
    return [
        word.group() for before, word in pairwise(found)
        if word.group()[0].isupper() and _ENDS.isdisjoint(text[before.end():word.start()])
    ]


def off_topic(query: Query, hits: Sequence[Hit], best: Hit) -> bool:
    """Whether nothing in the collection is near, and no name of the question tells the paper most probably meant."""
    near = hits[:NEAREST]
    return sum(hit.similarity for hit in near) < OFF_TOPIC * len(near) and not _told(query, best)


def _told(query: Query, best: Hit) -> bool:
    return any(best.paper.paper_id in name.papers and len(name.papers) <= OWN_NAME for name in query.names)


def is_namesake(question: Question, query: Query, best: Hit, *, stems: Callable[[str], Sequence[str]]) -> bool:
    """Whether a paper has nothing of a question but its name: of pizza in Rome, that on the method ROME."""
    paper = best.paper
    names = _words_of_names(question)
    of_name = any(word.text in OF_NAMES for word in query.words)
    if of_name or not any(paper.paper_id in name.papers for name in query.names):
        return False
    said = set(stems(f"{paper.title or ''} {paper.abstract}"))
    rows = [sentence.coverage for sentence in best.sentences]
    rows += [best.title_coverage] if best.title_coverage else []
    names |= set(question.aside)
    beside = [(at, word) for at, word in enumerate(query.words) if word.content and word.text not in names]
    return sum(word.weight for _, word in beside) >= AT_STAKE and all(
        said.isdisjoint(stems(word.text)) and max(row[at] for row in rows) < UNMET for at, word in beside
    )


def _words_of_names(question: Question) -> set[str]:
    return {word for name in question.names for word, _, _ in words(name.surface)}


def judge(
    features: AnswerabilityFeatures, wanted: Asked, *, level: str, astray: bool, missing_names: Sequence[str]
) -> Judgement:
    """Decide whether to answer.

    Args:
        level: strict, balanced or eager.
        astray: whether the question is `off_topic`.
        missing_names: names of the question that the best paper lacks.
    """
    model = models()["answerability"]
    likely = model.probability(features)
    if likely >= model.thresholds[level]:
        return Judgement(False, None, likely)
    if astray:
        reason = NOT_TREATED
    elif missing_names:
        reason = f"the paper that comes nearest does not mention {' or '.join(missing_names)}"
    elif features.seldom:
        reason = f"the abstracts found do not say this ({wanted.seldom}: a thing that abstracts seldom give)"
    elif features.unshown:
        reason = f"the abstracts found give no {'number' if wanted.number else 'address'} for this"
    elif wanted.reason:
        reason = "no abstract of the collection says what the question takes for granted"
    else:
        reason = "no abstract of the collection says this"
    return Judgement(True, reason, likely)
