"""One number and one word per question, whatever its kind."""

from __future__ import annotations

from assistant.evaluation.case import Case
from assistant.evaluation.measures import lists
from assistant.evaluation.measures.answers import fact_answered, has_answer, quoted_nearest, rouge, sentence_recall
from assistant.evaluation.measures.citations import all_papers_cited, first_citation
from assistant.evaluation.measures.measure import measure
from assistant.evaluation.questions import FACTS, LISTS, SEVERAL

# From worst to best: the order in which a report shows questions.
VERDICTS = ("wrong", "not refused", "refused by mistake", "right paper, other words", "in part", "right")


def goodness(case: Case) -> float:
    """How right the answer is, 0–1, by the measure of its kind."""
    kind = case.question.kind
    if not case.answerable:
        return float(case.answer.abstained)
    if case.answer.abstained:
        return 0.0
    if kind in LISTS:
        return lists.score(case)
    of_kind = fact_answered if kind in FACTS else all_papers_cited if kind in SEVERAL else first_citation
    if kind == "passage" and case.question.references:
        of_kind = rouge
    return of_kind(case) or 0.0


@measure("right")
def right(case: Case) -> float | None:
    """How right the answer is, by the measure of its kind, 0–1: "fact answered", "list F1", "all papers cited",
    "ROUGE-L" of a passage with references, "first citation" of a search; for an unanswerable question whether it was
    refused."""
    return goodness(case)


@measure("confidence", better="neither")
def confidence(case: Case) -> float | None:
    """What the answerer says of itself, 0–1: its estimate, before refusing, that the answer is right."""
    return case.answer.confidence


def outcome(case: Case) -> float:
    """What `Answer.confidence` estimates, 0–1: how right the answer is, or would have been had it not been refused.

    A passage is right if one of the sentences a person chose is quoted. A refused question that has an answer is judged
    by what the refusal points at as nearest; one that has none is worth 0 whether refused or not.
    """
    if not case.answerable:
        return 0.0
    if case.answer.abstained:
        return quoted_nearest(case)
    return float(_quotes_a_chosen_sentence(case)) if case.question.kind == "passage" else goodness(case)


def _quotes_a_chosen_sentence(case: Case) -> bool:
    """Of a passage, closeness to a person's words is no matter of right and wrong: that their evidence is quoted is."""
    recall = sentence_recall(case)
    return not case.gold.papers.isdisjoint(case.citations) and (recall is None or recall > 0)


def verdict(case: Case) -> str:
    """One of `VERDICTS`."""
    value = goodness(case)
    if not case.answerable:
        return "right" if value else "not refused"
    if case.answer.abstained:
        return "refused by mistake"
    if value >= 0.999 or (case.question.kind == "passage" and _quotes_a_chosen_sentence(case)):
        return "right"
    if value > 0 and case.question.kind != "passage":
        return "in part"
    if case.question.kind in (*FACTS, "passage") and not case.gold.papers.isdisjoint(case.citations):
        return "right paper, other words" if not has_answer(case) else "wrong"
    return "wrong"
