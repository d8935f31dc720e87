"""A model's reply, piece by piece → sentences with the marks they carry. Markdown, lists and JSON are forgiven."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LONGEST_SENTENCE = 1000   # characters; a longer run without an end is cut, and will not pass for a statement

_NUMBERS = r"(?:papers?\s*|#|no\.\s*)?\d{1,4}"
_MARK = rf"[\[【]\s*{_NUMBERS}(?:\s*(?:[,;–-]|and|&)\s*{_NUMBERS})*\s*[†:\w]*[\]】]"
MARK = re.compile(_MARK, re.IGNORECASE)
# An end, closing signs, marks behind it, and something that goes on; after a mark the blank is enough.
_END = re.compile(
    rf"(?P<stop>[.!?…][\"'”’)*_]*)(?P<marks>(?:\s*{_MARK})*)(?P<gap>\s+)(?=[^\s\[【]|$)|(?P<line>\s*\n\s*)",
    re.IGNORECASE,
)
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|et al|etc|vs|cf|approx|resp|ca|dr|prof|mr|ms|st|[A-Z])\.$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?:^|[\s(])(?:fig|figs|eq|eqs|no|nos|sec|table|vol|p|pp)\.$", re.IGNORECASE)  # before a number
_BULLET = re.compile(r"^\s*(?:[-*•–]\s+|\d{1,2}[.)]\s+(?=\S)|#{1,6}\s+|>\s+)+")
_ONLY_NUMBER = re.compile(r"^\s*\d{1,2}\.$")
_LINK = re.compile(r"!?\[([^\]\d][^\]]*)\]\([^)\s]*\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")


@dataclass(frozen=True, slots=True)
class Written:
    """One sentence as a model wrote it, without marks and Markdown."""

    text: str
    marks: tuple[int, ...]  # in order, each once, whether they exist or not
    lead: str               # what parts it from the one before: a blank, or a new line and perhaps "- "


class Reader:
    """Takes a reply piece by piece and gives back its sentences as soon as they are whole."""

    def __init__(self) -> None:
        self._held = ""
        self._lead = " "
        self._json: bool | None = None  # whether it is JSON: known at its first sign

    def push(self, piece: str) -> Iterator[Written]:
        """The sentences that are whole once ``piece`` has arrived."""
        self._held += piece
        if self._json is None and self._held.strip():
            self._json = self._held.lstrip().startswith(("{", "```"))
        if not self._json:
            yield from self._whole()

    def end(self) -> Iterator[Written]:
        """What is left when no more comes; of a reply in JSON, all of it."""
        if self._json:
            self._held = "\n".join(_texts(self._held))
        yield from self._whole()
        if self._held.strip():
            yield from self._sentence(self._held)
        self._held = ""

    def _whole(self) -> Iterator[Written]:
        start = 0
        while True:
            match = _END.search(self._held, start)
            if match is None:
                if len(self._held) <= LONGEST_SENTENCE:
                    return
                head, self._held = self._held[:LONGEST_SENTENCE], self._held[LONGEST_SENTENCE:]
                yield from self._sentence(head)
                start = 0
                continue
            before = self._held[:match.start("stop") + 1] if match["stop"] else ""
            goes_on = _ABBREVIATED.search(before) or (
                _NUMBERED.search(before) and self._held[match.end():match.end() + 1].isdigit()
            )
            if before and ((goes_on and not match["marks"]) or _ONLY_NUMBER.match(before)):
                start = match.end("stop")
                continue
            if match.end() == len(self._held) and match["stop"] and not MARK.search(self._held):
                return  # its marks may be still to come
            yield from self._sentence(self._held[:match.end("marks")] if match["stop"] else self._held[:match.start()])
            if "\n" in match.group():
                self._lead = "\n"
            self._held = self._held[match.end():]
            start = 0

    def _sentence(self, raw: str) -> Iterator[Written]:
        bulleted = _BULLET.match(raw)
        lead = "\n- " if bulleted and not raw.lstrip().startswith(("#", ">")) else self._lead
        marks: list[int] = []
        for mark in MARK.findall(raw):
            marks += _numbers(mark)
        text = _plain(raw[bulleted.end():] if bulleted else raw)
        if any(character.isalnum() for character in text):
            yield Written(text, tuple(dict.fromkeys(marks)), lead)
            self._lead = " "


def read_reply(text: str) -> list[Written]:
    """A whole reply.

    >>> [(s.text, s.marks) for s in read_reply("ROME edits facts, e.g. dates [1]. It is **fast**. [2][3]")]
    [('ROME edits facts, e.g. dates.', (1,)), ('It is fast.', (2, 3))]
    """
    reader = Reader()
    return [*reader.push(text), *reader.end()]


def find_json(text: str) -> Any:
    """The first JSON object or list in a reply, whatever stands around it; None if there is none.

    >>> find_json('Sure! ```json\\n{"a": [1]}\\n``` Bye.')
    {'a': [1]}
    """
    decoder = json.JSONDecoder()
    for start in (match.start() for match in re.finditer(r"[{\[]", text)):
        try:
            found, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        return found
    return None


def _texts(reply: str) -> Iterator[str]:
    """The sentences in a reply that is JSON, although none was asked for: every text in it that has a blank."""
    found = find_json(reply)
    waiting = [found]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            text = next((value[key] for key in ("text", "sentence", "answer") if isinstance(value.get(key), str)), None)
            marks: list[Any] = next(
                (value[key] for key in ("papers", "marks", "citations") if isinstance(value.get(key), list)), []
            )
            if text is not None:
                yield text + "".join(f" [{mark}]" for mark in marks if isinstance(mark, int))
            else:
                waiting[:0] = value.values()
        elif isinstance(value, list):
            waiting[:0] = value
        elif isinstance(value, str) and " " in value:
            yield value


def _numbers(mark: str) -> Iterator[int]:
    """The numbers of a mark, ranges spelled out: "[1, 3-5]"."""
    for first, last in re.findall(r"(\d+)(?:\s*[–-]\s*(\d+))?", mark):
        low, high = int(first), int(last or first)
        yield from range(low, min(high, low + 9) + 1) if high >= low else (low, high)


def _plain(raw: str) -> str:
    text = MARK.sub("", _LINK.sub(r"\1", raw))
    text = _TAG.sub("", text).replace("**", "").replace("__", "").replace("`", "")
    text = " ".join(text.split())
    return re.sub(r"\s+([.,;:!?])", r"\1", text).strip(" |")
