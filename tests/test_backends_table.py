"""Who is ready, what is missing, and what asking costs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_server import ScriptedServer

from assistant.backends.messages import BackendError, Kind, Status
from assistant.backends.table import BACKENDS, open_backend, statuses
from assistant.settings import Settings
from assistant.ui.cli import main

pytestmark = pytest.mark.usefixtures("work")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(models=("tiny-chat", "other-chat")) as opened:
        yield opened


def status(name: str, **set_to: Any) -> Status:
    return {found.name: found for found in statuses(Settings(_env_file=None, **set_to))}[name]


def test_every_value_of_the_setting_has_a_status() -> None:
    pattern = Settings.model_fields["backend"].metadata[0].pattern
    names = [found.name for found in statuses(Settings(_env_file=None))]

    assert names == ["extractive", "openai", "ollama", "llamacpp", "cascade"] == ["extractive", *BACKENDS, "cascade"]
    assert pattern == f"^({'|'.join(names)})$"


def test_extractive_is_always_ready() -> None:
    assert status("extractive").ready


def test_openai_says_what_is_missing() -> None:
    assert status("openai").detail.startswith("set ASSISTANT_API_KEY, or ASSISTANT_BASE_URL to a server")
    assert status("openai", api_key="k").detail.startswith("set ASSISTANT_MODEL to a model of the server")
    assert not status("openai").ready and not status("openai", api_key="k").ready


def test_openai_is_ready_when_its_server_has_the_model(server: ScriptedServer) -> None:
    found = status("openai", base_url=server.url, model="other-chat")

    assert found.ready
    assert found.detail == f"other-chat at {server.address.removeprefix('http://')}"
    assert found.models == ("other-chat", "tiny-chat")


def test_openai_names_the_models_where_none_or_another_is_set(server: ScriptedServer) -> None:
    unset = status("openai", base_url=server.url)
    wrong = status("openai", base_url=server.url, model="gone")

    assert (unset.ready, wrong.ready) == (False, False)
    assert unset.detail == "set ASSISTANT_MODEL to one of: other-chat, tiny-chat"
    assert "has no model gone; set ASSISTANT_MODEL to one of: other-chat, tiny-chat" in wrong.detail


def test_a_server_elsewhere_is_not_asked_unless_it_is_in_use() -> None:
    found = status("openai", api_key="k", model="some-model")

    assert (found.ready, found.detail) == (True, "some-model at api.openai.com; not asked, as it is not in use")


def test_ollama_lists_its_models_and_says_how_to_pull_one(server: ScriptedServer) -> None:
    ready = status("ollama", backend="ollama", base_url=server.address)
    through_v1 = status("ollama", backend="ollama", base_url=server.url)
    wrong = status("ollama", backend="ollama", base_url=server.address, model="gone")

    assert ready.ready and ready.models == ("tiny-chat", "other-chat") == through_v1.models
    assert ready.detail.startswith("tiny-chat at ")
    assert not wrong.ready and wrong.detail.endswith("but not gone; run: ollama pull gone")


def test_an_ollama_without_models_says_which_command_gets_one() -> None:
    with ScriptedServer(models=()) as server:
        found = status("ollama", backend="ollama", base_url=server.address)

    assert not found.ready and found.detail.endswith("has no model yet; run: ollama pull llama3.2")


def test_the_address_and_model_of_one_backend_are_not_the_others(server: ScriptedServer) -> None:
    set_to = Settings(backend="ollama", base_url=server.address, model="tiny-chat", _env_file=None)

    with pytest.raises(BackendError, match="the backend openai is not set up: set ASSISTANT_API_KEY"):
        open_backend(set_to, "openai")
    assert open_backend(set_to.model_copy(update={"backend": "openai"}), "ollama").model == ""


def test_llamacpp_says_what_is_missing(work: Path) -> None:
    if importlib.util.find_spec("llama_cpp") is None:
        found = status("llamacpp")
        assert "llama-cpp-python is not installed; run: pip install 'abstracts-assistant[llamacpp]'" in found.detail
    else:
        (work / "page.gguf").write_text("<html>")
        assert status("llamacpp").detail.startswith("set ASSISTANT_GGUF")
        assert "page.gguf is not a GGUF file" in status("llamacpp", gguf=work / "page.gguf").detail
        found = status("llamacpp", gguf=work / "gone.gguf")
        assert "gone.gguf cannot be read (No such file or directory)" in found.detail
        assert str(work) not in found.detail
    assert not found.ready


def test_cascade_is_as_ready_as_the_model_behind_it(server: ScriptedServer) -> None:
    openai = status("cascade", backend="cascade", base_url=server.url, model="tiny-chat")
    ollama = status("cascade", backend="cascade", cascade_to="ollama", base_url=server.address)

    assert (openai.ready, openai.detail) == (True, "quotes, and asks openai when unsure")
    assert (ollama.ready, ollama.detail) == (True, "quotes, and asks ollama when unsure")
    assert status("cascade").detail.startswith("needs openai: set ASSISTANT_API_KEY")


def test_opening_what_is_not_set_up_is_an_error() -> None:
    for name in ("openai", "llamacpp"):
        with pytest.raises(BackendError, match=f"^the backend {name} is not set up: ") as error:
            open_backend(Settings(backend=name, _env_file=None))
        assert error.value.kind is Kind.NOT_SET_UP


def test_an_unknown_backend_names_those_there_are() -> None:
    with pytest.raises(BackendError, match=r"no model backend is called 'extractive'; .*openai, ollama, llamacpp"):
        open_backend(Settings(_env_file=None))


def test_the_command_prints_a_line_each(
    server: ScriptedServer, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / ".env").write_text(f"ASSISTANT_BASE_URL={server.url}\nASSISTANT_MODEL=tiny-chat\n")

    assert main(["backends"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main(["backends", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)

    assert [line.split()[0] for line in lines] == [row["name"] for row in rows]
    assert lines[0] == "extractive  ready: quotes the papers; needs no model"
    assert lines[1].startswith("openai      ready: tiny-chat at 127.0.0.1:")
    assert all(set(row) == {"name", "ready", "detail", "models"} for row in rows)


def test_each_block_of_the_example_sets_up_what_it_says(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assistant.settings import load_settings

    blocks: list[list[str]] = [[]]
    for line in (ROOT / ".env.example").read_text().splitlines():
        if line.startswith("#   ASSISTANT_"):
            blocks[-1].append(line.removeprefix("#   "))
        elif blocks[-1]:
            blocks.append([])
    found = []
    for block in filter(None, blocks):
        (work / ".env").write_text("\n".join(block))
        found.append((load_settings().backend, load_settings().model_backend))

    assert found == [
        ("openai", "openai"), ("openai", "openai"), ("ollama", "ollama"), ("llamacpp", "llamacpp"),
        ("cascade", "ollama"),
    ]


@pytest.mark.parametrize("code", [
    "from assistant.backends.table import statuses; from assistant.settings import Settings; statuses(Settings())",
    "from assistant.ui.cli import main; main(['backends'])",
    "import assistant, assistant.api, assistant.backends.base",
])
def test_neither_asking_nor_importing_loads_llama_index_or_openai(code: str, work: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print('loaded', *sys.modules)"], capture_output=True, text=True,
        check=True, env={"PATH": "", "PYTHONPATH": ":".join([str(ROOT), *filter(None, sys.path)])},
    )
    loaded = done.stdout.splitlines()[-1].split()

    for name in ("llama_index.core", "openai", "tiktoken", "llama_cpp", "gradio"):
        assert name not in loaded
