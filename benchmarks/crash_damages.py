"""What can become of a file: the damages that `crash_corruptions.py` does."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

FLIPPED_BYTES = 64
GARBAGE_BYTES = 512
PAGE_BYTES = 4096


def cut(path: Path, bytes_left: int) -> None:
    """Leave the beginning of a file."""
    os.truncate(path, bytes_left)


def flip(path: Path, places: Sequence[int], rng: random.Random) -> None:
    """Change bytes to others."""
    content = bytearray(path.read_bytes())
    for place in places:
        content[place] ^= rng.randrange(1, 256)
    path.write_bytes(content)


def flip_one(path: Path, rng: random.Random) -> None:
    """Somewhere."""
    flip(path, [rng.randrange(path.stat().st_size)], rng)


def flip_many(path: Path, rng: random.Random) -> None:
    """All over the file."""
    size = path.stat().st_size
    flip(path, sorted({rng.randrange(size) for _ in range(FLIPPED_BYTES)}), rng)


def blank(path: Path, rng: random.Random) -> None:
    """Make zeros of one page."""
    content = bytearray(path.read_bytes())
    start = rng.randrange(0, len(content), PAGE_BYTES)
    content[start:start + PAGE_BYTES] = bytes(len(content[start:start + PAGE_BYTES]))
    path.write_bytes(content)


def append(path: Path, rng: random.Random) -> None:
    """Add what nobody wrote."""
    with path.open("ab") as file:
        file.write(rng.randbytes(GARBAGE_BYTES))


def replace(path: Path, _: random.Random) -> None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "emptied": lambda path, _: cut(path, 0),
    "cut in half": lambda path, _: cut(path, path.stat().st_size // 2),
    "last byte gone": lambda path, _: cut(path, path.stat().st_size - 1),
    "one byte changed": flip_one,
    "many bytes changed": flip_many,
    "a page of zeros": blank,
    "deleted": lambda path, _: path.unlink(),
    "a folder instead": replace,
    "not readable": lambda path, _: path.chmod(0),
    "garbage appended": append,
}
NEED_CONTENT = tuple(DAMAGES)[:6]
NOT_AS_ROOT = "not readable"
