"""Whether a text bears a statement out, without a model: the same words, or all its numbers, names and most words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

SHARE = 0.5  # of the content words a paraphrase must share; fixed beforehand, not fitted
_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_SHORT = 3   # letters; shorter words are taken for function words


def supports(statement: str, passages: Iterable[str]) -> bool:
    """Whether the passages, joined, bear out a statement.

    It stands in them word for word (letters and digits compared); or every number and every name of it does, and at
    least half of its longer words. A name is a word with a capital after its first letter or with a digit.
    """
    text = " ".join(passages)
    if squeezed(statement) and squeezed(statement) in squeezed(text):
        return True
    there = {word.casefold() for word in _WORD.findall(text)}
    said = _WORD.findall(statement)
    if any(word.casefold() not in there for word in said if _is_name(word)):
        return False
    longer = [word.casefold() for word in said if len(word) > _SHORT]
    return bool(longer) and sum(word in there for word in longer) >= SHARE * len(longer)


def squeezed(text: str) -> str:
    """Letters and digits only, case folded: equal for two prints of the same words.

    >>> squeezed("GPT- J, again")
    'gptjagain'
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _is_name(word: str) -> bool:
    return any(c.isdigit() for c in word) or any(c.isupper() for c in word[1:])
