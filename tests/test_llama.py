"""The retriever inside llama-index: a stock query engine, sync and async, and nothing global touched."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core import Settings as GlobalSettings
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, TextNode

from assistant import Assistant, Filters, PaperRetriever

QUESTION = "how are facts in a language model edited?"


def test_a_node_is_a_paper_with_its_place_and_its_best_sentence(assistant: Assistant) -> None:
    found = PaperRetriever(assistant, limit=3).retrieve(QUESTION)
    hits = assistant.search(QUESTION, limit=3)

    assert [(node.node_id, node.score) for node in found] == [(hit.paper.paper_id, hit.score) for hit in hits]
    assert all(0 <= node.get_score() <= 1 for node in found)
    for node, hit in zip(found, hits, strict=True):
        assert isinstance(node.node, TextNode)
        assert node.node.text == hit.paper.abstract
        best = max(hit.sentences, key=lambda sentence: sentence.score)
        assert node.metadata == {
            "paper_id": hit.paper.paper_id, "title": hit.paper.title,
            "sources": [{"file": source.file, "line": source.line} for source in hit.paper.sources],
            "year": None, "authors": [], "start": best.start, "end": best.end,
        }
        assert node.node.text[best.start:best.end] == best.text


def test_a_language_model_is_shown_title_and_abstract_only(assistant: Assistant) -> None:
    titled, untitled = (
        PaperRetriever(assistant, limit=1, filters=filters).retrieve(QUESTION)[0].node
        for filters in (Filters(sources=("001*",)), Filters(sources=("000*",)))
    )

    assert titled.get_content(MetadataMode.LLM) == f"title: {titled.metadata['title']}\n\n{titled.get_content()}"
    assert untitled.get_content(MetadataMode.LLM) == untitled.get_content()


def test_asynchronously_the_same_is_found(assistant: Assistant) -> None:
    retriever = PaperRetriever(assistant)

    async def both() -> list[list[str]]:
        found = await asyncio.gather(retriever.aretrieve(QUESTION), retriever.aretrieve("speech"))
        return [[node.node_id for node in nodes] for nodes in found]

    assert asyncio.run(both()) == [
        [node.node_id for node in retriever.retrieve(question)] for question in (QUESTION, "speech")
    ]


@pytest.mark.parametrize("filters", [None, Filters(names=("GPT-J",)), Filters(sources=("003*",), has_code=True)])
def test_a_stock_query_engine_answers_from_it(assistant: Assistant, filters: Filters | None) -> None:
    engine = RetrieverQueryEngine.from_args(PaperRetriever(assistant, limit=4, filters=filters), llm=MockLLM())

    answer = engine.query(QUESTION)

    passing = assistant.select(filters or Filters()).paper_ids
    assert len(answer.source_nodes) == 4
    assert {node.node_id for node in answer.source_nodes} <= passing
    assert all(node.node.get_content() in str(answer) for node in answer.source_nodes)  # the mock repeats its prompt
    assert QUESTION in str(answer)


def test_a_filter_that_nothing_passes_finds_nothing(assistant: Assistant) -> None:
    assert PaperRetriever(assistant, filters=Filters(sources=("none.txt",))).retrieve(QUESTION) == []


def test_the_global_settings_stay_untouched(assistant: Assistant) -> None:
    before = (GlobalSettings._llm, GlobalSettings._embed_model, GlobalSettings._callback_manager)

    PaperRetriever(assistant).retrieve(QUESTION)

    assert (GlobalSettings._llm, GlobalSettings._embed_model, GlobalSettings._callback_manager) == before
