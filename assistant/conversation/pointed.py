"""Papers pointed at by their place: "the second one", "[3]", "the former", "both", "the other"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.answering.citations import papers_of
from assistant.answering.narrowing import Scope
from assistant.conversation.ellipsis import is_fragment
from assistant.conversation.positions import SINGLE, at_places, place_of, places
from assistant.conversation.spoken import Knowledge, called, pair_of, subject_of
from assistant.conversation.which_of import WHICH_OF, of_those
from assistant.conversation.wording import WORKS, Reading
from assistant.records import Turn
from assistant.text.words import content_words

FEW_WORDS = 4  # content words of a question about "the third one" that is taken for one of a list

OF_TWO = re.compile(r"\b(?:the|those|these) two\b|\bboth\b|\beither\b", re.IGNORECASE)
BOTH = re.compile(  # but not "both English and Hindi", "either this or that"
    rf"\b(?:(?:the|these|those) two(?: {WORKS})?|both of (?:them|these|those)|them both|each other)\b|"
    r"\bboth\b(?!.{0,100}\band\b)|\beither\b(?!.{0,100}\bor\b)", re.IGNORECASE,
)
OTHER = re.compile(
    r"\bthe other one\b|\bthe other(?: paper| method| model| work| approach| study)?"
    r"(?=\s*[?.!,:]|\s*$|\s+(?:do|does|did|is|has|was|use|uses)\b)",
    re.IGNORECASE,
)
CHOICE = re.compile(  # "which one is better?", "which of the two needs less memory?"
    r"^\W*(?:(?:and|so|but|then|ok|okay|well)\b\W*)*(?P<which>which(?: (?P<one>one|of the two|of both))?)\s+"
    r"(?:(?:is|was|does|do|did|runs|trains|works|performs|scores)\s+(?:the |much |far |a lot |even )?"
    r"(?:better|worse|best|worst|(?:more|less|most|least) \w+|\w{2,}er|\w{2,}est)|"
    r"\w+\s+(?:the |much |far |a lot |even )?(?:more|less|fewer|most|least|fewest|better|higher|lower|larger|smaller)\b"
    r"(?: [\w-]+){0,3}?)(?:\s+(?:on|at|in|for|with) [^,]+)?\W*$", re.IGNORECASE,
)


def points_at_two(question: str) -> bool:
    """Whether a question has words that may mean one or both of two papers."""
    return any(pattern.search(question) for pattern in (OF_TWO, BOTH, OTHER, SINGLE))


def chosen(question: str, turns: Sequence[Turn], known: Knowledge) -> Reading | None:
    """Which of the two spoken of is better, told side by side: "which one is faster?" after a comparison."""
    at = CHOICE.match(question)
    if at is None:
        return None
    last = turns[-1].answer
    papers = papers_of(last)
    if last.kind != "compare" or len(papers) < 2:
        if len(papers) > 2 and at["one"] in (None, "one"):
            return None  # which of a list
        papers = pair_of(turns, known) or ()
    if not papers:
        why = "fewer than two papers were spoken of before it; say which are meant"
        return Reading("missing", question, None, why) if at["one"] else None
    calls = [called(paper, known) for paper in papers]
    names = " and ".join(filter(None, calls))
    text = f"{names}: {question}" if all(calls) else question
    return Reading("about", text, Scope(papers, sides=True), f"“{at['which']}” is one of {names}")


def pointed_at_several(question: str, turns: Sequence[Turn], known: Knowledge) -> Reading | None:
    """A question about papers at several places of a list, each of which is told of for itself."""
    several = places(question)
    if several is None:
        return None
    said = question[several.start:several.end].strip()
    lists = [turn for turn in turns if turn.answer.items]
    chosen = at_places(lists, several.at) or at_places(turns, several.at)
    if chosen is None:
        return _beyond(question, said, turns)
    calls = [called(paper, known) or f"number {place + 1}" for paper, place in zip(chosen, several.at, strict=True)]
    why = f"“{said}” are {', '.join(calls[:-1])} and {calls[-1]}"
    head, tail = question[:several.start], question[several.end:]
    which = WHICH_OF.search(f"{head}those{tail}")
    if which is not None:
        return of_those(f"{head}those{tail}", which, chosen)
    return Reading("about", f"{head}{', '.join(calls[:-1])} and {calls[-1]}{tail}", Scope(chosen, sides=True), why)


def pointed(
    question: str, turns: Sequence[Turn], pair: tuple[str, str] | None, known: Knowledge
) -> Reading | None:
    """A question about one or both of two papers, or about the one at a place of a list."""
    both = BOTH.search(question)
    if both is not None and pair is not None:
        calls = [called(paper, known) for paper in pair]
        text = question
        if all(calls):
            text = f"{question[:both.start()]}{calls[0]} and {calls[1]}{question[both.end():]}"
        return Reading("about", text, Scope(pair), f"“{both.group()}” are {' and '.join(filter(None, calls))}")
    at = SINGLE.search(question) or OTHER.search(question)
    if at is None:
        return None
    chosen = _chosen(at, turns, pair) if at.re is SINGLE else pair[0] if pair else None
    if chosen is None:
        beyond = at.re is SINGLE and not at["of_two"] and len(content_words(question)) <= FEW_WORDS
        return _beyond(question, at.group(), turns) if beyond else None
    name = called(chosen, known)
    why = f"“{at.group()}” is {name or 'a paper just cited'}"
    text = f"{question[:at.start()]}{name or at.group()}{question[at.end():]}"
    if not content_words(question[:at.start()] + question[at.end():]) and is_fragment(question, ()):
        subject = subject_of(turns, known)
        frame = subject.turn.searched if subject else question
        if subject and name and subject.label and subject.label in frame:
            text = frame.replace(subject.label, name)
    return Reading("about", text, Scope((chosen,)), why)


def _beyond(question: str, said: str, turns: Sequence[Turn]) -> Reading:
    count = next((len(papers) for turn in reversed(turns) if (papers := papers_of(turn.answer))), 0)
    cites = f"the answer before cites {'one paper' if count == 1 else f'{count} papers'}, and none of them is “{said}”"
    why = f"{cites}; ask about one of those, or by name" if count else f"nothing said before is “{said}”; ask by name"
    return Reading("missing", question, None, why)


def _chosen(at: re.Match[str], turns: Sequence[Turn], pair: tuple[str, str] | None) -> str | None:
    if at["mark"]:
        cited = next((turn.answer.citations for turn in reversed(turns) if turn.answer.citations), ())
        return next((found.paper_id for found in cited if found.mark == int(at["mark"])), None)
    if at["of_two"]:
        return None if pair is None else pair[0 if at["of_two"].lower() == "former" else 1]
    found = at_places(turns, [place_of(at["word"] or at["bare"] or at["doing"] or at["number"])])
    return found[0] if found else None
