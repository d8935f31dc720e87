"""Reasoning models write down their thoughts first, between tags that are no part of the answer."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


class WithoutThoughts:
    """Takes a reply piece by piece and gives it back without a leading ``<think>…</think>``."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"   # start: may open; thinking; answer

    def push(self, text: str) -> str:
        """What of the reply is known to be answer once ``text`` has arrived."""
        if self._state == "answer":
            return text
        self._held += text
        if self._state == "start":
            begun = self._held.lstrip()
            if begun.startswith(OPEN):
                self._state = "thinking"
            elif OPEN.startswith(begun):
                return ""
            else:
                return self._release(self._held)
        thought, closed, rest = self._held.partition(CLOSE)
        if not closed:
            self._held = thought[-len(CLOSE):]  # the tag may be split
            return ""
        if not rest.strip():
            self._held = CLOSE  # blanks before the answer are not part of it either
            return ""
        return self._release(rest.lstrip())

    def end(self) -> str:
        """The rest, when no more comes: what looked like the beginning of a tag and was not."""
        return self._release(self._held) if self._state == "start" else ""

    def _release(self, text: str) -> str:
        self._state, self._held = "answer", ""
        return text
