"""The page as a server: where it may listen, and what it is launched with."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assistant.errors import MisuseError
from assistant.ui.page.build import build
from assistant.ui.page.guard import Guard
from assistant.ui.page.site import Site
from assistant.ui.page.static import SCRIPT, STYLE
from assistant.ui.page.uploads import MAX_BYTES

if TYPE_CHECKING:
    import gradio as gr

    from assistant.settings import Settings

LOCAL = ("127.0.0.1", "localhost", "::1")


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Open the index and serve the page until Ctrl-C.

    Raises:
        AssistantError: the index or the model is missing, or the address cannot be listened on.
    """
    from assistant.api import Assistant
    from assistant.conversations import Conversations

    check_address(host, port)
    with Assistant.open(settings) as assistant, Conversations(settings.home) as conversations:
        site = Site(assistant, conversations)
        page = build(site)
        threading.Thread(target=site.warm, name="assistant-warm", daemon=True).start()
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
            theme=gr.themes.Default(font=fonts, font_mono=mono), css=STYLE,
            head=f"<script>{SCRIPT}</script>", footer_links=[],
            # All said, because the environment could say otherwise.
            share=False, ssr_mode=False, mcp_server=False, pwa=False, run_history=False, enable_monitoring=False,
            show_error=False, max_file_size=MAX_BYTES,
            app_kwargs={"middleware": [Middleware(Guard, hosts=(*LOCAL, host) if host in LOCAL else None)]},
        )
    except OSError as exc:  # taken since it was checked
        raise MisuseError(f"the page cannot listen on {host}:{port}; choose another port with --port") from exc
    try:
        yield address
    finally:
        page.close(verbose=False)


def _reach_ourselves_directly(host: str) -> None:
    """Gradio asks its own server whether it is up; a proxy for the internet must not get that request."""
    for name in ("NO_PROXY", "no_proxy"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        os.environ[name] = ",".join(dict.fromkeys([*known, *LOCAL, host]))
