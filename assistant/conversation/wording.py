"""A follow-up put into words of its own: names for pronouns, and what was left out put behind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from assistant.answering.narrowing import Scope
from assistant.conversation.pronouns import POSSESSIVE
from assistant.conversation.spoken import Subject
from assistant.text.words import content_words

Kind = Literal["alone", "about", "again", "which", "absence", "missing"]

WORKS = (
    r"(?:papers|ones|methods|models|works|approaches|studies|results|systems|frameworks|benchmarks|datasets|techniques)"
)
GIVEN = re.compile(r"\bthe\s+\w", re.IGNORECASE)  # speaks of something as known: "the code", "the gains"
# Words of a question that say nothing of its subject.
CALLED = frozenset("paper papers abstract abstracts work works study studies article articles list fine ok".split())


@dataclass(frozen=True, slots=True)
class Reading:
    """How a question hangs together with what was said before.

    ``alone``: not at all. ``about``: of something said before. ``again``: the question before, with something else in
    it. ``which``: which of the papers just cited. ``absence``: why the last list, whose question ``text`` is and whose
    papers are the scope, has a paper or has not. ``missing``: of something that was not listed.
    """

    kind: Kind
    text: str                    # what to ask: the question itself where it stands alone
    scope: Scope | None = None   # the papers it refers to
    why: str = ""
    paper: str = ""              # the one whose absence is asked about: its id, title or name


def put(question: str, pronoun: re.Match[str], name: str) -> str:
    """A question with a name for its pronoun."""
    word = pronoun.group().lower()
    verb = word.partition(" ")[0]
    if verb in ("do", "does", "did", "is", "was", "can", "would"):
        name = f"{verb} {name}"
    elif word in POSSESSIVE:
        name = f"{name}'s"
    return f"{question[:pronoun.start()]}{name}{question[pronoun.end():]}"


def with_subject(text: str, subject: Subject) -> str:
    """A question with what it is about put behind it; with all that was asked before, if it says nothing itself."""
    asked = " ".join(word for word in content_words(subject.turn.searched) if word not in CALLED)
    about = (subject.label or subject.title if content_words(text) else None) or asked
    mark = "?" if text.rstrip().endswith("?") else ""
    return f"{text.rstrip(' ?.')} ({about}){mark}"


def scope_of(subject: Subject) -> Scope | None:
    """The papers that what was spoken of stands for."""
    return Scope(subject.focus) if subject.focus else None
