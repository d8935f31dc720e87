"""HTTP to a model server: connections, time-outs, and every way it can go wrong put into words."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass
from weakref import WeakKeyDictionary

from assistant.backends import proxies
from assistant.backends.messages import BackendError, Kind

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr

    from assistant.settings import Settings

LINE_BYTES = 4_000_000     # a server that sends a longer line, or body, is not a model server
REPLY_BYTES = 32_000_000   # of all lines of a stream: 100,000 tokens, each in an event of its own
ERROR_BYTES = 64_000       # of what a server says when it refuses
SAID_CHARS = 200           # of a server's own words
PROBE_S = 2.0              # for saying whether a server is there
UNPACKED = {"Accept-Encoding": "identity"}
PACKED = "packs its reply, although it was asked not to"
TOO_MUCH = "sends more than a model writes"
KEYLIKE = re.compile(r"\b(?:sk|pk|key|gsk|hf|Bearer)[-_ ][\w*.-]{6,}", re.IGNORECASE)
ADVICE = {
    Kind.UNREACHABLE: "start it, or set ASSISTANT_BASE_URL to where it is",
    Kind.UNAUTHORISED: "set ASSISTANT_API_KEY to a key that it knows",
    Kind.RATE_LIMITED: "wait a little, or use another ASSISTANT_MODEL",
    Kind.MODEL_MISSING: "set ASSISTANT_MODEL to one that it has, and see that ASSISTANT_BASE_URL ends as it should, "
                        "usually in /v1",
    Kind.SERVER_ERROR: "look at its log, or ask again later",
    Kind.BAD_REQUEST: "if the prompt is too long, lower ASSISTANT_CONTEXT_WINDOW to what the model has",
    Kind.TIMED_OUT: "raise ASSISTANT_READ_TIMEOUT if the model is only slow",
    Kind.CUT_STREAM: "ask again; if it stays, look at the server's log",
    Kind.BAD_REPLY: "see that ASSISTANT_BASE_URL is the address of a model server",
}


class Server:
    """A model server at one address.

    Args:
        url: without a slash at the end.
        key: sent as a bearer token; None: none is.
        advice: kind → what to do about it, where it is not the usual.
    """

    def __init__(
        self, url: str, *, settings: Settings, key: SecretStr | None = None,
        advice: Mapping[Kind, str] | None = None,
    ) -> None:
        self.url = url
        self._key = key
        self._connect_s = settings.connect_timeout
        self._read_s = settings.read_timeout
        self._advice = ADVICE | dict(advice or {})
        # One client a loop: a connection belongs to the loop that opened it.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"Server({self.url!r})"

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return urlsplit(self.url).netloc

    async def lines(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[bytes]:
        """POST JSON; the reply line by line as it arrives, without line ends, blank lines left out.

        A body that says it is one JSON value, from a server that does not stream, is one line.

        Raises:
            BackendError: any kind a server can cause.
        """
        async with self._exchange("POST", path, body) as response:
            if response.headers.get("content-type", "").partition(";")[0].strip() == "application/json":
                yield await self._whole(response)
                return
            async with aclosing(_lines(response)) as lines:
                async for line in lines:
                    if line is None:
                        raise self.error(Kind.BAD_REPLY, TOO_MUCH)
                    yield line

    async def ask(self, path: str) -> Any:
        """GET JSON, the whole of it within the time that the server may be silent.

        Raises:
            BackendError: any kind a server can cause.
        """
        try:
            async with asyncio.timeout(self._read_s), self._exchange("GET", path, None) as response:
                read = await self._whole(response)
        except TimeoutError:
            seen = f"had not answered GET {path} after {self._read_s:g} s"
            raise self.error(Kind.TIMED_OUT, seen, unresponsive=True) from None
        try:
            return json.loads(read)
        except (ValueError, RecursionError):
            raise self.error(Kind.BAD_REPLY, f"answers GET {path} with something that is not JSON") from None

    async def close(self) -> None:
        """Close the connections of the running loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def error(
        self, kind: Kind, seen: str, *, said: str = "", again: bool = False, wait_s: float | None = None,
        unresponsive: bool = False,
    ) -> BackendError:
        """The server at … does this; do that. ``said`` is quoted without anything that looks like a key."""
        if self._key:
            said = said.replace(self._key.get_secret_value(), "***")
        said = " ".join(KEYLIKE.sub("***", said).split())[:SAID_CHARS]
        quoted = f' ("{said}")' if said else ""
        message = f"the server at {self.place} {seen}{quoted}; {self._advice[kind]}"
        return BackendError(kind, message, again=again, wait_s=wait_s, unresponsive=unresponsive)

    async def _whole(self, response: httpx.Response) -> bytes:
        body = await _head(response, LINE_BYTES + 1)
        if len(body) > LINE_BYTES:
            raise self.error(Kind.BAD_REPLY, TOO_MUCH)
        return body

    @asynccontextmanager
    async def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> AsyncIterator[httpx.Response]:
        import httpx

        answered = False
        try:
            async with self._client().stream(method, self.url + path, json=body) as response:
                answered = True
                packed = is_packed(response.headers)
                if response.status_code != 200:
                    raise self._refusal(response, b"" if packed else await _head(response, ERROR_BYTES))
                if packed:
                    raise self.error(Kind.BAD_REPLY, PACKED)
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            reason = "in time" if isinstance(exc, httpx.ConnectTimeout) else f"({exc})"
            seen = f"cannot be connected to {reason}"
            raise self.error(Kind.UNREACHABLE, seen, again=True, unresponsive=True) from exc
        except httpx.TimeoutException as exc:
            raise self.error(Kind.TIMED_OUT, f"was silent for {self._read_s:g} s", unresponsive=True) from exc
        except (httpx.TransportError, httpx.DecodingError) as exc:
            if answered:
                raise self.error(Kind.CUT_STREAM, "broke off in the middle of its reply", again=True) from exc
            raise self.error(Kind.UNREACHABLE, "hung up without an answer", again=True, unresponsive=True) from exc
        except httpx.InvalidURL as exc:
            raise self.error(Kind.NOT_SET_UP, f"has an address that is none ({exc})") from exc

    def takes_proxies(self) -> bool:
        """Return whether calls go through the proxies of the environment, which know nothing of this machine's ports.

        Raises:
            BackendError: NOT_SET_UP, where they have to and cannot be used.
        """
        if is_local(self.url):
            return False
        if (problem := proxies.problem()) is None:
            return True
        if not proxy_bypass(self.place):
            raise BackendError(Kind.NOT_SET_UP, f"the server at {self.place} cannot be called: {problem}")
        return False

    def _client(self) -> httpx.AsyncClient:
        import httpx

        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
            client = self._clients[loop] = httpx.AsyncClient(
                headers=headers | UNPACKED,
                timeout=httpx.Timeout(self._read_s, connect=self._connect_s, pool=None),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
                trust_env=self.takes_proxies(),
            )
        return client

    def _refusal(self, response: httpx.Response, body: bytes) -> BackendError:
        """What a status other than 200 means."""
        status, (said, code) = response.status_code, _said(body)
        if status in (401, 403):  # its words may hold part of the key
            seen = "refuses the key" if self._key else "wants a key, and none is set"
            return self.error(Kind.UNAUTHORISED, f"{seen} ({status})")
        if status == 429 or status == 402:
            if status == 402 or code == "insufficient_quota":
                return self.error(Kind.RATE_LIMITED, f"says that the account is used up ({status})", said=said)
            wait_s = retry_after(response.headers)
            asks = "" if wait_s is None else f", and asks to wait {wait_s:g} s"
            return self.error(Kind.RATE_LIMITED, f"is asked too often ({status}{asks})", again=True, wait_s=wait_s)
        if status == 404:
            return self.error(Kind.MODEL_MISSING, "knows no such model, or no such path (404)", said=said)
        if status in (408, 409) or status >= 500:
            return self.error(
                Kind.SERVER_ERROR, f"fails ({status})", said=said, again=True, wait_s=retry_after(response.headers)
            )
        if status >= 400:
            return self.error(Kind.BAD_REQUEST, f"does not take the request ({status})", said=said)
        return self.error(Kind.BAD_REPLY, f"answers with status {status}")


def is_local(url: str) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_packed(headers: Mapping[str, str]) -> bool:
    """Whether a reply has to be unpacked to be read, a few bytes of it perhaps to gigabytes."""
    return headers.get("content-encoding", "").strip().lower() not in ("", "identity")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: its ``Retry-After``, seconds or a date (RFC 9110, 10.2.3); or None."""
    asked = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    if re.fullmatch(r"\d+(\.\d+)?", asked):
        return float(asked)
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time())
    except (ValueError, OverflowError):
        return None


async def _head(response: httpx.Response, most: int) -> bytes:
    """The first bytes of a body."""
    read = bytearray()
    async for block in response.aiter_raw():
        read += block
        if len(read) >= most:
            break
    return bytes(read[:most])


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes | None]:
    """Split at line feeds alone: JSON may hold the other characters Python calls line ends. None: too much."""
    rest, left = bytearray(), REPLY_BYTES
    async with aclosing(response.aiter_raw()) as blocks:  # type: ignore[type-var]
        async for block in blocks:
            left -= len(block)
            *ends, last = block.split(b"\n")
            for end in ends:
                rest += end
                if line := rest.strip():
                    yield bytes(line)
                rest.clear()
            rest += last
            if len(rest) > LINE_BYTES or left < 0:
                yield None
                return
    if line := rest.strip():
        yield bytes(line)


def _said(body: bytes) -> tuple[str, str]:
    """A server's own words and error code, from the forms in use: OpenAI's, Ollama's, FastAPI's, plain text."""
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ("" if text.lstrip().startswith("<") else text), ""
    error = found.get("error", found) if isinstance(found, dict) else found
    if isinstance(error, dict):
        words = error.get("message") or error.get("detail") or ""
        return (words if isinstance(words, str) else json.dumps(words)), str(error.get("code") or "")
    return (error if isinstance(error, str) else ""), ""
