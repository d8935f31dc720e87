"""Words of a question that are typed wrong, put right by the words of the collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from assistant.index.collection import Collection
from assistant.index.lexical import LexicalIndex
from assistant.text.names import find_names, name_key
from assistant.text.spelling import MIN_CORRECTABLE, MOST_UNKNOWN, derived, edits, is_slip, stems_with_endings
from assistant.text.words import FUNCTION_WORDS, words

MIN_PAPERS = 2  # a word only one paper has may be a slip itself
MAX_CORRECTABLE = 24  # letters; longer ones are no words, and have too many edits to try


def find_slips(text: str, collection: Collection, is_word: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Yield words as typed, that no paper has, and the words of papers they are slips of.

    Words the model knows whole are English whether a paper has them or not, and names are not words.
    """
    shaped = [(name.start, name.end) for name in find_names(text)]
    unknown: dict[str, str] = {}  # word -> as typed
    for word, start, end in words(text):
        if not MIN_CORRECTABLE <= len(word) <= MAX_CORRECTABLE or not word.isalpha() or word in FUNCTION_WORDS:
            continue
        if word in unknown or any(a < end and start < b for a, b in shaped) or is_word(word):
            continue
        if collection.store.name_counts([name_key(word)]) or collection.lexical.word_frequency(word):
            continue
        if not derived(word, is_word):
            unknown[word] = text[start:end]
    if len(unknown) <= MOST_UNKNOWN:
        for word, surface in unknown.items():
            meant = nearest_word(word, collection.lexical, is_word)
            if meant is not None:
                yield surface, meant


def put_right(text: str, slips: Sequence[tuple[str, str]]) -> str:
    """The text with each word as typed replaced by the one it was taken for."""
    for typed, meant in slips:
        text = re.sub(rf"\b{re.escape(typed)}\b", meant, text, flags=re.IGNORECASE)
    return text


def nearest_word(word: str, lexical: LexicalIndex, is_word: Callable[[str], bool]) -> str | None:
    """The word that ``word`` is a slip of and most papers have; None if none has at least two.

    Only a word of the language is meant, or one with an ending, which then is typed too. Of those that papers have
    equally often, two letters swapped count most, then the length, then the alphabet.
    """
    found = {
        other: papers for other in set(edits(word)) if any(
            is_slip(word.removesuffix(ending), stem)
            for ending, stem in stems_with_endings(other, is_word) if word.endswith(ending)
        ) and (papers := lexical.word_frequency(other)) >= MIN_PAPERS
    }
    swapped = {other for other in found if sorted(other) == sorted(word)}
    return min(found, key=lambda other: (-found[other], other not in swapped, len(other), other), default=None)
