"""Names in a question that are one paper's own: what it calls its method, or what its title begins with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.answering.method_names import MAX_PAPERS_OF_OWN_NAME, method_name
from assistant.records import Paper
from assistant.retrieval.names import name_key
from assistant.retrieval.retriever import Retriever
from assistant.retrieval.words import FUNCTION_WORDS, words

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
    spans = [
        (found[i][1], found[i + n - 1][2]) for n in range(MAX_WORDS_OF_NAME, 0, -1) for i in range(len(found) - n + 1)
        if found[i][0] not in FUNCTION_WORDS and found[i + n - 1][0] not in FUNCTION_WORDS
        and not EDGE.search(text[found[i][1]:found[i + n - 1][2]])
    ]
    keys: dict[tuple[int, int], str] = {}
    for span in reversed(spans):  # a longer reading with the same key has words that are not of the name
        key = name_key(text[span[0]:span[1]])
        inside = [other for other in keys if span[0] <= other[0] and other[1] <= span[1]]
        if sum(c.isalpha() for c in key) > 1 and all(keys[other] != key for other in inside):
            keys[span] = key
    counts = retriever.collection.store.name_counts(sorted(keys.values()))
    taken: list[Owned] = []
    for start, end in spans:
        key = keys.get((start, end), "")
        if key not in counts or any(name.start < end and start < name.end for name in taken):
            continue
        paper = _owner(retriever, key, text[start:end], counts[key])
        if paper is not None:
            taken.append(Owned(text[start:end], start, end, paper))
    yield from sorted(taken, key=lambda name: name.start)


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
