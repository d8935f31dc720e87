"""The Papers tab: browse, search, one paper, the map."""

from __future__ import annotations

from assistant.ui.page.site import Site


def papers_tab(site: Site) -> None:
    """Build it inside the tab that is open."""
