"""Questions with known answers: the fixed set over ``seeds/``, and how to write one's own.

A set is a file of JSON objects, one a line. Every question has ``id``, ``kind`` and ``question``; what else it needs
depends on its kind:

=====================================  ==========================================================================
``fact``, ``definition``, ``yesno``    ``papers`` that answer it, and ``answers``: texts of which one must be said
``list``, ``count``                    ``papers``: all that belong; ``borderline``: those that count neither way
``multi``, ``compare``                 ``papers``, all of which must be cited
``passage``                            ``papers``, and ``references`` (texts as a person would answer) or ``spans``
``search``                             ``papers`` to be found; only retrieval and citations are measured
``unanswerable``                       nothing: it must be refused
=====================================  ==========================================================================

A paper is named by where it was read, ``FILE:LINE`` (the line of its abstract), or by its ``paper_id``. Optional in
all kinds: ``evidence`` (sentences of the papers that answer), ``style`` (a word by which figures are broken down),
``nearest`` (what a refusal may point at). A conversation has ``id`` and ``turns``, a list of such questions without
ids, asked one after the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from assistant.errors import MisuseError

FACTS = ("fact", "definition", "yesno")
LISTS = ("list", "count")
SEVERAL = ("multi", "compare")
UNANSWERABLE = "unanswerable"
KINDS = (*FACTS, *LISTS, *SEVERAL, "passage", "search", UNANSWERABLE)


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """One question and what a right answer has."""

    id: str
    kind: str                          # one of `KINDS`
    question: str
    style: str = ""                    # paraphrase, name, number, typo, plain; off-topic, near-miss …
    papers: tuple[str, ...] = ()       # FILE:LINE or paper_id, all that are needed; of a list, all that belong
    borderline: tuple[str, ...] = ()   # of a list: neither right nor wrong
    evidence: tuple[str, ...] = ()     # sentences of the papers that answer
    answers: tuple[str, ...] = ()      # one of these must stand in a right answer
    nearest: tuple[str, ...] = ()      # of an unanswerable one: what a refusal may point at
    references: tuple[str, ...] = ()   # of a passage: answers as people wrote them
    spans: tuple[tuple[str, ...], ...] = ()  # of a passage: the sentences each of these people chose
    grades: tuple[int, ...] = ()       # relevance of each of `papers`, 1 and up; empty: all 1
    conversation: str = ""             # id of the conversation it is a turn of
    turn: int = 0                      # 1-based within it; 0: asked by itself
    where: str = ""                    # FILE, line N: for messages

    @property
    def split(self) -> str:
        """``choose``, on which constants may be tuned, or ``report``, on which nothing may: by a hash of the id.

        The turns of one conversation are in the same half.
        """
        key = self.conversation or self.id
        return "report" if int(hashlib.sha256(key.encode()).hexdigest(), 16) % 2 else "choose"


@dataclass(frozen=True, slots=True)
class EvalConversation:
    """Turns that follow on each other."""

    id: str
    turns: tuple[EvalQuestion, ...]


Item = EvalQuestion | EvalConversation


def load_questions(path: Path | None = None) -> list[EvalQuestion]:
    """The single questions of a set, in its order; default: the fixed set. Raises as `load` does."""
    return [item for item in load(path) if isinstance(item, EvalQuestion)]


def load_conversations(path: Path | None = None) -> list[EvalConversation]:
    """The conversations of a set, in its order; default: the fixed set. Raises as `load` does."""
    return [item for item in load(path) if isinstance(item, EvalConversation)]


def load(path: Path | None = None) -> list[Item]:
    """A whole set, in its order; default: the fixed set.

    Raises:
        MisuseError: the file cannot be read, holds no question, has an id twice, or has a line that is not a question
            (see the top of this module); the message names file and line.
    """
    name, text = read_set(path)
    items: list[Item] = []
    lines: dict[str, int] = {}
    for number, fields in json_lines(text, name):
        item = _item(fields, f"{name}, line {number}")
        if item.id in lines:
            raise MisuseError(
                f"{name}, line {number}: the id {item.id!r} is taken by line {lines[item.id]}; give each its own"
            )
        lines[item.id] = number
        items.append(item)
    if not items:
        raise MisuseError(f'{name} holds no question; a line is like {{"id": "q1", "kind": "fact", "question": "…", '
                          '"papers": ["a.txt:12"], "answers": ["…"]}')
    return items


def read_set(path: Path | None) -> tuple[str, str]:
    """Name and text of a question file; default: the fixed set."""
    if path is None:
        name = "questions.jsonl"
        return name, files(__package__).joinpath(name).read_text("utf-8")
    return path.name, read_text(path)


def read_text(path: Path) -> str:
    """A file of the user's, as text.

    Raises:
        MisuseError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8" if "codec" in str(exc) else exc
        raise MisuseError(f"the file {path.name!r} cannot be read ({reason})") from exc


def json_lines(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of every line that is not blank.

    Raises:
        MisuseError: a line is not a JSON object.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise MisuseError(f"{name}, line {number}: not JSON ({exc}); write one object a line") from exc
        if not isinstance(fields, dict):
            raise MisuseError(f"{name}, line {number}: a JSON {type(fields).__name__}, not an object")
        yield number, fields


def _item(fields: Mapping[str, Any], where: str) -> Item:
    if "turns" not in fields:
        return _question(fields, where)
    own_id = _text(fields, "id", where)
    turns = fields["turns"]
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
        raise MisuseError(f'{where}: "turns" must be a list of questions, at least one')
    return EvalConversation(own_id, tuple(
        _question({**turn, "id": f"{own_id}.{number}"}, f"{where}, turn {number}", conversation=own_id, turn=number)
        for number, turn in enumerate(turns, 1)
    ))


def _question(fields: Mapping[str, Any], where: str, *, conversation: str = "", turn: int = 0) -> EvalQuestion:
    question = EvalQuestion(
        _text(fields, "id", where), _text(fields, "kind", where), _text(fields, "question", where),
        style=_text(fields, "style", where) if "style" in fields else "",
        papers=_texts(fields, "papers", where), borderline=_texts(fields, "borderline", where),
        evidence=_texts(fields, "evidence", where), answers=_texts(fields, "answers", where),
        nearest=_texts(fields, "nearest", where), references=_texts(fields, "references", where),
        spans=tuple(_texts({"spans": span}, "spans", where) for span in _list(fields, "spans", where)),
        conversation=conversation, turn=turn, where=where,
    )
    _check(question)
    return question


def _check(question: EvalQuestion) -> None:
    """Refuse what could never be answered rightly."""
    kind, where = question.kind, question.where
    if kind not in KINDS:
        raise MisuseError(f"{where}: no kind is called {kind!r}; choose one of {', '.join(KINDS)}")
    if kind == UNANSWERABLE and question.papers:
        raise MisuseError(f'{where}: an unanswerable question has no "papers"; what comes near goes under "nearest"')
    if kind in (*FACTS, *SEVERAL, "passage", "search") and not question.papers:
        raise MisuseError(f'{where}: a question of kind {kind} needs "papers", at least one FILE:LINE or paper_id')
    if kind in FACTS and not question.answers:
        raise MisuseError(f'{where}: a question of kind {kind} needs "answers": texts of which one must be said')
    if kind == "passage" and not (question.references or question.spans):
        raise MisuseError(f'{where}: a question of kind passage needs "references" or "spans"')


def _text(fields: Mapping[str, Any], name: str, where: str) -> str:
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and name == "id":
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise MisuseError(f'{where}: "{name}" must be a text and is {_shown(value)}')
    return value


def _list(fields: Mapping[str, Any], name: str, where: str) -> Sequence[Any]:
    value = fields.get(name, ())
    if not isinstance(value, list | tuple):
        raise MisuseError(f'{where}: "{name}" must be a list and is {_shown(value)}')
    return value


def _texts(fields: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    values = _list(fields, name, where)
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise MisuseError(f'{where}: "{name}" must be a list of texts; one is {_shown(value)}')
    return tuple(values)


def _shown(value: object) -> str:
    return "missing" if value is None else json.dumps(value, ensure_ascii=False)[:60]
