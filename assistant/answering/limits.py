"""How many papers a list shall show, where its question says so: "three papers about …", "the top 5"."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = {word: number for number, word in enumerate(
    "one two three four five six seven eight nine ten eleven twelve".split(), 1
)} | {"fifteen": 15, "twenty": 20}

_NUMBER = rf"(?P<number>\d{{1,3}}|{'|'.join(WORDS)})(?![\w.%-])"
_BEST = r"(?:top|best|first|foremost|leading|main|most \w+|closest)"
_THINGS = (
    r"(?:papers?|publications?|works?|stud(?:y|ies)|articles?|abstracts?|methods?|models?|LLMs|approach(?:es)?|techniques?|"
    r"algorithms?|frameworks?|systems?|tools?|librar(?:y|ies)|benchmarks?|datasets?|corpora|surveys?|reviews?|"
    r"examples?|strateg(?:y|ies)|architectures?|metrics?|ones)"
)
# The number stands at the head, behind words that only ask, and counts things that a list can hold.
_AT_HEAD = re.compile(
    r"^\W*(?:(?:please|could|can|would|you|i|we|need|want|like|to|see|name|list|give|show|tell|find|recommend|suggest|"
    r"mention|pick|cite|get|me|us|just|only|any|up|at most|no more than|what|which|are|is|the|a|your)\s+)*"
    rf"(?:{_BEST}\s+)?{_NUMBER}\s+(?:of the\s+)?(?!of\b)(?:{_BEST}\s+)?(?:[\w-]+\s+){{0,2}}?{_THINGS}\b", re.IGNORECASE,
)
_TOP = re.compile(rf"\b(?:top|best)[\s-]{_NUMBER}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of papers to show."""

    count: int  # at least 1
    word: str   # as the question has it, in lower case


def limit(text: str) -> Limit | None:
    """The number that a question gives of the papers to be listed; None if it gives none.

    >>> limit("the top five papers on speech"), limit("papers with two-stage training")
    (Limit(count=5, word='five'), None)
    """
    found = _AT_HEAD.search(text) or _TOP.search(text)
    if found is None:
        return None
    word = found.group("number").casefold()
    count = WORDS.get(word) or int(word)
    return Limit(count, word) if count else None
