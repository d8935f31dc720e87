"""Ask every question, measure every answer, hold the means against the floor.

    python -m assistant.evaluation.run            # the table
    python -m assistant.evaluation.run --check    # and exit 1 if a mean on `report` is below floor.json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

from assistant.evaluation.measures import Gold, interval, measure
from assistant.evaluation.questions import EvalQuestion, load_questions

if TYPE_CHECKING:
    from assistant.api import Assistant

Table = dict[str, dict[str, list[float]]]  # half -> measure -> one value a question


def evaluate(assistant: Assistant, questions: Sequence[EvalQuestion]) -> Table:
    """Ask the questions and measure the answers, ``choose`` and ``report`` apart."""
    table: Table = {"choose": {}, "report": {}}
    for question in questions:
        gold = Gold(
            frozenset(assistant.paper_ids(question.papers)), frozenset(assistant.paper_ids(question.borderline))
        )
        for name, value in measure(question, assistant.ask(question.question), gold).items():
            table[question.split].setdefault(name, []).append(value)
    return table


def as_markdown(table: Table) -> str:
    """Means with 95 % intervals, a row a measure."""
    names = sorted({name for half in table.values() for name in half})
    lines = ["| measure | choose | report |", "| --- | --- | --- |"]
    for name in names:
        cells = [_cell(name, table[half].get(name, [])) for half in ("choose", "report")]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def below_floor(table: Table, floor: dict[str, float]) -> list[str]:
    """Every measure on ``report`` that is worse than its floor, as a sentence; "false refusal" has a ceiling."""
    found = []
    for name, bound in sorted(floor.items()):
        mean = fmean(table["report"][name])
        worse = mean > bound if name == "false refusal" else mean < bound
        if worse:
            found.append(f"{name} is {mean:.3f} on report, the bound is {bound:.3f}")
    return found


def load_floor() -> dict[str, float]:
    """The bounds in ``floor.json``."""
    floor: dict[str, float] = json.loads(files(__package__).joinpath("floor.json").read_text("utf-8"))["bounds"]
    return floor


def _cell(name: str, values: list[float]) -> str:
    if not values:
        return "–"
    if name == "words":
        return f"median {median(values):.0f}"
    low, high = interval(values)
    return f"{fmean(values):.3f} [{low:.3f}, {high:.3f}] n={len(values)}"


def main() -> int:
    """Build an index of ``seeds/`` in a folder of its own, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=Path, default=Path("seeds"), help="folder of the five dumps (default: seeds)")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a mean on report is below its floor")
    arguments = parser.parse_args()
    from assistant.api import Assistant
    from assistant.embedder import open_embedder
    from assistant.settings import Settings
    from ingest.pipeline import ingest

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), chroma_url=None)
        ingest([arguments.seeds], settings, open_embedder(
            settings.embedder_dir, threads=settings.threads, precision=settings.precision
        ))
        with Assistant.open(settings) as assistant:
            table = evaluate(assistant, load_questions())
    print(as_markdown(table))
    failures = below_floor(table, load_floor()) if arguments.check else []
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
