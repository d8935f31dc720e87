"""Texts to vectors: one pass over a text yields the vector of every word piece and of the whole.

``texts → Encoding``. The model is any BERT-family sentence-transformers folder, run by ONNX Runtime in
float32. Batches hold texts of like length; sharing a batch changes a vector by rounding only (< 1e-5).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assistant.bert_graph import Encoder, open_encoder
from assistant.cache import default_cache_dir, file_sha256
from assistant.errors import EmbedderError
from assistant.model_folder import (
    DEFAULT_NAME,
    Floats,
    Pooling,
    default_model_dir,
    read_architecture,
    read_pooling,
    read_tensors,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ints = NDArray[np.int32]

# Measured on two cores with the 326 abstracts: an abstract alone is as fast per token as eight together,
# a sentence alone 1.3 times as slow as sixteen; 512 tokens serve both, and more fall out of the processor's cache.
_BATCH_TOKENS = 512
_HELD_TOKENS = 32_768  # computed before the first is handed on: 48 MiB of vectors at 384 dimensions
_TEXTS_READ = 128      # taken from an iterator at once
_SURROGATES = re.compile("[\ud800-\udfff]")  # not text; the tokenizer would refuse the whole


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """One text as the model sees it; n word pieces (specials not among them), d dimensions."""

    token_ids: Ints  # (n,)
    offsets: Ints    # (n, 2) code points into the text, half-open
    vectors: Floats  # (n, d) last hidden states, not normalised
    pooled: Floats   # (d,) unit length; the mean, where the model takes one, includes the specials


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A text's token ids with specials, and the offsets of those that are not."""

    ids: list[int]
    offsets: Ints


def open_embedder(model_dir: Path | None = None, *, threads: int | None = None,
                  cache_dir: Path | None = None) -> Embedder:
    """Start the model in ``model_dir``, by default the all-MiniLM-L6-v2 that comes as a package.

    Args:
        model_dir: a sentence-transformers folder of a BERT-family model, with ``tokenizer.json``.
        threads: of one run, at least 1; by default the cores this process may use.
        cache_dir: where hashes and the graph are remembered; by default the user's cache.
    Raises:
        EmbedderError: missing, damaged, or a kind of model this program cannot run.
    """
    cache = cache_dir or default_cache_dir()
    folder = model_dir or default_model_dir(cache)
    architecture, pooling = read_architecture(folder), read_pooling(folder)
    weights = folder / "model.safetensors"
    tensors = read_tensors(weights)
    tokenizer, tokenizer_sha256 = _open_tokenizer(folder / "tokenizer.json")
    encoder = open_encoder(weights, tensors, architecture, threads=threads or _cores(), cache_dir=cache)
    if tokenizer.get_vocab_size() > encoder.vocabulary:
        raise EmbedderError(f"{folder / 'tokenizer.json'} knows {tokenizer.get_vocab_size()} word pieces, "
                            f"the weights {encoder.vocabulary}: they belong to different models")
    identity = f"{file_sha256(weights, cache_dir=cache)} {tokenizer_sha256} {pooling}"
    return Embedder(encoder, tokenizer, pooling, dimension=architecture.dimension, window=architecture.window,
                    name=DEFAULT_NAME if model_dir is None else folder.resolve().name,
                    fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:16])


class Embedder:
    """A loaded model; made by `open_embedder`. Safe to share between threads."""

    def __init__(self, encoder: Encoder, tokenizer: Tokenizer, pooling: Pooling, *, dimension: int,
                 window: int, name: str, fingerprint: str) -> None:
        self.name = name
        self.fingerprint = fingerprint  # 16 hex digits of weights, tokenizer and pooling
        self.dimension = dimension
        self.window = window            # most tokens of a text, the specials included
        self._encoder, self._tokenizer, self._pooling = encoder, tokenizer, pooling
        mask = tokenizer.encode("a").special_tokens_mask
        self._before = mask.index(0) if 0 in mask else len(mask)  # specials in front of a text
        self.specials = sum(mask)

    def encode(self, texts: Iterable[str]) -> Iterator[Encoding]:
        """Encode any number of texts, in their order; a generator is read a little ahead.

        Raises:
            EmbedderError: a text is longer than ``window``; nothing is ever cut.
        """
        for group in self._groups(texts):
            yield from self._encode_group(group)

    def pooled(self, texts: Iterable[str]) -> Floats:
        """One unit vector a text, (n, d)."""
        rows = [encoding.pooled for encoding in self.encode(texts)]
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)

    def is_word(self, word: str) -> bool:
        """Whether the vocabulary has a lower-case word whole: then it is a word of the language, not a slip."""
        return self._tokenizer.token_to_id(word) is not None

    def token_offsets(self, text: str) -> Ints:
        """Where each word piece of ``text`` stands, (n, 2) code points, half-open; any length, nothing is run.

        A text fits the model if n + ``specials`` is at most ``window``.
        """
        found = self._tokenizer.encode(_SURROGATES.sub("\ufffd", text), add_special_tokens=False)
        return np.array(found.offsets, np.int32).reshape(-1, 2)

    def _groups(self, texts: Iterable[str]) -> Iterator[list[_Tokens]]:
        """Tokenised texts in groups that are held in memory together."""
        stream, position = iter(texts), 0
        group: list[_Tokens] = []
        held = 0
        while read := list(itertools.islice(stream, _TEXTS_READ)):
            for tokens in self._tokenise(read, position):
                if group and held + len(tokens.ids) > _HELD_TOKENS:
                    yield group
                    group, held = [], 0
                group.append(tokens)
                held += len(tokens.ids)
            position += len(read)
        if group:
            yield group

    def _tokenise(self, texts: Sequence[str], position: int) -> Iterator[_Tokens]:
        clean = [_SURROGATES.sub("\ufffd", text) for text in texts]
        after = self.specials - self._before
        for i, found in enumerate(self._tokenizer.encode_batch(clean)):
            ids = found.ids
            if len(ids) > self.window:
                raise EmbedderError(f"text {position + i} has {len(ids)} tokens, {self.name} takes {self.window}: "
                                    f"split it first; it begins {texts[i][:60]!r}")
            offsets = np.array(found.offsets, np.int32).reshape(-1, 2)
            yield _Tokens(ids, offsets[self._before:len(ids) - after])

    def _encode_group(self, group: Sequence[_Tokens]) -> Iterator[Encoding]:
        """Run a group in batches of like length, longest first so that memory is claimed once."""
        order = sorted(range(len(group)), key=lambda i: -len(group[i].ids))  # stable: ties by position
        done: dict[int, Encoding] = {}
        while order:
            size = max(1, _BATCH_TOKENS // len(group[order[0]].ids))
            batch, order = order[:size], order[size:]
            done.update(zip(batch, self._run([group[i] for i in batch]), strict=True))
        for i in range(len(group)):
            yield done.pop(i)

    def _run(self, batch: Sequence[_Tokens]) -> Iterator[Encoding]:
        lengths = np.array([len(tokens.ids) for tokens in batch], np.int32)
        token_ids = np.zeros((len(batch), lengths.max()), np.int32)  # any id pads: it is masked
        for row, tokens in zip(token_ids, batch, strict=True):
            row[:len(tokens.ids)] = tokens.ids
        states = self._encoder.run(token_ids, lengths)
        for row, tokens, state in zip(token_ids, batch, states, strict=True):
            state = state[:len(tokens.ids)]
            whole = state[0] if self._pooling == "cls" else state.mean(axis=0)
            inner = slice(self._before, self._before + len(tokens.offsets))
            # copies: a view would keep the whole batch alive
            yield Encoding(row[inner].copy(), tokens.offsets, state[inner].copy(),
                           whole / max(float(np.linalg.norm(whole)), 1e-12))


def _open_tokenizer(path: Path) -> tuple[Tokenizer, str]:
    """The tokenizer without the cutting and padding its file asks for, and the file's SHA-256."""
    from tokenizers import Tokenizer

    try:
        data = path.read_bytes()
        tokenizer = Tokenizer.from_buffer(data)
    except FileNotFoundError as exc:
        raise EmbedderError(f"{path} does not exist; save the tokenizer in the 'fast' format") from exc
    except Exception as exc:  # the library raises bare Exception
        raise EmbedderError(f"{path} cannot be read as a tokenizer: {exc}") from exc
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, hashlib.sha256(data).hexdigest()


def _cores() -> int:
    """Cores this process may use, which in a container can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
