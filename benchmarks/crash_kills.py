"""Kills of ``ingest``: at the nth system call that touches the index, by strace, and at random moments.

After each kill a question is asked, the same command is run again, and the index is compared with one that was never
disturbed. Strace counts calls by thread and by name, so a place to kill at is "the first thread's nth call of a name".
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crash_stage import Corpus, Options, Probe, Tally, commands, copy_of, differences, made, side_by_side
from crash_trace import ENTRY, TRIES, Call, can_trace, end, first_hits, part_of, sample, start, traced

SCENARIOS = {  # name -> state of the files before, if there is an index, and when the command runs; its words
    "fresh": (None, "a", ("FILES",)),
    "add": ("a", "more", ("FILES",)),
    "update": ("a", "changed", ("FILES",)),
    "remove": ("a", "a", ("remove", "second.txt")),
    "rebuild": ("a", "a", ("rebuild",)),
}
NO_STRACE = "strace is missing or may not trace (apt-get install strace): all kills are at random moments"


@dataclass
class Scenario:
    """A command that changes an index, and what comes of it when nobody disturbs it."""

    name: str
    words: tuple[str, ...]
    template: Path | None                   # home folder before
    calls: list[Call] = field(default_factory=list)
    span_s: tuple[float, float] = (0, 0)    # of the process: when it first touches the index, and its end
    wanted: dict[str, Any] = field(default_factory=dict)       # the state after
    papers: dict[str, set[str]] = field(default_factory=dict)  # paper_id -> digests, before and after
    anchors: dict[str, str] = field(default_factory=dict)      # question -> the paper its answer must cite first


@dataclass(frozen=True)
class Kill:
    """One kill to make: at one of these calls, or at these shares of the time the command takes."""

    number: int
    scenario: Scenario
    calls: tuple[Call, ...]
    shares: tuple[float, ...]


@dataclass
class Outcome:
    """What came of a kill."""

    scenario: str
    manner: str  # "call" or "moment"
    place: str = "not reached"
    part: str = ""
    said: str = ""   # by ask
    again: str = ""  # by the command run again, if it did not just do it
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Where it was and what went wrong."""
        return f"{self.scenario}, killed at {self.place}: {'; '.join(self.faults)}"


def kills(options: Options, *, calls: int, moments: int, names: Sequence[str]) -> Tally:
    """Make them all, spread evenly over the scenarios."""
    tally = Tally("kills")
    rng = random.Random(options.seed)
    corpus = Corpus.draw(options.tree / "seeds", options.papers, rng)
    strace = can_trace(options)
    if not strace:
        tally.notes.append(NO_STRACE)
        calls, moments = 0, calls + moments
    scenarios = list(side_by_side(
        "undisturbed runs", options, names, lambda name, probe: prepare(name, corpus, options, probe, tally, strace)
    ))
    todo: list[Kill] = []
    for position, scenario in enumerate(scenarios):
        for places in sample(scenario.calls, share(calls, position, len(scenarios)), rng):
            todo.append(Kill(len(todo), scenario, places, ()))
        for _ in range(share(moments, position, len(scenarios))):
            todo.append(Kill(len(todo), scenario, (), tuple(rng.random() for _ in range(TRIES))))
    outcomes = []
    for outcome in side_by_side("kills", options, todo, lambda kill, probe: undergo(kill, corpus, options, probe)):
        outcomes.append(outcome)
        if outcome.faults:
            print(outcome.line(), file=sys.stderr)
    report(tally, outcomes, names)
    return tally


def share(total: int, position: int, parts: int) -> int:
    """How many of ``total`` fall to one of ``parts``."""
    return total // parts + (position < total % parts)


# -- what an undisturbed run does


def prepare(
    name: str, corpus: Corpus, options: Options, probe: Probe, tally: Tally, strace: bool
) -> Scenario:
    """Make the index before, run the command on a copy, and once more under strace to count its calls."""
    before, after, words = SCENARIOS[name]
    folder = options.work / name
    files = folder / "files"
    words = tuple(str(files) if word == "FILES" else word for word in words)
    scenario = Scenario(name, words, folder / "before" if before else None)
    corpus.write(files, before or after)
    if scenario.template:
        made(probe, scenario.template, files)
    corpus.write(files, after)
    request = corpus.request()
    with copy_of(scenario.template, folder / "after", keep=lambda: False) as home:
        scenario.span_s = timed(scenario, home, options)
        reply = probe("state", home=str(home), **request)
        if "vectors" not in reply:
            raise SystemExit(f"{name}: an undisturbed run left no index: {reply}")
        scenario.wanted = reply
        seen = [probe("look", home=str(home), questions=anchors(corpus))]
    if scenario.template:
        seen.append(probe("look", home=str(scenario.template), questions=anchors(corpus)))
    for look in seen:
        for paper, text in look["papers"].items():
            scenario.papers.setdefault(paper, set()).add(text)
    for question in anchors(corpus):
        first = {tuple(c["paper_id"] for c in look["answers"][question]["citations"][:1]) for look in seen}
        if len(first) == 1 and (cited := first.pop()):
            scenario.anchors[question] = cited[0]
    with copy_of(scenario.template, folder / "traced", keep=lambda: False) as home:
        if strace:
            scenario.calls = first_hits(traced(scenario.words, home, options))
        else:
            options.run(home, "ingest", *words)
        apart = differences(probe("state", home=str(home), **request), scenario.wanted)
        tally.failures += [f"{name}: two undisturbed runs differ in {line}" for line in apart]
    return scenario


def anchors(corpus: Corpus) -> list[str]:
    """Questions about papers that are there before and after every command but the first ingest."""
    return [f"what is {title} about?" for title, _ in corpus.titled[:2]]


def timed(scenario: Scenario, home: Path, options: Options) -> tuple[float, float]:
    """Run the command; seconds until it first takes the lock, and until it ends."""
    lock = home / "index" / "write.lock"
    lock.unlink(missing_ok=True)
    began = time.perf_counter()
    process = start(options.command("ingest", *scenario.words), home, options)
    touched = 0.0
    while process.poll() is None:
        if not touched and lock.exists():
            touched = time.perf_counter() - began
        time.sleep(0.002)
    return touched, time.perf_counter() - began


# -- one kill


def undergo(kill: Kill, corpus: Corpus, options: Options, probe: Probe) -> Outcome:
    """Kill, ask, run again, compare."""
    scenario = kill.scenario
    outcome = Outcome(scenario.name, "call" if kill.calls else "moment")
    folder = options.work / "kills" / str(kill.number)
    for attempt in range(TRIES):
        home = folder.with_name(f"{kill.number}-{attempt}")
        with copy_of(scenario.template, home, keep=lambda: bool(outcome.faults) and options.keep):
            if kill.calls:
                place, part = at_call(kill.calls[attempt], scenario, home, options)
            else:
                place, part = at_moment(kill.shares[attempt], scenario, home, options), ""
            if not place:
                continue
            outcome.place, outcome.part = place, part
            look(outcome, scenario, home, probe)
            again(outcome, scenario, home, corpus, probe)
            if outcome.faults and options.keep:
                outcome.place += f" (kept: {home})"
            return outcome
    return outcome


def at_call(call: Call, scenario: Scenario, home: Path, options: Options) -> tuple[str, str]:
    """Kill at a call; where that was, or "" if the command ended before."""
    home.parent.mkdir(parents=True, exist_ok=True)
    lines = traced(scenario.words, home, options, call=call)
    if not any("killed by SIGKILL" in line for line in lines):
        return "", ""
    entries = [found for line in lines if (found := ENTRY.match(line))]
    part = part_of(entries[-1][2]) if entries else ""
    return f"{call.name} no. {call.n}, {part or call.part}", part or call.part


def at_moment(share: float, scenario: Scenario, home: Path, options: Options) -> str:
    """Kill after a share of the time from the first touch to the end; when that was, or "" if it ended before."""
    first, last = scenario.span_s
    wait = first + share * (last - first)
    process = start(options.command("ingest", *scenario.words), home, options)
    try:
        process.wait(timeout=wait)
        return ""
    except subprocess.TimeoutExpired:
        return f"after {wait:.2f} of {last:.2f} s"
    finally:
        end(process)


def look(outcome: Outcome, scenario: Scenario, home: Path, probe: Probe) -> None:
    """Ask: whole papers answer, or there is no index or no paper yet and the command is named."""
    reply = probe("look", home=str(home), questions=[*scenario.anchors, "list all papers"])
    if "crashed" in reply:
        outcome.said = reply["crashed"]
        outcome.faults.append(f"ask breaks: {reply['crashed']}")
    elif "told" in reply:
        outcome.said = reply["told"]
        if commands(outcome.said) in (["rebuild"], ["move"]):
            outcome.faults.append(f"ask tells to do more than run it again: {outcome.said}")
        elif scenario.template or "ingest" not in outcome.said:
            outcome.faults.append(f"ask does not answer: {outcome.said}")
    else:
        outcome.said = f"answers from {len(reply['papers'])} papers"
        texts = [answer["text"] for answer in reply["answers"].values()]
        if not reply["papers"] and not all("ingest" in text for text in texts):
            outcome.faults.append(f"ask says of no papers, without the command: {texts[-1]}")
        torn = [paper for paper, text in reply["papers"].items() if text not in scenario.papers.get(paper, ())]
        if torn:
            outcome.faults.append(f"{len(torn)} papers are neither as before nor as after, such as {torn[0]}")
        for question, paper in scenario.anchors.items():
            cited = [citation["paper_id"] for citation in reply["answers"][question]["citations"]]
            if paper in reply["papers"] and cited[:1] != [paper]:
                outcome.faults.append(f"another answer to {question!r}: {reply['answers'][question]['text'][:100]!r}")


def again(outcome: Outcome, scenario: Scenario, home: Path, corpus: Corpus, probe: Probe) -> None:
    """Run the command again; the index must be as if nothing had happened."""
    reply = probe("run", home=str(home), argv=list(scenario.words))
    outcome.again = str(reply.get("crashed") or reply.get("told") or (reply["err"] if reply["status"] else ""))
    done_before = reply.get("status") == 2 and "no file of the collection is called" in outcome.again
    if outcome.again and not done_before:
        outcome.faults.append(f"the command run again fails: {outcome.again}")
    reply = probe("state", home=str(home), **corpus.request())
    if "vectors" in reply:
        outcome.faults += [f"not as an undisturbed run: {line}" for line in differences(reply, scenario.wanted)]
    else:
        outcome.faults.append(f"no answers after the command was run again: {reply.get('told') or reply['crashed']}")


# -- the report


def report(tally: Tally, outcomes: Sequence[Outcome], names: Sequence[str]) -> None:
    """Tables by scenario, by place, and of what was said; every failed kill a line."""
    rows = []
    for name in names:
        own = [outcome for outcome in outcomes if outcome.scenario == name and outcome.said]
        kinds = Counter(outcome.manner for outcome in own)
        rows.append([
            name, str(kinds["call"]), str(kinds["moment"]),
            str(sum(outcome.said.startswith("answers") for outcome in own)),
            str(sum(not outcome.said.startswith("answers") for outcome in own)),
            str(sum(bool(outcome.faults) for outcome in own)),
        ])
    rows.append(["all", *(str(sum(int(row[column]) for row in rows)) for column in range(1, 6))])
    tally.tables.append((
        ["scenario", "killed at a call", "at a moment", "then answers", "then says there is none", "failed"], rows
    ))
    parts = Counter(outcome.part for outcome in outcomes if outcome.part)
    tally.tables.append((["killed at a call on", "times"], [[part, str(n)] for part, n in sorted(parts.items())]))
    said = Counter((outcome.scenario, line) for outcome in outcomes for line in (outcome.said, outcome.again) if line)
    lines = [[*key, str(n)] for key, n in sorted(said.items())]
    tally.tables.append((["scenario", "said after a kill", "times"], lines))
    missed = sum(not outcome.said for outcome in outcomes)
    if missed:
        tally.notes.append(f"{missed} kills came after the end of the command and were left out")
    tally.failures += [outcome.line() for outcome in outcomes if outcome.faults]
