"""Rankers side by side, `choose` and `report` apart: on the fixed question set, and on public collections.

    python benchmarks/retrieval.py [--precision int8|fp32] [--dimensions N] [--index DIR]
    python benchmarks/retrieval.py --collections DIR [--index DIR]   # each folder in DIR is a collection
    python benchmarks/retrieval.py --sweep [--collections DIR]       # one weight changed at a time, `choose` only

On the fixed set R@k and MRR over the single-paper questions, MAP over the lists (borderline papers taken out of the
ranking), all papers ranked. On a collection (``corpus.jsonl``, ``queries.jsonl``, ``qrels.tsv``) nDCG@10, as
`Assistant.search` ranks. `report` is the half with an odd hash of the query id; nothing is tuned on it.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from statistics import fmean

from assistant.api import Assistant
from assistant.embedding.embedder import Embedder, open_embedder
from assistant.evaluation.measures.retrieval import average_precision, ndcg
from assistant.evaluation.public_sets import CORPUS, load_public
from assistant.evaluation.questions import EvalQuestion, load_questions
from assistant.retrieval.retriever import Retriever, Weights
from assistant.settings import Settings
from ingest.pipeline import ingest

ROOT = Path(__file__).resolve().parent.parent
RANKERS = {
    "dense": Weights(late=0, dense=1, lexical=0, names=0),
    "BM25": Weights(late=0, dense=0, lexical=1, names=0),
    "dense + BM25": Weights(late=0, dense=0.6, lexical=0.4, names=0),
    "late interaction": Weights(late=1, dense=0, lexical=0, names=0),
    "all, without names": Weights(names=0),
    "all": Weights(),
}
HALVES = ("choose", "report")
SWEEP = {"chosen": Weights()} | {
    f"{field} {value}": replace(Weights(), **{field: value})
    for field, values in {
        "dense": (0.0, 0.1, 0.5, 1.0), "lexical": (0.0, 0.1, 0.25, 0.5), "names": (0.0, 0.25, 0.5),
        "sentence": (0.0, 0.2, 0.6, 1.0), "function": (0.0, 0.3),
    }.items() for value in values
}
FACTS = ("fact", "definition", "yesno")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=["int8", "fp32"], default="int8")
    parser.add_argument("--dimensions", type=int, default=Settings().token_dimensions, help="kept of token vectors")
    parser.add_argument("--sweep", action="store_true", help="variants of the chosen weights, on `choose`")
    parser.add_argument("--collections", type=Path, help="folder of public collections")
    parser.add_argument("--index", type=Path, help="folder to keep the indexes in; default: a temporary one")
    parser.add_argument("--questions", type=Path, help="another question set over seeds/, in the form of the fixed one")
    arguments = parser.parse_args()
    embedder = open_embedder(precision=arguments.precision)
    settings = Settings(precision=arguments.precision, token_dimensions=arguments.dimensions, chroma_url=None)
    rankers, halves = (SWEEP, HALVES[:1]) if arguments.sweep else (RANKERS, HALVES)
    print(f"{date.today()}, {arguments.precision}, {arguments.dimensions} dimensions\n")
    with contextlib.ExitStack() as stack:
        index = arguments.index or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if arguments.collections:
            folders = sorted(path.parent for path in arguments.collections.glob(f"*/{CORPUS}"))
            on_collections(folders, Bench(index, embedder, settings, rankers, halves))
        else:
            on_seeds(load_questions(arguments.questions), Bench(index, embedder, settings, rankers, halves))


@dataclass(frozen=True)
class Bench:
    """What is measured, and with what."""

    index: Path  # folder of indexes
    embedder: Embedder
    settings: Settings
    rankers: Mapping[str, Weights]
    halves: Sequence[str]

    @contextlib.contextmanager
    def over(self, paths: Sequence[Path], name: str) -> Iterator[Assistant]:
        """An assistant over an index of some papers, made if it is not there."""
        home = self.index / f"{name}-{self.settings.precision}-{self.settings.token_dimensions}"
        settings = self.settings.model_copy(update={"home": home})
        ingest(paths, settings, self.embedder)
        with Assistant.open(settings) as assistant:
            yield assistant

    def retrievers(self, assistant: Assistant) -> Iterator[tuple[str, str, Retriever]]:
        """(ranker, half, retriever) for all."""
        for name, weights in self.rankers.items():
            for half in self.halves:
                yield name, half, Retriever(assistant.collection, self.embedder, weights=weights)


def on_seeds(every: Sequence[EvalQuestion], bench: Bench) -> None:
    """Print the table of the fixed question set."""
    print("| ranker | half | R@1 | R@5 | R@5 paraphrased | R@20 | MRR | lists: MAP |\n|" + " --- |" * 8)
    with bench.over([ROOT / "seeds"], "seeds") as assistant:
        for name, half, retriever in bench.retrievers(assistant):
            questions = [question for question in every if question.split == half]
            if questions:
                print(f"| {name} | {half} | {seeds_row(assistant, retriever, questions)} |", flush=True)


def seeds_row(assistant: Assistant, retriever: Retriever, questions: Sequence[EvalQuestion]) -> str:
    """The measures of one ranker on some questions, as cells."""
    ranks: list[int] = []
    paraphrased: list[int] = []
    precisions: list[float] = []
    everything = assistant.collection.store.paper_ids()
    for question in questions:
        if question.kind not in (*FACTS, "list"):
            continue
        found = ranking(assistant, retriever, question.question, among=everything)
        gold = assistant.paper_ids(question.papers)
        if question.kind == "list":
            neutral = assistant.paper_ids(question.borderline)
            kept = [paper for paper in found if paper not in neutral]
            precisions.append(average_precision(kept, dict.fromkeys(gold, 1)))
            continue
        rank = next((place for place, paper in enumerate(found, 1) if paper in gold), len(found) + 1)
        ranks.append(rank)
        if question.style == "paraphrase":
            paraphrased.append(rank)
    return " | ".join([
        mean(rank <= 1 for rank in ranks), mean(rank <= 5 for rank in ranks), mean(rank <= 5 for rank in paraphrased),
        mean(rank <= 20 for rank in ranks), mean(1 / rank for rank in ranks), mean(precisions),
    ])


def on_collections(folders: Sequence[Path], bench: Bench) -> None:
    """Print nDCG@10 of every ranker on every collection."""
    rows: dict[tuple[str, str], list[str]] = {}
    for folder in folders:
        collection = load_public(folder)
        with bench.over([collection.corpus], collection.name) as assistant:
            for name, half, retriever in bench.retrievers(assistant):
                judged = [question for question in collection.questions if question.split == half]
                rows.setdefault((name, half), []).append(mean(
                    ndcg(found, grades, k=10) for found, grades in graded(assistant, retriever, judged)
                ))
    print(f"| ranker | half | {' | '.join(folder.name for folder in folders)} |\n|" + " --- |" * (len(folders) + 2))
    for (name, half), cells in rows.items():
        print(f"| {name} | {half} | {' | '.join(cells)} |")


def graded(
    assistant: Assistant, retriever: Retriever, questions: Sequence[EvalQuestion]
) -> Iterator[tuple[list[str], dict[str, int]]]:
    """(ranking, grade by paper) of each question that has judged documents."""
    for question in questions:
        if question.papers:
            grades = dict.fromkeys((min(assistant.paper_ids([place]) or {place}) for place in question.papers), 1)
            yield ranking(assistant, retriever, question.question), grades


def ranking(
    assistant: Assistant, retriever: Retriever, question: str, *, among: Sequence[str] | None = None
) -> list[str]:
    """Papers, best first."""
    def rank() -> list[str]:
        understood = assistant.understand(question)
        query = retriever.query(understood.corrected, names=understood.keys)
        return retriever.rank(query, among=among).paper_ids()

    return assistant.collection.read(rank)


def mean(values: Iterable[float]) -> str:
    """As a cell."""
    found = [float(value) for value in values]
    return f"{fmean(found):.3f}" if found else "–"


if __name__ == "__main__":
    main()
