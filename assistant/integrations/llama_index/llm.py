"""Our backends as llama-index models. The only file here that knows llama-index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.llms.llm import LLM
from llama_index.llms.openai_like import OpenAILike  # type: ignore[import-untyped]
from openai import DefaultAsyncHttpxClient, DefaultHttpxClient
from pydantic import SecretStr

from assistant.backends.base import Backend
from assistant.backends.http import PACKED, UNPACKED, is_packed
from assistant.backends.messages import Kind, Message, Role

if TYPE_CHECKING:
    import httpx

    from assistant.backends.openai import OpenAIBackend

NO_KEY = "none"   # the client insists on one, and would else send OPENAI_API_KEY to a server it is not meant for


class OpenAILikeWithoutKey(OpenAILike):  # type: ignore[misc]
    """An `OpenAILike` that keeps its key out of its repr, its dict and the events llama-index records."""

    api_key: str | None = Field(default=None, repr=False, exclude=True)


def as_llm(backend: Backend) -> LLM:
    """Return a backend's model for llama-index programs, with the same retries, time-outs and errors."""
    from assistant.backends.openai import OpenAIBackend

    if isinstance(backend, OpenAIBackend):
        return _openai_like(backend, key=backend.key)
    return BackendLLM.over(backend)


def _openai_like(backend: OpenAIBackend, *, key: SecretStr | None) -> LLM:
    """An `OpenAILike` without a key that shows, with the backend's window, retries and total time-out.

    What comes packed is refused.
    """
    def refuse_packed(response: httpx.Response) -> None:
        if is_packed(response.headers):
            raise backend.server.error(Kind.BAD_REPLY, PACKED)

    async def refuse_packed_awaited(response: httpx.Response) -> None:
        refuse_packed(response)

    beyond = backend.server.takes_proxies()  # as its own calls do
    llm: LLM = OpenAILikeWithoutKey(
        model=backend.model, api_base=backend.server.url, api_key=key.get_secret_value() if key else NO_KEY,
        context_window=backend.context_window, max_tokens=backend.max_tokens, temperature=backend.temperature,
        is_chat_model=True, max_retries=backend.retries, timeout=backend.total_s, default_headers=UNPACKED,
        http_client=DefaultHttpxClient(trust_env=beyond, event_hooks={"response": [refuse_packed]}),
        async_http_client=DefaultAsyncHttpxClient(
            trust_env=beyond, event_hooks={"response": [refuse_packed_awaited]}
        ),
    )
    return llm


class BackendLLM(CustomLLM):
    """Any backend as a llama-index `LLM`: the same calls, retries, time-outs and errors."""

    _backend: Backend = PrivateAttr()

    @classmethod
    def over(cls, backend: Backend) -> BackendLLM:
        """The model of this backend."""
        llm = cls()
        llm._backend = backend
        return llm

    @classmethod
    def class_name(cls) -> str:
        return "BackendLLM"

    @property
    def metadata(self) -> LLMMetadata:
        backend = self._backend
        return LLMMetadata(
            context_window=backend.context_window, num_output=backend.max_tokens, is_chat_model=True,
            model_name=backend.model or backend.name,
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return _whole(self._backend.complete(_ours(messages)).text)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        def pieces() -> ChatResponseGen:
            with self._backend.stream(_ours(messages)) as stream:
                text = ""
                for piece in stream:
                    text += piece
                    yield _whole(text, delta=piece)

        return pieces()

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return _whole((await self._backend.acomplete(_ours(messages))).text)

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        async def pieces() -> ChatResponseAsyncGen:
            async with self._backend.astream(_ours(messages)) as stream:
                text = ""
                async for piece in stream:
                    text += piece
                    yield _whole(text, delta=piece)

        return pieces()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self._backend.complete([Message("user", prompt)]).text)

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=(await self._backend.acomplete([Message("user", prompt)])).text)

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        def pieces() -> CompletionResponseGen:
            with self._backend.stream([Message("user", prompt)]) as stream:
                text = ""
                for piece in stream:
                    text += piece
                    yield CompletionResponse(text=text, delta=piece)

        return pieces()


def _ours(messages: Sequence[ChatMessage]) -> list[Message]:
    roles: dict[MessageRole, Role] = {
        MessageRole.SYSTEM: "system", MessageRole.DEVELOPER: "system", MessageRole.ASSISTANT: "assistant",
        MessageRole.CHATBOT: "assistant", MessageRole.MODEL: "assistant",
    }
    return [Message(roles.get(message.role, "user"), message.content or "") for message in messages]


def _whole(text: str, *, delta: str | None = None) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), delta=delta)
