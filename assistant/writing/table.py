"""Who turns a question and its extractive answer into the answer shown. A new answerer is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from assistant.backends.table import BACKENDS
from assistant.checking.check import Checker
from assistant.retrieval.retriever import Retriever
from assistant.writing.calls import Calls
from assistant.writing.cascade import Cascade
from assistant.writing.fallback import quoted
from assistant.writing.generative import Generative, Task
from assistant.writing.stream import Pieces

if TYPE_CHECKING:
    from assistant.embedding.embedder import Embedder
    from assistant.settings import Settings


class Answerer(Protocol):
    """Answers a question that has been answered by quoting."""

    def write(self, task: Task, calls: Calls) -> Pieces:
        """Pieces of text that may be shown, then the answer; none after ``calls.stop``."""
        ...


class Quoting:
    """The extractive answer goes out as it is."""

    def write(self, task: Task, calls: Calls) -> Pieces:
        """See `Answerer.write`."""
        return quoted(task.draft, "quoted")


Making = Callable[["Settings", Retriever, "Embedder"], Answerer]


def _generative(settings: Settings, retriever: Retriever, embedder: Embedder) -> Generative:
    return Generative(
        retriever, Checker(embedder, retriever.collection), prompt_tokens=settings.prompt_tokens,
        unsupported=settings.unsupported, candidates=settings.candidates, list_candidates=settings.list_candidates,
    )


def _cascade(settings: Settings, retriever: Retriever, embedder: Embedder) -> Cascade:
    return Cascade(_generative(settings, retriever, embedder), confident=settings.cascade_confidence)


ANSWERERS: dict[str, Making] = {  # value of ASSISTANT_BACKEND -> what makes the answerer
    "extractive": lambda settings, retriever, embedder: Quoting(),
    **dict.fromkeys(BACKENDS, _generative),
    "cascade": _cascade,
}


def open_answerer(settings: Settings, retriever: Retriever, embedder: Embedder) -> Answerer:
    """The answerer the settings name, over one retriever."""
    return ANSWERERS[settings.backend](settings, retriever, embedder)
