"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.ui.cli import _parser
from assistant.ui.render import answer_text

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_answer_shown_is_the_answer_given(assistant: Assistant) -> None:
    shown = re.search(r"<!-- answer:begin -->\n+```\n(.+?)\n```\n+<!-- answer:end -->", README, re.DOTALL)

    assert shown is not None
    assert shown.group(1) == answer_text(assistant.ask("which methods edit GPT-J?"))


def test_every_assistant_command_shown_can_be_parsed() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    commands = re.findall(r"^assistant ([^#\n]+)", text, re.MULTILINE)

    assert len(commands) >= 12
    for command in commands:
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', command)]
        assert _parser().parse_args(words).run


def test_the_python_example_runs(
    seeds_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = re.search(r"```python\n(.+?)```", README, re.DOTALL)
    assert example is not None
    monkeypatch.setenv("ASSISTANT_HOME", str(seeds_home))

    exec(compile(example.group(1), "README.md", "exec"), {})

    assert "MEMIT" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_linked_to_exists(page: Path) -> None:
    for target in re.findall(r"\]\(([\w./-]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_file_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:assistant|ingest|benchmarks)/[\w./]+)`", text)

    assert len(named) > 20
    for path in named:
        assert (ROOT / path).exists(), path
