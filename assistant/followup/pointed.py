"""Papers pointed at by their place: "the second one", "[3]", "the former", "both", "the other"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.answering.citations import papers_of
from assistant.answering.narrowing import Scope
from assistant.followup.ellipsis import is_fragment
from assistant.followup.spoken import Knowledge, Turn, called, listed_before, subject_of
from assistant.followup.wording import WORKS, Reading
from assistant.retrieval.words import content_words

FEW_WORDS = 4  # content words of a question about "the third one" that is taken for one of a list

OF_TWO = re.compile(r"\b(?:the|those|these) two\b|\bboth\b|\beither\b", re.IGNORECASE)
BOTH = re.compile(  # but not "both English and Hindi", "either this or that"
    rf"\b(?:(?:the|these|those) two(?: {WORKS})?|both of (?:them|these|those)|them both|each other)\b|"
    r"\bboth\b(?!.*\band\b)|\beither\b(?!.*\bor\b)", re.IGNORECASE | re.DOTALL,
)
OTHER = re.compile(
    r"\bthe other one\b|\bthe other(?: paper| method| model| work| approach| study)?"
    r"(?=\s*[?.!,:]|\s*$|\s+(?:do|does|did|is|has|was|use|uses)\b)",
    re.IGNORECASE,
)
ORDINAL = re.compile(
    r"\b(?:the\s+)?(?P<word>first|second|third|fourth|fifth|last|1st|2nd|3rd|4th|5th)\s+(?:one|paper|method|model|work|result|"
    r"approach|item|of (?:them|those|these))\b|\b(?:number|no\.?|item|paper)\s*#?(?P<number>\d{1,2})\b|"
    r"\[(?P<mark>\d{1,2})\]|\bthe (?P<of_two>former|latter)\b|\bthe (?P<bare>first|second|third|last)"
    r"(?=\s*[?.!,]|\s*$|\s+(?:do|does|is|use|uses|has)\b)",
    re.IGNORECASE,
)
_PLACES = {
    "first": 0, "1st": 0, "former": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3,
    "fifth": 4, "5th": 4, "last": -1, "latter": -1,
}


def points_at_two(question: str) -> bool:
    """Whether a question has words that may mean one or both of two papers."""
    return any(pattern.search(question) for pattern in (OF_TWO, BOTH, OTHER, ORDINAL))


def pointed(
    question: str, turns: Sequence[Turn], pair: tuple[str, str] | None, known: Knowledge
) -> Reading | None:
    """A question about one or both of two papers, or about one at a place of a list."""
    both = BOTH.search(question)
    if both is not None and pair is not None:
        calls = [called(paper, known) for paper in pair]
        text = question
        if all(calls):
            text = f"{question[:both.start()]}{calls[0]} and {calls[1]}{question[both.end():]}"
        return Reading("about", text, Scope(pair), f"“{both.group()}” are {' and '.join(filter(None, calls))}")
    at = ORDINAL.search(question) or OTHER.search(question)
    if at is None:
        return None
    chosen = _chosen(at, turns, pair) if at.re is ORDINAL else pair[0] if pair else None
    if chosen is None:
        beyond = at.re is ORDINAL and not at["of_two"] and len(content_words(question)) <= FEW_WORDS
        return Reading("missing", question, None, _not_there(at.group(), turns)) if beyond else None
    name = called(chosen, known)
    why = f"“{at.group()}” is {name or 'a paper just cited'}"
    text = f"{question[:at.start()]}{name or at.group()}{question[at.end():]}"
    if not content_words(question[:at.start()] + question[at.end():]) and is_fragment(question, ()):
        subject = subject_of(turns, known)
        frame = subject.turn.searched if subject else question
        if subject and name and subject.label and subject.label in frame:
            text = frame.replace(subject.label, name)
    return Reading("about", text, Scope((chosen,)), why)


def _not_there(place: str, turns: Sequence[Turn]) -> str:
    """Why no paper is at a place: how many there are."""
    count = next((len(papers) for turn in reversed(turns) if (papers := papers_of(turn.answer))), 0)
    if not count:
        return f"no answer before cites a paper, so none is “{place}”; ask by name"
    of = f"{count} papers" if count != 1 else "one paper"
    return f"the answer before cites {of}, and none of them is “{place}”; ask about one of those, or by name"


def _chosen(at: re.Match[str], turns: Sequence[Turn], pair: tuple[str, str] | None) -> str | None:
    if at["mark"]:
        cited = next((turn.answer.citations for turn in reversed(turns) if turn.answer.citations), ())
        return next((found.paper_id for found in cited if found.mark == int(at["mark"])), None)
    word = (at["word"] or at["bare"] or at["of_two"] or "").lower()
    if at["of_two"]:
        return None if pair is None else pair[_PLACES[word]]
    return listed_before(turns, int(at["number"]) - 1 if at["number"] else _PLACES[word])
