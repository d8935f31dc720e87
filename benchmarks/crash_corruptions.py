"""Damage to one file of an index: who says so, whether the command that is named mends it, and wrong answers.

Each damage is done to two copies. One is asked (and checked, where ``assistant status --check`` exists), and mended as
the message says; the other is ingested into, and mended as that says. Both must end as before, or never have differed.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crash_damages import DAMAGES, NEED_CONTENT, NOT_AS_ROOT
from crash_stage import Corpus, Options, Probe, Tally, commands, copy_of, differences, made, side_by_side
from crash_trace import end, part_of, start

STEPS = 3            # commands followed, each named by the one before
ASKED = 10           # questions of each asking
TRIES = 20           # at killing an ingest while its journal is there
BROKEN = re.compile(r"Traceback|PanicException|panicked|core dumped|Segmentation")


@dataclass(frozen=True)
class Template:
    """An index to damage, and what it must become."""

    name: str
    home: Path
    files: Path
    answers: dict[str, Any]  # question -> answer before the damage
    wanted: dict[str, Any]   # the state after the files are ingested
    fresh: dict[str, Any]    # question -> answer of a first ingest of them, whose word statistics are other


@dataclass(frozen=True)
class Corruption:
    """One damage to one file."""

    number: int
    template: Template
    file: str  # below the index folder
    kind: str
    seed: int


@dataclass
class Outcome:
    """What came of it."""

    corruption: Corruption
    ask: str = ""     # "same answers", "other answers" or the message
    check: str = ""   # "" where there is no check, "says nothing", or the message
    ingest: str = ""  # "done" or the message
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        """What was damaged, what went wrong, and what was said."""
        damaged = f"{self.corruption.file} of the {self.corruption.template.name} index, {self.corruption.kind}"
        return f"{damaged}: {'; '.join(self.faults)} [ask: {self.ask}; check: {self.check}; ingest: {self.ingest}]"


# -- all of them


def corruptions(options: Options, count: int) -> Tally:
    """Damage ``count`` times, every file and every kind in turn."""
    tally = Tally("corruptions")
    rng = random.Random(options.seed)
    corpus = Corpus.draw(options.tree / "seeds", options.papers, rng)
    checks = "--check" in options.run(options.work / "none", "assistant", "status", "--help").stdout
    tally.notes.append(f"assistant status --check {'is used' if checks else 'does not exist'}")
    if os.geteuid() == 0:
        tally.notes.append("nothing is unreadable to root: that damage is left out")
    probe = Probe(options)
    templates = [finished(corpus, options, probe), *interrupted(corpus, options, probe)]
    probe.close()
    if len(templates) == 1:
        tally.notes.append("no ingest could be killed while its journal was there: journal and log stay whole")
    outcomes = []
    for outcome in side_by_side(
        "corruptions", options, choose(templates, count, rng),
        lambda corruption, own: undergo(corruption, corpus, options, own, checks=checks),
    ):
        outcomes.append(outcome)
        if outcome.faults:
            print(outcome.line(), file=sys.stderr)
    report(tally, outcomes)
    return tally


def finished(corpus: Corpus, options: Options, probe: Probe) -> Template:
    """An index that nothing happened to."""
    home, files = options.work / "whole", options.work / "whole files"
    corpus.write(files, "a")
    made(probe, home, files)
    return described("finished", home, files, corpus, probe, wanted_at=home)


def interrupted(corpus: Corpus, options: Options, probe: Probe) -> list[Template]:
    """An index whose ingest was killed, with journal and write-ahead log; none if it always ended too soon."""
    files, after = options.work / "cut files", options.work / "cut after"
    corpus.write(files, "a")
    before = made(probe, options.work / "cut before", files)
    corpus.write(files, "changed")
    for attempt in range(TRIES):
        home = options.work / f"cut {attempt}"
        shutil.copytree(before, home)
        index = home / "index"
        process = start(options.command("ingest", str(files)), home, options)
        while process.poll() is None and not both(index):
            time.sleep(0.0005)
        end(process)
        if both(index):
            shutil.copytree(home, after)
            made(probe, after, files)
            return [described("interrupted", home, files, corpus, probe, wanted_at=after)]
    return []


def both(index: Path) -> bool:
    """Whether there is a journal, and something in the write-ahead log."""
    log = index / "papers.sqlite-wal"
    return (index / "journal.json").exists() and log.exists() and log.stat().st_size > 0


def described(name: str, home: Path, files: Path, corpus: Corpus, probe: Probe, *, wanted_at: Path) -> Template:
    """With what it answers and what it must become; from copies, as looking tidies up logs."""
    request = corpus.request()
    with copy_of(home, home.with_name(f"{name} looked at"), keep=lambda: False) as copy:
        answers = probe("look", home=str(copy), questions=request["questions"][:ASKED])
    wanted = probe("state", home=str(wanted_at), **request)
    with copy_of(None, home.with_name(f"{name} anew"), keep=lambda: False) as anew:
        fresh = probe("state", home=str(made(probe, anew, files)), **request)
    if "answers" not in answers or "vectors" not in wanted:
        raise SystemExit(f"{name}: the index does not answer before it is damaged: {answers} {wanted}"[:2000])
    return Template(name, home, files, answers["answers"], wanted, fresh["answers"])


def choose(templates: Sequence[Template], count: int, rng: random.Random) -> list[Corruption]:
    """The parts of the index in turn, of each its files in turn, with the kinds that were done least."""
    kinds = [kind for kind in DAMAGES if kind != NOT_AS_ROOT or os.geteuid() != 0]
    left: dict[str, list[tuple[Template, str, str]]] = {}  # part -> file and kind of those not yet done
    for template in templates:
        index = template.home / "index"
        for path in sorted(index.rglob("*")):
            file = str(path.relative_to(index))
            in_progress = file.endswith(("-wal", "-shm", "journal.json"))
            if path.is_file() and in_progress == (template.name != "finished"):
                possible = [kind for kind in kinds if path.stat().st_size or kind not in NEED_CONTENT]
                left.setdefault(part(file), []).extend((template, file, kind) for kind in possible)
    chosen: list[Corruption] = []
    done: Counter[str] = Counter()
    while len(chosen) < count and any(left.values()):
        for those in (left[name] for name in sorted(left) if left[name]):
            if len(chosen) < count:
                rng.shuffle(those)
                those.sort(key=lambda one: (done[re.sub(r"[0-9a-f-]{32,36}", "#", one[1])], done[one[2]]))
                template, file, kind = those.pop(0)
                done.update([re.sub(r"[0-9a-f-]{32,36}", "#", file), kind])
                chosen.append(Corruption(len(chosen), template, file, kind, rng.randrange(2**32)))
    return chosen


def part(file: str) -> str:
    """The part of the index that a file belongs to."""
    return part_of(f"/index/{file}>")


# -- one of them


def undergo(corruption: Corruption, corpus: Corpus, options: Options, probe: Probe, *, checks: bool) -> Outcome:
    """Damage, ask, check and mend; damage another copy, ingest and mend."""
    outcome = Outcome(corruption)
    folder = options.work / f"corruption {corruption.number}"
    template = corruption.template

    def damaged(name: str) -> Any:
        home = folder / name
        copied = copy_of(template.home, home, keep=lambda: bool(outcome.faults) and options.keep)
        return copied, home

    copied, home = damaged("asked")
    with copied:
        damage(corruption, home)
        told = ask(outcome, home, options)
        if checks:
            done = options.run(home, "assistant", "status", "--check")
            outcome.check = heard(outcome, "status --check", done.returncode, done.stderr) or "says nothing"
            told = told or (outcome.check if done.returncode else "")
        if told:
            if mended := mend(outcome, told, template, home, probe):
                compare(outcome, f"after {mended}", template, home, corpus, probe)
        elif outcome.ask == "other answers":
            outcome.faults.append("ask gives other answers, and nobody says that the index is damaged")
    copied, home = damaged("ingested")
    with copied:
        damage(corruption, home)
        done = options.run(home, "ingest", str(template.files))
        message = heard(outcome, "ingest", done.returncode, done.stderr)
        outcome.ingest = message or "done"
        mended = mend(outcome, message, template, home, probe) if message else "ingest"
        if mended:
            compare(outcome, f"after {mended}", template, home, corpus, probe, harmless=not message and not told)
    return outcome


def damage(corruption: Corruption, home: Path) -> None:
    """The same to each copy."""
    DAMAGES[corruption.kind](home / "index" / corruption.file, random.Random(corruption.seed))


def ask(outcome: Outcome, home: Path, options: Options) -> str:
    """Ask some questions by the command; what it says against the index, "" if it answers."""
    answers = outcome.corruption.template.answers
    batch = home / "questions.jsonl"
    batch.write_text("\n".join(json.dumps({"question": question}) for question in answers))
    done = options.run(home, "assistant", "ask", "--batch", str(batch))
    answered = done.returncode == 1 and done.stdout.strip()  # 1, too, if one of the lines has an error
    if message := heard(outcome, "ask", 0 if answered else done.returncode, done.stderr):
        outcome.ask = message
        return message
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    errors = [reply["error"] for reply in replies if "error" in reply]
    for error in errors:
        heard(outcome, "ask", 1, error)
    given = [reply for reply in replies if "error" not in reply]
    other = [reply["question"] for reply in given if not same(reply, answers[reply["question"]])]
    outcome.ask = errors[0] if errors else "other answers" if other else "same answers"
    if errors and other:
        outcome.faults.append(f"ask answers {other[0]!r} otherwise before it says that the index is damaged")
    return errors[0] if errors else ""


def same(answer: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether a reader sees the same."""
    return all(answer[key] == before[key] for key in ("text", "abstained", "citations", "items"))


def heard(outcome: Outcome, who: str, status: int, errors: str) -> str:
    """The message of a command that failed, "" if it did not; faults are what is no message for a user."""
    message = errors.strip().rpartition("\n")[2] or f"exit {status}"
    if BROKEN.search(errors) or status not in (0, 1):
        outcome.faults.append(f"{who} breaks with exit status {status}: {message}")
    elif status and not commands(message):
        outcome.faults.append(f"{who} names no command: {message}")
    return message if status else ""


def mend(outcome: Outcome, message: str, template: Template, home: Path, probe: Probe) -> str:
    """Do what a message says, and what that says, and ingest the files; what was done, "" if it names no command."""
    steps: list[str] = []
    ingest = [str(template.files)]
    while message and len(steps) < STEPS and (told := commands(message)):
        steps.append(told[0])
        if told[0] == "move":
            (home / "index").rename(home / f"moved away {len(steps)}")
        reply = probe("run", home=str(home), argv=["rebuild"] if told[0] == "rebuild" else ingest)
        if "crashed" in reply:
            outcome.faults.append(f"{told[0]} breaks: {reply['crashed']}")
            break
        message = str(reply.get("told") or (reply["err"] if reply["status"] else ""))
        if reply.get("status") == 2:
            outcome.faults.append(f"{told[0]}, as told, is refused: {message}")
    if steps and steps[-1] == "rebuild" and not message:
        probe("run", home=str(home), argv=ingest)
    return " then ".join(steps)


def compare(
    outcome: Outcome, when: str, template: Template, home: Path, corpus: Corpus, probe: Probe, *, harmless: bool = False
) -> None:
    """The state must be that of an index never damaged; where nobody said anything, at least its answers."""
    reply = probe("state", home=str(home), **corpus.request())
    if "vectors" not in reply:
        outcome.faults.append(f"{when} it does not answer: {reply.get('told') or reply['crashed']}")
        return
    for question, answer in reply["answers"].items():
        if not any(same(answer, right[question]) for right in (template.wanted["answers"], template.fresh)):
            outcome.faults.append(f"{when} another answer is given to {question!r}")
    apart = [line for line in differences(reply, template.wanted) if not line.startswith("answers")]
    if not harmless:
        outcome.faults += [f"{when}: {line}" for line in apart]
    elif apart:
        outcome.ingest = f"done, silent: {apart[0].partition(':')[0]} differ"


# -- the report


def report(tally: Tally, outcomes: Sequence[Outcome]) -> None:
    """Tables by part and by kind, and of what was said; every failed corruption a line."""
    keys: dict[str, Callable[[Corruption], str]] = {
        "part of the index": lambda corruption: part(corruption.file), "damage": lambda corruption: corruption.kind,
    }
    for head, key in keys.items():
        rows: dict[str, Counter[str]] = {}
        for outcome in outcomes:
            counts = rows.setdefault(key(outcome.corruption), Counter())
            counts.update(["all", verdict(outcome), *(["failed"] if outcome.faults else [])])
        columns = ["all", "harmless", "told by ask", "told by check", "told by ingest", "silent", "failed"]
        cells = [[name, *(str(counts[column]) for column in columns)] for name, counts in sorted(rows.items())]
        tally.tables.append(([head, *columns], cells))
    said = Counter(
        nameless(line) for outcome in outcomes for line in (outcome.ask, outcome.check, outcome.ingest)
        if line and line not in ("same answers", "says nothing", "done")
    )
    tally.tables.append((["said", "times"], [[line, str(n)] for line, n in said.most_common()]))
    tally.failures += [outcome.line() for outcome in outcomes if outcome.faults]


def nameless(line: str) -> str:
    """A message without the names of files that differ each time, and who said it."""
    line = re.sub(r"[0-9a-f]{32}", "#", line.removeprefix("assistant: ").removeprefix("ingest: "))
    return re.sub(r"/[^\"']*/index/", "…/index/", line)


def verdict(outcome: Outcome) -> str:
    """Who first says that the index is damaged."""
    if outcome.ask not in ("same answers", "other answers"):
        return "told by ask"
    if outcome.check not in ("", "says nothing"):
        return "told by check"
    if not outcome.ingest.startswith("done"):
        return "told by ingest"
    return "silent" if outcome.ingest != "done" or outcome.ask == "other answers" else "harmless"
