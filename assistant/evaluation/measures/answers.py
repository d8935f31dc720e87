"""What is said: the accepted words, and closeness to answers people wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assistant.evaluation.case import Case
from assistant.evaluation.measures.lists import f1, precision_recall
from assistant.evaluation.measures.measure import measure
from assistant.evaluation.measures.support import squeezed
from assistant.evaluation.questions import FACTS, LISTS

_NOT_WORD = re.compile(r"[^a-z0-9]+")


def rouge_l(text: str, reference: str) -> float:
    """F1 of the longest common subsequence of words, 0–1: lower case, ASCII letters and digits, no stemming.

    >>> round(rouge_l("the cat sat", "the cat lay down"), 3)
    0.571
    """
    said, wanted = _NOT_WORD.sub(" ", text.lower()).split(), _NOT_WORD.sub(" ", reference.lower()).split()
    if not said or not wanted:
        return 0.0
    common = longest_common_subsequence(said, wanted)
    return f1(common / len(said), common / len(wanted))


def longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Its length, by dynamic programming over one row."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for place, other in enumerate(b, 1):
            above = row[place]
            row[place] = before + 1 if word == other else max(above, row[place - 1])
            before = above
    return row[-1]


def sentence_overlap(quoted: Sequence[str], chosen: Iterable[Sequence[str]]) -> tuple[float, float]:
    """Precision and recall of quoted sentences against those one person chose; the person who fits best counts.

    Two sentences are the same if one contains the other, by letters and digits: two splitters need not agree.
    """
    own = [squeezed(sentence) for sentence in quoted]
    best = (0.0, 0.0)
    for sentences in chosen:
        gold = [squeezed(sentence) for sentence in sentences]
        matched = {(i, j) for i, a in enumerate(own) for j, b in enumerate(gold) if a and b and (a in b or b in a)}
        precision = len({i for i, _ in matched}) / len(own) if own else 0.0
        recall = len({j for _, j in matched}) / len(gold) if gold else 0.0
        best = max(best, (precision, recall), key=lambda pair: (f1(*pair), pair))
    return best


def said(case: Case) -> str:
    """The answer's words, without marks."""
    return " ".join(sentence.text for sentence in case.answer.sentences)


def has_answer(case: Case) -> bool:
    """Whether one of the accepted strings stands in the answer, whatever its case, and it was not refused."""
    text = case.answer.text.casefold()
    return not case.answer.abstained and any(string.casefold() in text for string in case.question.answers)


@measure("fact answered")
def fact_answered(case: Case) -> float | None:
    """Whether one of the accepted strings stands in the answer and a right paper is cited; a refused question counts 0.

    Source: the "string exact match" of Stelmakh et al. (ASQA), EMNLP 2022, section 4, with the citation besides.
    """
    if case.question.kind not in FACTS:
        return None
    return float(has_answer(case) and not case.gold.papers.isdisjoint(case.citations))


@measure("answer string")
def answer_string(case: Case) -> float | None:
    """Whether one of the accepted strings stands in the answer, whatever is cited; a refused question counts 0.

    Source: Stelmakh et al. (ASQA), EMNLP 2022, section 4.
    """
    return float(has_answer(case)) if case.question.kind in FACTS else None


@measure("ROUGE-L")
def rouge(case: Case) -> float | None:
    """F1 of the longest common subsequence of words with the nearest of the reference answers, 0–1, without stemming;
    a refused question counts 0.

    Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, section 3; as rouge-score's rougeL.
    """
    if not case.question.references:
        return None
    if case.answer.abstained:
        return 0.0
    return max(rouge_l(said(case), reference) for reference in case.question.references)


@measure("sentence precision")
def sentence_precision(case: Case) -> float | None:
    """Share of the quoted sentences that a person chose for the answer too, 0–1; a refused question counts 0."""
    return _overlap(case)[0] if case.question.spans else None


@measure("sentence recall")
def sentence_recall(case: Case) -> float | None:
    """Share of the sentences a person chose for the answer that are quoted, 0–1; a refused question counts 0."""
    return _overlap(case)[1] if case.question.spans else None


@measure("words", better="neither", share=False)
def words(case: Case) -> float | None:
    """Length of the answer in words, of questions other than lists that were not refused."""
    return float(len(said(case).split())) if case.answered and case.question.kind not in LISTS else None


def _overlap(case: Case) -> tuple[float, float]:
    return sentence_overlap([citation.quote for citation in case.answer.citations], case.question.spans)


def quoted_nearest(case: Case) -> float:
    """What a refused answer would have been worth, judged by what it points at as nearest; see `calibration`."""
    near = case.answer.nearest
    papers = [found.paper_id for found in near]
    if case.question.kind in FACTS:
        return float(any(
            found.paper_id in case.gold.papers
            and any(string.casefold() in found.quote.casefold() for string in case.question.answers)
            for found in near
        ))
    return f1(*precision_recall(papers, case.gold.papers))


ANSWERS = (fact_answered, answer_string, rouge, sentence_precision, sentence_recall)
