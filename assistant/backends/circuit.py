"""Circuit breakers: a model server that does not answer is left alone for a while, and keeps nobody else waiting."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assistant.backends.messages import BackendError, Kind

LEAST_REST_S, MOST_REST_S = 5.0, 30.0  # a server that was waited for in vain is not asked for as long, within these

Clock = Callable[[], float]   # seconds, never going back


class CircuitBreaker:
    """Lets calls to one model server through, or refuses them. Thread-safe.

    Closed, every call goes through. A call without a sign of life opens it: calls are refused at once, for as long as
    that one waited (5 to 30 s). Then one call is let through as a trial while others are still refused. A sign of
    life closes it, whichever call under way gets it.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open_until: float | None = None   # when a trial may begin; None: closed
        self._trial: object | None = None       # the one that has begun

    @contextmanager
    def call(self) -> Iterator[Callable[[], None]]:
        """Call the server inside this block; gives what is to be called at each sign of life.

        Raises:
            BackendError: NOT_ANSWERING, if it is open. Any raised in the block goes on; one that says the server is
                ``unresponsive`` opens it.
        """
        trial = self._enter()
        began = self._clock()
        try:
            yield self._close
            self._close()
        except BackendError as error:
            if error.unresponsive:
                self._open(self._clock() - began)
            else:
                self._close()  # a refusal is a sign of life
            raise
        finally:
            with self._lock:
                if self._trial is trial:
                    self._trial = None

    def _enter(self) -> object:
        with self._lock:
            trial = object()
            if self._open_until is None:
                return trial
            left_s = self._open_until - self._clock()
            if left_s > 0 or self._trial is not None:
                again = f"it will be tried again in {math.ceil(left_s)} s" if left_s > 0 else "it is being tried again"
                raise BackendError(Kind.NOT_ANSWERING, f"the model did not answer when last asked; {again}")
            self._trial = trial
            return trial

    def _open(self, waited_s: float) -> None:
        with self._lock:
            self._open_until = self._clock() + min(max(waited_s, LEAST_REST_S), MOST_REST_S)

    def _close(self) -> None:
        with self._lock:
            self._open_until = None


class ModelServers:
    """What is known of the model servers that a program calls, for all backends that call them. Thread-safe."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._breakers: dict[str, CircuitBreaker] = {}  # by address
        self._waiting: Counter[str] = Counter()         # answers that wait for an address
        self._limits: tuple[int, int] | None = None

    def breaker(self, address: str) -> CircuitBreaker:
        """Return the circuit breaker of an address, the same each time."""
        with self._lock:
            return self._breakers.setdefault(address, CircuitBreaker(self._clock))

    def limit(self, *, each: int, together: int) -> None:
        """Let this many answers at most wait for one server at once, and this many for all."""
        self._limits = each, together

    @contextmanager
    def waiting(self, address: str) -> Iterator[None]:
        """Wait for a server inside this block.

        Raises:
            BackendError: BUSY, at once, where as many answers wait as may.
        """
        with self._lock:
            if self._limits is not None:
                each, together = self._limits
                if self._waiting[address] >= each or self._waiting.total() >= together:
                    raise BackendError(Kind.BUSY, "the model is busy with other questions; ask again in a moment")
            self._waiting[address] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[address] -= 1
                if not self._waiting[address]:
                    del self._waiting[address]
