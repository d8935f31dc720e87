"""Papers → everything the model has to say about them, from one forward pass over each chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.embedder import Embedder, Encoding
from assistant.records import Chunk, Paper
from assistant.tokens import Basis, Bytes, Floats
from ingest.chunk import chunk, chunk_text, heading
from ingest.sentences import split_sentences

BASIS_TOKENS = 100_000  # enough to fix 128 directions


@dataclass(frozen=True, slots=True)
class EmbeddedPaper:
    """A paper and all its vectors."""

    paper: Paper
    chunks: tuple[Chunk, ...]
    vectors: Floats               # (c, d), unit length, one per chunk
    tokens: Bytes                 # (n, r), title first
    sentences: npt.NDArray[np.int32]  # (s, 4), see `assistant.store.Entry`


def embed(papers: Iterable[Paper], embedder: Embedder, basis: Basis, *, chunk_tokens: int) -> Iterator[EmbeddedPaper]:
    """Yield each paper with its vectors, in order."""
    planned = [_plan(paper, embedder, chunk_tokens) for paper in papers]
    encodings = embedder.encode([text for _, _, texts in planned for text in texts])
    for paper, pieces, texts in planned:
        yield _assemble(paper, pieces, texts, [next(encodings) for _ in texts], basis)


def fit_basis(papers: Iterable[Paper], embedder: Embedder, *, chunk_tokens: int) -> Basis:
    """A basis for a model that comes without one, from the first papers it is given."""
    blocks: list[Floats] = []
    for paper in papers:
        _, _, texts = _plan(paper, embedder, chunk_tokens)
        blocks += [encoding.vectors for encoding in embedder.encode(texts)]
        if sum(map(len, blocks)) >= BASIS_TOKENS:
            break
    return Basis.fit(np.concatenate(blocks))


def _plan(paper: Paper, embedder: Embedder, chunk_tokens: int) -> tuple[Paper, tuple[Chunk, ...], list[str]]:
    """A paper, its chunks, and what the model reads for each; the first comes with the title."""
    room = min(chunk_tokens, embedder.window) - 2  # beside the model's own two marks
    pieces = chunk(paper, token_offsets=embedder.token_offsets, max_tokens=room)
    head = heading(paper.title, token_offsets=embedder.token_offsets, max_tokens=room)
    return paper, pieces, [chunk_text(piece, head) for piece in pieces]


def _assemble(
    paper: Paper, pieces: tuple[Chunk, ...], texts: list[str], encodings: list[Encoding], basis: Basis
) -> EmbeddedPaper:
    starts: list[npt.NDArray[np.int32]] = []
    for piece, text, encoding in zip(pieces, texts, encodings, strict=True):
        shift = piece.start - (len(text) - len(piece.text))
        starts.append(encoding.offsets[:, 0] + shift)  # title tokens become negative
    token_starts = np.concatenate(starts)
    return EmbeddedPaper(
        paper=paper,
        chunks=pieces,
        vectors=np.stack([encoding.pooled for encoding in encodings]),
        tokens=np.concatenate([basis.encode(encoding.vectors) for encoding in encodings]),
        sentences=_sentence_rows(paper, token_starts),
    )


def _sentence_rows(paper: Paper, token_starts: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """(s, 4): each sentence's span and token rows; title first as (-1, -1, …); sentences without tokens left out."""
    bounds = split_sentences(paper.abstract)
    first = np.searchsorted(token_starts, [start for start, _ in bounds])
    rows = [(-1, -1, 0, int(first[0]))] if len(first) else []
    for (start, end), begin, after in zip(bounds, first, [*first[1:], len(token_starts)], strict=True):
        rows.append((start, end, int(begin), int(after)))
    return np.array([row for row in rows if row[3] > row[2]], dtype=np.int32).reshape(-1, 4)
