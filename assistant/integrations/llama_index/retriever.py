"""The retriever for programs made with llama-index: a `BaseRetriever`, so that it fits every query engine.

Only this file of ``retrieval`` imports llama-index, which takes over a second.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from assistant.retrieval.filters import Filters

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.records import Hit

FOR_PROGRAMS = ["paper_id", "sources", "year", "authors", "start", "end"]  # not shown to a language model


class PaperRetriever(BaseRetriever):
    """Finds papers of an open collection, as `Assistant.search` does.

    A node is a paper: its ``id_`` and ``metadata["paper_id"]`` are the paper's, its text the whole abstract. The
    metadata also have ``title`` (None where there is none), ``sources`` ([{file, line}, …]), ``year``, ``authors``, and
    ``start`` and ``end`` of the sentence that answers best, in code points, half-open, into the text. The score is
    `Hit.score`: 0–1, comparable within one question. Of the metadata, a language model is shown the title only.
    """

    def __init__(
        self, assistant: Assistant, *, limit: int = 5, filters: Filters | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        """Search with an assistant, which stays the caller's to close.

        Args:
            limit: papers at most.
            filters: only among the papers that pass; where none does, nothing is found.
        """
        self._assistant = assistant
        self._limit = limit
        self._filters = filters
        # An own manager: without one llama-index would ask its global settings.
        super().__init__(callback_manager=callback_manager or CallbackManager())

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._assistant.search(query_bundle.query_str, limit=self._limit, filters=self._filters)
        return [NodeWithScore(node=_node(hit), score=hit.score) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(hit: Hit) -> TextNode:
    paper = hit.paper
    best = max(hit.sentences, key=lambda sentence: sentence.score, default=None)
    return TextNode(
        id_=paper.paper_id, text=paper.abstract, start_char_idx=0, end_char_idx=len(paper.abstract),
        metadata={
            "paper_id": paper.paper_id, "title": paper.title,
            "sources": [{"file": source.file, "line": source.line} for source in paper.sources],
            "year": paper.year, "authors": list(paper.authors),
            "start": best.start if best else 0, "end": best.end if best else len(paper.abstract),
        },
        excluded_llm_metadata_keys=FOR_PROGRAMS if paper.title else [*FOR_PROGRAMS, "title"],
        excluded_embed_metadata_keys=FOR_PROGRAMS if paper.title else [*FOR_PROGRAMS, "title"],
    )
