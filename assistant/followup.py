"""What a question refers back to: pronouns, what is left out, "which of those …". Told by rule, without a model.

A question that stands alone is left alone: each rule needs a sign that something is missing, and a name of its own that
a pronoun can stand for takes the sign away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.answering.narrowing import Scope
from assistant.records import Answer, Paper
from assistant.retrieval.words import FUNCTION_WORDS, words

Kind = Literal["alone", "about", "again", "which"]

FOCUS = 10           # papers of a list that "it" or "they" may stand for
LATE = 5             # content words before a pronoun, from which on it refers to one of them
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
_PERSONAL = re.compile(r"\b(?:it|its|they|them|their|theirs|itself|themselves|he|she|his|her)\b", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:this|that|these|those|the same|the latter|the former|the other|"
    r"the (?:big|small|larg|long|short|high|low)\w*(?= ones?\b))"
    r"(?:\s+(?:one|ones|two|paper|papers|method|methods|model|models|work|approach|approaches|framework|dataset|benchmark|"
    r"system|study|technique|techniques|result|results|family|area|field|topic|task|question))\b|"
    r"\b(?:do (?:these|those)|(?:does|did|is|was|can|would) (?:this|that))\b|"
    r"\b(?:this|that|these|those)(?=\s*[?.!,]|\s*$|\s+(?:is|are|was|were|does|do|did|work|works|mean|means|compare|help|"
    r"helps|differ|differs|need|needs|use|uses|hold|apply|go)\b)|"
    r"\b(?:the authors?|the (?:paper|abstract|study|article)|both of them|each of the (?:two|three)|there)"
    r"(?=\s*[?.!,]|\s*$|\s+(?!is\b|are\b|any\b|a\b|an\b|one\b|papers?\b|that\b|which\b|on\b|about\b|of\b)\w)|"
    r"\bthe two(?=\s*[?.!,]|\s*$|\s+(?:do|does|differ|compare|is|are|have|use|methods?|papers?|models?|approaches|"
    r"techniques|systems)\b)",
    re.IGNORECASE,
)
_AREA = re.compile(r"\b(?:family|area|field|topic|task)$", re.IGNORECASE)
_EXPLETIVE = re.compile(
    r"\b(?:is|are|was|were) there\b|\bthere (?:is|are|was|were)\b|\bit is\b|"
    r"\b(?:is|was|be) it (?!able\b|designed\b|used\b|supposed\b|going\b|meant\b|limited\b|applied\b|compared\b)"
    r"(?:[\w-]+\s+){0,3}?[\w-]+ (?:to|that|whether|if)\b|\bit (?:\w+ )?(?:worth|possible|true|necessary|feasible)\b|"
    r"\b(?:does|did|would|will|can|could) it (?:take|cost|matter|make sense)\b(?=[^?]*\b(?:to|if|whether|that)\b)",
    re.IGNORECASE,
)
_ASKED = re.compile(  # "which base models did", "by how many points does", "can", "compare"
    r"^(?:\W*(?:and|but|so|or|ok|okay|well)\b\W*)*(?:(?:(?:\w+\s+)?(?:which|what|whose|how|why|when|where|who)\b[^,?]*?\s)?"
    r"(?:am|is|are|was|were|do|does|did|has|have|had|can|could|should|would|will|may|might|must)\b|"
    r"(?:compare|contrast|explain|describe|summari[sz]e|relate|show|list|name|tell me about)\b)", re.IGNORECASE,
)
_WHO_DOES = re.compile(r"^(?:\W*(?:and|but|so)\b\W*)*(?:who|which|what)\s+(?:[\w-]+\s+){1,3}$", re.IGNORECASE)
_AND = re.compile(
    r"^\W*(?:(?:ok|okay|well|so|thanks|great|fine|hm+)\b\W*)*(?:and|but|or|also|plus|what about|how about|same for)"
    r"\b[\s,]*",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^\W*(?:(?:and|but|ok|so)\b\W*)*(?:what|how) about\b", re.IGNORECASE)
_FRESH = re.compile(
    r"^\W*(?:(?:ok|okay|fine|thanks|well|now)\b\W*)*(?:(?:a |an )?(?:different|another|new|other|next) "
    r"(?:topic|question|subject|thing)|changing (?:the )?(?:topic|subject)|something else|forget (?:that|it))\b",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"\b(?:the\s+)?(?P<word>first|second|third|fourth|fifth|last|1st|2nd|3rd|4th|5th)\s+(?:one|paper|method|model|work|result|"
    r"approach|item|of (?:them|those|these))\b|\b(?:number|no\.?|item|paper)\s*#?(?P<number>\d{1,2})\b|"
    r"\[(?P<mark>\d{1,2})\]|\bthe (?P<bare>first|second|third|last|former|latter)"
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
_POSSESSIVE = frozenset(("its", "their", "his", "her", "theirs"))
_ASKS_FOR_WORKS = re.compile(
    r"\b(?:papers?|abstracts|works|studies|surveys|articles|any(?:one|body)?)\b|^\W*(?:and\W+)?(?:list|which|what)\s+(?:\w+\s+){0,2}"
    r"(?:methods|models|approaches|benchmarks|datasets|systems|frameworks|tools)\b", re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation and what it got."""

    question: str   # as asked
    searched: str   # as understood: the same, or put into words of its own
    answer: Answer


@dataclass(frozen=True, slots=True)
class Reading:
    """How a question hangs together with what was said before.

    ``alone``: not at all. ``about``: of something said before. ``again``: the question before, with something else in
    it. ``which``: which of the papers just cited.
    """

    kind: Kind
    text: str                    # what to ask: the question itself where it stands alone
    scope: Scope | None = None   # the papers it refers to
    why: str = ""


def read_followup(
    question: str, turns: Sequence[Turn], *, names: Callable[[str], Sequence[str]],
    name_of: Callable[[str], str | None], paper_of: Callable[[str], Paper | None],
) -> Reading:
    """Read a question in the light of the turns before it.

    Args:
        names: the names in a text, as written there.
        name_of: paper_id -> what the paper calls its method.
        title_of: a paper by its id.
    """
    alone = Reading("alone", question)
    before = next((turn for turn in reversed(turns) if papers_of(turn.answer)), None)
    if not turns or _FRESH.match(question) or not any(character.isalnum() for character in question):
        return alone
    if before is None:
        return alone
    papers = papers_of(before.answer)
    which = _WHICH_OF.search(question)
    if which is not None and len(papers) > 1:
        return _which(question, which, papers)
    own = [name for name in names(question)]
    at = _ORDINAL.search(question)
    if at is not None and not own and (chosen := _chosen(at, before.answer)):
        name = name_of(chosen)
        text = question[:at.start()] + (name or at.group()) + question[at.end():]
        return Reading("about", text, Scope((chosen,)), f"“{at.group()}” is {name or 'a paper just cited'}")
    focus = _focus(before.answer, papers)
    name = _label(before, focus, names, name_of)
    pronoun = _pronoun(question, own)
    if pronoun is not None:
        text = _put_in(question, pronoun, name, before)
        if _AREA.search(pronoun.group()):
            paper = paper_of(focus[0]) if focus else None
            title = paper.title if paper else None
            why = f"“{pronoun.group()}” is that of {title or name}"
            return Reading("about", _with(question, title, before), None, why)
        elsewhere = _COMPARED.search(question) and (own or re.search(r"[\"“]", question))
        scope = Scope(focus) if focus and not elsewhere else None
        return Reading("about", text, scope, f"“{pronoun.group()}” is {name or 'what was asked before'}")
    started = _AND.match(question)
    rest = question[started.end():].strip() if started else question.strip()
    fragment = _is_fragment(rest)
    near = not own or any(_mentions(paper_of(paper), name) for paper in focus for name in own)
    if fragment and (started or (near and _is_short(rest))):
        return _again(question, rest, before, focus, name, names, own)
    if _COMPARED_TO.search(rest) and len(own) == 1 and name and own[0] != name:
        return Reading("about", f"{rest.rstrip('?. ')} and {name}", None, f"compared with {name}")
    if own or _ASKS_FOR_WORKS.search(rest):
        return alone
    if started and not _ABOUT.match(question):
        return Reading("about", _with(rest, name, before), Scope(focus) if focus else None, "it goes on from before")
    return alone


def papers_of(answer: Answer) -> tuple[str, ...]:
    """The papers an answer cites, in order; none of a refusal."""
    if answer.abstained:
        return ()
    cited = [entry.paper_id for entry in answer.items] or [citation.paper_id for citation in answer.citations]
    return tuple(dict.fromkeys(cited))


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


def _chosen(at: re.Match[str], answer: Answer) -> str | None:
    papers = papers_of(answer)
    if at["mark"]:
        return next((found.paper_id for found in answer.citations if found.mark == int(at["mark"])), None)
    place = int(at["number"]) - 1 if at["number"] else _PLACES[(at["word"] or at["bare"]).lower()]
    return papers[place] if -len(papers) <= place < len(papers) and len(papers) > 1 else None


def _focus(answer: Answer, papers: tuple[str, ...]) -> tuple[str, ...]:
    """The papers a pronoun may stand for: all of a short list, what a fact or a comparison cites first."""
    if answer.items:
        return papers if len(papers) <= FOCUS else ()
    return papers if answer.kind == "compare" else papers[:1]


def _label(
    before: Turn, focus: Sequence[str], names: Callable[[str], Sequence[str]], name_of: Callable[[str], str | None]
) -> str | None:
    """What to call what was spoken of: the one name of the question, else what a single paper calls its method."""
    asked = names(before.searched) if not before.answer.items else ()
    return asked[0] if len(asked) == 1 else name_of(focus[0]) if len(focus) == 1 else None


def _pronoun(question: str, own: Sequence[str]) -> re.Match[str] | None:
    """The first pronoun that stands for nothing in the question itself."""
    empty = [match.span() for match in _EXPLETIVE.finditer(question)]
    found = sorted((*_PERSONAL.finditer(question), *_POINTING.finditer(question)), key=lambda match: match.start())
    for pronoun in found:
        head = question[:pronoun.start()]
        if any(start <= pronoun.start() < end for start, end in empty) or any(name in head for name in own):
            continue
        said = [word for word, _, _ in words(head)]
        if sum(word not in FUNCTION_WORDS for word in said) >= LATE:
            continue  # far into a question it stands for something in it
        if said and said[-1] not in FUNCTION_WORDS and pronoun.group().lower() in ("this", "that", "these", "those"):
            continue  # "corpora that are": a relative clause
        if pronoun.re is _POINTING or not _has_a_noun(head, pronoun.group().lower()):
            return pronoun
    return None


def _has_a_noun(head: str, pronoun: str) -> bool:
    """Whether what stands before a personal pronoun has something it can stand for.

    What is asked for does not count ("which models did they tune?"), nor who is asked for ("who wrote it?").
    """
    if pronoun not in _POSSESSIVE and _WHO_DOES.match(head):
        return False
    asked = _ASKED.match(head)
    said = head[asked.end():] if asked else head
    return any(word not in FUNCTION_WORDS for word, _, _ in words(said))


def _put_in(question: str, pronoun: re.Match[str], name: str | None, before: Turn) -> str:
    if name is None:
        return _with(question, None, before)
    word = pronoun.group().lower()
    if word.partition(" ")[0] in ("do", "does", "did", "is", "was", "can", "would"):
        return f"{question[:pronoun.start()]}{word.partition(' ')[0]} {name}{question[pronoun.end():]}"
    if word == "there" or word.startswith(("the ", "each", "both")):
        return _with(question, name, before)
    put = f"{name}'s" if word in _POSSESSIVE else name
    return f"{question[:pronoun.start()]}{put}{question[pronoun.end():]}"


def _with(text: str, name: str | None, before: Turn) -> str:
    """A question with what it is about put behind it."""
    about = name or " ".join(
        word for word, _, _ in words(before.searched) if word not in FUNCTION_WORDS and word not in _CALLED
    )
    mark = "?" if text.rstrip().endswith("?") else ""
    return f"{text.rstrip(' ?.')} ({about}){mark}"


def _mentions(paper: Paper | None, name: str) -> bool:
    return paper is not None and name.casefold() in f"{paper.title}\n{paper.abstract}".casefold()


def _is_fragment(text: str) -> bool:
    """Whether a question has no verb."""
    return _VERB.search(text) is None and not _NO_FRAGMENT.search(text)


def _is_short(text: str) -> bool:
    said = [word for word, _, _ in words(text) if word not in FUNCTION_WORDS]
    return text.rstrip().endswith("?") and len(said) <= FRAGMENT_WORDS


def _again(
    question: str, rest: str, before: Turn, focus: Sequence[str], name: str | None,
    names: Callable[[str], Sequence[str]], own: Sequence[str],
) -> Reading:
    """The question before with one part of it exchanged: "and on code?", "and Russian?"."""
    part, frame = rest.rstrip(" ?.!"), before.searched.rstrip(" ?.!")
    listed = bool(before.answer.items) or before.answer.kind in ("list", "count")
    scope = Scope(tuple(focus)) if focus and not listed and not own else None
    preposition = _PREPOSITION.match(part)
    if preposition is not None:
        old = list(re.finditer(rf"\b{preposition.group()}\b", frame, re.IGNORECASE))
        text = f"{frame[:old[-1].start()].rstrip()} {part}" if old else f"{frame} {part}"
        return Reading("again", f"{text}?", scope, "the question before, with another part")
    asked = [known for known in names(frame) if known in frame]
    if own and asked:
        return Reading("again", f"{frame.replace(asked[-1], part)}?", None, f"{part} for {asked[-1]}")
    if not listed:
        return Reading("about", _with(rest, name, before), scope, "it goes on from before")
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
