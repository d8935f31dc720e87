"""What a browser may load, and which browsers this server answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# What a browser may load and call: this server. Gradio's own page has scripts and styles in line, and makes functions
# of the templates of its `HTML` in the browser, which is "eval"; no text of a paper or question is in a template.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)


class Guard:
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
                headers = [*message["headers"], (b"content-security-policy", POLICY.encode()),
                           (b"referrer-policy", b"no-referrer"), (b"x-content-type-options", b"nosniff")]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, guarded)
