"""What is closed at the end of its ``with`` block."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Closed at the end of its ``with`` block."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class ClosedWhenDropped(Closing):
    """Closed, too, once nobody holds it: by the end of a loop that was left, say."""

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # at exit, half of Python is gone
            self.close()


class AsyncClosing(ABC):
    """Closed at the end of its ``async with`` block."""

    @abstractmethod
    async def aclose(self) -> None:
        """Let go of what is held."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()
