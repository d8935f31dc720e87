"""Ollama, over its own API: the OpenAI-compatible one cannot set the context window, and cuts longer prompts."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from assistant.backends.counting import said_count
from assistant.backends.http import PROBE_S, Server
from assistant.backends.messages import SHOWN_MODELS, BackendError, Finish, Kind, Piece, Request, Status
from assistant.backends.model import ModelBackend
from assistant.backends.streams import submit

if TYPE_CHECKING:
    from assistant.settings import Settings

USUAL = "http://127.0.0.1:11434"
SUGGESTED = "llama3.2"
FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length"}


class OllamaBackend(ModelBackend):
    """A model that Ollama runs; without ASSISTANT_MODEL the one pulled last."""

    name = "ollama"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._model = _model(settings) or ""
        self.server = _server(settings)

    @property
    def model(self) -> str:
        return self._model

    @property
    def address(self) -> str:
        return self.server.place

    @property
    def structured(self) -> bool:
        return True

    async def attempt(self, request: Request) -> AsyncGenerator[Piece]:
        if not self._model:
            self._model = _chosen(await self.server.ask("/api/tags"), self.server)
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "stream": True,
            "options": {
                "num_ctx": self.context_window, "num_predict": request.max_tokens, "temperature": request.temperature,
            },
        }
        if request.schema is not None:
            body["format"] = dict(request.schema)
        finished = False
        async with aclosing(self.server.lines("/api/chat", body)) as lines:
            async for line in lines:
                piece = self._read(line)
                finished = finished or piece.finish is not None
                yield piece
        if not finished:
            raise self.server.error(Kind.CUT_STREAM, "ended its reply without saying that it was whole", again=True)

    def close(self) -> None:
        submit(self.server.close()).result()

    def _read(self, line: bytes) -> Piece:
        try:
            event = json.loads(line)
            if error := event.get("error"):
                raise self.server.error(Kind.SERVER_ERROR, "breaks off with an error", said=str(error), again=True)
            message = event.get("message") or {}
            text = message.get("content") or ""
            if not isinstance(text, str):
                raise TypeError("content is no text")
            if not event.get("done"):
                return Piece(text, thought=bool(message.get("thinking")))
            finish = FINISHES.get(event.get("done_reason", "stop"), "other")
            return Piece(
                text, finish, said_count(event.get("prompt_eval_count")), said_count(event.get("eval_count"))
            )
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            raise self.server.error(Kind.BAD_REPLY, "sends what is not a reply of Ollama's") from exc

    @classmethod
    def status(cls, settings: Settings) -> Status:
        quick = settings.model_copy(update={"connect_timeout": PROBE_S, "read_timeout": PROBE_S})
        server = _server(quick)
        try:
            found = submit(_ask_once(server)).result()
            models = _names(found)
            chosen = _chosen(found, server)
        except BackendError as error:
            return Status(cls.name, False, str(error))
        wanted = _model(settings)
        if wanted and wanted not in models and f"{wanted}:latest" not in models:
            return Status(
                cls.name, False, f"the server at {server.place} has {', '.join(models[:SHOWN_MODELS])}, but not "
                f"{wanted}; run: ollama pull {wanted}", models,
            )
        return Status(cls.name, True, f"{wanted or chosen} at {server.place}", models)


def _model(settings: Settings) -> str | None:
    return settings.model if settings.server_backend == OllamaBackend.name else None


def _server(settings: Settings) -> Server:
    # Where another backend is set, so are its address and model.
    url = (settings.base_url if settings.server_backend == OllamaBackend.name else None) or USUAL
    model = _model(settings) or SUGGESTED
    return Server(url.rstrip("/").removesuffix("/v1"), settings=settings, advice={
        Kind.UNREACHABLE: "start it with: ollama serve (or get it from https://ollama.com), or set ASSISTANT_BASE_URL",
        Kind.MODEL_MISSING: f"if it is Ollama, run: ollama pull {model}",
        Kind.BAD_REPLY: "see that ASSISTANT_BASE_URL is Ollama's address",
    })


async def _ask_once(server: Server) -> Any:
    try:
        return await server.ask("/api/tags")
    finally:
        await server.close()


def _names(found: Any) -> tuple[str, ...]:
    """The models of ``/api/tags`` that write, those pulled last first; embedding models are left out."""
    entries = found.get("models") if isinstance(found, dict) else None
    names = []
    for entry in entries or ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            details = entry.get("details")
            family = str(details.get("family", "")) if isinstance(details, dict) else ""
            if "bert" not in family and "embed" not in entry["name"]:
                names.append((str(entry.get("modified_at", "")), entry["name"]))
    return tuple(name for _, name in sorted(names, reverse=True))


def _chosen(found: Any, server: Server) -> str:
    names = _names(found)
    if not names:
        raise BackendError(
            Kind.MODEL_MISSING, f"the server at {server.place} has no model yet; run: ollama pull {SUGGESTED}"
        )
    return names[0]
