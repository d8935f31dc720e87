"""What every backend shares: retries, deadline, counting, cap, and the four ways to ask.

A backend writes one thing, `ModelBackend.attempt`: one try at a request, as an asynchronous generator of pieces.
Everything else follows from it, so that a call from a plain thread, a coroutine, whole or streamed behaves alike.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

from assistant.backends.caps import Prices, SessionCap
from assistant.backends.circuit import CircuitBreaker
from assistant.backends.counting import count_prompt, count_tokens
from assistant.backends.messages import BackendError, Finish, Kind, Message, Piece, Reply, Request, Status
from assistant.backends.streams import AsyncReplyStream, Done, ReplyStream
from assistant.backends.thinking import WithoutThoughts

if TYPE_CHECKING:

    from assistant.settings import Settings

FIRST_WAIT_S = 0.5      # before the first retry, doubled before each further one
LONGEST_WAIT_S = 30.0   # a server that asks for more is not waited for
TOKEN_CHARS = 12        # a reply longer than this per token it was allowed ignores the limit, and is cut there


class ModelBackend(ABC):
    """A `Backend` made from settings. Subclasses fill in `attempt`, `status`, `model` and `structured`."""

    name: ClassVar[str]

    def __init__(self, settings: Settings) -> None:
        self.context_window = settings.context_window
        self.max_tokens = settings.max_tokens
        self.temperature = settings.temperature
        self.total_s = settings.total_timeout
        self.retries = settings.retries
        self.prices = Prices(settings.price_prompt, settings.price_completion)
        self.breaker = CircuitBreaker()  # backends of one address may share theirs

    @property
    @abstractmethod
    def model(self) -> str:
        """What the model is called; "" where the server is yet to be asked."""

    @property
    def address(self) -> str:
        """Which server this calls, by host and port; the backend's name where it calls none."""
        return self.name

    @property
    @abstractmethod
    def structured(self) -> bool:
        """Whether a schema is enforced."""

    @abstractmethod
    def attempt(self, request: Request) -> AsyncGenerator[Piece]:
        """One try; the piece with ``finish`` says that the reply is whole.

        Raises:
            BackendError: ``again`` where trying again can help.
        """

    @classmethod
    @abstractmethod
    def status(cls, settings: Settings) -> Status:
        """Whether this backend could answer under these settings; asks its server, for two seconds at most."""

    def complete(
        self, messages: Sequence[Message], *,
        max_tokens: int | None = None, schema: Mapping[str, Any] | None = None, cap: SessionCap | None = None,
    ) -> Reply:
        """The whole reply. See `assistant.backends.base.Backend` for this and the other three."""
        with self.stream(messages, max_tokens=max_tokens, schema=schema, cap=cap) as stream:
            for _ in stream:
                pass
            return stream.reply

    def stream(
        self, messages: Sequence[Message], *,
        max_tokens: int | None = None, schema: Mapping[str, Any] | None = None, cap: SessionCap | None = None,
    ) -> ReplyStream:
        """The reply piece by piece."""
        return ReplyStream(lambda: self.astream(messages, max_tokens=max_tokens, schema=schema, cap=cap))

    async def acomplete(
        self, messages: Sequence[Message], *,
        max_tokens: int | None = None, schema: Mapping[str, Any] | None = None, cap: SessionCap | None = None,
    ) -> Reply:
        """The whole reply, awaited."""
        async with self.astream(messages, max_tokens=max_tokens, schema=schema, cap=cap) as stream:
            async for _ in stream:
                pass
            return stream.reply

    def astream(
        self, messages: Sequence[Message], *,
        max_tokens: int | None = None, schema: Mapping[str, Any] | None = None, cap: SessionCap | None = None,
    ) -> AsyncReplyStream:
        """The reply piece by piece, awaited."""
        request = Request(tuple(messages), max_tokens or self.max_tokens, self.temperature, schema)
        return AsyncReplyStream(lambda done: self._run(request, cap, done))

    def close(self) -> None:
        """Let go of what is held."""
        return None

    async def _run(self, request: Request, cap: SessionCap | None, done: Done) -> AsyncGenerator[str]:
        gathered = _Gathered(self, request)
        held = gathered.at_most() if cap is not None else (0, None)
        if cap is not None:
            cap.hold(*held)
        thoughts = WithoutThoughts()
        try:
            async with aclosing(self._tries(request)) as pieces:
                async for piece in pieces:
                    shown = thoughts.push(gathered.add(piece))
                    if shown:
                        gathered.shown.append(shown)
                        yield shown
                    if gathered.overlong:
                        break
            if rest := thoughts.end():
                gathered.shown.append(rest)
                yield rest
        finally:
            if cap is not None:
                cap.settle(held, gathered.used())
        done(gathered.reply())

    async def _tries(self, request: Request) -> AsyncGenerator[Piece]:
        deadline = asyncio.get_running_loop().time() + self.total_s
        tries = 0
        with self.breaker.call() as sign_of_life:
            while True:
                begun = False
                try:
                    async with aclosing(self._until(deadline, request)) as pieces:
                        async for piece in pieces:
                            begun = begun or bool(piece.text)
                            if piece.text or piece.thought:
                                sign_of_life()
                            yield piece
                    return
                except BackendError as error:
                    left_s = deadline - asyncio.get_running_loop().time()
                    wait_s = _wait(error, tries)
                    if begun or not error.again or tries >= self.retries or wait_s >= min(left_s, LONGEST_WAIT_S):
                        raise
                tries += 1
                await asyncio.sleep(wait_s)

    async def _until(self, deadline: float, request: Request) -> AsyncGenerator[Piece]:
        begun = False
        async with aclosing(self.attempt(request)) as pieces:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        piece = await anext(pieces, None)
                except TimeoutError:
                    raise BackendError(
                        Kind.TIMED_OUT,
                        f"{self.name} had not finished its reply after {self.total_s:g} s; ask for less, use a faster "
                        "model, or raise ASSISTANT_TOTAL_TIMEOUT", unresponsive=not begun,
                    ) from None
                if piece is None:
                    return
                begun = begun or bool(piece.text) or piece.thought
                yield piece


class _Gathered:
    """What has arrived of a reply so far."""

    def __init__(self, backend: ModelBackend, request: Request) -> None:
        self.backend = backend
        self.request = request
        self.shown: list[str] = []
        self._texts: list[str] = []
        self._chars = 0
        self._finish: Finish = "other"
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None

    def add(self, piece: Piece) -> str:
        text = piece.text[:TOKEN_CHARS * self.request.max_tokens + 1 - self._chars]  # the 1 shows that it is overlong
        self._texts.append(text)
        self._chars += len(text)
        self._finish = piece.finish or self._finish
        self._prompt_tokens = piece.prompt_tokens if piece.prompt_tokens is not None else self._prompt_tokens
        if piece.completion_tokens is not None:
            self._completion_tokens = piece.completion_tokens
        if self.overlong:
            self._finish = "length"
        return text

    @property
    def overlong(self) -> bool:
        return self._chars > TOKEN_CHARS * self.request.max_tokens

    def at_most(self) -> tuple[int, float | None]:
        prompt = count_prompt(self.request.messages, self.backend.model)
        return prompt + self.request.max_tokens, self.backend.prices.cost(prompt, self.request.max_tokens)

    def used(self) -> tuple[int, float | None]:
        """Tokens and cost so far; nothing if nothing has arrived, for then no model has worked."""
        if not self._texts:
            return 0, 0.0
        prompt, completion, _ = self._counts()
        return prompt + completion, self.backend.prices.cost(prompt, completion)

    def reply(self) -> Reply:
        text = "".join(self.shown)
        if not text.strip():
            more = "it used up all it may write, perhaps on thinking; raise ASSISTANT_MAX_TOKENS"
            raise BackendError(
                Kind.BAD_REPLY,
                f"{self.backend.name} gave an empty reply; "
                + (more if self._finish == "length" else "ask again, or set another ASSISTANT_MODEL"),
            )
        prompt, completion, estimated = self._counts()
        cost = self.backend.prices.cost(prompt, completion)
        return Reply(text, self._finish, prompt, completion, estimated, cost, self.backend.model)

    def _counts(self) -> tuple[int, int, bool]:
        model, prompt, completion = self.backend.model, self._prompt_tokens, self._completion_tokens
        estimated = prompt is None or completion is None
        if prompt is None:
            prompt = count_prompt(self.request.messages, model)
        if completion is None:
            completion = count_tokens("".join(self._texts), model)
        return prompt, completion, estimated


def _wait(error: BackendError, tries: int) -> float:
    """Seconds before the next try: what the server asks for, else twice as long each time, the half of it by chance."""
    if error.wait_s is not None:
        return error.wait_s
    return FIRST_WAIT_S * 2.0**tries * random.uniform(0.5, 1.0)
