"""A GGUF file in this process, through llama-cpp-python (the extra ``llamacpp``)."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from assistant.backends.messages import BackendError, Finish, Kind, Piece, Request, Status
from assistant.backends.model import ModelBackend
from assistant.backends.openai import without_system

if TYPE_CHECKING:
    from assistant.settings import Settings

FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length"}
INSTALL = "pip install 'abstracts-assistant[llamacpp]' (compiles for some minutes; needs a C++ compiler)"


class LlamaCppBackend(ModelBackend):
    """A model read from a file at the first call and kept. One reply is written at a time; others wait their turn.

    A stopped call ends at its next token; while the prompt is still being read, once that is done.
    """

    name = "llamacpp"

    def __init__(self, settings: Settings) -> None:
        if missing := _missing(settings):
            raise BackendError(Kind.NOT_SET_UP, f"the backend llamacpp is not set up: {missing}")
        super().__init__(settings)
        assert settings.gguf is not None
        self._path = settings.gguf
        self._threads = settings.threads or os.cpu_count()
        self._worker = ThreadPoolExecutor(1, "assistant-llamacpp")  # llama.cpp's context is not thread-safe
        self._loaded: Any = None

    @property
    def model(self) -> str:
        return self._path.stem

    @property
    def structured(self) -> bool:
        return True

    async def attempt(self, request: Request) -> AsyncGenerator[Piece]:
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()
        stop = threading.Event()

        def give(item: Piece | BaseException | None) -> None:
            if not stop.is_set():
                loop.call_soon_threadsafe(arrived.put_nowait, item)

        def work() -> None:
            try:
                if not stop.is_set():
                    for piece in self._write(request, stop):
                        give(piece)
                give(None)
            except BaseException as exc:
                give(exc)

        self._worker.submit(work)
        try:
            while (item := await arrived.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()

    def close(self) -> None:
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._loaded = None

    def _write(self, request: Request, stop: threading.Event) -> Iterator[Piece]:
        llama = self._llama()
        try:
            chunks = self._chunks(llama, request)
            prompt_tokens = None
            for chunk in chunks:
                if prompt_tokens is None:  # the context now holds the prompt, and not yet the token just chosen
                    prompt_tokens = llama.n_tokens
                choice = chunk["choices"][0]
                if text := choice["delta"].get("content"):
                    yield Piece(text)
                if choice["finish_reason"] is not None:
                    finish = FINISHES.get(choice["finish_reason"], "other")
                    last = 1 if finish == "length" else 0  # chosen, but never put into the context
                    yield Piece("", finish, prompt_tokens, llama.n_tokens - prompt_tokens + last)
                if stop.is_set():
                    chunks.close()
                    return
        except ValueError as exc:  # a prompt longer than the window
            raise BackendError(
                Kind.BAD_REQUEST, f"{self.model} does not take the prompt ({exc}); raise ASSISTANT_CONTEXT_WINDOW"
            ) from exc
        except RuntimeError as exc:
            raise BackendError(
                Kind.SERVER_ERROR, f"{self.model} stopped ({exc}); see that it fits in memory, or lower "
                "ASSISTANT_CONTEXT_WINDOW"
            ) from exc

    def _chunks(self, llama: Any, request: Request) -> Any:
        response_format = None
        if request.schema is not None:
            response_format = {"type": "json_object", "schema": dict(request.schema)}
        messages = request.messages
        while True:
            try:
                return llama.create_chat_completion(
                    [{"role": message.role, "content": message.content} for message in messages], stream=True,
                    max_tokens=request.max_tokens, temperature=request.temperature, response_format=response_format,
                )
            except ValueError as exc:  # raised by the model's own chat template
                if "system" not in str(exc).lower() or messages == without_system(messages):
                    raise
                messages = without_system(messages)

    def _llama(self) -> Any:
        if self._loaded is None:
            llama_cpp = importlib.import_module("llama_cpp")
            try:
                self._loaded = llama_cpp.Llama(
                    str(self._path), n_ctx=self.context_window, n_threads=self._threads, verbose=False
                )
            except (ValueError, RuntimeError, OSError) as exc:
                raise BackendError(
                    Kind.NOT_SET_UP, f"{self._path.name} cannot be loaded: it is damaged, of a kind this llama.cpp "
                    "does not know, or too large for the memory; set ASSISTANT_GGUF to another file"
                ) from exc
        return self._loaded

    @classmethod
    def status(cls, settings: Settings) -> Status:
        missing = _missing(settings)
        return Status(cls.name, not missing, missing or f"{settings.gguf.name if settings.gguf else ''}")


def _missing(settings: Settings) -> str:
    if importlib.util.find_spec("llama_cpp") is None:
        return f"llama-cpp-python is not installed; run: {INSTALL}"
    if settings.gguf is None:
        return "set ASSISTANT_GGUF to a GGUF file of an instruction-tuned model"
    try:
        with settings.gguf.open("rb") as file:
            magic = file.read(4)
    except OSError as exc:
        return f"ASSISTANT_GGUF: {settings.gguf.name} cannot be read ({exc.strerror}); set it to a GGUF file"
    if magic != b"GGUF":
        return f"ASSISTANT_GGUF: {settings.gguf.name} is not a GGUF file; it should begin with the letters GGUF"
    return ""
