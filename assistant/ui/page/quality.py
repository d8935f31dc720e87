"""The Quality tab: the last evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.ui.page.shown.quality import LastReport
from assistant.ui.page.site import Site

if TYPE_CHECKING:
    import gradio as gr


def quality_tab(site: Site, tab: gr.Tab) -> None:
    """Build it inside the tab, which is open; it is read when somebody looks."""
    import gradio as gr

    last = LastReport(site.settings.home / "evaluation")
    report = gr.HTML('<p class="note">Reading the last evaluation …</p>', elem_id="quality-report", padding=False)
    tab.select(
        lambda: last.html(papers=site.assistant.collection.store.count()), None, report,
        api_visibility="private", show_progress="hidden",
    )
