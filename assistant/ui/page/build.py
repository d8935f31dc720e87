"""The whole page: its heading, its tabs, and what ties them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.ui.page.add import add_tab
from assistant.ui.page.chat import chat_tab
from assistant.ui.page.loading import load_gradio
from assistant.ui.page.papers import papers_tab
from assistant.ui.page.quality import quality_tab
from assistant.ui.page.site import Site
from assistant.ui.page.status import status_tab

if TYPE_CHECKING:
    import gradio as gr

TITLE = "Ask the abstracts"
HOUR, DAY = 3600, 86400  # seconds: how often uploads that nobody added are deleted, and how old they are by then


def build(site: Site) -> gr.Blocks:
    """The page, not yet launched."""
    load_gradio()
    import gradio as gr

    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(HOUR, DAY)) as page:
        cited = gr.State(())  # paper ids of the last answer, first cited first
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Ask", id="ask", render_children=True):
                chat_tab(site, page, cited=cited)
            with gr.Tab("Papers", id="papers"):
                papers_tab(site, cited=cited)
            with gr.Tab("Add papers", id="add"):
                add_tab(site)
            with gr.Tab("Quality", id="quality") as tab:
                quality_tab(site, tab)
            with gr.Tab("Status", id="status") as tab:
                status_tab(site, tab)
    return page
