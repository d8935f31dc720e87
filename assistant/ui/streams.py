"""The standard streams, made fit for any text."""

from __future__ import annotations

import codecs
import io
import json
import sys


def forgiving() -> None:
    r"""Let standard output and error take what their encoding lacks, as ``\u`` and four hex digits.

    That is how JSON escapes it too, so that what is printed as JSON stays JSON in every encoding.
    """
    codecs.register_error("json", _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="json")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start:error.end])[1:-1], error.end
