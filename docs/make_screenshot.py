"""Write the README's pictures of the page into ``docs/``: light, dark and at a phone's width.

Needs the index (``make ask Q=x`` makes it), an evaluation for the Quality tab (``make eval``), the dev extra and a
Chromium: ``.venv/bin/python docs/make_screenshot.py``. Nothing of what is asked here is saved.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from assistant import Assistant
from assistant.conversation.history import Conversations
from assistant.ui.page.build import build
from assistant.ui.page.serving import launched
from assistant.ui.page.site import Site

FOLDER = Path(__file__).resolve().parent
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
SETTLING_MS = 1000  # until it has scrolled and faded in


def ask(view: Page, question: str) -> None:
    """Ask, and wait until the answer is whole."""
    answered = view.locator("article.turn footer")
    before = answered.count()
    view.locator("#question textarea").fill(question)
    view.locator("#question textarea").press("Enter")
    answered.nth(before).wait_for()


def with_open_paper(view: Page) -> None:
    """An answer, and beside it the paper it cites first."""
    ask(view, "what is Redco?")
    view.locator("article.turn .mark").first.click()
    view.locator("#paper aside:not([hidden]) mark").first.wait_for()


def with_list(view: Page) -> None:
    """A list answer, as a table."""
    ask(view, "which methods edit GPT-J?")


def with_map(view: Page) -> None:
    """The map, with the papers of an answer lit up."""
    ask(view, "which methods edit GPT-J?")
    view.get_by_role("tab", name="Papers", exact=True).click()
    view.locator("#map-legend a.topic").first.wait_for(timeout=120_000)


def with_quality(view: Page) -> None:
    """The last evaluation."""
    view.get_by_role("tab", name="Quality", exact=True).click()
    view.locator("#quality-report .verdict").wait_for()


# picture -> how wide, light or dark, and what is done first
PICTURES: dict[str, tuple[dict[str, int], str, Callable[[Page], None]]] = {
    "page": (DESK, "light", with_open_paper),
    "page-dark": (DESK, "dark", with_open_paper),
    "page-phone": (PHONE, "light", with_list),
    "page-list": (DESK, "light", with_list),
    "page-map": (DESK, "light", with_map),
    "page-quality": (DESK, "dark", with_quality),
}


def take(browser: Browser, address: str, name: str) -> None:
    """Take one picture."""
    size, scheme, prepare = PICTURES[name]
    options: dict[str, Any] = {"viewport": size, "color_scheme": scheme}
    view = browser.new_page(**options)
    view.goto(address)
    view.locator("#question textarea").wait_for()
    prepare(view)
    view.mouse.move(0, size["height"] - 1)  # where nothing lights up
    view.wait_for_timeout(SETTLING_MS)
    picture = FOLDER / f"{name}.png"
    view.screenshot(path=picture)
    view.close()
    print(f"{picture.name}: {picture.stat().st_size // 1000} kB")


def main() -> int:
    """Take all, or those named."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("no browser was found; apt-get install chromium", file=sys.stderr)
        return 1
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with contextlib.ExitStack() as stack:
        assistant = stack.enter_context(Assistant.open())
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        conversations = stack.enter_context(Conversations(scratch))
        address = stack.enter_context(launched(build(Site(assistant, conversations)), host="127.0.0.1", port=port))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=chromium,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for name in sys.argv[1:] or PICTURES:
            take(browser, address, name)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
