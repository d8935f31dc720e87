"""The fixed question set: questions over ``seeds/`` labelled by reading every abstract.

A paper is named by where it stands: ``FILE:LINE``, the line of its abstract.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from assistant.errors import MisuseError


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """One question and what a right answer has."""

    id: str
    kind: str                          # fact, definition, yesno, list, count, multi, compare, unanswerable
    question: str
    style: str = ""                    # paraphrase, name, number, typo, plain; off-topic, near-miss …
    papers: tuple[str, ...] = ()       # FILE:LINE, all that are needed; of a list, all that belong
    borderline: tuple[str, ...] = ()   # of a list: neither right nor wrong
    evidence: tuple[str, ...] = ()     # sentences of the papers that answer
    answers: tuple[str, ...] = ()      # one of these must stand in a right answer
    nearest: tuple[str, ...] = ()      # of an unanswerable one: what a refusal may point at

    @property
    def split(self) -> str:
        """``choose``, on which constants may be tuned, or ``report``, on which nothing may: by a hash of the id."""
        return "report" if int(hashlib.sha256(self.id.encode()).hexdigest(), 16) % 2 else "choose"


@dataclass(frozen=True, slots=True)
class EvalConversation:
    """Turns that follow on each other."""

    id: str
    turns: tuple[EvalQuestion, ...]


def load_questions(path: Path | None = None) -> list[EvalQuestion]:
    """The single questions of a set, in its order; default: the fixed set.

    Raises:
        MisuseError: the file is missing or a line of it is not a question; the message names the line.
    """
    return [item for item in _load(path) if isinstance(item, EvalQuestion)]


def load_conversations(path: Path | None = None) -> list[EvalConversation]:
    """The conversations of a set, in its order; see `load_questions`."""
    return [item for item in _load(path) if isinstance(item, EvalConversation)]


def _load(path: Path | None) -> Iterator[EvalQuestion | EvalConversation]:
    name = path.name if path else "questions.jsonl"
    try:
        text = path.read_text("utf-8") if path else files(__package__).joinpath(name).read_text("utf-8")
    except OSError as exc:
        raise MisuseError(f"the question file {name} cannot be read ({exc.strerror})") from exc
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _item(json.loads(line))
        except (ValueError, TypeError, KeyError) as exc:
            raise MisuseError(f"{name}, line {number}: not a question ({type(exc).__name__}: {exc})") from exc


def _item(fields: dict[str, Any]) -> EvalQuestion | EvalConversation:
    if "turns" in fields:
        turns = tuple(
            _question({**turn, "id": f"{fields['id']}.{number}"}) for number, turn in enumerate(fields["turns"], 1)
        )
        return EvalConversation(fields["id"], turns)
    return _question(fields)


def _question(fields: dict[str, Any]) -> EvalQuestion:
    def places(name: str) -> tuple[str, ...]:
        return tuple(str(value) for value in fields.get(name, ()))

    return EvalQuestion(
        str(fields["id"]), str(fields["kind"]), str(fields["question"]), str(fields.get("style", "")), places("papers"),
        places("borderline"), places("evidence"), places("answers"), places("nearest"),
    )
