"""A place on the page for HTML that this page has escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr


def panel(elem_id: str, html: str = "") -> gr.Markdown:
    """Build it where it is called. Markdown leaves a whole block of HTML alone; its sanitizer is a second fence."""
    import gradio as gr

    return gr.Markdown(html, elem_id=elem_id, sanitize_html=True, latex_delimiters=[], header_links=False)
