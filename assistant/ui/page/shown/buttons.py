"""Buttons that ``chat.js`` acts on: what one does stands in ``data-do``, and what it needs for that beside it."""

from __future__ import annotations

from assistant.ui.page.shown.escape import text


def button(inside: str, deed: str, *, css: str = "plain", label: str | None = None, **data: object) -> str:
    """A button.

    Args:
        inside: HTML, escaped already.
        deed: what it does.
        label: its name for those who do not see it, where ``inside`` does not tell.
        data: each becomes an attribute ``data-…``; None is left out.

    >>> button("Copy", "copy", copy='"a"')
    '<button type="button" class="plain" data-do="copy" data-copy="&quot;a&quot;">Copy</button>'
    """
    named = f' aria-label="{text(label)}"' if label is not None else ""
    given = "".join(f' data-{name}="{text(value)}"' for name, value in data.items() if value is not None)
    return f'<button type="button" class="{css}" data-do="{deed}"{given}{named}>{inside}</button>'


def copier(what: str, label: str) -> str:
    """A button that copies a text."""
    return button(text(label), "copy", copy=what)
