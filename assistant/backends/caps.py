"""What a session may use, and what a call costs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.backends.messages import BackendError, Kind

if TYPE_CHECKING:
    from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Prices:
    """Per million tokens, in any currency; None where the price is not known."""

    prompt: float | None
    completion: float | None

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Of one call; None if a price is not known."""
        if self.prompt is None or self.completion is None:
            return None
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


class SessionCap:
    """Counts what the calls of one session use, and refuses a call that could go over. Thread-safe.

    A call is counted at its worst before it is made, its longest reply included, and at what it took afterwards: so
    calls that run side by side cannot go over together.

    Args:
        max_tokens: prompt and reply tokens of all calls; None: no cap.
        max_cost: in the currency of the prices; None: no cap.
    """

    def __init__(self, *, max_tokens: int | None = None, max_cost: float | None = None) -> None:
        self.max_tokens = max_tokens
        self.max_cost = max_cost
        self.tokens = 0       # used, and held by calls under way
        self.cost = 0.0
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> SessionCap:
        """A fresh one, as the settings say."""
        return cls(max_tokens=settings.session_max_tokens, max_cost=settings.session_max_cost)

    def hold(self, tokens: int, cost: float | None) -> None:
        """Set aside what a call takes at most.

        Raises:
            BackendError: CAP_REACHED if that would be over; NOT_SET_UP if a cost is capped and none is known.
        """
        if self.max_cost is not None and cost is None:
            raise BackendError(
                Kind.NOT_SET_UP,
                "ASSISTANT_SESSION_MAX_COST is set, but what a call costs is not known; set ASSISTANT_PRICE_PROMPT and "
                "ASSISTANT_PRICE_COMPLETION (0 for a model of your own)",
            )
        with self._lock:
            if self.max_tokens is not None and self.tokens + tokens > self.max_tokens:
                raise _over("tokens", f"{self.tokens:,}", f"{self.max_tokens:,}", f"{tokens:,}",
                            "ASSISTANT_SESSION_MAX_TOKENS")
            if self.max_cost is not None and self.cost + (cost or 0.0) > self.max_cost:
                raise _over("in cost", f"{self.cost:.4f}", f"{self.max_cost:.4f}", f"{cost:.4f}",
                            "ASSISTANT_SESSION_MAX_COST")
            self.tokens += tokens
            self.cost += cost or 0.0

    def settle(self, held: tuple[int, float | None], used: tuple[int, float | None]) -> None:
        """Put what a call used, (tokens, cost), in place of what was held for it."""
        with self._lock:
            self.tokens += used[0] - held[0]
            self.cost += (used[1] or 0.0) - (held[1] or 0.0)


def _over(unit: str, used: str, cap: str, needed: str, setting: str) -> BackendError:
    return BackendError(
        Kind.CAP_REACHED,
        f"this session has used {used} of {cap} {unit}, and the next call may take {needed}; start a new session, or "
        f"raise {setting}",
    )
