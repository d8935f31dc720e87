"""Words and names in tantivy: what a killed commit leaves, and files that a disk has changed."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from papers import ABSTRACTS, TITLES

from assistant.errors import DamagedPart
from assistant.index.lexical import LexicalIndex
from assistant.records import Paper

PAPERS = [Paper(f"{n:020x}", TITLES[n], ABSTRACTS[n], ABSTRACTS[n]) for n in range(6)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "lexical"
    with LexicalIndex(folder).writer() as writer:
        for paper in PAPERS:
            writer.add(paper, [])
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "lexical"))


def remove(folder: Path, number: int) -> None:
    with LexicalIndex(folder).writer() as writer:
        writer.remove([PAPERS[number].paper_id])


def test_a_commit_of_deletions_that_was_killed_is_done_again(folder: Path, tmp_path: Path) -> None:
    before = shutil.copytree(folder, tmp_path / "before")
    remove(folder, 2)
    deletions = list(folder.glob("*.del"))
    assert deletions
    # Killed between the file of deletions and the list of commits that names it.
    for path in deletions:
        shutil.copy(path, before)
    shutil.copy(folder / ".managed.json", before)

    remove(before, 2)

    assert LexicalIndex(before).count() == 5


def test_a_file_that_differs_by_one_bit_is_refused_without_a_panic(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(0)
    files = [path for path in sorted(folder.iterdir()) if path.stat().st_size and path.suffix not in (".json", ".lock")]
    assert len(files) >= 6
    for path in files:
        whole = path.read_bytes()
        for _ in range(8):
            changed = bytearray(whole)
            changed[chance.randrange(whole.rindex(b'{"version"'))] ^= 1 << chance.randrange(8)
            path.write_bytes(changed)
            with pytest.raises(DamagedPart, match=r"^the lexical index is damaged .*; run: ingest rebuild$"):
                LexicalIndex(folder)
        path.write_bytes(whole)

    assert [paper for paper, _ in LexicalIndex(folder).search("hail", limit=3)] == [PAPERS[5].paper_id]
    assert capfd.readouterr().err == ""


def test_a_panic_of_tantivy_is_told_as_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.index.lexical.CHECKED_BYTES", -1)  # as of an index too large to check
    for path in folder.glob("*.store"):
        path.write_bytes(random.Random(0).randbytes(path.stat().st_size))

    with pytest.raises(DamagedPart, match=r"^the lexical index is damaged; run: ingest rebuild$"):
        LexicalIndex(folder).search("hail", limit=3)


@pytest.mark.parametrize("name", ["meta.json", ".managed.json"])
def test_a_list_of_commits_that_is_garbled_is_damage(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff{]")

    with pytest.raises(DamagedPart):
        LexicalIndex(folder).writer().__enter__()


def test_files_of_a_commit_that_is_being_written_are_not_looked_at(folder: Path) -> None:
    (folder / f"{'0' * 32}.store").write_bytes(b"half a file")
    segment = next(folder.glob("*.store")).stem
    (folder / f"{segment}.99.del").write_bytes(b"half a file")

    assert LexicalIndex(folder).count() == 6
