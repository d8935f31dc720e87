"""``assistant ask --batch``: each line of a file a question or a conversation, each line printed an answer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.retrieval.filters import Filters


def batch_lines(path: str) -> list[str]:
    """The lines of a batch file, empty ones included.

    Raises:
        MisuseError: it cannot be read.
    """
    from assistant.errors import MisuseError

    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return file.read().split("\n")
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise MisuseError(f"the batch file {os.path.basename(path)!r} cannot be read ({reason})") from exc


def answer_batch(assistant: Assistant, lines: Sequence[str], filters: Filters) -> int:
    """Print the answers as they come; returns the exit status."""
    failed = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        reply = _answer_line(assistant, line, number, filters)
        failed = failed or "error" in reply
        print(json.dumps(reply, ensure_ascii=False), flush=True)
    return 1 if failed else 0


def _answer_line(assistant: Assistant, line: str, number: int, filters: Filters) -> dict[str, Any]:
    from assistant.conversation.dialogue import Dialogue
    from assistant.errors import AssistantError
    from assistant.records import answer_json

    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as exc:
        return {"id": None, "error": f"line {number} is not JSON ({exc})"}
    if not isinstance(request, dict):
        return {"id": None, "error": f'line {number} is not an object like {{"id": "1", "question": "…"}}'}
    asked_id = request.get("id")
    turns = request.get("turns")
    questions = list(_questions(turns)) if isinstance(turns, list) else None
    try:
        if isinstance(request.get("question"), str):
            answer = answer_json(assistant.ask(request["question"], answer_id=_text(asked_id), filters=filters))
            return answer if asked_id is None else answer | {"id": asked_id}
        if questions and None not in questions:
            dialogue = Dialogue(assistant)
            answers = [answer_json(dialogue.ask(question or "", filters=filters)) for question in questions]
            return {"id": asked_id, "turns": answers}
    except AssistantError as exc:
        return {"id": asked_id, "error": str(exc)}
    return {"id": asked_id, "error": f'line {number} has neither "question": text nor "turns": a list of texts'}


def _questions(turns: Sequence[object]) -> Iterator[str | None]:
    """A turn is a text, or an object with one under "question"."""
    for turn in turns:
        text = turn.get("question") if isinstance(turn, dict) else turn
        yield text if isinstance(text, str) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
