"""Questions that leave something out: "and on code?", "and Russian?", "which models?"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.answering.items import gives_list
from assistant.answering.narrowing import Scope
from assistant.conversation.pronouns import has_pronoun
from assistant.conversation.spoken import Knowledge, Subject
from assistant.conversation.wording import GIVEN, Reading, scope_of, with_subject
from assistant.text.code_links import code_asked
from assistant.text.words import content_words

LIKELY = 0.5        # P(it goes on from before) from which a question with neither pronoun nor name does …
UNLIKELY = 0.1      # … and from which one that begins with "and"
FEW = 2             # papers spoken of, that a question with neither pronoun nor name may go on about
FRAGMENT_WORDS = 3  # content words of a question without a verb: "gain on TextVQA?"

_AND = re.compile(
    r"^\W*(?:(?:ok|okay|well|so|thanks|great|fine|hm+|no|nope|sorry)\b\W*)*"
    r"(?:and|but|or|also|plus|what about|how about|same for|i meant?)\b[\s,]*",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^\W*(?:(?:and|but|ok|so)\b\W*)*(?:what|how) about\b", re.IGNORECASE)
_VERB = re.compile(
    r"\b(?:am|is|are|was|were|be|been|do|does|did|has|have|had|can|could|should|would|will|may|might|must|work|works|use|"
    r"uses|used|need|needs|make|makes|made|gain|gains|improve\w*|release\w*|mention\w*|edit|edits|train\w*|list|show|"
    r"name|find|give|compare|explain|describe|tell|save|saves)\b", re.IGNORECASE,
)
_COMPARED_TO = re.compile(  # "compared with X?", "how does X compare?": the other side is missing
    r"^(?:compar\w+\s+(?:with|to|against)|versus|vs\.?)\s|\b(?:compare|differ)\s*[?.!]*\s*$", re.IGNORECASE
)
_PREPOSITION = re.compile(
    r"^(?:on|for|in|with|to|about|from|by|at|of|against|over|under|without|using)\b", re.IGNORECASE
)
_NO_FRAGMENT = re.compile(
    r"\b(?:what|which|who|how|why|when|where)\b|^\W*(?:any|some)(?:thing|one|body)?\b|\bpapers?\b", re.IGNORECASE
)
_OF_COLLECTION = re.compile(  # asks of all papers, or of the assistant
    r"\b(?:papers?|abstracts?|articles?|surveys?|any(?:one|body)|you|your|index|collection|library|database|corpus|"
    r"files?)\b", re.IGNORECASE,
)


def completed(
    question: str, subject: Subject, named: Sequence[str], own: Sequence[str], known: Knowledge
) -> Reading | None:
    """A question that leaves out what it is about."""
    name, focus = subject.label, subject.focus
    started = _AND.match(question)
    rest = question[started.end():].strip() if started else question.strip()
    if is_fragment(rest, named) and (started or (not own and _is_short(rest))):
        return again(question, rest, subject, known, own)
    if _COMPARED_TO.search(rest) and len(own) == 1 and name and own[0] != name:
        return Reading("about", f"{rest.rstrip('?. ')} and {name}", None, f"compared with {name}")
    # A pronoun stands for something in the question itself, if it got here.
    if own or has_pronoun(question) or _OF_COLLECTION.search(rest) or not 0 < len(focus) <= FEW:
        return None
    of_its_code = code_asked(rest) == (True, False) and GIVEN.search(rest)  # "is the code public?", said or not
    likely = UNLIKELY if started and not _ABOUT.match(question) else LIKELY
    if not of_its_code and known.leaning(rest, focus) < likely:
        return None
    return Reading("about", with_subject(rest, subject), scope_of(subject), "it says too little to stand alone")


def is_fragment(text: str, names: Sequence[str]) -> bool:
    """Whether a question has no verb but those in names: "and in Branch-Train-Merge?"."""
    for name in names:
        text = text.replace(name, " ")
    return _VERB.search(text) is None and not _NO_FRAGMENT.search(text)


def _is_short(text: str) -> bool:
    return text.rstrip().endswith("?") and len(content_words(text)) <= FRAGMENT_WORDS


def again(question: str, rest: str, subject: Subject, known: Knowledge, own: Sequence[str]) -> Reading:
    """The question before with one part of it exchanged: "and on code?", "and Russian?", "and in MEMIT?"."""
    before = subject.turn
    part, frame = rest.rstrip(" ?.!"), before.searched.rstrip(" ?.!")
    listed = gives_list(before.answer) or (before.answer.kind in ("list", "count") and not before.answer.citations)
    scope = Scope(subject.focus) if subject.focus and not listed and not own else None
    preposition = _PREPOSITION.match(part)
    asked = [found for found in known.names(frame) if found in frame]
    instead = next((found for found in own if known.owner(found)), None)
    same_sort = next((found for found in reversed(asked) if known.owner(found)), None) if instead else None
    if instead and same_sort:
        return Reading("again", f"{frame.replace(same_sort, instead)}?", None, f"{instead} for {same_sort}")
    if preposition is not None:
        old = list(re.finditer(rf"\b{preposition.group()}\b", frame, re.IGNORECASE))
        text = f"{frame[:old[-1].start()].rstrip()} {part}" if old else f"{frame} {part}"
        return Reading("again", f"{text}?", scope, "the question before, with another part")
    if own and asked:
        return Reading("again", f"{frame.replace(asked[-1], part)}?", None, f"{part} for {asked[-1]}")
    if not listed:
        return Reading("about", with_subject(rest, subject), scope, "it goes on from before")
    swapped = _exchanged(frame, part)
    return Reading("again", f"{swapped}?" if question.rstrip().endswith("?") else swapped, None, f"{part} instead")


def _exchanged(frame: str, part: str) -> str:
    """The subject of a list question exchanged: what stands after its last preposition, else its last word."""
    capital = re.findall(r"(?<=\s)[A-Z]\w+", frame)
    if part[:1].isupper() and capital:
        return frame.replace(capital[-1], part)
    places = list(re.finditer(r"\b(?:on|about|for|with|in|using|involving|to|of)\s+", frame))
    if places:
        return frame[:places[-1].end()] + part
    return f"{frame.rpartition(' ')[0]} {part}"
