"""An answer that is being written: pieces of its text as they may be shown, then the whole."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from assistant.closing import AsyncClosing, ClosedWhenDropped
from assistant.records import Answer

if TYPE_CHECKING:
    from assistant.writing.calls import Calls

Pieces = Iterator[str | Answer]  # the last is the answer, whose text is the others joined


class Brake:
    """Stops the calls of one answer, those that begin later too. For any thread."""

    def __init__(self) -> None:
        self.pulled = False
        self._calls: Calls | None = None

    def stops(self, calls: Calls) -> None:
        """Have `pull` stop these."""
        self._calls = calls
        if self.pulled:
            calls.stop()

    def pull(self) -> None:
        """Stop them."""
        self.pulled = True
        if self._calls is not None:
            self._calls.stop()


class AnswerStream(ClosedWhenDropped):
    """Yields pieces of the text, each checked before, and last the `Answer`; the pieces joined are its text.

    Closing it, from any thread, leaving its ``with`` block or dropping it stops the calls to the model; then no answer
    comes.
    """

    def __init__(self, run: Callable[[Brake], Pieces]) -> None:
        self._brake = Brake()
        self._pieces = run(self._brake)
        self._answer: Answer | None = None
        self._running = threading.Lock()

    @property
    def answer(self) -> Answer:
        """The whole answer; RuntimeError before it is there."""
        if self._answer is None:
            raise RuntimeError("the answer is whole only after its last piece has been read")
        return self._answer

    def __iter__(self) -> AnswerStream:
        return self

    def __next__(self) -> str | Answer:
        with self._running:
            if self._brake.pulled:
                raise StopIteration
            piece = next(self._pieces)
        if isinstance(piece, Answer):
            self._answer = piece
        return piece

    def close(self) -> None:
        """Stop."""
        self._brake.pull()
        if self._running.acquire(blocking=False):  # else another thread is in it, and finds it closed
            try:
                self._pieces.close()  # type: ignore[attr-defined]
            finally:
                self._running.release()


class AsyncAnswerStream(AsyncClosing):
    """The same, awaited: `AnswerStream` read in a thread of its own."""

    def __init__(self, opens: Callable[[], AnswerStream]) -> None:
        self._opens = opens
        self._stream: AnswerStream | None = None
        self._arrived: asyncio.Queue[str | Answer | BaseException | None] = asyncio.Queue()
        self._closed = False

    @property
    def answer(self) -> Answer:
        """The whole answer; RuntimeError before it is there."""
        if self._stream is None:
            raise RuntimeError("the answer is whole only after its last piece has been read")
        return self._stream.answer

    def __aiter__(self) -> AsyncAnswerStream:
        return self

    async def __anext__(self) -> str | Answer:
        if self._stream is None and not self._closed:
            self._stream = self._opens()
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._pump, args=(self._stream, loop), name="assistant-answer", daemon=True).start()
        piece = None if self._closed else await self._arrived.get()
        if isinstance(piece, BaseException):
            raise piece
        if piece is None:
            self._arrived.put_nowait(None)  # whoever asks again is told again
            raise StopAsyncIteration
        return piece

    def _pump(self, stream: AnswerStream, loop: asyncio.AbstractEventLoop) -> None:
        last: BaseException | None = None
        try:
            for piece in stream:
                loop.call_soon_threadsafe(self._arrived.put_nowait, piece)
        except BaseException as exc:
            last = exc
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._arrived.put_nowait, last)

    async def aclose(self) -> None:
        """Stop."""
        self._closed = True
        if self._stream is not None:
            await asyncio.to_thread(self._stream.close)
