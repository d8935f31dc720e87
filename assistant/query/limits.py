"""How many papers a list shall show, where its question says so: "three papers about …", "the top 5"."""

from __future__ import annotations

import re

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
    rf"(?P<said>(?:{_BEST}[\s-]+)?{_NUMBER})\s+(?:of the\s+)?(?!of\b)(?:{_BEST}\s+)?(?:[\w-]+\s+){{0,2}}?"
    rf"{_THINGS}\b", re.IGNORECASE,
)
# Or behind, or with no word for papers at all: "…, top 4", "top 3 on pruning"; but not "top-5 accuracy".
_TOP = re.compile(rf"\b(?P<said>(?:top|best)[\s-]{_NUMBER})(?=\W*$|\s+(?:on|about|for|of)\b)", re.IGNORECASE)


def without_limit(text: str) -> tuple[int | None, str]:
    """Return the number of papers that a question asks to be listed, None without one, and the text without it.

    >>> without_limit("the top five papers on speech"), without_limit("papers with two-stage training")
    ((5, 'the papers on speech'), (None, 'papers with two-stage training'))
    """
    found = _AT_HEAD.search(text) or _TOP.search(text)
    if found is None:
        return None, text
    word = found["number"].casefold()
    count = WORDS.get(word) or int(word)
    start, end = found.span("said")
    rest = f"{text[:start]}{text[end:].lstrip()}".rstrip(" ,")
    return (count, rest) if count and rest else (None, text)
