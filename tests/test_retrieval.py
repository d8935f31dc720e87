"""Fusion and late interaction by hand; ranking on a small collection."""

from __future__ import annotations

import numpy as np
import pytest
from papers import ABSTRACTS, Home, write_titled

from assistant.api import Assistant
from assistant.errors import MisuseError
from assistant.index.collection import Collection
from assistant.index.late_interaction import Document, match, support
from assistant.index.token_vectors import Basis


def test_each_question_token_takes_its_best_match_in_each_sentence() -> None:
    tokens = np.array([[1, 0], [0, 1], [2, 2]], dtype=np.int8)
    document = Document(tokens, starts=np.array([0, 2]))
    query = np.array([[1.0, 0.0], [0.0, 0.5]], dtype=np.float32)

    (found,) = match(query, [document])

    assert found.best.tolist() == [[1.0, 0.5], [2.0, 1.0]]  # sentences by question tokens
    assert found.coverage().tolist() == [2.0, 1.0]


def test_a_document_without_tokens_matches_nothing() -> None:
    empty = Document(np.zeros((0, 2), dtype=np.int8), starts=np.zeros(0, dtype=np.int64))
    full = Document(np.array([[3, 0]], dtype=np.int8), starts=np.array([0]))

    found = match(np.array([[1.0, 0.0]], dtype=np.float32), [empty, full, empty])

    assert [entry.coverage().tolist() for entry in found] == [[0.0], [3.0], [0.0]]


def test_a_match_is_the_same_to_the_last_bit_whatever_else_is_compared() -> None:
    rng = np.random.default_rng(0)
    documents = [
        Document(rng.integers(-127, 128, (n, 384)).astype(np.int8), starts=np.array([0, n // 2]))
        for n in (4, 9, 230, 2, 70)
    ]
    query = rng.standard_normal((7, 384)).astype(np.float32)

    together = match(query, documents)

    for document, found in zip(documents, together, strict=True):
        assert match(query, [document])[0].best.tolist() == found.best.tolist()


def test_support_is_the_weighted_mean_clipped_to_one() -> None:
    coverage = np.array([[1.0, 0.0], [3.0, 1.0]], dtype=np.float32)

    assert support(coverage, np.array([3.0, 1.0], dtype=np.float32)).tolist() == [0.75, 1.0]
    assert support(coverage, np.zeros(2, dtype=np.float32)).tolist() == [0.0, 0.0]


def test_bytes_times_question_is_the_cosine() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((400, 48)).astype(np.float32) * np.linspace(2, 0.05, 48, dtype=np.float32)
    basis = Basis.fit(vectors, rank=32)
    query = vectors[:5] + 0.3 * rng.standard_normal((5, 48)).astype(np.float32)

    approximate = basis.encode(vectors).astype(np.float32) @ basis.query(query).T

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    exact = unit @ (query / np.linalg.norm(query, axis=1, keepdims=True)).T
    error = np.abs(approximate - exact)
    assert error.mean() < 0.03 and error.max() < 0.12  # 32 of 48 dimensions, a byte each


@pytest.mark.parametrize(("question", "title"), [
    ("which dataset holds whispering?", "Hushcorpus"),
    ("robot arm picking something up again after letting it fall", "Magpie"),
    ("forecasting hailstorms at high resolution", "Graupel"),
    ("Quillon", "Quillon"),
    ("fixing what a neural network believes about the world", "Quillon"),
])
def test_the_paper_meant_comes_first(question: str, title: str, home: Home) -> None:
    home.ingest(write_titled(home.settings.home / "papers.txt", range(6)))
    with Assistant(Collection(home.settings), home.embedder, home.settings) as assistant:
        hits = assistant.search(question, limit=6)

    assert len(hits) == 6
    assert hits[0].paper.title is not None and hits[0].paper.title.startswith(title)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        assert all(hit.paper.abstract[s.start:s.end] == s.text for s in hit.sentences)
        assert 0 <= hit.support <= 1 and -1 <= hit.similarity <= 1 and 0 <= hit.lexical <= 1
        assert len(hit.sentences) == 3


def test_search_by_name_lists_exactly_the_papers_that_mention_it(home: Home) -> None:
    home.ingest(write_titled(home.settings.home / "papers.txt", range(6)))
    with Assistant(Collection(home.settings), home.embedder, home.settings) as assistant:
        found = assistant.search("anything", limit=10, name="gptj")

    assert [hit.paper.abstract for hit in found] == [ABSTRACTS[0]]


@pytest.mark.parametrize("limit", [0, -3])
def test_fewer_papers_than_one_cannot_be_searched_for(limit: int, six: Home) -> None:
    with Assistant(Collection(six.settings), six.embedder, six.settings) as assistant:
        for search in (assistant.search, assistant.ranking):
            with pytest.raises(MisuseError, match=f"cannot give {limit} papers; give a limit of 1 or more"):
                search("whispered speech", limit=limit)


def test_a_question_longer_than_the_window_is_searched_by_its_beginning(home: Home) -> None:
    home.ingest(write_titled(home.settings.home / "papers.txt", range(6)))
    with Assistant(Collection(home.settings), home.embedder, home.settings) as assistant:
        hits = assistant.search("whispered speech " + "and so on " * 900, limit=1)

    assert hits[0].paper.title == "Hushcorpus: A Dataset of Whispered Speech"
