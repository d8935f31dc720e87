"""What users may import, and what importing costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import assistant

ROOT = Path(__file__).resolve().parent.parent


def test_the_public_names_are_these() -> None:
    assert sorted(assistant.__all__) == [
        "Answer", "Assistant", "AssistantError", "Citation", "Filters", "Hit", "ListItem", "Nearest", "Paper",
        "PaperRetriever", "Settings", "Source",
    ]


def test_every_public_name_is_there() -> None:
    for name in assistant.__all__:
        assert getattr(assistant, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'assistant' has no attribute 'Asistant'$"):
        _ = assistant.Asistant


def test_importing_the_package_loads_nothing_heavy_and_writes_nothing(tmp_path: Path) -> None:
    code = "import sys, assistant, ingest; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )

    for name in (
        "numpy", "chromadb", "tantivy", "onnx", "onnxruntime", "tokenizers", "pydantic", "gradio", "llama_index",
        "torch", "transformers",
    ):
        assert f"'{name}'" not in done.stdout
    assert list(tmp_path.iterdir()) == []
