"""What may be lost at any time: small files in the user's cache folder that save work at the next start.

Nothing here fails because of the cache: a folder that cannot be written costs time, not an answer.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path

_log = logging.getLogger(__name__)
_DIGEST_BYTES = 32  # of SHA-256, in front of every sealed file
_BLOCK_BYTES = 1 << 20


def default_cache_dir() -> Path:
    """``$XDG_CACHE_HOME/assistant``, or ``~/.cache/assistant``; not created here.

    A relative ``XDG_CACHE_HOME`` is ignored, as the XDG Base Directory Specification 0.8 asks.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if given and Path(given).is_absolute() else Path("~/.cache").expanduser()
    return base / "assistant"


def write_atomically(path: Path, data: bytes) -> bool:
    """Make ``path`` hold ``data``, or leave it as it was; a reader never sees half of a file.

    Two processes may write at once: each has its own temporary file and the last rename stands.

    Returns:
        False where the folder cannot be written; the reason is logged.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as exc:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        _log.warning("cannot keep %s (%s): it is made anew at every start; "
                     "let XDG_CACHE_HOME name a folder that can be written", path, exc)
        return False
    return True


def seal(data: bytes) -> bytes:
    """``data`` behind its own SHA-256, so that `unseal` notices any damage."""
    return hashlib.sha256(data).digest() + data


def unseal(sealed: bytes) -> bytes | None:
    """What was sealed, or None if so much as a bit of it changed.

    >>> unseal(seal(b"graph")), unseal(seal(b"graph")[:-1])
    (b'graph', None)
    """
    data = sealed[_DIGEST_BYTES:]
    return data if hashlib.sha256(data).digest() == sealed[:_DIGEST_BYTES] else None


def file_sha256(path: Path, *, cache_dir: Path) -> str:
    """SHA-256 of a large file in hex; read once, then remembered by size and time of change.

    Raises:
        OSError: ``path`` cannot be read.
    """
    real = path.resolve()
    state = real.stat()
    seen = [str(real), state.st_size, state.st_mtime_ns]
    memo = cache_dir / f"sha256-{hashlib.sha256(str(real).encode()).hexdigest()[:16]}.json"
    try:
        known = json.loads(memo.read_text("utf-8"))
        if known["seen"] == seen and len(known["sha256"]) == 2 * _DIGEST_BYTES:
            return str(known["sha256"])
    except (OSError, ValueError, LookupError, TypeError):
        pass  # not remembered, or not legible: hash it
    digest = hashlib.sha256()
    with real.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    write_atomically(memo, json.dumps({"seen": seen, "sha256": digest.hexdigest()}).encode())
    return digest.hexdigest()
