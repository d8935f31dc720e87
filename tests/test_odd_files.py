"""Whatever one file is or holds, the files beside it go in, and the report says why it did not."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import commands
import pytest
from papers import ABSTRACTS, Home, write_lines

from ingest.clean import paper_id
from ingest.files import find_files
from ingest.pipeline import ingest, remove

LONG = "An abstract that is long enough to be taken for one, and then some more."
GOOD = paper_id(ABSTRACTS[0])


def looped(folder: Path) -> None:
    (folder / "a.txt").symlink_to(folder / "b.txt")
    (folder / "b.txt").symlink_to(folder / "a.txt")


def dangling(folder: Path) -> None:
    (folder / "a.txt").symlink_to("nowhere.txt")


def listening(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "a.txt"))


def written(name: str, content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_text(content, encoding="utf-8", newline="")
    return write


@pytest.mark.parametrize(("make", "reason"), [
    (looped, "a.txt: cannot be read: Too many levels of symbolic links; check its path and permissions"),
    (dangling, "a.txt: no such file; check the path "),
    (listening, "a.txt: is not a regular file; give a text file"),
    (lambda folder: os.mkfifo(folder / "a.txt"), "a.txt: is not a regular file; give a text file"),
    (lambda folder: (folder / "a.txt").symlink_to("/dev/zero"), "a.txt: is not a regular file; give a text file"),
    (written("a.csv", "title,abs\rtract\nx,y\n"), "a.csv: line 1 names no columns: new-line character seen in unquoted "
     "field - do you need to open the file in universal-newline mode?; the first line must name the columns"),
    (written("a.csv", f"title,abstract\nx,{'a ' * 70_000}\n"), "a.csv: the record at line 2 is not CSV: field larger"),
    (written("a.jsonl", '{"\\ud800": 1, "a\\nb": 2}'),
     "a.jsonl:1: no abstract, text or summary that is a string; it has a\\nb, \\ud800"),
    (written("a.jsonl", "[" * 100_000 + "]" * 100_000), "a.jsonl: line 1 is not JSON: maximum recursion depth"),
    (written("a.jsonl", f'{{"abstract": {"9" * 5000}}}'), "a.jsonl: line 1 is not JSON: Exceeds the limit"),
    (written("a.jsonl", json.dumps({"abstract": f"\\cite{{{'a' * 60}}}"})),
     "a.jsonl:1: abstract without a letter once its markup is taken off"),
    (written("a.jsonl", json.dumps({"abstract": "²" * 60})),
     "a.jsonl:1: abstract without a letter once its markup is taken off"),
], ids=lambda value: None if callable(value) else value[:40])
def test_what_cannot_be_read_is_named_and_costs_the_others_nothing(
    home: Home, tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    folder = write_lines(tmp_path / "files" / "z.txt", ABSTRACTS[:1]).parent
    make(folder)

    report = home.ingest(folder)

    assert report.added == 1 and GOOD in home.state()
    assert report.skips()[0].startswith(reason)
    assert all(line.isprintable() for line in report.skips())


@pytest.mark.parametrize("record", [
    f'{{"abstract": "{LONG} \\ud800"}}', f'{{"abstract": "{LONG}", "id": "\\udfff"}}',
    f'{{"abstract": "{LONG}", "title": "\\ud83d"}}', f'{{"abstract": "{LONG}", "authors": ["\\ud800 B"]}}',
    f'{{"abstract": "{LONG}", "id": {"[" * 900 + "]" * 900}}}', f'{{"abstract": "{LONG}", "id": NaN, "year": 1e999}}',
])
def test_a_record_with_odd_fields_is_read(home: Home, tmp_path: Path, record: str) -> None:
    report = home.ingest(write_lines(tmp_path / "a.jsonl", [record]), write_lines(tmp_path / "z.txt", ABSTRACTS[:1]))

    assert (report.added, report.skipped) == (2, [])


def test_an_error_of_the_program_in_one_file_is_reported_and_the_others_go_in(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest import reading

    def broken(raw: str, title: str | None = None) -> str:
        return raw if raw == ABSTRACTS[0] else raw[10_000]

    monkeypatch.setattr(reading, "clean_abstract", broken)

    bad, good = write_lines(tmp_path / "a.txt", ABSTRACTS[1:2]), write_lines(tmp_path / "z.txt", ABSTRACTS[:1])
    report = home.ingest(bad, good)

    assert sorted(home.state()) == [GOOD]
    assert report.skips() == [
        "a.txt: cannot be read: IndexError: string index out of range; this program is at fault, report it"
    ]


@pytest.mark.parametrize(("name", "reason"), [
    ("x" * 300 + ".txt", "cannot be read: File name too long"), ("a\0.txt", "cannot be read: embedded null byte"),
    ("\ud800.txt", "cannot be read: 'utf-8' codec can't encode"),
])
def test_a_name_that_no_file_can_have_is_reported(home: Home, tmp_path: Path, name: str, reason: str) -> None:
    report = home.ingest(tmp_path / name, write_lines(tmp_path / "z.txt", ABSTRACTS[:1]))

    assert report.added == 1
    assert reason in report.skips()[0] and report.skips()[0].isprintable()


def test_folders_a_thousand_deep_are_walked(tmp_path: Path) -> None:
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("deep.txt", os.O_CREAT, dir_fd=at))
    os.close(at)

    try:
        assert [path.name for path in find_files([tmp_path]).files] == ["deep.txt"]
    finally:  # no deeper than pytest's own cleaning can go
        (tmp_path / "d").rename(tmp_path / "e")
        commands.subprocess.run(["rm", "-rf", str(tmp_path / "e")], check=True)


# -- names that are not text


@pytest.mark.parametrize("name", [b"\xff\xfe.txt", b"a\nb.txt", b"\x1b[31m.txt", b"[/red].txt", "é.txt".encode()])
def test_a_file_with_an_odd_name_is_read_named_and_removed(home: Home, tmp_path: Path, name: bytes) -> None:
    file = write_lines(tmp_path / "files" / os.fsdecode(name), ABSTRACTS[:1])
    home.ingest(file)
    again = home.ingest(file)
    file.parent.rename(tmp_path / "moved")
    moved = home.ingest(tmp_path / "moved")
    with home.open() as collection:
        shown = [stored.name for stored in collection.store.files()]

    assert (again.unchanged, moved.unchanged, moved.added) == (1, 1, 0)
    assert len(shown) == 1 and shown[0].isprintable()
    assert remove(shown, home.settings, home.embedder).removed == 1
    home.ingest(tmp_path / "moved")
    assert remove([str(tmp_path / "moved" / os.fsdecode(name))], home.settings, home.embedder).removed == 1


def test_a_name_that_is_not_utf8_is_shown_by_its_bytes(home: Home, tmp_path: Path) -> None:
    home.ingest(write_lines(tmp_path / os.fsdecode(b"caf\xe9.txt"), ABSTRACTS[:1]))

    with home.open() as collection:
        paper = collection.store.paper(GOOD)
    assert paper is not None
    assert [source.file for source in paper.sources] == ["caf\\xe9.txt"]


def test_what_is_printed_as_json_stays_json_where_the_terminal_lacks_the_letters(tmp_path: Path) -> None:
    folder = write_lines(tmp_path / "files" / "é😀.txt", ABSTRACTS[:1]).parent
    (folder / os.fsdecode(b"\xff.txt")).write_bytes(b"\0")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}

    report = commands.run("ingest.cli", "files", "--json", cwd=tmp_path, **plain)
    text = commands.run("ingest.cli", "files", cwd=tmp_path, **plain)
    status = commands.run("assistant.ui.cli", "status", "--json", cwd=tmp_path, **plain)

    assert [skip["file"] for skip in json.loads(report.stdout)["skipped"]] == ["\\xff.txt"]
    assert "skipped \\xff.txt: is binary" in text.stdout
    assert json.loads(status.stdout)["files"] == ["é😀.txt"]


# -- nothing to write


def test_a_first_ingest_of_bad_records_alone_shows_their_reasons_and_makes_nothing(home: Home, tmp_path: Path) -> None:
    report = home.ingest(write_lines(tmp_path / "short.jsonl", ['{"abstract": "Too short."}', "{"]))

    assert (report.files, report.papers) == (0, 0)
    assert report.skips()[0] == "short.jsonl:1: abstract of 10 characters, fewer than 40"
    assert report.skips()[1].startswith("short.jsonl:2: not JSON: ")
    assert not home.index.exists()


# -- many files


def test_many_small_files_are_written_in_as_few_steps_as_one_large_file(home: Home, tmp_path: Path) -> None:
    texts = [f"{text} Seen again in study number {n}, which is the {n}th." for n, text in enumerate(ABSTRACTS)]
    for n, text in enumerate(texts):
        write_lines(tmp_path / "files" / f"{n}.txt", [text])
    steps: list[tuple[str, int, int]] = []
    home.ingest(write_lines(tmp_path / "first.jsonl", [json.dumps({"abstract": LONG})]))
    before = home.generation()

    report = ingest([tmp_path / "files"], home.settings, home.embedder, progress=lambda *step: steps.append(step))

    home.check()
    assert (report.files, report.added) == (6, 6)
    assert home.generation() == before + 2  # the files, and all their records
    assert [step for step in steps if step[1] == step[2]] == [(f"{n}.txt", 1, 1) for n in range(6)]


def test_a_file_of_more_records_than_are_written_at_once_is_counted_right(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest import batches

    monkeypatch.setattr(batches, "BATCH", 2)
    one, other = write_lines(tmp_path / "a.txt", ABSTRACTS[:5]), write_lines(tmp_path / "b.txt", ABSTRACTS[4:])
    first = home.ingest(one, other)
    write_lines(one, [ABSTRACTS[5], *ABSTRACTS[1:4]])
    steps: list[tuple[str, int, int]] = []

    second = ingest([one, other], home.settings, home.embedder, progress=lambda *step: steps.append(step))

    home.check()
    assert (first.read, first.added, first.merged) == (7, 6, 1)
    assert (second.updated, second.unchanged, second.removed, second.papers) == (1, 5, 1, 5)
    assert steps == [("a.txt", 3, 4), ("a.txt", 4, 4), ("b.txt", 2, 2)]
