"""What stands in a conversation on the page: turns, and questions that have no whole answer."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.records import Turn


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that is being answered."""

    question: str
    text: str = ""  # of the answer, so far


@dataclass(frozen=True, slots=True)
class Halted:
    """A question whose answer was stopped, or could not be given."""

    question: str
    text: str       # what had been written
    why: str
    failed: bool    # not by the user's wish


Entry = Turn | Halted | Pending
