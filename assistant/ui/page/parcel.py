"""What the server tells the page's script: words to show, a file to save."""

from __future__ import annotations

import secrets
from typing import Any


def say(words: str) -> dict[str, Any]:
    """Words to show for a moment."""
    return _parcel(say=words)


def save(name: str, text: str) -> dict[str, Any]:
    """A file for the user to keep."""
    return _parcel(file={"name": name, "text": text})


def _parcel(**inside: Any) -> dict[str, Any]:
    # Gradio passes on no value that equals the one before: the same file could be had once only.
    return {**inside, "number": secrets.token_hex(4)}
