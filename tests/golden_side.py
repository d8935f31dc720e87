"""One side of ``golden.py``: asks questions with the code of one tree and writes down all that is made of the answers.

Runs in a process of its own whose PYTHONPATH says which tree; it is told what to do in JSON on its standard input:
``tree``, ``out`` (the file to write), and ``collections``, each with the ``folder`` it works in (of ``.assistant`` and
perhaps ``.env``), the ``items`` to ask, and perhaps ``rate``, what a user thinks of the newest conversation.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant import Answer, Assistant, Settings

# What is needed besides the front door -> every place it has had, oldest first; the first that exists is taken.
LOCATIONS: Mapping[str, tuple[str, ...]] = {
    "Dialogue": ("assistant.dialogue:Dialogue",),
    "Turn": ("assistant.followup:Turn", "assistant.records:Turn"),
    "answer_json": ("assistant.ui.render:answer_json", "assistant.records:answer_json"),
    "answer_text": ("assistant.ui.render:answer_text",),
    "export": ("assistant.ui.export:export",),
    "turn_html": ("assistant.ui.page.shown.answer:turn_html",),
    "cited": ("assistant.ui.page.shown.cited:cited",),
    "Conversations": ("assistant.conversations:Conversations", "assistant.conversation.history:Conversations"),
    "Feedback": ("assistant.conversations:Feedback", "assistant.conversation.history:Feedback"),
}


def locate(name: str, locations: Mapping[str, Sequence[str]] = LOCATIONS) -> Any:
    """What a name stands for in this tree.

    Raises:
        LookupError: it is in none of its places.
    """
    for place in locations[name]:
        module, _, attribute = place.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as exc:
            if exc.name is None or not f"{module}.".startswith(f"{exc.name}."):
                raise  # the module is there, and what it imports is not
        except AttributeError:
            pass
    raise LookupError(
        f"{name} is not at {' or '.join(locations[name])}; add where it is now to LOCATIONS in tests/golden_side.py"
    )


def main() -> None:
    job = json.load(sys.stdin)
    own = Path(importlib.import_module("assistant").__file__ or "").resolve()
    if not own.is_relative_to(Path(job["tree"]).resolve()):
        raise SystemExit(f"the code of {own.parent} would answer, not that of {job['tree']}")
    found = {name: locate(name) for name in LOCATIONS}  # before any work
    with open(job["out"], "a", encoding="utf-8") as out:
        for collection in job["collections"]:
            os.chdir(collection["folder"])
            if "rate" in collection:
                rate(found, *collection["rate"])
            with Assistant.open() as assistant:
                for item in collection["items"]:
                    for name, output, text in asked(assistant, item, found):
                        print(json.dumps({"id": name, "output": output, "text": text}), file=out)


def rate(found: Mapping[str, Any], turn: int, useful: bool, comment: str) -> None:
    """Keep what a user thinks of a turn of the newest conversation."""
    with found["Conversations"](Settings().home) as conversations:
        conversations.rate("", turn, found["Feedback"](useful, comment))


def asked(assistant: Assistant, item: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(id, output, text) of all that is made of the answer to a question, or of each answer of a conversation."""
    if "turns" not in item:
        question = item["question"]
        yield from _guarded(item["id"], lambda: [
            ("ranking", "\n".join(assistant.ranking(question, limit=10))),
            *_outputs(assistant, found["Turn"](question, question, assistant.ask(question)), 1, found),
        ])
        return
    dialogue = found["Dialogue"](assistant)
    for number, question in enumerate(item["turns"], 1):
        yield from _guarded(f"{item['id']}.{number}", lambda question=question, number=number: [
            ("question", dialogue.ask(question) and dialogue.turns[-1].searched),
            *_outputs(assistant, dialogue.turns[-1], number, found),
        ])


def _guarded(name: str, made: Callable[[], Sequence[tuple[str, str]]]) -> Iterator[tuple[str, str, str]]:
    """An error is an output too: the other side may have an answer."""
    try:
        yield from [(name, output, text) for output, text in made()]
    except Exception as exc:
        yield name, "error", "".join(traceback.format_exception_only(exc)).strip()


def _outputs(assistant: Assistant, turn: Any, number: int, found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(output, text) of one answer, its times all zero."""
    answer: Answer = replace(turn.answer, timings=dict.fromkeys(turn.answer.timings, 0.0))
    papers = {paper.paper_id: paper for paper in assistant.papers([c.paper_id for c in answer.citations])}
    yield "json", json.dumps(found["answer_json"](answer), ensure_ascii=False, indent=1)
    yield "text", found["answer_text"](answer, near_misses=True)
    yield "page", found["turn_html"](replace(turn, answer=answer), number, rated=True, trace=True)
    yield "panel", "\n".join(found["cited"](papers[c.paper_id], c.start, c.end) for c in answer.citations)
    for form in ("md", "csv", "bib"):
        yield form, found["export"](answer, form, papers)


if __name__ == "__main__":
    main()
