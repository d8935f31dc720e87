"""Any OpenAI-compatible server: OpenAI, vLLM, llama.cpp's own, LM Studio, OpenRouter, …

Calls go over plain HTTP rather than through llama-index's `OpenAILike`, which takes a stream that breaks off for a
whole reply, leaves a stopped call to the garbage collector, and whose retries multiply with those of its client (two
make six requests). `assistant.integrations.llama_index.llm.as_llm` makes one all the same, for llama-index programs.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from assistant.backends.counting import said_count
from assistant.backends.http import PROBE_S, Server, is_local
from assistant.backends.messages import SHOWN_MODELS, BackendError, Finish, Kind, Message, Piece, Request, Status
from assistant.backends.model import ModelBackend
from assistant.backends.streams import submit

if TYPE_CHECKING:

    from assistant.settings import Settings

OPENAI = "https://api.openai.com/v1"
FINISHES: dict[str, Finish] = {"stop": "stop", "eos": "stop", "length": "length", "content_filter": "filtered"}
NOT_TAKEN = ("unsupported", "not support", "unrecognized", "unknown", "extra", "not permitted", "unexpected", "invalid",
             "not allowed", "must be")
OPTIONAL = ("stream_options", "response_format", "temperature", "max_tokens", "system")


class OpenAIBackend(ModelBackend):
    """A model behind ``/chat/completions``.

    Servers differ in what they take. A parameter that one refuses is left out, or put another way, from then on.
    """

    name = "openai"

    def __init__(self, settings: Settings) -> None:
        if missing := _missing(settings):
            raise BackendError(Kind.NOT_SET_UP, f"the backend openai is not set up: {missing}")
        super().__init__(settings)
        self._model = _model(settings) or ""
        self.key = settings.api_key
        self.server = _server(settings)
        self._refused: set[str] = set()

    @property
    def model(self) -> str:
        return self._model

    @property
    def address(self) -> str:
        return self.server.place

    @property
    def structured(self) -> bool:
        return "response_format" not in self._refused

    async def attempt(self, request: Request) -> AsyncGenerator[Piece]:
        while True:
            body = self._body(request)
            try:
                async with aclosing(self._pieces(body)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except BackendError as error:
                # Also without the question: only a request refused as a whole comes here, so nothing has been shown.
                if error.kind is not Kind.BAD_REQUEST or not self._do_without(body, str(error).lower()):
                    raise

    def close(self) -> None:
        submit(self.server.close()).result()

    def _body(self, request: Request) -> dict[str, Any]:
        limit = "max_completion_tokens" if "max_tokens" in self._refused else "max_tokens"
        messages = without_system(request.messages) if "system" in self._refused else request.messages
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            limit: request.max_tokens,
            "temperature": request.temperature,
        }
        if request.schema is not None:
            schema = {"name": "reply", "strict": True, "schema": dict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return {name: value for name, value in body.items() if name not in self._refused}

    def _do_without(self, body: dict[str, Any], refusal: str) -> bool:
        """Whether a refusal names something that can be left out or put another way, and was not yet."""
        if not any(word in refusal for word in NOT_TAKEN):
            return False
        has_system = any(message["role"] == "system" for message in body["messages"])
        for name in OPTIONAL:
            if name in refusal and name not in self._refused and (has_system if name == "system" else name in body):
                self._refused.add(name)
                return True
        return False

    async def _pieces(self, body: dict[str, Any]) -> AsyncGenerator[Piece]:
        finished = False
        async with aclosing(self.server.lines("/chat/completions", body)) as lines:
            async for line in lines:
                if line.startswith((b":", b"event:", b"id:", b"retry:")):
                    continue
                data = line.removeprefix(b"data:").strip()
                if data == b"[DONE]":
                    break
                piece = self._read(data)
                # Servers that do not know stream_options say how it ended and stop there.
                finished = finished or piece.finish is not None
                yield piece
        if not finished:
            raise self.server.error(Kind.CUT_STREAM, "ended its reply without saying that it was whole", again=True)

    def _read(self, data: bytes) -> Piece:
        """One event of a stream; or a whole reply, from a server that does not stream."""
        try:
            event = json.loads(data)
            if error := event.get("error"):
                said = error.get("message", "") if isinstance(error, dict) else error
                raise self.server.error(Kind.SERVER_ERROR, "breaks off with an error", said=str(said), again=True)
            choice = (event.get("choices") or [{}])[0]
            delta = choice.get("delta") or choice.get("message") or {}
            text = _text(delta.get("content"))
            reason, usage = choice.get("finish_reason"), event.get("usage") or {}
            return Piece(
                text, FINISHES.get(reason, "other") if reason else None, said_count(usage.get("prompt_tokens")),
                said_count(usage.get("completion_tokens")),
                thought=bool(delta.get("reasoning_content") or delta.get("reasoning")),
            )
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as exc:
            raise self.server.error(Kind.BAD_REPLY, "sends what is not a chat completion") from exc

    @classmethod
    def status(cls, settings: Settings) -> Status:
        server, model = _server(settings), _model(settings)
        missing = _missing(settings)
        if missing and not is_local(server.url):
            return Status(cls.name, False, missing)
        if settings.model_backend != cls.name and not is_local(server.url):
            return Status(cls.name, True, f"{model} at {server.place}; not asked, as it is not in use")
        quick = settings.model_copy(update={"connect_timeout": PROBE_S, "read_timeout": PROBE_S})
        try:
            models = _ids(submit(_ask_once(_server(quick), "/models")).result())
        except BackendError as error:
            if error.kind is Kind.MODEL_MISSING and model:  # it is there and has no such list, which is no fault
                return Status(cls.name, True, f"{model} at {server.place}; it does not list its models")
            return Status(cls.name, False, str(error))
        if model is None:
            some = ", ".join(models[:SHOWN_MODELS])
            return Status(cls.name, False, f"set ASSISTANT_MODEL to one of: {some}", models)
        if models and model not in models:
            return Status(
                cls.name, False, f"the server at {server.place} has no model {model}; set ASSISTANT_MODEL to "
                f"one of: {', '.join(models[:SHOWN_MODELS])}", models,
            )
        return Status(cls.name, True, f"{model} at {server.place}", models)


def _server(settings: Settings) -> Server:
    return Server((_address(settings) or OPENAI).rstrip("/"), settings=settings, key=settings.api_key)


def _address(settings: Settings) -> str | None:
    return settings.base_url if settings.server_backend == OpenAIBackend.name else None


def _model(settings: Settings) -> str | None:
    return settings.model if settings.server_backend == OpenAIBackend.name else None


def _missing(settings: Settings) -> str:
    if _address(settings) is None and settings.api_key is None:
        return "set ASSISTANT_API_KEY, or ASSISTANT_BASE_URL to a server that needs no key (see .env.example)"
    if _model(settings) is None:
        return "set ASSISTANT_MODEL to a model of the server (see .env.example)"
    return ""


async def _ask_once(server: Server, path: str) -> Any:
    try:
        return await server.ask(path)
    finally:
        await server.close()


def _ids(found: Any) -> tuple[str, ...]:
    """The models of a ``/models`` list, sorted."""
    entries = found.get("data") if isinstance(found, dict) else None
    return tuple(sorted(str(entry["id"]) for entry in entries or () if isinstance(entry, dict) and "id" in entry))


def _text(content: Any) -> str:
    """Content is a text or, with some models, a list of parts, of which the thoughts are left out."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part.get("type") == "text")
    if content is not None and not isinstance(content, str):
        raise TypeError("content is neither text nor parts")
    return content or ""


def without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The same with system messages put into the user's first, for models that know none."""
    rules = [message.content for message in messages if message.role == "system"]
    others = [message for message in messages if message.role != "system"]
    if not rules:
        return messages
    if others and others[0].role == "user":
        rules.append(others.pop(0).content)
    return Message("user", "\n\n".join(rules)), *others
