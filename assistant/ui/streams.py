"""The standard streams, made fit for any text."""

from __future__ import annotations

import io
import sys


def forgiving() -> None:
    r"""Let standard output and error take what their encoding lacks, as ``\uXXXX``, which JSON reads as well."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
