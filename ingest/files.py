"""Find the files a user means, and read one line by line within bounds of memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from assistant.errors import ParseError

MAX_FILE_BYTES = 256 * 2**20
MAX_LINE_BYTES = 1_000_000  # the longest abstracts known have some ten thousand
SUFFIXES = (".txt", ".jsonl", ".csv")
MAX_REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Skip:
    """Something left out, and why: nothing is dropped in silence."""

    file: str         # the file's own name; for a skipped file its path
    line: int | None  # 1-based; None where the whole file or folder was skipped
    reason: str       # one printable line, whatever bytes of the file it quotes

    def __post_init__(self) -> None:
        """Escape what cannot be printed, and cut what is too long to be read."""
        reason = _printable(self.reason)
        cut = reason if len(reason) <= MAX_REASON_CHARACTERS else reason[:MAX_REASON_CHARACTERS - 1] + "…"
        object.__setattr__(self, "file", _printable(self.file))
        object.__setattr__(self, "reason", cut)


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What `find_files` found: files to read in a fixed order, and what it passed over."""

    files: tuple[Path, ...]
    skipped: tuple[Skip, ...] = ()


def own_name(path: Path) -> str:
    r"""The file's own name as one printable line: odd bytes and control characters as ``\x..``."""
    return _printable(_as_utf8(path.name or str(path)))


def _as_utf8(name: str) -> str:
    """Return a name of the file system as UTF-8 reads it, whatever encoding this process has for such names."""
    try:
        return os.fsencode(name).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no file can be called this
        return ascii(name)[1:-1]


def stored_path(path: Path) -> str:
    """Return where a file is, absolute and without links, as text that a database can hold.

    A path with bytes that are not UTF-8 is given as a ``file:`` URL, which no absolute path looks like.
    """
    try:
        place = os.path.realpath(path)
    except ValueError:  # a NUL in it
        place = os.path.abspath(path)
    text = _as_utf8(place)
    return Path(place).as_uri() if any("\udc80" <= c <= "\udcff" for c in text) else text


def is_there(stored: str) -> bool:
    """Return whether there is a file where `stored_path` said so."""
    scheme, separator, quoted = stored.partition("file://")
    return os.path.exists(unquote_to_bytes(quoted) if separator and not scheme else stored.encode())


def find_files(paths: Sequence[Path]) -> FoundFiles:
    """The files behind ``paths``: each file named, and each .txt, .jsonl or .csv below each folder.

    A file named outright is taken whatever it is called, even if it is missing: `read_records` then
    says what is wrong with it, and the others are still read. In folders, hidden entries and other
    kinds of file are passed over and reported; links to folders are not followed.

    Returns:
        Files in the order of ``paths``, those of one folder sorted by path, each once.
    """
    files: dict[str, Path] = {}  # stored path -> as named
    skipped: list[Skip] = []
    for path in paths:
        for found in _walk(path, skipped) if os.path.isdir(path) else (path,):
            files.setdefault(stored_path(found), found)
    return FoundFiles(tuple(files.values()), tuple(skipped))


def _walk(folder: Path, skipped: list[Skip]) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        skipped.append(_skip(Path(error.filename), f"cannot be listed: {error.strerror}"))

    found: list[Path] = []
    waiting = [str(folder)]
    while waiting:  # folder after folder, as walking into thousands one below the other is too deep for Python's stack
        root, folders, names = next(os.walk(waiting.pop(), onerror=unreadable), ("", [], []))
        hidden = [name for name in folders if name.startswith(".")]
        linked = [name for name in folders if name not in hidden and os.path.islink(os.path.join(root, name))]
        below = sorted(set(folders) - set(hidden) - set(linked), reverse=True)
        waiting += [os.path.join(root, name) for name in below]
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
    return Skip(_as_utf8(str(path)), None, reason)


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte of a file name that is not UTF-8
        return f"\\x{ord(character) - 0xdc00:02x}"
    return character if character.isprintable() else ascii(character)[1:-1]


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
        raise ParseError(f"{name}: no such file; check the path {_as_utf8(str(path))}") from exc
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise ParseError(f"{name}: cannot be read: {reason}; check its path and permissions") from exc


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
