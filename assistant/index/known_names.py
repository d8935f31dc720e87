"""The names of a collection, with their spellings and what they are short for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assistant.index.collection import Collection
from assistant.text.names import name_key, one_edit_apart

SIMILAR_SHOWN = 3  # names like one that no paper mentions


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name of the collection and what it goes by."""

    key: str
    papers: int                              # that mention it, as ``--name`` lists them
    spellings: tuple[tuple[str, int], ...]   # (how it is written, papers that mostly write it so), most first
    expansions: tuple[tuple[str, int], ...]  # (what it is short for, papers that say so), most first


def known_names(collection: Collection, prefix: str = "") -> Iterator[KnownName]:
    """The names whose key begins like ``prefix``'s, those that most papers write first.

    A plain capitalised word is one only if most papers that have the word write it so ("Mistral", but not "Language").
    """
    store = collection.store
    for key in store.names_from(name_key(prefix)):
        spellings = store.spellings(key)
        surface = next(iter(spellings))
        if not any(c.isupper() or c.isdigit() for c in surface[1:]):
            stems = collection.lexical.stems(surface)
            if not collection.is_name(key, max(map(collection.lexical.frequency, stems), default=0)):
                continue
        expansions = sorted(store.expansions(key).items(), key=lambda entry: (-entry[1], entry[0]))
        yield KnownName(key, len(collection.with_name(key)), tuple(spellings.items()), tuple(expansions))


def similar_names(key: str, collection: Collection) -> list[str]:
    """Return how known names one letter from an unknown one are written, at most three, those of most papers first."""
    store = collection.store
    close = [other for other in store.names_like(key) if one_edit_apart(key, other)]
    papers = store.name_counts(close)
    return [store.surface(other) for other in sorted(close, key=lambda other: (-papers[other], other))[:SIMILAR_SHOWN]]
