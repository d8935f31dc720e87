"""The Add papers tab: files and text into the index, and out of it."""

from __future__ import annotations

from assistant.ui.page.site import Site


def add_tab(site: Site) -> None:
    """Build it inside the tab that is open."""
