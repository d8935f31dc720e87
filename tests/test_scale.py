"""What must not get slower, or less, as a collection grows: filters, counts, names, and what is read per question."""

from __future__ import annotations

import importlib.util
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from papers import ABSTRACTS, Home, write_lines, write_titled

import assistant.index.token_vectors as tokens_module
from assistant import Assistant
from assistant.embedding.embedder import Embedder
from assistant.index import chunk_vectors as index_module
from assistant.index.chunk_vectors import VectorIndex
from assistant.index.token_vectors import TokenFile
from assistant.retrieval import retriever as retriever_module
from assistant.retrieval.retriever import Retriever
from assistant.text.names import main_sense, one_edit_apart
from ingest.dedupe import group
from ingest.pipeline import remove

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "which methods edit factual knowledge in a language model?"


@pytest.fixture(scope="module")
def thirds(assistant: Assistant) -> list[frozenset[str]]:
    """The collection in three parts."""
    ids = assistant.collection.store.paper_ids()
    return [frozenset(ids[start::3]) for start in range(3)]


@pytest.fixture(scope="module")
def synthetic() -> Iterator[ModuleType]:
    """benchmarks/synthetic.py, which is no package."""
    spec = importlib.util.spec_from_file_location("synthetic", ROOT / "benchmarks" / "synthetic.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["synthetic"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["synthetic"]


def exact(assistant: Assistant, vector: np.ndarray, papers: frozenset[str]) -> list[str]:
    """Papers by the cosine of their best chunk, best first."""
    stored = assistant.collection.vectors.vectors(assistant.collection.chunk_ids(papers))
    best: dict[str, float] = {}
    for chunk, found in stored.items():
        paper = chunk.partition(":")[0]
        best[paper] = max(best.get(paper, -1.0), float(found @ vector))
    return sorted(best, key=lambda paper: -best[paper])


@pytest.mark.parametrize(("least", "few"), [(1.1, 1000), (1.1, 0), (0.0, 0)], ids=["few papers left", "more", "many"])
def test_a_filter_keeps_the_nearest_papers_it_leaves(
    assistant: Assistant, thirds: list[frozenset[str]], monkeypatch: pytest.MonkeyPatch, least: float, few: int
) -> None:
    monkeypatch.setattr(retriever_module, "MIN_SHARE", least)
    monkeypatch.setattr(index_module, "FEW", few)
    retriever = assistant.retriever()
    vector = retriever.pooled(QUESTION)

    for within in thirds:
        assert list(retriever.dense(vector, limit=40, within=within)) == exact(assistant, vector, within)[:40]


def test_a_search_among_chunks_finds_these_and_among_none_none(tmp_path: Path) -> None:
    vectors = np.eye(8, dtype=np.float32)
    index = VectorIndex(tmp_path, create=True)
    index.upsert([f"p{n}:0" for n in range(8)], vectors, [{"paper_id": f"p{n}"} for n in range(8)])

    assert index.search(vectors[3], limit=5, among=["p3:0"]) == [("p3:0", pytest.approx(1.0))]
    assert index.search(vectors[3], limit=5, among=[]) == []
    index.close()


def test_what_was_written_lately_is_in_the_graph_files_after_settling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "WORTH_SETTLING", 1000)
    vectors = np.random.default_rng(0).normal(size=(1250, 8)).astype(np.float32)
    index = VectorIndex(tmp_path, create=True)
    for part in (range(1100), range(1100, 1250)):
        index.upsert([f"p{n}:0" for n in part], vectors[part], [{"paper_id": f"p{n}"} for n in part])
    assert elements(tmp_path) < 1250

    index.settle()
    index.close()

    assert elements(tmp_path) == 1250
    reader = VectorIndex(tmp_path)
    assert reader.count() == 1250
    assert all(reader.search(vectors[n], limit=1)[0][0] == f"p{n}:0" for n in (0, 700, 1249))
    assert reader._collection.configuration_json["hnsw"]["sync_threshold"] == index_module.SYNC_AFTER
    reader.close()


def elements(folder: Path) -> int:
    """How many elements the graph's files hold."""
    header = next(folder.glob("*/header.bin")).read_bytes()
    return int(struct.unpack_from("<Q", header, 20)[0])


@pytest.mark.parametrize("limit", [5, 300])
def test_words_are_ranked_alike_whether_a_filter_is_looked_up_or_read_off_a_longer_ranking(
    assistant: Assistant, thirds: list[frozenset[str]], limit: int
) -> None:
    lexical = assistant.collection.lexical
    ranking = lexical.search(QUESTION, limit=1000)

    for within in (thirds[0], frozenset(sorted(thirds[0])[:4])):  # many, and few
        found = lexical.search(QUESTION, limit=limit, among=within)

        wanted = [(paper, score) for paper, score in ranking if paper in within][:limit]
        assert [score for _, score in found] == pytest.approx([score for _, score in wanted])
        assert {paper for paper, _ in found} == {paper for paper, _ in wanted}


@pytest.mark.parametrize("compared", [0, 500], ids=["by candidates", "all"])
def test_a_filtered_search_ranks_only_what_the_filter_leaves(
    assistant: Assistant, embedder: Embedder, thirds: list[frozenset[str]], compared: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retriever_module, "EXACT_PAPERS", compared)
    everywhere = assistant.retriever()
    best = everywhere.rank(everywhere.query(QUESTION), candidates=326).paper_ids()

    for within in thirds:
        retriever = Retriever(assistant.collection, embedder, within=within)
        ranking = retriever.rank(retriever.query(QUESTION, names=["gptj"])).paper_ids()
        among = retriever.rank(retriever.query(QUESTION), among=best[:30]).paper_ids()

        assert set(ranking) <= within and len(ranking) == len(within)
        assert set(among) == within.intersection(best[:30])


def test_a_filter_that_leaves_nothing_finds_nothing(assistant: Assistant, embedder: Embedder) -> None:
    retriever = Retriever(assistant.collection, embedder, within=frozenset())

    assert retriever.search(retriever.query(QUESTION), limit=5) == []


def test_first_stages_propose_papers_not_chunks(tmp_path: Path, embedder: Embedder) -> None:
    home = Home(tmp_path / "home", embedder)
    home.settings = home.settings.model_copy(update={"chunk_tokens": 24})
    home.ingest(write_titled(tmp_path / "all.txt", range(6)))
    with home.open() as collection:
        assert collection.vectors.count() > 2 * collection.store.count()
        retriever = Retriever(collection, embedder)

        for limit in range(1, 7):
            assert len(retriever.dense(retriever.pooled(QUESTION), limit=limit)) == limit
        assert collection.chunk_ids(collection.store.paper_ids()) == sorted(collection.vectors.ids())


def test_every_paper_a_list_is_made_of_has_its_own_bm25(assistant: Assistant) -> None:
    ids = assistant.collection.store.paper_ids()
    retriever = assistant.retriever()

    ranking = retriever.rank(retriever.query(QUESTION), candidates=10, among=ids)

    assert (ranking.lexical > 0).sum() == len(assistant.collection.lexical.search(QUESTION, limit=len(ids))) > 10


@pytest.mark.parametrize("slip", ["gptk", "lora", "memti", "mistrall", "sabia", "rome", "qlor", "tuurboprimer", "gpt5"])
def test_a_slip_finds_every_name_one_letter_away(assistant: Assistant, slip: str) -> None:
    store = assistant.collection.store
    names = [key for key, _ in store.top_names(100_000)]

    close = [key for key in store.names_like(slip) if one_edit_apart(slip, key)]

    assert close == sorted(key for key in names if one_edit_apart(slip, key))


@pytest.mark.parametrize("key", ["llm", "gptj", "lora", "peft", "moe", "llama", "nosuchname"])
def test_a_name_is_mentioned_by_its_spellings_or_by_what_it_is_short_for(assistant: Assistant, key: str) -> None:
    store, lexical = assistant.collection.store, assistant.collection.lexical
    spelt_out = [text for text in main_sense(store.expansions(key)) if len(text.split()) > 1 or "-" in text]

    expected = set(store.papers_with_name(key)).union(
        *(lexical.with_phrases([text], without_name="nosuchname") for text in spelt_out)
    )

    assert assistant.collection.with_name(key) == expected
    assert assistant.collection.with_name(key) == expected  # remembered


def test_a_remembered_name_is_forgotten_when_papers_come_in(home: Home, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "a.txt", range(2)))
    with home.open() as collection:
        before = collection.read(lambda: collection.with_name("gptj"))
        before.clear()  # the caller's own

        assert len(collection.read(lambda: collection.with_name("gptj"))) == 1
        home.ingest(write_lines(tmp_path / "b.txt", [ABSTRACTS[3].replace("Our controller", "Our GPT-J controller")]))
        assert len(collection.read(lambda: collection.with_name("gptj"))) == 2


def test_parts_are_counted_once_for_every_state_of_the_index(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.ingest(write_titled(tmp_path / "a.txt", range(2)))
    counted: list[int] = []
    count = VectorIndex.count
    monkeypatch.setattr(VectorIndex, "count", lambda self: counted.append(1) or count(self))
    with home.open() as collection:
        for _ in range(3):
            collection.read(collection.store.count)
        assert len(counted) == 1
        home.ingest(write_titled(tmp_path / "b.txt", range(2, 4)))
        counted.clear()
        for _ in range(3):
            assert collection.read(collection.store.count) == 4
        assert len(counted) == 1


def test_a_removed_text_leaves_no_band(home: Home, tmp_path: Path) -> None:
    one, two = (write_titled(tmp_path / f"{n}.txt", [n]) for n in range(2))
    home.ingest(one, two)
    with home.open() as collection:
        bands = collection.store._db.execute("SELECT count(*) FROM bands").fetchone()[0]
    assert bands == 2 * 32
    remove([two.name], home.settings, home.embedder)

    with home.open() as collection:
        assert collection.store._db.execute("SELECT count(*) FROM bands").fetchone()[0] == 32


def test_tokens_read_after_letting_go_of_the_file_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(0).integers(-127, 128, size=(5000, 128), dtype=np.int8)
    file = TokenFile(tmp_path / "tokens.int8", 128)
    file.append([rows], at=0)
    monkeypatch.setattr(tokens_module, "MAX_TOUCHED_BYTES", 128 * 700)

    kept = [file.rows(start, 500) for start in range(0, 5000, 500)]

    assert np.array_equal(np.concatenate(kept), rows)
    assert file._touched <= 128 * 700


@pytest.mark.parametrize("query", [
    "SELECT paper_id FROM names WHERE key GLOB 'llama[0-9]*'",
    "SELECT key, count(*) FROM names WHERE key IN ('a', 'b')",
    "SELECT * FROM papers WHERE paper_id IN ('a')", "SELECT count(*) FROM papers WHERE title IS NULL",
    "SELECT paper_id, length(chunks) / 8 FROM papers WHERE length(chunks) > 8",
    "SELECT text_id FROM bands WHERE band IN (1, 2)", "SELECT value FROM card WHERE key = 'papers'",
    "SELECT text_id FROM texts WHERE work = 'a'", "SELECT record_id FROM records WHERE file_id = 1",
])
def test_no_question_and_no_added_paper_reads_a_whole_table(assistant: Assistant, query: str) -> None:
    plan = [row[3] for row in assistant.collection.store._db.execute(f"EXPLAIN QUERY PLAN {query}")]

    assert plan and all("INDEX" in step or "PRIMARY KEY" in step for step in plan), plan


def test_synthetic_abstracts_are_the_same_for_a_seed_and_no_two_are_one_work(
    assistant: Assistant, synthetic: ModuleType
) -> None:
    store, vectors = assistant.collection.store, assistant.collection.vectors
    entries = list(store.entries(store.paper_ids()).values())
    first = [entry.chunk_ids()[0] for entry in entries]
    stored = vectors.vectors(first)
    make = synthetic.Synthesiser([entry.paper for entry in entries], np.stack([stored[chunk] for chunk in first]))

    records = [make.record(number) for number in range(150)]

    assert records == [make.record(number) for number in range(150)]
    assert records[0] != make.record(0, seed=1)
    assert len(group([abstract for _, abstract in records])) == 150
