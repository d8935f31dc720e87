"""How long the product takes on ``seeds/``, and how much memory: printed as a table.

    python benchmarks/latency.py [--check] [--thorough]

Runs the installed commands in processes of their own with an empty index, then asks a sample of the fixed question set
in this process: less than a minute. ``--thorough`` asks all of it, and compares ingest and model with each precision
in several rounds: some minutes. ``--check`` exits with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from assistant.embedding.onnx_bert import Precision

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
INGESTS = 3  # rounds of a thorough comparison of ingest and model
SAMPLE, SEED = 150, 0  # of the questions, the same each time


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("--thorough", action="store_true", help="all questions, and ingest in several rounds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ASSISTANT_HOME"] = folder
        ingest_s, ingest_mb = run("ingest", str(ROOT / "seeds"))
        again_s, _ = run("ingest", str(ROOT / "seeds"))
        help_s = median_of("assistant", "--help")
        ask_s = median_of("assistant", "ask", "which methods edit GPT-J?")
        precisions: tuple[Precision, ...] = ("int8", "fp32") if arguments.thorough else ("int8",)
        shares = {each: ingest_rate_share(each, INGESTS if arguments.thorough else 1) for each in precisions}
        p50, p95 = warm_questions(None if arguments.thorough else SAMPLE)
    rows = [
        ("ingest of seeds/, process start to index ready", f"{ingest_s:.1f} s", None, True),
        ("ingest again, nothing changed", f"{again_s:.2f} s", None, True),
        ("peak memory of ingest", f"{ingest_mb:.0f} MB", "≤ 1,000 MB", ingest_mb <= 1000),
        *(
            (f"ingest's share of the bare model's rate, {precision}", f"{share:.2f}", "≥ 0.90", share >= 0.9)
            for precision, share in shares.items()
        ),
        ("assistant --help", f"{help_s:.2f} s", "≤ 0.5 s", help_s <= 0.5),
        ("assistant ask, cold", f"{ask_s:.2f} s", "≤ 3 s", ask_s <= 3),
        ("warm question, p50", f"{p50:.0f} ms", "≤ 60 ms", p50 <= 60),
        ("warm question, p95", f"{p95:.0f} ms", "≤ 150 ms", p95 <= 150),
    ]
    print(f"{date.today()}, {os.cpu_count()} cores\n\n| what | measured | target |\n| --- | --- | --- |")
    for what, measured, target, met in rows:
        print(f"| {what} | {measured} | {target or '–'}{'' if met else ' **missed**'} |")
    return 1 if arguments.check and not all(met for *_, met in rows) else 0


def run(command: str, *words: str) -> tuple[float, float]:
    """Seconds of a whole process, and its peak memory in MB."""
    before = time.perf_counter()
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / command), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} {' '.join(words)} failed with status {status}")
    return time.perf_counter() - before, usage.ru_maxrss / 1024


def median_of(command: str, *words: str) -> float:
    """Median seconds of several runs, after one that warms the disk cache."""
    run(command, *words)
    return statistics.median(run(command, *words)[0] for _ in range(ROUNDS))


def ingest_rate_share(precision: Precision, rounds: int) -> float:
    """Rate of the whole ingest over that of the bare model on the same texts, imports excluded.

    Bare model and ingest alternate, because on a shared machine speed drifts; the median of the pairs' ratios.
    """
    from assistant import Settings
    from assistant.embedding.embedder import open_embedder
    from assistant.index.collection import Collection
    from ingest.pipeline import ingest

    embedder = open_embedder(precision=precision)
    collection = Collection(Settings())
    papers = [entry.paper for entry in collection.store.entries(collection.store.paper_ids()).values()]
    collection.close()
    texts = [f"{paper.title}\n{paper.abstract}" if paper.title else paper.abstract for paper in papers]
    shares = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _encoding in embedder.encode(texts):
            pass
        bare = time.perf_counter() - began
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            ingest([ROOT / "seeds"], Settings(home=Path(folder), precision=precision), embedder)
            shares.append(bare / (time.perf_counter() - began))
    return statistics.median(shares)


def warm_questions(sample: int | None) -> tuple[float, float]:
    """p50 and p95 in milliseconds over the fixed question set or a sample of it, in one process."""
    from assistant import Assistant
    from assistant.evaluation.questions import load_questions

    with Assistant.open() as assistant:
        assistant.ask("warm up")
        taken = []
        questions = load_questions()
        for question in questions if sample is None else random.Random(SEED).sample(questions, sample):
            began = time.perf_counter()
            assistant.ask(question.question)
            taken.append(1000 * (time.perf_counter() - began))
    cuts = statistics.quantiles(taken, n=20)
    return statistics.median(taken), cuts[18]


if __name__ == "__main__":
    sys.exit(main())
