"""The chat page, plain: a question box, answers with their citations. The only file that knows Gradio."""

from __future__ import annotations

import contextlib
import html
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

from assistant.answering.citations import places, shorten, title_of
from assistant.errors import AssistantError, MisuseError
from assistant.records import Answer

if TYPE_CHECKING:
    import gradio as gr

    from assistant.settings import Settings

# A question about a name is offered only where the collection has that name.
EXAMPLES = (
    ("GPT-J", "which methods edit GPT-J?"),
    ("Redco", "what is Redco?"),
    ("LoRAMoE", "compare LoRAMoE and Mixture-of-LoRAs"),
    (None, "how many papers do you know?"),
)
LOCAL = ("127.0.0.1", "localhost", "::1")
LONGEST_QUOTE = 300    # characters
LONGEST_LIST = 200     # items shown; the command line and Python give all
LONGEST_QUESTION = 10_000

# What a browser may load and call: this server. Gradio's own page has scripts and styles in line.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)
_CSS = """
.gradio-container { width: 100% !important; max-width: 60rem !important; margin: 0 auto !important; }
.gradio-container main { width: 100% !important; }
#heading h1 { font-size: 1.25rem; margin: 0; }
#heading p { margin: 0; }
#answers .message-content { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5; }
#answers .user-row .message-content { font-weight: 600; }
"""
# Brings the newest question to the top, so that a long answer is read from its beginning.
_SCROLL = """<script>
{
  let asked = 0;
  new MutationObserver(() => {
    const rows = document.querySelectorAll("#answers .user-row");
    if (rows.length > asked) setTimeout(() => rows[rows.length - 1].scrollIntoView({ block: "start" }), 50);
    asked = rows.length;
  }).observe(document.documentElement, { childList: true, subtree: true });
}
</script>"""


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


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Open the index and serve the page until Ctrl-C.

    Raises:
        AssistantError: the index or the model is missing, or the address cannot be listened on.
    """
    from assistant.api import Assistant

    check_address(host, port)
    with Assistant.open(settings) as assistant:
        examples = [text for name, text in EXAMPLES if name is None or assistant.with_name(name)]
        page = build(assistant, papers=assistant.collection.store.count(), examples=examples)
        if host not in LOCAL:
            print(f"assistant: anyone who can reach {host}:{port} can ask; there is no login", file=sys.stderr)
        with launched(page, host=host, port=port) as address, contextlib.suppress(KeyboardInterrupt):
            print(f"the page is at {address} (Ctrl-C ends it)", flush=True)
            threading.Event().wait()


def check_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, before anything slow is loaded.

    Raises:
        MisuseError: with the reason.
    """
    if port > 65535:
        raise MisuseError(f"the page cannot listen on {host}:{port} (ports end at 65535); choose another with --port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a page just ended is no obstacle
            probe.bind(address)
    except (OSError, UnicodeError) as exc:
        reason = (exc.strerror if isinstance(exc, OSError) else None) or "no such address"
        raise MisuseError(
            f"the page cannot listen on {host}:{port} ({reason}); choose another port with --port, or end what uses it"
        ) from exc


def build(assistant: Asked, *, papers: int, examples: Sequence[str] = ()) -> gr.Blocks:
    """The page over an open assistant, not yet launched; ``papers`` is how many it says it knows."""
    # Read when gradio is imported. Not setdefault: the page calls nobody, whatever else is wished.
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
    import gradio as gr

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
    page: gr.Blocks
    with gr.Blocks(title="Ask the abstracts", analytics_enabled=False, fill_height=True) as page:
        gr.Markdown(
            f"# Ask {papers} abstracts\nEvery sentence of an answer is quoted from a paper, with its place.",
            elem_id="heading",
        )
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
    return page


@contextlib.contextmanager
def launched(page: gr.Blocks, *, host: str, port: int) -> Iterator[str]:
    """Serve a page; gives its address. It is closed at the end.

    Raises:
        MisuseError: the address cannot be listened on.
    """
    import gradio as gr
    from starlette.middleware import Middleware

    _reach_ourselves_directly(host)
    fonts = [gr.themes.Font("system-ui"), gr.themes.Font("sans-serif")]  # no font is fetched
    mono = [gr.themes.Font("ui-monospace"), gr.themes.Font("monospace")]
    try:
        _, address, _ = page.launch(
            server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, inbrowser=False, inline=False,
            theme=gr.themes.Default(font=fonts, font_mono=mono), css=_CSS, head=_SCROLL, footer_links=[],
            # All said, because the environment could say otherwise.
            share=False, ssr_mode=False, mcp_server=False, pwa=False, run_history=False, enable_monitoring=False,
            show_error=False, max_file_size=1,
            app_kwargs={"middleware": [Middleware(_Guard, hosts=(*LOCAL, host) if host in LOCAL else None)]},
        )
    except OSError as exc:  # taken since it was checked
        raise MisuseError(f"the page cannot listen on {host}:{port}; choose another port with --port") from exc
    try:
        yield address
    finally:
        page.close(verbose=False)


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


def _reach_ourselves_directly(host: str) -> None:
    """Gradio asks its own server whether it is up; a proxy for the internet must not get that request."""
    for name in ("NO_PROXY", "no_proxy"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        os.environ[name] = ",".join(dict.fromkeys([*known, *LOCAL, host]))


class _Guard:
    """Lets a browser talk to this server only, and other sites' pages not to it."""

    def __init__(self, app: Callable[..., Any], hosts: tuple[str, ...] | None) -> None:
        self._app = app
        self._hosts = hosts  # names this page is asked for by; None: any

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        name = asked.rpartition(":")[0] if asked.rpartition(":")[2].isdigit() else asked
        if self._hosts is not None and name.strip("[]") not in self._hosts:
            # Another site's name that was pointed at this machine ("DNS rebinding").
            await send({"type": "http.response.start", "status": 421, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
            return

        async def guarded(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"content-security-policy", _POLICY.encode()),
                           (b"referrer-policy", b"no-referrer"), (b"x-content-type-options", b"nosniff")]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, guarded)
