"""The chat page, plain: a question box, answers with their citations. The only file that knows Gradio."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from assistant.api import Assistant
from assistant.ui.render import answer_text

if TYPE_CHECKING:
    import gradio as gr

    from assistant.settings import Settings

def serve(settings: Settings, *, host: str, port: int) -> None:
    """Open the index and serve the page until stopped.

    Raises:
        AssistantError: the index or the model is missing, or the address cannot be listened on.
    """
    from assistant.errors import MisuseError

    assistant = Assistant.open(settings)
    page = build(assistant)
    try:
        page.launch(server_name=host, server_port=port, quiet=False, share=False, footer_links=[])
    except OSError as exc:
        raise MisuseError(f"the page cannot listen on {host}:{port} ({exc}); choose another with --port") from exc


def build(assistant: Assistant) -> gr.Blocks:
    """The page over an open assistant, not yet launched."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported
    import gradio as gr

    def reply(question: str, history: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
        answer = assistant.ask(question)
        return "", [
            *history,
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer_text(answer)},
        ]

    count = assistant.collection.store.count()
    page: gr.Blocks
    with gr.Blocks(title="Ask the abstracts", analytics_enabled=False) as page:
        gr.Markdown(f"# Ask {count} abstracts\nEvery sentence of an answer is quoted from a paper, with its place.")
        # Plain text: nothing in a paper or a question can become HTML, a link or an image.
        chat = gr.Chatbot(label="Answers", height=560, render_markdown=False)
        box = gr.Textbox(label="Question", placeholder="which methods edit GPT-J?", autofocus=True, max_length=10_000)
        box.submit(reply, [box, chat], [box, chat], api_visibility="private")
    return page
