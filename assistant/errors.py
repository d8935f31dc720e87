"""Every way to fail, as one tree. A message says what was seen and what to do about it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class AssistantError(Exception):
    """Anything that goes wrong in a way a user can do something about. Exit status 1."""

    exit_status = 1


class MisuseError(AssistantError):
    """The request itself was wrong: an argument, a setting, a file that is not there. Exit status 2."""

    exit_status = 2


class SettingsError(MisuseError):
    """A setting has an unknown name or a value that cannot be."""


class EmbedderError(AssistantError):
    """The embedding model is missing, damaged or of a kind this program cannot run."""


class RerankerError(AssistantError):
    """The cross-encoder is missing, damaged, or its extra is not installed."""


class ParseError(AssistantError):
    """A file cannot be read as papers; ``reason`` is one line for the report."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StorageError(AssistantError):
    """The index is missing, unusable, locked, or made by another embedder."""


class DamagedPart(StorageError):
    """A part of the index that follows from its database is missing or damaged; the database can make it anew."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; run: ingest rebuild")
        self.what = what


@contextlib.contextmanager
def panics_as_errors() -> Iterator[None]:
    """Raise the panic of a library in Rust, which is no `Exception`, as a RuntimeError."""
    try:
        yield
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":
            raise
        raise RuntimeError(f"{exc}") from exc
