"""Answers about the papers just cited: "which of those are about finance?", "which release code?", "compare the first
two"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.answering.citations import Marks
from assistant.answering.compare import Comparison, paragraphs, side_by_side
from assistant.answering.cuts import Side
from assistant.answering.items import item, line
from assistant.answering.method_names import method_name
from assistant.answering.proof import proof_of
from assistant.query.parse import Question
from assistant.records import Answer, AnswerSentence, Hit, ListItem, Paper, SentenceHit
from assistant.retrieval.retriever import Retriever
from assistant.text.code_links import gives_code

NARROWED_CONFIDENCE = 0.6  # not calibrated
EXACT_CONFIDENCE = 0.9     # nor this, for what is told by rule
MET = 0.6   # token cosine from which a word of the condition counts as met


@dataclass(frozen=True, slots=True)
class Scope:
    """The papers a question is about, because it refers back to them."""

    paper_ids: tuple[str, ...]      # in the order they were cited
    has_code: bool | None = None    # only those that give code, or only those that do not
    every: bool = False             # nothing else is asked of them: all that are left are the answer
    only: bool = False              # an answer from other papers is none: "which of those …"
    without: tuple[str, ...] = ()   # of the papers, those that are left out
    but: str = ""                   # a list question; what it lists is left out too
    sides: bool = False             # each is told of for itself


def narrowed(whole: Answer, scope: Scope) -> Answer | None:
    """A list over the whole collection, cut down to a scope; None if nothing is left.

    Whether a paper belongs is judged among all papers, where the cut was calibrated.
    """
    kept = [entry for entry in whole.items if entry.paper_id in scope.paper_ids]
    return _listed(whole, kept, scope) if kept else None


def best_of(question: Question, answer_id: str, retriever: Retriever, scope: Scope) -> Answer:
    """The paper of a scope that meets a condition best, if any does: of few papers no cut is calibrated."""
    query = retriever.query(question.positive or question.text, topic=question.topic or None)
    ranking = retriever.rank(query, among=sorted(scope.paper_ids))
    met = [
        hit.paper.paper_id for hit in ranking.hits(1)
        if all(hit.coverage[at] >= MET for at, word in enumerate(query.words) if word.content)
    ]
    return replace(all_of(question, answer_id, retriever, scope, met), confidence=NARROWED_CONFIDENCE)


def all_of(question: Question, answer_id: str, retriever: Retriever, scope: Scope, left: Sequence[str]) -> Answer:
    """All papers of a scope that are left after its conditions, each with the sentence that shows it."""
    ranking = retriever.rank(retriever.query(question.text), among=sorted(left))
    hits = {hit.paper.paper_id: hit for hit in ranking.hits(len(ranking)) if hit.sentences}
    marks = Marks()
    items = [
        item(hits[paper], marks, proof=_proof(hits[paper], scope), name=method_name(
            hits[paper].paper, papers_with=retriever.collection.store.name_counts))
        for paper in scope.paper_ids if paper in hits
    ]
    empty = Answer(answer_id, question.text, "list", "", citations=marks.citations(), trace=question.trace)
    return replace(_listed(empty, items, scope), confidence=EXACT_CONFIDENCE)


def compared(question: Question, answer_id: str, retriever: Retriever, scope: Scope) -> Answer:
    """What each paper of a scope says of what is asked, side by side."""
    ranking = retriever.rank(retriever.query(question.text), among=sorted(scope.paper_ids))
    sides = tuple(
        _side(hit.paper, question.text, retriever)
        for hit in sorted(ranking.hits(len(ranking)), key=lambda hit: scope.paper_ids.index(hit.paper.paper_id))
    )
    marks = Marks()
    pointed = Comparison(sides, ranking, EXACT_CONFIDENCE, ("papers pointed at",))
    sentences, table = side_by_side(pointed, retriever, marks)
    return Answer(
        answer_id, question.text, "compare", paragraphs(sentences, table), tuple(sentences), marks.citations(),
        table=table, considered=len(sides), matched=len(table), confidence=pointed.confidence,
        trace=(*question.trace, *pointed.trace),
    )


def _side(paper: Paper, text: str, retriever: Retriever) -> Side:
    name = method_name(paper, papers_with=retriever.collection.store.name_counts)
    label = next((label for label in (name, paper.title) if label and label in text), None)
    start = text.find(label) if label else 0
    return Side(label or "", start, start + len(label or ""), paper.paper_id, named=label is not None and label == name)


def _proof(hit: Hit, scope: Scope) -> SentenceHit:
    if scope.has_code:
        return next(iter(_with_code(hit)), proof_of(hit, names=(), topical=True))
    return proof_of(hit, names=(), topical=True)


def _with_code(hit: Hit) -> Iterator[SentenceHit]:
    return (sentence for sentence in hit.sentences if gives_code(sentence.text))


def _listed(whole: Answer, items: Sequence[ListItem], scope: Scope) -> Answer:
    marks = Marks()
    by_mark = {citation.mark: citation for citation in whole.citations}
    items = tuple(replace(entry, mark=marks.add(by_mark[entry.mark])) for entry in items)
    count = len(scope.paper_ids)
    of = f"the {count} papers just cited" if count != 1 else "the paper just cited"
    if count == 1:
        head = "The paper just cited matches:" if items else "The paper just cited does not match."
    elif scope.every and len(items) == count:
        head = f"{count} papers:"
    elif scope.without or scope.but:
        head = f"{len(items)} of {of} {'is' if len(items) == 1 else 'are'} left" + (":" if items else ".")
    else:
        head = f"{len(items)} of {of} {'matches' if len(items) == 1 else 'match'}" + (":" if items else ".")
    return replace(
        whole, text="\n".join([head, *(f"{number}. {line(entry)}" for number, entry in enumerate(items, 1))]),
        sentences=tuple(AnswerSentence(entry.quote, (entry.mark,), checked=True) for entry in items),
        citations=marks.citations(), items=items, considered=count, matched=len(items), abstained=False, reason=None,
        nearest=(), trace=(*whole.trace, f"narrowed to {of}"),
    )
