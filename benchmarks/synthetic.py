"""Abstracts made of real ones, as many as wanted, and vectors for them without running the model on each.

An abstract takes its sentences, place by place, from a paper of ``seeds/`` and that paper's neighbours, so topics stay
topics; two content words in five become others of the same papers, so that no two abstracts share long runs of words,
which would be near-duplicates; and the method's name is a new one. The same seed and number give the same abstract.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.embedding.embedder import Embedder
from assistant.records import Paper
from assistant.text.names import find_names, names_of
from assistant.text.words import FUNCTION_WORDS
from ingest.sentences import split_sentences

NEIGHBOURS = 12      # papers an abstract's sentences come from, its own model among them
CHANGED = 0.4        # of the content words
UNTITLED = 0.06      # as in seeds/: 20 of 326
MIN_LETTERS = 5      # of a word that may be changed
NOISE = 0.5          # share of a vector's deviation from the mean that no piece explains; see `Calibration`
SYLLABLES = "ba cor den fex gra hol im jur kel lan mor nix or pel qua ret sol tam ul ver wen xi yor zan".split()

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_PRIME = np.int64(1_000_003)  # mixes a pair of pairs; overflow is welcome
_WORD = re.compile(r"\b[a-z]+\b")


@dataclass(frozen=True, slots=True)
class _Model:
    """A real paper as material."""

    title: str | None
    sentences: tuple[str, ...]
    own: frozenset[str]      # spellings of names that no other paper has
    words: tuple[str, ...]   # content words, as often as they occur


class Synthesiser:
    """Makes abstracts out of real papers."""

    def __init__(self, papers: Sequence[Paper], vectors: Floats) -> None:
        """Take (p, d) unit vectors beside p papers: they say which papers are neighbours."""
        of_paper = [names_of(paper.title, paper.abstract) for paper in papers]
        spread = Counter(key for names in of_paper for key in names)
        self._models = [
            _Model(
                paper.title,
                tuple(paper.abstract[start:end] for start, end in split_sentences(paper.abstract)),
                frozenset(
                    surface for key, surfaces in names.items() if spread[key] == 1 and surfaces.total() > 1
                    for surface in surfaces if len(surface) > 2
                ),
                tuple(word for word in _WORD.findall(paper.abstract) if _may_change(word)),
            )
            for paper, names in zip(papers, of_paper, strict=True)
        ]
        self._near = np.argsort(-(vectors @ vectors.T), axis=1, kind="stable")[:, :NEIGHBOURS]

    def record(self, number: int, *, seed: int = 0) -> tuple[str | None, str]:
        """Title, or None, and abstract number ``number``."""
        rng = np.random.default_rng((seed, number))
        near = [self._models[place] for place in self._near[rng.integers(len(self._models))]]
        model, name = near[0], _new_name(rng)
        words = [word for other in near for word in other.words]
        titled = [other for other in near if other.title]
        title = None
        if titled and rng.random() >= UNTITLED:
            donor = titled[rng.integers(len(titled))]
            title = _changed(str(donor.title), donor.own, name, words, rng)
            if name not in title:
                title = f"{name}: {title.partition(': ')[2] or title}"
        sentences = []
        for place in range(len(model.sentences)):
            donor = near[rng.integers(len(near))]
            at = round(place * (len(donor.sentences) - 1) / max(len(model.sentences) - 1, 1))
            sentences.append(_changed(donor.sentences[at], donor.own, name, words, rng))
        return title, " ".join(sentences)

    def write(self, path: Path, numbers: range, *, seed: int = 0) -> None:
        """Write records as .jsonl, one a line."""
        with path.open("w", encoding="utf-8") as file:
            for number in numbers:
                title, abstract = self.record(number, seed=seed)
                file.write(json.dumps({"id": str(number), "title": title, "abstract": abstract}) + "\n")


def _may_change(word: str) -> bool:
    return len(word) >= MIN_LETTERS and word not in FUNCTION_WORDS


def _changed(text: str, own: frozenset[str], name: str, words: Sequence[str], rng: np.random.Generator) -> str:
    for found in sorted(find_names(text), key=lambda mention: -mention.start):
        if found.surface in own:
            text = text[:found.start] + name + text[found.end:]

    def other(match: re.Match[str]) -> str:
        change = _may_change(match.group()) and rng.random() < CHANGED
        return words[rng.integers(len(words))] if change else match.group()

    return _WORD.sub(other, text)


def _new_name(rng: np.random.Generator) -> str:
    """Redco, LoRAMoE, DART-2: one of tens of millions of made-up names."""
    parts = [SYLLABLES[place] for place in rng.integers(len(SYLLABLES), size=rng.integers(2, 5))]
    shape = rng.integers(4)
    if shape == 0:
        return "".join(parts).upper()
    if shape == 1:
        return "".join(part.capitalize() for part in parts)
    if shape == 2:
        return f"{''.join(parts).capitalize()}-{rng.integers(2, 10)}"
    return "".join(parts[:-1]).capitalize() + parts[-1].upper()


class TokenTable:
    """Stands in for the network: a word piece gets the vector it has in ``seeds/`` between the same two neighbours.

    If it never stands between them there, the one it has after its left neighbour; else the one that follows there
    what the piece before it was given: the vector of the word it replaces, in its context. All else of an embedder is
    real: word pieces, offsets, pooling. How far such vectors are from the model's is measured by `scale.py`.
    """

    def __init__(self, ids: Ints, states: Floats, *, calibration: Calibration | None = None) -> None:
        """Take (n,) token ids of all texts in a row, specials included, and their (n, d) states."""
        self._ids, self._states, self._calibration = ids, states, calibration
        left, right = _pairs(ids)
        self._between = np.unique(left * _PRIME + right, return_index=True)
        self._after = np.unique(left, return_index=True)

    def run(self, token_ids: Sequence[int]) -> Floats:
        """(n, d) vectors of n token ids."""
        left, right = _pairs(np.array(token_ids, dtype=np.int64))
        places = _look_up(self._between, left * _PRIME + right)
        places = np.where(places >= 0, places, _look_up(self._after, left))
        at = np.arange(len(places))
        known = np.maximum.accumulate(np.where(places >= 0, at, 0))  # the last piece that was found
        places = np.minimum(np.maximum(places[known], 0) + at - known, len(self._ids) - 1)
        states: Floats = self._states[places].astype(np.float32)
        return states if self._calibration is None else self._calibration.applied(states, hash(tuple(token_ids)))

    def save(self, path: Path) -> None:
        """Write as .npz; vectors as float16."""
        found = self._calibration
        assert found is not None, "calibrate first"
        np.savez(path, ids=self._ids, states=self._states.astype(np.float16),
                 real=found.real, table=found.table, gain=found.gain, apart=found.apart)

    @classmethod
    def load(cls, path: Path) -> TokenTable:
        """Read what `save` wrote."""
        with np.load(path) as stored:
            calibration = Calibration(stored["real"], stored["table"], float(stored["gain"]), stored["apart"])
            return cls(stored["ids"], stored["states"], calibration=calibration)

    def calibrated(self, embedder: Embedder, texts: Sequence[str]) -> TokenTable:
        """The same table whose texts lie as far apart as the model's own vectors of the ``texts`` do."""
        real = embedder.pooled(texts)
        table = np.stack([self.run(found.ids).mean(axis=0) for found in embedder._tokenised(texts)])
        table *= np.median(1 / np.linalg.norm(table, axis=1))
        apart = real - real.mean(axis=0)
        wanted = (1 - NOISE ** 2) * (apart ** 2).sum() / ((table - table.mean(axis=0)) ** 2).sum()
        found = Calibration(real.mean(axis=0), table.mean(axis=0), float(np.sqrt(wanted)), apart / np.sqrt(len(apart)))
        return TokenTable(self._ids, self._states, calibration=found)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Texts put together of pieces lie closer than texts do; this moves them apart, by pooled (d,) vectors."""

    real: Floats   # (d,) mean of the model's
    table: Floats  # (d,) mean of the table's, at the same length
    gain: float    # of the distance from the mean
    apart: Floats  # (m, d) deviations of the model's whose sum of squares is their variance: what noise is made of

    def applied(self, states: Floats, seed: int) -> Floats:
        """(n, d) states of one text → (n, d), each moved by the same vector."""
        length = np.float32(np.linalg.norm(states.mean(axis=0)))
        noise = np.random.default_rng(seed % 2**63).standard_normal(len(self.apart), dtype=np.float32) @ self.apart
        off = states.mean(axis=0) / length - self.table
        moved: Floats = states + length * (self.real - self.table + (self.gain - 1) * off + NOISE * noise)
        return moved


def stand_in(embedder: Embedder, table: TokenTable) -> Embedder:
    """The same embedder with its network replaced by a table."""
    embedder._encoder = table  # type: ignore[assignment]
    return embedder


def learn_table(embedder: Embedder, texts: Sequence[str]) -> TokenTable:
    """A table from running the real model on each text."""
    tokens = list(embedder._tokenised(texts))
    return TokenTable(
        np.concatenate([np.array(found.ids, dtype=np.int64) for found in tokens]),
        np.concatenate([embedder._encoder.run(found.ids) for found in tokens]),
    )


def _pairs(ids: Ints) -> tuple[Ints, Ints]:
    padded = np.concatenate([[0], ids, [0]])
    return padded[:-2] << 32 | ids, ids << 32 | padded[2:]


def _look_up(table: tuple[Ints, Ints], keys: Ints) -> Ints:
    known, first = table
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[at] == keys, first[at], -1)
