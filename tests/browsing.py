"""What tests of the page share: a page served over a real collection, a real browser, a small proxy."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import shutil
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from assistant import Assistant, Settings
from assistant.conversation.history import Conversations
from assistant.embedding.embedder import Embedder
from assistant.index.collection import Collection
from assistant.ui.page.build import build
from assistant.ui.page.serving import launched
from assistant.ui.page.site import Site

if TYPE_CHECKING:
    import gradio as gr
    from playwright.sync_api import Browser, BrowserContext, Page

PHONE = {"viewport": {"width": 390, "height": 844}}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, which never calls home; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the dev extra (playwright)")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def served_page(
    settings: Settings, embedder: Embedder, *, kept: Path | None = None, **options: Any
) -> Iterator[tuple[gr.Blocks, str]]:
    """The page over an index, in this process; gives it, and its address.

    Args:
        kept: folder of its conversations; default: the home folder.
        options: for `launched`.
    """
    with (
        Assistant(Collection(settings), embedder, settings) as assistant,
        Conversations(kept or settings.home) as conversations,
        Site(assistant, conversations, typed_addresses=True) as site,
    ):
        page = build(site)
        with launched(page, host="127.0.0.1", port=free_port(), **options) as address:
            yield page, address


@contextlib.contextmanager
def served(settings: Settings, embedder: Embedder, **options: Any) -> Iterator[str]:
    """As `served_page`; gives the address alone."""
    with served_page(settings, embedder, **options) as (_, address):
        yield address


@contextlib.contextmanager
def watched(browser: Browser, address: str, *, but: tuple[str, ...] = (), **options: Any) -> Iterator[BrowserContext]:
    """A context of its own; at the end it fails if a page called another host or complained.

    Args:
        but: complaints that are none of ours.
    """
    requests: list[str] = []
    complaints: list[str] = []
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
    context.set_default_timeout(30_000)
    context.on("request", lambda request: requests.append(request.url))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    yield context
    context.close()
    assert requests and [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert [said for said in complaints if said not in but] == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def open_tab(page: Page, name: str) -> None:
    """Choose a tab, in the menu of those that do not fit if need be."""
    page.locator("#tabs").wait_for()
    tab = page.locator("#tabs > .tab-wrapper").get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():
        page.locator("#tabs .overflow-menu > button").first.click()
        tab = page.locator("#tabs .overflow-dropdown").first.get_by_text(name, exact=True)
    tab.click()


def fetch(
    address: str, *, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers by lower-case name, body), whatever the status; ``content_type`` is Content-Type."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address, data=body, headers=named, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as response:
            return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read()
    except urllib.error.HTTPError as exc:
        return exc.code, {k.lower(): v for k, v in exc.headers.items()}, exc.read()


class Client:
    """Sends requests to one address, with the cookie of whoever is logged in, from an address of this machine."""

    def __init__(self, address: str, *, source: str = "127.0.0.1") -> None:
        self.address, self.source, self.cookie = address, source, ""

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """(status, headers by lower-case name, body); of a stream of events, its first line alone."""
        connection = http.client.HTTPConnection(
            urlsplit(self.address).netloc, timeout=60, source_address=(self.source, 0)
        )
        with contextlib.closing(connection):
            connection.request(method, f"/{path}", body, {"Cookie": self.cookie, **(headers or {})})
            reply = connection.getresponse()
            named = {name.lower(): value for name, value in reply.getheaders()}
            streams = "event-stream" in named.get("content-type", "")
            return reply.status, named, reply.readline() if streams else reply.read()

    def post(self, path: str, **fields: object) -> tuple[int, dict[str, str], bytes]:
        return self.send("POST", path, json.dumps(fields).encode(), JSON)

    def log_in(self, name: str, password: str, **headers: str) -> int:
        form = urlencode({"username": name, "password": password}).encode()
        status, replied, _ = self.send("POST", "login", form, {**FORM, **headers})
        self.cookie = replied.get("set-cookie", self.cookie).partition(";")[0]
        return status


@contextlib.contextmanager
def proxied(port: int, prefix: str) -> Iterator[str]:
    """A reverse proxy that offers the page of a port below a path, as nginx does; gives its address.

    What else it is asked for is not found. It keeps the name it was asked by in ``Host``, and passes on what arrives
    piece by piece.
    """
    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # a reply ends with its connection

        def do_GET(self) -> None:
            self.pass_on()

        do_POST = do_HEAD = do_GET

        def pass_on(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            upstream.request(self.command, self.path.removeprefix(prefix), body or None, kept)
            reply = upstream.getresponse()
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                while piece := reply.read1(65536):
                    self.wfile.write(piece)
            upstream.close()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    server.shutdown()
    server.server_close()


class Visitor:
    """A page as the server sees it, without a browser: events into Gradio's queue, and what comes back."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._host = address.split("/")[2]
        self._page = secrets.token_hex(8)
        config = json.loads(fetch(f"{address}config")[2])
        self._parts = {part["id"]: part["props"] for part in config["components"]}
        self._events = config["dependencies"]

    def ask(self, question: str) -> str:
        """The HTML of the whole answer."""
        return str(self.send("question", "submit", [question, None])[2]["html"])

    def use(self, backend: str, **given: Any) -> str:
        """Change the settings of this session; what is said to that."""
        told = {"model": "", "base_url": "", "key": "", "top_k": 12, "refusal": "balanced", "trace": False} | given
        return str(self.send("Use these", "click", [backend, *told.values(), None])[1])

    def send(self, part: str, event: str, data: list[Any]) -> list[Any]:
        """The last outputs of an event of a part, named by its element's id or its label."""
        number = next(entry["id"] for entry in self._events for target, name in entry["targets"] if name == event and
                      part in (self._parts[target].get("elem_id"), self._parts[target].get("value")))
        body = json.dumps({"data": data, "fn_index": number, "session_hash": self._page}).encode()
        fetch(f"{self._address}gradio_api/queue/join", method="POST", body=body, content_type="application/json")
        with contextlib.closing(http.client.HTTPConnection(self._host)) as connection:
            connection.request("GET", f"/gradio_api/queue/data?session_hash={self._page}")
            for line in connection.getresponse():
                message = json.loads(line.removeprefix(b"data:")) if line.startswith(b"data:") else {}
                if message.get("msg") == "process_completed":
                    assert message["success"], message
                    return list(message["output"]["data"])
        raise AssertionError(f"{part} gave no answer to {event}")

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Keep the page open in this block, as a browser does by a request without end; leaving it closes the page."""
        with socket.create_connection(tuple(self._host.split(":"))) as heartbeat:
            heartbeat.sendall(f"GET /gradio_api/heartbeat/{self._page} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
            assert heartbeat.recv(12) == b"HTTP/1.1 200"
            yield
