"""Web addresses in the text of a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.ui.page.shown.escape import link, text

_URL = re.compile(r"https?://[^\s<>\"'’”)\]}]+", re.IGNORECASE)
_PUNCTUATION = ".,;:!?"  # that ends a sentence rather than an address


def links(words: str) -> list[str]:
    """The web addresses in a text, each once, in order.

    >>> links("Code: https://github.com/a/b. Data (http://c.org/d), not ftp://e or javascript:f")
    ['https://github.com/a/b', 'http://c.org/d']
    """
    return list(dict.fromkeys(found.rstrip(_PUNCTUATION) for found in _URL.findall(words)))


def linked(words: str) -> str:
    """A text as HTML, its web addresses as links."""
    return "".join(_pieces(words))


def _pieces(words: str) -> Iterator[str]:
    at = 0
    for match in _URL.finditer(words):
        url = match.group().rstrip(_PUNCTUATION)
        yield text(words[at:match.start()]) + link(url, url)
        at = match.start() + len(url)
    yield text(words[at:])
