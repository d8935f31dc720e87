"""However much a model server sends, and however it packs it: what is read of it has a bound."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from typing import Any

import brotli
import pytest
from scripted_server import Behaviour, ScriptedServer, floods, packs, says

from assistant.backends import http
from assistant.backends.messages import BackendError, Kind, Message
from assistant.backends.table import open_backend, statuses
from assistant.integrations.llama_index.llm import as_llm
from assistant.settings import Settings

SERVERS = ("openai", "ollama")
ASK = [Message("user", "What trains models?")]
PACKED = {
    "br": lambda data: brotli.compress(data, quality=1), "gzip": gzip.compress, "deflate": zlib.compress,
    "zstd": lambda data: b"\x28\xb5\x2f\xfd" + data[:100],
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
}


@pytest.fixture(params=SERVERS)
def asking(request: pytest.FixtureRequest, server: ScriptedServer) -> Settings:
    """A backend that asks the scripted server once."""
    name = request.param
    return Settings(
        _env_file=None, backend=name, base_url=server.address_for(name), model=server.model, retries=0,
    )


def failure(settings: Settings) -> BackendError:
    with pytest.raises(BackendError) as error:
        open_backend(settings).complete(ASK)
    return error.value


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("encoding", PACKED)
def test_a_packed_reply_is_not_asked_for_and_not_unpacked(
    encoding: str, kind: str, server: ScriptedServer, asking: Settings
) -> None:
    bomb = PACKED[encoding](b" " * 50_000_000)
    server.play(packs(bomb, encoding, kind=kind))
    tracemalloc.start()

    error = failure(asking)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert server.replies[0].headers["accept-encoding"] == "identity"
    assert error.kind is Kind.BAD_REPLY
    assert "packs its reply, although it was asked not to" in str(error)
    assert peak < 10_000_000


def test_a_packed_refusal_is_told_by_its_status_alone(server: ScriptedServer, asking: Settings) -> None:
    server.play(packs(gzip.compress(b'{"error": "boom"}'), "gzip", status=401))

    assert failure(asking).kind is Kind.UNAUTHORISED


@pytest.mark.parametrize("encoding", PACKED)
def test_a_packed_list_of_models_is_not_unpacked(encoding: str, server: ScriptedServer, asking: Settings) -> None:
    server.listing = packs(PACKED[encoding](b" " * 50_000_000), encoding, kind="application/json")

    status = {found.name: found for found in statuses(asking)}[asking.backend]

    assert not status.ready and "packs its reply" in status.detail
    assert server.requests[-1].headers["accept-encoding"] == "identity"


def test_a_llama_index_program_unpacks_nothing_either(server: ScriptedServer) -> None:
    from llama_index.core.llms import ChatMessage
    from openai import APIConnectionError

    bomb = PACKED["br"](b" " * 50_000_000)
    server.play(packs(bomb, "br", kind="application/json"))
    llm = as_llm(open_backend(
        Settings(_env_file=None, backend="openai", base_url=server.url, model=server.model, retries=0)))

    with pytest.raises(APIConnectionError) as error:
        llm.chat([ChatMessage(content="hi")])
    with pytest.raises(APIConnectionError):
        asyncio.run(llm.achat([ChatMessage(content="hi")]))
    assert "packs its reply" in str(error.value.__cause__)
    assert server.replies[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(("block", "kind"), [
    (b"x" * 60_000, "text/event-stream"), (b": still here\n" * 4000, "text/event-stream"),
    (b" " * 60_000, "application/json"), (b"\n" * 60_000, "text/event-stream"),
], ids=["a line without end", "comments", "JSON without end", "blank lines"])
def test_a_server_that_sends_on_and_on_is_hung_up_on(
    block: bytes, kind: str, server: ScriptedServer, asking: Settings
) -> None:
    if asking.backend == "ollama" and block.startswith(b":"):
        pytest.skip("Ollama's lines are JSON: a comment is none")
    server.play(floods(block, kind=kind))

    error = failure(asking)

    assert error.kind is Kind.BAD_REPLY and "sends more than a model writes" in str(error)
    assert server.replies[0].hung_up.wait(5)
    assert server.replies[0].sent < http.REPLY_BYTES + 20_000_000   # the rest is in the buffers of two sockets


def test_a_list_of_models_without_end_is_hung_up_on(server: ScriptedServer, asking: Settings) -> None:
    server.listing = floods(b" " * 60_000, kind="application/json")

    status = {found.name: found for found in statuses(asking)}[asking.backend]

    assert "sends more than a model writes" in status.detail
    assert server.requests[-1].hung_up.wait(5)


@pytest.mark.parametrize("body", ["[" * 200_000, '{"a":' * 200_000, '{"choices": ' + "9" * 100_000 + "}"])
def test_json_that_python_cannot_read_is_a_bad_reply(body: str, server: ScriptedServer, asking: Settings) -> None:
    server.play(Behaviour(raw=body.encode()))

    assert failure(asking).kind is Kind.BAD_REPLY


@pytest.mark.parametrize("counts", ["many", -5, {"a": 1}, 2.5])
def test_counts_that_are_none_are_estimated(counts: Any, server: ScriptedServer, asking: Settings) -> None:
    usage = {"prompt_tokens": counts, "completion_tokens": counts}
    event = {"choices": [{"delta": {"content": "Yes."}, "finish_reason": "stop"}], "usage": usage,
             "message": {"content": "Yes."}, "done": True, "prompt_eval_count": counts, "eval_count": counts}
    server.play(Behaviour(raw=json.dumps(event).encode()))

    reply = open_backend(asking).complete(ASK)

    assert reply.estimated and reply.prompt_tokens > 0 and reply.completion_tokens > 0


def test_a_whole_reply_is_cut_at_what_was_allowed(server: ScriptedServer) -> None:
    server.play(says("word " * 40_000, whole=True))
    backend = open_backend(Settings(_env_file=None, backend="openai", base_url=server.url, model=server.model))

    reply = backend.complete(ASK, max_tokens=100)

    assert reply.finish == "length" and len(reply.text) <= 1201
