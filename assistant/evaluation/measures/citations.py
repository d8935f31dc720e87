"""Citations: do they bear out what is said, are they the right papers, are the quotes exact?

The definitions are ALCE's, with `support.supports` in the place of its entailment model.
"""

from __future__ import annotations

from collections.abc import Iterator

from assistant.evaluation.case import Case
from assistant.evaluation.measures.measure import measure
from assistant.evaluation.measures.support import squeezed, supports
from assistant.evaluation.questions import FACTS, SEVERAL

NOT_FROM_PAPERS = ("collection", "empty")  # kinds of answers that cite nothing, rightly


def _statements(case: Case) -> Iterator[tuple[str, list[str]]]:
    """Each sentence of an answer, and the text of each paper it cites."""
    if case.answer.abstained or case.answer.kind in NOT_FROM_PAPERS:
        return
    papers = {citation.mark: case.cited.get(citation.paper_id) for citation in case.answer.citations}
    for sentence in case.answer.sentences:
        found = [papers.get(mark) for mark in sentence.marks]
        yield sentence.text, [f"{paper.title or ''} {paper.abstract}" for paper in found if paper is not None]


@measure("citation recall")
def citation_recall(case: Case) -> float | None:
    """Share of the answer's sentences that the papers they cite bear out, 0–1; one without a citation counts 0.

    Borne out: it stands there word for word, or all its numbers and names and half its longer words do.

    Source: Gao, Yen, Yu and Chen, "Enabling Large Language Models to Generate Text with Citations" (ALCE), EMNLP 2023,
    section 3.2, with this rule instead of the entailment model.
    """
    supported = [bool(texts) and supports(statement, texts) for statement, texts in _statements(case)]
    return sum(supported) / len(supported) if supported else None


@measure("citation precision")
def citation_precision(case: Case) -> float | None:
    """Share of citations that are needed, 0–1: their sentence is borne out, and they bear it out alone or it is no
    longer borne out without them.

    Source: Gao, Yen, Yu and Chen (ALCE), EMNLP 2023, section 3.2, with a rule instead of the entailment model.
    """
    needed = []
    for statement, texts in _statements(case):
        whole = supports(statement, texts)
        for place, text in enumerate(texts):
            others = texts[:place] + texts[place + 1:]
            needed.append(whole and (supports(statement, [text]) or not supports(statement, others)))
    return sum(needed) / len(needed) if needed else None


@measure("first citation")
def first_citation(case: Case) -> float | None:
    """Whether the first paper cited is a right one; a refused question counts 0."""
    if case.question.kind not in (*FACTS, "passage", "search"):
        return None
    return float(bool(case.citations) and case.citations[0] in case.gold.papers)


@measure("all papers cited")
def all_papers_cited(case: Case) -> float | None:
    """Whether every paper that a comparison or a question over several papers needs is cited."""
    return float(case.gold.papers <= set(case.citations)) if case.question.kind in SEVERAL else None


@measure("evidence quoted")
def evidence_quoted(case: Case) -> float | None:
    """Share of the sentences that answer the question that are quoted, 0–1, compared by letters and digits; a refused
    question counts 0."""
    if not case.question.evidence or not case.answerable:
        return None
    quotes = [squeezed(citation.quote) for citation in case.answer.citations]
    wanted = [squeezed(sentence) for sentence in case.question.evidence]
    return sum(any(sentence in quote for quote in quotes) for sentence in wanted) / len(wanted)


@measure("quote exactness")
def quote_exactness(case: Case) -> float | None:
    """Share of quotes that are the very characters at their offsets of the stored abstract, 0–1."""
    if not case.answer.citations:
        return None
    exact = [
        (paper := case.cited.get(citation.paper_id)) is not None
        and citation.quote != "" and paper.abstract[citation.start:citation.end] == citation.quote
        for citation in case.answer.citations
    ]
    return sum(exact) / len(exact)


CITATIONS = (
    first_citation, all_papers_cited, evidence_quoted, citation_recall, citation_precision, quote_exactness,
)
