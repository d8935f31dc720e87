"""Words typed wrong, put right by the collection's own vocabulary.

Source of the idea: Norvig, "How to Write a Spelling Corrector", 2007: try every edit, keep the most frequent word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from assistant.retrieval.lexical import LexicalIndex
from assistant.retrieval.names import one_edit_apart

if TYPE_CHECKING:
    from assistant.collection import Collection

LETTERS = "abcdefghijklmnopqrstuvwxyz"
ENDINGS = tuple(
    "s d r ed er or ers ors ing ly ness able ation ations ment ments less ful ist ists ity ize ise ized ised".split()
)
LONGEST = 60    # letters of a word whose slips are looked for
MOST_UNKNOWN = 20  # words of a question that are put right: with more of them it has no slips, but another language
SIMILAR_SHOWN = 3  # names like one that no paper mentions
MIN_PAPERS = 2  # a word only one paper has may be a slip itself


def edits(word: str, letters: str = LETTERS) -> Iterator[str]:
    """Every string one letter dropped, swapped with its neighbour, changed, or added away; some more than once.

    None of a word longer than `LONGEST`: no name is, and their number times their length grows with its square.

    >>> "tuning" in edits("tunning"), "model" in edits("modle"), "model" in edits("modlel")
    (True, True, True)
    """
    if len(word) > LONGEST:
        return
    for i in range(len(word) + 1):
        head, tail = word[:i], word[i:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in letters:
            if tail:
                yield head + letter + tail[1:]
            yield head + letter + tail


def _stems(word: str, is_word: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """(ending, stem) of a word of the language: with no ending, and with each that a known word stands before."""
    for ending in ("", *ENDINGS):
        stem = word.removesuffix(ending)
        if (stem != word or not ending) and is_word(stem):
            yield ending, stem


def is_slip(typed: str, meant: str) -> bool:
    """Whether a word is another one typed wrong, and not most likely a third.

    Slips are, after the first letter, two neighbours swapped, a letter doubled or a double one typed once, a small
    letter between others left out, and accents. Otherwise, one letter more or less or changed makes another word: LoRA
    and QLoRA, Mistral and Mixtral, ELM and ELMo, MAPK and MAPKK, statins and stating; and so does any digit.

    Args:
        typed: letters and digits, without signs.
        meant: the same; as it is written, for its capitals tell where a name is put together.

    >>> is_slip("MEMTI", "MEMIT"), is_slip("alpcare", "AlpaCare"), is_slip("lama2", "Llama2"), is_slip("sabia", "Sabiá")
    (True, True, True, True)
    >>> is_slip("QLoRA", "LoRA"), is_slip("mixtral", "Mistral"), is_slip("bloom", "Bloomz"), is_slip("PEFT", "PrEFT")
    (False, False, False, True)
    """
    a, b = _unaccented(typed.casefold()), _unaccented(meant.casefold())
    if a[:1] != b[:1] or [c for c in a if c.isdigit()] != [c for c in b if c.isdigit()]:
        return False
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        return a == b or (a[at:at + 2] == b[at:at + 2][::-1] and a[at + 2:] == b[at + 2:])
    shorter, longer = sorted((a, b), key=len)
    if shorter[at:] != longer[at + 1:]:
        return False
    if longer[at - 1] == longer[at]:
        return longer == b or typed[at:at + 1].islower() or 1 < at < len(a) - 1
    return longer == b and b[at - 1].isalpha() and b[at + 1:at + 2].isalpha() and not meant[at:at + 1].isupper()


def _unaccented(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def derived(word: str, is_word: Callable[[str], bool]) -> bool:
    """Whether a word is a known one with a common ending, and so most likely no slip: "predictor" of "predict"."""
    for ending in ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and any(is_word(stem + end) for end in ("", "e")):
            return True
    return False


def nearest_word(word: str, lexical: LexicalIndex, is_word: Callable[[str], bool]) -> str | None:
    """The word that ``word`` is a slip of and most papers have; None if none has at least two.

    Only a word of the language is meant, or one with an ending, which then is typed too. Of those that papers have
    equally often, two letters swapped count most, then the length, then the alphabet.
    """
    found = {
        other: papers for other in set(edits(word)) if any(
            is_slip(word.removesuffix(ending), stem) for ending, stem in _stems(other, is_word) if word.endswith(ending)
        ) and (papers := lexical.word_frequency(other)) >= MIN_PAPERS
    }
    swapped = {other for other in found if sorted(other) == sorted(word)}
    return min(found, key=lambda other: (-found[other], other not in swapped, len(other), other), default=None)


def similar_names(key: str, collection: Collection) -> list[str]:
    """Return how known names one letter from an unknown one are written, at most three, those of most papers first."""
    store = collection.store
    close = [other for other in store.names_like(key) if one_edit_apart(key, other)]
    papers = store.name_counts(close)
    return [store.surface(other) for other in sorted(close, key=lambda other: (-papers[other], other))[:SIMILAR_SHOWN]]
