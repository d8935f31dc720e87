"""Paper → Chunks: runs of whole sentences that fit the model's window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.records import Chunk, Paper
from ingest.sentences import split_sentences

__all__ = ["TokenOffsets", "chunk", "chunk_text", "heading", "split_sentences"]

# text -> (n, 2) integers: start and end of its n word pieces in code points, nothing cut off,
# special tokens not among them.
TokenOffsets = Callable[[str], NDArray[Any]]
Span = tuple[int, int]

MIN_TOKENS = 8  # a smaller window holds no sentence


def heading(title: str | None, *, token_offsets: TokenOffsets, max_tokens: int) -> str:
    """The part of the title that is embedded in front of the first chunk: nearly always all of it.

    A title longer than half the window (some 90 words of 256 pieces) would leave too little room for
    the abstract: then its beginning, cut at a word, is used. The paper keeps the whole title, and the
    lexical index has it; ``heading(...) != title`` tells a caller to report it.
    """
    title = title or ""
    offsets = token_offsets(title)
    if len(offsets) <= max_tokens // 2:
        return title
    end = int(offsets[max_tokens // 2 - 1][1])
    if not title[end:end + 1].isspace():  # not inside a word, unless the word alone is too long
        end = max(title.rfind(" ", 0, end), 0) or end
    return title[:end].rstrip()


def chunk_text(part: Chunk, head: str) -> str:
    """What is embedded for a chunk: the first one with the heading on a line above it."""
    return f"{head}\n{part.text}" if head and part.position == 0 else part.text


def chunk(paper: Paper, *, token_offsets: TokenOffsets, max_tokens: int) -> tuple[Chunk, ...]:
    """Cut an abstract into as few chunks as whole sentences allow, as even in size as they allow.

    Every character but white space is in exactly one chunk, in order. A sentence too long for a
    window is cut between words, a word too long for one inside.

    Args:
        token_offsets: the embedder's own word pieces; see `TokenOffsets`.
        max_tokens: word pieces `chunk_text` may have, special tokens not counted; at least 8.
    Raises:
        ValueError: if ``max_tokens`` is under 8, or no cut however small fits it.
    """
    if max_tokens < MIN_TOKENS:
        raise ValueError(f"max_tokens is {max_tokens}; a window needs at least {MIN_TOKENS}")
    text = paper.abstract
    head = heading(paper.title, token_offsets=token_offsets, max_tokens=max_tokens)
    whole = Chunk(f"{paper.paper_id}:0", paper.paper_id, 0, 0, len(text), text)
    if text.strip() and len(token_offsets(chunk_text(whole, head))) <= max_tokens:  # nearly every abstract
        return (whole,)
    head_tokens = len(token_offsets(f"{head}\n")) if head else 0
    offsets = token_offsets(text)
    sentences = split_sentences(text)
    limit = max_tokens
    while limit - head_tokens > 0:
        spans = _pack(text, sentences, offsets, limit=limit, head_tokens=head_tokens)
        chunks = tuple(Chunk(f"{paper.paper_id}:{i}", paper.paper_id, i, start, end, text[start:end])
                       for i, (start, end) in enumerate(spans))
        # A piece cut out of its context may have more word pieces than it had within it.
        over = max((len(token_offsets(chunk_text(part, head))) for part in chunks), default=0) - max_tokens
        if over <= 0:
            return chunks
        limit -= over
    raise ValueError(f"paper {paper.paper_id}: no cut of its abstract fits {max_tokens} word pieces")


def _pack(text: str, sentences: Sequence[Span], offsets: NDArray[Any], *, limit: int,
          head_tokens: int) -> list[Span]:
    """Spans of the fewest chunks of at most ``limit`` word pieces, the largest as small as possible."""
    starts = offsets[:, 0] if len(offsets) else np.zeros(0, np.int64)
    units: list[Span] = []
    for i, sentence in enumerate(sentences):
        units += _cut(text, sentence, offsets, limit - (head_tokens if i == 0 else 0))
    sizes = [int(n) for n in np.diff(np.searchsorted(starts, [s for s, _ in units] + [len(text)]))]
    if units:
        sizes[0] += head_tokens
    groups = _fill(sizes, limit)
    low, high = max(sizes, default=0), limit  # the smallest limit that takes no more chunks
    while low < high:
        middle = (low + high) // 2
        tried = _fill(sizes, middle)
        low, high, groups = (low, middle, tried) if len(tried) <= len(groups) else (middle + 1, high, groups)
    return [(units[first][0], units[last - 1][1]) for first, last in groups]


def _fill(sizes: Sequence[int], limit: int) -> list[Span]:
    """Index ranges of ``sizes``, filled from the left while the sum stays within ``limit``."""
    cuts, total = [0], 0
    for i, size in enumerate(sizes):
        if total + size > limit and i > cuts[-1]:
            cuts.append(i)
            total = 0
        total += size
    return list(pairwise([*cuts, len(sizes)])) if sizes else []


def _cut(text: str, sentence: Span, offsets: NDArray[Any], limit: int) -> list[Span]:
    """A sentence as one span, or as even spans of at most ``limit`` word pieces cut between words."""
    start, end = sentence
    starts = offsets[:, 0] if len(offsets) else np.zeros(0, np.int64)
    first, last = (int(i) for i in np.searchsorted(starts, sentence))
    count = last - first
    if count <= limit:
        return [sentence]
    parts: list[Span] = []
    size = -(-count // -(-count // max(limit, 1)))  # rounded up
    while last - first > size:
        cut = int(starts[first + size])
        if not text[cut - 1].isspace():  # inside a word: back to its beginning, if there is one before
            cut = text.rfind(" ", start, cut) + 1 or cut
        if cut <= start:  # several pieces of one character
            cut = start + 1
        parts.append((start, start + len(text[start:cut].rstrip())))
        start = cut
        first = int(np.searchsorted(starts, start))
    return [*parts, (start, end)]
