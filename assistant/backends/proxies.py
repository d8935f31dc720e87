"""The proxies for the internet that the environment names; HTTP libraries read them whenever they make a client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

NAMES = ("http_proxy", "https_proxy", "all_proxy")  # or in capitals


def named() -> list[str]:
    """Return the variables that name a proxy, as they are written, sorted."""
    return sorted(name for name, value in os.environ.items() if name.lower() in NAMES and value.strip())


def problem() -> str | None:
    """Return why no client can be made with these proxies and what to do; None if one can. Their values, which may hold
    passwords, are not in it.
    """
    import httpx

    try:
        httpx.Client().close()
    except (ImportError, ValueError, httpx.InvalidURL) as exc:  # of SOCKS; of no scheme it knows; of no address
        reason = "a SOCKS proxy takes the package socksio" if isinstance(exc, ImportError) else (
            "a proxy is given as http://host:port"
        )
        return f"the proxies that {', '.join(named())} name cannot be used: {reason}; correct or unset them"
    return None


@contextmanager
def hidden() -> Iterator[None]:
    """Hide them inside this block, from what would make a client but calls nobody beyond this machine."""
    taken = {name: os.environ.pop(name) for name in named()}
    try:
        yield
    finally:
        os.environ.update(taken)
