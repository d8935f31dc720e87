"""The standard streams, made fit for any text."""

from __future__ import annotations

import io
import sys


def forgiving() -> None:
    """Let standard output and error take what their encoding lacks, as a backslash and its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
