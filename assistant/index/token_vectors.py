"""Token vectors on disk: every word piece of every paper as a row of signed bytes, memory-mapped.

A vector of the model is turned so that the directions that carry most of the variance come first (`Basis`), cut to as
many as are kept, brought to unit length, and rounded. Scales differ by dimension, so each has its own; they are
folded into the question's vectors, and the product of bytes and question is a cosine again.
Source of the idea: Santhanam et al., "ColBERTv2", NAACL 2022, section 3.3 (there: residuals; here: PCA).
"""

from __future__ import annotations

import mmap
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.errors import DamagedPart

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.int8]
BLOCK_BYTES = 1 << 20  # read at once
MAX_TOUCHED_BYTES = 512 << 20  # of the mapped file, before the process lets go of what it has read


@dataclass(frozen=True, slots=True)
class Basis:
    """A projection of d dimensions to r and the size of one step in each."""

    directions: Floats  # (d, r), orthonormal columns
    steps: Floats       # (r,), positive

    @classmethod
    def fit(cls, vectors: Floats, *, rank: int | None = None) -> Basis:
        """Fit to (n, d) token vectors: the ``rank`` main directions of their unit-length versions, by default all d.

        Not centred, because what must survive is the dot product. Steps cover 99.95 % of the values;
        the rest are clipped.
        """
        unit = normalise(vectors)
        values, directions = np.linalg.eigh(unit.T.astype(np.float64) @ unit)
        order = np.argsort(values)[::-1][:rank]
        chosen = directions[:, order].astype(np.float32)
        # An eigenvector's sign is arbitrary; fixing it makes a basis reproducible.
        chosen *= np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])])
        projected = normalise(unit @ chosen)
        steps = np.quantile(np.abs(projected), 0.9995, axis=0).astype(np.float32) / 127
        return cls(chosen, np.maximum(steps, np.float32(1e-6)))

    def first(self, rank: int) -> Basis:
        """The first ``rank`` directions only; all, if there are no more.

        What is left of a vector is brought to unit length again, so its values grow: steps do, by what that is for a
        vector of the mean.
        """
        kept = self.steps[:rank].astype(np.float64)
        growth = np.sqrt(np.square(self.steps, dtype=np.float64).sum() / np.square(kept).sum())
        return Basis(self.directions[:, :rank], (kept * growth).astype(np.float32))

    @property
    def rank(self) -> int:
        """Bytes a token takes."""
        return int(self.directions.shape[1])

    def encode(self, vectors: Floats) -> Bytes:
        """(n, d) vectors of the model → (n, r) bytes."""
        projected = normalise(normalise(vectors) @ self.directions)
        rounded: Bytes = np.clip(np.rint(projected / self.steps), -127, 127).astype(np.int8)
        return rounded

    def query(self, vectors: Floats) -> Floats:
        """(n, d) vectors of a question → (n, r), whose product with encoded tokens is their cosine."""
        scaled: Floats = normalise(normalise(vectors) @ self.directions) * self.steps
        return scaled

    def decode(self, tokens: Bytes) -> Floats:
        """(n, r) bytes → (n, r) unit-length vectors in the basis."""
        return normalise(tokens.astype(np.float32) * self.steps)

    def save(self, path: Path) -> None:
        """Write as an .npz file, whole or not at all."""
        temporary = path.with_name(path.name + ".part.npz")
        np.savez(temporary, directions=self.directions.astype(np.float16), steps=self.steps)
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path) -> Basis:
        """Read what `save` wrote.

        Raises:
            DamagedPart: the file is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(stored["directions"].astype(np.float32), stored["steps"].astype(np.float32))
        except Exception as exc:  # numpy raises half a dozen kinds for a damaged file
            raise DamagedPart(f"{path.name} is missing or damaged") from exc


class TokenFile:
    """Rows of ``rank`` bytes, appended to by the one writer and mapped by readers."""

    def __init__(self, path: Path, rank: int) -> None:
        self.path = path
        self.rank = rank
        self._rows: Bytes | None = None
        self._touched = 0  # bytes, since the process last let go of them

    def append(self, blocks: list[Bytes], *, at: int, checksum: int = 0) -> int:
        """Write blocks of rows from row ``at`` on, over what a crash may have left there, and flush to disk.

        Rows before ``at`` are never touched: a reader may be looking at them.

        Args:
            checksum: of the rows before ``at``.
        Returns:
            The checksum of the rows up to the last one written.
        Raises:
            DamagedPart: the file is shorter than what the database says is in it.
        """
        self.path.touch(exist_ok=True)
        self._rows = None
        with self.path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if size < at * self.rank:
                raise DamagedPart(f"{self.path.name} is cut short")
            file.truncate(at * self.rank)
            file.seek(at * self.rank)
            for block in blocks:
                data = np.ascontiguousarray(block).tobytes()
                checksum = zlib.crc32(data, checksum)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return checksum

    def checksum(self, count: int) -> int:
        """Return the CRC-32 of the first ``count`` rows, in 0 to 2**32 - 1.

        Raises:
            DamagedPart: the file does not reach that far, or cannot be read.
        """
        checksum, left = 0, count * self.rank
        try:
            with self.path.open("rb") as file:
                while left and (block := file.read(min(left, BLOCK_BYTES))):
                    checksum, left = zlib.crc32(block, checksum), left - len(block)
        except OSError as exc:
            raise DamagedPart(f"{self.path.name} cannot be read ({exc.strerror})") from exc
        if left:
            raise DamagedPart(f"{self.path.name} is cut short")
        return checksum

    def rows(self, start: int, count: int) -> Bytes:
        """Rows start to start + count, (count, r), still on disk until touched.

        Raises:
            DamagedPart: the file does not reach that far.
        """
        if self._rows is None or start + count > len(self._rows):
            self._rows = self._map()
        if start + count > len(self._rows):
            raise DamagedPart(f"{self.path.name} is cut short")
        self._touched += count * self.rank
        if self._touched > MAX_TOUCHED_BYTES:
            self._let_go()
        return self._rows[start:start + count]

    def _let_go(self) -> None:
        """Give the pages read so far back; whoever reads one again gets it from the system's cache."""
        self._touched = 0
        mapped = getattr(self._rows, "_mmap", None)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):  # of a mapped file, which is not lost; not on Windows
            mapped.madvise(mmap.MADV_DONTNEED)

    def count(self) -> int:
        """How many rows there are, those a crash may have left included."""
        if self._rows is None:
            self._rows = self._map()
        return len(self._rows)

    def _map(self) -> Bytes:
        try:
            size = self.path.stat().st_size // self.rank
        except OSError:
            size = 0
        if size == 0:
            return np.zeros((0, self.rank), dtype=np.int8)
        try:
            return np.memmap(self.path, dtype=np.int8, mode="r", shape=(size, self.rank))
        except OSError as exc:
            raise DamagedPart(f"{self.path.name} cannot be read ({exc.strerror})") from exc


def normalise(vectors: Floats) -> Floats:
    """(n, d) → the same directions at unit length; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled
