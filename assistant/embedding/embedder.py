"""Texts to vectors: one pass over a text yields the vector of every word piece and of the whole.

``texts → Encoding``. The model is any BERT-family sentence-transformers folder, run by ONNX Runtime in int8 or
float32. One text is one run on one thread, several texts run at once: what a text is embedded with, and on how many
threads, changes not a bit of its vectors.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.cache import default_cache_dir, file_sha256
from assistant.embedding.model_folder import (
    DEFAULT_NAME,
    Floats,
    Pooling,
    default_model_dir,
    read_architecture,
    read_pooling,
    read_tensors,
)
from assistant.embedding.onnx_bert import GRAPH_VERSION, Encoder, Precision, open_encoder
from assistant.errors import EmbedderError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ints = NDArray[np.int32]

_TEXTS_READ = 64   # taken from an iterator and tokenised at once
_TEXTS_AHEAD = 16  # per thread, encoded before they are asked for; 25 MiB on two threads if all fill the window
_SHORT = 300       # characters
_REMEMBERED = 128  # short texts; about 20 kB each
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


def open_embedder(model_dir: Path | None = None, *, precision: Precision = "int8", threads: int | None = None,
                  cache_dir: Path | None = None) -> Embedder:
    """Start the model in ``model_dir``, by default the all-MiniLM-L6-v2 that comes as a package.

    Args:
        model_dir: a sentence-transformers folder of a BERT-family model, with ``tokenizer.json``.
        precision: of the layers' products; "int8" is more than twice as fast, "fp32" what the model was trained in.
        threads: texts encoded at once, at least 1; by default the cores this process may use.
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
    encoder = open_encoder(weights, tensors, architecture, precision=precision, cache_dir=cache)
    if tokenizer.get_vocab_size() > encoder.vocabulary:
        raise EmbedderError(f"{folder / 'tokenizer.json'} knows {tokenizer.get_vocab_size()} word pieces, "
                            f"the weights {encoder.vocabulary}: they belong to different models")
    identity = f"{file_sha256(weights, cache_dir=cache)} {tokenizer_sha256} {pooling}"
    model = _digest(identity)
    return Embedder(encoder, tokenizer, pooling, dimension=architecture.dimension, window=architecture.window,
                    name=DEFAULT_NAME if model_dir is None else folder.resolve().name, precision=precision,
                    model=model, threads=threads or cores(),
                    fingerprint=model if precision == "fp32" else _digest(f"{identity} {precision} {GRAPH_VERSION}"))


class Embedder:
    """A loaded model; made by `open_embedder`. Safe to share between threads."""

    def __init__(self, encoder: Encoder, tokenizer: Tokenizer, pooling: Pooling, *, dimension: int, window: int,
                 name: str, precision: Precision, model: str, fingerprint: str, threads: int) -> None:
        self.name = name
        self.precision = precision
        self.model = model              # 16 hex digits of weights, tokenizer and pooling
        self.fingerprint = fingerprint  # the same, and of precision: vectors of one fingerprint may be compared
        self.dimension = dimension
        self.window = window            # most tokens of a text, the specials included
        self._encoder, self._tokenizer, self._pooling = encoder, tokenizer, pooling
        mask = tokenizer.encode("a").special_tokens_mask
        self._before = mask.index(0) if 0 in mask else len(mask)  # specials in front of a text
        self.specials = sum(mask)
        self._recent = lru_cache(_REMEMBERED)(self._encode_one)
        self._ahead = _TEXTS_AHEAD * threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="embedder")  # which starts none before it has work

    def encode(self, texts: Iterable[str]) -> Iterator[Encoding]:
        """Encode any number of texts, in their order; a generator is read a little ahead.

        Raises:
            EmbedderError: a text is longer than ``window``; nothing is ever cut.
        """
        running: deque[Future[Encoding]] = deque()
        try:
            for tokens in self._tokenised(texts):
                running.append(self._pool.submit(self._run, tokens))
                if len(running) > self._ahead:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:  # of one that is asked for no more
            for future in running:
                future.cancel()

    def encode_one(self, text: str) -> Encoding:
        """`encode` for one text. Short ones of late are remembered: a question is read, then searched with."""
        return self._recent(text) if len(text) <= _SHORT else self._encode_one(text)

    def _encode_one(self, text: str) -> Encoding:
        return next(iter(self.encode([text])))

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

    def _tokenised(self, texts: Iterable[str]) -> Iterator[_Tokens]:
        stream, position = iter(texts), 0
        while read := list(itertools.islice(stream, _TEXTS_READ)):
            yield from self._tokenise(read, position)
            position += len(read)

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

    def _run(self, tokens: _Tokens) -> Encoding:
        states = self._encoder.run(tokens.ids)
        whole = states[0] if self._pooling == "cls" else states.mean(axis=0)
        inner = slice(self._before, self._before + len(tokens.offsets))
        return Encoding(np.array(tokens.ids[inner], np.int32), tokens.offsets, states[inner],
                        whole / max(float(np.linalg.norm(whole)), 1e-12))


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


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


def cores() -> int:
    """Cores this process may use, which in a container can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
