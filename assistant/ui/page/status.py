"""The Status tab: collection, embedder, backends."""

from __future__ import annotations

from assistant.ui.page.site import Site


def status_tab(site: Site) -> None:
    """Build it inside the tab that is open."""
