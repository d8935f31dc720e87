"""A cited paper read for checking: its sentences, and the numbers, names and turning words in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from assistant.answering.method_names import method_name
from assistant.checking.evidence import Floats, Passage, Span
from assistant.checking.naming import Names
from assistant.checking.polarity import Cue, cues, denials, negators
from assistant.checking.quantities import Quantity, quantities
from assistant.index.collection import Collection
from assistant.index.sqlite import Entry
from assistant.text.names import Name, find_names, name_key
from assistant.text.words import FUNCTION_WORDS, words

if TYPE_CHECKING:
    from assistant.embedding.embedder import Embedder

FUNCTION_WEIGHT = 0.15  # of a piece of a function word, where a content word's has 1
T = TypeVar("T")
Located = tuple[tuple[int, Span, T], ...]  # (index of the passage in its paper, where in it, what stands there)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A cited paper, read once."""

    passages: tuple[Passage, ...]  # in reading order, the title first
    rows: tuple[Floats, ...]       # of each passage, (n, r) as `assistant.index.token_vectors.TokenFile` has them
    names: Names
    stems: frozenset[str]          # of the content words
    numbers: Located[Quantity]
    mentions: Located[Name]
    own_name: str | None           # key of what the paper calls its method
    cues: Located[Cue]
    negators: Located[Span]
    denials: Located[Span]


def read_source(entry: Entry, collection: Collection, embedder: Embedder) -> Source:
    """Read a paper of the collection, its token vectors from the file."""
    paper = entry.paper
    tokens = collection.tokens.rows(entry.token_start, entry.token_count).astype(np.float32)
    passages, rows = [], []
    for start, end, first, after in entry.sentences.tolist():
        text = paper.abstract[start:end] if start >= 0 else paper.title or ""
        passages.append(_passage(paper.paper_id, start, end, text, after - first, embedder))
        rows.append(tokens[first:after])
    own = method_name(paper, papers_with=collection.store.name_counts)
    return Source(
        tuple(passages), tuple(rows), Names(paper.title, paper.abstract),
        frozenset(collection.lexical.stems(f"{paper.title or ''} {paper.abstract}")),
        _located(passages, quantities, lambda quantity: quantity.span),
        _located(passages, find_names, lambda name: Span(name.start, name.end)),
        name_key(own) if own else None,
        _located(passages, cues, lambda cue: cue.span),
        _located(passages, negators, lambda span: span), _located(passages, denials, lambda span: span),
    )


def _located(
    passages: Iterable[Passage], find: Callable[[str], Iterable[T]], span: Callable[[T], Span]
) -> Located[T]:
    return tuple((i, span(found), found) for i, passage in enumerate(passages) for found in find(passage.text))


def _passage(paper_id: str, start: int, end: int, text: str, count: int, embedder: Embedder) -> Passage:
    offsets = embedder.token_offsets(text).astype(np.int64)
    if len(offsets) != count:  # a title that was cut to fit the model: spread what there is
        index = np.linspace(0, max(len(offsets) - 1, 0), count).astype(np.int64)
        offsets = offsets[index] if len(offsets) else np.zeros((count, 2), dtype=np.int64)
    weights = np.full(count, FUNCTION_WEIGHT, dtype=np.float32)
    for word, begin, after in words(text):
        if word not in FUNCTION_WORDS:
            weights[(offsets[:, 0] >= begin) & (offsets[:, 1] <= after)] = 1.0
    return Passage(paper_id, start, end, text, offsets, weights)
