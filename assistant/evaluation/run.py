"""Ask every question, measure every answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from assistant.errors import MisuseError
from assistant.evaluation.case import Case, Engine, Gold, Subject
from assistant.evaluation.journal import Journal
from assistant.evaluation.measures import MEASURES
from assistant.evaluation.measures.judge import Judge
from assistant.evaluation.measures.retrieval import DEPTH
from assistant.evaluation.measures.verdict import outcome, verdict
from assistant.evaluation.questions import EvalConversation, EvalQuestion, Item
from assistant.evaluation.result import GoldPaper, Result
from assistant.records import Answer, Paper

Progress = Callable[[int, int], None]  # questions done, questions in all
Ask = Callable[[Sequence[Item], Judge | None], Iterator[Iterable[Result]]]  # of each question or conversation, in order


def examine(
    subject: Subject, items: Sequence[Item], *, journal: Journal | None = None, judge: Judge | None = None,
    progress: Progress | None = None, ask: Ask | None = None,
) -> list[Result]:
    """Ask all questions, in order, each conversation in one go; what the journal has is not asked again.

    Args:
        ask: asks in other processes, see `workers`; default: in this one.
    Raises:
        MisuseError: a question names a paper that the collection does not have; nothing has been asked then.
    """
    gold = golds(subject, items)
    done = dict(journal.done) if journal else {}
    # A conversation cut in the middle begins anew: its later turns need the earlier.
    left = [item for item in items if any(turn.id not in done for turn in each([item]))]
    answered = iter(ask(left, judge) if ask else (_examine_item(subject, item, gold, judge) for item in left))
    unasked = {turn.id for turn in each(left)}
    found: list[Result] = []
    for item in items:
        turns = [turn.id for turn in each([item])]
        if unasked.isdisjoint(turns):
            found += [done[turn] for turn in turns]
            continue
        for result in next(answered):
            found.append(result)
            if journal:
                journal.add(result)
            if progress:
                progress(len(found), len(gold))
    return found


def _examine_item(
    subject: Subject, item: Item, gold: Mapping[str, Gold], judge: Judge | None
) -> Iterator[Result]:
    engine = subject.conversation() if isinstance(item, EvalConversation) else subject
    for question in each([item]):
        yield _examine_one(subject, engine, question, gold[question.id], judge)


def each(items: Sequence[Item]) -> Iterator[EvalQuestion]:
    """Every question, those of conversations included."""
    for item in items:
        yield from item.turns if isinstance(item, EvalConversation) else (item,)


def golds(subject: Subject, items: Sequence[Item]) -> dict[str, Gold]:
    """id -> right papers, of every question.

    Raises:
        MisuseError: a question names a paper that the collection does not have.
    """
    return {question.id: gold_of(subject, question) for question in each(items)}


def gold_of(subject: Subject, question: EvalQuestion) -> Gold:
    """The right papers of a question, by id.

    Raises:
        MisuseError: the collection lacks one.
    """
    grades: dict[str, int] = {}
    for place, grade in zip(question.papers, question.grades or [1] * len(question.papers), strict=True):
        for paper in _find(subject, question, place):
            grades[paper] = max(grade, grades.get(paper, 0))  # two places may turn out to hold one work
    borderline = {paper for place in question.borderline for paper in _find(subject, question, place)}
    return Gold(grades, frozenset(borderline - grades.keys()))


def _find(subject: Subject, question: EvalQuestion, place: str) -> set[str]:
    found = subject.paper_ids([place]) or {paper.paper_id for paper in subject.papers([place])}
    if not found:
        raise MisuseError(
            f"{question.where or question.id}: the collection has no paper {place!r}; name each as FILE:LINE, by a "
            "file that was ingested (assistant status lists them) and the line of the abstract, or by its paper_id"
        )
    return found


def _examine_one(
    subject: Subject, engine: Engine, question: EvalQuestion, gold: Gold, judge: Judge | None
) -> Result:
    ranking = tuple(subject.ranking(question.question, DEPTH)) if gold.grades and question.turn <= 1 else ()
    before = time.perf_counter()
    answer = engine.ask(question.question)
    elapsed_ms = round(1000 * (time.perf_counter() - before), 2)  # as a report keeps it
    cited = sorted({citation.paper_id for citation in answer.citations})
    case = Case(question, gold, answer, ranking, {paper.paper_id: paper for paper in subject.papers(cited)})
    return _result(case, _gold_papers(subject, question), judge, elapsed_ms)


def _result(case: Case, gold: tuple[GoldPaper, ...], judge: Judge | None, elapsed_ms: float) -> Result:
    question = case.question
    values = {name: value for name, measure in MEASURES.items() if (value := measure(case)) is not None}
    return Result(
        question.id, question.split, question.kind, question.style, question.conversation, question.turn,
        question.question, gold, question.answers or question.references, question.evidence,
        tuple(sorted(case.gold.borderline)), plain_answer(case.answer), case.ranking[:10], verdict(case),
        outcome(case), values, judge(question, case.answer) if judge else None, elapsed_ms,
    )


def plain_answer(answer: Answer) -> Mapping[str, Any]:
    """An answer as `assistant ask --json` prints it, without timings."""
    from assistant.records import answer_json

    return {name: value for name, value in answer_json(answer).items() if name not in ("schema", "timings")}


def _gold_papers(subject: Subject, question: EvalQuestion) -> tuple[GoldPaper, ...]:
    found = []
    for place in question.papers:
        for paper in _papers_at(subject, place):
            found.append(GoldPaper(paper.paper_id, place, paper.title))
    return tuple(found)


def _papers_at(subject: Subject, place: str) -> Sequence[Paper]:
    return subject.papers(sorted(subject.paper_ids([place]))) or subject.papers([place])


