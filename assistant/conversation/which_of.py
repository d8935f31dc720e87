""""Which of those …": the papers just cited, cut down by what is asked of them."""

from __future__ import annotations

import re

from assistant.answering.narrowing import Scope
from assistant.conversation.wording import WORKS, Reading
from assistant.text.code_links import code_asked

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
