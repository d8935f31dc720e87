"""Evaluations and comparisons as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assistant.evaluation.bootstrap import Estimate
from assistant.evaluation.compare import Comparison
from assistant.evaluation.evaluation import Evaluation
from assistant.evaluation.report.comparison_headline import comparison_headline
from assistant.evaluation.report.evaluation_page import about, judge_agreement
from assistant.evaluation.report.headline import headline
from assistant.evaluation.report.questions import worst_first
from assistant.evaluation.summary import HALVES, names

MAX_FAILURES = 40


def evaluation_markdown(
    evaluation: Evaluation, *, missed: Sequence[str] | None = None, reserved: bool = False
) -> str:
    """The figures, and the worst questions; of a ``reserved`` set those of the `choose` half only."""
    return "\n".join([*_evaluation(evaluation, missed, reserved), ""])


def _evaluation(evaluation: Evaluation, missed: Sequence[str] | None, reserved: bool) -> Iterator[str]:
    yield f"# Evaluation on {_plain(evaluation.questions)}\n"
    yield headline(evaluation) + "\n"
    if missed is not None:
        yield ("Below the floor: " + "; ".join(missed) + "." if missed
               else "Every measure with a floor is above it.") + "\n"
    yield _plain(about(evaluation)) + "\n"
    yield from measures(evaluation)
    if evaluation.latency:
        yield (f"\nAn answer takes {evaluation.latency.p50:.0f} ms (p95 {evaluation.latency.p95:.0f}, longest "
               f"{evaluation.latency.longest:.0f}).")
    yield "\n## By kind\n\n| kind | style | choose | report |\n| --- | --- | --- | --- |"
    for row in evaluation.kinds:
        cells = [cell(row.figures.get(half, {}).get("right")) for half in HALVES]
        yield f"| {row.kind} | {_plain(row.style)} | {' | '.join(cells)} |"
    if said := judge_agreement(evaluation):
        yield "\n" + said
    worst = [
        result for result in worst_first(evaluation.results)
        if result.verdict != "right" and not (reserved and result.half == "report")
    ]
    if worst:
        scope = " of the choose half" if reserved else ""
        yield f"\n## What went wrong{scope}: {len(worst)} questions, the first {min(MAX_FAILURES, len(worst))}\n"
        yield "| verdict | id | question | answer |\n| --- | --- | --- | --- |"
        for result in worst[:MAX_FAILURES]:
            yield (f"| {result.verdict} | {_plain(result.id)} | {_plain(result.question, 120)} | "
                   f"{_plain(result.answer['text'], 160)} |")


def measures(evaluation: Evaluation) -> Iterator[str]:
    """A row a measure, the halves side by side."""
    yield "| measure | choose | report |\n| --- | --- | --- |"
    for name in names(evaluation.figures):
        cells = " | ".join(cell(evaluation.figures[half].get(name)) for half in HALVES)
        yield f"| {_plain(name)} | {cells} |"


def cell(found: Estimate | None) -> str:
    """A figure with its interval and its number of questions."""
    return str(found) if found else "–"


def comparison_markdown(comparison: Comparison) -> str:
    """Differences with intervals, and which questions changed."""
    lines = ["# Comparison\n", comparison_headline(comparison) + "\n",
             "Before: " + _plain(about(comparison.before)) + "\n", "After: " + _plain(about(comparison.after)) + "\n"]
    for half in reversed(HALVES):
        if comparison.changes[half]:
            lines.append(f"## {half}\n\n| measure | before | after | difference | |\n| --- | --- | --- | --- | --- |")
        lines += [
            f"| {change.name} | {change.before:.3f} | {change.after:.3f} | {change.change.mean:+.3f} "
            f"[{change.change.low:+.3f}, {change.change.high:+.3f}] n={change.change.n} | {change.verdict} |"
            for change in comparison.changes[half]
        ] + [""]
    lines.append(f"## Questions that changed: {len(comparison.changed)}\n")
    if comparison.changed:
        lines.append("| id | half | before | after | question |\n| --- | --- | --- | --- | --- |")
    lines += [
        f"| {_plain(a.id)} | {a.half} | {a.verdict} {a.values['right']:.2f} | {b.verdict} {b.values['right']:.2f} | "
        f"{_plain(a.question, 120)} |" for a, b in comparison.changed
    ]
    return "\n".join([*lines, ""])


def _plain(text: str, limit: int = 400) -> str:
    """Foreign text in a table cell: one line, no markup."""
    line = " ".join(text.split())
    line = line if len(line) <= limit else line[:limit].rstrip() + " …"
    return "".join(f"\\{character}" if character in "\\|`*_[]<>&#!" else character for character in line)
