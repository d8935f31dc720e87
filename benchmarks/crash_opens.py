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
PROCESSES = 0.1  # of the opens beside a writer: more, by a fresh process each


@dataclass
class Opens:
    """What one way of opening came to."""

    count: int = 0
    ms: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


def opens(options: Options, count: int) -> Tally:
    """Open ``count`` times without a writer, ``count`` times beside one, and with fresh processes beside one."""
    tally = Tally("opens")
    corpus = Corpus.draw(options.tree / "seeds", options.papers, random.Random(options.seed))
    questions = corpus.request()["questions"][::4]
    home, files = options.work / "opens", options.work / "opened files"
    probe = Probe(options)
    allowed: dict[str, set[str]] = {question: set() for question in questions}
    for state in ("a", "swapped", "a"):  # each as it is after the other, as the writer will leave it
        corpus.write(files, state)
        made(probe, home, files)
        reply = probe("opens", home=str(home), count=len(questions), questions=questions)
        if reply["failures"]:
            raise SystemExit(f"the index cannot be opened: {reply['failures'][0]}")
        for question, digests in reply["answers"].items():
            allowed[question] |= set(digests)
    probe.close()
    rows = []
    quiet = by_objects(home, options, count, questions, allowed, "opens")
    rows.append(row("fresh objects, nobody writes", quiet))
    with writing(home, files, corpus, options, tally) as written:
        busy = by_objects(home, options, count, questions, allowed, "opens beside a writer")
        fresh = by_processes(home, options, max(1, int(PROCESSES * count)), questions)
    rows.append(row("fresh objects, beside a writer", busy))
    rows.append(row("fresh processes, beside a writer", fresh))
    tally.tables.append((["opened by", "opens", "failed", "p50 ms", "p95 ms"], rows))
    tally.notes.append(f"{READERS} at once; {len(written)} ingests beside them")
    for name, way in (("nobody writes", quiet), ("beside a writer", busy), ("processes", fresh)):
        tally.failures += [f"{name}, {n} times: {message}" for message, n in way.failures.most_common()]
    return tally


def by_objects(
    home: Path, options: Options, count: int, questions: list[str], allowed: dict[str, set[str]], label: str
) -> Opens:
    """Fresh objects in processes that stay, and answers that are those of one finished state."""
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
                for question, digests in reply["answers"].items():
                    strange = sum(digest not in allowed[question] for digest in digests)
                    if strange:
                        found.failures[f"an answer of no finished state to {question!r}"] += strange

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
def writing(home: Path, files: Path, corpus: Corpus, options: Options, tally: Tally) -> Iterator[list[str]]:
    """One ingest after the other meanwhile, each third a rebuild; gives what they did."""
    over = threading.Event()
    done: list[str] = []
    probe = Probe(options)

    def write() -> None:
        while not over.is_set():
            state = ("swapped", "a")[len(done) % 2]
            argv = [str(files)]
            if len(done) % 3 == 2:
                argv = ["rebuild"]
            else:
                corpus.write(files, state)
            reply = probe("run", home=str(home), argv=argv)
            done.append(argv[0])
            if reply.get("status") != 0:
                tally.failures.append(f"the writer failed: {reply.get('crashed') or reply.get('told') or reply['err']}")

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            yield done
        finally:
            over.set()
            writer.result()
            probe.close()


def row(name: str, way: Opens) -> list[str]:
    """A line of the table."""
    p50 = f"{median(way.ms):.0f}" if way.ms else "–"
    p95 = f"{quantiles(way.ms, n=20)[18]:.0f}" if len(way.ms) > 1 else "–"
    return [name, str(way.count), str(sum(way.failures.values())), p50, p95]
