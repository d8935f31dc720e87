"""A self-contained page: style and script inside, nothing else allowed to load or run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from importlib.resources import files


def page(title: str, body: Iterable[str]) -> str:
    """A whole HTML document.

    Its content security policy lets only this style and this script in, by their hashes: should text of a paper or a
    question ever get past escaping, it still could neither run nor fetch anything.
    """
    style, script = (files(__package__).joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    return "\n".join([
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>", f"<style>{style}</style>", "</head>", "<body>", "<main>",
        *body, "</main>", f"<script>{script}</script>", "</body>", "</html>", "",
    ])


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
