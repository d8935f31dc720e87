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
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SEED_PAPERS = 326
SIZES = (SEED_PAPERS, 1000, 10_000, 30_000, 100_000)
ADDED = 100      # abstracts added to a finished index
SAMPLE = 100     # synthetic abstracts that go through model and table, to compare them
K = 100          # of recall
SHARES = (None, 0.4, 0.1, 0.01)  # of the papers that a filter leaves; None: no filter
PROGRESS = 1000  # abstracts between two points of the curve of an ingest
QUESTION_STEP = 3  # every third question of the `choose` half: enough for a p95


# -- stages, each in a process of its own


def make_texts(folder: Path, sizes: Sequence[int]) -> dict[str, Any]:
    """Seeds indexed, a token table learnt from them, one file of synthetic abstracts for each size; and how far table
    and model differ."""
    from synthetic import Synthesiser, TokenTable, learn_table, stand_in

    from assistant.collection import Collection
    from assistant.embedder import open_embedder
    from ingest.pipeline import ingest

    embedder = open_embedder()
    ingest([ROOT / "seeds"], settings(folder, SEED_PAPERS), embedder)
    collection = Collection(settings(folder, SEED_PAPERS))
    entries = list(collection.store.entries(collection.store.paper_ids()).values())
    first = [entry.chunk_ids()[0] for entry in entries]
    stored = collection.vectors.vectors(first)
    collection.close()
    papers = [entry.paper for entry in entries]
    synthesiser = Synthesiser(papers, np.stack([stored[chunk] for chunk in first]))
    done = SEED_PAPERS
    for size in sizes:
        if size > done:
            synthesiser.write(folder / f"{size}.jsonl", range(done, size))
            done = size
    synthesiser.write(folder / "added.jsonl", range(done, done + ADDED))
    fits = [text for text in map(_embedded, (synthesiser.record(n) for n in range(done + ADDED, done + 4 * SAMPLE)))
            if len(embedder.token_offsets(text)) + embedder.specials <= embedder.window]
    table = learn_table(embedder, [_embedded((paper.title, paper.abstract)) for paper in papers])
    table.calibrated(embedder, fits[:SAMPLE]).save(folder / "table.npz")
    real = embedder.pooled(fits[SAMPLE:2 * SAMPLE])
    false = stand_in(open_embedder(), TokenTable.load(folder / "table.npz")).pooled(fits[SAMPLE:2 * SAMPLE])
    return {
        "cosine": float(np.median((real * false).sum(axis=1))), "apart": [_apart(real), _apart(false)],
    }


def _embedded(record: tuple[str | None, str]) -> str:
    return "\n".join(filter(None, record))


def _apart(vectors: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Mean and standard deviation of the cosines between (n, d) unit vectors."""
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return float(cosines.mean()), float(cosines.std())


def ingest_file(folder: Path, size: int, file: Path, *, real: bool) -> dict[str, Any]:
    """One ``ingest`` of a file: seconds, papers, peak memory, the rate along the way, what is on disk after it."""
    from assistant.embedder import open_embedder
    from ingest.pipeline import ingest

    embedder = open_embedder()
    if not real:
        from synthetic import TokenTable, stand_in

        embedder = stand_in(embedder, TokenTable.load(folder / "table.npz"))
    curve = [(0, time.perf_counter())]

    def note(_: str, done: int, __: int) -> None:
        if done - curve[-1][0] >= PROGRESS:
            curve.append((done, time.perf_counter()))
            print(file.name, done, f"{curve[-1][1] - curve[0][1]:.0f} s", file=sys.stderr)

    report = ingest([file], settings(folder, size), embedder, progress=note)
    return {
        "papers": report.papers, "added": report.added, "merged": report.merged, "seconds": report.seconds,
        "cpu_s": sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), "peak": peak_bytes(), "bytes": parts(folder, size),
        "curve": [(done, at - curve[0][1]) for done, at in curve],
    }


def settings(folder: Path, size: int) -> Any:
    """Those of the index of one size, whatever the environment says."""
    from assistant import Settings

    return Settings(home=folder / f"home-{size}", chroma_url=None)


def peak_bytes() -> int:
    """The most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def parts(folder: Path, size: int) -> dict[str, int]:
    """Bytes on disk of each part of the index."""
    index = settings(folder, size).index_dir
    found = {"SQLite": 0, "Chroma": 0, "lexical": 0, "tokens": 0}
    names = {"papers": "SQLite", "chroma": "Chroma", "lexica": "lexical", "tokens": "tokens"}
    for path in index.rglob("*"):
        part = names.get(path.relative_to(index).parts[0][:6])
        if part and path.is_file():
            found[part] += path.stat().st_size
    return found


def ask_all(folder: Path, size: int) -> dict[str, Any]:
    """Warm retrieval with the real model: milliseconds of waiting and of computing, memory; and how cold it starts.

    The questions are those of the `choose` half of the question set.
    """
    from assistant import Assistant
    from assistant.evaluation.questions import load_questions

    began = time.perf_counter()
    with Assistant.open(settings(folder, size)) as assistant:
        retrieve(assistant, "warm up", None)
        found: dict[str, Any] = {"open_s": time.perf_counter() - began}
        questions = [question.question for question in load_questions() if question.split == "choose"][::QUESTION_STEP]
        _, *understanding = timed(assistant.understand, [questions[0], *questions])
        found["understand"] = spread(understanding)
        ids = assistant.collection.store.paper_ids()
        for share in SHARES:
            within = None if share is None else chosen(ids, share)
            _, *taken = timed(lambda text, within=within: retrieve(assistant, text, within), [questions[0], *questions])
            found[f"within {share}"] = spread(taken)
        found["peak"] = peak_bytes()
        found["anonymous"] = anonymous_bytes()
        found["load"] = os.getloadavg()[0]
        longer = assistant.collection.store.chunk_counts()  # than the model's window
        some = assistant.papers([paper for paper in ids if paper not in longer][:SAMPLE])
        (_, computed), = timed(lambda _: assistant._embedder.pooled(paper.abstract for paper in some), [""])
        found["model_ms"] = computed / len(some)
    return found


def retrieve(assistant: Any, question: str, within: frozenset[str] | None) -> None:
    """The ten best papers, of all or of some: the one place that knows how a filter is given."""
    from assistant.retrieval.retriever import Retriever

    def work() -> None:
        retriever = Retriever(assistant.collection, assistant._embedder, within=within)
        retriever.search(retriever.query(question), limit=10, candidates=assistant.settings.candidates)

    assistant.collection.read(work)


def chosen(ids: Sequence[str], share: float) -> frozenset[str]:
    """A share of the papers, without regard to what they say: those whose hash begins low."""
    return frozenset(paper for paper in ids if int(paper[:8], 16) < share * 2**32)


def timed(work: Callable[[str], Any], texts: Sequence[str]) -> list[tuple[float, float]]:
    """Milliseconds (waited, computed) of each call."""
    taken = []
    for text in texts:
        wall, cpu = time.perf_counter(), time.process_time()
        work(text)
        taken.append((1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)))
    return taken


def spread(taken: Sequence[tuple[float, float]]) -> list[float]:
    """p50 and p95 of waiting, p50 and p95 of computing."""
    return [float(np.quantile(column, q)) for column in np.array(taken).T for q in (0.5, 0.95)]


def anonymous_bytes() -> int:
    """Memory of this process that is no page of a mapped file; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def recall(folder: Path, size: int) -> dict[str, Any]:
    """Share of the exact nearest 100 papers that search finds, without and with filters: mean over the questions."""
    from assistant.collection import Collection
    from assistant.embedder import open_embedder
    from assistant.evaluation.questions import load_questions
    from assistant.retrieval.retriever import Retriever

    embedder = open_embedder()
    texts = [question.question for question in load_questions() if question.split == "choose"][::QUESTION_STEP]
    questions = embedder.pooled(texts)
    collection = Collection(settings(folder, size))
    retriever = Retriever(collection, embedder)
    ids = collection.store.paper_ids()
    chunks = collection.chunk_ids(ids)
    stored = collection.vectors.vectors(chunks)
    owner = np.array([chunk.partition(":")[0] for chunk in chunks])
    exact = questions @ np.stack([stored[chunk] for chunk in chunks]).T  # (questions, chunks)
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    best = np.maximum.reduceat(exact, starts, axis=1)                    # (questions, papers)
    papers = owner[starts]
    found = {}
    for share in SHARES:
        within = None if share is None else chosen(ids, share)
        allowed = np.array([within is None or paper in within for paper in papers])
        shares = []
        for vector, cosines in zip(questions, np.where(allowed, best, -2.0), strict=True):
            k = min(K, int(allowed.sum()))
            wanted = set(papers[np.argsort(-cosines, kind="stable")[:k]].tolist())
            shares.append(len(wanted & set(list(retriever.dense(vector, limit=k, within=within)))) / max(k, 1))
        found[f"within {share}"] = [float(np.mean(shares)), float(min(shares))]
    collection.close()
    return found


def add_and_remove(folder: Path, size: int) -> dict[str, Any]:
    """Adding abstracts through the real model to a finished index, adding them again, and taking them out."""
    from assistant.embedder import open_embedder
    from ingest.pipeline import ingest, remove

    embedder = open_embedder()
    added = ingest([folder / "added.jsonl"], settings(folder, size), embedder)
    again = ingest([folder / "added.jsonl"], settings(folder, size), embedder)
    removed = remove(["added.jsonl"], settings(folder, size), embedder)
    assert (added.added, again.unchanged, removed.removed) == (ADDED, ADDED, ADDED), (added, again, removed)
    return {"added_s": added.seconds, "again_s": again.seconds, "removed_s": removed.seconds, "peak": peak_bytes()}


# -- all of them, and what they come to


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
            import shutil

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
            subprocess.run(["rm", "-rf", folder / f"home-{size}"], check=True)
            subprocess.run(["cp", "-r", before, folder / f"home-{size}"], check=True)
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
          f"(target ≤ 15), once more, unchanged, {added['again_s']:.1f} s, taking them out {added['removed_s']:.1f} s.")
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
