"""The settings of one session, typed into the page; they stay in its memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from assistant.errors import AssistantError
from assistant.ui.page.parcel import say
from assistant.ui.page.session import Session
from assistant.ui.page.site import Site

if TYPE_CHECKING:
    import gradio as gr

BACKENDS = (
    ("Quotes only, no model", "extractive"), ("OpenAI-compatible server", "openai"), ("Ollama", "ollama"),
    ("llama.cpp file of this server", "llamacpp"), ("Quotes, and a model when unsure", "cascade"),
)
REFUSALS = (("strict: refuse early", "strict"), ("balanced", "balanced"), ("eager: answer more", "eager"))


def settings_panel(
    site: Site, session: gr.State, who: gr.JSON, parcel: gr.HTML, *, enter: Callable[[Any, gr.Request], Session]
) -> None:
    """Build it where it is called; ``enter`` gives the session of whoever changes something."""
    import gradio as gr

    settings = site.settings
    with gr.Accordion("Settings of this session", open=False, elem_id="own-settings"):
        backend = gr.Dropdown(list(BACKENDS), value=settings.backend, label="Who writes answers")
        model = gr.Textbox(label="Model", placeholder=settings.model or "the server's usual one", max_length=200)
        base_url = gr.Textbox(
            label="Address of its server", max_length=500, interactive=site.typed_addresses,
            placeholder="http://localhost:8080/v1" if site.typed_addresses else "",
            info=None if site.typed_addresses else "Set by whoever runs this page.",
        )
        key = gr.Textbox(
            label="Key", type="password", max_length=500,
            info="Kept in this session's memory only; gone when you reload.",
            html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
        )
        top_k = gr.Slider(1, 50, value=min(settings.top_k, 50), step=1, label="Papers an answer may draw on")
        refusal = gr.Radio(list(REFUSALS), value=settings.refusal, label="When unsure")
        trace = gr.Checkbox(label="Show how each answer was made", value=False)
        use = gr.Button("Use these", size="sm")

    def used(
        backend: str, model: str, base_url: str, key: str, top_k: float, refusal: str, trace: bool,
        here: Any, request: gr.Request,
    ) -> tuple[Session, dict[str, Any]]:
        now = enter(here, request)
        now.trace = trace
        try:
            now.use({
                "backend": backend, "model": model, "base_url": base_url, "api_key": key, "top_k": int(top_k),
                "refusal": refusal,
            })
            said = f"From the next question on: {now.readiness()}."
        except AssistantError as exc:
            said = str(exc)
        return now, say(said)

    used.__annotations__["request"] = gr.Request
    use.click(
        used, [backend, model, base_url, key, top_k, refusal, trace, who], [session, parcel],
        api_visibility="private", show_progress="hidden", concurrency_limit=16,
    )
