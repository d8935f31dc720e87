"""Why a paper is in the last list, or is not: "why is SPDF not in it?", "why did you list the second?"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.answering.absence import absence_asked
from assistant.answering.citations import papers_of
from assistant.answering.narrowing import Scope
from assistant.conversation.positions import SINGLE, at_places, place_of
from assistant.conversation.spoken import goes_on_from, last_list
from assistant.conversation.wording import Reading
from assistant.records import Turn

_LIST = re.compile(r"\b(?:list\w*|results?|answers?|you|included?)\b", re.IGNORECASE)


def explained(question: str, turns: Sequence[Turn]) -> Reading | None:
    """A question after a paper that the last list has or has not."""
    asked = absence_asked(question)
    if asked is None or asked.listed is not None:
        return None
    turn = last_list(turns)
    if turn is None:
        if not _LIST.search(question):
            return None
        why = "no list of papers came before it; ask “why is X not in the list of …?”"
        return Reading("missing", question, None, why)
    if not _LIST.search(question) and not goes_on_from(turn, turns):
        return None  # "it" is what was spoken of since
    papers = papers_of(turn.answer)
    paper = asked.paper
    if place := SINGLE.fullmatch(paper):
        word = place["word"] or place["bare"] or place["number"] or place["mark"]
        found = at_places([turn], [place_of(word)]) if word else None
        paper = found[0] if found else paper
    return Reading("absence", turn.searched, Scope(papers), "of the last list", paper)
