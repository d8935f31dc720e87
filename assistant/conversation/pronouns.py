"""Words that stand for something said before: "it", "that method", "the authors", "there". Told by rule.

A pronoun that can stand for something in the question itself is none of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.text.words import FUNCTION_WORDS, words

LATE = 5  # content words before a pronoun, from which on it refers to one of them

_PERSONAL = re.compile(r"\b(?:it|its|they|them|their|theirs|itself|themselves|he|she|his|her)\b", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:this|that|these|those|the same|"
    r"the (?:big|small|larg|long|short|high|low)\w*(?= ones?\b))"
    r"(?:\s+(?:one|ones|two|paper|papers|method|methods|model|models|work|approach|approaches|framework|dataset|benchmark|"
    r"system|study|technique|techniques|result|results|family|area|field|topic|task|question))\b|"
    r"\b(?:do (?:these|those)|(?:does|did|is|was|can|would) (?:this|that))\b|"
    r"\b(?:this|that|these|those)(?=\s*[?.!,]|\s*$|\s+(?:is|are|was|were|does|do|did|have|has|had|save|saves|work|works|mean|means|"
    r"compare|help|helps|differ|differs|need|needs|use|uses|hold|apply|go|cost|take|give|gives)\b)|"
    r"\b(?:the authors?|the (?:paper|abstract|study|article)|both of them|each of the (?:two|three)|there)"
    r"(?=\s*[?.!,]|\s*$|\s+(?!is\b|are\b|any\b|a\b|an\b|one\b|papers?\b|that\b|which\b|on\b|about\b|of\b)\w)|"
    r"\bthe two(?=\s*[?.!,]|\s*$|\s+(?:do|does|differ|compare|is|are|have|use|methods?|papers?|models?|approaches|"
    r"techniques|systems)\b)",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?:(?P<verb>do|does|did|is|was|can|would) )?(?:this|that|these|those)", re.IGNORECASE)
_EXPLETIVE = re.compile(
    r"\b(?:is|are|was|were) there\b|\bthere (?:is|are|was|were)\b|\bit is\b|"
    r"\b(?:is|was|be) it (?!able\b|designed\b|used\b|supposed\b|going\b|meant\b|limited\b|applied\b|compared\b)"
    r"(?:[\w-]+\s+){0,3}?[\w-]+ (?:to|that|whether|if)\b|\bit (?:\w+ )?(?:worth|possible|true|necessary|feasible)\b|"
    r"\b(?:does|did|would|will|can|could) it (?:take|cost|matter|make sense)\b(?=[^?]{0,99}\b(?:to|if|whether|that)\b)",
    re.IGNORECASE,
)
_ASKED = re.compile(  # "which base models did", "by how many points does", "can", "compare"
    r"^\W*(?:(?:and|but|so|or|ok|okay|well)\b\W*)*(?:(?:(?:\w+\s+)?(?:which|what|whose|how|why|when|where|who)\b[^,?]*?\s)?"
    r"(?:am|is|are|was|were|do|does|did|has|have|had|can|could|should|would|will|may|might|must)\b|"
    r"(?:compare|contrast|explain|describe|summari[sz]e|relate|show|list|name|tell me about)\b)", re.IGNORECASE,
)
_WHO_DOES = re.compile(r"^\W*(?:(?:and|but|so)\b\W*)*(?:who|which|what)\s+(?:[\w-]+\s+){1,3}$", re.IGNORECASE)
_CLAUSE = re.compile(  # another clause begins, or what is said of a noun
    r"[,;:–—]|\s-\s|\b(?:with|having|whose|that|which|who|when|if|while|because|as|than|and|but|so|or)\s+(?:\S+\s+){1,30}$|"
    r"\w\s+(?:what|how|why|where|whether)\s+$",
    re.IGNORECASE,
)
POSSESSIVE = frozenset(("its", "their", "his", "her", "theirs"))
_RELATIVE = ("this", "that", "these", "those")


def pronoun_of(question: str, own: Sequence[str]) -> re.Match[str] | None:
    """The first pronoun that stands for nothing in the question itself.

    Args:
        own: names in the question that a pronoun after them can stand for.
    """
    empty = [match.span() for match in _EXPLETIVE.finditer(question)]
    found = sorted((*_PERSONAL.finditer(question), *_POINTING.finditer(question)), key=lambda match: match.start())
    for pronoun in found:
        head = question[:pronoun.start()]
        if any(start <= pronoun.start() < end for start, end in empty) or any(name in head for name in own):
            continue
        said = [word for word, _, _ in words(head)]
        if sum(word not in FUNCTION_WORDS for word in said) >= LATE:
            continue  # far into a question it stands for something in it
        if said and said[-1] not in FUNCTION_WORDS and pronoun.group().lower() in _RELATIVE:
            continue  # "corpora that are": a relative clause
        bare = _BARE.fullmatch(pronoun.group())  # "fine-tuning on code, does that help?"
        before = head + (bare["verb"] or "") if bare else head
        if (pronoun.re is _POINTING and not bare) or not _has_a_noun(before, pronoun.group().lower()):
            return pronoun
    return None


def has_pronoun(question: str) -> bool:
    """Whether a question has a personal pronoun, whatever it stands for."""
    return _PERSONAL.search(question) is not None


def _has_a_noun(head: str, pronoun: str) -> bool:
    """Whether what stands before a personal pronoun has something it can stand for.

    What is asked for does not count ("which models did they tune?"), nor who is asked for ("who wrote it?"), nor what
    is of the pronoun's own clause: "how many datasets came with it?" (Chomsky, "Lectures on Government and Binding",
    1981, principle B).
    """
    if pronoun not in POSSESSIVE and not _CLAUSE.search(head):
        return False
    if pronoun not in POSSESSIVE and _WHO_DOES.match(head):
        return False
    asked = _ASKED.match(head)
    said = head[asked.end():] if asked else head
    return any(word not in FUNCTION_WORDS for word, _, _ in words(said))
