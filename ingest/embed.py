"""Papers → everything the model has to say about them, from one forward pass over each chunk."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.embedding.embedder import Embedder, Encoding
from assistant.index.token_vectors import Basis, Bytes, Floats
from assistant.records import Chunk, Paper
from assistant.text.names import names_of
from ingest.chunk import chunk, chunk_text, heading
from ingest.sentences import split_sentences

BASIS_TOKENS = 100_000  # enough to fix the directions


@dataclass(frozen=True, slots=True)
class EmbeddedPaper:
    """A paper, all its vectors, and the names it mentions."""

    paper: Paper
    chunks: tuple[Chunk, ...]
    vectors: Floats               # (c, d), unit length, one per chunk
    tokens: Bytes                 # (n, r), title first
    sentences: npt.NDArray[np.int32]  # (s, 4), see `assistant.index.sqlite.Entry`
    names: dict[str, Counter[str]]    # see `assistant.text.names.names_of`


def embed(papers: Iterable[Paper], embedder: Embedder, basis: Basis, *, chunk_tokens: int) -> Iterator[EmbeddedPaper]:
    """Yield each paper with its vectors, in order.

    Papers are cut and put together while the model works on others.
    """
    planned: deque[_Plan] = deque()

    def texts() -> Iterator[str]:
        for paper in papers:
            planned.append(_plan(paper, embedder, chunk_tokens))
            yield from planned[-1].texts

    encodings = embedder.encode(texts())
    ready: list[Encoding] = []
    for encoding in encodings:
        ready.append(encoding)
        if len(ready) == len(planned[0].texts):
            yield _assemble(planned.popleft(), ready, basis)
            ready = []


def fit_basis(papers: Iterable[Paper], embedder: Embedder, *, chunk_tokens: int) -> Basis:
    """A basis for a model that comes without one, from the first papers it is given."""
    blocks: list[Floats] = []
    for paper in papers:
        plan = _plan(paper, embedder, chunk_tokens)
        blocks += [encoding.vectors for encoding in embedder.encode(plan.texts)]
        if sum(map(len, blocks)) >= BASIS_TOKENS:
            break
    return Basis.fit(np.concatenate(blocks))


@dataclass(frozen=True, slots=True)
class _Plan:
    """A paper, its chunks, and what the model reads for each; the first comes with the title."""

    paper: Paper
    chunks: tuple[Chunk, ...]
    texts: tuple[str, ...]


def _plan(paper: Paper, embedder: Embedder, chunk_tokens: int) -> _Plan:
    room = min(chunk_tokens, embedder.window) - 2  # beside the model's own two marks
    pieces = chunk(paper, token_offsets=embedder.token_offsets, max_tokens=room)
    head = heading(paper.title, token_offsets=embedder.token_offsets, max_tokens=room)
    return _Plan(paper, pieces, tuple(chunk_text(piece, head) for piece in pieces))


def _assemble(plan: _Plan, encodings: list[Encoding], basis: Basis) -> EmbeddedPaper:
    starts: list[npt.NDArray[np.int32]] = []
    for piece, text, encoding in zip(plan.chunks, plan.texts, encodings, strict=True):
        shift = piece.start - (len(text) - len(piece.text))
        starts.append(encoding.offsets[:, 0] + shift)  # title tokens become negative
    token_starts = np.concatenate(starts)
    return EmbeddedPaper(
        paper=plan.paper,
        chunks=plan.chunks,
        vectors=np.stack([encoding.pooled for encoding in encodings]),
        tokens=np.concatenate([basis.encode(encoding.vectors) for encoding in encodings]),
        sentences=_sentence_rows(plan.paper, token_starts),
        names=names_of(plan.paper.title, plan.paper.abstract),
    )


def _sentence_rows(paper: Paper, token_starts: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """(s, 4): each sentence's span and token rows; title first as (-1, -1, …); sentences without tokens left out."""
    bounds = split_sentences(paper.abstract)
    first = np.searchsorted(token_starts, [start for start, _ in bounds])
    rows = [(-1, -1, 0, int(first[0]))] if len(first) else []
    for (start, end), begin, after in zip(bounds, first, [*first[1:], len(token_starts)], strict=True):
        rows.append((start, end, int(begin), int(after)))
    return np.array([row for row in rows if row[3] > row[2]], dtype=np.int32).reshape(-1, 4)
