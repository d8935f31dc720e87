"""Curves as an SVG, written by hand: panels side by side, papers on a logarithmic axis, readable in light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

Curve = tuple[str, Sequence[tuple[int, float]]]   # label, (papers, value) ascending
Panel = tuple[str, str, Sequence[Curve]]          # title, unit, curves

WIDTH, HEIGHT = 330, 250               # of a panel
LEFT, RIGHT, TOP, BOTTOM = 48, 28, 40, 92  # around its axes
COLOURS = ("#2f7ed8", "#d9822b", "#2a9d6f", "#b04bbf")  # each at least 3 : 1 on white and on near-black
STYLE = """text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}.axis{stroke:#777}.grid{stroke:#8884}
@media(prefers-color-scheme:dark){text{fill:#ddd}.axis{stroke:#aaa}}"""


def draw(panels: Sequence[Panel]) -> str:
    """The panels as one SVG document."""
    inside = "".join(
        f'<g transform="translate({place * WIDTH} 0)">{_panel(panel)}</g>' for place, panel in enumerate(panels)
    )
    label = escape("; ".join(f"{title} ({unit}) over papers" for title, unit, _ in panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * len(panels)} {HEIGHT}" role="img" '
        f'aria-label="{label}"><style>{STYLE}</style>{inside}</svg>\n'
    )


def _panel(panel: Panel) -> str:
    title, unit, curves = panel
    papers = sorted({x for _, points in curves for x, _ in points})
    low, high = math.log10(papers[0]), math.log10(papers[-1])
    top = _round_up(max(y for _, points in curves for _, y in points))

    def across(x: float) -> float:
        return LEFT + (math.log10(x) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text class="title" x="{LEFT}" y="16">{escape(title)}</text>',
             f'<text x="{LEFT}" y="32">{escape(unit)}</text>']
    for step in range(5):
        y = up(top * step / 4)
        parts.append(f'<line class="{"grid" if step else "axis"}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" '
                     f'y2="{y:.1f}"/><text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * step / 4:g}</text>')
    for x in papers:
        if math.log10(x).is_integer() or x == papers[0]:
            parts.append(f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{x:,}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - BOTTOM + 33}" text-anchor="middle">papers</text>')
    for place, (label, points) in enumerate(curves):
        colour = COLOURS[place % len(COLOURS)]
        line = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        x, y = LEFT + place % 2 * 130, HEIGHT - BOTTOM + 52 + place // 2 * 17
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
                     f'<text x="{x + 15}" y="{y}">{escape(label)}</text>')
    return "".join(parts)


def _round_up(value: float) -> float:
    """The next 1, 2, 4 or 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(factor * power for factor in (1, 2, 4, 8, 10) if factor * power >= value)
