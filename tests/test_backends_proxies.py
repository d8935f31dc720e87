"""Proxies for the internet that the environment names: right, odd or not to be used."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from browsing import fetch, free_port
from papers import Home
from scripted_server import ScriptedServer, says

from assistant.backends import proxies
from assistant.backends.messages import BackendError, Kind, Message
from assistant.backends.table import open_backend, statuses
from assistant.integrations.llama_index.llm import as_llm
from assistant.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
ASK = [Message("user", "What is Quillon?")]
NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
ODD = {
    "socks": {"all_proxy": "socks5://ana:secret@127.0.0.1:9"}, "no scheme it knows": {"HTTP_PROXY": "foo://secret"},
    "no port": {"https_proxy": "http://h:secret"}, "half an address": {"ALL_PROXY": "http://[::secret"},
}
FINE = {"nobody there": {"http_proxy": "http://127.0.0.1:9"}, "odd exceptions": {"no_proxy": "http://[,::1,*.x,["}}


@pytest.fixture(autouse=True)
def _none_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower() in NAMES]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("named", [*ODD.values(), *FINE.values()], ids=[*ODD, *FINE])
def test_a_model_on_this_machine_is_called_whatever_they_are(
    named: dict[str, str], monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    server.play(says("Yes."))
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    settings = Settings(backend="openai", base_url=server.url, model=server.model, _env_file=None)

    backend = open_backend(settings)

    assert backend.complete(ASK).text == "Yes."
    assert as_llm(backend).complete("What is Quillon?").text == "Yes."
    assert {status.name: status.ready for status in statuses(settings)}["openai"]


@pytest.mark.parametrize("named", ODD.values(), ids=ODD)
def test_a_model_elsewhere_is_not_called_and_the_way_out_is_said_without_a_password(
    named: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    backend = open_backend(Settings(backend="openai", base_url="http://model.invalid/v1", model="m", _env_file=None))

    with pytest.raises(BackendError) as caught:
        backend.complete(ASK)

    assert caught.value.kind is Kind.NOT_SET_UP and "secret" not in str(caught.value)
    assert str(caught.value).startswith(
        f"the server at model.invalid cannot be called: the proxies that {next(iter(named))} name cannot be used: ")


def test_a_model_elsewhere_is_called_through_one_that_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        backend = open_backend(Settings(
            backend="openai", base_url="http://model.invalid/v1", model="m", read_timeout=0.3, _env_file=None))

        with pytest.raises(BackendError, match="was silent"):
            backend.complete(ASK)

        connection, _ = proxy.accept()
        with connection:
            assert connection.recv(100).startswith(b"POST http://model.invalid/v1/chat/completions HTTP/1.1")


def test_a_server_they_are_not_for_is_called_without_them(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    server.play(says("Yes."))
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "0.0.0.0")
    address = server.url.replace("127.0.0.1", "0.0.0.0")  # reaches this machine, and is no loopback address

    backend = open_backend(Settings(backend="openai", base_url=address, model=server.model, _env_file=None))

    assert backend.complete(ASK).text == "Yes."


def test_hidden_ones_are_there_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")

    with pytest.raises(RuntimeError), proxies.hidden():
        assert (proxies.named(), proxies.problem()) == ([], None)
        raise RuntimeError

    assert proxies.named() == ["all_proxy"] and ("all_proxy", "socks5://127.0.0.1:9") in os.environ.items()


@pytest.mark.parametrize("named", [*ODD.values(), *FINE.values()], ids=[*ODD, *FINE])
def test_the_page_opens_and_questions_are_answered_whatever_they_are(named: dict[str, str], six: Home) -> None:
    port = free_port()
    environment = {**os.environ, **named, "ASSISTANT_HOME": str(six.settings.home),
                   "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-m", "assistant.ui.cli"]
    with subprocess.Popen(
        [*command, "serve", "--port", str(port)], env=environment, cwd=six.settings.home, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"the page is at http://127.0.0.1:{port}/ (Ctrl-C ends it)\n"
            assert fetch(f"http://127.0.0.1:{port}/")[0] == 200
        finally:
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "", "")

    asked = subprocess.run([*command, "ask", "what is Quillon?"], env=environment, cwd=six.settings.home, text=True,
                           capture_output=True, check=True)
    assert "Quillon" in asked.stdout and asked.stderr == ""


def test_the_page_is_not_shared_round_a_proxy_that_cannot_be_used(six: Home) -> None:
    environment = {**os.environ, "all_proxy": "socks5://127.0.0.1:9", "ASSISTANT_HOME": str(six.settings.home),
                   "ASSISTANT_AUTH": "ana:secret", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    ended = subprocess.run(
        [sys.executable, "-m", "assistant.ui.cli", "serve", "--share", "--port", str(free_port())], text=True,
        env=environment, cwd=six.settings.home, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    said = ended.stderr.splitlines()[-1]
    assert said.startswith("assistant: the page cannot be shared, as the proxies that all_proxy name cannot be used: ")
