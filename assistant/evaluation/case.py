"""One question, what a right answer has, and what was answered: all a measure may look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from assistant.evaluation.questions import UNANSWERABLE, EvalQuestion
from assistant.records import Answer, Paper


class Engine(Protocol):
    """Something that answers; a conversation is one that remembers what it was asked before."""

    def ask(self, question: str) -> Answer:
        """Answer one question."""
        ...


class Subject(Engine, Protocol):
    """What is evaluated: `assistant.Assistant`, or anything with its methods. Papers are named by ``paper_id``."""

    def ranking(self, question: str, limit: int) -> Sequence[str]:
        """The best papers for a question, best first, each once."""
        ...

    def conversation(self) -> Engine:
        """A new conversation."""
        ...

    def papers(self, paper_ids: Sequence[str]) -> Sequence[Paper]:
        """Those of the papers that exist."""
        ...

    def paper_ids(self, places: Sequence[str]) -> set[str]:
        """Ids of the papers read at ``FILE:LINE`` places; places nothing was read from are left out."""
        ...

    def about(self) -> Mapping[str, str | int]:
        """What it is, for the head of the report: backend, model, number of papers, settings that matter."""
        ...


@dataclass(frozen=True, slots=True)
class Gold:
    """The papers a right answer has, by id."""

    grades: Mapping[str, int] = field(default_factory=dict)  # paper_id -> relevance, 1 and up
    borderline: frozenset[str] = frozenset()                 # neither right nor wrong

    @property
    def papers(self) -> frozenset[str]:
        """Every right paper, whatever its grade."""
        return frozenset(self.grades)


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its answer."""

    question: EvalQuestion
    gold: Gold
    answer: Answer
    ranking: tuple[str, ...] = ()                            # what search finds for it, best first
    cited: Mapping[str, Paper] = field(default_factory=dict)  # paper_id -> paper, of every citation

    @property
    def answerable(self) -> bool:
        """Whether the collection has an answer."""
        return self.question.kind != UNANSWERABLE

    @property
    def answered(self) -> bool:
        """Whether it has an answer and got one."""
        return self.answerable and not self.answer.abstained

    @property
    def citations(self) -> tuple[str, ...]:
        """The paper of each citation, by mark."""
        return tuple(citation.paper_id for citation in self.answer.citations)

    @property
    def listed(self) -> tuple[str, ...]:
        """The papers a list names, in its order; borderline ones are left out."""
        return tuple(item.paper_id for item in self.answer.items if item.paper_id not in self.gold.borderline)
