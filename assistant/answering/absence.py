"""Why a paper is in a list or not: the condition it fails, with the figure it fails by, and its nearest sentence."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, replace

from assistant.answering.citations import Marks
from assistant.answering.lists import Lists
from assistant.answering.membership import alternatives_of, extract_features, inclusion_threshold, probability
from assistant.answering.own_names import own_paper
from assistant.query.parse import Question
from assistant.records import Answer, AnswerSentence, Hit
from assistant.retrieval.retriever import Retriever
from assistant.text.names import name_key

NEAR = 50         # papers whose titles are compared with what was asked
CONFIDENCE = 0.9  # the conditions are those that made the list
_ASKED = re.compile(
    r"^\W*(?:(?:and|so|but|then)\W+)?why\s+(?:"
    r"(?:is|was|are|were|has|did|does|do)(?:n['’]t|\s+not)?\s+(?P<subject>.+?)\s+"
    r"(?:not\s+|missing|absent|left out|excluded)"
    r"|(?:is|was|are|were)n['’]t\s+(?P<bare>.+?)\s+(?=in\b|on\b|among\b|part\b|listed\b|included\b|there\b)"
    r"|not\s+(?P<short>.+?)\s*\??$)(?P<rest>.*)$", re.IGNORECASE,
)
_INSIDE = re.compile(  # "why is X in it?", "why did you leave out X?"
    r"^\W*(?:(?:and|so|but|then)\W+)?why\s+(?:(?:is|was|are|were)\s+(?P<subject>.+?)\s+(?P<rest>"
    r"(?:listed|included|shown|named)?\s*\b(?:in|on|among|part of)\s+"
    r"(?:it|them|those|these|there|here|(?:the|this|that|your) (?:list|answer|results?))(?:\s+of\s.+)?|"
    r"(?:listed|included)(?: (?:there|here))?)"
    r"|(?:did|do|have)(?:n['’]t)? you (?:not )?(?:list|listed|includ\w*|name|named|show|shown|leave out|left out|"
    r"omit\w*|exclud\w*)\s+(?P<given>.*\w))\W*$", re.IGNORECASE,
)
_OF_LIST = re.compile(
    r"\b(?:in|on|from|among|of)\s+(?:the\s+|that\s+|your\s+|this\s+)?(?:list|answer|results?)\s+(?:of|for|to|about)\s+"
    r"(?P<listed>.*\w)\W*$|\bamong\s+(?:the\s+)?(?P<among>.*\w)\W*$", re.IGNORECASE,
)
_ALL = re.compile(r"^(?:all|the)\s+", re.IGNORECASE)
_THAT = re.compile(r"^((?:[\w-]+\s+){1,3}?)(?:that|which|who)\s+", re.IGNORECASE)  # "methods that edit"
_OF_IT = re.compile(
    r"^\W*(?:(?:in|on|from|among|of|part|a|listed|included|shown|mentioned|named|cited|found|there|it|them|those|these|"
    r"that|this|the|your|list|answer|results?|ones|here|out)\b\W*)*$", re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question after a paper that a list does not have, or has."""

    paper: str           # a name, title or id, as asked
    listed: str | None   # what the list was of, as a question; None for the list just given


def absence_asked(text: str) -> Asked | None:
    """Read "why is X not in it?", "why is X in the list of …?" and the like; None for any other question.

    >>> absence_asked("Why is EasyEdit not in the list of methods that edit GPT-J?")
    Asked(paper='EasyEdit', listed='which methods edit GPT-J?')
    >>> absence_asked("why isn't MEMIT in it?"), absence_asked("why is RLHF not stable?")
    (Asked(paper='MEMIT', listed=None), None)
    """
    match = _ASKED.match(text) or _INSIDE.match(text)
    if match is None:
        return None
    paper = next(filter(None, match.groups())).strip(" \"'“”?")
    if match.re is _INSIDE and match["given"]:
        return Asked(paper, None)
    listed = _OF_LIST.search(match["rest"])
    if listed is not None and (wanted := listed["listed"] or listed["among"]) and not _OF_IT.match(wanted):
        works = _THAT.sub(r"\1", _ALL.sub("", wanted))
        return Asked(paper, f"which {works}?")
    return Asked(paper, None) if _OF_IT.match(match["rest"]) else None


def explain_absence(
    question: Question, paper_or_name: str, *, lists: Lists, retriever: Retriever, level: str, answer_id: str,
    shown: Container[str] | None = None,
) -> Answer:
    """Say which condition of a list question a paper fails, or that it fails none.

    Args:
        question: the list question.
        paper_or_name: a paper's id, its title, or a name that is its own.
        level: strict, balanced or eager, as the list was made with.
        shown: the papers of the list as it was given, if it may have been narrowed since.
    """
    paper_id = paper_of(retriever, paper_or_name)
    if paper_id is None:
        text = f"No paper of the collection is called or mentions “{paper_or_name}”, so no list can have it."
        return _answer(answer_id, question, text, abstained="no paper of the collection mentions it")
    named, _ = lists.with_names(question)
    ranking = lists.look_at(question, named)
    ids = ranking.paper_ids()
    if paper_id not in ids:
        hits = retriever.search(ranking.query, limit=1, among=[paper_id])
        if not hits:
            return _answer(answer_id, question, f"{paper_or_name} is not in the list because the filter leaves it out.")
        return _said(answer_id, question, hits[0], f"it is not among the {len(ids)} papers the list was chosen from")
    position = ids.index(paper_id)
    hit = ranking.hit(position)
    cut, chance, figure = inclusion_threshold(level), 1.0, ""
    if question.topic:
        among = None if named is None else len(named.intersection(ids))
        groups = alternatives_of(question.positive, question.topic)
        chance = probability(extract_features(retriever, ranking, groups, among=among)[position])
        figure = (
            f"the probability that it is about “{' '.join(question.topic)}” was put at {chance:.2f}, and the list "
            f"starts at {cut:.2f}"
        )
    if shown is not None and paper_id in shown:
        return _said(answer_id, question, hit, None, figure=figure if chance >= cut else "")
    missing = [
        name.label for name in question.hard if paper_id not in retriever.with_name(name.key)
    ] if named is not None and paper_id not in named else []
    if missing:
        link = " nor " if question.any_of else " or "
        return _said(answer_id, question, hit, f"its title and abstract do not mention {link.join(missing)}")
    listed = _listed(lists, question, paper_id)
    if question.exclusions and not listed and _listed(lists, replace(question, exclusions=()), paper_id):
        excluded = " and ".join(part.text for part in question.exclusions)
        return _said(answer_id, question, hit, f"the question excludes it: “{excluded}”")
    if chance < cut:
        return _said(answer_id, question, hit, figure)
    if shown is not None:
        narrowed = "the list was narrowed to others" if listed else "what is asked for was not found in its abstract"
        return _said(answer_id, question, hit, narrowed)
    return _said(answer_id, question, hit, None, figure=figure)


def paper_of(retriever: Retriever, paper_or_name: str) -> str | None:
    """The paper meant by an id, a title or a name: its own, else the best that mentions it; None if none does."""
    store = retriever.collection.store
    if re.fullmatch(r"[0-9a-f]{20}", paper_or_name) and (paper := store.paper(paper_or_name)):
        return paper.paper_id
    key = name_key(paper_or_name)
    near = [found for found, _ in retriever.collection.lexical.search(paper_or_name, limit=NEAR)]
    for found, entry in store.entries(near).items():
        title = entry.paper.title or ""
        if key and key in (name_key(title), name_key(title.partition(":")[0])):
            return found
    own = own_paper(retriever, paper_or_name)
    mentioning = sorted(retriever.with_name(key)) if key else []
    if own is not None or not mentioning:
        return own
    return retriever.search(retriever.query(paper_or_name), limit=1, among=mentioning)[0].paper.paper_id


def _listed(lists: Lists, question: Question, paper_id: str) -> bool:
    found = lists.members(question)
    return any(member.hit.paper.paper_id == paper_id for member in (*found.fitting, *found.under))


def _said(answer_id: str, question: Question, hit: Hit, why: str | None, *, figure: str = "") -> Answer:
    title = hit.paper.title or "This paper (untitled)"
    if not hit.sentences:
        return _answer(answer_id, question, f"{title}: {why}." if why else f"{title} is in the list.")
    best = max(hit.sentences, key=lambda sentence: sentence.score)
    marks = Marks()
    mark = marks.cite(hit.paper, best.start, best.end)
    inside = "in the list: it meets all conditions" + (f"; {figure}." if figure else ".")
    reason = f"{title} is " + (f"not in the list because {why}." if why else inside)
    sentences = (
        AnswerSentence(reason, (), checked=True), AnswerSentence(best.text, (mark,), checked=True),
    )
    answer = _answer(answer_id, question, f"{reason} Its nearest sentence: {best.text} [{mark}]")
    return replace(answer, sentences=sentences, citations=marks.citations(), matched=0 if why else 1)


def _answer(answer_id: str, question: Question, text: str, *, abstained: str | None = None) -> Answer:
    return Answer(
        answer_id, question.text, "absence", text, (AnswerSentence(text, (), checked=True),),
        abstained=abstained is not None, reason=abstained, confidence=0.1 if abstained else CONFIDENCE,
        trace=(*question.trace, "asked: why a paper is or is not in the list"),
    )
