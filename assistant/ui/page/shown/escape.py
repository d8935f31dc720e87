"""How foreign text enters HTML: always by one of these two functions."""

from __future__ import annotations

import html
import re

from assistant.text.terminal import COMMANDS

_LEFT_OUT = dict.fromkeys(map(ord, COMMANDS))
_WEB = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)


def text(value: object) -> str:
    """Text as HTML shows it, in an element as well as in a quoted attribute.

    Halves of characters, which no JSON carries to a browser, become "?"; control characters other than line feeds and
    tabs, and those that turn the direction of what follows, are left out.

    >>> text('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    whole = str(value).encode("utf-8", "replace").decode()
    return html.escape(whole.translate(_LEFT_OUT))


def link(address: str | None, label: str, *, css: str = "") -> str:
    """A link that opens in a tab of its own, if the address is one of the web (http or https); else the label alone.

    >>> link("javascript:alert(1)", "code")
    'code'
    """
    if address is None or not _WEB.fullmatch(address):
        return text(label)
    named = f' class="{text(css)}"' if css else ""
    return f'<a{named} href="{text(address)}" target="_blank" rel="noopener noreferrer nofollow">{text(label)}</a>'
