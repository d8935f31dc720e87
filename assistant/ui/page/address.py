"""Where the page may listen, and the names it may be asked for by; checked before anything slow is loaded."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from assistant.errors import MisuseError

if TYPE_CHECKING:
    from assistant.settings import Settings

LOCAL = ("127.0.0.1", "localhost", "::1")


def check_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on.

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


def check_reach(host: str, *, login: bool, share: bool, insecure: bool) -> None:
    """Refuse to let others than this machine's users in without a login.

    Raises:
        MisuseError: saying how to set one up.
    """
    if login:
        return
    advice = "set ASSISTANT_AUTH=user:password, or ASSISTANT_AUTH_FILE (see .env.example)"
    if share:
        raise MisuseError(f"--share lets anyone on the internet open the page, so it takes a login: {advice}")
    if not is_loopback(host) and not insecure:
        raise MisuseError(
            f"on {host} others than this machine could open the page, so it takes a login: {advice}; "
            "--insecure does without one"
        )


def may_type_addresses(settings: Settings, *, login: bool, share: bool) -> bool:
    """Whether users may have this server call addresses that they type: where they are this machine's, or it is set.

    A login or a proxy says that others are expected, wherever the page itself listens.
    """
    others = share or login or bool(settings.root_path or settings.allowed_hosts) or not is_loopback(settings.host)
    return settings.typed_addresses or not others


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def proxied_names(settings: Settings) -> frozenset[str]:
    """The names, in lower case, under which a proxy offers this page: those that were set."""
    named = {name.strip().lower() for name in settings.allowed_hosts.split(",") if name.strip()}
    if (of_root := urlsplit(settings.root_path).hostname) is not None:
        named.add(of_root)
    return frozenset(named)


def own_names(host: str, proxied: frozenset[str], *, share: bool) -> frozenset[str] | None:
    """The names a browser may ask for this page by, in lower case; None: any.

    A page for this machine alone answers to no other name, or another site could point its own name here ("DNS
    rebinding"). One that others reach is protected by its login, and has names that cannot be known unless set.
    """
    if share or (not proxied and not is_loopback(host)):
        return None
    return proxied.union(LOCAL, [host.lower()])
