"""Words typed wrong, put right by the collection's own vocabulary.

Source of the idea: Norvig, "How to Write a Spelling Corrector", 2007: try every edit, keep the most frequent word.
"""

from __future__ import annotations

from collections.abc import Iterator

from assistant.retrieval.lexical import LexicalIndex

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MIN_PAPERS = 2  # a word only one paper has may be a slip itself


def edits(word: str, letters: str = LETTERS) -> Iterator[str]:
    """Every string one letter dropped, swapped with its neighbour, changed, or added away; some more than once.

    >>> "tuning" in edits("tunning"), "model" in edits("modle"), "model" in edits("modlel")
    (True, True, True)
    """
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


def nearest_word(word: str, lexical: LexicalIndex) -> str | None:
    """The word one edit from ``word`` that most papers have; None if none has at least two. Ties go by the alphabet."""
    found = [(lexical.word_frequency(other), other) for other in set(edits(word)) if len(other) > 2]
    papers, best = max(found, key=lambda entry: (entry[0], [-ord(c) for c in entry[1]]))
    return best if papers >= MIN_PAPERS else None
