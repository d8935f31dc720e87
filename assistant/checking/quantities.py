"""Numbers and their units, however they are written: "5,200", "8.5B", "three times", "2.1x", "80 to 86 percent"."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.checking.evidence import Span
from assistant.text.names import find_names

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " \
         "seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: float(value) for value, word in enumerate(_UNITS.split())} | {
    word: 10.0 * value for value, word in enumerate(_TENS.split(), 2)
} | {"dozen": 12.0}
_SCALES = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "mn": 1e6, "billion": 1e9, "b": 1e9,
    "bn": 1e9, "trillion": 1e12, "t": 1e12,
}
_FACTORS = {"twice": 2.0, "twofold": 2.0, "thrice": 3.0}
_PLURALS = {"dozens": 12.0, "tens": 10.0, "hundreds": 1e2, "thousands": 1e3, "millions": 1e6, "billions": 1e9}

_PERCENT = r"%|per\s?cent\b|percentage points?\b|points?\b"
_TIMES = r"[x×](?![\w-])|-?times\b|-?fold\b"
_WORD = "|".join(sorted({*_WORDS, "a"}, key=len, reverse=True))
_NUMBER = re.compile(
    rf"""
    (?<![\w.])(?P<sign>[+\-−–~$€£]?)
    (?:(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
     |(?P<words>(?:{_WORD})(?:[-\s](?:{_WORD}))*(?=\W|$|fold)))
    (?:[\s-]?(?P<scale>hundred|thousand|million|billion|trillion|bn|mn|[kKMBT])(?![\w]))?
    (?:[\s-]?(?P<unit>{_PERCENT}|{_TIMES}|[A-Za-z]{{1,5}}(?=[\s,.;:)\-–]|$))(?<![\s-]))?
    """, re.VERBOSE | re.IGNORECASE,
)
_PLURAL = re.compile(rf"\b(?:(?:{'|'.join(_PLURALS)})(?:\s+of\s+(?={'|'.join(_PLURALS)}))?)+\b", re.IGNORECASE)
_FACTOR = re.compile(rf"\b(?:{'|'.join(_FACTORS)})\b", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:-|–|—|to|and)\s*", re.IGNORECASE)
_HEDGE = re.compile(r"\b(?:about|around|roughly|nearly|almost|over|some|approximately|approx|more than|less than|"
                    r"up to|under|close to|at least)\s+\W?$", re.IGNORECASE)
_LIST_ITEM = re.compile(r",\s*(?:and|or)?\s*|\s+(?:and|or|as well as)\s+")
_KEPT_UNITS = re.compile(r"[GMKT]i?B|bits?|ms|s|h|hours?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a text."""

    surface: str
    value: float       # 8.5e9 for "8.5B"; the sign is left out: "-10%" is a decrease by 10 %
    unit: str          # "%", "x", "vague" ("thousands"), a unit of size or time in lower case, or ""
    span: Span
    hedged: bool       # "about", "over", …: may be rounded
    counted: bool      # a small whole number in words or digits without unit, as one counts things


def quantities(text: str) -> list[Quantity]:
    """The numbers of a text in order. What belongs to a name (GPT-4, T5, Llama 2) is not one, a size (7B) is.

    >>> [(found.value, found.unit) for found in quantities("GPT-4 gains 4.8% on 5,200 items, three times T5 (2.8B)")]
    [(4.8, '%'), (5200.0, ''), (3.0, 'x'), (2800000000.0, '')]
    """
    names = [Span(name.start, name.end) for name in find_names(text)]
    found = [*_plain(text, names), *_vague(text)]
    found.sort(key=lambda quantity: (quantity.span.start, -quantity.span.end))
    kept: list[Quantity] = []
    for quantity in found:
        if not kept or quantity.span.start >= kept[-1].span.end:
            kept.append(quantity)
    return _share_units(text, kept)


def agree(said: Quantity, source: Quantity) -> bool:
    """Whether a sentence's number is a paper's: same value, units that do not contradict, rounded only if it says so.

    >>> a, b, c = (quantities(text)[0] for text in ("about 5,000 items", "5200 items", "50%"))
    >>> agree(a, b), agree(b, a), agree(a, c)
    (True, False, False)
    """
    if said.unit == "vague" or source.unit == "vague":
        return said.unit == source.unit and said.value == source.value
    if said.unit and source.unit and said.unit != source.unit:
        return False
    if math.isclose(said.value, source.value, rel_tol=1e-9):
        return True
    return said.hedged and _rounds_to(source.value, said.value)


def enumerated(text: str) -> set[int]:
    """How many things a text lists, for every list in it: "A, B and C" → {3}.

    >>> sorted(enumerated("trained on A, B and C (four of them)"))
    [3]
    """
    sizes: set[int] = set()
    for clause in re.split(r"[.;:()—]|\bwhich\b|\bthat\b", text):
        items = [item for item in _LIST_ITEM.split(clause) if item.strip()]
        if len(items) > 1:
            sizes.add(len(items))
    numbered = len(re.findall(r"\(?\b(?:\d|[a-h]|i{1,3}|iv|v)\)\s", text))
    return sizes | ({numbered} if numbered > 1 else set())


def _plain(text: str, names: list[Span]) -> Iterator[Quantity]:
    for match in _NUMBER.finditer(text):
        start = match.start("digits") if match["digits"] else match.start("words")
        value = float(match["digits"].replace(",", "")) if match["digits"] else _of_words(match["words"])
        scale, unit = match["scale"] or "", _unit(match["unit"] or "")
        if value is None or (match["words"] and scale and len(scale) < 3):
            continue
        if match["words"] and value <= 1 and not (scale or unit in ("%", "x")):
            continue  # "one of", "a method": an article, or as good as one
        if match["words"] and match["words"].casefold() == "a" and unit:
            continue
        bare = not scale and not unit
        if bare and match["digits"] and (
            _in_name(text, start, names) or re.match(r"[-–]?[A-Z]\w", text[match.end("digits"):])
        ):
            continue
        value *= _SCALES.get(scale.casefold(), 1.0)
        end = match.end("digits") if match["digits"] else match.end("words")
        end = max(end, match.end("scale"), match.end("unit") if unit else 0)
        counted = not scale and not unit and value == int(value) and 2 <= value <= 12
        yield Quantity(text[start:end], value, unit, Span(start, end), _hedged(text, start), counted)


def _vague(text: str) -> Iterator[Quantity]:
    for match in _PLURAL.finditer(text):
        value = math.prod(_PLURALS[word] for word in re.findall(r"\w+", match.group().casefold()) if word != "of")
        yield Quantity(match.group(), value, "vague", Span(*match.span()), False, False)
    for match in _FACTOR.finditer(text):
        yield Quantity(match.group(), _FACTORS[match.group().casefold()], "x", Span(*match.span()), False, False)


def _of_words(words: str) -> float | None:
    """The value of "twenty-five"; None for what is no number ("a a")."""
    parts = re.split(r"[-\s]+", words.casefold())
    if parts == ["a"]:
        return 1.0
    values = [_WORDS[part] for part in parts if part != "a"]
    if not values:
        return None
    if len(values) == 2 and values[0] >= 20 and values[1] < 10:
        return values[0] + values[1]
    return values[0] if len(values) == 1 else None


def _unit(said: str) -> str:
    if re.fullmatch(_PERCENT, said, re.IGNORECASE):
        return "%"
    if re.fullmatch(r"[x×]|-?times|-?fold", said, re.IGNORECASE):
        return "x"
    return said.casefold().rstrip("s") or said.casefold() if _KEPT_UNITS.fullmatch(said) else ""


def _in_name(text: str, start: int, names: list[Span]) -> bool:
    """Whether a bare number is part of a name: T5, GPT-4, Llama 2, COVID-19."""
    joined = re.search(r"[\w.]*[A-Z][\w.]*[-‐‑–]$", text[max(0, start - 30):start])
    return joined is not None or any(name.start < start < name.end for name in names)


def _hedged(text: str, start: int) -> bool:
    return _HEDGE.search(text[max(0, start - 20):start]) is not None


def _rounds_to(exact: float, rounded: float) -> bool:
    if rounded == 0 or exact == 0:
        return False
    digits = len(f"{rounded:.12g}".replace(".", "").strip("0"))
    return math.isclose(float(f"{exact:.{max(digits, 1)}g}"), rounded, rel_tol=1e-9)


def _share_units(text: str, found: list[Quantity]) -> list[Quantity]:
    """In a range the unit stands once: "80–86%" is 80 % and 86 %."""
    for i in range(len(found) - 2, -1, -1):
        here, after = found[i], found[i + 1]
        if not here.unit and after.unit in ("%", "x") and _RANGE.fullmatch(text[here.span.end:after.span.start]):
            found[i] = Quantity(here.surface, here.value, after.unit, here.span, here.hedged, False)
    return found
