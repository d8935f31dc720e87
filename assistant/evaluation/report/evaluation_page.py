"""An evaluation as a page: the verdict first, then figures, plots, and every question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from assistant.evaluation.evaluation import Evaluation
from assistant.evaluation.measures.calibration import reliability
from assistant.evaluation.measures.judge import cohen_kappa
from assistant.evaluation.measures.refusal import risk_coverage
from assistant.evaluation.report.frame import page
from assistant.evaluation.report.headline import headline, tiles
from assistant.evaluation.report.plots import latency_plot, reliability_plot, risk_coverage_plot
from assistant.evaluation.report.questions import filters, question, worst_first
from assistant.evaluation.report.tables import KEY, definitions, kinds_table, measures_table
from assistant.evaluation.summary import HALVES, alone

HIDDEN = ("fingerprint", "papers_sha256")  # of no interest to a reader


def evaluation_page(evaluation: Evaluation, *, missed: Sequence[str] | None = None, reserved: bool = False) -> str:
    """The page.

    Args:
        missed: what is below the floor; None where no floor applies.
        reserved: whether the `report` half is to be measured and not read: its questions are then shown on demand.
    """
    return page(f"Evaluation: {evaluation.questions}", [*_body(evaluation, missed, reserved)])


def _body(evaluation: Evaluation, missed: Sequence[str] | None, reserved: bool) -> Iterator[str]:
    yield f"<h1>Evaluation on {escape(evaluation.questions)}</h1>"
    yield from overview(evaluation, missed=missed)
    yield "<h2>Every question</h2>"
    if reserved:
        yield ('<p class="note">Questions of the report half are there to measure with. Reading their failures and '
               "mending them would make its figures worthless, so they show only when chosen.</p>")
    yield from filters(evaluation.results, half="choose" if reserved else "")
    yield '<div id="questions">'
    for result in worst_first(evaluation.results):
        yield "".join(question(result))
    yield "</div>"


def overview(evaluation: Evaluation, *, missed: Sequence[str] | None = None) -> Iterator[str]:
    """Verdict, figures and plots: all but the questions. For ``missed`` see `evaluation_page`."""
    yield f'<p class="verdict">{escape(headline(evaluation))}</p>'
    if missed is not None:
        yield from _floor(missed)
    yield f'<p class="facts">{escape(about(evaluation))}</p>'
    if all(evaluation.figures[half] for half in HALVES):
        yield '<p class="facts">report: the half of the questions nothing was tuned on; choose: the other half.</p>'
    yield from _tiles(evaluation)
    yield "<h2>By kind of question</h2>" + KEY
    yield from kinds_table(evaluation)
    yield "<h2>Confidence and time</h2>"
    yield from _plots(evaluation)
    yield "<h2>All measures</h2>" + KEY
    yield from measures_table(evaluation)
    yield from definitions(evaluation)
    yield from _judge(evaluation)


def about(evaluation: Evaluation) -> str:
    """What was evaluated, on one line."""
    said = [f"{name.replace('_', ' ')} {value}" for name, value in evaluation.about.items() if name not in HIDDEN]
    turns = sum(result.turn > 0 for result in evaluation.results)
    asked = f"{len(evaluation.results) - turns} questions"
    if turns:
        asked += f" and {turns} turns of conversations"
    return " · ".join([asked, *said, evaluation.finished.partition("T")[0]]).removesuffix(" · ")


def _floor(missed: Sequence[str]) -> Iterator[str]:
    if not missed:
        yield '<p class="floor good">Every measure with a floor is above it.</p>'
        return
    yield '<p class="floor bad">Below the floor: ' + escape("; ".join(missed)) + ".</p>"


def _tiles(evaluation: Evaluation) -> Iterator[str]:
    yield '<div class="tiles">'
    for name, label, found in tiles(evaluation):
        other = evaluation.figures["choose"].get(name)
        yield f'<div class="tile"><span>{escape(label)}</span><b>{found.mean:.2f}</b>'
        yield f"<span>[{found.low:.2f}, {found.high:.2f}]</span>"
        yield f"<span>choose {other.mean:.2f}</span></div>" if other and other is not found else "</div>"
    if evaluation.latency:
        yield f'<div class="tile"><span>ms an answer</span><b>{evaluation.latency.p50:.0f}</b>'
        yield f"<span>median</span><span>p95 {evaluation.latency.p95:.0f}</span></div>"
    yield "</div>"


def _plots(evaluation: Evaluation) -> Iterator[str]:
    curves, bins = {}, {}
    for half in HALVES:
        results = [result for result in alone(evaluation.results) if result.half == half]
        if results:
            sure = np.array([float(result.answer["confidence"]) for result in results])
            outcome = np.array([result.outcome for result in results])
            coverage, risk = risk_coverage(sure, outcome)
            curves[half] = (coverage.tolist(), risk.tolist())
            bins[half] = reliability(sure, outcome)
    yield '<div class="plots">'
    if curves:
        yield f'<div class="card"><h3>Risk and coverage</h3>{risk_coverage_plot(curves)}'
        yield '<p class="note">Lower is better. Questions the collection cannot answer count as wrong when answered.'
        yield "</p></div>"
        yield f'<div class="card"><h3>Reliability</h3>{reliability_plot(bins)}'
        yield '<p class="note">On the broken line, confidence is what it says. A dot’s area is its share of questions.'
        yield "</p></div>"
    if evaluation.latency:
        times = [result.elapsed_ms for result in evaluation.results]
        plot = latency_plot(times, p50=evaluation.latency.p50, p95=evaluation.latency.p95)
        yield f'<div class="card"><h3>Latency</h3>{plot}'
        yield f'<p class="note">One after the other; the longest took {evaluation.latency.longest:.0f} ms.</p></div>'
    yield "</div>"


def _judge(evaluation: Evaluation) -> Iterator[str]:
    """How far an optional judge agrees with the measures."""
    said = judge_agreement(evaluation)
    if said:
        yield f'<h2>The judge</h2><p>{escape(said)}</p>'


def judge_agreement(evaluation: Evaluation) -> str:
    """Agreement of the judge with the measures, in a sentence; "" without a judge."""
    judged = [result for result in evaluation.results if result.judged is not None]
    if not judged:
        return ""
    judge = [bool(result.judged) for result in judged]
    measured = [result.values["right"] >= 0.5 for result in judged]
    agreed = sum(a == b for a, b in zip(judge, measured, strict=True))
    return (
        f"The judge agrees with the measures (right from 0.5 up) on {agreed} of {len(judged)} questions, Cohen's kappa "
        f"{cohen_kappa(judge, measured):.2f}; it calls {sum(judge)} right, they {sum(measured)}."
    )
