"""Plots as inline SVG: colours come from the page's style sheet, so they follow light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

from assistant.evaluation.bootstrap import Estimate
from assistant.evaluation.measures.calibration import Bin

WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 40  # margins of a plot with axes
BAR_WIDTH, BAR_HEIGHT = 180, 18
FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def interval_bar(figures: Mapping[str, Estimate], label: str) -> str:
    """Figures of 0–1 as a bar with its interval for ``report``, and a tick for ``choose``."""
    parts = [f'<rect class="track" x="0" y="5" width="{BAR_WIDTH}" height="8" rx="2"/>']
    if found := figures.get("report"):
        parts.append(f'<rect class="report bar" x="0" y="5" width="{_at(found.mean)}" height="8" rx="2"/>')
        low, high = _at(found.low), _at(found.high)
        parts.append(f'<path class="whisker" d="M{low} 9H{high}M{low} 6V12M{high} 6V12"/>')
    if found := figures.get("choose"):
        parts.append(f'<path class="choose tick" d="M{_at(found.mean)} 1V17"/>')
    said = "; ".join(f"{half} {found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]" for half, found in figures.items())
    return _svg(BAR_WIDTH, BAR_HEIGHT, parts, f"{label}: {said}", "bars")


def _at(share: float) -> float:
    return round(1 + (BAR_WIDTH - 2) * min(1.0, max(0.0, share)), 1)


def difference_bar(change: Estimate, label: str, *, reach: float, verdict: str) -> str:
    """A paired difference with its interval about a middle line of 0; the bar ends at ± ``reach``."""
    def at(value: float) -> float:
        return round(BAR_WIDTH / 2 + (BAR_WIDTH / 2 - 2) * max(-1.0, min(1.0, value / reach)), 1)

    low, high = at(change.low), at(change.high)
    parts = [
        f'<rect class="track" x="0" y="5" width="{BAR_WIDTH}" height="8" rx="2"/>',
        f'<path class="zero" d="M{BAR_WIDTH / 2} 0V{BAR_HEIGHT}"/>',
        f'<path class="whisker {verdict}" d="M{low} 9H{high}M{low} 6V12M{high} 6V12"/>',
        f'<circle class="dot {verdict}" cx="{at(change.mean)}" cy="9" r="3.5"/>',
    ]
    said = f"{label}: {change.mean:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
    return _svg(BAR_WIDTH, BAR_HEIGHT, parts, said, "bars")


def risk_coverage_plot(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> str:
    """half -> (coverage (n,), risk (n,)), both 0–1."""
    parts = list(_axes("share of questions answered, the surest first", "share wrong among them"))
    for half, (coverage, risk) in curves.items():
        points = " ".join(f"{_x(a)},{_y(b)}" for a, b in zip(coverage, risk, strict=True))
        parts.append(f'<polyline class="{half} line" points="{points}"/>')
    return _svg(WIDTH, HEIGHT, parts, "Risk–coverage curve: " + _halves(curves), "plot")


def reliability_plot(bins: Mapping[str, Sequence[Bin]]) -> str:
    """half -> bins; a dot's area is the share of questions in its bin."""
    parts = list(_axes("confidence", "share right"))
    parts.append(f'<path class="ideal" d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"/>')
    for half, own in bins.items():
        total = sum(found.count for found in own) or 1
        points = " ".join(f"{_x(found.confidence)},{_y(found.outcome)}" for found in own)
        parts.append(f'<polyline class="{half} thin line" points="{points}"/>')
        parts += [
            f'<circle class="{half} dot" cx="{_x(found.confidence)}" cy="{_y(found.outcome)}" '
            f'r="{round(2 + 12 * (found.count / total) ** 0.5, 1)}"><title>{half}, {found.low:.1f}–{found.high:.1f}: '
            f"confidence {found.confidence:.2f}, right {found.outcome:.2f}, {found.count} questions</title></circle>"
            for found in own
        ]
    return _svg(WIDTH, HEIGHT, parts, "Reliability diagram: " + _halves(bins), "plot")


def latency_plot(times_ms: Sequence[float], *, p50: float, p95: float, bars: int = 30) -> str:
    """A histogram of milliseconds; the last bar takes all beyond the 99th percentile."""
    end = _round_up(float(np.percentile(times_ms, 99)))
    counts, edges = np.histogram(np.minimum(times_ms, end), bins=bars, range=(0, end))
    top = max(1, int(counts.max()))
    ticks = [(end * share, f"{end * share:g}") for share in (0, 0.25, 0.5, 0.75, 1)]
    parts = list(_axes("milliseconds an answer", "answers", x_ticks=[(at / end, text) for at, text in ticks],
                       y_ticks=[(share, f"{top * share:.0f}") for share in (0, 0.5, 1)]))
    for number, count in enumerate(counts):
        if count:
            left, right = _x(edges[number] / end), _x(edges[number + 1] / end)
            parts.append(
                f'<rect class="report bar" x="{left}" y="{_y(count / top)}" width="{round(right - left - 1, 1)}" '
                f'height="{round(_y(0) - _y(count / top), 1)}"><title>{edges[number]:.0f}–{edges[number + 1]:.0f} ms: '
                f"{count}</title></rect>"
            )
    for value, name in ((p50, "p50"), (p95, "p95")):
        at = _x(min(1.0, value / end))
        parts.append(f'<path class="ideal" d="M{at} {_y(0)}V{TOP}"/>')
        parts.append(f'<text x="{at + 4}" y="{TOP + 10}">{name} {value:.0f}</text>')
    return _svg(WIDTH, HEIGHT, parts, f"Histogram of latency: p50 {p50:.0f} ms, p95 {p95:.0f} ms", "plot")


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 8 times a power of ten, so that quarters of it are short numbers."""
    power = 10 ** np.floor(np.log10(max(value, 1e-9)))
    return float(next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value * 0.999))


Ticks = Iterable[tuple[float, str]]  # place along the axis, 0–1, and what stands there


def _axes(x_label: str, y_label: str, *, x_ticks: Ticks | None = None, y_ticks: Ticks | None = None) -> Iterable[str]:
    fifths = [(share, f"{share:g}") for share in FIFTHS]
    for share, text in y_ticks or fifths:
        yield f'<path class="grid" d="M{LEFT} {_y(share)}H{WIDTH - RIGHT}"/>'
        yield f'<text class="end" x="{LEFT - 6}" y="{_y(share) + 4}">{text}</text>'
    for share, text in x_ticks or fifths:
        yield f'<text class="middle" x="{_x(share)}" y="{HEIGHT - BOTTOM + 16}">{text}</text>'
    yield f'<text class="middle label" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{escape(x_label)}</text>'
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield f'<text class="middle label" transform="translate(12 {middle}) rotate(-90)">{escape(y_label)}</text>'


def _x(share: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * float(share), 1)


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * float(share), 1)


def _halves(found: Iterable[str]) -> str:
    return " and ".join(found)


def _svg(width: float, height: float, parts: Iterable[str], label: str, kind: str) -> str:
    said = escape(label)
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{said}">'
        f"<title>{said}</title>{''.join(parts)}</svg>"
    )
