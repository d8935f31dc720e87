"""The program that kills, crowds and damages an index: the smallest run of each part, and how it finds its places."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from crash_damages import DAMAGES  # noqa: E402
from crash_stage import Corpus, commands, differences  # noqa: E402
from crash_trace import Call, first_hits, sample  # noqa: E402


def tried(*words: str) -> tuple[int, dict[str, list[dict[str, str]]], list[str]]:
    """Exit status, the first table's rows under its head, and the failures."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "crash.py"), *words, "--papers", "10", "--json"],
        capture_output=True, text=True, cwd=ROOT,
    )
    assert "Traceback" not in done.stderr, done.stderr
    found = json.loads(done.stdout)
    (part,) = found["parts"]
    head, rows = part["tables"][0]
    assert done.returncode == bool(part["failures"])  # what the product does is for its own tests to say
    return done.returncode, {"rows": [dict(zip(head, row, strict=True)) for row in rows]}, part["failures"]


def test_a_kill_at_a_call_and_one_at_a_moment_are_counted() -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs strace: apt-get install strace")

    _, found, _ = tried("kills", "--calls", "1", "--moments", "1", "--scenarios", "update")

    row = found["rows"][0]
    assert (row["scenario"], row["killed at a call"]) == ("update", "1")


def test_a_file_that_is_damaged_is_told_or_harmless() -> None:
    _, found, failures = tried("corruptions", "--corruptions", "1")

    (row,) = found["rows"]
    assert row["all"] == "1"
    assert row["failed"] == str(len(failures))


def test_opens_are_counted_with_and_without_a_writer() -> None:
    _, found, _ = tried("opens", "--opens", "4")

    assert [row["opens"] for row in found["rows"]] == ["4", "4", "1"]


def test_clients_have_answers() -> None:
    _, found, failures = tried("clients", "--clients", "2", "--seconds", "1")

    assert int(found["rows"][0]["answers"]) >= 2
    assert failures == []


def test_a_place_to_kill_at_is_the_first_threads_nth_call_on_the_index() -> None:
    lines = [
        '7  openat(AT_FDCWD</x>, "/usr/lib/a.py", O_RDONLY) = 3</usr/lib/a.py>',
        '7  openat(AT_FDCWD</x>, "/h/index/papers.sqlite", O_RDWR) = 3</h/index/papers.sqlite>',
        '8  openat(AT_FDCWD</x>, "/h/index/lexical-3/meta.json", O_RDWR) = 4</h/index/lexical-3/meta.json>',
        "8  pwrite64(5</h/index/chroma/3f/header.bin>, \"\"..., 512, 0 <unfinished ...>",
        "7  pwrite64(3</h/index/papers.sqlite-wal>, \"\"..., 512, 0) = 512",
        "8  <... pwrite64 resumed>) = 512",
        "7  pwrite64(3</h/index/papers.sqlite-wal>, \"\"..., 512, 0) = 512",
    ]

    calls = first_hits(lines)

    assert calls == [  # the first openat touched nothing of the index; thread 8's and 7's first calls came second
        Call("openat", 2, "papers.sqlite"), Call("pwrite64", 1, "chroma graph"),
        Call("pwrite64", 2, "papers.sqlite-wal"),
    ]
    assert [places[0] for places in sample(calls, 3, random.Random(1))] == sorted(
        (places[0] for places in sample(calls, 3, random.Random(1))), key=calls.index
    )


@pytest.mark.parametrize(("message", "told"), [
    ("the vectors are damaged; run: ingest rebuild", ["rebuild"]),
    ("it cannot be read; move the index folder away and run ingest again: ingest rebuild cannot mend it", ["move"]),
    ("there is no index yet; make one with: ingest PATH (a file or folder)", ["ingest"]),
    ("something is wrong", []),
])
def test_the_command_that_a_message_names_is_understood(message: str, told: list[str]) -> None:
    assert commands(message) == told


def test_every_damage_changes_the_file(tmp_path: Path) -> None:
    whole = bytes(range(256)) * 8
    for kind, damage in DAMAGES.items():
        path = tmp_path / kind
        path.write_bytes(whole)
        damage(path, random.Random(1))

        assert not path.is_file() or path.stat().st_mode & 0o777 == 0 or path.read_bytes() != whole, kind


def test_the_states_of_the_files_differ_and_chance_repeats_itself() -> None:
    corpus = Corpus.draw(ROOT / "seeds", 10, random.Random(1))

    assert corpus == Corpus.draw(ROOT / "seeds", 10, random.Random(1))
    states = [corpus.files(state) for state in ("a", "more", "swapped", "changed")]
    assert all(one != other for n, one in enumerate(states) for other in states[:n])
    assert differences({"x": {"a": [0.5, "b"]}}, {"x": {"a": [0.5000001, "b"]}}) == []
    assert differences({"x": {"a": 1}}, {"x": {"a": 2, "b": 3}}) == ["x: 1 missing, 0 more, 1 other, such as 'a'"]
