"""A model's reply, piece by piece → sentences with the marks they carry. Markdown, lists and JSON are forgiven."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from assistant.checking.check import LONGEST_SENTENCE

LONGEST_MARK = 200        # characters of one bracket, as "[1, 2, 3-5]"
BEFORE_AN_END = 10        # characters before a full stop that tell whether it ends a sentence
MOST_TRIED = 100          # places of a reply at which JSON may begin

_NUMBERS = r"(?:papers?\s*|#|no\.\s*)?\d{1,4}"
MARK = re.compile(rf"[\[【]\s*{_NUMBERS}(?:\s*(?:[,;–-]|and|&)\s*{_NUMBERS})*\s*[†:\w]*[\]】]", re.IGNORECASE)
_OPEN = re.compile(rf"[\[【][^\[\]【】]{{0,{LONGEST_MARK}}}\Z")             # may become a mark
_HALF = re.compile(r"[\[【](?:[\s\d,;–&#-]|and|no\.|papers?)*", re.IGNORECASE)  # would have become one
_BLANKS = re.compile(r"\s+")
# An end and something that goes on, or a line's end. Blanks are single and marks are out of the way.
_END = re.compile(r"(?P<stop>[.!?…][\"'”’)*_]*)\s(?=\S)|(?<![.!?…\"'”’)*_])\n|\n(?=\S)")
_STOP = re.compile(r"[.!?…][\"'”’)*_]*\Z")
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
    cut: bool = False       # longer than any sentence; ``text`` is how it begins


class Reader:
    """Takes a reply piece by piece and gives back its sentences as soon as they are whole.

    How a reply is cut into pieces changes nothing. Of one that is no JSON, two sentences are held at most, so the work
    grows as the reply does.
    """

    def __init__(self) -> None:
        self._begun = ""            # until it is known whether it is JSON
        self._json: bool | None = None
        self._pieces: list[str] = []  # of JSON, which is read when it is whole
        self._held = ""             # of the reply, from where a sentence begins: without marks, blanks single
        self._marks: dict[tuple[int, int], None] = {}  # (where in ``_held``, number), in order
        self._open = ""             # behind ``_held``: what may be the beginning of a mark
        self._cut = False           # whether ``_held`` is the rest of a sentence that was cut
        self._lead = " "

    def push(self, piece: str) -> Iterator[Written]:
        """The sentences that are whole once ``piece`` has arrived."""
        if self._json is None:
            piece = self._begun = (self._begun + piece).lstrip()
            if "```".startswith(piece):
                return
            self._json = piece.startswith(("{", "```"))
        if self._json:
            self._pieces.append(piece)
        else:
            yield from self._read(piece)

    def end(self, *, cut: bool = False) -> Iterator[Written]:
        """What is left when no more comes; of a reply in JSON, all of it.

        Args:
            cut: the reply ends in the middle: a last sentence without an end is no sentence.
        """
        yield from self._read("\n".join(_texts("".join(self._pieces))) if self._json else
                              self._begun if self._json is None else "")
        if not _HALF.fullmatch(self._open):
            self._add(self._open)
        self._open = ""
        yield from self._whole()
        rest = self._held.rstrip()
        if not cut or _STOP.search(rest):
            yield from self._sentence(len(rest), len(self._held), marks_to=len(self._held))

    def _read(self, text: str) -> Iterator[Written]:
        for at in range(0, len(text), LONGEST_SENTENCE):
            self._take(text[at:at + LONGEST_SENTENCE])
            yield from self._whole()

    def _take(self, text: str) -> None:
        """Add to what is held, marks apart."""
        text = self._open + text
        at = 0
        for match in MARK.finditer(text):
            if match.end() - match.start() <= LONGEST_MARK:
                self._add(text[at:match.start()])
                where = len(self._held.rstrip(" "))
                self._marks |= dict.fromkeys((where, number) for number in _numbers(match.group()))
                at = match.end()
        opened = _OPEN.search(text, at)
        self._open = opened.group() if opened else ""
        self._add(text[at:len(text) - len(self._open)])

    def _add(self, text: str) -> None:
        text = _BLANKS.sub(lambda blanks: "\n" if "\n" in blanks.group() else " ", text)
        if not self._held:
            text = text.lstrip()
        elif self._held[-1].isspace() and text[:1].isspace():
            self._held = self._held[:-1] + ("\n" if "\n" in self._held[-1] + text[0] else " ")
            text = text[1:]
        self._held += text

    def _whole(self) -> Iterator[Written]:
        start = 0
        while match := _END.search(self._held, start):
            end = match.end("stop") if match["stop"] else match.start()
            if match["stop"] and self._goes_on(match):
                start = end
                continue
            yield from self._sentence(end, match.end(), marks_to=match.end() if match["stop"] else end)
            start = 0
        while len(self._held.rstrip()) > LONGEST_SENTENCE:
            after = LONGEST_SENTENCE - BEFORE_AN_END
            yield from self._sentence(LONGEST_SENTENCE + 1, after, marks_to=LONGEST_SENTENCE)
            self._cut = True

    def _goes_on(self, match: re.Match[str]) -> bool:
        """Whether a full stop, without marks behind it, ends an abbreviation or the number of an item."""
        at = match.start() + 1
        if any(at <= where <= match.end() for where, _ in self._marks):
            return False
        before = max(0, at - BEFORE_AN_END)
        return bool(
            _ABBREVIATED.search(self._held, before, at)
            or (_NUMBERED.search(self._held, before, at) and self._held[match.end()].isdigit())
            or _ONLY_NUMBER.fullmatch(self._held, 0, at)
        )

    def _sentence(self, end: int, after: int, *, marks_to: int) -> Iterator[Written]:
        """Take off what is held up to ``after``: a sentence up to ``end``, or but the rest of one that was cut."""
        raw, gap, rest = self._held[:end][:LONGEST_SENTENCE + 1], self._held[end:after], self._cut
        marks = dict.fromkeys(number for where, number in self._marks if where <= marks_to)
        self._held, self._cut = self._held[after:], False
        self._marks = {(where - after, number): None for where, number in self._marks if where > marks_to}
        bulleted = _BULLET.match(raw)
        text = _plain(raw[bulleted.end() if bulleted else 0:])
        if not rest and any(character.isalnum() for character in text):
            lead = "\n- " if bulleted and not raw.lstrip().startswith(("#", ">")) else self._lead
            cut = len(raw) > LONGEST_SENTENCE
            yield Written(text, () if cut else tuple(marks), lead, cut)
            self._lead = " "
        if "\n" in gap:
            self._lead = "\n"


def read_reply(text: str) -> list[Written]:
    """A whole reply.

    >>> [(s.text, s.marks) for s in read_reply("ROME edits facts, e.g. dates [1]. It is **fast**. [2][3]")]
    [('ROME edits facts, e.g. dates.', (1,)), ('It is fast.', (2, 3))]
    """
    reader = Reader()
    return [*reader.push(text), *reader.end()]


def find_json(text: str) -> Any:
    """The first JSON object or list in a reply, whatever stands around it; None if there is none.

    It begins at one of the first 100 brackets.

    >>> find_json('Sure! ```json\\n{"a": [1]}\\n``` Bye.')
    {'a': [1]}
    """
    decoder = json.JSONDecoder()
    for start in islice((match.start() for match in re.finditer(r"[{\[]", text)), MOST_TRIED):
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
        value = waiting.pop()
        if isinstance(value, dict):
            text = next((value[key] for key in ("text", "sentence", "answer") if isinstance(value.get(key), str)), None)
            marks: list[Any] = next(
                (value[key] for key in ("papers", "marks", "citations") if isinstance(value.get(key), list)), []
            )
            if text is not None:
                yield text + "".join(f" [{mark}]" for mark in marks if isinstance(mark, int))
            else:
                waiting += reversed(value.values())
        elif isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, str) and " " in value:
            yield value


def _numbers(mark: str) -> Iterator[int]:
    """The numbers of a mark, ranges spelled out: "[1, 3-5]"."""
    for first, last in re.findall(r"(\d+)(?:\s*[–-]\s*(\d+))?", mark):
        low, high = int(first), int(last or first)
        yield from range(low, min(high, low + 9) + 1) if high >= low else (low, high)


def _plain(raw: str) -> str:
    text = _LINK.sub(r"\1", raw)
    while (without := MARK.sub("", text)) != text:  # taking "[2]" out of "[1[2]]" leaves a mark that nobody wrote
        text = without
    text = _TAG.sub("", text).replace("**", "").replace("__", "").replace("`", "")
    text = " ".join(text.split())
    return re.sub(r"\s+([.,;:!?])", r"\1", text).strip(" |")
