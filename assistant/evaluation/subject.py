"""The product as what is evaluated, and how to open it over some papers."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import MisuseError
from assistant.evaluation.case import Engine
from assistant.records import Answer, Paper

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.embedding.embedder import Embedder
    from assistant.settings import Settings
    from ingest.report import Report as IngestReport

Chat = Callable[["Assistant"], Engine]  # makes a new conversation
ASKED = ("backend", "refusal", "top_k", "candidates", "precision", "chunk_tokens")  # settings that answers depend on


class Product:
    """An `Assistant` as a `Subject`."""

    def __init__(self, assistant: Assistant, chat: Chat | None = None) -> None:
        """``chat`` makes an engine that remembers its turns; default: a `Dialogue`."""
        self.assistant = assistant
        self._chat = chat

    def ask(self, question: str) -> Answer:
        """As `Assistant.ask`."""
        return self.assistant.ask(question)

    def conversation(self) -> Engine:
        """A new conversation."""
        from assistant.conversation.dialogue import Dialogue

        return (self._chat or Dialogue)(self.assistant)

    def ranking(self, question: str, limit: int) -> Sequence[str]:
        """As `Assistant.ranking`."""
        return self.assistant.ranking(question, limit=limit)

    def papers(self, paper_ids: Sequence[str]) -> Sequence[Paper]:
        """As `Assistant.papers`."""
        return self.assistant.papers(paper_ids)

    def paper_ids(self, places: Sequence[str]) -> set[str]:
        """As `Assistant.paper_ids`."""
        return self.assistant.paper_ids(places)

    def about(self) -> Mapping[str, str | int]:
        """Settings that answers depend on, the embedder, and which papers."""
        settings, collection = self.assistant.settings, self.assistant.collection
        ids = collection.store.paper_ids()
        return {
            **{name: getattr(settings, name) for name in ASKED},
            "embedder": collection.card.get("embedder", ""), "fingerprint": collection.card.get("fingerprint", ""),
            "papers": len(ids), "papers_sha256": hashlib.sha256("".join(ids).encode()).hexdigest()[:16],
        }


@contextlib.contextmanager
def over_papers(
    paths: Sequence[Path], settings: Settings, *, note: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[Assistant, IngestReport]]:
    """An assistant over an index made of some papers in a temporary folder.

    Raises:
        MisuseError: a path is not there, or nothing in them can be read.
    """
    from assistant.api import Assistant
    from assistant.index.collection import Collection
    from ingest.pipeline import ingest

    for path in paths:
        if not path.exists():
            raise MisuseError(f"there are no papers at {path.name!r}; name a file or folder with --papers")
    embedder = open_for(settings)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        own = settings.model_copy(update={"home": Path(folder), "chroma_url": None})
        note(f"reading {', '.join(path.name for path in paths)} into a temporary index …")
        report = ingest(paths, own, embedder)
        if not report.read:
            raise MisuseError(f"no paper could be read from {', '.join(path.name for path in paths)}")
        with Assistant(Collection(own), embedder, own) as assistant:
            yield assistant, report


def open_for(settings: Settings) -> Embedder:
    """The embedder that settings ask for."""
    from assistant.embedding.embedder import open_embedder

    return open_embedder(settings.embedder_dir, precision=settings.precision, threads=settings.threads)
