"""A model server that does not answer: who still waits for it, who does not, and when it is tried again."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from scripted_server import Behaviour, ScriptedServer, is_cut, is_hung, is_slow, refuses, says

from assistant.backends.base import Backend
from assistant.backends.circuit import CircuitBreaker, ModelServers
from assistant.backends.messages import BackendError, Kind, Message
from assistant.backends.table import open_backend
from assistant.settings import Settings

ASK = [Message("user", "What trains models?")]
REDCO = "Redco trains models on 3 GPUs [1]."


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def servers(clock: Clock) -> ModelServers:
    return ModelServers(clock)


@pytest.fixture
def opened(server: ScriptedServer, servers: ModelServers) -> Callable[..., Backend]:
    """Opens backends that call the scripted server, and soon lose patience."""
    def open_(name: str = "openai", **more: Any) -> Backend:
        to = {"backend": name, "base_url": server.address_for(name), "model": server.model, "read_timeout": 0.3,
              "retries": 0}
        return open_backend(Settings(_env_file=None, **to | more), servers=servers)
    return open_


def outcome(backend: Backend) -> str:
    """The reply, or why there is none."""
    try:
        return backend.complete(ASK).text
    except BackendError as error:
        return error.kind.value


def refusal(backend: Backend) -> str:
    with pytest.raises(BackendError) as caught:
        backend.complete(ASK)
    assert caught.value.kind is Kind.NOT_ANSWERING
    return str(caught.value)


@pytest.mark.parametrize(("behaviour", "more"), [
    (is_hung(), {}),
    (is_slow(REDCO, first_s=30), {"read_timeout": 30, "total_timeout": 0.3}),
    (is_slow(REDCO, first_s=0, between_s=30), {}),
], ids=["silent", "no word before the whole time was over", "silent after a word"])
def test_a_server_that_is_silent_is_not_asked_again_until_it_has_rested(
    behaviour: Behaviour, more: dict[str, Any], server: ScriptedServer, opened: Callable[..., Backend], clock: Clock
) -> None:
    server.play(behaviour, says(REDCO))
    backend = opened(**more)

    assert outcome(backend) == "timed out"
    assert refusal(backend) == "the model did not answer when last asked; it will be tried again in 5 s"
    clock.now = 4.5
    assert refusal(backend).endswith("in 1 s")
    assert len(server.replies) == 1
    clock.now = 5
    assert [outcome(backend), outcome(backend)] == [REDCO, REDCO]


@pytest.mark.parametrize(("waited_s", "rest_s"), [(0, 5), (17, 17), (120, 30)])
def test_a_server_rests_as_long_as_it_was_waited_for_within_limits(waited_s: float, rest_s: int, clock: Clock) -> None:
    breaker = CircuitBreaker(clock)

    with pytest.raises(BackendError, match="silent"), breaker.call():
        clock.now += waited_s
        raise BackendError(Kind.TIMED_OUT, "silent", unresponsive=True)

    with pytest.raises(BackendError, match=f"tried again in {rest_s} s"), breaker.call():
        pass


def test_a_server_that_is_gone_is_left_alone_too_and_found_when_it_is_back(opened: Callable[..., Backend]) -> None:
    clock = Clock()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    backend = opened(base_url=f"http://127.0.0.1:{port}/v1")
    backend.breaker = CircuitBreaker(clock)

    assert outcome(backend) == "unreachable"
    with socket.create_server(("127.0.0.1", port)) as listening:
        listening.setblocking(False)
        refusal(backend)
        with pytest.raises(BlockingIOError):  # nobody came
            listening.accept()
        clock.now = 5
        assert outcome(backend) == "timed out"
        listening.accept()


@pytest.mark.parametrize("behaviour", [
    refuses(500, "boom"), refuses(401), refuses(429), says(""), is_cut(REDCO, pieces=2), is_slow(REDCO, first_s=0.1),
], ids=["500", "401", "429", "empty", "cut", "slow"])
def test_a_server_that_says_anything_is_asked_again(
    behaviour: Behaviour, server: ScriptedServer, opened: Callable[..., Backend]
) -> None:
    server.play(behaviour)
    backend = opened()

    outcome(backend)
    outcome(backend)

    assert len(server.replies) == 2


def test_a_reply_that_is_slow_to_end_is_no_silence(server: ScriptedServer, opened: Callable[..., Backend]) -> None:
    server.play(is_slow(REDCO * 100, first_s=0, between_s=0.05))
    backend = opened(total_timeout=0.5)

    assert [outcome(backend), outcome(backend)] == ["timed out", "timed out"]
    assert len(server.replies) == 2


def test_while_one_tries_it_nobody_else_does(
    server: ScriptedServer, opened: Callable[..., Backend], clock: Clock
) -> None:
    server.play(is_hung())
    backend = opened()
    outcome(backend)
    clock.now = 5
    trial = opened(read_timeout=30).stream(ASK)
    waiting = threading.Thread(target=lambda: list(trial))
    waiting.start()
    reached(server, 2)

    told = {refusal(backend) for _ in range(20)}
    assert told == {"the model did not answer when last asked; it is being tried again"}
    assert len(server.replies) == 2

    trial.close()  # a trial that was stopped proves nothing: the next one tries
    waiting.join()
    server.play(says(REDCO))
    assert outcome(backend) == REDCO


def test_a_sign_of_life_on_any_call_lets_all_through_again(
    server: ScriptedServer, opened: Callable[..., Backend]
) -> None:
    server.play(is_slow(REDCO * 20, first_s=0, between_s=0.1), is_hung(), says(REDCO))
    writing = opened(read_timeout=30).stream(ASK)
    next(writing)

    with writing:
        assert outcome(opened()) == "timed out"
        for _ in range(10):  # more than were written meanwhile
            next(writing)
        assert outcome(opened()) == REDCO


def test_backends_of_one_address_share_what_is_known_of_it_and_others_do_not(
    server: ScriptedServer, opened: Callable[..., Backend]
) -> None:
    server.play(is_hung(), says(REDCO))
    outcome(opened())

    refusal(opened(temperature=1.0))
    refusal(opened("ollama"))
    with ScriptedServer(says(REDCO)) as other:
        assert outcome(opened(base_url=other.url)) == REDCO
    assert len(server.replies) == 1


def test_no_more_answers_wait_than_may_and_each_that_ends_makes_room(servers: ModelServers) -> None:
    servers.limit(each=2, together=3)

    def wait(address: str) -> Any:
        return servers.waiting(address)

    with wait("a"), wait("a"):
        with pytest.raises(BackendError, match="the model is busy with other questions") as caught, wait("a"):
            pass
        assert caught.value.kind is Kind.BUSY
        with wait("b"), pytest.raises(BackendError, match="busy"), wait("c"):
            pass
        with wait("c"):
            pass
    with wait("a"), wait("a"), wait("b"):
        pass


def test_a_list_of_models_that_drips_is_not_read_to_its_end(opened: Callable[..., Backend]) -> None:
    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):  # the caller hangs up
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            for _ in range(100):
                connection.sendall(b" ")
                threading.Event().wait(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=drip, args=[listening], daemon=True).start()
        backend = opened("ollama", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", model=None)

        with pytest.raises(BackendError, match=r"had not answered GET /api/tags after 0\.3 s"):
            backend.complete(ASK)


def reached(server: ScriptedServer, requests: int) -> None:
    """Wait until as many requests for a reply have come in."""
    for _ in range(3000):
        if len(server.replies) >= requests:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{len(server.replies)} requests came in, not {requests}")
