"""The last list changed: "only those with code", "remove EasyEdit", "not the medical ones", "how many are left?"."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from assistant.answering.citations import papers_of
from assistant.answering.narrowing import Scope
from assistant.conversation.positions import SINGLE, at_places, place_of, places
from assistant.conversation.spoken import Knowledge, goes_on_from, last_list
from assistant.conversation.wording import WORKS, Reading
from assistant.records import Turn
from assistant.text.code_links import code_asked
from assistant.text.words import content_words

MOST_WORDS = 2  # content words of what is kept or left out, where no "those that …" says that papers are meant

_LEAD = r"^\W*(?:(?:and|but|ok|okay|now|then|so|well|please|thanks|no|could you|can you)\b\W*)*"
_ONES = rf"(?:ones?|{WORKS}|papers?)"
_KEEP = re.compile(
    rf"{_LEAD}(?:(?:(?P<do>keep|leave) |(?:show|give|list)(?: me)? )?(?P<only>only |just )(?:show |list |keep )?|keep |"
    r"(?:limit|restrict|narrow|reduce) (?:it|them|this|that|the list) (?:down )?to )(?P<what>\S.*)$|"
    rf"{_LEAD}(?:(?:what|how) about )?(?P<before>(?:those|the) .+ only|the ones \S.*|the (?:[\w-]+ ){{1,3}}ones|"
    r"those (?:that|which|who|with|without|about|on|for) .+)$", re.IGNORECASE,
)
_DROP = re.compile(
    rf"{_LEAD}(?:(?P<do>remove|drop|exclude|leave out|omit|delete|skip|discard|take out|take away|filter out|"
    r"get rid of) |(?:leave|take|filter) (?P<before>.+) (?:out|away)\W*$|(?P<no>not) |"
    r"(?:without|except(?: for)?|but not|other than|apart from|besides|minus|(?:all|everything) (?:but|except)) )"
    r"(?P<what>\S.*)?$", re.IGNORECASE,
)
_THOSE = re.compile(rf"^(?:the |any |all )?(?:those|these|{_ONES})\s+(?=\w)", re.IGNORECASE)
_THAT = re.compile(r"^(?:that|which|who)\s+", re.IGNORECASE)
_SUCH_ONES = re.compile(
    rf"^(?:the |any |all |those |these )*(?P<such>[\w-]+(?: [\w-]+){{0,3}}) {_ONES}$", re.IGNORECASE
)
_WHERE = re.compile(
    r"^(?:with|without|about|on|for|in|using|from|of|by|that|which|mentioning|releasing|giving)\b", re.IGNORECASE
)
_TAIL = re.compile(
    r"\s+(?:(?:from|in|off|of) (?:it|them|these|those|(?:the|that) (?:list|answer|results?))|please|only)$",
    re.IGNORECASE,
)
_COUNT = re.compile(
    rf"{_LEAD}how many(?: ones| of (?:them|those|these))?(?: (?:are|is|were) (?:there|that|these|those|they|it))?\W*$",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    rf"{_LEAD}(?:how many(?: {_ONES}| of (?:them|those|these))?(?: (?:are|were))?(?: (?:now|still))? "
    r"(?:left|remain|remaining|is that|are (?:these|those|they)|in (?:it|(?:the|this|that) list))(?: now)?|"
    r"count (?:them|those|these)|(?:list|show|give|repeat)(?: me)? "
    r"(?:(?:them|those|these)(?: all)?|(?:the|that)(?: whole| full)? list)(?: again)?)\W*$", re.IGNORECASE,
)


def edited(question: str, turns: Sequence[Turn], known: Knowledge) -> Reading | None:
    """A question that asks for the last list with less in it, or for its length."""
    turn = last_list(turns)
    goes_on = turn is not None and goes_on_from(turn, turns)
    if turn is not None and (_WHOLE.match(question) or (goes_on and _COUNT.match(question))):
        return _list(turn, Scope(papers_of(turn.answer), every=True, only=True), "the whole last list")
    found = _KEEP.match(question) or _DROP.match(question)
    what = _bare(found["what"] or found["before"] or "") if found is not None else ""
    if found is None or not what:
        return None
    keep = found.re is _KEEP
    worded = _THOSE.match(what) or _such(what)  # says that papers are meant
    told_to = not keep and found["do"]  # "remove X", where "without X" may go on from a fact
    if turn is None:
        of_list = _THOSE.match(what) if keep else told_to and (worded or _owned(what, (), known) is not None)
        return _no_list(question) if of_list else None
    placed = _placed(what, turns[:turns.index(turn) + 1])
    if not (goes_on or placed is not None or worded or told_to):
        return None
    chosen = placed if placed is not None else _owned(what, papers_of(turn.answer), known)
    if chosen is not None:
        return _of_places(question, what, turn, chosen, keep=keep)
    loosely = (found["only"] or "").lower().startswith("just") if keep else found["no"]  # "just curious", "not sure"
    few = len(content_words(what)) <= MOST_WORDS and not loosely
    return _of_condition(what, turn, known, keep=keep) if worded or (keep and _WHERE.match(what)) or few else None


def uncounted(question: str) -> Reading | None:
    """A question after the length of a list, where there is none."""
    return _no_list(question) if _COUNT.match(question) or _WHOLE.match(question) else None


def _of_places(question: str, what: str, turn: Turn, chosen: Collection[str], *, keep: bool) -> Reading:
    """The list with these papers only, or without them."""
    papers = papers_of(turn.answer)
    if not chosen:
        why = f"the list before has {len(papers)} papers, and “{what}” is none of them; name one that is"
        return Reading("missing", question, None, why)
    without = tuple(paper for paper in papers if (paper in chosen) != keep)
    return _list(turn, Scope(papers, without=without, every=True, only=True), f"the last list, {_word(keep)} “{what}”")


def _of_condition(what: str, turn: Turn, known: Knowledge, *, keep: bool) -> Reading:
    """The list with the papers that meet a condition, or without them."""
    papers = papers_of(turn.answer)
    why = f"the last list, {_word(keep)} “{what}”"
    code, left = max(code_asked(what), code_asked(f"with {what}"), key=lambda asked: asked[0] is not None)
    if code is not None and not left:
        return _list(turn, Scope(papers, has_code=code == keep, every=True, only=True), why)
    asked = _as_question(what, known)
    if keep:
        return Reading("which", asked, Scope(papers, code, only=True), why)
    return _list(turn, Scope(papers, but=asked, every=True, only=True), why)


def _as_question(what: str, known: Knowledge) -> str:
    """The papers that meet a condition, as a question."""
    such = _such(what)
    clause = such or _THOSE.sub("", what)
    if not such and _THAT.match(clause):
        return f"which papers {_THAT.sub('', clause)}?"
    if not such and (clause != what or _WHERE.match(clause)):
        return f"papers {clause}"
    names = known.names(clause)
    only_names = bool(names) and not content_words(_cut(clause, names))
    return f"which papers {'mention' if only_names else 'are about'} {clause}?"


def _such(what: str) -> str | None:
    """What papers are called such by: "medical" of "the medical ones"."""
    found = _SUCH_ONES.match(what)
    return found["such"] if found and len(content_words(found["such"])) == len(found["such"].split()) else None


def _list(turn: Turn, scope: Scope, why: str) -> Reading:
    return Reading("which", turn.searched, scope, why)


def _no_list(question: str) -> Reading:
    return Reading("missing", question, None, "no list of papers came before it; ask for one first")


def _word(keep: bool) -> str:
    return "only" if keep else "without"


def _bare(what: str) -> str:
    what = what.strip(" .?!,;")
    while (cut := _TAIL.sub("", what)) != what:
        what = cut
    return what


def _placed(what: str, turns: Sequence[Turn]) -> tuple[str, ...] | None:
    """The papers at the places that are all it says; None if it says something else."""
    several = places(what)
    if several is not None and not content_words(what[:several.start] + what[several.end:]):
        return at_places(turns, several.at) or ()
    single = SINGLE.fullmatch(what)
    place = single and (single["word"] or single["bare"] or single["number"] or single["mark"])
    return at_places(turns, [place_of(place)]) or () if place else None


def _owned(what: str, papers: Sequence[str], known: Knowledge) -> tuple[str, ...] | None:
    """The papers of a list whose own names are all it says; None if it says something else."""
    names = known.names(what)
    if not names or content_words(_cut(what, names)):
        return None
    owners = [known.owner(name) for name in names]
    inside = tuple(owner for owner in owners if owner is not None and owner in papers)
    if inside:
        return inside
    return () if all(owners) else None


def _cut(text: str, names: Sequence[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, " ")
    return text
