"""One evaluation as a value: what was evaluated, on what, and every result; and its JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import MisuseError
from assistant.evaluation.bootstrap import Estimate
from assistant.evaluation.measures import DEFINED
from assistant.evaluation.questions import Item
from assistant.evaluation.result import Result
from assistant.evaluation.run import Ask, Progress, examine
from assistant.evaluation.subject import Chat, Product
from assistant.evaluation.summary import Latency, Row, by_kind, latency, summarise

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.evaluation.case import Subject
    from assistant.evaluation.journal import Journal
    from assistant.evaluation.measures.judge import Judge

SCHEMA = 1


@dataclass(frozen=True)
class Evaluation:
    """All that is known after the last question. Figures are computed when first looked at."""

    about: Mapping[str, str | int]  # of the subject: backend, model, papers …
    questions: str                  # name of the question set
    results: tuple[Result, ...]
    seconds: float = 0.0            # of asking, as far as this process did it
    finished: str = ""              # ISO time

    @cached_property
    def figures(self) -> dict[str, dict[str, Estimate]]:
        """half -> measure -> figure."""
        return summarise(self.results)

    @cached_property
    def kinds(self) -> list[Row]:
        """Figures by kind of question."""
        return by_kind(self.results)

    @cached_property
    def latency(self) -> Latency | None:
        """How long answers took."""
        return latency(self.results)

    def to_json(self) -> dict[str, Any]:
        """Everything, under fixed names. All that may differ from run to run is under "timings"."""
        definitions = {
            name: {"definition": found.definition, "source": found.source, "better": found.better}
            for name, found in DEFINED.items()
        }
        return {
            "schema": SCHEMA, "subject": dict(self.about), "question_set": self.questions,
            "figures": {
                half: {name: asdict(found) for name, found in own.items()} for half, own in self.figures.items()
            },
            "by_kind": [
                {"kind": row.kind, "style": row.style, "figures": {
                    half: {name: asdict(found) for name, found in own.items()} for half, own in row.figures.items()
                }} for row in self.kinds
            ],
            "measures": definitions,
            "questions": [result.to_json() for result in self.results],
            "timings": {
                "finished": self.finished, "seconds": round(self.seconds, 1),
                "latency_ms": asdict(self.latency) if self.latency else None,
                "elapsed_ms": {result.id: result.elapsed_ms for result in self.results},
            },
        }


def evaluate(
    subject: Subject | Assistant, items: Sequence[Item] | None = None, *, questions: str = "questions.jsonl",
    chat: Chat | None = None, judge: Judge | None = None, journal: Journal | None = None,
    progress: Progress | None = None, ask: Ask | None = None,
) -> Evaluation:
    """Ask questions with known answers and measure the answers.

    Args:
        subject: an `Assistant`, or anything with the methods of `Subject`.
        items: questions and conversations; default: the fixed set, which is about ``seeds/``.
        questions: what to call them.
        chat: makes, for an `Assistant`, the engine of a conversation; default: `conversation.dialogue.Dialogue`.
        judge: says of each answer whether it is right; off by default. Its agreement with the measures is shown.
        journal: keeps results as they come, and has those of an earlier run that was stopped.
        progress: called after each question.
        ask: asks in other processes, see `assistant.evaluation.workers`; default: in this one.
    Raises:
        MisuseError: a question names a paper that the collection does not have.

    >>> from assistant import Assistant
    >>> evaluate(Assistant.open()).figures["report"]["fact answered"].mean  # doctest: +SKIP
    """
    from assistant.api import Assistant
    from assistant.evaluation.questions import load

    asked = Product(subject, chat) if isinstance(subject, Assistant) else subject
    began = time.perf_counter()
    results = examine(
        asked, load() if items is None else items, journal=journal, judge=judge, progress=progress,
        ask=ask,
    )
    return Evaluation(
        asked.about(), questions, tuple(results), time.perf_counter() - began,
        time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    )


def read_evaluation(path: Path) -> Evaluation:
    """What was written as ``report.json``.

    Raises:
        MisuseError: it is not there, or is something else.
    """
    from assistant.evaluation.questions import read_text

    try:
        found = json.loads(read_text(path))
        if found["schema"] != SCHEMA:
            raise MisuseError(f"{path.name} has schema {found['schema']!r}, this program reads {SCHEMA}")
        timings = found["timings"]
        results = tuple(
            Result.from_json(fields, timings["elapsed_ms"][fields["id"]]) for fields in found["questions"]
        )
        return Evaluation(
            found["subject"], found["question_set"], results, timings["seconds"], timings["finished"]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise MisuseError(
            f"{path.name} is not a report.json that assistant eval wrote ({type(exc).__name__}: {exc})"
        ) from exc
