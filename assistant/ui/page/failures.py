"""What becomes of an error on the page: ours are told, of others only that there was one."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

from assistant.errors import AssistantError

BROKEN = "Something went wrong inside the assistant; the terminal it runs in says what"

T = TypeVar("T")


def told(work: Callable[[], T], where: str) -> T | str:
    """What ``work`` gives, or why it could not, as text."""
    try:
        return work()
    except AssistantError as exc:
        return str(exc)
    except Exception as exc:
        log(exc, where)
        return BROKEN


def log(exc: Exception, where: str) -> None:
    """Say on stderr where an error happened, but not its words: they may be a question's, or a key."""
    print(f"assistant: {type(exc).__name__} {where}", file=sys.stderr)
    traceback.print_tb(exc.__traceback__)
