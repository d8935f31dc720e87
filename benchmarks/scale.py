"""How ingest, index and search grow: measured at several sizes of collection, printed as a table, drawn as a curve.

    python benchmarks/scale.py --folder DIR [--sizes 326,1000,10000,30000,100000] [--svg docs/scale.svg]

The first 326 papers are ``seeds/``, through the real model; the rest are synthetic (`synthetic.py`), and their token
vectors come from a table instead of the model, all else of the pipeline being what ``ingest`` runs. Every ingest and
every round of queries is a process of its own. What is in DIR is kept and used again: a size that was measured is not
measured twice.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scale_stages import (
    ADDED,
    ROOT,
    SEED_PAPERS,
    SHARES,
    K,
    add_and_remove,
    ask_all,
    ingest_file,
    make_texts,
    recall,
)

SIZES = (SEED_PAPERS, 1000, 10_000, 30_000, 100_000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where texts, indexes and figures are kept")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="ascending, the first %(default).3s")
    parser.add_argument("--again", action="store_true", help="measure queries anew on the indexes there are")
    parser.add_argument("--svg", type=Path, help="draw the curve here")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed at the largest size")
    parser.add_argument("--stage", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    if sizes[0] != SEED_PAPERS or sizes != sorted(set(sizes)) or len(sizes) < 3:
        parser.error(f"--sizes must ascend from {SEED_PAPERS}, the papers of seeds/, and name at least three")
    folder: Path = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if given.stage:
        name, size = given.stage[0], int(given.stage[1])
        print(json.dumps(run_stage(name, folder, size, sizes)))
        return 0
    rows = {}
    texts = measured(folder, "texts", sizes[0], sizes)
    for size in sizes:
        rows[size] = {
            name: measured(folder, name, size, sizes, again=given.again and name != "ingest")
            for name in ("ingest", "ask", "recall", *(("add",) if size == sizes[-1] else ()))
        }
    met = report(texts, rows)
    if given.svg:
        from curve import draw

        given.svg.write_text(draw(curves(texts, rows)), encoding="utf-8")
    return 1 if given.check and not met else 0


def run_stage(name: str, folder: Path, size: int, sizes: Sequence[int]) -> dict[str, Any]:
    """One stage, in the process that was started for it."""
    if name == "texts":
        return make_texts(folder, sizes)
    if name == "ingest":
        if size == sizes[0]:  # its index is there
            shutil.rmtree(folder / f"home-{size}")
            return ingest_file(folder, size, ROOT / "seeds", real=True)
        return ingest_file(folder, size, folder / f"{size}.jsonl", real=False)
    return {"ask": ask_all, "recall": recall, "add": add_and_remove}[name](folder, size)


def measured(
    folder: Path, name: str, size: int, sizes: Sequence[int], *, again: bool = False
) -> dict[str, Any]:
    """What a stage found: from its file, or else by running it in a process of its own."""
    kept = folder / f"{name}-{size}.json"
    if again or not kept.exists():
        if name == "ingest" and size != sizes[0]:  # grow a copy of the index before
            before = folder / f"home-{sizes[sizes.index(size) - 1]}"
            shutil.rmtree(folder / f"home-{size}", ignore_errors=True)
            shutil.copytree(before, folder / f"home-{size}")
        print(f"{name} at {size:,} …", file=sys.stderr)
        command = [sys.executable, __file__, "--folder", folder, "--sizes", ",".join(map(str, sizes)),
                   "--stage", name, str(size)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        kept.write_bytes(done.stdout)
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def report(texts: dict[str, Any], rows: dict[int, dict[str, Any]]) -> bool:
    """Print the tables; whether all targets are met at the largest size."""
    sizes = list(rows)
    real, table = texts["apart"]
    model_ms = float(np.median([row["ask"]["model_ms"] for row in rows.values()]))
    loads = [row["ask"]["load"] for row in rows.values()]
    print(f"{date.today()}, {os.cpu_count()} shared cores. Abstracts from {SEED_PAPERS + 1:,} on are synthetic, and "
          f"their token vectors come from a table: median cosine to the model's {texts['cosine']:.2f}, mean cosine "
          f"between two abstracts {table[0]:.2f} (the model's: {real[0]:.2f}). The model would take "
          f"{model_ms:.0f} ms of computing an abstract more. Processes that wanted the {os.cpu_count()} cores while "
          f"searching was timed: {min(loads):.0f} to {max(loads):.0f}, so computing is what says most.\n")
    print(f"| what | {' | '.join(f'{size:,}' for size in sizes)} | target |\n| --- |{' --- |' * (len(sizes) + 1)}")
    for name, cell, target in LINES:
        print(f"| {name} | {' | '.join(cell(rows[size], size) for size in sizes)} | {target} |")
    last = rows[sizes[-1]]
    added = last["add"]
    print(f"\nAt {sizes[-1]:,}: adding {ADDED} abstracts with the real model takes {added['added_s']:.1f} s "
          f"(target ≤ 15), {added['added_cpu_s']:.1f} s of them computing ({added['load']:.0f} processes wanted the "
          f"cores); once more, unchanged, {added['again_s']:.1f} s, taking them out {added['removed_s']:.1f} s.")
    first, mega = rows[sizes[-2]], 1_000_000
    a, b = first["ingest"], last["ingest"]
    cpu = [rows[size]["ingest"]["cpu_s"] / rows[size]["ingest"]["added"] for size in sizes[-2:]]
    bytes_each = (sum(b["bytes"].values()) - sum(a["bytes"].values())) / (b["papers"] - a["papers"])
    memory = (last["ask"]["anonymous"] - first["ask"]["anonymous"]) / (b["papers"] - a["papers"])
    print(f"One more abstract costs {1000 * cpu[1]:.1f} ms of a core besides the model, {bytes_each / 1000:.1f} kB on "
          f"disk and {memory / 1000:.1f} kB of the searching process's memory.")
    growth = max(cpu[1] - cpu[0], 0) / np.log(sizes[-1] / sizes[-2])  # per e-fold
    for size in (mega, 10 * mega):
        each = cpu[1] + growth * np.log(size / sizes[-1]) + model_ms / 1000
        slow = last["ask"]["within None"]
        before = first["ask"]["within None"]
        p95 = slow[3] + (slow[3] - before[3]) / np.log(sizes[-1] / sizes[-2]) * np.log(size / sizes[-1])
        held = last["ask"]["anonymous"] + memory * (size - sizes[-1])
        print(f"{size:,} would take {size * each / 3600:.0f} hours of one core, {size * bytes_each / 1e9:,.0f} GB on "
              f"disk, {held / 1e9:.1f} GB of memory, and {p95:.0f} ms (p95, computing) a question: logarithms through "
              "the last two sizes.")
    print("No more than an estimate: the graph is taken to be walked as far as now, and of one ten times as large that "
          "finds less.")
    return all(met(last) for met in TARGETS)


def _mb(count: float) -> str:
    return f"{count / 1e6:,.0f} MB"


def _pair(key: str, start: int) -> Callable[[dict[str, Any], int], str]:
    return lambda row, _: " / ".join(f"{value:.0f}" for value in row["ask"][key][start:start + 2])


def _recall(key: str) -> Callable[[dict[str, Any], int], str]:
    return lambda row, _: f"{row['recall'][key][0]:.3f}"


def _part(part: str) -> Callable[[dict[str, Any], int], str]:
    return lambda row, _: f"{row['ingest']['bytes'][part] / row['ingest']['papers'] / 1000:.1f}"


LINES: tuple[tuple[str, Callable[[dict[str, Any], int], str], str], ...] = (
    ("ingest, abstracts a second", lambda row, _: f"{row['ingest']['added'] / row['ingest']['seconds']:.0f}", "–"),
    ("the same, a second of computing", lambda row, _: f"{row['ingest']['added'] / row['ingest']['cpu_s']:.0f}", "–"),
    ("index, kB an abstract: SQLite", _part("SQLite"), "–"),
    ("Chroma", _part("Chroma"), "–"),
    ("lexical", _part("lexical"), "–"),
    ("tokens", _part("tokens"), "–"),
    ("peak memory of ingest", lambda row, _: _mb(row["ingest"]["peak"]), "≤ 2,000 MB"),
    ("peak memory of search", lambda row, _: _mb(row["ask"]["peak"]), "≤ 2,000 MB"),
    ("of it not mapped files", lambda row, _: _mb(row["ask"]["anonymous"]), "–"),
    ("open and first answer, s", lambda row, _: f"{row['ask']['open_s']:.1f}", "–"),
    *((
        f"retrieval p50 / p95, ms, {'no filter' if share is None else f'filter leaving {share:.0%}'}"
        f"{': computing' if start else ''}",
        _pair(f"within {share}", start), "p95 ≤ 150"
    ) for start in (0, 2) for share in SHARES),
    *((
        f"recall@{K} of first-stage dense search, {'no filter' if share is None else f'filter leaving {share:.0%}'}",
        _recall(f"within {share}"), "≥ 0.99"
    ) for share in SHARES),
)
TARGETS: tuple[Callable[[dict[str, Any]], bool], ...] = (
    lambda row: all(row["ask"][f"within {share}"][1] <= 150 for share in SHARES),
    lambda row: all(row["recall"][f"within {share}"][0] >= 0.99 for share in SHARES),
    lambda row: max(row["ask"]["peak"], row["ingest"]["peak"]) <= 2e9,
    lambda row: row["add"]["added_s"] <= 15,
)


def curves(texts: dict[str, Any], rows: dict[int, dict[str, Any]]) -> Any:
    """What is drawn: (panel, unit, [(label, [(papers, value)])])."""
    def line(value: Callable[[dict[str, Any]], float]) -> list[tuple[int, float]]:
        return [(size, value(row)) for size, row in rows.items()]

    return [
        ("retrieval, p95 of computing", "ms", [
            ("no filter" if share is None else f"filter leaving {share:.0%}",
             line(lambda row, share=share: row["ask"][f"within {share}"][3])) for share in SHARES
        ]),
        ("peak memory", "MB", [
            ("ingest", line(lambda row: row["ingest"]["peak"] / 1e6)),
            ("search", line(lambda row: row["ask"]["peak"] / 1e6)),
            ("search, not mapped files", line(lambda row: row["ask"]["anonymous"] / 1e6)),
        ]),
        ("ingest besides the model, computing", "ms an abstract", [
            ("all", [(size, 1000 * row["ingest"]["cpu_s"] / row["ingest"]["added"])
                     for size, row in rows.items() if size != SEED_PAPERS]),
        ]),
    ]


if __name__ == "__main__":
    sys.exit(main())
