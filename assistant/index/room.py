"""Where nothing can be written: why not, and how an index is read all the same.

SQLite, Chroma and tantivy write a little when they open what they only read: shared memory, a lock, an empty graph. On
a full disk or a read-only file system they are therefore given a copy of the index to open; the large files that are
only ever read are linked to. The copy is of one state: what is written later is seen by whoever opens the index anew.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from pathlib import Path

from assistant.errors import StorageError

DATABASE = "papers.sqlite"
ROOM_BYTES = 4 << 20  # what opening an index may write
ATTEMPTS = 5  # at a copy, while another process writes
PAUSE_S = 0.2
READ_ONLY_SUFFIXES = (".int8", ".npz")  # of files that are mapped or read whole, whoever opens them
MEMORY = "/dev/shm"  # where Linux keeps files in memory
_NO_ROOM = ("disk is full", "No space left", "readonly database", "Read-only file system")  # SQLite, C, Rust


def unwritable(folder: Path) -> str | None:
    """Return why a folder, or the database in it, cannot be written; None if it can be, or is not there."""
    if not folder.exists() or not hasattr(os, "statvfs"):
        return None
    database = folder / DATABASE
    disk = os.statvfs(folder)
    if disk.f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    if not all(os.access(path, os.W_OK) for path in (folder, database) if path.exists()):
        return "you may not write there"
    free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
    return "its disk is full" if free * disk.f_frsize < ROOM_BYTES else None


def copy_to_read(folder: Path, reason: str) -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder that can be opened in place of an index that cannot be written for ``reason``.

    Raises:
        StorageError: there is no room for the copy either.
    """
    failures = []
    for place in (tempfile.gettempdir(), MEMORY):
        try:
            made = tempfile.TemporaryDirectory(prefix="assistant-", dir=place)
        except OSError as exc:
            failures.append(exc)
            continue
        try:
            _copy_one_state(folder, Path(made.name))
            return made
        except BaseException as exc:
            made.cleanup()
            if not isinstance(exc, OSError):
                raise
            failures.append(exc)
    raise StorageError(
        f"the index cannot be opened where it lies ({reason}) and not be copied elsewhere "
        f"({failures[0].strerror or 'the copy failed'}); make room, or set TMPDIR to a folder that can be written"
    )


def _copy_one_state(folder: Path, to: Path) -> None:
    """Copy until nothing has changed meanwhile: who may not write here may still read what another is writing.

    Raises:
        OSError: the copy cannot be written.
        StorageError: the index is written to without pause.
    """
    for _ in range(ATTEMPTS):
        before = _state(folder)
        try:
            _copy(folder, to)
        except (FileNotFoundError, shutil.Error):  # gone since it was listed
            pass
        else:
            if _state(folder) == before:
                return
        for path in to.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        time.sleep(PAUSE_S)
    raise StorageError("the index is being written to without pause; try again")


def _state(folder: Path) -> list[tuple[str, int, int]]:
    """Name, bytes and time of change of every file below a folder."""
    found = []
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            found.append((str(path), status.st_size, status.st_mtime_ns))
    return found


def _copy(folder: Path, to: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.suffix in READ_ONLY_SUFFIXES:
            (to / path.name).symlink_to(path.resolve())
        elif path.is_dir():
            shutil.copytree(path, to / path.name)
        else:
            shutil.copyfile(path, to / path.name)


def no_room(exc: BaseException) -> StorageError | None:
    """Return what to say of an error that a full disk or a read-only file system made; None if it is another."""
    number = exc.errno if isinstance(exc, OSError) else None
    text = f"{exc}"
    if number not in (errno.ENOSPC, errno.EROFS, errno.EDQUOT) and not any(sign in text for sign in _NO_ROOM):
        return None
    return StorageError(
        f"the index cannot be written ({text.splitlines()[0][:200]}); make room or let it be written, and run it "
        "again: what was finished is kept"
    )
