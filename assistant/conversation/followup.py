"""What a question refers back to: pronouns, what is left out, "which of those …". Told without a model.

A question that stands alone is left alone: each rule needs a sign that something is missing, and a name of its own that
a pronoun can stand for takes the sign away.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from assistant.answering.narrowing import Scope
from assistant.conversation.edits import edited, uncounted
from assistant.conversation.ellipsis import LIKELY, completed
from assistant.conversation.explained import explained
from assistant.conversation.pointed import OF_TWO, chosen, pointed, pointed_at_several, points_at_two
from assistant.conversation.positions import SINGLE
from assistant.conversation.pronouns import pronoun_of
from assistant.conversation.spoken import Knowledge, Subject, pair_of, subject_of
from assistant.conversation.which_of import WHICH_OF, of_those
from assistant.conversation.wording import CALLED, WORKS, Reading, put, scope_of, with_subject
from assistant.records import Paper, Turn
from assistant.text.words import content_words

_AREA = re.compile(r"\b(?:family|area|field|topic|task)$", re.IGNORECASE)
_ANNOUNCED = re.compile(  # "What about X, what does it do?", "no, I meant X. What is that?"
    r"^\W*(?:(?:and|but|ok|okay|so|no|nope|sorry|well|then)\b\W*)*"
    r"(?:(?:what|how) about|as for|regarding|concerning|i meant?|now|back to|take|consider)\s+"
    r"(?P<what>[^,:;?!]+?)(?:[,:;]|[.?!–—]|\s-)\s+(?P<clause>\S.*)$",
    re.IGNORECASE,
)
_ELSE = re.compile(
    rf"\b(?:(?:who|what|which \w+|anyone|anybody|any \w+) else|(?:any|which|what) others?(?: {WORKS})?)\b",
    re.IGNORECASE,
)
_FRESH = re.compile(
    r"^\W*(?:(?:ok|okay|fine|thanks|well|now)\b\W*)*(?:(?:a |an )?(?:different|another|new|other|next) "
    r"(?:topic|question|subject|thing)|changing (?:the )?(?:topic|subject)|something else|forget (?:that|it))\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:compar\w+|differ\w*|versus|vs\.?|against|better than|worse than|square with|relate)\b", re.IGNORECASE
)


def read_followup(question: str, turns: Sequence[Turn], known: Knowledge) -> Reading:
    """Read a question in the light of the turns before it."""
    subject = subject_of(turns, known)
    if _FRESH.match(question) or not any(character.isalnum() for character in question):
        return Reading("alone", question)
    if subject is None:
        return pointed_at_several(question, turns, known) or Reading("alone", question)
    of_list = explained(question, turns) or edited(question, turns, known) or chosen(question, turns, known)
    of_list = of_list or pointed_at_several(question, turns, known)
    if of_list is not None:
        return of_list
    announced = _announced(question, known)
    asked = announced or question
    named = known.names(asked)
    own = [name for name in named if leads_away(name, subject.focus, known)]
    found = _referring(asked, turns, subject, own, known)
    if found is None and announced is not None:
        owner = next((paper for name in named if (paper := known.owner(name))), None)
        return Reading("about", announced, Scope((owner,)) if owner else None, "what was put first is meant")
    found = found or completed(question, subject, named, own, known)
    return found or uncounted(question) or Reading("alone", question)


def _referring(
    question: str, turns: Sequence[Turn], subject: Subject, own: Sequence[str], known: Knowledge
) -> Reading | None:
    """A question with words that stand for something said before."""
    pair = pair_of(turns, known) if points_at_two(question) else None
    which = WHICH_OF.search(question)
    if which is not None:
        papers = pair if pair and OF_TWO.search(question) else subject.papers
        if len(papers) > 1:
            return of_those(question, which, papers)
    if not any(pair is None or leads_away(name, pair, known) for name in own):
        found = pointed(question, turns, pair, known)
        if found is not None:
            return found
    pronoun = pronoun_of(question, own)
    others = _ELSE.search(question)
    if others is not None:
        return _elsewhere(question, others, subject) if pronoun or not content_words(question[others.end():]) else None
    if pronoun is None:
        return None
    if _AREA.search(pronoun.group()):
        why = f"“{pronoun.group()}” is that of {subject.title or subject.label}"
        return Reading("about", with_subject(question, replace(subject, label=subject.title)), None, why)
    beyond = _COMPARED.search(question) and (
        own or re.search(r"[\"“]", question)
        or (subject.focus and known.leaning(question, subject.focus) < LIKELY)
    )
    why = f"“{pronoun.group()}” is {subject.label or 'what was asked before'}"
    return Reading("about", _put_in(question, pronoun, subject), None if beyond else scope_of(subject), why)


def _put_in(question: str, pronoun: re.Match[str], subject: Subject) -> str:
    word = pronoun.group().lower()
    if subject.label is None or word == "there" or word.startswith(("the ", "each", "both")):
        return with_subject(question, subject)
    return put(question, pronoun, subject.label)


def _elsewhere(question: str, others: re.Match[str], subject: Subject) -> Reading:
    """"Who else does that?": the subject of the question before, in other papers."""
    named = content_words(subject.label or "")
    topic = " ".join(word for word in content_words(subject.turn.searched) if word not in named and word not in CALLED)
    return Reading("about", f"which other papers deal with {topic}?", None, f"“{others.group()}” are other papers")


def leads_away(name: str, spoken: Collection[str], known: Knowledge) -> bool:
    """Whether a name is of something that was not spoken of before."""
    owner = known.owner(name)
    if owner is not None:
        return owner not in spoken
    return not any(_mentions(known.paper(paper), name) for paper in spoken)


def _mentions(paper: Paper | None, name: str) -> bool:
    return paper is not None and name.casefold() in f"{paper.title}\n{paper.abstract}".casefold()


def _announced(question: str, known: Knowledge) -> str | None:
    """"What about X, what does it do?" as "what does X do?"."""
    found = _ANNOUNCED.match(question)
    if found is None or SINGLE.search(found["what"]) or not content_words(found["what"]):
        return None
    clause = found["clause"]
    pronoun = pronoun_of(clause, known.names(clause))
    return None if pronoun is None else put(clause, pronoun, found["what"])
