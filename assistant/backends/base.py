"""What a language model is here: messages in, a reply out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from assistant.backends.caps import SessionCap
    from assistant.backends.messages import Message, Reply
    from assistant.backends.streams import AsyncReplyStream, ReplyStream


class Backend(Protocol):
    """A language model that continues a conversation. Safe to use from many threads and event loops at once.

    The four ways to ask take the same arguments:
        messages: the conversation, its last message the user's.
        max_tokens: longest reply; default: the setting.
        schema: a JSON schema the reply should follow: every property required, ``additionalProperties`` false.
            Followed for certain only while `structured` is true, so read the reply with tolerance.
        cap: what the session may still use; the call is refused before it is made if it could go over.
    and raise `BackendError`. A failure is tried again, with growing waits, as long as no piece has been handed out.
    """

    name: ClassVar[str]
    context_window: int   # tokens, prompt and reply together
    max_tokens: int       # longest reply, unless a call says otherwise

    @property
    def model(self) -> str:
        """What the model is called; "" where the server is yet to be asked."""
        ...

    @property
    def address(self) -> str:
        """Which server it calls, by host and port; its name where it calls none."""
        ...

    @property
    def structured(self) -> bool:
        """Whether ``schema`` is enforced; turns false when a server is found not to know it."""
        ...

    def complete(
        self, messages: Sequence[Message], *,
        max_tokens: int | None = None, schema: Mapping[str, Any] | None = None, cap: SessionCap | None = None,
    ) -> Reply: ...

    def stream(
        self, messages: Sequence[Message], *,
        max_tokens: int | None = None, schema: Mapping[str, Any] | None = None, cap: SessionCap | None = None,
    ) -> ReplyStream: ...

    async def acomplete(
        self, messages: Sequence[Message], *,
        max_tokens: int | None = None, schema: Mapping[str, Any] | None = None, cap: SessionCap | None = None,
    ) -> Reply: ...

    def astream(
        self, messages: Sequence[Message], *,
        max_tokens: int | None = None, schema: Mapping[str, Any] | None = None, cap: SessionCap | None = None,
    ) -> AsyncReplyStream: ...

    def close(self) -> None:
        """Let go of connections or memory; calls under way end as cut."""
        ...
