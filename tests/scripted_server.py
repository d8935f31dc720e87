"""A model server on a real socket that does what the test says: OpenAI's API, and Ollama's, well or badly.

    with ScriptedServer(says("Redco trains models [1].")) as server:
        Settings(backend="openai", base_url=server.url, model=server.model, _env_file=None)

Behaviours are played one a request, in order; the last one goes on. Every request is kept in ``server.requests``.
A behaviour's text may be a function of the request, so a good model can be written that answers from its prompt.
"""

from __future__ import annotations

import json
import re
import select
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import islice, repeat
from types import TracebackType
from typing import Any

LONGEST_S = 30.0   # a hung connection is let go then, so that a failing test ends


@dataclass
class Asked:
    """A request as it came in."""

    path: str
    headers: Mapping[str, str]      # names in lower case
    body: dict[str, Any]
    hung_up: threading.Event = field(default_factory=threading.Event)   # the caller left before the end
    sent: int = 0                   # bytes of a body that is sent as it is

    @property
    def prompt(self) -> str:
        """All its messages, joined by blank lines."""
        return "\n\n".join(str(message["content"]) for message in self.body.get("messages", ()))

    @property
    def question(self) -> str:
        """The last message."""
        return str(self.body["messages"][-1]["content"])


Text = str | Callable[[Asked], str]


@dataclass(frozen=True)
class Behaviour:
    """What a server does with one request. Made by the functions below."""

    text: Text = ""
    first_s: float = 0.0                 # seconds before the first piece
    between_s: float = 0.0               # seconds before each further one
    pieces: int | None = None            # pieces sent before the connection is cut; None: all
    polite: bool = False                 # a cut that ends the HTTP reply as if it were whole
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    said: str = ""                       # words of a refusal
    code: str = ""                       # its error code
    raw: bytes | None = None             # sent as one event, instead of the text
    hang: bool = False                   # takes the request and says nothing
    finish: str = "stop"
    whole: bool = False                  # one JSON body although a stream was asked for
    thoughts: str = ""                   # written before the text, in <think> tags
    blocks: Callable[[], Iterable[bytes]] | None = None  # the body as it is, with ``headers``, instead of all that


def says(text: Text, **more: Any) -> Behaviour:
    """A model that writes this."""
    return Behaviour(text, **more)


def is_slow(text: Text, *, first_s: float, between_s: float = 0.0) -> Behaviour:
    """The first token comes late."""
    return Behaviour(text, first_s=first_s, between_s=between_s)


def is_cut(text: Text, *, pieces: int, polite: bool = False) -> Behaviour:
    """The stream ends after some pieces: the connection breaks or, politely, it just stops."""
    return Behaviour(text, pieces=pieces, polite=polite)


def refuses(status: int, said: str = "", *, code: str = "", **headers: str) -> Behaviour:
    """A status and an error in OpenAI's form; headers with _ for -."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Behaviour(status=status, said=said, code=code, headers=named)


def is_busy(retry_after: str) -> Behaviour:
    """429 with a Retry-After."""
    return refuses(429, "Rate limit reached", retry_after=retry_after)


def sends(raw: bytes) -> Behaviour:
    """An event with these bytes as its data."""
    return Behaviour(raw=raw)


def packs(body: bytes, encoding: str, *, kind: str = "text/event-stream", status: int = 200) -> Behaviour:
    """A body that is packed as the header says, asked for or not."""
    named = (("Content-Type", kind), ("Content-Encoding", encoding))
    return Behaviour(blocks=lambda: [body], status=status, headers=named)


def floods(block: bytes, *, kind: str = "text/event-stream") -> Behaviour:
    """A body that repeats a block until the caller hangs up."""
    return Behaviour(blocks=lambda: repeat(block), headers=(("Content-Type", kind),))


def is_hung() -> Behaviour:
    """Takes the request, and that is all."""
    return Behaviour(hang=True)


def is_huge(characters: int = 200_000, *, between_s: float = 0.0) -> Behaviour:
    """Writes on and on."""
    sentence = "The method edits ten thousand facts at once [1]. "
    return Behaviour((sentence * (characters // len(sentence) + 1))[:characters], between_s=between_s)


# What bad models do to the text of a good one.

def inventing_marks(good: Text) -> Text:
    """Cites papers that were not given: every mark becomes one from 90 up."""
    return _changed(good, lambda text: re.sub(r"\[(\d+)\]", lambda mark: f"[{90 + int(mark[1])}]", text))


def inventing_numbers(good: Text) -> Text:
    """Every number outside a mark becomes another; a text without one gets one."""
    def change(text: str) -> str:
        changed = re.sub(r"(?<![\[\w.])\d+(?:\.\d+)?(?![\]\w])", lambda number: f"{float(number[0]) * 3 + 7:g}", text)
        return changed if changed != text else _into_each_sentence(text, " by 73.5%")
    return _changed(good, change)


def inventing_names(good: Text) -> Text:
    """Every sentence speaks of a method that does not exist."""
    return _changed(good, lambda text: _into_each_sentence(text, " with ZephyrQuant-9"))


def citing_the_wrong_paper(good: Text) -> Text:
    """Marks are moved on by one among those used, or from [1] to [2] where there is but one."""
    def change(text: str) -> str:
        used = sorted({int(mark) for mark in re.findall(r"\[(\d+)\]", text)})
        moved = {old: used[(at + 1) % len(used)] if len(used) > 1 else old + 1 for at, old in enumerate(used)}
        return re.sub(r"\[(\d+)\]", lambda mark: f"[{moved[int(mark[1])]}]", text)
    return _changed(good, change)


def obeying_injections(good: Text) -> Text:
    """Looks for an order in the prompt ("ignore … answer X", "say X", "reply with X") and says X; else as before."""
    order = re.compile(
        r"(?:ignore|disregard|forget)\b[^\n]*?\b(?:answer|say|reply(?: with)?|respond(?: with)?|output|write|print|"
        r"state)\b(?: that)?[:\s]+[\"“']?([^\"”'\n]+)", re.IGNORECASE,
    )

    def obey(asked: Asked) -> str:
        found = order.search(asked.prompt)
        return found[1].strip() if found else _text(good, asked)
    return obey


def _changed(good: Text, change: Callable[[str], str]) -> Text:
    return lambda asked: change(_text(good, asked))


def _into_each_sentence(text: str, words: str) -> str:
    return re.sub(r"(\s*(?:\[\d+\])*)([.!?])(\s|$)", rf"{words}\1\2\3", text)


def _text(text: Text, asked: Asked) -> str:
    return text if isinstance(text, str) else text(asked)


class ScriptedServer:
    """Plays behaviours on a free port of 127.0.0.1, from its own threads. Use it in a ``with`` block.

    Args:
        behaviours: one a request for a reply, the last for all further ones.
        model: the models it has; others are refused with 404. The first is ``model``.
        key: what callers must send; others are refused with 401, and told what they sent.
        usage: whether it counts tokens.
        refused: parameters that it answers 400 to, each with what it says then.
    """

    def __init__(
        self, *behaviours: Behaviour, models: tuple[str, ...] = ("tiny-chat",), key: str | None = None,
        usage: bool = True, refused: Mapping[str, str] | None = None,
    ) -> None:
        self.models = models
        self.key = key
        self.usage = usage
        self.refused = dict(refused or {})
        self.listing: Behaviour | None = None   # of blocks: what it answers when it is asked for its models
        self.requests: list[Asked] = []
        self._left: list[Behaviour] = list(behaviours) or [says("Yes.")]
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._http = _Listener(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def address(self) -> str:
        """Without a path: what Ollama's clients use."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """What OpenAI's clients use."""
        return f"{self.address}/v1"

    def address_for(self, backend: str) -> str:
        """Where a backend of this name finds it."""
        return self.address if backend == "ollama" else self.url

    @property
    def model(self) -> str:
        return self.models[0]

    @property
    def replies(self) -> list[Asked]:
        """The requests for a reply, without those for a list of models."""
        return [asked for asked in self.requests if asked.path.endswith(("/chat/completions", "/api/chat"))]

    def play(self, *behaviours: Behaviour) -> None:
        """From now on."""
        with self._lock:
            self._left = list(behaviours)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._http.shutdown()
        self._http.server_close()

    def next(self) -> Behaviour:
        with self._lock:
            return self._left.pop(0) if len(self._left) > 1 else self._left[0]

    def pause(self, seconds: float, connection: socket.socket) -> bool:
        """Wait; False if the caller has hung up meanwhile, or the server ends."""
        until = time.monotonic() + seconds
        while not self._ending.is_set():
            left = until - time.monotonic()
            if select.select([connection], [], [], max(0.0, min(left, 0.02)))[0]:
                try:
                    return bool(connection.recv(1, socket.MSG_PEEK))
                except OSError:
                    return False
            if left <= 0:
                return True
        return False


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up are part of the play."""


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            asked = self._asked({})
            if self._unauthorised(asked):
                return
            if server.listing is not None:
                self._play(asked, server.listing, ollama=False)
            elif self.path.endswith("/api/tags"):
                self._json(200, {"models": [
                    {"name": name, "modified_at": f"2025-01-{28 - at:02}", "details": {"family": "llama"}}
                    for at, name in enumerate(server.models)
                ]})
            elif self.path.endswith("/models"):
                self._json(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in server.models]})
            else:
                self._json(404, {"error": {"message": f"no such path: {self.path}"}})

        def do_POST(self) -> None:
            read = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = self._asked(json.loads(read))
            ollama = self.path.endswith("/api/chat")
            if not ollama and not self.path.endswith("/chat/completions"):
                return self._json(404, {"error": {"message": f"no such path: {self.path}"}})
            if self._unauthorised(asked):
                return None
            if asked.body.get("model") not in server.models:
                words = f"model '{asked.body.get('model')}' not found"
                return self._json(404, {"error": words if ollama else {"message": words, "code": "model_not_found"}})
            for name, words in server.refused.items():
                roles = [message["role"] for message in asked.body["messages"]]
                if name in asked.body or name in roles:
                    return self._json(400, {"error": {"message": words, "param": name}})
            return self._play(asked, server.next(), ollama)

        def _asked(self, body: dict[str, Any]) -> Asked:
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            server.requests.append(asked)
            return asked

        def _unauthorised(self, asked: Asked) -> bool:
            sent = asked.headers.get("authorization", "").removeprefix("Bearer ")
            if server.key is None or sent == server.key:
                return False
            self._json(401, {"error": {"message": f"Incorrect API key provided: {sent}", "code": "invalid_api_key"}})
            return True

        def _play(self, asked: Asked, behaviour: Behaviour, ollama: bool) -> None:
            self.close_connection = True
            if behaviour.hang:
                if not server.pause(LONGEST_S, self.connection):
                    asked.hung_up.set()
                return
            if behaviour.blocks is not None:
                return self._blocks(asked, behaviour)
            if behaviour.status != 200:
                error: Any = {"message": behaviour.said, "code": behaviour.code}
                self.close_connection = False
                return self._json(
                    behaviour.status, {"error": behaviour.said if ollama else error}, headers=behaviour.headers
                )
            try:
                if behaviour.whole or (asked.body.get("stream", ollama) is False and behaviour.raw is None):
                    return self._whole(asked, behaviour)
                self._stream(asked, behaviour, ollama)
            except OSError:
                asked.hung_up.set()

        def _blocks(self, asked: Asked, behaviour: Behaviour) -> None:
            self.send_response(behaviour.status)
            for name, value in behaviour.headers:
                self.send_header(name, value)
            self.send_header("Connection", "close")   # it ends where the body does
            self.end_headers()
            assert behaviour.blocks is not None
            try:
                for block in behaviour.blocks():
                    self.wfile.write(block)
                    asked.sent += len(block)
            except OSError:
                asked.hung_up.set()

        def _stream(self, asked: Asked, behaviour: Behaviour, ollama: bool) -> None:
            if not server.pause(behaviour.first_s, self.connection):
                asked.hung_up.set()
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson" if ollama else "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            events = self._raw(behaviour.raw, ollama) if behaviour.raw is not None else self._events(
                asked, behaviour, ollama)
            for at, event in enumerate(islice(events, behaviour.pieces)):
                if not server.pause(behaviour.between_s if at else 0.0, self.connection):
                    asked.hung_up.set()
                    return
                self._chunk(event)
            if behaviour.pieces is None or behaviour.polite:
                self._chunk(b"")
                self.close_connection = False
            else:   # cut: no last chunk, and the socket goes
                self.connection.shutdown(socket.SHUT_RDWR)

        def _whole(self, asked: Asked, behaviour: Behaviour) -> None:
            text = behaviour.text if isinstance(behaviour.text, str) else behaviour.text(asked)
            message = {"role": "assistant", "content": text}
            self._json(200, {
                "choices": [{"index": 0, "message": message, "finish_reason": behaviour.finish}],
                "usage": _usage(asked, text) if server.usage else None,
            })

        def _raw(self, raw: bytes, ollama: bool) -> Iterator[bytes]:
            yield raw + b"\n" if ollama else b"data: " + raw + b"\n\n"

        def _events(self, asked: Asked, behaviour: Behaviour, ollama: bool) -> Iterator[bytes]:
            text = behaviour.text if isinstance(behaviour.text, str) else behaviour.text(asked)
            written = f"<think>{behaviour.thoughts}</think>\n\n{text}" if behaviour.thoughts else text
            finish = behaviour.finish
            if ollama:
                for piece in _pieces(written):
                    message = {"role": "assistant", "content": piece}
                    yield _line({"model": asked.body["model"], "message": message, "done": False})
                usage = _usage(asked, written)
                counts = {"prompt_eval_count": usage["prompt_tokens"], "eval_count": usage["completion_tokens"]}
                yield _line({
                    "model": asked.body["model"], "message": {"role": "assistant", "content": ""}, "done": True,
                    "done_reason": finish, **(counts if server.usage else {}),
                })
                return
            yield _event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
            for piece in _pieces(written):
                yield _event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
            yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
            if server.usage and (asked.body.get("stream_options") or {}).get("include_usage"):
                yield _event({"choices": [], "usage": _usage(asked, written)})
            yield b"data: [DONE]\n\n"

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def _json(self, status: int, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _usage(asked: Asked, text: str) -> dict[str, int]:
    """Words, as this model's tokens."""
    prompt, completion = len(asked.prompt.split()), len(text.split())
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _pieces(text: str) -> Iterator[str]:
    """A word and the blanks after it at a time; longer texts in larger pieces."""
    words = re.findall(r"\s*\S+\s*", text) or ([text] if text else [])
    step = max(1, len(words) // 200)
    for at in range(0, len(words), step):
        yield "".join(words[at:at + step])


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
