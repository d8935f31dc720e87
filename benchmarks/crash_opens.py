"""Opening an index again and again from several processes at once, with nobody writing and with a writer at work."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from crash_stage import Corpus, Options, Probe, Said, Tally, made, progress

READERS = 4
STEP = 10        # opens between two points of the progress bar
ATTEMPTS = 20    # of the writer at having answers, as openings fail
PROCESSES = 0.1  # of the opens beside a writer: more, by a fresh process each


@dataclass
class Opens:
    """What one way of opening came to."""

    count: int = 0
    ms: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)  # question, digest of the answer

    def compare(self, allowed: set[tuple[str, str]]) -> None:
        """Count as failures the answers that no finished state gives."""
        for (question, answer), times in self.answers.items():
            if (question, answer) not in allowed:
                self.failures[f"an answer of no finished state to {question!r}"] += times


def opens(options: Options, count: int) -> Tally:
    """Open ``count`` times without a writer, ``count`` times beside one, and with fresh processes beside one."""
    tally = Tally("opens")
    corpus = Corpus.draw(options.tree / "seeds", options.papers, random.Random(options.seed))
    questions = corpus.request()["questions"][::4]
    home, files = options.work / "opens", options.work / "opened files"
    probe = Probe(options)
    corpus.write(files, "a")
    made(probe, home, files)
    quiet = by_objects(home, options, count, questions, "opens")
    quiet.compare(looked_at(home, questions, probe))
    with writing(home, files, corpus, questions, options, tally) as states:
        busy = by_objects(home, options, count, questions, "opens beside a writer")
        fresh = by_processes(home, options, max(1, int(PROCESSES * count)), questions)
    busy.compare(set().union(*states))
    probe.close()
    rows = [
        row("fresh objects, nobody writes", quiet), row("fresh objects, beside a writer", busy),
        row("fresh processes, beside a writer", fresh),
    ]
    tally.tables.append((["opened by", "opens", "failed", "p50 ms", "p95 ms"], rows))
    tally.notes.append(f"{READERS} at once; {len(states) - 1} ingests beside them")
    for name, way in (("nobody writes", quiet), ("beside a writer", busy), ("processes", fresh)):
        tally.failures += [f"{name}, {n} times: {message}" for message, n in way.failures.most_common()]
    return tally


def looked_at(home: Path, questions: list[str], probe: Probe) -> set[tuple[str, str]]:
    """Question and digest of the answer, of each, while nobody writes."""
    reply = probe("opens", home=str(home), count=len(questions), questions=questions)
    if reply.get("failures", reply):
        raise SystemExit(f"an index that nobody else opens cannot be opened: {reply}")
    return pairs(reply)


def pairs(reply: Said) -> set[tuple[str, str]]:
    """Question and digest of the answer, of each."""
    return {(question, answer) for question, answers in reply.get("answers", {}).items() for answer in answers}


def by_objects(home: Path, options: Options, count: int, questions: list[str], label: str) -> Opens:
    """Fresh objects in processes that stay."""
    found = Opens()

    def one(number: int, probe: Probe) -> Said:
        turned = questions[number % len(questions):] + questions[:number % len(questions)]
        return probe("opens", home=str(home), count=min(STEP, count), questions=turned)

    probes = [Probe(options) for _ in range(READERS)]
    shares = [range(reader, max(1, count // STEP), READERS) for reader in range(READERS)]
    with progress(label, sum(map(len, shares))) as advance, ThreadPoolExecutor(READERS) as pool:
        def reader(which: int) -> None:
            for number in shares[which]:
                reply = one(number, probes[which])
                advance()
                found.count += min(STEP, count)
                if "failures" not in reply:
                    found.failures[str(reply.get("told") or reply["crashed"])] += 1
                    continue
                found.failures.update(reply["failures"])
                found.ms += reply["ms"]
                for question, answers in reply["answers"].items():
                    found.answers.update((question, answer) for answer in answers)

        list(pool.map(reader, range(READERS)))
    for probe in probes:
        probe.close()
    return found


def by_processes(home: Path, options: Options, count: int, questions: list[str]) -> Opens:
    """``assistant ask`` in a process of its own."""
    found = Opens(count)
    with progress("fresh processes", count) as advance, ThreadPoolExecutor(READERS) as pool:
        def one(number: int) -> None:
            done = options.run(home, "assistant", "ask", questions[number % len(questions)])
            if done.returncode or not done.stdout.strip():
                found.failures[f"exit {done.returncode}: {done.stderr.strip()[-300:]}"] += 1
            advance()

        list(pool.map(one, range(count)))
    return found


@contextmanager
def writing(
    home: Path, files: Path, corpus: Corpus, questions: list[str], options: Options, tally: Tally
) -> Iterator[list[set[tuple[str, str]]]]:
    """One ingest after the other meanwhile, each third a rebuild; gives what each left answers, the first state's too.

    Asked after each, because word statistics depend on what was deleted before.
    """
    over = threading.Event()
    probe = Probe(options)
    states = [looked_at(home, questions, probe)]

    def write() -> None:
        while not over.is_set():
            rebuild = len(states) % 3 == 0
            if not rebuild:
                corpus.write(files, ("a", "swapped")[len(states) % 2])
            reply = probe("run", home=str(home), argv=["rebuild"] if rebuild else [str(files)])
            if reply.get("status") != 0:
                said = reply.get("crashed") or reply.get("told") or reply["err"]
                tally.failures.append(f"{'a rebuild' if rebuild else 'an ingest'} failed: {said}")
            state: set[tuple[str, str]] = set()
            for _ in range(ATTEMPTS):
                reply = probe("opens", home=str(home), count=len(questions), questions=questions)
                state |= pairs(reply)
                if not reply.get("failures", True):
                    break
            states.append(state)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            yield states
        finally:
            over.set()
            writer.result()
            probe.close()


def row(name: str, way: Opens) -> list[str]:
    """A line of the table."""
    p50 = f"{median(way.ms):.0f}" if way.ms else "–"
    p95 = f"{quantiles(way.ms, n=20)[18]:.0f}" if len(way.ms) > 1 else "–"
    return [name, str(way.count), str(sum(way.failures.values())), p50, p95]
