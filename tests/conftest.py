"""What many tests share: the embedder, homes empty, of six papers and of the seeds, a server of models, a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from papers import Home, write_titled

from assistant import Assistant, Settings
from assistant.embedding.embedder import Embedder, open_embedder
from assistant.index.collection import Collection

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from scripted_server import ScriptedServer

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings and keys change no test."""
    for name in list(os.environ):
        if name.upper().startswith("ASSISTANT_") or name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
            monkeypatch.delenv(name)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def embedder() -> Iterator[Embedder]:
    """The default model."""
    yield open_embedder(None)


@pytest.fixture
def home(tmp_path: Path, embedder: Embedder) -> Home:
    """No index yet."""
    return Home(tmp_path / "home", embedder)


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Home:
    """The index of six papers."""
    folder = tmp_path_factory.mktemp("six")
    made = Home(folder / "home", embedder)
    made.ingest(write_titled(folder / "six.txt", range(6)))
    return made


@pytest.fixture(scope="session")
def seeds_home(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """The home folder of the five seeds, ingested once; its first report is in ``report.json``. Do not write to it."""
    import json
    from dataclasses import asdict

    home = Home(tmp_path_factory.mktemp("seeds"), embedder)
    report = home.ingest(ROOT / "seeds")
    (home.settings.home / "report.json").write_text(json.dumps(asdict(report)))
    return home.settings.home


@pytest.fixture(scope="module")
def assistant(seeds_home: Path, embedder: Embedder) -> Iterator[Assistant]:
    """An assistant over the seeds."""
    settings = Settings(home=seeds_home, _env_file=None)
    with Assistant(Collection(settings), embedder, settings) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server of language models that says what it is told to."""
    from scripted_server import ScriptedServer

    with ScriptedServer() as opened:
        yield opened


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed calls to a model are tried again without the usual waits."""
    from assistant.backends import model

    monkeypatch.setattr(model, "FIRST_WAIT_S", 0.02)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: its event loop would be in the way of asynchronous tests."""
    from browsing import chromium

    with chromium() as browser:
        yield browser
