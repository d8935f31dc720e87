"""Tokens, counted offline: tiktoken with the tables that llama-index-core carries."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

    from assistant.backends.messages import Message

BUNDLED = ("o200k_base", "cl100k_base")
PER_MESSAGE = 3   # what a chat format puts around a message, and before a reply:
PER_REPLY = 3     # OpenAI cookbook, "How to count tokens with tiktoken"
_loading = threading.Lock()


def count_tokens(text: str, model: str = "") -> int:
    """Tokens of a text for a model; exact for OpenAI's, an estimate (o200k_base) for any other."""
    return len(_encoding(_encoding_name(model)).encode_ordinary(text))


def said_count(value: object) -> int | None:
    """A number of tokens as a server says it; None where it says none, or nonsense."""
    return value if isinstance(value, int) and value >= 0 else None


def count_prompt(messages: Iterable[Message], model: str = "") -> int:
    """Tokens of a conversation, those of the chat format included."""
    return PER_REPLY + sum(PER_MESSAGE + count_tokens(message.content, model) for message in messages)


@cache
def _encoding_name(model: str) -> str:
    import tiktoken

    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return BUNDLED[0]
    return name if name in BUNDLED else BUNDLED[0]


@cache
def _encoding(name: str) -> Encoding:
    import tiktoken

    with _loading:
        before = os.environ.get("TIKTOKEN_CACHE_DIR")
        # Without this, or in a folder of the user's that lacks the table, tiktoken would download it.
        os.environ["TIKTOKEN_CACHE_DIR"] = str(_tables())
        try:
            return tiktoken.get_encoding(name)
        finally:
            if before is None:
                del os.environ["TIKTOKEN_CACHE_DIR"]
            else:
                os.environ["TIKTOKEN_CACHE_DIR"] = before


def _tables() -> Path:
    spec = importlib.util.find_spec("llama_index.core")  # finds it without the 1.5 s of importing it
    assert spec is not None and spec.origin is not None  # a requirement of this package
    return Path(spec.origin).parent / "_static" / "tiktoken_cache"
