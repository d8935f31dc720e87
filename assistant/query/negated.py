"""What a question leaves out by "no" and "not", where the trained reader takes it for what is asked for.

"Papers that don't use LLaMA or GPT-4 for speech" is about speech, without both names; "papers that introduce no new
dataset" is for those without one. The reader knows most such wordings, not all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.query.features import Token
from assistant.query.tagger import Reading

NEGATING = frozenset("not never don't doesn't didn't isn't aren't without".split())
JOINING = frozenset(["or", "nor", "and", ",", "/"])
MAX_WORDS_BETWEEN = 2  # from "not" to the name: "do not rely on"
_THERE = frozenset(["is", "are", "there"])  # "is there no paper on …" asks for one

# "Need no X", "do not require any X": what abstracts call X-free, which is about X.
_NEEDLESS = re.compile(
    r"\b(?:(?:do|does)(?:\s+not|n['’]t)\s+(?:need|require)|(?:needs?|requires?)\s+no)\s+(?:any\s+|an?\s+|the\s+)?"
    r"(?P<what>(?-i:[a-z-]+(?:\s+[a-z-]+)?))"  # no name: of one, papers that mention it are left out
    r"(?=\W*$|[,;.?!]|\s(?:for|in|on|at|to|with|and|or|but|when|while|that|which|of|from|by|during)\b)", re.IGNORECASE,
)


def without_need(text: str) -> str:
    """What a question says is not needed, as abstracts say it.

    >>> without_need("which methods do not require fine-tuning?")
    'which methods are fine-tuning-free?'
    >>> without_need("papers that do not need GPT-4")
    'papers that do not need GPT-4'
    """
    return _NEEDLESS.sub(r"are \g<what>-free", text)


def with_negated(reading: Reading) -> Reading:
    """The reading of a question for papers, with what it negates tagged ``exclude``, and what follows that, as asked.

    Names after "not" and those joined to them are left out, and so is what "no" stands before, if something that is
    had or done is negated.
    """
    tags = list(reading.tags)
    for at, token in enumerate(reading.tokens):
        if tags[at] != "asking":
            continue
        if token.word in NEGATING:
            _names_after(at, reading.tokens, tags)
        elif token.word == "no" and at > 1 and reading.tokens[at - 1].word not in _THERE | {"that"}:
            _exclude("topic", at + 1, tags)
        elif token.word in ("or", "nor") and at and tags[at - 1] == "exclude":
            _exclude("name", at + 1, tags)  # "no LLaMA, GPT-4 or ChatGPT"
    return replace(reading, tags=tuple(tags))


def _exclude(tag: str, start: int, tags: list[str]) -> None:
    """Tag the run of ``tag`` that begins at a token as left out."""
    while start < len(tags) and tags[start] == tag:
        tags[start] = "exclude"
        start += 1


def _names_after(cue: int, tokens: Sequence[Token], tags: list[str]) -> None:
    """Tag the names that a cue negates; a run that the reader excludes beyond them is asked for."""
    at = cue + 1
    while at < len(tags) and tags[at] == "asking" and any(c.isalnum() for c in tokens[at].text):
        at += 1
    if at - cue - 1 > MAX_WORDS_BETWEEN or at >= len(tags) or tags[at] != "name":
        return
    while at < len(tags) and (tags[at] == "name" or (tags[at] == "asking" and tokens[at].word in JOINING)):
        if tags[at] == "name":
            tags[at] = "exclude"
        at += 1
    while at < len(tags) and tags[at] == "asking" and any(c.isalnum() for c in tokens[at].text):
        at += 1
    while at < len(tags) and tags[at] == "exclude":
        tags[at] = "topic"
        at += 1
