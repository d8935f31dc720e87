"""A comparison as a page: the differences, then the questions that changed, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from assistant.evaluation.compare import Change, Comparison, Pair
from assistant.evaluation.measures import MEASURES
from assistant.evaluation.report.comparison_headline import comparison_headline
from assistant.evaluation.report.evaluation_page import about
from assistant.evaluation.report.frame import page
from assistant.evaluation.report.plots import difference_bar
from assistant.evaluation.report.questions import answer, chips, colour, gold, select, values
from assistant.evaluation.report.tables import scrolled
from assistant.evaluation.summary import HALVES

REACH = 0.3  # of the middle line to either end of a difference's bar


def comparison_page(comparison: Comparison, *, reserved: bool = False) -> str:
    """The page; of a ``reserved`` set the questions of the `report` half are shown on demand."""
    return page("Comparison", [*_body(comparison, reserved)])


def _body(comparison: Comparison, reserved: bool) -> Iterator[str]:
    yield "<h1>Comparison</h1>"
    yield f'<p class="verdict">{escape(comparison_headline(comparison))}</p>'
    yield f'<p class="facts">Before: {escape(about(comparison.before))}<br>'
    yield f"After: {escape(about(comparison.after))}</p>"
    for half in reversed(HALVES):
        if comparison.changes[half]:
            yield f"<h2>Differences on {half}</h2>"
            yield from _table(comparison.changes[half])
    yield f"<h2>Questions that changed: {len(comparison.changed)}</h2>"
    yield '<div class="filters"><input id="search" type="search" placeholder="search questions and answers" '
    yield 'aria-label="search questions and answers">'
    yield from select("half", "both halves", sorted({b.half for _, b in comparison.changed}),
                      chosen="choose" if reserved else "")
    yield from select("kind", "all kinds", list(dict.fromkeys(b.group for _, b in comparison.changed)))
    yield "</div>"
    yield from chips(dict.fromkeys(_direction(pair) for pair in comparison.changed))
    yield '<div id="questions">'
    for pair in comparison.changed:
        yield "".join(_pair(pair))
    yield "</div>"


def _table(changes: list[Change]) -> Iterator[str]:
    yield scrolled("Differences") + '<table><thead><tr><th>measure</th><th>difference</th>'
    yield '<th>after − before, 95 % interval</th><th class="number">before</th><th class="number">after</th>'
    yield '<th class="number wide">questions</th></tr></thead><tbody>'
    for change in changes:
        tone = {"better": "good", "worse": "bad"}.get(change.verdict, "")
        share = MEASURES[change.name].share if change.name in MEASURES else True
        bar = difference_bar(change.change, change.name, reach=REACH, verdict=change.verdict) if share else ""
        found = change.change
        yield f'<tr><td>{escape(change.name)}</td><td>{bar}</td><td class="{tone}">{found.mean:+.3f} '
        yield f"<small>[{found.low:+.3f}, {found.high:+.3f}]</small> {change.verdict}</td>"
        yield f'<td class="number">{change.before:.3f}</td><td class="number">{change.after:.3f}</td>'
        yield f'<td class="number wide">{found.n}</td></tr>'
    yield "</tbody></table></div>"


def _direction(pair: Pair) -> str:
    gain = pair[1].values["right"] - pair[0].values["right"]
    return "better" if gain > 0 else "worse" if gain < 0 else "otherwise"


def _pair(pair: Pair) -> Iterator[str]:
    before, after = pair
    direction = _direction(pair)
    tone = {"better": "good", "worse": "bad"}.get(direction, "warn")
    yield (
        f'<details data-half="{escape(after.half)}" data-kind="{escape(after.group)}" data-verdict="{direction}">'
        f'<summary><span class="badge {tone}">{direction} '
        f"<small>{before.values['right']:.2f} → {after.values['right']:.2f}</small></span>"
        f'<span class="asked">{escape(after.question)}</span>'
        f"<small>{escape(after.group)} · {escape(after.half)}</small>"
        '</summary><div class="body"><div class="sides">'
    )
    for name, side in (("Before", before), ("After", after)):
        yield f'<div><p class="{colour(side.verdict)}">{name}: {escape(side.verdict)}</p>'
        yield from answer(side)
        yield f'<p class="values">{values(side)}</p></div>'
    yield "</div>"
    yield from gold(after)
    yield "</div></details>"
