"""An index on a full disk or a read-only file system answers as ever, and what needs room says so."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import run
from papers import ABSTRACTS, Home

from assistant.index import room

QUESTION = "which method edits GPT-J without retraining?"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "none", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(disk: Path) -> None:
    with contextlib.suppress(OSError), (disk / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@pytest.fixture(params=["full", "read-only"])
def cramped(request: pytest.FixtureRequest, disk: Path, six: Home) -> Path:
    """A home of six papers where nothing can be written."""
    home = Path(shutil.copytree(six.settings.home, disk / "home"))
    if request.param == "full":
        fill(disk)
    else:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    return home


def test_questions_are_answered_as_ever_and_no_copy_is_left(cramped: Path, six: Home, work: Path) -> None:
    expected = run("assistant.ui.cli", "ask", QUESTION, cwd=work, ASSISTANT_HOME=str(six.settings.home))
    left = set(Path(tempfile.gettempdir()).glob("assistant-*"))

    done = run("assistant.ui.cli", "ask", QUESTION, cwd=work, ASSISTANT_HOME=str(cramped))

    assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, "")
    assert "Quillon" in done.stdout
    assert set(Path(tempfile.gettempdir()).glob("assistant-*")) <= left


def test_where_the_copy_has_no_room_either_memory_holds_it(cramped: Path, work: Path) -> None:
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("this system keeps no files in memory")

    done = run("assistant.ui.cli", "ask", QUESTION, cwd=work, ASSISTANT_HOME=str(cramped), TMPDIR=str(cramped))

    assert (done.returncode, done.stderr) == (0, "")
    assert "Quillon" in done.stdout


def test_an_ingest_says_what_hinders_it_and_not_to_throw_the_index_away(cramped: Path, work: Path) -> None:
    (work / "more.txt").write_text(ABSTRACTS[0].replace("Quillon", "Tern"))

    done = run("ingest.cli", "more.txt", cwd=work, ASSISTANT_HOME=str(cramped))

    assert (done.returncode, done.stdout) == (1, "")
    assert "the index cannot be written: its " in done.stderr
    assert "rebuild" not in done.stderr and "move the index folder away" not in done.stderr


def test_a_copy_made_while_another_writes_is_of_one_state(
    six: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(six.index, tmp_path / "index"))
    (folder / "z.part").write_text("before")
    real, copies = room._copy, []

    def copied(source: Path, to: Path) -> None:
        real(source, to)
        copies.append(to)
        if len(copies) == 1:
            (folder / "z.part").write_text("written meanwhile")
        elif len(copies) == 2:
            (folder / "z.part").unlink()

    monkeypatch.setattr(room, "_copy", copied)

    with room.copy_to_read(folder, "you may not write there") as made:
        assert not (Path(made) / "z.part").exists()
        assert (Path(made) / "papers.sqlite").read_bytes() == (folder / "papers.sqlite").read_bytes()
    assert len(copies) == 3
