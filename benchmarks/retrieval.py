"""Rankers on the fixed question set over ``seeds/``: what each finds, `choose` and `report` apart.

    python benchmarks/retrieval.py [--precision int8|fp32]

R@k and MRR over the single-paper questions, MAP over the lists (borderline papers taken out of the ranking).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import fmean

from assistant.api import Assistant
from assistant.embedder import open_embedder
from assistant.evaluation.measures import FACTS
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=["int8", "fp32"], default="int8")
    precision = parser.parse_args().precision
    embedder = open_embedder(precision=precision)
    print(f"{date.today()}, {precision}\n\n| ranker | half | R@1 | R@5 | R@5 paraphrased | R@20 | MRR | lists: MAP |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), precision=precision, chroma_url=None)
        ingest([ROOT / "seeds"], settings, embedder)
        with Assistant.open(settings) as assistant:
            for name, weights in RANKERS.items():
                retriever = Retriever(assistant.collection, embedder, weights=weights)
                for half in ("choose", "report"):
                    questions = [question for question in load_questions() if question.split == half]
                    print(f"| {name} | {half} | {row(assistant, retriever, questions)} |", flush=True)


def row(assistant: Assistant, retriever: Retriever, questions: Sequence[EvalQuestion]) -> str:
    """The measures of one ranker on some questions, as cells."""
    ranks: list[int] = []
    paraphrased: list[int] = []
    precisions: list[float] = []
    for question in questions:
        if question.kind not in (*FACTS, "list"):
            continue
        ranked = ranking(assistant, retriever, question)
        gold = assistant.paper_ids(question.papers)
        if question.kind == "list":
            neutral = assistant.paper_ids(question.borderline)
            precisions.append(average_precision([paper for paper in ranked if paper not in neutral], gold))
            continue
        rank = next((place for place, paper in enumerate(ranked, 1) if paper in gold), len(ranked) + 1)
        ranks.append(rank)
        if question.style == "paraphrase":
            paraphrased.append(rank)
    cells = [
        fmean(rank <= 1 for rank in ranks), fmean(rank <= 5 for rank in ranks),
        fmean(rank <= 5 for rank in paraphrased), fmean(rank <= 20 for rank in ranks),
        fmean(1 / rank for rank in ranks), fmean(precisions),
    ]
    return " | ".join(f"{cell:.3f}" for cell in cells)


def ranking(assistant: Assistant, retriever: Retriever, question: EvalQuestion) -> list[str]:
    """All papers, best first."""
    understood = assistant.understand(question.question)

    def rank() -> list[str]:
        query = retriever.query(understood.corrected, names=understood.keys)
        return retriever.rank(query, among=assistant.collection.store.paper_ids()).paper_ids()

    return assistant.collection.read(rank)


def average_precision(ranked: Sequence[str], gold: set[str]) -> float:
    """Mean over the gold papers of the precision at their rank, 0–1.

    Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section 8.4.
    """
    found = 0
    total = 0.0
    for rank, paper in enumerate(ranked, 1):
        if paper in gold:
            found += 1
            total += found / rank
    return total / len(gold) if gold else 0.0


if __name__ == "__main__":
    main()
