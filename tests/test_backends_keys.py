"""A key is sent to its server and is seen nowhere else."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_server import ScriptedServer, is_cut, refuses, says

from assistant.backends.base import Backend
from assistant.backends.messages import BackendError, Kind, Message
from assistant.backends.openai import OpenAIBackend
from assistant.backends.table import open_backend, statuses
from assistant.errors import SettingsError
from assistant.integrations.llama_index.llm import as_llm
from assistant.settings import Settings, load_settings

pytestmark = pytest.mark.usefixtures("work")
KEY = "sk-proj-T0pS3cret_4567890"
ASK = [Message("user", "What trains models?")]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(key=KEY) as opened:
        yield opened


def settings(server: ScriptedServer, key: str | None = KEY, **more: Any) -> Settings:
    return Settings(backend="openai", base_url=server.url, model=server.model, api_key=key, _env_file=None, **more)


def failure(backend: Backend) -> BackendError:
    with pytest.raises(BackendError) as error:
        backend.complete(ASK)
    return error.value


def test_the_right_key_is_let_in(server: ScriptedServer) -> None:
    assert open_backend(settings(server)).complete(ASK).text == "Yes."


def test_a_wrong_key_is_refused_without_being_repeated(server: ScriptedServer) -> None:
    error = failure(open_backend(settings(server, "sk-wrong-0987654321")))

    assert error.kind is Kind.UNAUTHORISED
    assert "refuses the key (401); set ASSISTANT_API_KEY to a key that it knows" in str(error)
    assert "0987654321" not in "".join(traceback.format_exception(error))


def test_no_key_where_one_is_wanted_says_so(server: ScriptedServer) -> None:
    error = failure(open_backend(settings(server, None)))

    assert error.kind is Kind.UNAUTHORISED
    assert "wants a key, and none is set (401)" in str(error)


@pytest.mark.parametrize("said", [f"bad header: Bearer {KEY}", f"user {KEY} is over the limit", "no sk-abcdef123456"])
@pytest.mark.parametrize("status", [400, 404, 422, 429, 500])
def test_a_server_that_repeats_a_key_is_not_quoted_with_it(server: ScriptedServer, said: str, status: int) -> None:
    server.play(refuses(status, said))

    shown = "".join(traceback.format_exception(failure(open_backend(settings(server, retries=0)))))

    assert KEY not in shown and "sk-" not in shown


def test_nothing_shows_the_key(server: ScriptedServer) -> None:
    set_up = settings(server)
    backend = open_backend(set_up)
    assert isinstance(backend, OpenAIBackend)
    llm = as_llm(backend)

    shown = [
        repr(set_up), str(set_up), set_up.model_dump_json(), str(set_up.model_dump()),
        repr(backend), str(vars(backend)), repr(backend.server), str(vars(backend.server)),
        repr(llm), str(llm), llm.to_json(), str(llm.to_dict()), str(statuses(set_up)),
    ]

    assert [text for text in shown if KEY in text] == []


def test_llama_index_records_no_key(server: ScriptedServer) -> None:
    from llama_index.core.instrumentation import get_dispatcher
    from llama_index.core.instrumentation.event_handlers import BaseEventHandler
    from llama_index.core.llms import ChatMessage

    class Recorder(BaseEventHandler):
        events: list[str] = []  # noqa: RUF012

        def handle(self, event: Any, **kwargs: Any) -> None:
            self.events.append(event.model_dump_json())

    recorder = Recorder()
    dispatcher = get_dispatcher()
    dispatcher.add_event_handler(recorder)
    try:
        llm = as_llm(open_backend(settings(server)))
        assert llm.chat([ChatMessage(content="What trains models?")]).message.content == "Yes."
    finally:
        dispatcher.event_handlers.remove(recorder)

    assert recorder.events and KEY not in "".join(recorder.events)


def test_logs_show_neither_key_nor_question(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asked = [Message("user", "Which zebrafish method?")]
    backend = open_backend(settings(server, retries=1))
    server.play(refuses(500), says("Yes, that one."), is_cut("Yes, that one.", pieces=2))

    assert backend.complete(asked).text == "Yes, that one."
    failure(backend)
    logged = caplog.text + "".join(str(record.args) + str(record.__dict__) for record in caplog.records)

    assert caplog.records   # httpx does log
    assert KEY not in logged and "zebrafish" not in logged


@pytest.mark.parametrize("value", ["sk with blank", "sk-\u2026", "sk-a\tb"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(work: Path, value: str) -> None:
    (work / ".env").write_text(f'ASSISTANT_API_KEY="{value}"\n', encoding="utf-8")

    with pytest.raises(SettingsError, match=r"^ASSISTANT_API_KEY: .*no blanks; see \.env\.example$") as refused:
        load_settings()

    assert "sk" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://user:sk-123456@host/v1", "https://host/v1?key=sk-123456", "ftp://host"])
def test_an_address_that_could_hide_a_key_is_refused(work: Path, url: str) -> None:
    (work / ".env").write_text(f"ASSISTANT_BASE_URL={url}\n")

    with pytest.raises(SettingsError, match=r"^ASSISTANT_BASE_URL: ") as refused:
        load_settings()

    assert "sk-123456" not in str(refused.value)


def test_openais_own_names_count_where_ours_are_not_set(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> tuple[str | None, str | None]:
        loaded = load_settings()
        return loaded.api_key and loaded.api_key.get_secret_value(), loaded.base_url

    assert found() == (None, None)
    (work / ".env").write_text("OPENAI_API_KEY=file\nOPENAI_BASE_URL=http://file/v1\n")
    assert found() == ("file", "http://file/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "environment")
    assert found() == ("environment", "http://file/v1")
    (work / ".env").write_text("ASSISTANT_API_KEY=ours\nASSISTANT_BASE_URL=http://ours/v1\nOPENAI_BASE_URL=http://file\n")
    assert found() == ("ours", "http://ours/v1")
    (work / ".env").write_text("ASSISTANT_BACKEND=ollama\nOPENAI_BASE_URL=http://file/v1\n")
    assert found() == (None, None)   # they are not meant for it
    monkeypatch.setenv("OPENAI_API_KEY", "")
    (work / ".env").write_text("")
    assert found() == (None, None)


def test_the_command_shows_no_key(server: ScriptedServer, work: Path) -> None:
    (work / ".env").write_text(
        f"ASSISTANT_BACKEND=openai\nASSISTANT_BASE_URL={server.url}\nASSISTANT_MODEL=tiny-chat\nOPENAI_API_KEY={KEY}\n"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "assistant.ui.cli", "backends", "--json"], capture_output=True, text=True, check=True,
        env={"PATH": "", "PYTHONPATH": ":".join([str(root), *filter(None, sys.path)])},
    )

    assert {row["name"]: row["ready"] for row in json.loads(done.stdout)}["openai"] is True
    assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in done.stdout + done.stderr
