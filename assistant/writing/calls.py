"""The calls to a language model that one answer takes: counted, capped, and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any

from assistant.backends.base import Backend
from assistant.backends.counting import count_prompt, count_tokens
from assistant.backends.messages import BackendError, Kind, Message, Reply
from assistant.backends.streams import submit

if TYPE_CHECKING:
    from assistant.backends.caps import SessionCap
    from assistant.backends.circuit import ModelServers


class Calls:
    """What is asked of one backend for one answer. `stop` may come from any thread."""

    def __init__(self, backend: Backend, cap: SessionCap | None, servers: ModelServers) -> None:
        self.backend = backend
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cost: float | None = None
        self.waited_s = 0.0        # for the model, of the time the answer took
        self.stopped = False
        self.cut = False           # whether a reply has reached its limit, and stops in the middle
        self._cap = cap
        self._servers = servers
        self._stops: set[Any] = set()   # what is under way, each with a way to end it
        self._lock = threading.Lock()

    def stream(self, messages: Sequence[Message], *, max_tokens: int | None = None) -> Generator[str]:
        """The pieces of a reply; ends early, without an error, once `stop` was called or the iterator is closed.

        Raises:
            BackendError: there is no reply, or no more of it.
        """
        stream = self.backend.stream(messages, max_tokens=max_tokens, cap=self._cap)
        written = []
        with self._servers.waiting(self.backend.address), stream, self._under_way(stream.close):
            whole = False
            try:
                while True:
                    began = time.perf_counter()
                    try:
                        piece = next(stream)
                    except StopIteration:
                        break
                    finally:
                        self.waited_s += time.perf_counter() - began
                    written.append(piece)
                    yield piece
                whole = not self.stopped
            finally:
                if whole:
                    self._count(stream.reply)
                elif written:
                    text = "".join(written)
                    self._add(count_prompt(messages, self.backend.model), count_tokens(text, self.backend.model), None)

    def complete(self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None) -> Reply:
        """One whole reply.

        Raises:
            BackendError: there is none; also when `stop` was called.
        """
        found = self.gather([messages], schema=schema, at_once=1)[0]
        if isinstance(found, BackendError):
            raise found
        return found

    def gather(
        self, asked: Sequence[Sequence[Message]], *, schema: Mapping[str, Any] | None = None, at_once: int,
    ) -> list[Reply | BackendError]:
        """A reply, or why there is none, to each of several; ``at_once`` of them side by side."""
        try:
            with self._servers.waiting(self.backend.address):
                return self._gathered(asked, schema=schema, at_once=at_once)
        except BackendError as busy:
            return [busy] * len(asked)

    def _gathered(
        self, asked: Sequence[Sequence[Message]], *, schema: Mapping[str, Any] | None, at_once: int,
    ) -> list[Reply | BackendError]:
        async def one(room: asyncio.Semaphore, messages: Sequence[Message]) -> Reply | BackendError:
            async with room:
                try:
                    return await self.backend.acomplete(messages, schema=schema, cap=self._cap)
                except BackendError as error:
                    return error

        async def every() -> list[Reply | BackendError]:
            room = asyncio.Semaphore(at_once)
            return list(await asyncio.gather(*(one(room, messages) for messages in asked)))

        began = time.perf_counter()
        call: Future[list[Reply | BackendError]] = submit(every())
        with self._under_way(call.cancel):
            try:
                replies = call.result()
            except CancelledError:
                stopped = BackendError(Kind.CUT_STREAM, "the call was stopped")
                return [stopped] * len(asked)
            finally:
                self.waited_s += time.perf_counter() - began
        for reply in replies:
            if isinstance(reply, Reply):
                self._count(reply)
        return replies

    def stop(self) -> None:
        """End what is under way, and whatever would begin."""
        with self._lock:
            self.stopped = True
            stops = list(self._stops)
        for stop in stops:
            stop()

    @property
    def tokens(self) -> dict[str, int]:
        """Read and written so far; of a reply that was broken off, an estimate."""
        return {"prompt": self.prompt_tokens, "completion": self.completion_tokens}

    @contextlib.contextmanager
    def _under_way(self, stop: Any) -> Iterator[None]:
        with self._lock:
            self._stops.add(stop)
            stopped = self.stopped
        if stopped:
            stop()
        try:
            yield
        finally:
            with self._lock:
                self._stops.discard(stop)

    def _count(self, reply: Reply) -> None:
        self.cut = self.cut or reply.finish == "length"
        self._add(reply.prompt_tokens, reply.completion_tokens, reply.cost)

    def _add(self, prompt: int, completion: int, cost: float | None) -> None:
        self.prompt_tokens += prompt
        self.completion_tokens += completion
        if cost is not None:
            self.cost = (self.cost or 0.0) + cost
