"""Words of a text or a question, as the lexical index and the question analysis see them."""

from __future__ import annotations

import re
from collections.abc import Iterator

WORD = re.compile(r"[^\W_]+(?:[.'’][^\W_]+)*")
_COMPOUND = re.compile(r"(?<![^\W_])[^\W_]+(?:[-‐‑][^\W_]+)+")

# Words that say how something is asked, not what is asked for. Abstracts hardly contain "which" or "does",
# so a collection's own statistics would call them rare and weigh them most.
FUNCTION_WORDS = frozenset(
    """a about above across after again against all also although always am among amongst an and another any
    anyone anything are aren't around as ask at be became because been before behind being below between both
    but by can can't cannot could couldn't did didn't do does doesn't doing don't done down during each either
    else ever every everything few for from further get give given gives go had has hasn't have haven't having
    he her here him his how however i i'd i'll i'm i've if in into is isn't it it's its itself just kind know
    let let's like made make many may me might more most much must my need neither no nor not of off on once
    one ones only onto or other others our out over own per please quite rather really same say see shall she
    should show so some someone something somehow such tell than that that's the their them themselves then
    there these they thing things this those though through to too toward towards under until up upon us use
    used uses using very via want was wasn't way we were weren't what what's whatever when where whether which
    while who who's whom whose why will with within without won't would yes yet you your yours""".split()
)


def words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield (word in lower case, start, end) for every word, in order; hyphens separate."""
    for match in WORD.finditer(text):
        yield match.group().casefold().replace("’", "'"), match.start(), match.end()


def content_words(text: str) -> list[str]:
    """The words that carry the question, in order.

    >>> content_words("Which of the papers don't use GPT-J?")
    ['papers', 'gpt', 'j']
    """
    return [word for word, _, _ in words(text) if word not in FUNCTION_WORDS]


def index_terms(text: str) -> list[str]:
    """What a text is indexed under, in order: its words, and compounds joined ("fine-tuning" → also "finetuning")."""
    terms = [word.removesuffix("'s") for word, _, _ in words(text)]
    terms += ["".join(WORD.findall(match.group())).casefold() for match in _COMPOUND.finditer(text)]
    return terms
