"""What `scale.py` measures, stage by stage; each runs in a process of its own and gives back numbers for JSON."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SEED_PAPERS = 326
ADDED = 100      # abstracts added to a finished index
SAMPLE = 100     # synthetic abstracts that go through model and table, to compare them
K = 100          # of recall
SHARES = (None, 0.4, 0.1, 0.01)  # of the papers that a filter leaves; None: no filter
PROGRESS = 1000  # abstracts between two points of the curve of an ingest
QUESTION_STEP = 3  # every third question of the `choose` half: enough for a p95


def make_texts(folder: Path, sizes: Sequence[int]) -> dict[str, Any]:
    """Seeds indexed, a token table learnt from them, one file of synthetic abstracts for each size; and how far table
    and model differ."""
    from synthetic import Synthesiser, TokenTable, learn_table, stand_in

    from assistant.embedding.embedder import open_embedder
    from assistant.index.collection import Collection
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
    from assistant.embedding.embedder import open_embedder
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
    from assistant.embedding.embedder import open_embedder
    from assistant.evaluation.questions import load_questions
    from assistant.index.collection import Collection
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
    from assistant.embedding.embedder import open_embedder
    from ingest.pipeline import ingest, remove

    embedder = open_embedder()
    began = time.process_time()
    added = ingest([folder / "added.jsonl"], settings(folder, size), embedder)
    computed = time.process_time() - began
    again = ingest([folder / "added.jsonl"], settings(folder, size), embedder)
    removed = remove(["added.jsonl"], settings(folder, size), embedder)
    assert (added.added, again.unchanged, removed.removed) == (ADDED, ADDED, ADDED), (added, again, removed)
    return {
        "added_s": added.seconds, "added_cpu_s": computed, "load": os.getloadavg()[0], "again_s": again.seconds,
        "removed_s": removed.seconds, "peak": peak_bytes(),
    }
