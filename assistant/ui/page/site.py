"""What every tab of the page is built over."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assistant.closing import Closing

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.conversation.history import Conversations
    from assistant.settings import Settings


@dataclass(frozen=True)
class Site(Closing):
    """One collection, open, for all who look at the page."""

    assistant: Assistant
    conversations: Conversations
    typed_addresses: bool = False  # whether users may type the address of a model server, which this one then calls
    ends: ExitStack = field(default_factory=ExitStack)  # what is to be ended with the site: processes it began

    @property
    def settings(self) -> Settings:
        """Those the page was started with; a session's own are in its `assistant.ui.page.session.Session`."""
        return self.assistant.settings

    def close(self) -> None:
        """End what was begun for it; collection and conversations stay open."""
        self.ends.close()

    def warm(self) -> None:
        """Load what the first question would otherwise wait for."""
        self.assistant.quote("what is this collection about?")  # which leaves no trace
