"""How a backend is set up so that it can answer."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from scripted_server import ScriptedServer
from tiny_gguf import write_tiny_gguf


def set_up(name: str, server: ScriptedServer, folder: Path, *, context_window: int = 1024) -> dict[str, Any]:
    """Settings by which a backend asks the server, or a tiny model that is written to the folder.

    The test is skipped where what the backend needs is not installed. ``context_window``: of the tiny model, in tokens.
    """
    if name == "llamacpp":
        if importlib.util.find_spec("llama_cpp") is None:
            pytest.skip("llama-cpp-python is not installed: make test-llamacpp")
        gguf = write_tiny_gguf(folder / "tiny.gguf")
        more: dict[str, Any] = {"gguf": gguf, "context_window": context_window, "max_tokens": 12, "threads": 2}
    else:
        more = {"base_url": server.address_for(name), "model": server.model}
    return {"backend": name, **more}
