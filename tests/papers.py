"""A small collection written by hand: titles, abstracts, and how to make an index of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from assistant import Settings
from assistant.embedding.embedder import Embedder
from assistant.index.collection import Collection
from ingest.pipeline import ingest
from ingest.report import Report

ABSTRACTS = (
    "Editing facts in a language model usually breaks its fluency. We introduce Quillon, a method that rewrites "
    "single layers of GPT-J without retraining. Quillon keeps 97% of the original accuracy on unrelated prompts.",
    "Protein folding is slow on commodity hardware. We present Foldaway, a sparse attention kernel for "
    "structure prediction. Foldaway halves the memory of inference and is released as open source.",
    "Sparse retrieval misses paraphrases of a query. This paper proposes Lanternfish, a dense retriever trained "
    "on synthetic questions. On three benchmarks Lanternfish improves recall by nine points over BM25.",
    "Robots seldom recover from a dropped object. Our controller, named Magpie, learns regrasping from forty minutes "
    "of video. Magpie succeeds in four of five trials on unseen kitchens.",
    "Speech recognisers fail on whispered input. We collect Hushcorpus, a dataset of ninety hours of whispering in "
    "twelve languages. Models finetuned on Hushcorpus lower the word error rate by a third.",
    "Weather models at ten kilometres are too coarse for hail. Graupel is a diffusion model that downscales radar "
    "fields. It runs on a single accelerator and beats the operational baseline in spring storms.",
)
TITLES = (
    "Quillon: Editing One Layer at a Time", "Foldaway: Sparse Attention for Proteins",
    "Lanternfish: Dense Retrieval from Synthetic Questions", "Magpie: Learning to Regrasp from Video",
    "Hushcorpus: A Dataset of Whispered Speech", "Graupel: Downscaling Hail with Diffusion",
)


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    """One record a line, the last line without a newline as in the dumps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_titled(path: Path, numbers: Sequence[int]) -> Path:
    """Title and abstract lines in turn."""
    return write_lines(path, [line for n in numbers for line in (TITLES[n], ABSTRACTS[n])])


class Home:
    """An index folder in the making, and what the tests look at."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.settings = Settings(home=folder, _env_file=None)
        self.embedder = embedder

    @property
    def index(self) -> Path:
        return self.settings.index_dir

    def ingest(self, *paths: Path) -> Report:
        report = ingest(paths, self.settings, self.embedder)
        self.check()
        return report

    def open(self) -> Collection:
        return Collection(self.settings)

    def generation(self) -> int:
        with self.open() as collection:
            return collection.generation

    def check(self) -> None:
        """Database, lexical index, Chroma and token file agree, to the last id and row."""
        if not (self.index / "papers.sqlite").exists():
            return
        with self.open() as collection:
            store = collection.store
            entries = store.entries(store.paper_ids())
            chunks = sorted(chunk for entry in entries.values() for chunk in entry.chunk_ids())
            assert sorted(collection.vectors.ids()) == chunks
            assert collection.lexical.count() == len(entries)
            for paper_id, entry in entries.items():
                assert paper_id in {found for found, _ in collection.lexical.search(entry.paper.abstract, limit=1000)}
                assert len(collection.tokens.rows(entry.token_start, entry.token_count)) == entry.token_count > 0
                assert entry.sentences[:, 3].max() == entry.token_count
                assert entry.chunks[0][0] == 0 and entry.chunks[-1][1] == len(entry.paper.abstract)
            spans = sorted((entry.token_start, entry.token_start + entry.token_count) for entry in entries.values())
            assert all(a_end <= b_start for (_, a_end), (b_start, _) in pairwise(spans))
            assert {key: collection.card[key] for key in ("papers", "chunks")} == {
                "papers": str(len(entries)), "chunks": str(len(chunks))
            }
            assert int(collection.card["token_rows"]) >= max((end for _, end in spans), default=0)

    def state(self) -> dict[str, tuple[str | None, str, tuple[object, ...], tuple[str, ...], tuple[str, ...], bytes]]:
        """paper_id -> title, abstract, sources, aliases, chunk ids, token bytes: all but where the rows are."""
        with self.open() as collection:
            entries = collection.store.entries(collection.store.paper_ids())
            return {
                paper_id: (
                    entry.paper.title, entry.paper.abstract, entry.paper.sources, entry.paper.aliases,
                    tuple(entry.chunk_ids()),
                    np.ascontiguousarray(collection.tokens.rows(entry.token_start, entry.token_count)).tobytes(),
                )
                for paper_id, entry in entries.items()
            }
