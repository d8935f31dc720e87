"""Names in a question that are one paper's own: what it calls its method, or what its title begins with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from assistant.answering.method_names import MAX_PAPERS_OF_OWN_NAME, method_name
from assistant.records import Paper
from assistant.retrieval.retriever import Retriever
from assistant.text.names import name_key
from assistant.text.words import FUNCTION_WORDS, words

MAX_WORDS_OF_NAME = 4
MAX_PAPERS_WITH_NAME = 50  # that are looked at for the one whose own name it is; of more, the best for the name

EDGE = re.compile(  # no name goes over it
    r"[.?!:;,] |(?<![\w-])(?:and|or|versus|vs|as opposed to)(?![\w-])(?:(?<=vs)\.)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Owned:
    """A name in the question that is a paper's own."""

    surface: str
    start: int
    end: int
    paper_id: str


def own_names(retriever: Retriever, text: str) -> Iterator[Owned]:
    """Names in a text that are one paper's own, the longest reading first where they overlap, in order."""
    found = list(words(text))

    def place(first: int, end: int) -> tuple[int, int]:  # in the text, of words
        return found[first][1], found[end - 1][2]

    keys: dict[tuple[int, int], str] = {}  # (first word, one after the last) -> key
    for count in range(1, MAX_WORDS_OF_NAME + 1):
        for first in range(len(found) - count + 1):
            end, surface = first + count, text[slice(*place(first, first + count))]
            if {found[first][0], found[end - 1][0]} & FUNCTION_WORDS or EDGE.search(surface):
                continue
            key = name_key(surface)
            # A longer reading with the same key has words that are not of the name.
            inside = {keys.get((a, b)) for a in range(first, end) for b in range(a + 1, end + 1)}
            if sum(c.isalpha() for c in key) > 1 and key not in inside:
                keys[first, end] = key
    counts = retriever.collection.store.name_counts(sorted(set(keys.values())))
    owner = cache(lambda key, surface: _owner(retriever, key, surface, counts[key]))
    taken: set[int] = set()  # words
    owned: list[Owned] = []
    for (first, end), key in sorted(keys.items(), key=lambda entry: (entry[0][0] - entry[0][1], entry[0][0])):
        if key not in counts or not taken.isdisjoint(range(first, end)):
            continue
        a, b = place(first, end)
        paper = owner(key, text[a:b])
        if paper is not None:
            taken.update(range(first, end))
            owned.append(Owned(text[a:b], a, b, paper))
    yield from sorted(owned, key=lambda name: name.start)


def own_paper(retriever: Retriever, name: str) -> str | None:
    """The paper that a name, however it is written, is the own name of; None if it is no paper's."""
    key = name_key(name)
    papers = retriever.collection.store.name_counts([key]).get(key, 0) if key else 0
    return _owner(retriever, key, name, papers) if papers else None


def _owner(retriever: Retriever, key: str, surface: str, papers: int) -> str | None:
    """The paper searched whose title begins with a name, that introduces it, or that alone has it; None if none does.

    Args:
        papers: of the whole collection, that mention it.
    """
    collection = retriever.collection
    shaped = any(c.isupper() or c.isdigit() for c in surface[1:])
    frequency = max(map(collection.lexical.frequency, collection.lexical.stems(surface)), default=0)
    is_name = collection.is_name(key, frequency)
    if surface.islower() and surface.isalpha() and not is_name:
        return None
    named = retriever.with_name(key)
    if papers <= MAX_PAPERS_WITH_NAME:
        among = sorted(named)
    else:
        among = [paper for paper, _ in collection.lexical.search(surface, limit=MAX_PAPERS_WITH_NAME, among=named)]
    if papers == 1 and among and (shaped or (surface[:1].isupper() and is_name)):
        return among[0]
    own = []
    for paper, entry in sorted(collection.store.entries(among).items()):
        rank = _ownership(entry.paper, key, papers, retriever)
        if rank:
            own.append((-rank, -collection.store.mentions(key).get(paper, 0), paper))
    return min(own)[2] if own else None


def _ownership(paper: Paper, key: str, papers: int, retriever: Retriever) -> int:
    """How much a name is a paper's own: 2 heads the title, 1 is what its method is called."""
    head, colon, _ = (paper.title or "").partition(":")
    if colon and name_key(head) == key:
        return 2
    if papers > MAX_PAPERS_OF_OWN_NAME:
        return 0
    method = method_name(paper, papers_with=retriever.collection.store.name_counts)
    return int(method is not None and name_key(method) == key)
