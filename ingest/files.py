"""Find the files a user means, and read one line by line within bounds of memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ParseError

MAX_FILE_BYTES = 256 * 2**20
MAX_LINE_BYTES = 1_000_000  # the longest abstracts known have some ten thousand
SUFFIXES = (".txt", ".jsonl", ".csv")


@dataclass(frozen=True, slots=True)
class Skip:
    """Something left out, and why: nothing is dropped in silence."""

    file: str         # the file's own name; for a skipped file its path
    line: int | None  # 1-based; None where the whole file or folder was skipped
    reason: str       # one line


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What `find_files` found: files to read in a fixed order, and what it passed over."""

    files: tuple[Path, ...]
    skipped: tuple[Skip, ...] = ()


def own_name(path: Path) -> str:
    r"""The file's own name as one printable line: odd bytes and control characters as ``\x..``."""
    return _printable(path.name or str(path))


def find_files(paths: Sequence[Path]) -> FoundFiles:
    """The files behind ``paths``: each file named, and each .txt, .jsonl or .csv below each folder.

    A file named outright is taken whatever it is called, even if it is missing: `read_records` then
    says what is wrong with it, and the others are still read. In folders, hidden entries and other
    kinds of file are passed over and reported; links to folders are not followed.

    Returns:
        Files in the order of ``paths``, those of one folder sorted by path, each once.
    """
    files: dict[Path, Path] = {}  # resolved -> as named
    skipped: list[Skip] = []
    for path in paths:
        for found in _walk(path, skipped) if path.is_dir() else (path,):
            files.setdefault(found.resolve(), found)
    return FoundFiles(tuple(files.values()), tuple(skipped))


def _walk(folder: Path, skipped: list[Skip]) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        skipped.append(_skip(Path(error.filename), f"cannot be listed: {error.strerror}"))

    found: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=unreadable):
        hidden = [name for name in folders if name.startswith(".")]
        linked = [name for name in folders if name not in hidden and (Path(root) / name).is_symlink()]
        folders[:] = sorted(set(folders) - set(hidden) - set(linked))
        skipped += [_skip(Path(root) / name, "hidden folder") for name in sorted(hidden)]
        skipped += [_skip(Path(root) / name, "link to a folder") for name in sorted(linked)]
        for name in sorted(names):
            path = Path(root) / name
            if name.startswith("."):
                skipped.append(_skip(path, "hidden file"))
            elif path.suffix.lower() not in SUFFIXES:
                skipped.append(_skip(path, f"not one of {', '.join(SUFFIXES)}"))
            else:
                found.append(path)
    yield from sorted(found)


def _skip(path: Path, reason: str) -> Skip:
    return Skip(_printable(str(path)), None, reason)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yield (1-based line, text) of a UTF-8 file, one line in memory at a time.

    Lines end at ``\n`` only, so that a line here is a line in every editor and in ``sed -n``; the
    ``\r`` of a Windows line end, a byte order mark and the ``\n`` itself are not part of the text.

    Raises:
        ParseError: missing, not a regular file, unreadable, empty, over 256 MB, a line over 1 MB,
            binary, not UTF-8 (with the byte's offset from 0), or with bare ``\r`` line ends.
    """
    name = own_name(path)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would wait for ever
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise ParseError(f"{name}: is {kind}; give a text file")
        if found.st_size > MAX_FILE_BYTES:
            raise ParseError(f"{name}: has {found.st_size:,} bytes, more than {MAX_FILE_BYTES:,}; "
                             "split it, for example with: split -l 100000")
        yield from _decoded(path, name)
    except FileNotFoundError as exc:
        raise ParseError(f"{name}: no such file; check the path {_printable(str(path))}") from exc
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise ParseError(f"{name}: cannot be read: {reason}; check its permissions") from exc


def _decoded(path: Path, name: str) -> Iterator[tuple[int, str]]:
    offset, line, returns, empty = 0, 0, 0, True
    with path.open("rb") as file:
        # Reading with a limit refuses a 50 MB line after its first megabyte.
        while raw := file.readline(MAX_LINE_BYTES + 1):
            line += 1
            if line == 1 and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise ParseError(f"{name}: is UTF-16; save it as UTF-8")
            if b"\0" in raw:
                raise ParseError(f"{name}: is binary: NUL at byte {offset + raw.index(0):,}; "
                                 "give a text file")
            if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
                raise ParseError(f"{name}: line {line} is longer than {MAX_LINE_BYTES:,} bytes; "
                                 "put one title or abstract on a line")
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError as exc:
                at = offset + exc.start
                raise ParseError(f"{name}: is not UTF-8: byte 0x{raw[exc.start]:02x} at offset {at:,} "
                                 f"(line {line}); save it as UTF-8") from exc
            offset += len(raw)
            text = text.removeprefix("\ufeff") if line == 1 else text
            text = text.removesuffix("\n").removesuffix("\r")
            returns += text.count("\r")
            empty = empty and not text.strip()
            yield line, text
    if empty:
        raise ParseError(f"{name}: is empty; nothing to read")
    if line == 1 and returns > 1:
        raise ParseError(f"{name}: uses bare carriage returns as line ends; convert them to newlines")
