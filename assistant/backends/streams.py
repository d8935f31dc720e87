"""A reply being written, read from a coroutine or from a plain thread."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

from assistant.backends.messages import Reply
from assistant.closing import AsyncClosing, ClosedWhenDropped

STOP_S = 2.0   # a call that is told to stop has this long to hang up

_starting = threading.RLock()  # reentrant: a stream may be dropped while it is held

T = TypeVar("T")
Done = Callable[[Reply], None]


class AsyncReplyStream(AsyncClosing):
    """A reply that is being written, awaited: its pieces, and once they are all read, the whole in `reply`.

    Closing it, leaving its ``async with`` block or cancelling the task that reads it stops the call.

    Args:
        run: the pieces; calls what it is given with the whole reply before it ends.
    """

    def __init__(self, run: Callable[[Done], AsyncGenerator[str]]) -> None:
        self._reply: Reply | None = None
        self._pieces = run(self._done)

    def _done(self, reply: Reply) -> None:
        self._reply = reply

    @property
    def reply(self) -> Reply:
        """The whole reply; RuntimeError while it is not."""
        return _whole(self._reply)

    def __aiter__(self) -> AsyncReplyStream:
        return self

    async def __anext__(self) -> str:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Stop the call."""
        await self._pieces.aclose()


class ReplyStream(ClosedWhenDropped):
    """A reply that is being written: its pieces, and once they are all read, the whole in `reply`.

    Closing it, from any thread, leaving its ``with`` block or dropping it stops the call. It runs on `event_loop`.

    Args:
        opens: makes the stream to read; called on the event loop at the first piece asked for.
    """

    def __init__(self, opens: Callable[[], AsyncReplyStream]) -> None:
        self._opens = opens
        self._arrived: queue.SimpleQueue[str | Reply | BaseException | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._call: Future[None] | None = None
        self._closed = False
        self._reply: Reply | None = None

    @property
    def reply(self) -> Reply:
        """The whole reply; RuntimeError while it is not."""
        return _whole(self._reply)

    def __iter__(self) -> ReplyStream:
        return self

    def __next__(self) -> str:
        if self._call is None and not self._closed:
            self._call = submit(_pump(self._opens, self._arrived, self._stopped))
        item = None if self._closed else self._arrived.get()
        if self._closed:  # meanwhile, perhaps
            raise StopIteration
        if isinstance(item, str):
            return item
        self._arrived.put(None)  # whoever asks again is told again
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, Reply):
            self._reply = item
        raise StopIteration

    def close(self) -> None:
        """Stop the call; whoever waits for a piece gets none. Comes back once the connection is closed."""
        self._closed = True
        self._arrived.put(None)
        if self._call is not None and not self._stopped.is_set():
            self._call.cancel()
            if threading.current_thread() is not _thread():  # a stream may be dropped anywhere
                self._stopped.wait(STOP_S)


async def _pump(
    opens: Callable[[], AsyncReplyStream], arrived: queue.SimpleQueue[str | Reply | BaseException | None],
    stopped: threading.Event,
) -> None:
    try:
        async with opens() as stream:
            async for piece in stream:
                arrived.put(piece)
            arrived.put(stream.reply)
    except BaseException as exc:
        arrived.put(None if isinstance(exc, asyncio.CancelledError) else exc)
    finally:
        stopped.set()


def _whole(reply: Reply | None) -> Reply:
    if reply is None:
        raise RuntimeError("the reply is whole only after its last piece has been read")
    return reply


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the `event_loop`; from any other thread."""
    return asyncio.run_coroutine_threadsafe(work, event_loop())


def event_loop() -> asyncio.AbstractEventLoop:
    """The one loop on which calls from plain threads run, begun at the first."""
    return _background()[0]


def _thread() -> threading.Thread:
    return _background()[1]


def _background() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    with _starting:  # or two first calls at once would begin two
        return _begun()


@cache
def _begun() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="assistant-backends", daemon=True)
    thread.start()
    return loop, thread
