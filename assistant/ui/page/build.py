"""The whole page: its heading and its tabs."""

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


def build(site: Site) -> gr.Blocks:
    """The page, not yet launched."""
    load_gradio()
    import gradio as gr

    page: gr.Blocks
    with gr.Blocks(title="Ask the abstracts", analytics_enabled=False, fill_height=True) as page:
        gr.Markdown(
            f"# Ask {site.assistant.collection.store.count()} abstracts\n"
            "Every sentence of an answer is quoted from a paper, with its place.",
            elem_id="heading",
        )
        with gr.Tab("Ask", id="ask"):
            chat_tab(site)
        with gr.Tab("Papers", id="papers"):
            papers_tab(site)
        with gr.Tab("Add papers", id="add"):
            add_tab(site)
        with gr.Tab("Quality", id="quality"):
            quality_tab(site)
        with gr.Tab("Status", id="status"):
            status_tab(site)
    return page
