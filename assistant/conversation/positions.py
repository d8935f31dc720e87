"""Places of a list just given: "the second", "[3]", "the first two", "the first and the third", "1 and 3"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answering.citations import papers_of
from assistant.records import Turn
from assistant.text.words import content_words

BARE_WORDS = 1  # content words beside bare numbers that are places: "compare 1 and 3"

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ORDINAL = rf"(?:{'|'.join(_ORDINALS)}|last|[1-9]\d?(?:st|nd|rd|th))"
_NOUN = r"(?:one|ones|papers?|methods?|models?|works?|results?|approach(?:es)?|items?|of (?:them|those|these))\b"
# What follows where no noun does: the end, what is done, where. "The first step" has no place of a list.
_END = (
    r"(?=\s*(?:[?.!,;:&/)]|$)|\s+(?:and|or|with|to|versus|vs|against|than|from|but|do|does|did|is|are|was|were|use|uses|used|"
    r"has|have|had|can|could|will|would|say|says|mean|means|work|works|need|needs|differ|compare|about|on|in|for|by|"
    r"there|here|please|out|instead|again)\b)"
)
_DOES = r"(?:(?<=\bdoes )|(?<=\bdid ))"  # "what did the third reach?": one word more is what it does
SINGLE = re.compile(
    rf"\b(?:the\s+)?(?P<word>{_ORDINAL})\s+{_NOUN}|\b(?:number|no\.?|item|paper)\s*#?(?P<number>[1-9]\d?)\b|"
    rf"\[(?P<mark>[1-9]\d?)\]|\bthe (?P<of_two>former|latter)\b|\bthe (?P<bare>{_ORDINAL}){_END}|"
    rf"{_DOES}the (?P<doing>{_ORDINAL})(?=\s+\w+\W*$)", re.IGNORECASE,
)
_NUMBER = r"(?:(?:numbers?|no\.|items?|papers?)\s*)?(?:#\s*)?[1-9]\d?|\[[1-9]\d?\]"
_ONE = rf"(?:(?:the\s+)?{_ORDINAL}(?:\s+{_NOUN})?|{_NUMBER})"
_AND = r"(?:\s*(?:,\s*(?:and\s+|or\s+)?|[&/]\s*)|\s+(?:and|or|with|to|versus|vs\.?|against|than|from)\s+)"
_SERIES = re.compile(rf"(?<![\w.-]){_ONE}(?:{_AND}{_ONE})+(?![\w%]|[.,-]\w){_END}", re.IGNORECASE)
_RUN = re.compile(
    rf"(?P<of>\b(?:which|any|all|each) of )?\bthe\s+(?P<which>first|last|top)\s+"
    rf"(?P<count>{'|'.join(_COUNTS)}|[1-9]\d?)(?:\s+{_NOUN}|{_END}|(?(of)\b|(?!)))", re.IGNORECASE
)
_PLACE = re.compile(rf"\b(?:{_ORDINAL}|[1-9]\d?)\b", re.IGNORECASE)
_MARKED = re.compile(rf"\[|#|\b(?:the|numbers?|no|items?|papers?)\b|{_NOUN}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Places:
    """Several places, and where a question speaks of them."""

    at: tuple[int, ...]  # from 0, or from the end
    start: int
    end: int


def places(question: str) -> Places | None:
    """The places of a question that speaks of several.

    >>> places("compare the first two"), places("compare 1 and 3")
    (Places(at=(0, 1), start=8, end=21), Places(at=(0, 2), start=8, end=15))
    >>> places("the first two layers"), places("does 4 and 8 bit quantisation differ?")
    (None, None)
    """
    if run := _RUN.search(question):
        count = _number(run["count"], _COUNTS)
        first = -count if run["which"].lower() == "last" else 0
        start = run.end("of") if run["of"] else run.start()
        return Places(tuple(range(first, first + count)), start, run.end()) if count > 1 else None
    series = _SERIES.search(question)
    if series is None:
        return None
    rest = question[:series.start()] + question[series.end():]
    if not _MARKED.search(series.group()) and len(content_words(rest)) > BARE_WORDS:
        return None
    at = tuple(dict.fromkeys(place_of(found.group()) for found in _PLACE.finditer(series.group())))
    return Places(at, *series.span()) if len(at) > 1 else None


def place_of(word: str) -> int:
    """The place, from 0, that "second", "2nd" or "2" tells; -1 for the last."""
    return -1 if word.lower() == "last" else _number(word, _ORDINALS) - 1


def at_places(turns: Sequence[Turn], wanted: Sequence[int]) -> tuple[str, ...] | None:
    """The papers at some places of the last answer that cites several and has them all; else of the last that has."""
    cited = [papers_of(turn.answer) for turn in reversed(turns)]
    has = [papers for papers in cited if all(-len(papers) <= place < len(papers) for place in wanted)]
    papers = next((papers for papers in has if len(papers) > 1), has[0] if has else None)
    return None if papers is None else tuple(papers[place] for place in wanted)


def _number(word: str, names: Sequence[str]) -> int:
    word = word.lower()
    return names.index(word) + 1 if word in names else int(re.sub(r"\D", "", word))
