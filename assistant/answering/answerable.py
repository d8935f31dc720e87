"""Whether the best papers answer a question of fact, or only stand near it.

Similarity tells what the collection is not about. What a paper does not say shows elsewhere: in words and names of the
question that neither it nor its best sentences have, though it is plainly the paper that is meant; in asking for what
abstracts seldom give; in taking something for granted and asking why. A logistic regression weighs these signs; it is
fitted, and its thresholds are set, by ``benchmarks/refusal.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields

from assistant.answering.asked import Asked
from assistant.answering.sentences import MAX_OF_PAPER, Reading
from assistant.question import Question
from assistant.records import Hit
from assistant.retrieval.retriever import Query
from assistant.retrieval.words import words

NOT_TREATED = "the collection does not seem to treat this"
OWN_NAME = 3  # papers at most that mention a name which tells one of them
UNMET = 0.3   # token cosine up to which a word has nothing in common with a paper
AT_STAKE = 1  # weight of words beside the name from which their absence tells: that of one which no paper has
OFF_TOPIC = 0.3  # mean cosine below which nothing in the collection is near


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to refuse, why, and how probable a right answer is."""

    abstain: bool
    reason: str | None
    confidence: float  # 0–1


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for and against an answer; flags are 0 or 1. The *best* paper is the one most probably meant."""

    nearby: float      # mean cosine of the question and the five best papers
    coverage: float    # of the question's words by the best paper's best sentence, weighted mean of cosines, 0–1
    margin: float      # ranking score of the first paper minus that of the second, 0–1
    found: float       # P(the best sentence answers), if anything does
    unsaid: float      # share of the content words, by weight, that the best paper's best sentences lack, · P(meant)
    unsaid_if_unclear: float  # the same times 1 − P(meant): in a paraphrase most words are other ones anyway
    seldom: float      # asks for what abstracts seldom give
    reason: float      # asks why, and the best sentences give no reason for anything; times P(meant)
    unshown: float     # asks for a number or an address, and the best sentences show none
    figures: float     # numbers of the question that the best paper lacks, at most 2
    names: float       # names of the question that the best paper lacks, at most 2
    length: float      # of the question, in units of ten words, at most 3
    definition: float  # asks what something is
    named: float       # the best paper is told by a name that few papers have


# Fitted by benchmarks/refusal.py.
WEIGHTS: dict[str, float] = {
    "nearby": 2.755, "coverage": 3.621, "margin": 2.054, "found": 0.814, "unsaid": 0.095, "unsaid_if_unclear": -0.829,
    "seldom": -1.23, "reason": -4.065, "unshown": -2.292, "figures": -2.678, "names": -0.5, "length": 1.522,
    "definition": 1.482, "named": -0.619,
}
BIAS = -3.483
THRESHOLDS = {"strict": 0.696, "balanced": 0.638, "eager": 0.326}


def signs(
    question: Question, wanted: Asked, query: Query, hits: Sequence[Hit], reading: Reading,
    *, stems: Callable[[str], Sequence[str]],
) -> Signs:
    """Read the signs off the ranking of a question.

    Args:
        stems: text -> stems of its content words.
    """
    if not reading.hits:
        return Signs(*([0.0] * len(fields(Signs))))
    place = reading.best_paper()
    best = reading.hits[place]
    meant = reading.meant[place]
    sentences = reading.best_sentences(place, MAX_OF_PAPER)
    shown = " ".join(sentence.text for sentence in sentences)
    said = set(stems(f"{best.paper.title or ''} {shown}"))
    whole = f"{best.paper.title or ''} {best.paper.abstract}"
    unsaid = total = 0.0
    for at, word in enumerate(query.words):
        if word.content:
            cover = max(sentence.coverage[at] for sentence in sentences)
            if best.title_coverage:
                cover = max(cover, best.title_coverage[at])
            total += word.weight
            unsaid += word.weight * (0.0 if said.intersection(stems(word.text)) else 1 - cover)
    unsaid = unsaid / total if total > 0 else 0.0
    scores = sorted((hit.score for hit in hits), reverse=True)
    return Signs(
        nearby=sum(hit.similarity for hit in hits[:5]) / len(hits[:5]),
        coverage=max(sentence.score for sentence in sentences),
        margin=scores[0] - scores[1] if len(scores) > 1 else 1.0,
        found=max(
            (chance * max(answers) for chance, answers in zip(reading.meant, reading.answers, strict=True)), default=0.0
        ),
        unsaid=meant * unsaid, unsaid_if_unclear=(1 - meant) * unsaid,
        seldom=float(wanted.seldom is not None), reason=meant * (wanted.reason and not wanted.explained_in(shown)),
        unshown=float(wanted.has_form and not wanted.shown_in(shown)),
        figures=min(float(sum(figure not in whole for figure in wanted.figures)), 2.0),
        names=min(float(sum(best.paper.paper_id not in name.papers for name in query.names)), 2.0),
        length=min(wanted.length, 30) / 10, definition=float(wanted.definition),
        named=float(any(best.paper.paper_id in name.papers and len(name.papers) <= OWN_NAME for name in query.names)),
    )


def probability(found: Signs) -> float:
    """P(the best papers answer the question), 0–1."""
    values = asdict(found)
    score = BIAS + sum(weight * values[name] for name, weight in WEIGHTS.items())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


def off_topic(found: Signs) -> bool:
    """Whether nothing in the collection is near, and no name of the question tells a paper."""
    return found.nearby < OFF_TOPIC and not found.named


def is_namesake(question: Question, query: Query, best: Hit, *, stems: Callable[[str], Sequence[str]]) -> bool:
    """Whether a paper has nothing of a question but its name: of pizza in Rome, that on the method ROME."""
    paper = best.paper
    names = {word for name in question.names for word, _, _ in words(name.surface)}
    if not any(paper.paper_id in name.papers for name in query.names):
        return False
    said = set(stems(f"{paper.title or ''} {paper.abstract}"))
    rows = [sentence.coverage for sentence in best.sentences]
    rows += [best.title_coverage] if best.title_coverage else []
    beside = [(at, word) for at, word in enumerate(query.words) if word.content and word.text not in names]
    return sum(word.weight for _, word in beside) >= AT_STAKE and all(
        said.isdisjoint(stems(word.text)) and max(row[at] for row in rows) < UNMET for at, word in beside
    )


def judge(found: Signs, wanted: Asked, missing_names: Sequence[str], *, level: str) -> Judgement:
    """Decide whether to answer; ``level`` is one of `THRESHOLDS`, ``missing_names`` those the best paper lacks."""
    likely = probability(found)
    if likely >= THRESHOLDS[level]:
        return Judgement(False, None, likely)
    if off_topic(found):
        reason = NOT_TREATED
    elif missing_names:
        reason = f"the paper that comes nearest does not mention {' or '.join(missing_names)}"
    elif found.seldom:
        reason = f"the abstracts found do not say this ({wanted.seldom}: a thing that abstracts seldom give)"
    elif found.unshown:
        reason = f"the abstracts found give no {'number' if wanted.number else 'address'} for this"
    elif wanted.reason:
        reason = "no abstract of the collection says what the question takes for granted"
    else:
        reason = "no abstract of the collection says this"
    return Judgement(True, reason, likely)
