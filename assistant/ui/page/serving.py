"""The page as a server: what it is launched with, and how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assistant.backends import proxies
from assistant.errors import AssistantError, MisuseError
from assistant.ui.page.address import (
    LOCAL,
    check_address,
    check_reach,
    is_loopback,
    may_type_addresses,
    own_names,
    proxied_names,
)
from assistant.ui.page.build import build
from assistant.ui.page.loading import load_gradio
from assistant.ui.page.login import Login, read_login
from assistant.ui.page.site import Site
from assistant.ui.page.static import SCRIPT, STYLE
from assistant.ui.page.uploads import MAX_BYTES

if TYPE_CHECKING:
    import gradio as gr

    from assistant.settings import Settings

THREADS = 100  # for handlers; more than all questions that are answered at once
WAKING = 0.5  # seconds: where a signal reaches another thread, its handler runs when the main one wakes
SHARING = (
    "assistant: --share downloads a program (frpc, from cdn-media.huggingface.co) and runs it. Through gradio.live, "
    "which others run and which sees what passes, it publishes this page for a week at most. Whoever has the "
    "address and a login can ask your collection, and add to it."
)


def serve(settings: Settings, *, share: bool = False, insecure: bool = False) -> None:
    """Open the index and serve the page until Ctrl-C or SIGTERM.

    Args:
        share: also at a public address.
        insecure: without a login even where others can reach it.
    Raises:
        AssistantError: the index or the model is missing, the address cannot be listened on, or others could open the
            page and there is no login.
    """
    from assistant.api import Assistant
    from assistant.conversation.history import Conversations

    host, port = settings.host, settings.port
    login = read_login(settings)
    check_reach(host, login=login is not None, share=share, insecure=insecure)
    check_address(host, port)
    if share and not _agreed():
        return
    if login is None and not is_loopback(host):
        print(f"assistant: whoever can reach {host}:{port} can open the page; there is no login", file=sys.stderr)
    typed = may_type_addresses(settings, login=login is not None, share=share)
    with Assistant.open(settings) as assistant, Conversations(settings.home) as conversations:
        load_gradio()
        with Site(assistant, conversations, typed_addresses=typed) as site, launched(
            build(site), host=host, port=port, root_path=settings.root_path, proxied=proxied_names(settings),
            trusted_proxies=settings.trusted_proxies, login=login, share=share,
        ) as address, ended_by(signal.SIGINT, signal.SIGTERM) as ended:
            print(f"the page is at {address} (Ctrl-C ends it)", flush=True)
            # Not before: what the first question needs is loaded while the browser draws the page.
            warming = threading.Thread(target=_warm, args=[site], name="assistant-warm", daemon=True)
            warming.start()
            while not ended.wait(WAKING):
                pass
            warming.join()  # it uses what is closed next


@contextlib.contextmanager
def ended_by(*signals: signal.Signals) -> Iterator[threading.Event]:
    """An event that these signals set; a second one finds them as they were."""
    ended = threading.Event()
    before = {each: signal.getsignal(each) for each in signals}

    def restore() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    def end(number: int, frame: object) -> None:
        restore()
        ended.set()

    for each in signals:
        signal.signal(each, end)
    try:
        yield ended
    finally:
        restore()


def _warm(site: Site) -> None:
    with contextlib.suppress(AssistantError):  # whoever asks will be told
        site.warm()


def _agreed() -> bool:
    """Say what sharing does; whoever sits at the terminal may still say no."""
    print(SHARING, file=sys.stderr, flush=True)
    if not sys.stdin.isatty():
        return True
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextlib.contextmanager
def launched(
    page: gr.Blocks, *, host: str, port: int, root_path: str = "", proxied: frozenset[str] = frozenset(),
    trusted_proxies: str = "", login: Login | None = None, share: bool = False,
) -> Iterator[str]:
    """Serve a page; gives its address. It is closed at the end.

    Args:
        root_path: path, or whole address, at which a proxy offers it.
        proxied: names by which a proxy may ask for it.
        trusted_proxies: addresses, with commas between, of proxies that are believed who they ask for.
        login: those who may open it; None: all.
        share: also at a public address, which is printed.
    Raises:
        MisuseError: the address cannot be listened on; or it is to be shared, and the proxies cannot be used.
        AssistantError: it cannot be shared.
    """
    import gradio as gr
    from fastapi import Depends
    from starlette.middleware import Middleware

    from assistant.ui.page.attempts import Attempts
    from assistant.ui.page.guard import Guard
    from assistant.ui.page.owners import Owners

    _reach_ourselves_directly(host)
    problem = proxies.problem()
    if share and problem is not None:
        raise MisuseError(f"the page cannot be shared, as {problem}")
    os.environ["FORWARDED_ALLOW_IPS"] = trusted_proxies  # else uvicorn believes whoever connects from this machine
    guard = Middleware(Guard, names=own_names(host, proxied, share=share), proxied=proxied)
    fonts = [gr.themes.Font("system-ui"), gr.themes.Font("sans-serif")]  # no font is fetched
    mono = [gr.themes.Font("ui-monospace"), gr.themes.Font("monospace")]
    page.api_open = False  # what goes through the queue cannot go round it
    try:
        with proxies.hidden() if problem is not None else contextlib.nullcontext():
            _, address, public = page.launch(
                server_name=f"[{host}]" if ":" in host else host, server_port=port, root_path=root_path,
                auth=None if login is None else Attempts(login).admits,  # type: ignore[arg-type]  # it awaits what it can
                share=share, prevent_thread_lock=True, quiet=True, inbrowser=False, inline=False,
                theme=gr.themes.Default(font=fonts, font_mono=mono), css=STYLE, head=f"<script>{SCRIPT}</script>",
                footer_links=[],
                # All said, because the environment could say otherwise.
                ssr_mode=False, mcp_server=False, pwa=False, run_history=False, enable_monitoring=False, num_workers=0,
                show_error=False, max_file_size=MAX_BYTES, max_threads=THREADS,
                app_kwargs={"middleware": [guard], "dependencies": [Depends(Owners().check)]},
            )
    except OSError as exc:  # taken since it was checked
        raise MisuseError(f"the page cannot listen on {host}:{port}; choose another port with --port") from exc
    try:
        if share and not public:
            raise AssistantError("no public address could be had, so nothing is shared; try again without --share")
        yield address
    finally:
        page.close(verbose=False)


def _reach_ourselves_directly(host: str) -> None:
    """Gradio asks its own server whether it is up; a proxy for the internet must not get that request."""
    for name in ("NO_PROXY", "no_proxy"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        os.environ[name] = ",".join(dict.fromkeys([*known, *LOCAL, host]))
