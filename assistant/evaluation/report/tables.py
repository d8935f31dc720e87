"""The tables of the page: by kind, by measure, and what the measures mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from assistant.evaluation.bootstrap import Estimate
from assistant.evaluation.evaluation import Evaluation
from assistant.evaluation.measures import DEFINED, MEASURES
from assistant.evaluation.report.plots import interval_bar
from assistant.evaluation.summary import HALVES, Row, names

SECTIONS = {
    "answers": ("right", "fact answered", "answer string", "ROUGE-L", "sentence precision", "sentence recall",
                "turn right", "words"),
    "lists and counts": ("list precision", "list recall", "list F1", "count right"),
    "citations": ("first citation", "all papers cited", "evidence quoted", "citation recall", "citation precision",
                  "quote exactness"),
    "refusal and confidence": ("refused", "false refusal", "refusal AUROC", "AURC", "ECE", "confidence"),
    "search": ("nDCG@10", "R@1", "R@5", "R@20", "RR", "AP"),
    "cost": ("prompt tokens", "cost"),
}
KEY = (
    '<p class="key"><span><svg viewBox="0 0 26 12"><rect class="report bar" y="2" width="22" height="8" rx="2"/>'
    '<path class="whisker" d="M14 6H25M14 3V9M25 3V9"/></svg>report, with its 95 % interval</span>'
    '<span><svg viewBox="0 0 26 12"><path class="choose tick" d="M13 0V12"/></svg>choose</span></p>'
)


def scrolled(label: str) -> str:
    """The beginning of what may be wider than a phone, and is then moved by keys too."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'


def number(found: Estimate | None, *, interval: bool = True) -> str:
    """A figure with its interval, as HTML."""
    if found is None:
        return '<span class="muted">–</span>'
    form = ".0f" if found.mean >= 10 else ".2f"
    if not interval:
        return f"{found.mean:{form}}"
    return f"{found.mean:{form}} <small>[{found.low:{form}}, {found.high:{form}}]</small>"


def sizes(own: Mapping[str, Estimate]) -> str:
    """How many questions a figure is over, of `report` and of `choose`."""
    return " + ".join(str(own[half].n) for half in reversed(HALVES) if half in own)


def kinds_table(evaluation: Evaluation) -> Iterator[str]:
    """A row a kind, a smaller one a style."""
    yield scrolled("By kind of question")
    yield '<table><thead><tr><th>kind</th><th>how right</th><th>report</th><th>choose</th>'
    yield '<th class="number wide">questions</th><th class="number wide">refused</th>'
    yield '<th class="number wide">first citation</th><th class="number wide">R@5</th></tr></thead><tbody>'
    for row in evaluation.kinds:
        right = {half: own["right"] for half, own in row.figures.items() if "right" in own}
        label = row.style or row.kind
        yield f'<tr class="{"style" if row.style else "kind"}"><td>{escape(label)}</td>'
        yield f"<td>{interval_bar(right, f'{row.kind} {row.style}')}</td>"
        yield f"<td>{number(right.get('report'))}</td><td>{number(right.get('choose'), interval=False)}</td>"
        yield f'<td class="number wide">{sizes(right)}</td>'
        for wanted in (("refused", "false refusal"), ("first citation",), ("R@5",)):
            yield f'<td class="number wide">{number(_of_report(row, wanted), interval=False)}</td>'
        yield "</tr>"
    yield "</tbody></table></div>"


def _of_report(row: Row, wanted: tuple[str, ...]) -> Estimate | None:
    own = row.figures.get("report") or row.figures.get("choose") or {}
    return next((own[name] for name in wanted if name in own), None)


def measures_table(evaluation: Evaluation) -> Iterator[str]:
    """Every measure that applies, by what it is about."""
    figures = evaluation.figures
    yield scrolled("All measures")
    yield '<table><thead><tr><th>measure</th><th></th><th>report</th><th>choose</th>'
    yield '<th class="number wide">questions</th></tr></thead><tbody>'
    every = names(figures)
    for section, of_section in SECTIONS.items():
        there = [name for name in every if name.partition(":")[0] in of_section]
        if there:
            yield f'<tr class="section"><td colspan="5">{section}</td></tr>'
        for name in there:
            own = {half: figures[half][name] for half in HALVES if name in figures[half]}
            share = MEASURES[name].share if name in MEASURES else True
            yield f"<tr><td>{escape(name)}</td><td>{interval_bar(own, name) if share else ''}</td>"
            yield f"<td>{number(own.get('report'))}</td><td>{number(own.get('choose'))}</td>"
            yield f'<td class="number wide">{sizes(own)}</td></tr>'
    yield "</tbody></table></div>"


def definitions(evaluation: Evaluation) -> Iterator[str]:
    """What each measure of the page means, and who defined it."""
    yield '<details class="more"><summary>What the measures mean, and where they are defined</summary>'
    yield '<dl class="card definitions">'
    for name, found in DEFINED.items():
        if any(name in evaluation.figures[half] for half in HALVES):
            yield f"<dt>{escape(name)}</dt><dd>{escape(found.definition)}</dd>"
            if found.source:
                yield f"<dd>{escape(found.source)}</dd>"
    yield "</dl></details>"
