"""The conversations beside the chat: search, resume, rename, delete, begin anew, not save."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.ui.page.shown.frames import HISTORY

if TYPE_CHECKING:
    import gradio as gr


def history_panel() -> gr.HTML:
    """Build it where it is called. Its value is the list; its event ``act`` says what is to be done."""
    import gradio as gr

    return gr.HTML(
        "", html_template=HISTORY, apply_default_css=False, elem_id="history",
        js_on_load="chat.history(element, trigger)  // 'act'",
    )
