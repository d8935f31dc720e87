"""Ask a collection of paper abstracts: ``from assistant import Assistant``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.errors import AssistantError
from assistant.records import Answer, Citation, Hit, ListItem, Nearest, Paper, Source

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.integrations.llama_index.retriever import PaperRetriever
    from assistant.retrieval.filters import Filters
    from assistant.settings import Settings

__all__ = [
    "Answer", "Assistant", "AssistantError", "Citation", "Filters", "Hit", "ListItem", "Nearest", "Paper",
    "PaperRetriever", "Settings", "Source",
]


def __getattr__(name: str) -> Any:  # heavy modules load when first used
    if name == "Assistant":
        from assistant.api import Assistant
        return Assistant
    if name == "Settings":
        from assistant.settings import Settings
        return Settings
    if name == "Filters":
        from assistant.retrieval.filters import Filters
        return Filters
    if name == "PaperRetriever":
        from assistant.integrations.llama_index.retriever import PaperRetriever
        return PaperRetriever
    raise AttributeError(f"module 'assistant' has no attribute {name!r}")
