"""An ingest that is killed or fails anywhere leaves an index that answers, and the next ingest makes it whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from papers import ABSTRACTS, Home, write_lines, write_titled

from assistant.api import Assistant
from assistant.embedding.embedder import Embedder
from assistant.errors import StorageError
from ingest.clean import paper_id
from ingest.pipeline import rebuild
from ingest.upsert import JOURNAL

ROOT = Path(__file__).resolve().parent.parent
REVISED = ABSTRACTS[2] + " Code and questions are released with the paper."

# Runs the ingest command and dies, or waits for a line of input, before or after the nth call of a function.
DRIVER = """
import importlib, os, sys
from ingest.cli import main
place, when, nth, deed, *argv = sys.argv[1:]
module, _, path = place.partition(":")
owner, _, name = path.rpartition(".")
holder = importlib.import_module(module)
holder = getattr(holder, owner) if owner else holder
real, calls = getattr(holder, name), []
def act():
    if deed == "die":
        os._exit(9)
    print("waiting", flush=True)
    sys.stdin.readline()
def wrapped(*args, **named):
    calls.append(1)
    if when == "before" and len(calls) == int(nth):
        act()
    result = real(*args, **named)
    if when == "after" and len(calls) == int(nth):
        act()
    return result
setattr(holder, name, wrapped)
sys.exit(main(argv))
"""

UPDATE = [  # while state A becomes state B
    ("assistant.index.collection:Collection.check", "before", 1),
    ("ingest.upsert:Writer._write_journal", "before", 1),
    ("ingest.upsert:Writer._write_journal", "after", 1),
    ("assistant.index.token_vectors:TokenFile.append", "after", 1),
    ("assistant.index.chunk_vectors:VectorIndex.upsert", "before", 1),
    ("assistant.index.chunk_vectors:VectorIndex.upsert", "after", 1),
    ("assistant.index.lexical:LexicalWriter.__exit__", "before", 1),
    ("assistant.index.lexical:LexicalWriter.__exit__", "after", 1),
    ("ingest.upsert:_remember", "after", 1),
    ("assistant.index.sqlite:Store.set_card", "after", 1),
    ("ingest.upsert:Writer._delete", "before", 1),
    ("assistant.index.chunk_vectors:VectorIndex.delete", "after", 1),
    ("ingest.upsert:Writer._delete", "after", 1),
    ("ingest.pipeline:_ingest_file", "after", 1),
    ("ingest.batches:Batches.write", "after", 1),
]
FIRST = [  # while there is no index yet
    ("ingest.opening:make_folder", "after", 1),
    ("assistant.index.sqlite:Store._create", "after", 1),
    ("assistant.index.token_vectors:Basis.save", "after", 1),
    ("assistant.index.sqlite:Store.set_card", "after", 1),
    ("ingest.difference:KnownFiles.write", "after", 1),
    ("assistant.index.chunk_vectors:VectorIndex.upsert", "after", 1),
    ("ingest.upsert:Writer._delete", "before", 1),
]
REBUILD = [
    ("assistant.index.token_vectors:Basis.save", "after", 1),
    ("assistant.index.chunk_vectors:VectorIndex.upsert", "after", 1),
    ("assistant.index.lexical:LexicalWriter.__exit__", "after", 1),
    ("assistant.index.collection:Collection.check", "after", 1),
    ("ingest.opening:sweep", "before", 2),
    ("ingest.opening:sweep", "after", 2),
]


class Stage:
    """State A ingested, its files since turned into state B, and what an undisturbed ingest makes of B."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.files = folder / "files"
        self.embedder = embedder
        self.template = Home(folder / "a", embedder)
        write_titled(self.files / "a.txt", [0, 1])
        write_lines(self.files / "b.txt", ABSTRACTS[2:4])
        self.template.ingest(self.files)
        self.a = self.template.state()
        write_titled(self.files / "a.txt", [0, 5])                 # Foldaway goes, Graupel comes
        write_lines(self.files / "b.txt", [ABSTRACTS[4], REVISED])  # Magpie becomes Hushcorpus; Lanternfish is revised
        whole = Home(folder / "b", embedder)
        shutil.copytree(self.template.settings.home, whole.settings.home)
        whole.ingest(self.files)
        self.b = whole.state()
        assert sorted(self.b) == sorted(map(paper_id, [ABSTRACTS[0], ABSTRACTS[5], ABSTRACTS[4], REVISED]))

    def copy(self, folder: Path) -> Home:
        home = Home(folder, self.embedder)
        shutil.copytree(self.template.settings.home, folder)
        return home


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"), embedder)


def environment(home: Home) -> dict[str, str]:
    return {**os.environ, "ASSISTANT_HOME": str(home.settings.home), "PYTHONPATH": str(ROOT)}


def die(home: Home, place: tuple[str, str, int], *argv: str) -> None:
    command = [sys.executable, "-c", DRIVER, place[0], place[1], str(place[2]), "die", *argv]
    done = subprocess.run(command, env=environment(home), cwd=home.settings.home.parent, capture_output=True, text=True)
    assert done.returncode == 9, done.stderr


def asks_well(home: Home) -> None:
    """Whatever is there answers from whole papers."""
    with Assistant.open(home.settings) as assistant:
        answer = assistant.ask("which method edits GPT-J without retraining?")
        assert not answer.abstained
        assert answer.citations[0].paper_id == paper_id(ABSTRACTS[0])
        for question in ("what does Lanternfish improve?", "list all papers", "who regrasps from video?"):
            assert assistant.ask(question).text


@pytest.mark.parametrize("place", UPDATE, ids=lambda place: "-".join(map(str, place)).rpartition(":")[2])
def test_an_update_killed_anywhere_is_finished_by_the_next(
    stage: Stage, tmp_path: Path, place: tuple[str, str, int]
) -> None:
    home = stage.copy(tmp_path / "home")

    die(home, place, str(stage.files))

    asks_well(home)
    home.ingest(stage.files)
    assert home.state() == stage.b
    assert not (home.index / JOURNAL).exists()


@pytest.mark.parametrize("place", FIRST, ids=lambda place: "-".join(map(str, place)).rpartition(":")[2])
def test_a_first_ingest_killed_anywhere_is_finished_by_the_next(
    stage: Stage, tmp_path: Path, place: tuple[str, str, int]
) -> None:
    home = Home(tmp_path / "home", stage.embedder)

    die(home, place, str(stage.files))

    try:
        with Assistant.open(home.settings) as assistant:
            assert assistant.ask("which method edits GPT-J?").text
    except StorageError as exc:
        assert str(exc).startswith(("there is no index yet", "the index has no papers yet; run the ingest again"))
    home.ingest(stage.files)
    assert home.state() == stage.b


@pytest.mark.parametrize("place", REBUILD, ids=lambda place: "-".join(map(str, place)).rpartition(":")[2])
def test_a_rebuild_killed_anywhere_leaves_the_old_index_or_the_new(
    stage: Stage, tmp_path: Path, place: tuple[str, str, int]
) -> None:
    home = stage.copy(tmp_path / "home")

    die(home, place, "rebuild")

    asks_well(home)
    assert home.state() == stage.a
    home.ingest(stage.files)
    assert home.state() == stage.b
    parts = {path.name.partition("-")[0].partition(".")[0] for path in home.index.iterdir()}
    assert len(list(home.index.iterdir())) == len(parts) == 6


def test_a_mending_that_is_killed_is_mended_too(stage: Stage, tmp_path: Path) -> None:
    home = stage.copy(tmp_path / "home")
    die(home, ("ingest.upsert:Writer._delete", "before", 1), str(stage.files))
    for place in (
        ("assistant.index.chunk_vectors:VectorIndex.upsert", "after", 1),
        ("assistant.index.chunk_vectors:VectorIndex.delete", "after", 1),
        ("assistant.index.lexical:LexicalWriter.__exit__", "after", 1),
    ):
        die(home, place, str(stage.files))
        asks_well(home)

    home.ingest(stage.files)

    assert home.state() == stage.b


@pytest.mark.parametrize("delay_s", [0.5, 1.0, 1.3, 1.6, 2.0])
def test_an_ingest_killed_at_any_moment_is_finished_by_the_next(stage: Stage, tmp_path: Path, delay_s: float) -> None:
    home = stage.copy(tmp_path / "home")
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest.cli", str(stage.files)], env=environment(home), cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.wait()

    asks_well(home)
    home.ingest(stage.files)
    assert home.state() == stage.b


@pytest.mark.parametrize("place", [
    "assistant.index.token_vectors.TokenFile.append", "assistant.index.chunk_vectors.VectorIndex.upsert",
    "assistant.index.lexical.LexicalWriter.add", "ingest.upsert._remember",
    "assistant.index.chunk_vectors.VectorIndex.delete",
])
def test_an_ingest_that_fails_anywhere_says_so_and_is_finished_by_the_next(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    home = stage.copy(tmp_path / "home")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(place, full)
        with pytest.raises(StorageError, match=r"^the index cannot be written \(No space left on device\)"):
            home.ingest(stage.files)

    asks_well(home)
    home.ingest(stage.files)
    assert home.state() == stage.b


def test_a_second_ingest_at_the_same_time_is_refused(stage: Stage, tmp_path: Path) -> None:
    home = stage.copy(tmp_path / "home")
    command = [sys.executable, "-c", DRIVER, "assistant.index.chunk_vectors:VectorIndex.upsert", "before", "1", "wait"]
    with subprocess.Popen(
        [*command, str(stage.files)], env=environment(home), cwd=tmp_path, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "waiting\n"
        second = subprocess.run(
            [sys.executable, "-m", "ingest.cli", str(stage.files)], env=environment(home), cwd=tmp_path,
            capture_output=True, text=True,
        )
        asks_well(home)
        with home.open() as collection:  # a reader sees the last finished state
            assert collection.store.paper_ids() == sorted(stage.a)
        first.communicate("go on\n")

    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr == "ingest: another ingest is writing to this index; wait until it has finished\n"
    assert first.returncode == 0
    home.check()
    assert home.state() == stage.b


def test_a_reader_kept_open_never_fails_and_sees_what_other_processes_wrote(stage: Stage, tmp_path: Path) -> None:
    home = stage.copy(tmp_path / "home")
    folder = tmp_path / "more"
    steps = []
    for n in range(2):
        steps.append([str(write_lines(folder / f"{n}.txt", ABSTRACTS[n:n + 2]))])
    steps += [[str(stage.files)], ["remove", "0.txt"], ["rebuild"], ["remove", "1.txt"]]
    asked = 0
    with Assistant.open(home.settings) as assistant:
        asks_well(home)
        for argv in steps:
            with subprocess.Popen(
                [sys.executable, "-m", "ingest.cli", *argv], env=environment(home), cwd=tmp_path,
                stdout=subprocess.DEVNULL,
            ) as writer:
                while writer.poll() is None:
                    answer = assistant.ask("which method edits GPT-J without retraining?")
                    assert answer.citations[0].paper_id == paper_id(ABSTRACTS[0])
                    assistant.search("speech, hail and video")
                    asked += 1
            assert writer.returncode == 0
        answer = assistant.ask("what does Graupel downscale?")
        assert answer.citations[0].paper_id == paper_id(ABSTRACTS[5])
        assert paper_id(ABSTRACTS[1]) not in {hit.paper.paper_id for hit in assistant.search("Foldaway halves memory")}
    assert asked > 20
    home.check()
    assert home.state() == stage.b


def test_a_reader_in_the_process_of_the_writer_sees_the_rebuilt_index(stage: Stage, tmp_path: Path) -> None:
    home = stage.copy(tmp_path / "home")
    with Assistant.open(home.settings) as assistant:
        before = assistant.search("which method edits GPT-J?")
        rebuild(home.settings, home.embedder)

        assert [hit.paper for hit in assistant.search("which method edits GPT-J?")] == [hit.paper for hit in before]
        home.ingest(stage.files)
        assert assistant.ask("what does Graupel downscale?").citations[0].paper_id == paper_id(ABSTRACTS[5])
