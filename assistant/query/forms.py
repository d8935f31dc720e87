"""The annotated questions the reader is trained on: ``forms.jsonl``, one question a line.

A form has its kind, what a fact asks for (``wants``), whether one of several conditions is enough (``join``), and its
*spans*: the words that name a topic, a name, or what is to be left out. All other words only ask.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.query.features import Token, tokenise

FORMS = Path(__file__).with_name("forms.jsonl")
KINDS = ("list", "count", "fact", "definition", "yesno", "compare", "collection", "chat")
WANTS = ("", "number", "person", "date", "language", "url", "method", "dataset", "reason", "place")
JOINS = ("and", "or")
TAGS = ("asking", "topic", "name", "exclude")


@dataclass(frozen=True, slots=True)
class Form:
    """One annotated question."""

    text: str
    kind: str                            # one of `KINDS`
    wants: str                           # one of `WANTS`
    join: str                            # one of `JOINS`
    spans: tuple[tuple[str, int, int], ...]  # (tag, start, end) in order, code points, half-open
    source: str                          # who wrote it: questions of one source share habits

    def tags(self, tokens: Sequence[Token]) -> list[int]:
        """The place in `TAGS` of each token's tag."""
        return [
            next((TAGS.index(tag) for tag, start, end in self.spans if start <= token.start < end), 0)
            for token in tokens
        ]


def load_forms(path: Path = FORMS) -> list[Form]:
    """Read the annotated questions.

    Raises:
        ValueError: a line is no form; the message has its number.
    """
    with path.open(encoding="utf-8") as lines:
        return [_form(line, number) for number, line in enumerate(lines, 1)]


def with_lower_case(forms: Iterable[Form]) -> list[Form]:
    """The forms, and after them, in lower case, those that have names: half of all people do not write "GPT-J"."""
    forms = list(forms)
    named = (form for form in forms if any(tag == "name" for tag, _, _ in form.spans))
    return forms + [
        replace(form, text=form.text.lower()) for form in named
        if form.text.lower() != form.text and len(form.text.lower()) == len(form.text)
    ]


def _form(line: str, number: int) -> Form:
    try:
        record = json.loads(line)
        text = record["q"]
        form = Form(
            text, record["kind"], record["wants"], record["join"], tuple(_placed(text, record["spans"])),
            record["source"],
        )
    except (ValueError, LookupError, TypeError) as exc:
        raise ValueError(f"forms.jsonl, line {number}: {exc}") from exc
    if form.kind not in KINDS or form.wants not in WANTS or form.join not in JOINS or not tokenise(text):
        raise ValueError(f"forms.jsonl, line {number}: {form.kind!r}, {form.wants!r} or {form.join!r} is not known")
    return form


def _placed(text: str, spans: Iterable[Sequence[str]]) -> Iterable[tuple[str, int, int]]:
    at = 0
    for tag, words in spans:
        start = text.index(words, at)
        at = start + len(words)
        if tag not in TAGS[1:]:
            raise ValueError(f"{tag!r} is no tag")
        yield tag, start, at
