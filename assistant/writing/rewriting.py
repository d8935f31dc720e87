"""A follow-up put into words of its own by a language model, from as much of the conversation as a budget allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.answering.citations import shorten
from assistant.backends.counting import count_tokens
from assistant.backends.messages import BackendError
from assistant.records import Turn
from assistant.writing import prompts
from assistant.writing.calls import Calls
from assistant.writing.reply import find_json

ANSWER_CHARS = 300   # of the newest answer; of older ones the titles of what they cite


def rewritten(question: str, turns: Sequence[Turn], calls: Calls, *, budget: int) -> str | None:
    """The question as the model puts it; None if it fails or says what cannot be read."""
    shown = conversation(turns, budget=budget, count=lambda text: count_tokens(text, calls.backend.model))
    try:
        reply = calls.complete(prompts.rewriting(question, shown), schema=prompts.REWRITTEN)
    except BackendError:
        return None
    found = find_json(reply.text)
    text = found.get("question") if isinstance(found, dict) else None
    if found is None and " " in reply.text.strip() and not re.search(r"[{\n]", reply.text.strip()):
        text = reply.text  # a bare question
    return " ".join(text.split()) if isinstance(text, str) and text.strip() else None


def conversation(turns: Sequence[Turn], *, budget: int, count: Callable[[str], int]) -> str:
    """The newest turns that fit into a budget of tokens, oldest first.

    Of the newest, the answer's beginning is given; older ones are summarised by the titles of what they cite, or
    dropped.
    """
    kept: list[str] = []
    left = budget
    for age, turn in enumerate(reversed(turns)):
        said = shorten(turn.answer.text, ANSWER_CHARS) if age == 0 else _summary(turn)
        text = f"User: {prompts.as_data(turn.searched)}\nAssistant: {prompts.as_data(said)}"
        cost = count(text) + 1
        if cost > left:
            break
        left -= cost
        kept.append(text)
    return "\n".join(reversed(kept))


def _summary(turn: Turn) -> str:
    if turn.answer.abstained:
        return "(no answer)"
    titles = dict.fromkeys(shorten(citation.title or citation.quote, 60) for citation in turn.answer.citations)
    return "(cited: " + "; ".join(list(titles)[:5]) + ")"
