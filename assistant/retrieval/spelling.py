"""Words typed wrong, put right by the collection's own vocabulary.

Source of the idea: Norvig, "How to Write a Spelling Corrector", 2007: try every edit, keep the most frequent word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from assistant.retrieval.lexical import LexicalIndex

LETTERS = "abcdefghijklmnopqrstuvwxyz"
ENDINGS = tuple(
    "s d r ed er or ers ors ing ly ness able ation ations ment ments less ful ist ists ity ize ise ized ised".split()
)
LONGEST = 60    # letters of a word whose slips are looked for
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


def derived(word: str, is_word: Callable[[str], bool]) -> bool:
    """Whether a word is a known one with a common ending, and so most likely no slip: "predictor" of "predict"."""
    for ending in ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and any(is_word(stem + end) for end in ("", "e")):
            return True
    return False


def nearest_word(word: str, lexical: LexicalIndex, is_word: Callable[[str], bool]) -> str | None:
    """The word one edit from ``word`` that most papers have; None if none has at least two.

    Of words that papers have equally often, being one of the language counts most, then two letters swapped, then the
    length, then the alphabet.
    """
    found = {other: papers for other in set(edits(word)) if len(other) > 2
             and (papers := lexical.word_frequency(other)) >= MIN_PAPERS
             and (is_word(other) or derived(other, is_word))}
    swapped = {other for other in found if sorted(other) == sorted(word)}
    return min(found, key=lambda other: (-found[other], not is_word(other), other not in swapped, len(other), other),
               default=None)
