"""The Status tab: collection, embedder, backends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from assistant.backends.table import statuses
from assistant.errors import AssistantError
from assistant.ui.page.shown.escape import text
from assistant.ui.page.shown.status import backends_html, card_of, collection_html, embedder_html
from assistant.ui.page.site import Site

if TYPE_CHECKING:
    import gradio as gr


def status_tab(site: Site, tab: gr.Tab) -> None:
    """Build it inside the tab, which is open; asked for when somebody looks, as servers take seconds not to answer."""
    import gradio as gr

    said = gr.HTML('<p class="note">Asking …</p>', elem_id="status-report", padding=False)
    refresh = gr.Button("Look again", elem_id="status-refresh", size="sm", scale=0)
    options: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    tab.select(lambda: _found(site), None, said, **options)
    refresh.click(lambda: _found(site), None, said, **options)


def _found(site: Site) -> str:
    try:
        card = card_of(site.assistant.collection)
        parts = [collection_html(card), embedder_html(card)]
    except AssistantError as exc:
        parts = [f"<section><h2>Collection</h2><p>{text(exc)}</p></section>"]
    parts.append(backends_html(statuses(site.settings), in_use=site.settings.backend))
    now = time.strftime("%H:%M:%S")
    return f'<div class="cards">{"".join(parts)}</div><p class="note">As of {now} on the server.</p>'
