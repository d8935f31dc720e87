"""The Quality tab: the last evaluation."""

from __future__ import annotations

from assistant.ui.page.site import Site


def quality_tab(site: Site) -> None:
    """Build it inside the tab that is open."""
