"""What a conversation has spoken of: the papers a later question can stand on, and what to call them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from assistant.answering.answerable import NOT_TREATED
from assistant.answering.citations import papers_of
from assistant.answering.items import gives_list
from assistant.records import Answer, Paper, Turn
from assistant.text.words import content_words

FOCUS = 10  # papers of a list that "it" or "they" may stand for
MEMORY = 8  # turns back that "both" may mean


class Knowledge(Protocol):
    """What a collection knows that reading a follow-up needs."""

    def names(self, text: str) -> Sequence[str]:
        """The names in a text, as written there."""
        ...

    def owner(self, name: str) -> str | None:
        """The paper a name is the own name of."""
        ...

    def name_of(self, paper_id: str) -> str | None:
        """What a paper calls its method."""
        ...

    def paper(self, paper_id: str) -> Paper | None:
        """A paper by its id."""
        ...

    def leaning(self, question: str, paper_ids: Sequence[str]) -> float:
        """P(a question that names nothing goes on about these papers), 0–1."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What was spoken of last."""

    turn: Turn
    papers: tuple[str, ...]  # all that were cited
    focus: tuple[str, ...]   # those that "it" or "they" stand for; none of a long list
    label: str | None        # what to call them; None where that takes more than a name
    title: str | None        # of a single paper


def subject_of(turns: Sequence[Turn], known: Knowledge) -> Subject | None:
    """What the last turn that spoke of papers spoke of."""
    for turn in reversed(turns):
        if turn.answer.reason == NOT_TREATED:
            continue  # "the best pizza in Rome" speaks of no paper, though one is called so
        names = known.names(turn.searched)
        owned = {name: paper for name in names if (paper := known.owner(name)) is not None}
        papers = papers_of(turn.answer)
        if turn.answer.abstained:
            papers = _nearest(turn.answer, owned.values())
        if papers:
            focus = _focus(turn.answer, papers, owned.values())
            single = known.paper(focus[0]) if len(focus) == 1 else None
            title = single.title if single else None
            return Subject(turn, papers, focus, _label(turn, focus, names, owned, known), title)
    return None


def pair_of(turns: Sequence[Turn], known: Knowledge) -> tuple[str, str] | None:
    """The two papers that "both" or "the former" mean: the two cited last, together or one after the other."""
    found: list[str] = []
    for end in range(len(turns), max(len(turns) - MEMORY, 0), -1):
        subject = subject_of(turns[:end], known)
        if subject is None:
            break
        if len(subject.papers) == 2 and len(subject.focus) == 2:
            if not found:
                return subject.papers[0], subject.papers[1]
            found += [paper for paper in subject.papers if paper not in found]
        elif len(subject.focus) == 1 and subject.focus[0] not in found:
            found.append(subject.focus[0])
        if len(found) > 1:
            return found[1], found[0]
    return None


def last_list(turns: Sequence[Turn]) -> Turn | None:
    """The last turn that gave a list of papers."""
    return next((turn for turn in reversed(turns[-MEMORY:]) if turn.answer.items and not turn.answer.abstained), None)


def goes_on_from(turn: Turn, turns: Sequence[Turn]) -> bool:
    """Whether no paper was spoken of since a turn, but for why one is in its list or not."""
    later = turns[turns.index(turn) + 1:]
    return all(between.answer.kind == "absence" or not papers_of(between.answer) for between in later)


def called(paper_id: str, known: Knowledge) -> str | None:
    """What to call a paper in a question: its method's name, else its title in quotes."""
    name = known.name_of(paper_id)
    if name:
        return name
    paper = known.paper(paper_id)
    return f"“{paper.title}”" if paper is not None and paper.title else None


def _nearest(refusal: Answer, owned: Collection[str]) -> tuple[str, ...]:
    """The paper a refusal speaks of: one that the question calls by its name, or the one it shows the words of."""
    named = [near.paper_id for near in refusal.nearest if near.paper_id in owned]
    shown = [near.paper_id for near in refusal.nearest[:1] if near.quote in refusal.text]
    return tuple((named or shown)[:1])


def _focus(answer: Answer, papers: tuple[str, ...], owned: Collection[str]) -> tuple[str, ...]:
    """All of a short list or a comparison; of a fact the paper its question calls by name, else the first cited."""
    if gives_list(answer):
        return papers if len(papers) <= FOCUS else ()
    if answer.kind == "compare" or answer.abstained:
        return papers
    named = [paper for paper in papers if paper in owned]
    return tuple(named[:1]) if len(named) == 1 else papers[:1]


def _label(
    turn: Turn, focus: Sequence[str], names: Sequence[str], owned: dict[str, str], known: Knowledge
) -> str | None:
    """The name a question is about and nothing else, or what a single paper calls its method."""
    if len(focus) != 1:
        return names[0] if len(names) == 1 and not gives_list(turn.answer) else None
    asked = names if not gives_list(turn.answer) else ()
    for name in asked:
        if owned.get(name) == focus[0] or (len(asked) == 1 and not content_words(turn.searched.replace(name, " "))):
            return name
    return known.name_of(focus[0])
