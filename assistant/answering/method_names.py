"""What a paper calls its own method: the name in "X: …" titles, and in "we propose X", "a framework called X"."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from assistant.records import Paper
from assistant.text.names import MAX_NAME_CHARACTERS, Name, abbreviations, find_names, name_key
from assistant.text.words import FUNCTION_WORDS

MAX_PAPERS_OF_OWN_NAME = 8
TITLE_HEAD_WORDS = 3

_BRINGS = re.compile(
    r"\b(?:propos(?:e|es|ed|ing)|introduc(?:e|es|ed|ing)|present(?:s|ed|ing)?|develop(?:s|ed|ing)?|devis(?:e|es|ed)|"
    r"releas(?:e|es|ed|ing)|design(?:s|ed)?|creat(?:e|es|ed)|built|build|contributes?|describes?|curated?|constructs?)\b",
    re.IGNORECASE,
)
_NAMES = re.compile(r"\b(?:call(?:ed)?|named|namely|dub(?:bed)?|termed?|coined|denoted as|refer(?:red)? to as)\b")
_SHOWS = re.compile(r"\b(?:shows?|demonstrates?|finds?|indicates?|reveals?) that\b")
_CLAUSE_BREAK = re.compile(r"[.;:,] ")
_CLAUSE_END = re.compile(r"[.;:] |\b(?:that|which)\b")
# After one of these, a name is what the new thing is made of or meant for, not the thing.
_TURNS_AWAY = re.compile(
    r"\b(?:of|from|with|using|on|for|in|like|such|including|by|than|to|at|via|into|between|over|against|and|based)\b",
    re.IGNORECASE,
)
_APPOSED = re.compile(r"(?:[,:]|\s[-–—])\s*[\"'“‘]?$")
_ENDS_THERE = re.compile(r"[\"'”’]?(?:[,.;:]| \(|$)")  # "Codex, a language model", but not "Lawyer LLaMA"
# What there is already: "existing methods, namely", "a widely adopted approach called", "companies have developed".
_OF_OTHERS = re.compile(
    r"\b(?:existing|previous|prior|recent(?:ly)?|conventional|traditional(?:ly)?|mainstream|popular|common(?:ly)?|"
    r"widely|well-known|reproduce\w*|(?:companies|researchers|works|studies|institut\w+) have)\b", re.IGNORECASE,
)
_PLURAL = re.compile(r"[A-Z\d]s$")  # "SLMs": a kind, of which there are many
_FOLLOWING = re.compile(r"[ -]([a-z]+)")
_BASED = re.compile(r"\)?[ -](?:based|driven|style)\b(?! on\b)")  # "PVI-based tuning" is not called PVI
_KIND = re.compile(
    r"(?:framework|method(?:ology)?|approach|model|system|algorithm|technique|strateg(?:y|ies)|pipeline|dataset|corpus|"
    r"benchmark|tool(?:kit)?|librar(?:y|ies)|architecture|network|optimi[sz]er|paradigm|objective|loss|suite)(?:e?s)?|"
    r"\w+ing"
)
_ENUMERATED = re.compile(r"\), (?:and )?[\w-]+(?: [\w-]+){0,4} \([A-Z]")  # "English-to-Arabic (EN-AR), English-to-…"
_GOES_ON = re.compile(r" [A-Z][\w-]*(?: (?:[A-Z][\w-]*|of|for|and|in|with|to|via|on))*")
_SHORT_FORM = re.compile(r",? (?:\((?:called )?|or )([A-Z]\w*[A-Z\d][\w-]*)")
_REACH = 110  # characters between the verb and the name
_SPELLED = 130  # characters from where an abbreviation is spelled out to where it stands, at most
_MAX_EXPANSIONS = 8  # of one abbreviation in one abstract


def method_name(paper: Paper, *, papers_with: Callable[[Sequence[str]], Mapping[str, int]]) -> str | None:
    """What a paper calls its method, its model or its data; None where it names none.

    Args:
        papers_with: name keys -> how many papers mention each. A name many papers have is not this paper's own.
    """
    head, colon, _ = (paper.title or "").partition(":")
    if colon and _heads(head.strip(), paper.abstract):
        return head.strip()
    found = list(_introduced(paper.abstract))
    counts = papers_with([name.key for name in found])
    return next((name.surface for name in found if counts.get(name.key, 1) <= MAX_PAPERS_OF_OWN_NAME), None)


def _heads(head: str, abstract: str) -> bool:
    """Whether what stands before a title's colon is a name: one word, or a few that the abstract writes as a name too.

    "Beyond Human Data: …" begins with a phrase. A version may be missing in the abstract: "LexGPT 0.1".
    """
    parts = head.split()
    if len(parts) < 2 or len(parts) > TITLE_HEAD_WORDS or len(head) > MAX_NAME_CHARACTERS:
        return len(parts) == 1 and len(head) <= MAX_NAME_CHARACTERS
    version = len(parts) == 2 and parts[1][:1].isdigit()
    apart = r"[\s-]?".join(re.escape(part) for part in parts)
    written = (match.group() for match in re.finditer(apart, abstract, re.IGNORECASE))
    return version or any(any(map(str.isupper, found)) for found in written)


def _introduced(abstract: str) -> Iterator[Name]:
    """Names that an abstract introduces as its own, the surest first."""
    found = [name for name in find_names(abstract) if abstract[name.start - 1:name.start] not in ("/", ".")]
    names = sorted(found, key=lambda name: name.start)
    starts = [name.start for name in names]
    begins = _beginnings(abstract, names)
    mentions: dict[str, list[Name]] = {}
    for name in names:
        mentions.setdefault(name.key, []).append(name)
    clauses = [0, *(match.end() - 1 for match in _CLAUSE_BREAK.finditer(abstract))]
    others = [match.span() for match in _OF_OTHERS.finditer(abstract)]
    for verb in (_BRINGS, _NAMES, _SHOWS):
        for match in verb.finditer(abstract):
            # A comma right before the verb ends the clause that the verb goes on with.
            clause = clauses[max(bisect_left(clauses, match.start() - 1) - 1, 0)]
            other = bisect_left(others, (clause, 0))
            if other < len(others) and others[other][1] <= match.end():
                continue
            stop = _CLAUSE_END.search(abstract, match.end(), match.end() + _REACH + len("which "))
            reach = min(match.end() + _REACH, stop.start() if stop else len(abstract))
            near = slice(bisect_left(starts, match.end()), bisect_left(starts, reach + _SPELLED))
            for name, start in zip(names[near], begins[near], strict=True):
                if start < match.end() or name.start >= reach or _within_another(name, names[near], begins[near]):
                    continue
                if _is_common(name, mentions[name.key], abstract, introduced=match.start()):
                    continue
                between = abstract[match.end():start]
                shaped = _looks_made(name) or (start < name.start)
                if not shaped and not _ENDS_THERE.match(abstract, name.end):
                    continue
                if _is_object(between, verb, shaped=shaped, spelled=start < name.start):
                    yield _in_brackets_after(name, names[near], abstract) or _whole(name, abstract)
                    break


def _is_object(between: str, verb: re.Pattern[str], *, shaped: bool, spelled: bool) -> bool:
    """Whether what stands after the words ``between`` is what the verb brings, names or shows.

    Args:
        shaped: it has a capital or a digit inside; a plain capitalised word must follow the verb at once.
        spelled: it is an abbreviation, and ``between`` ends where its expansion begins.
    """
    if verb is _SHOWS:
        return spelled and not between.strip()
    if not shaped:
        return not between.strip(" \"'“‘")
    apposed = _APPOSED.search(between) is not None and not any(map(_looks_made, find_names(between)))
    return apposed or not _TURNS_AWAY.search(between)


def _in_brackets_after(name: Name, names: Sequence[Name], abstract: str) -> Name | None:
    """The short form that stands in brackets right behind a name: "Knowledge Aware FineTuning (KAFT)"."""
    return next((
        other for other in names
        if abstract[name.end:other.start] == " (" and abstract[other.end:other.end + 1] == ")"
        and other.surface.isupper() and len(other.surface) < len(name.surface)
    ), None)


def _is_common(name: Name, mentions: Sequence[Name], abstract: str, *, introduced: int) -> bool:
    """Whether a name is that of a field, of a kind of thing, or of a part of the thing brought.

    What was spoken of before it was brought ("existing knowledge editing (KE)") or is spoken of in the plural ("KBs")
    is not of the paper's making.

    Args:
        mentions: all of the name in the abstract, in order.
        introduced: where the verb stands.
    """
    after = _FOLLOWING.match(abstract, name.end)
    beside = after is not None and after.group(1) not in FUNCTION_WORDS and not _KIND.fullmatch(after.group(1))
    return (
        beside or mentions[0].start < introduced or any(_PLURAL.search(other.surface) for other in mentions)
        or bool(_BASED.match(abstract, name.end) or _ENUMERATED.match(abstract, name.end))
    )


def _whole(name: Name, abstract: str) -> Name:
    """A name with the capitalised words it goes on with, or, where it is given, its short form.

    "Expert-Specialized Fine-Tuning, or ESFT," is ESFT; "LTD Instruction Tuning" is not LTD.
    """
    more = _GOES_ON.match(abstract, name.end, name.end + MAX_NAME_CHARACTERS)
    if more is None:
        return name
    words = more.group()
    short = _SHORT_FORM.match(abstract, more.end())
    if short is not None:
        return Name(short.group(1), name_key(short.group(1)), short.start(1), short.end(1))
    while words and not words.rpartition(" ")[2][0].isupper():
        words = words.rpartition(" ")[0]
    return Name(name.surface + words, name.key, name.start, name.end + len(words))


def _within_another(name: Name, names: Sequence[Name], begins: Sequence[int]) -> bool:
    """Whether a name is a part of what another is short for: the "MAssive" of MALMEN."""
    return any(begin <= name.start < other.start for other, begin in zip(names, begins, strict=True) if other != name)


def _looks_made(name: Name) -> bool:
    return any(c.isupper() or c.isdigit() for c in name.surface[1:])


def _beginnings(abstract: str, names: Sequence[Name]) -> list[int]:
    """Where each name begins, an abbreviation in brackets with the words it is short for."""
    expansions: dict[str, set[str]] = {}
    for key, expansion in abbreviations(abstract):
        if len(known := expansions.setdefault(key, set())) < _MAX_EXPANSIONS:
            known.add(expansion)
    folded = abstract.casefold()
    begins = []
    for name in names:
        starts = [
            at for expansion in expansions.get(name_key(name.surface), ())
            if (at := folded.rfind(expansion, max(0, name.start - 4 - len(expansion)), name.start)) >= 0
        ]
        begins.append(min(starts, default=name.start))
    return begins
