"""The Ask tab: the conversation."""

from __future__ import annotations

import html
import traceback
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

from assistant.answering.citations import places, shorten, title_of
from assistant.errors import AssistantError
from assistant.records import Answer
from assistant.ui.page.site import Site

if TYPE_CHECKING:
    import gradio as gr

# A question about a name is offered only where the collection has that name.
EXAMPLES = (
    ("GPT-J", "which methods edit GPT-J?"),
    ("Redco", "what is Redco?"),
    ("LoRAMoE", "compare LoRAMoE and Mixture-of-LoRAs"),
    (None, "how many papers do you know?"),
)
LONGEST_QUOTE = 300    # characters
LONGEST_LIST = 200     # items shown; the command line and Python give all
LONGEST_QUESTION = 10_000


class Asked(Protocol):
    """What the page needs of an `Assistant`."""

    def ask(self, question: str) -> Answer:
        """Answer one question; called from several threads at once."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what the page replied, as plain text."""

    question: str
    reply: str


def chat_tab(site: Site, *, cited: gr.State) -> None:
    """Build it inside the tab that is open; puts the papers that the last answer cites into ``cited``."""
    import gradio as gr

    assistant = site.assistant
    examples = [text for name, text in EXAMPLES if name is None or assistant.with_name(name)]

    def reply(question: str, turns: tuple[Turn, ...]) -> tuple[str, list[dict[str, Any]], tuple[Turn, ...]]:
        if question.strip():
            turns = (*turns, Turn(_encodable(question), _encodable(replied(assistant, question))))
        return "", [message for turn in turns for message in _messages(turn)], turns

    def reply_to_example(
        chosen: gr.SelectData, turns: tuple[Turn, ...]
    ) -> tuple[str, list[dict[str, Any]], tuple[Turn, ...]]:
        return reply(str(chosen.value["text"]), turns)

    # Gradio looks for this class among the annotations, which are texts here and name what it cannot see.
    reply_to_example.__annotations__["chosen"] = gr.SelectData
    # The conversation, one for each open page. What the browser says was said before is never read.
    turns = gr.State(())
    chat = gr.Chatbot(
        elem_id="answers", show_label=False, scale=1, height="60vh", layout="panel", autoscroll=False,
        buttons=[],  # "copy" would copy what `_messages` escapes
        render_markdown=False, sanitize_html=True, allow_tags=False, latex_delimiters=[], feedback_options=None,
        examples=[{"text": text} for text in examples],
    )
    with gr.Row():
        box = gr.Textbox(
            placeholder="Ask the collection …", label="Question", show_label=False, autofocus=True, scale=1,
            max_length=LONGEST_QUESTION, elem_id="question", submit_btn="Ask",
        )
    # Private: nobody's API. One at a time a page; several pages at once.
    options: dict[str, Any] = {
        "api_visibility": "private", "concurrency_id": "ask", "concurrency_limit": 4, "show_progress": "minimal",
    }
    box.submit(reply, [box, turns], [box, chat, turns], **options)
    chat.example_select(reply_to_example, [turns], [box, chat, turns], **options)
    chat.clear(lambda: (), None, turns, api_visibility="private", queue=False)


def replied(assistant: Asked, question: str) -> str:
    """What the page says to a question, whatever happens."""
    try:
        return reply_text(assistant.ask(question))
    except AssistantError as exc:
        return f"This question could not be answered: {exc}"
    except Exception:
        traceback.print_exc()
        return "Something went wrong inside the assistant; the terminal it runs in says what. Please try again."


def reply_text(answer: Answer) -> str:
    """An answer as the page shows it: plain text, each list item with its quote and place under it.

    >>> reply_text(Answer("1", "who?", "fact", "I cannot answer that.", abstained=True))
    'No answer · I cannot answer that.'
    """
    blocks = []
    if answer.items:
        blocks.append(answer.text.partition("\n1. ")[0])
        for number, item in enumerate(answer.items[:LONGEST_LIST], 1):
            title = title_of(item.title, item.quote)
            named = f"{item.name} — {title}" if item.name and not title.startswith(item.name) else title
            blocks.append(f"{number}. {named}\n“{shorten(item.quote, LONGEST_QUOTE)}”\n{places(item.sources)}")
        if len(answer.items) > LONGEST_LIST:
            blocks.append(f"… and {len(answer.items) - LONGEST_LIST} more: assistant ask prints them all")
    else:
        blocks.append(f"No answer · {answer.text}" if answer.abstained else answer.text)
        cited = []
        for _, group in groupby(answer.citations, key=lambda citation: citation.paper_id):
            same = list(group)
            marks = "".join(f"[{citation.mark}]" for citation in same)
            cited.append(f"{marks} {title_of(same[0].title, same[0].quote)}\n{places(same[0].sources)}")
        blocks += cited
    if answer.nearest:
        blocks.append("Nearest in the collection:")
        blocks += [
            f"• {title_of(near.title, near.quote)}\n“{shorten(near.quote, LONGEST_QUOTE)}”\n{places(near.sources)}"
            for near in answer.nearest
        ]
    return "\n\n".join(blocks)


def _messages(turn: Turn) -> list[dict[str, Any]]:
    """A turn as Gradio wants it.

    Even with Markdown off the browser takes a message for HTML: ``<img src=//elsewhere>`` would be fetched. Escaped,
    it is text. A message that is a bare string would lose its indentation.
    """
    return [
        {"role": role, "content": [{"type": "text", "text": html.escape(text, quote=False)}]}
        for role, text in (("user", turn.question), ("assistant", turn.reply))
    ]


def _encodable(text: str) -> str:
    """The text without halves of characters, which no JSON can carry to a browser."""
    return text.encode("utf-8", "replace").decode()


