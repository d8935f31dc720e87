"""What the parts of `crash.py` share: files of abstracts and their states, commands, and the process that looks."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

HERE = Path(__file__).resolve().parent
PATIENCE_S = 180  # for one command; on busy cores one takes ten seconds
GENERAL = (
    "which methods edit GPT-J?", "list all papers", "how many papers mention GPT-4?",
    "which papers are about dialogue?", "what improves question answering?", "which datasets are released?",
    "who wins the next election?",
    "how large is the largest model?", "which papers use reinforcement learning?", "what is knowledge editing?",
)
MAX_APART = 1e-5  # of two fractions that count as equal
TITLED = 10  # questions about one paper's title

Said = dict[str, Any]  # a reply of the probe
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Options:
    """What all parts take."""

    tree: Path        # checkout whose product is tried
    work: Path        # folder for everything that is written
    seed: int
    papers: int
    jobs: int
    keep: bool        # what failed

    def environment(self, home: Path) -> dict[str, str]:
        """That of a command on an index: none of the user's own settings."""
        kept = {
            name: value for name, value in os.environ.items()
            if not name.upper().startswith(("ASSISTANT_", "OPENAI_"))
        }
        return {
            **kept, "PYTHONPATH": str(self.tree), "ASSISTANT_HOME": str(home), "OPENBLAS_NUM_THREADS": "1",
        }

    def command(self, *words: str) -> list[str]:
        """``ingest …`` or ``assistant …`` of the tree."""
        module = {"ingest": "ingest.cli", "assistant": "assistant.ui.cli"}[words[0]]
        return [sys.executable, "-m", module, *words[1:]]

    def run(self, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """One command in a process of its own, to its end; exit status 124: it hung and was ended."""
        command = self.command(*words)
        try:
            return subprocess.run(
                command, cwd=self.work, env=self.environment(home), capture_output=True, text=True, timeout=PATIENCE_S,
                stdin=subprocess.DEVNULL, errors="replace",
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"hung for {PATIENCE_S} s")


def made(probe: Probe, home: Path, files: Path) -> Path:
    """An index of some files in a home folder, brought up to date with them if it is there."""
    reply = probe("run", home=str(home), argv=[str(files)])
    if reply.get("status") != 0:
        raise SystemExit(f"an undisturbed ingest fails: {reply}")
    return home


class Probe:
    """A process that has the product loaded; started anew if it dies."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115

    def __call__(self, do: str, **request: Any) -> Said:
        """The reply: what was asked for, or ``told``: the product's message, or ``crashed``: anything else."""
        if self._process is None or self._process.poll() is not None:
            self._errors.truncate(0)
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "crash_probe.py")], cwd=self._options.work, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=self._errors, text=True,
                env=self._options.environment(self._options.work / "none"),
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        clock = threading.Timer(PATIENCE_S, process.kill)
        clock.start()
        try:
            process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            clock.cancel()
        if line:
            reply: Said = json.loads(line)
            return reply
        status = process.wait()
        self._errors.seek(0)
        return {"crashed": f"the process ended with {status}", "trace": self._errors.read()[-2000:]}

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._process.poll() is None:
            self._process.communicate(timeout=PATIENCE_S)


@dataclass(frozen=True)
class Corpus:
    """Papers from the seeds, dealt into files; and what to ask about them."""

    titled: tuple[tuple[str, str], ...]
    plain: tuple[str, ...]  # abstracts without titles

    @classmethod
    def draw(cls, seeds: Path, papers: int, rng: random.Random) -> Corpus:
        """``papers`` of them in the first state, four more for each ten in the second."""
        pairs: list[tuple[str, str]] = []
        for name in ("001*", "002*"):  # a notice, then title and abstract in turn
            lines = next(seeds.glob(name)).read_text(encoding="utf-8").splitlines()[2:]
            pairs += zip((line.removeprefix("Subscribe") for line in lines[::2]), lines[1::2], strict=False)
        untitled = [
            line for name in ("000*", "004*") for line in next(seeds.glob(name)).read_text("utf-8").splitlines()
        ]
        few = max(3, papers // 8)
        return cls(tuple(rng.sample(pairs, papers * 14 // 10 - few)), tuple(rng.sample(untitled, few)))

    def files(self, state: str) -> dict[str, list[str]]:
        """name -> lines in a state: "a", "more" (files added), "swapped" (one file's records revised, replaced and
        dropped, which is one change of the index) or "changed" (the same, and another file's too).
        """
        n = len(self.titled) * 10 // 14
        half = n // 2
        first, second, spare = self.titled[:half], self.titled[half:n], self.titled[n:]
        files = {
            "first.txt": _lines(first),
            "second.txt": _lines((*second, first[0])),  # which has two sources
            "plain.txt": list(self.plain),
        }
        if state == "more":
            cut = len(spare) // 2
            files["third.txt"] = _lines(spare[:cut])
            files["second.txt"] += _lines(spare[cut:])
            files["again.txt"] = [abstract + " Code is released." for abstract in self.plain[:2]]  # nearly repeats
        if state in ("swapped", "changed"):
            third = max(1, half // 3)
            revised = [(title, abstract + " It is revised here.") for title, abstract in first[third:2 * third]]
            files["first.txt"] = _lines((*first[:third], *revised, *spare, *first[2 * third + 1:]))
        if state == "changed":
            files["plain.txt"][-1] += " We release all of it."
        return files

    def write(self, folder: Path, state: str) -> None:
        """Make the folder hold the files of a state and no others."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, lines in self.files(state).items():
            (folder / name).write_text("\n".join(lines), encoding="utf-8")

    def request(self) -> dict[str, list[str]]:
        """Questions, words and names to compare two indexes by."""
        titles = [title for title, _ in self.titled]
        asked = [*titles[:3], *titles[-4:], *titles[len(titles) // 2:][:TITLED - 7]]
        words = sorted({word.lower() for title in titles for word in re.findall(r"[A-Za-z]{5,}", title)})
        own = {title.partition(":")[0] for title in titles if ":" in title}
        names = sorted({"GPT-4", "BERT", "GPT-J", "LLMs", *own})
        return {
            "questions": [*GENERAL, *(f"what is {title} about?" for title in asked)],
            "words": words[::max(1, len(words) // 40)], "names": names[:30],
        }


def _lines(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [line for pair in pairs for line in pair]


@dataclass
class Tally:
    """What one part found: tables of rows under a head, and failures."""

    name: str
    tables: list[tuple[list[str], list[list[str]]]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What differs between two states, an aspect a line."""
    lines = []
    for aspect, things in wanted.items():
        here = found.get(aspect, {})
        missing, more = sorted(things.keys() - here.keys()), sorted(here.keys() - things.keys())
        other = [thing for thing in sorted(things.keys() & here.keys()) if not alike(here[thing], things[thing])]
        if missing or more or other:
            first = (other or missing or more)[0]
            why = f" ({_fields(here[first], things[first])})" if other and isinstance(things[first], dict) else ""
            lines.append(
                f"{aspect}: {len(missing)} missing, {len(more)} more, {len(other)} other, such as {first!r}{why}"
            )
    return lines


def alike(found: Any, wanted: Any) -> bool:
    """Whether two values of JSON are equal; fractions to five places, as where vectors lie decides the eighth."""
    if isinstance(found, float) and isinstance(wanted, float):
        return abs(found - wanted) < MAX_APART
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(alike(found[key], wanted[key]) for key in wanted)
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(alike, found, wanted))
    return bool(found == wanted)


def _fields(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {found.get(key)} for {value}" if isinstance(value, int | float) else key
        for key, value in wanted.items() if not alike(found.get(key), value)
    )


def commands(message: str) -> list[str]:
    """What a message tells to do, of "rebuild", "move" (the folder away, and ingest) and "ingest"."""
    if "move the index folder" in message or "delete the index folder" in message:
        return ["move"]
    found = ["rebuild"] if re.search(r"run:? (assistant )?ingest rebuild", message) else []
    again = re.search(r"run:? ingest|with: ingest|run it again", message)
    return found or (["ingest"] if again else [])


def side_by_side(
    label: str, options: Options, items: Sequence[T], work: Callable[[T, Probe], R]
) -> Iterator[R]:
    """Do ``work`` for every item, ``jobs`` at a time, each with a probe that nobody else uses meanwhile."""
    probes: queue.Queue[Probe] = queue.Queue()
    for _ in range(options.jobs):
        probes.put(Probe(options))

    def one(item: T) -> R:
        probe = probes.get()
        try:
            return work(item, probe)
        finally:
            probes.put(probe)

    with progress(label, len(items)) as advance, ThreadPoolExecutor(options.jobs) as pool:
        try:
            for result in pool.map(one, items):
                advance()
                yield result
        finally:
            while not probes.empty():
                probes.get().close()


@contextlib.contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error; call what it gives for each thing done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(label, total=total)
        yield lambda: bars.advance(task)


@contextlib.contextmanager
def copy_of(template: Path | None, folder: Path, *, keep: Callable[[], bool]) -> Iterator[Path]:
    """A home folder like another, deleted afterwards unless ``keep`` says so."""
    if template is not None:
        shutil.copytree(template, folder, symlinks=True)
    yield folder
    if not keep():
        shutil.rmtree(folder, ignore_errors=True)
