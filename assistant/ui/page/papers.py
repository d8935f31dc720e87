"""The Papers tab: browse, search, one paper, the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.ui.page.site import Site

if TYPE_CHECKING:
    import gradio as gr


def papers_tab(site: Site, *, cited: gr.State) -> None:
    """Build it inside the tab that is open; ``cited``: ids of the papers of the last answer, which the map lights up."""
