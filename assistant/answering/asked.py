"""What kind of thing a question of fact asks for, by its words; and what in a sentence can be such a thing.

The words are those of asking, the same in every field: none names a method or a subject.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.query.parse import Question
from assistant.text.names import find_names

_DEFINITION = re.compile(
    r"^\W*(?:what(?:['’]s| is| are|s)|define|explain|describe|meaning|tell me what)\b|"
    r"\b(?:definition|meaning|stands? for|what is (?:that|it)|description|what does it do|define|means? by|meant by|"
    r"counts? as)\b",
    re.IGNORECASE,
)
_YES_NO = re.compile(
    r"(?:^|[,.;:–—]\s)\W*(?!(?:can|could|will|would|do) you\b)"
    r"(?P<verb>is|are|was|were|do|does|did|can|could|has|have|had|should|will|would)\b", re.IGNORECASE,
)
_ALTERNATIVE = re.compile(r"\b(?:or|which|what|how|why|where|when|who)\b", re.IGNORECASE)
_REASON = re.compile(
    r"^\W*why\b|[:,]\s*why\b|\b(?:for what|what) reasons?\b|\bwhat explains\b|\bhow come\b", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"\b(?:urls?|links? to|web ?site|web ?page|repository|repo|github|homepage|download(?:ed)?|"
    r"where (?:is|are|can)\b.{0,100}\b(?:code|data|dataset|models?|weights|demo)|"
    r"(?:is|are) (?:the |its |their )?(?:code|data|weights)\b.{0,100}\b(?:public|open|available|released))\b",
    re.IGNORECASE,
)
# What papers report in their body and abstracts seldom do: settings, cost, equipment, scores on one benchmark.
_SELDOM = re.compile(
    r"\b(?:(?:batch|vocabulary) size|learning rates?|epochs?|steps?|hyper-?parameters?|random seeds?|optimi[sz]ers?|"
    r"layers?|dimensions?|hidden size|temperature|gpus?|tpus?|hardware|(?:gpu )?hours?|minutes|days|weeks|memory|"
    r"latency|throughput|dollars?|euros?|costs?|price|budget|licen[cs]es?|annotators?|agreement|parameters|tokens|"
    r"bleu|wer|f1|rouge|exact[- ]match|perplexity|p-values?|significance)\b", re.IGNORECASE,
)
_COUNTING = re.compile(r"\b(?:how many|(?:the )?numbers? of)\b", re.IGNORECASE)
_FIGURE = re.compile(  # "5200", "13.29M", "4X", "half"; neither the version in "GPT-4" nor the place in "2) we show"
    r"(?<![\w.-])[$€£~]?\d(?!\d?\))|"
    r"\b(?:half|halves|halved|twice|hundreds?|thousands?|millions?|billions?|doubl\w+|tripl\w+)\b", re.IGNORECASE,
)
_COUNT = re.compile(r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?)\b", re.IGNORECASE)
_CAUSE = re.compile(
    r"\b(?:because|due to|since|as a result of|caused?s?|owing to|attribut\w+|stem(?:s|med|ming)? from|thanks to|"
    r"reasons?|explain\w*|leads? to|leading to|result(?:s|ing)? (?:in|from)|limited by|suffers? from|hence|therefore|"
    r"thus|consequently)\b", re.IGNORECASE,
)
_URL = re.compile(r"https?://", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.,]\d+)*(?![\w-])")


BESIDE = 5  # words between a thing counted and its number, at most

Stems = Callable[[str], Sequence[str]]  # of the content words of a text


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; several may be true."""

    number: bool
    counting: bool      # of the numbers, one that is often written as a word
    definition: bool
    yes_no: bool
    reason: bool        # takes something for granted and asks why
    address: bool       # of code, data or a page
    seldom: str | None  # the word for something that abstracts seldom give
    figures: tuple[str, ...]  # numbers that the question itself gives
    short_for: tuple[str, ...] = ()  # what the names to be defined abbreviate, in lower case

    def shown_in(self, text: str) -> bool:
        """Whether a text has the kind of thing asked for; false if no kind is told by its form."""
        return bool(
            (self.number and _FIGURE.search(_without_names(text))) or (self.counting and _COUNT.search(text))
            or (self.address and _URL.search(text))
        )

    def gives(self, text: str, stems: Stems) -> bool:
        """Whether a text has the thing that abstracts seldom give; where it is counted, with a figure beside it."""
        sought = set(stems(self.seldom or ""))
        tokens = text.split()
        places = [at for at, token in enumerate(tokens) if not sought.isdisjoint(stems(token))]
        return any(
            not self.number or _FIGURE.search(_without_names(" ".join(tokens[max(0, at - BESIDE):at + BESIDE + 1])))
            for at in places
        )

    def spelt_out_in(self, text: str) -> bool:
        """Whether a text says what a name to be defined is short for."""
        return any(words in text.casefold() for words in self.short_for)

    def explained_in(self, text: str) -> bool:
        """Whether a text gives a reason for something."""
        return bool(_CAUSE.search(text))

    @property
    def has_form(self) -> bool:
        """Whether what is asked for can be told by its form."""
        return self.number or self.address


def asked(question: Question) -> Asked:
    """Read what a question asks for.

    >>> found = asked(Question("How many GPUs did 2 teams use?", "fact"))
    >>> found.number, found.seldom, found.figures
    (True, 'GPUs', ('2',))
    """
    text = question.corrected
    seldom = _SELDOM.search(text)
    closed = _closed(text)
    return Asked(
        number=question.wants_number, counting=bool(_COUNTING.search(text)),
        definition=bool(_DEFINITION.search(text)),
        yes_no=closed is not None and not _ALTERNATIVE.search(closed), reason=bool(_REASON.search(text)),
        address=bool(_ADDRESS.search(text)), seldom=seldom.group() if seldom else None,
        figures=tuple(_NUMBER.findall(text)),
    )


def _closed(text: str) -> str | None:
    """The question for yes or no that a text is, or ends with: "… in bulk. Is that so?"; None if it does not."""
    body = text.rstrip("? ")
    before = max(body.rfind("."), body.rfind("?") + 1, 0)
    found = _YES_NO.search(body, before)
    return body[found.start("verb"):] if found else None


def _without_names(text: str) -> str:
    """The text with its names blanked, so that the number in "ERNIE 3.0" is no figure."""
    for name in find_names(text):
        text = text[:name.start] + " " * (name.end - name.start) + text[name.end:]
    return text
