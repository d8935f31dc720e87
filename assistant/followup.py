"""What a question refers back to: pronouns, what is left out, "which of those …". Told by rule, without a model.

A question that stands alone is left alone: each rule needs a sign that something is missing, and a name of its own that
a pronoun can stand for takes the sign away.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant.answering.narrowing import Scope
from assistant.pronouns import POSSESSIVE, has_pronoun, pronoun_of
from assistant.records import Paper
from assistant.retrieval.words import FUNCTION_WORDS, words
from assistant.spoken import Knowledge, Subject, Turn, called, listed_before, pair_of, papers_of, subject_of

__all__ = ["Reading", "Turn", "papers_of", "read_followup"]

Kind = Literal["alone", "about", "again", "which", "missing"]

LIKELY = 0.5         # P(it goes on from before) from which a question with neither pronoun nor name does …
UNLIKELY = 0.1       # … and from which one that begins with "and"
FEW = 2              # papers spoken of, that a question with neither pronoun nor name may go on about
FEW_WORDS = 4        # content words of a question about "the third one" that is taken for one of a list
FRAGMENT_WORDS = 3   # content words of a question without a verb: "gain on TextVQA?"

_WORKS = (
    r"(?:papers|ones|methods|models|works|approaches|studies|results|systems|frameworks|benchmarks|datasets|techniques)"
)
_THEM = (
    rf"(?:(?:those|these)(?:\s+{_WORKS})?|them|the\s+(?:two|three|four|five|six|above)(?:\s+{_WORKS})?|"
    rf"the\s+{_WORKS})"
)
_WHICH_OF = re.compile(
    rf"\b(?P<ask>which|what|who|how many|any|none|some|either|each|most|one)(?:\s+(?:ones?|papers?))?\s+"
    rf"(?:of|among|from|amongst|out of)\s+{_THEM}(?!\s+(?:that|which|who)\b)|"
    r"^(?:\W*(?:and|so|but|ok|okay)\b\W*)*(?:of|among)\s+(?:those|these|them)\b\s*,?|"
    r"^\W*(?:all|list|show)(?: all)? of (?:those|these|them)\b|"
    r"^(?:\W*(?:and|so|but|ok|okay)\b\W*)*(?P<ones>which|what) ones?\b|"
    r"\b(?:do|does|are|is|did|have|has) (?:any|some|all|either|one|both) (?:of )?(?:those|these|them)\b|"
    rf"\b(?:these|those) {_WORKS}\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\b(?:releas\w+|publish\w*|shar\w+|provid\w+|giv\w+|open[- ]?sourc\w+|have|has|with|offer\w*|ma[kd]e\w*|"
    r"link\w*|come)\b"
    r"[^.?!]{0,40}\b(?:code\w*|implementations?|repositor\w+|github|source)\b|\bopen[- ]?source\w*\b|"
    r"\b(?:code\w*|implementations?|repositor\w+)\b[^.?!]{0,30}\b(?:available|public\w*|released|online|open)\b",
    re.IGNORECASE,
)
_NO_CODE = re.compile(r"\b(?:no|not|n['’]t|without|never)\b|n['’]t\b", re.IGNORECASE)
_CODE_WORDS = frozenset(
    """release releases released publish published public publicly share shares shared provide provides provided open
    source sourced opensource code codes codebase implementation implementations repository repositories github
    available online offer offers come comes link links papers paper methods works models ones approaches studies
    results systems also actually even two three four five anywhere somewhere freely author authors do""".split()
)
_AREA = re.compile(r"\b(?:family|area|field|topic|task)$", re.IGNORECASE)
_AND = re.compile(
    r"^\W*(?:(?:ok|okay|well|so|thanks|great|fine|hm+|no|nope|sorry)\b\W*)*"
    r"(?:and|but|or|also|plus|what about|how about|same for|i meant?)\b[\s,]*",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^\W*(?:(?:and|but|ok|so)\b\W*)*(?:what|how) about\b", re.IGNORECASE)
_ANNOUNCED = re.compile(  # "What about X, what does it do?", "no, I meant X. What is that?"
    r"^\W*(?:(?:and|but|ok|okay|so|no|nope|sorry|well|then)\b\W*)*"
    r"(?:(?:what|how) about|as for|regarding|concerning|i meant?|now|back to|take|consider)\s+"
    r"(?P<what>[^,:;?!]+?)(?:[,:;]|[.?!–—]|\s-)\s+(?P<clause>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
_OF_TWO = re.compile(r"\b(?:the|those|these) two\b|\bboth\b|\beither\b", re.IGNORECASE)
_BOTH = re.compile(  # but not "both English and Hindi", "either this or that"
    rf"\b(?:(?:the|these|those) two(?: {_WORKS})?|both of (?:them|these|those)|them both|each other)\b|"
    r"\bboth\b(?!.*\band\b)|\beither\b(?!.*\bor\b)", re.IGNORECASE | re.DOTALL,
)
_OTHER = re.compile(
    r"\bthe other one\b|\bthe other(?: paper| method| model| work| approach| study)?"
    r"(?=\s*[?.!,:]|\s*$|\s+(?:do|does|did|is|has|was|use|uses)\b)",
    re.IGNORECASE,
)
_ELSE = re.compile(
    rf"\b(?:(?:who|what|which \w+|anyone|anybody|any \w+) else|(?:any|which|what) others?(?: {_WORKS})?)\b",
    re.IGNORECASE,
)
_FRESH = re.compile(
    r"^\W*(?:(?:ok|okay|fine|thanks|well|now)\b\W*)*(?:(?:a |an )?(?:different|another|new|other|next) "
    r"(?:topic|question|subject|thing)|changing (?:the )?(?:topic|subject)|something else|forget (?:that|it))\b",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
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
_VERB = re.compile(
    r"\b(?:am|is|are|was|were|be|been|do|does|did|has|have|had|can|could|should|would|will|may|might|must|work|works|use|"
    r"uses|used|need|needs|make|makes|made|gain|gains|improve\w*|release\w*|mention\w*|edit|edits|train\w*|list|show|"
    r"name|find|give|compare|explain|describe|tell|save|saves)\b", re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:compar\w+|differ\w*|versus|vs\.?|against|better than|worse than|square with|relate)\b", re.IGNORECASE
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
_CALLED = frozenset("paper papers abstract abstracts work works study studies article articles list fine ok".split())

_OF_COLLECTION = re.compile(  # asks of all papers, or of the assistant
    r"\b(?:papers?|abstracts?|articles?|surveys?|any(?:one|body)|you|your|index|collection|library|database|corpus|"
    r"files?)\b", re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a question hangs together with what was said before.

    ``alone``: not at all. ``about``: of something said before. ``again``: the question before, with something else in
    it. ``which``: which of the papers just cited. ``missing``: of something that was not listed.
    """

    kind: Kind
    text: str                    # what to ask: the question itself where it stands alone
    scope: Scope | None = None   # the papers it refers to
    why: str = ""


def read_followup(question: str, turns: Sequence[Turn], known: Knowledge) -> Reading:
    """Read a question in the light of the turns before it."""
    subject = subject_of(turns, known)
    if subject is None or _FRESH.match(question) or not any(character.isalnum() for character in question):
        return Reading("alone", question)
    announced = _announced(question, known)
    asked = announced or question
    named = known.names(asked)
    own = [name for name in named if leads_away(name, subject.focus, known)]
    found = _referring(asked, turns, subject, own, known)
    if found is None and announced is not None:
        owner = next((paper for name in named if (paper := known.owner(name))), None)
        return Reading("about", announced, Scope((owner,)) if owner else None, "what was put first is meant")
    return found or _completed(question, subject, named, own, known) or Reading("alone", question)


def _referring(
    question: str, turns: Sequence[Turn], subject: Subject, own: Sequence[str], known: Knowledge
) -> Reading | None:
    """A question with words that stand for something said before."""
    of_two = any(pattern.search(question) for pattern in (_OF_TWO, _BOTH, _OTHER, _ORDINAL))
    pair = pair_of(turns, known) if of_two else None
    which = _WHICH_OF.search(question)
    if which is not None:
        papers = pair if pair and _OF_TWO.search(question) else subject.papers
        if len(papers) > 1:
            return _which(question, which, papers)
    if not any(pair is None or leads_away(name, pair, known) for name in own):
        pointed = _pointed(question, turns, pair, known)
        if pointed is not None:
            return pointed
    pronoun = pronoun_of(question, own)
    others = _ELSE.search(question)
    if others is not None:
        return _elsewhere(question, others, subject) if pronoun or not _content(question[others.end():]) else None
    if pronoun is None:
        return None
    if _AREA.search(pronoun.group()):
        why = f"“{pronoun.group()}” is that of {subject.title or subject.label}"
        return Reading("about", _with(question, replace(subject, label=subject.title)), None, why)
    beyond = _COMPARED.search(question) and (
        own or re.search(r"[\"“]", question) or known.leaning(question, subject.focus) < LIKELY
    )
    why = f"“{pronoun.group()}” is {subject.label or 'what was asked before'}"
    return Reading("about", _put_in(question, pronoun, subject), None if beyond else _scope(subject), why)


def _completed(
    question: str, subject: Subject, named: Sequence[str], own: Sequence[str], known: Knowledge
) -> Reading | None:
    """A question that leaves out what it is about."""
    name, focus = subject.label, subject.focus
    started = _AND.match(question)
    rest = question[started.end():].strip() if started else question.strip()
    if _is_fragment(rest, named) and (started or (not own and _is_short(rest))):
        return _again(question, rest, subject, known, own)
    if _COMPARED_TO.search(rest) and len(own) == 1 and name and own[0] != name:
        return Reading("about", f"{rest.rstrip('?. ')} and {name}", None, f"compared with {name}")
    # A pronoun stands for something in the question itself, if it got here.
    if own or has_pronoun(question) or _OF_COLLECTION.search(rest) or not 0 < len(focus) <= FEW:
        return None
    if known.leaning(rest, focus) < (UNLIKELY if started and not _ABOUT.match(question) else LIKELY):
        return None
    return Reading("about", _with(rest, subject), _scope(subject), "it says too little to stand alone")


def _scope(subject: Subject) -> Scope | None:
    return Scope(subject.focus) if subject.focus else None


def _elsewhere(question: str, others: re.Match[str], subject: Subject) -> Reading:
    """"Who else does that?": the subject of the question before, in other papers."""
    named = _content(subject.label or "")
    topic = " ".join(word for word in _content(subject.turn.searched) if word not in named and word not in _CALLED)
    return Reading("about", f"which other papers deal with {topic}?", None, f"“{others.group()}” are other papers")


def leads_away(name: str, spoken: Collection[str], known: Knowledge) -> bool:
    """Whether a name is of something that was not spoken of before."""
    owner = known.owner(name)
    if owner is not None:
        return owner not in spoken
    return not any(_mentions(known.paper(paper), name) for paper in spoken)


def _announced(question: str, known: Knowledge) -> str | None:
    """"What about X, what does it do?" as "what does X do?"."""
    found = _ANNOUNCED.match(question)
    if found is None or _ORDINAL.search(found["what"]) or not _content(found["what"]):
        return None
    clause = found["clause"]
    pronoun = pronoun_of(clause, known.names(clause))
    return None if pronoun is None else _put(clause, pronoun, found["what"])


def _pointed(
    question: str, turns: Sequence[Turn], pair: tuple[str, str] | None, known: Knowledge
) -> Reading | None:
    """A question about one or both of two papers, or about one at a place of a list."""
    both = _BOTH.search(question)
    if both is not None and pair is not None:
        calls = [called(paper, known) for paper in pair]
        text = question
        if all(calls):
            text = f"{question[:both.start()]}{calls[0]} and {calls[1]}{question[both.end():]}"
        return Reading("about", text, Scope(pair), f"“{both.group()}” are {' and '.join(filter(None, calls))}")
    at = _ORDINAL.search(question)
    other = _OTHER.search(question)
    if at is None and other is None:
        return None
    if at is not None:
        chosen = _chosen(at, turns, pair)
    else:
        chosen = pair[0] if pair else None
        at = other
    if at is None:
        return None
    if chosen is None:
        beyond = at.re is _ORDINAL and not at["of_two"] and len(_content(question)) <= FEW_WORDS
        count = next((len(papers) for turn in reversed(turns) if (papers := papers_of(turn.answer))), 0)
        of = f"{count} papers" if count != 1 else "one paper"
        why = f"the answer before cites {of}, and none of them is “{at.group()}”; ask about one of those, or by name"
        return Reading("missing", question, None, why) if beyond else None
    name = called(chosen, known)
    why = f"“{at.group()}” is {name or 'a paper just cited'}"
    text = f"{question[:at.start()]}{name or at.group()}{question[at.end():]}"
    if not _content(question[:at.start()] + question[at.end():]) and _is_fragment(question, ()):
        subject = subject_of(turns, known)
        frame = subject.turn.searched if subject else question
        if subject and name and subject.label and subject.label in frame:
            text = frame.replace(subject.label, name)
    return Reading("about", text, Scope((chosen,)), why)


def _which(question: str, found: re.Match[str], papers: tuple[str, ...]) -> Reading:
    ask = (found["ask"] or found["ones"] or "").lower()
    frame = {"how many": "how many papers", "": "papers"}.get(ask, "which papers")
    if re.match(r"(?:do|does|are|is|did|have|has)\b", found.group(), re.IGNORECASE):
        frame = "which papers"
    text = " ".join(f"{question[:found.start()]} {frame} {question[found.end():]}".split())
    code = None
    if _CODE.search(question):
        code = _NO_CODE.search(question) is None
    left = [word for word, _, _ in words(question) if word not in FUNCTION_WORDS and word not in _CODE_WORDS]
    every = code is not None and not left
    return Reading("which", text, Scope(papers, code, every, only=True), f"of the {len(papers)} papers just cited")


def _chosen(at: re.Match[str], turns: Sequence[Turn], pair: tuple[str, str] | None) -> str | None:
    if at["mark"]:
        cited = next((turn.answer.citations for turn in reversed(turns) if turn.answer.citations), ())
        return next((found.paper_id for found in cited if found.mark == int(at["mark"])), None)
    word = (at["word"] or at["bare"] or at["of_two"] or "").lower()
    if at["of_two"]:
        return None if pair is None else pair[_PLACES[word]]
    return listed_before(turns, int(at["number"]) - 1 if at["number"] else _PLACES[word])


def _put_in(question: str, pronoun: re.Match[str], subject: Subject) -> str:
    word = pronoun.group().lower()
    if subject.label is None or word == "there" or word.startswith(("the ", "each", "both")):
        return _with(question, subject)
    return _put(question, pronoun, subject.label)


def _put(question: str, pronoun: re.Match[str], name: str) -> str:
    """A question with a name for its pronoun."""
    word = pronoun.group().lower()
    verb = word.partition(" ")[0]
    if verb in ("do", "does", "did", "is", "was", "can", "would"):
        name = f"{verb} {name}"
    elif word in POSSESSIVE:
        name = f"{name}'s"
    return f"{question[:pronoun.start()]}{name}{question[pronoun.end():]}"


def _with(text: str, subject: Subject) -> str:
    """A question with what it is about put behind it; with all that was asked before, if it says nothing itself."""
    asked = " ".join(word for word in _content(subject.turn.searched) if word not in _CALLED)
    about = (subject.label or subject.title if _content(text) else None) or asked
    mark = "?" if text.rstrip().endswith("?") else ""
    return f"{text.rstrip(' ?.')} ({about}){mark}"


def _content(text: str) -> list[str]:
    return [word for word, _, _ in words(text) if word not in FUNCTION_WORDS]


def _mentions(paper: Paper | None, name: str) -> bool:
    return paper is not None and name.casefold() in f"{paper.title}\n{paper.abstract}".casefold()


def _is_fragment(text: str, names: Sequence[str]) -> bool:
    """Whether a question has no verb but those in names: "and in Branch-Train-Merge?"."""
    for name in names:
        text = text.replace(name, " ")
    return _VERB.search(text) is None and not _NO_FRAGMENT.search(text)


def _is_short(text: str) -> bool:
    return text.rstrip().endswith("?") and len(_content(text)) <= FRAGMENT_WORDS


def _again(question: str, rest: str, subject: Subject, known: Knowledge, own: Sequence[str]) -> Reading:
    """The question before with one part of it exchanged: "and on code?", "and Russian?", "and in MEMIT?"."""
    before = subject.turn
    part, frame = rest.rstrip(" ?.!"), before.searched.rstrip(" ?.!")
    listed = bool(before.answer.items) or (before.answer.kind in ("list", "count") and not before.answer.citations)
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
        return Reading("about", _with(rest, subject), scope, "it goes on from before")
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
