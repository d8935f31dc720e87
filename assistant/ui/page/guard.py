"""What this server answers, and to whom: decided from the headers alone, before anything of a body is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from assistant.ui.page.uploads import MAX_BYTES, MAX_FILES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What a browser may load and call: this server. Gradio's own page has scripts and styles in line, and makes functions
# of the templates of its `HTML` in the browser, which is "eval"; no text of a paper or question is in a template.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)
# What anybody gets: the form of the login, and what it is made of. Gradio asks its own server for startup-events.
PUBLIC = re.compile(r"/(login|(assets|static)/.+|theme\.css|favicon\.ico|robots\.txt)?|/gradio_api/startup-events")
# What the page asks for once somebody is logged in, or where there is no login. What else Gradio offers calls handlers
# by their names, those marked private too, ends other users' events, or makes this server fetch any address of the
# internet for whoever asks (file=https://…).
OFFERED = re.compile(
    r"/(config/?|logout|gradio_api/(queue/(join|data)|run/predict|component_server|upload|upload_progress|"
    r"heartbeat/\w+|app_id|info|login_check|user)/?)"
)
LONGEST_LOGIN = 16 * 2**10                    # bytes of name and password, as a form
LONGEST_UPLOAD = MAX_FILES * MAX_BYTES + 2**20  # bytes; the parts of its form are told apart by the rest
LONGEST_CALL = 16 * 2**20                     # bytes; that is the longest text to paste, in any script

WRONG_NAME = "This page is not served under that name. Whoever runs it can add the name to ASSISTANT_ALLOWED_HOSTS."
FROM_ELSEWHERE = "This page takes no requests from pages of other sites."
NO_LOGIN = "You are not logged in, or no longer. Load the page anew and log in."
NOT_FOUND = "There is nothing here."
NO_LENGTH = "A request with a body has to say how long it is (Content-Length)."

client_address: ContextVar[str] = ContextVar("client_address", default="")  # of whoever made the request


class Guard:
    """Answers the requests of this server's own page, of those who are logged in, and refuses all others."""

    def __init__(self, app: ASGIApp, names: frozenset[str] | None, proxied: frozenset[str]) -> None:
        self._app = app
        self._names = names      # see `assistant.ui.page.address.own_names`
        self._proxied = proxied  # see `assistant.ui.page.address.proxied_names`

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        connection.state.login = login_of(connection)
        if (refused := self._refusal(connection)) is not None:
            status, reason = refused
            # Closed, or whoever was refused could go on sending a body that nobody reads.
            await JSONResponse({"detail": reason}, status, {"connection": "close"})(scope, receive, send)
            return
        client_address.set(connection.client.host if connection.client else "")
        await self._app(scope, receive, _guarded(send))

    def _refusal(self, connection: HTTPConnection) -> tuple[int, str] | None:
        """Return the status and the reason with which a request is refused; None: it is not."""
        headers, scope = connection.headers, connection.scope
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        path = inner_path(scope["path"], scope.get("root_path", ""))
        public = PUBLIC.fullmatch(path) is not None
        if self._names is not None and host_name(host) not in self._names:
            return 421, WRONG_NAME
        if origin is not None and not self._is_ours(origin.lower(), host):
            # Gradio would answer it wherever the page is not on localhost, with the visitor's login.
            return 403, FROM_ELSEWHERE
        if not public and connection.app.auth is not None and connection.state.login is None:
            return 401, NO_LOGIN
        if scope["type"] != "http" or not (public or OFFERED.fullmatch(path)):
            return 404, NOT_FOUND
        limit = {"/login": LONGEST_LOGIN, "/gradio_api/upload": LONGEST_UPLOAD}.get(path, 0 if public else LONGEST_CALL)
        if "transfer-encoding" in headers:
            return 411, NO_LENGTH
        if int(headers.get("content-length", 0)) > limit:
            return 413, f"A request of this kind has at most {limit:,} bytes."
        return None

    def _is_ours(self, origin: str, host: str) -> bool:
        """Whether a request comes from this page: same name and port, or, as a proxy may change these, a name set."""
        asking = urlsplit(origin).netloc
        return asking == host or host_name(asking) in self._proxied


def login_of(connection: HTTPConnection) -> str | None:
    """Return the name under which the sender of a request is logged in to Gradio; None: not at all."""
    app = connection.app
    for kind in ("access-token", "access-token-unsecure"):  # the first is sent over HTTPS only
        if token := connection.cookies.get(f"{kind}-{app.cookie_id}"):
            name: str | None = app.tokens.get(token)
            return name
    return None


def inner_path(path: str, root: str) -> str:
    """Return a path without the one at which a proxy offers the page.

    >>> inner_path("/gradio_api/info", "/gradio"), inner_path("/a/login", "/a"), inner_path("/a", "/a")
    ('/gradio_api/info', '/login', '/')
    """
    if not root or (path != root and not path.startswith(f"{root}/")):
        return path
    return path[len(root):] or "/"


def host_name(host: str) -> str:
    """A ``Host`` header without its port.

    >>> host_name("[::1]:7860"), host_name("papers.example"), host_name("localhost:80")
    ('::1', 'papers.example', 'localhost')
    """
    name, _, port = host.rpartition(":")
    return (name if port.isdigit() else host).strip("[]")


def _guarded(send: Send) -> Callable[[Message], Any]:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"content-security-policy", POLICY.encode()),
                       (b"referrer-policy", b"no-referrer"), (b"x-content-type-options", b"nosniff")]
            message = {**message, "headers": headers}
        await send(message)

    return guarded
