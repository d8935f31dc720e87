"""What a browser may load, and which browsers this server answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

# What a browser may load and call: this server. Gradio's own page has scripts and styles in line, and makes functions
# of the templates of its `HTML` in the browser, which is "eval"; no text of a paper or question is in a template.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)
WRONG_NAME = (
    b"This page is not served under that name. Whoever runs it can add the name to ASSISTANT_ALLOWED_HOSTS.\n"
)
# What the page itself asks for below /gradio_api. What else Gradio offers there calls handlers by their names, those
# marked private too, or makes this server fetch any address of the internet for whoever asks (file=https://…).
OPEN = re.compile(
    r"/(queue/(join|data)|run/predict|component_server|upload|upload_progress|cancel|reset|"
    r"heartbeat/\w+|app_id|info|login_check|user|token|startup-events|theme\.css)/?"
)
NOT_FOUND = b"There is nothing here.\n"
FROM_ELSEWHERE = b"This page takes no requests from pages of other sites.\n"


class Guard:
    """Lets a browser talk to this server only, and other sites' pages not to it."""

    def __init__(self, app: Callable[..., Any], names: frozenset[str] | None, proxied: frozenset[str]) -> None:
        self._app = app
        self._names = names      # see `assistant.ui.page.address.own_names`
        self._proxied = proxied  # see `assistant.ui.page.address.proxied_names`

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if self._names is not None and host_name(host) not in self._names:
            await _refuse(send, 421, WRONG_NAME)
        elif origin is not None and not self._is_ours(origin, host):
            # Gradio would answer it wherever the page is not on localhost, with the visitor's login.
            await _refuse(send, 403, FROM_ELSEWHERE)
        elif not _is_open(scope["path"]):
            await _refuse(send, 404, NOT_FOUND)
        else:
            await self._app(scope, receive, _guarded(send))

    def _is_ours(self, origin: str, host: str) -> bool:
        """Whether a request comes from this page: same name and port, or, as a proxy may change these, a name set."""
        asking = urlsplit(origin).netloc
        return asking == host or host_name(asking) in self._proxied


def host_name(host: str) -> str:
    """A ``Host`` header without its port.

    >>> host_name("[::1]:7860"), host_name("papers.example"), host_name("localhost:80")
    ('::1', 'papers.example', 'localhost')
    """
    name, _, port = host.rpartition(":")
    return (name if port.isdigit() else host).strip("[]")


def _is_open(path: str) -> bool:
    _, gradios, rest = path.partition("/gradio_api")
    return not gradios or OPEN.fullmatch(rest) is not None


def _guarded(send: Any) -> Callable[[dict[str, Any]], Any]:
    async def guarded(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"content-security-policy", POLICY.encode()),
                       (b"referrer-policy", b"no-referrer"), (b"x-content-type-options", b"nosniff")]
            message = {**message, "headers": headers}
        await send(message)

    return guarded


async def _refuse(send: Any, status: int, reason: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(reason)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason})
