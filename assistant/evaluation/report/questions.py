"""Every question with its answer, citations, gold and verdict, failures first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from assistant.evaluation.measures.verdict import VERDICTS
from assistant.evaluation.result import Result

COLOURS = {  # the others are bad
    "right": "good", "in part": "warn", "right paper, other words": "warn", "better": "good", "otherwise": "warn",
}
SIGNS = {"right": ("✓", "good"), "wrong": ("✗", "bad"), "neutral": ("○", "muted"), "missing": ("–", "bad")}
MAX_SHOWN = 60  # papers of one list


def filters(results: Sequence[Result], *, half: str) -> Iterator[str]:
    """Search, half, kind and verdict; ``half`` is what is shown at first, "" for both."""
    yield '<div class="filters"><input id="search" type="search" placeholder="search questions and answers" '
    yield 'aria-label="search questions and answers">'
    yield from select("half", "both halves", sorted({result.half for result in results}), chosen=half)
    yield from select("kind", "all kinds", list(dict.fromkeys(result.group for result in results)))
    yield "</div>"
    yield from chips([verdict for verdict in VERDICTS if any(result.verdict == verdict for result in results)])


def select(name: str, every: str, values: Iterable[str], *, chosen: str = "") -> Iterator[str]:
    """A menu whose name is the data attribute it filters by."""
    yield f'<select name="{name}" aria-label="{name}"><option value="">{every}</option>'
    for value in values:
        yield f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(value)}</option>'
    yield "</select>"


def chips(verdicts: Iterable[str]) -> Iterator[str]:
    """A button a verdict, and how many are shown."""
    yield '<div class="filters">'
    for verdict in verdicts:
        yield f'<button type="button" value="{escape(verdict)}" aria-pressed="false">'
        yield f'<span class="{colour(verdict)}">{escape(verdict)}</span> <small></small></button>'
    yield '<span id="shown" class="muted" role="status"></span></div>'


def worst_first(results: Iterable[Result]) -> list[Result]:
    """By verdict, then by worth, then as they were asked."""
    return sorted(results, key=lambda result: (VERDICTS.index(result.verdict), result.values.get("right", 0.0)))


def colour(verdict: str) -> str:
    """The class of a verdict."""
    return COLOURS.get(verdict, "bad")


def question(result: Result) -> Iterator[str]:
    """One question, closed until clicked."""
    place = f"{result.conversation}, turn {result.turn}" if result.turn else result.kind
    style = f" · {result.style}" if result.style else ""
    yield (
        f'<details data-half="{escape(result.half)}" data-kind="{escape(result.group)}" '
        f'data-verdict="{escape(result.verdict)}"><summary>'
    )
    yield f'<span class="badge {colour(result.verdict)}">{escape(result.verdict)}</span>'
    yield f'<span class="asked">{escape(result.question)}</span>'
    yield f"<small>{escape(place + style)} · {escape(result.half)}</small></summary>"
    yield '<div class="body">'
    yield from answer(result)
    yield from gold(result)
    yield f'<div class="values">{values(result)}</div></div></details>'


def answer(result: Result) -> Iterator[str]:
    """What was said and cited."""
    found = result.answer
    listed = found["items"]
    text = found["text"].partition("\n")[0] if listed else found["text"]
    yield f'<div><h3>Answer</h3><p class="answer">{highlighted(text, result.accepted)}</p>'
    cited = listed or found["citations"]
    if cited:
        yield '<ul class="papers">'
        for entry in cited[:MAX_SHOWN]:
            quote = str(entry["quote"])  # often the answer's very words, which need not be read twice
            yield paper(entry, standing(entry["paper_id"], result), quote="" if quote in text else quote)
        yield "</ul>"
    if len(cited) > MAX_SHOWN:
        yield f'<p class="note">and {len(cited) - MAX_SHOWN} more, in report.json</p>'
    if found["nearest"]:
        yield '<h3>Nearest</h3><ul class="papers">'
        for entry in found["nearest"]:
            yield paper(entry, standing(entry["paper_id"], result), quote=str(entry["quote"]))
        yield "</ul>"
    yield "</div>"


def standing(paper_id: str, result: Result) -> str:
    """Whether a paper belongs: one of `SIGNS`."""
    if any(right.paper_id == paper_id for right in result.gold):
        return "right"
    return "neutral" if paper_id in result.borderline else "wrong"


def paper(entry: Mapping[str, Any], sign: str, *, quote: str = "") -> str:
    """A paper with where it stands, and what it says."""
    mark, kind = SIGNS[sign]
    number = f"[{entry['mark']}] " if "mark" in entry else ""
    places = ", ".join(
        source["file"] if source["line"] is None else f"{source['file']}:{source['line']}"
        for source in entry["sources"]
    )
    said = f"<blockquote>{escape(quote)}</blockquote>" if quote else ""
    return (
        f'<li><span class="sign {kind}" title="{sign}">{mark}</span>{escape(number)}'
        f"{escape(entry['title'] or '(untitled)')} <small>{escape(places)}</small>{said}</li>"
    )


def gold(result: Result) -> Iterator[str]:
    """What a right answer has; of a list, what is missing."""
    yield "<div>"
    given = {entry["paper_id"] for entry in (*result.answer["items"], *result.answer["citations"])}
    if not result.gold:
        yield "<h3>Right answer</h3><p>" + (
            "a refusal: the collection does not say" if result.kind == "unanswerable" else "no paper"
        ) + "</p>"
    else:
        there = len({right.paper_id for right in result.gold} & given)
        of_all = len({right.paper_id for right in result.gold})
        yield f'<h3>Right papers <small>{there} of {of_all} given</small></h3><ul class="papers">'
        for right in result.gold[:MAX_SHOWN]:
            mark, kind = SIGNS["right" if right.paper_id in given else "missing"]
            yield (
                f'<li><span class="sign {kind}">{mark}</span>{escape(right.title or "(untitled)")} '
                f"<small>{escape(right.place)}</small></li>"
            )
        yield "</ul>"
    if result.accepted:
        yield "<p>Accepted: " + " · ".join(f"“{escape(text)}”" for text in result.accepted) + "</p>"
    for sentence in result.evidence:
        yield f"<blockquote>{escape(sentence)}</blockquote>"
    yield "</div>"


def values(result: Result) -> str:
    """Its measures on one line."""
    rank = next(
        (place for place, found in enumerate(result.retrieved, 1)
         if found in {right.paper_id for right in result.gold}), None
    )
    said = [f"{name} {value:.2f}".removesuffix(".00") for name, value in result.values.items()]
    if result.gold:
        said.append(f"search has the first right paper at {rank}" if rank else "search has none in its first ten")
    if result.judged is not None:
        said.append(f"the judge says {'right' if result.judged else 'wrong'}")
    return escape(" · ".join([result.id, *said, f"{result.elapsed_ms:.0f} ms"]))


def highlighted(text: str, accepted: Sequence[str]) -> str:
    """Escaped text with the accepted strings marked."""
    wanted = [re.escape(string) for string in sorted(accepted, key=len, reverse=True) if string and len(string) < 200]
    if not wanted:
        return escape(text)
    parts = re.split(f"({'|'.join(wanted)})", text, flags=re.IGNORECASE)
    return "".join(f"<mark>{escape(part)}</mark>" if n % 2 else escape(part) for n, part in enumerate(parts))
