"""llama-index's documented default over the same papers and the same model, for comparison.

``VectorStoreIndex`` in memory, ``SentenceSplitter``, ``as_retriever()`` with the library's own number of nodes; the
splitter's length is set to the model's window, which its default of 1,024 would overrun. No language model: what it
retrieves is what it says. It never refuses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assistant.evaluation.case import Engine
from assistant.records import Answer, AnswerSentence, Citation, ListItem, Paper

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

    from assistant.api import Assistant
    from assistant.embedding.embedder import Embedder

CHUNK_TOKENS, CHUNK_OVERLAP = 256, 20
NODES_PER_PAPER = 2  # at most, nearly: how many more nodes are fetched than papers wanted


class Stock:
    """A `Subject` made of llama-index's default parts."""

    def __init__(self, assistant: Assistant, embedder: Embedder) -> None:
        """Index the papers of ``assistant`` anew, with ``embedder``."""
        from llama_index.core import VectorStoreIndex
        from llama_index.core.constants import DEFAULT_SIMILARITY_TOP_K
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.core.schema import Document

        self._assistant = assistant
        self._embedder = embedder
        self._top_k = DEFAULT_SIMILARITY_TOP_K
        papers = assistant.papers(assistant.collection.store.paper_ids())
        self._papers = {paper.paper_id: paper for paper in papers}
        documents = [
            Document(id_=paper.paper_id, text=paper.abstract, metadata={"title": paper.title} if paper.title else {})
            for paper in papers
        ]
        self._index = VectorStoreIndex.from_documents(
            documents, embed_model=_embedding(embedder),
            transformations=[SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=CHUNK_OVERLAP)],
        )

    def _retrieve(self, question: str, limit: int) -> list[Any]:
        return list(self._index.as_retriever(similarity_top_k=limit).retrieve(question or " "))

    def ask(self, question: str) -> Answer:
        """The default number of nodes, each a sentence and a citation."""
        found = self._retrieve(question, self._top_k)
        sentences, citations = [], []
        items: list[ListItem] = []
        for mark, scored in enumerate(found, 1):
            paper = self._papers[scored.node.ref_doc_id]
            quote = scored.node.text
            start = scored.node.start_char_idx or 0
            end = start + len(quote)
            sentences.append(AnswerSentence(quote, (mark,), checked=False))
            citations.append(
                Citation(mark, paper.paper_id, paper.title, paper.sources, quote, start, end, url=None)
            )
            if all(item.paper_id != paper.paper_id for item in items):
                items.append(
                    ListItem(paper.paper_id, None, paper.title, mark, quote, start, end, paper.sources)
                )
        return Answer(
            hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()[:12], question, "fact",
            " ".join(f"{sentence.text} [{sentence.marks[0]}]" for sentence in sentences), tuple(sentences),
            tuple(citations), tuple(items), considered=len(self._papers), matched=len(items),
            confidence=min(1.0, max(0.0, float(found[0].score))) if found else 0.0, backend="llama-index default",
        )

    def conversation(self) -> Engine:
        """It does not remember."""
        return self

    def ranking(self, question: str, limit: int) -> Sequence[str]:
        """The papers of the nearest nodes."""
        nodes = self._retrieve(question, NODES_PER_PAPER * limit)
        return list(dict.fromkeys(str(scored.node.ref_doc_id) for scored in nodes))[:limit]

    def papers(self, paper_ids: Sequence[str]) -> Sequence[Paper]:
        """As `Assistant.papers`."""
        return self._assistant.papers(paper_ids)

    def paper_ids(self, places: Sequence[str]) -> set[str]:
        """As `Assistant.paper_ids`."""
        return self._assistant.paper_ids(places)

    def about(self) -> Mapping[str, str | int]:
        """Its parts."""
        from importlib.metadata import version

        return {
            "backend": "llama-index default", "llama-index-core": version("llama-index-core"), "top_k": self._top_k,
            "chunk_tokens": CHUNK_TOKENS, "embedder": self._embedder.name, "precision": self._embedder.precision,
            "papers": len(self._papers),
        }


def _embedding(embedder: Embedder) -> BaseEmbedding:
    """Our embedder as llama-index wants it, made here because its base class takes long to import."""
    from llama_index.core.base.embeddings.base import BaseEmbedding

    class Local(BaseEmbedding):
        """The local model."""

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [[float(number) for number in vector] for vector in embedder.pooled(texts)]

    return Local(model_name=embedder.name, embed_batch_size=32)
