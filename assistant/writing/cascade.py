"""The answerer that quotes while that is sure enough, and asks a language model when it is not."""

from __future__ import annotations

from dataclasses import replace

from assistant.records import Answer
from assistant.writing.calls import Calls
from assistant.writing.fallback import quoted
from assistant.writing.generative import Generative, Task, settled
from assistant.writing.stream import Pieces


def quoting_will_do(task: Task, *, confident: float) -> str:
    """Why no model is asked; empty if one is.

    Args:
        confident: calibrated confidence, 0–1, from which the extractive answer goes out.
    """
    draft = task.draft
    if why := settled(task):
        return why
    if not draft.abstained and draft.confidence >= confident:
        return f"confidence {draft.confidence:.2f}, at least {confident:g}"
    return ""


class Cascade:
    """Quotes, or lets `Generative` write; the trace says which and why."""

    def __init__(self, generative: Generative, *, confident: float) -> None:
        self._generative = generative
        self._confident = confident

    def write(self, task: Task, calls: Calls) -> Pieces:
        """See `Generative.write`."""
        if why := quoting_will_do(task, confident=self._confident):
            yield from quoted(task.draft, f"cascade: quoted: {why}")
            return
        draft = task.draft
        why = "quoting finds no answer" if draft.abstained else (
            f"confidence {draft.confidence:.2f}, below {self._confident:g}"
        )
        for piece in self._generative.write(task, calls):
            yield piece if isinstance(piece, str) else _noted(piece, f"cascade: asked {calls.backend.name}: {why}")


def _noted(answer: Answer, why: str) -> Answer:
    return replace(answer, trace=(*answer.trace, why))
