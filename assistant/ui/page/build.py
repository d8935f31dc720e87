"""The whole page: its heading and its tabs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assistant.ui.page.add import add_tab
from assistant.ui.page.chat import chat_tab
from assistant.ui.page.papers import papers_tab
from assistant.ui.page.quality import quality_tab
from assistant.ui.page.site import Site
from assistant.ui.page.status import status_tab

if TYPE_CHECKING:
    import gradio as gr


def build(site: Site) -> gr.Blocks:
    """The page, not yet launched."""
    # Read when gradio is imported. Not setdefault: the page calls nobody, whatever else is wished.
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
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
