"""What every tab of the page is built over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.api import Assistant


@dataclass(frozen=True)
class Site:
    """One collection, open, for all who look at the page."""

    assistant: Assistant
