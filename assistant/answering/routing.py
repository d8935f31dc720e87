"""Whether a question gets a list of papers or sentences that answer it, where its words leave that open.

"Which detectors are trained by a paraphraser?" may ask for papers or for what one paper says, "how many people took
part?" counts no papers. The reader tells how probable it is that papers are asked for; what either answer finds tells
more. A logistic regression weighs them, fitted on how good each of the two answers is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from assistant.answering.confidence import log_odds
from assistant.query.parse import Question
from assistant.records import Answer
from assistant.text.words import words
from assistant.weights.logistic import models

PAPERS = frozenset("paper papers article articles study studies abstract abstracts publication publications".split())
POSSIBLE = 0.2  # P(a list is asked for) below which only sentences are looked for
SURE = 0.9      # … and from which one that says "papers", or has no subject beside names, is for a list
OPEN = 1.5      # log-odds against a list up to which it is given below the sentences
TOLD = 0.5      # confidence below which sentences do not stand in for a list that was plainly asked for


@dataclass(frozen=True, slots=True)
class RoutingFeatures:
    """What speaks for a list, and against it."""

    asked: float   # log-odds that a list or a count of papers is asked for
    items: float   # logarithm of one more than the papers that fit
    told: float    # log-odds that the sentences found answer


def is_choice(question: Question) -> bool:
    """Whether both answers have to be looked at."""
    plain = question.listing >= SURE and (says_papers(question.text) or is_by_name(question))
    return question.listing >= POSSIBLE and not plain and not question.unknown


def is_by_name(question: Question) -> bool:
    """Whether it asks for nothing of papers but that they mention names, which is told exactly."""
    return bool(question.hard) and not question.topic


def asks_for_papers(question: Question) -> bool:
    """Whether names that a question joins are conditions of its list, "papers that mention X and Y", and no sides."""
    by_name = question.listing >= SURE and is_by_name(question)
    return question.kind in ("list", "count") and (says_papers(question.text) or by_name)


def says_papers(text: str) -> bool:
    """Whether a text has a word for the works of a collection.

    >>> says_papers("how many abstracts mention T5?"), says_papers("how many people took part?")
    (True, False)
    """
    return any(word in PAPERS for word, _, _ in words(text))


def extract_features(question: Question, listed: Answer, told: Answer) -> RoutingFeatures:
    """Return the features of a question and both of its answers."""
    return RoutingFeatures(log_odds(question.listing), math.log1p(listed.matched), log_odds(told.confidence))


def is_list(features: RoutingFeatures) -> bool:
    """Whether the list is the better answer."""
    return models()["routing"].score(features) > 0


def is_open(features: RoutingFeatures) -> bool:
    """Whether sentences are the better answer, but not so plainly that the list is not worth having too."""
    return -OPEN < models()["routing"].score(features) <= 0
