""""Which of those …": the papers just cited, cut down by what is asked of them."""

from __future__ import annotations

import re

from assistant.answering.narrowing import Scope
from assistant.followup.wording import WORKS, Reading
from assistant.retrieval.words import content_words

_THEM = (
    rf"(?:(?:those|these)(?:\s+{WORKS})?|them|the\s+(?:two|three|four|five|six|above)(?:\s+{WORKS})?|"
    rf"the\s+{WORKS})"
)
WHICH_OF = re.compile(
    rf"\b(?P<ask>which|what|who|how many|any|none|some|either|each|most|one)(?:\s+(?:ones?|papers?))?\s+"
    rf"(?:of|among|from|amongst|out of)\s+{_THEM}(?!\s+(?:that|which|who)\b)|"
    r"^\W*(?:(?:and|so|but|ok|okay)\b\W*)*(?:of|among)\s+(?:those|these|them)\b\s*,?|"
    r"^\W*(?:all|list|show)(?: all)? of (?:those|these|them)\b|"
    r"^\W*(?:(?:and|so|but|ok|okay)\b\W*)*(?P<ones>which|what) ones?\b|"
    r"\b(?:do|does|are|is|did|have|has) (?:any|some|all|either|one|both) (?:of )?(?:those|these|them)\b|"
    rf"\b(?:these|those) {WORKS}\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\b(?:releas\w+|publish\w*|shar\w+|provid\w+|giv\w+|open[- ]?sourc\w+|have|has|with|offer\w*|ma[kd]e\w*|"
    r"link\w*|come|without|lack\w*)\b"
    r"[^.?!]{0,40}\b(?:code\w*|implementations?|repositor\w+|github|source)\b|\bopen[- ]?source\w*\b|"
    r"\b(?:code\w*|implementations?|repositor\w+)\b[^.?!]{0,30}\b(?:available|public\w*|released|online|open)\b",
    re.IGNORECASE,
)
_NO_CODE = re.compile(r"\b(?:no|not|n['’]t|without|never|lack\w*)\b|n['’]t\b", re.IGNORECASE)
_CODE_WORDS = frozenset(
    """release releases released publish published public publicly share shares shared provide provides provided open
    source sourced opensource code codes codebase implementation implementations repository repositories github
    available online offer offers come comes link links papers paper methods works models ones approaches studies
    results systems also actually even two three four five anywhere somewhere freely author authors do""".split()
)


def of_those(question: str, found: re.Match[str], papers: tuple[str, ...]) -> Reading:
    """A question over these papers; whether they release code is told by rule."""
    ask = (found["ask"] or found["ones"] or "").lower()
    frame = {"how many": "how many papers", "": "papers"}.get(ask, "which papers")
    if re.match(r"(?:do|does|are|is|did|have|has)\b", found.group(), re.IGNORECASE):
        frame = "which papers"
    text = " ".join(f"{question[:found.start()]} {frame} {question[found.end():]}".split())
    code, left = code_asked(question)
    every = not left
    return Reading("which", text, Scope(papers, code, every, only=True), f"of the {len(papers)} papers just cited")


def code_asked(text: str) -> tuple[bool | None, bool]:
    """Whether papers that release code are asked for, or those that do not; and whether anything else is asked of them.

    >>> code_asked("which of those release code?"), code_asked("those about speech without code")
    ((True, False), (False, True))
    """
    code = _NO_CODE.search(text) is None if _CODE.search(text) else None
    words = content_words(text)
    return code, any(word not in _CODE_WORDS for word in words) if code is not None else bool(words)
