"""Whether answers are still the same: the code of a commit and that of the working tree, asked the same questions.

    python tests/golden.py BASE                      the questions below, about seeds/
    python tests/golden.py BASE --questions fresh FOLDER    and a folder of questions.jsonl and papers/
    python tests/golden.py BASE --upgrade            can the working tree go on with what BASE wrote?
    python tests/golden.py --recorded BEFORE AFTER   compare again what --keep kept

Each side ingests with its own code and answers without a language model, in processes whose hash seeds differ. What is
stored and every form of every answer is compared byte for byte, times apart. Differences that are meant stand in a file
given with --accept, a line {"id": …, "output": …, "reason": …} each; with the id "*" a "pattern" says what every
changed line must match. Exit status: 0 the same, 1 different, 2 they could not be compared.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden_compare import OUTPUTS, BadInput, Comparison, compare, read_accepted, read_recording
from golden_state import stored_state

ROOT = Path(__file__).resolve().parent.parent
FIXED = ROOT / "assistant/evaluation/questions.jsonl"
FRESH = ROOT / "benchmarks/fresh.jsonl"
TALKS = ROOT / "benchmarks/conversations.jsonl"
SEEDS = ROOT / "seeds"
SOURCES = ("choose", "fresh", "conversations")
COMMANDS = (  # asked a question of the collection each; what they print is an output too
    ("ask",), ("ask", "--json"), ("ask", "--format", "md"), ("ask", "--format", "csv"), ("ask", "--format", "bib"),
    ("search",), ("search", "--json"),
)
TALK = ("what is Redco?", "and its code?", "which methods edit GPT-J?", "which of those release code?")  # of seeds/
RATINGS = ((1, True, "right"), (3, False, "one is missing"))  # turn, useful, comment
GOING_ON = (  # words of the command, and what is typed
    (("conversations", "--json"), ""), (("conversations", "--export", ""), ""), (("conversations", "--feedback"), ""),
    (("status", "--json"), ""), (("chat", "--resume", "--no-save"), "how do the first two differ?"),
)
TIMES = re.compile(r'("timings": )\{[^}]*\}|("seconds": )[\d.e-]+')
# Changed in BASE's .env.example, so that it shows that the file is heeded; the server of the example is not there.
CHANGED = {"ASSISTANT_HOME": "kept", "ASSISTANT_TOP_K": "5", "ASSISTANT_REFUSAL": "strict", "ASSISTANT_CHROMA_URL": ""}

Item = dict[str, Any]  # id, and question or turns: what golden_side.py asks


@dataclass(frozen=True, slots=True)
class Collection:
    """Papers, and what is asked about them."""

    name: str
    papers: Path
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One tree of code, and where it works."""

    name: str
    tree: Path
    folder: Path
    threads: int

    def record(self, collections: Sequence[Collection]) -> None:
        """Ingest, ask, and write down what comes of it."""
        for found in collections:
            work = self.folder / found.name
            work.mkdir(parents=True)
            _tell(f"{self.name}: ingests {found.name}")
            report = self.command("ingest", "--json", str(found.papers), cwd=work, needed=True)
            self.note(f"{found.name}:ingest", "command", report)
        _tell(f"{self.name}: asks")
        self.ask([{"folder": str(self.folder / found.name), "items": found.items} for found in collections])
        for found in collections:
            work = self.folder / found.name
            single = [item["question"] for item in found.items if "question" in item]
            for number, words in enumerate(COMMANDS[:len(single)]):
                question = single[number * len(single) // len(COMMANDS)]
                printed = self.command("assistant", *words, "--", question, cwd=work)
                self.note(f"{found.name}:{' '.join(words)}", "command", printed)
            for part, text in stored_state(work / ".assistant" / "index"):
                self.note(f"{found.name}:{part}", "stored", text)
        _tell(f"{self.name}: done")

    def ask(self, collections: Sequence[dict[str, Any]]) -> None:
        """Let one process of this side's code ask; see golden_side.py."""
        job = {"tree": str(self.tree), "out": str(self.folder / OUTPUTS), "collections": collections}
        done = subprocess.run(
            [sys.executable, "-P", Path(__file__).with_name("golden_side.py")], input=json.dumps(job), text=True,
            cwd=self.folder, env=self._environment(), check=False,
        )
        if done.returncode:
            raise BadInput(f"{self.name}: golden_side.py ended with status {done.returncode}; see above")

    def command(self, script: str, *words: str, cwd: Path, typed: str = "", needed: bool = False) -> str:
        """What an installed command of this side prints, on both streams, and its exit status; times are left out.

        Raises:
            BadInput: it fails, and is needed.
        """
        scripts = tomllib.loads((self.tree / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
        module, _, function = scripts[script].partition(":")
        code = f"import sys; from {module} import {function}; sys.exit({function}())"
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *words], cwd=cwd, env=self._environment(), input=typed, text=True,
            capture_output=True, check=False,
        )
        if needed and done.returncode:
            raise BadInput(f"{self.name}: {script} {' '.join(words)} failed: {done.stderr.strip()}")
        return TIMES.sub(r"\1\2…", f"{done.stdout}{done.stderr}exit status {done.returncode}")

    def note(self, name: str, output: str, text: str) -> None:
        """Write an output down."""
        with open(self.folder / OUTPUTS, "a", encoding="utf-8") as out:
            print(json.dumps({"id": name, "output": output, "text": text}), file=out)

    def _environment(self) -> dict[str, str]:
        outside = {
            name: value for name, value in os.environ.items()
            if not name.upper().startswith(("ASSISTANT_", "OPENAI_", "PYTHON"))
        }
        seed = int(hashlib.sha256(self.name.encode()).hexdigest()[:6], 16)  # sets have another order on the other side
        return outside | {
            "PYTHONPATH": str(self.tree), "PYTHONHASHSEED": str(seed), "PYTHONUTF8": "1",
            "OPENBLAS_NUM_THREADS": "1", "ASSISTANT_THREADS": str(self.threads),
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    arguments = _parser().parse_args(argv)
    began = time.monotonic()
    try:
        if (arguments.base is None) == (arguments.recorded is None):
            raise BadInput("name a commit, or two folders with --recorded")
        accepted = read_accepted(arguments.accept) if arguments.accept else []
        if arguments.recorded:
            before, after = map(read_recording, arguments.recorded)
            return _report(compare(before, after, accepted), arguments, began)
        with _sides(arguments) as sides:
            if arguments.upgrade:
                upgrade(*sides)
            else:
                collections = load_collections(arguments.questions)
                with ThreadPoolExecutor(arguments.jobs) as pool:
                    list(pool.map(lambda side: side.record(collections), sides))
            before, after = (read_recording(side.folder) for side in sides)
            return _report(compare(before, after, accepted), arguments, began)
    except BadInput as exc:
        print(f"golden: {exc}", file=sys.stderr)
        return 2


def load_collections(names: Sequence[str]) -> list[Collection]:
    """The questions of each source, by what they are about.

    Raises:
        BadInput: a source is none of `SOURCES` and no folder of questions and papers.
    """
    about_seeds: list[Item] = []
    folders = []
    for name in dict.fromkeys(names):
        if name == "choose":
            about_seeds += [item for item in _items(FIXED, name) if "question" in item and _is_choose(item)]
        elif name == "fresh":
            about_seeds += _items(FRESH, name)
        elif name == "conversations":
            about_seeds += [item for item in _items(FIXED, name) if "turns" in item and _is_choose(item)]
            about_seeds += _items(TALKS, name)
        else:
            folder = Path(name).resolve()
            questions, papers = folder / "questions.jsonl", folder / "papers"
            if not questions.is_file() or not papers.is_dir():
                raise BadInput(f"{name!r} is no folder of questions.jsonl and papers/, nor one of {', '.join(SOURCES)}")
            folders.append(Collection(folder.name, papers, tuple(_items(questions, folder.name))))
    return [*([Collection("seeds", SEEDS, tuple(about_seeds))] if about_seeds else []), *folders]


def _items(path: Path, source: str) -> list[Item]:
    """What a question file asks, read without the product: its loader may differ from side to side."""
    found: list[Item] = []
    for line in filter(str.strip, path.read_text("utf-8-sig").split("\n")):
        fields = json.loads(line)
        name = f"{source}:{fields['id']}"
        if "turns" in fields:
            found.append({"id": name, "turns": [turn["question"] for turn in fields["turns"]]})
        else:
            found.append({"id": name, "question": fields["question"]})
    return found


def _is_choose(item: Item) -> bool:
    """As `EvalQuestion.split` tells the half of the set that may be looked at."""
    return int(hashlib.sha256(item["id"].partition(":")[2].encode()).hexdigest(), 16) % 2 == 0


def upgrade(base: Side, tree: Side) -> None:
    """BASE writes settings, an index, a conversation and feedback; then each side goes on with them, BASE first."""
    home = base.folder / "user"
    home.mkdir(parents=True)
    tree.folder.mkdir(parents=True)
    example = (base.tree / ".env.example").read_text("utf-8")
    settings = dict(re.findall(r"^#(ASSISTANT_\w+)=(.*)$", example, re.MULTILINE)) | CHANGED
    (home / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()), "utf-8")
    _tell("before: ingests and talks")
    base.command("ingest", str(SEEDS), cwd=home, needed=True)
    base.command("assistant", "chat", cwd=home, typed="\n".join(TALK), needed=True)
    base.ask([{"folder": str(home), "items": [], "rate": rating} for rating in RATINGS])
    for side in (base, tree):
        _tell(f"{side.name}: goes on")
        for words, typed in GOING_ON:
            printed = side.command("assistant", *words, cwd=home, typed=typed, needed=True)
            side.note(f"upgrade:{' '.join(words).strip()}", "command", printed)
        side.ask([{"folder": str(home), "items": _items(TALKS, "upgrade")}])
        again = side.command("ingest", "--json", str(SEEDS), cwd=home, needed=True)
        side.note("upgrade:ingest --json", "command", again)
        if '"embedded": 0,' not in again:  # on neither side: the name of one is in the id, so that it is a difference
            side.note(f"upgrade:{side.name} does not leave the index as it is", "command", again)


@contextlib.contextmanager
def _sides(arguments: argparse.Namespace) -> Iterator[tuple[Side, Side]]:
    """The commit in a git worktree of its own, and the working tree, each with a folder to work in."""
    with tempfile.TemporaryDirectory(prefix="golden-", ignore_cleanup_errors=True) as temporary:
        tree = Path(temporary) / "tree"
        kept = arguments.keep or Path(temporary)
        if any((kept / name).exists() for name in ("before", "after")):
            raise BadInput(f"{str(kept)!r} has recordings already; name another folder with --keep")
        threads = max(1, (os.cpu_count() or 1) // arguments.jobs)
        added = _git("worktree", "add", "--detach", str(tree), arguments.base)
        if added.returncode:
            raise BadInput(f"{arguments.base!r} cannot be checked out: {added.stderr.strip()}")
        try:
            yield (
                Side("before", tree, (kept / "before").resolve(), threads),
                Side("after", ROOT, (kept / "after").resolve(), threads),
            )
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)


def _report(found: Comparison, arguments: argparse.Namespace, began: float) -> int:
    """Print what was found; returns the exit status."""
    seconds = round(time.monotonic() - began, 1)
    if arguments.json:
        summary = {"schema": 1, "base": arguments.base, "seconds": seconds, **found.as_json()}
        print(json.dumps(summary, ensure_ascii=False))
        return 1 if found.open else 0
    print("\n".join(found.table()))
    groups = list(found.groups())
    for lines in groups[:arguments.show]:
        print("\n" + "\n".join(lines))
    if len(groups) > arguments.show:
        print(f"\n… and {len(groups) - arguments.show} kinds of difference more; --show {len(groups)} shows all")
    for line in found.unused:
        print(f"\naccepted, and not seen: {line.output} of {line.id} ({line.reason})")
    verdict = f"different: {len(found.open)} outputs, of {len(groups)} kinds" if found.open else "no difference"
    print(f"\n{verdict}{', but for what is accepted' if found.accepted else ''}; {seconds} s")
    return 1 if found.open else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("base", nargs="?", metavar="BASE", help="the commit to compare the working tree with")
    add("--questions", nargs="+", default=SOURCES, metavar="SOURCE",
        help="choose, fresh, conversations, or a folder of questions.jsonl and papers/ (default: the three)")
    add("--upgrade", action="store_true", help="instead: open what BASE wrote with the working tree")
    add("--recorded", nargs=2, type=Path, metavar=("BEFORE", "AFTER"), help="instead: compare what --keep kept")
    add("--accept", type=Path, metavar="FILE.jsonl", help="differences that are meant")
    add("--keep", type=Path, metavar="FOLDER", help="keep what the sides wrote, in before/ and after/ there")
    add("--jobs", type=int, choices=(1, 2), default=2, help="sides that work at once (default: 2)")
    add("--show", type=int, default=20, metavar="N", help="kinds of difference shown (default: 20)")
    add("--json", action="store_true", help="print all differences as JSON")
    return parser


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
