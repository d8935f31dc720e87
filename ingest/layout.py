"""Tell which lines of a text file are banner, title and abstract, by their shape alone.

Two readings of the same lines compete: "every line is an abstract" and "titles and abstracts in
turn". Each gets a cost, in lines that do not look their part; a reading wins if it fits well and the
other fits clearly worse. Otherwise the shape is unknown, which is said, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_BANNER_LINES = 20
BANNER_COST = 0.05    # per line: cheap, yet dearer than reading the line as a good title
STRAY_COST = 1.0      # a title without an abstract, an abstract without a title, a banner above no title
LAST_TITLE_COST = 0.5  # a title without an abstract is less odd where the file was cut off
ENOUGH_PROSE = 0.5    # looks like an abstract without a title to compare it with
ENOUGH_CONTRAST = 0.35  # by which an abstract looks more like one than its title does
MAX_MISFIT = 0.4      # mean cost of a line in an acceptable reading
MAX_RATIO = 0.8       # the winner's cost over the loser's
TYPICAL_CHARACTERS = 130  # the median abstract is longer; text broken into lines of a page is not
NOT_PROSE = 0.15      # below this a line among bare abstracts is a heading or a remnant

# Not "et al. 2020", "v1.2" or "St. Louis" but where one sentence most likely ends and one begins.
_INNER_END = re.compile(r"[\w)\]%\"'][.!?][\"')\]]*\s+[\"'(\[]*[A-Z0-9À-Þ]|[。！？]\S")
_LAST_END = re.compile(r"[.。…][\"')\]”’]*$")


@dataclass(frozen=True, slots=True)
class Reading:
    """Which of the given lines are what. Indices are into the lines given, 0-based, ascending."""

    pairs: tuple[tuple[int | None, int], ...]  # (title or None, abstract)
    banner: tuple[int, ...] = ()
    orphans: tuple[int, ...] = ()              # titles without an abstract, headings among abstracts


def prose(line: str) -> float:
    """How much a line looks like an abstract, 0 (a title) to 1: long, several sentences, full stop.

    >>> prose("Attention Is All You Need")
    0.0
    """
    score = 0.6 * min(max((len(line) - 60) / 400, 0.0), 1.0)
    score += 0.2 * min(sum(1 for _ in _INNER_END.finditer(line)), 2)
    score += 0.4 if _LAST_END.search(line) else 0.0
    return min(score, 1.0) * (0.4 if line[:1].islower() else 1.0)  # the rest of a broken line


def read_layout(lines: Sequence[str]) -> Reading | None:
    """The reading of non-blank lines that fits, or None if none does or two fit alike.

    Time and memory are linear in the number of lines.
    """
    scores = [prose(line) for line in lines]
    bare, bare_cost = _bare(scores)
    titled, titled_cost = _titled(scores)
    best, cost, other = (bare, bare_cost, titled_cost) if bare_cost <= titled_cost else (
        titled, titled_cost, bare_cost)
    if cost > MAX_MISFIT * len(lines) or cost > MAX_RATIO * other or not best.pairs:
        return None
    lengths = sorted(len(lines[abstract]) for _, abstract in best.pairs)
    if lengths[len(lengths) // 2] < TYPICAL_CHARACTERS:
        return None
    looks = sorted(scores[abstract] for _, abstract in best.pairs)
    # Bare lines of one sentence each may be any text.
    if looks[len(looks) // 2] < (ENOUGH_PROSE if best is titled else 1.2 * ENOUGH_PROSE):
        return None
    strays = len(best.orphans) + sum(title is None for title, _ in best.pairs)
    if best is titled and strays > 1 + len(best.pairs) // 10:
        return None  # such as abstracts broken over two lines
    return best


def _bare(scores: Sequence[float]) -> tuple[Reading, float]:
    """Every line an abstract, after lines that are not."""
    first = next((i for i, score in enumerate(scores[:MAX_BANNER_LINES]) if score >= NOT_PROSE), 0)
    body = range(first, len(scores))
    cost = sum(max(1 - scores[i] / ENOUGH_PROSE, 0.0) for i in body)
    cost += BANNER_COST * first + STRAY_COST if first else 0.0
    return Reading(pairs=tuple((None, i) for i in body if scores[i] >= NOT_PROSE),
                   banner=tuple(range(first)),
                   orphans=tuple(i for i in body if scores[i] < NOT_PROSE)), cost


def _pair_cost(title: float, abstract: float) -> float:
    """0 to 1.5, which is less than two strays: an abstract that says "n/a" still has its title."""
    contrast = 1 - (abstract - title) / ENOUGH_CONTRAST
    return min(max(contrast, 0.0) + 2 * max(ENOUGH_PROSE - abstract, 0.0) + 2 * max(title - 0.5, 0.0), 1.5)


def _titled(scores: Sequence[float]) -> tuple[Reading, float]:
    """Titles and abstracts in turn after a banner: the cheapest way to say so, strays allowed."""
    n = len(scores)
    cost = [0.0] * (n + 1)  # cost[i]: of lines[i:], when lines[i] no longer belongs to the banner
    step = [0] * n          # 2: a pair starts here; 1: an abstract alone; 0: a title alone
    for i in reversed(range(n)):
        alone = STRAY_COST if i + 1 < n else LAST_TITLE_COST
        cost[i], step[i] = min(
            (cost[i + 2] + _pair_cost(scores[i], scores[i + 1]) if i + 1 < n else float("inf"), 2),
            (cost[i + 1] + STRAY_COST + max(1 - scores[i] / ENOUGH_PROSE, 0.0), 1),
            (cost[i + 1] + alone + scores[i], 0),
        )
    head = 0.0
    total, start = cost[0], 0
    for i in range(min(MAX_BANNER_LINES, n - 1)):
        head += BANNER_COST + 2 * scores[i]
        if head + cost[i + 1] < total:
            total, start = head + cost[i + 1], i + 1
    pairs: list[tuple[int | None, int]] = []
    orphans: list[int] = []
    i = start
    while i < n:
        if step[i] == 2:
            pairs.append((i, i + 1))
        elif step[i] == 1:
            pairs.append((None, i))
        else:
            orphans.append(i)
        i += 2 if step[i] == 2 else 1
    return Reading(tuple(pairs), tuple(range(start)), tuple(orphans)), total
