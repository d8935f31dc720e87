"""Write ``docs/page.png``: the chat page after the sample question.

Needs the index (``make ask Q=x`` makes it), the dev extra and a Chromium: ``.venv/bin/python docs/make_screenshot.py``
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from assistant import Assistant
from assistant.ui.page.build import build
from assistant.ui.page.serving import launched

QUESTION = "which methods edit GPT-J?"
PICTURE = Path(__file__).resolve().parent / "page.png"


def main() -> int:
    """Ask the question in a browser and keep what it shows."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("no browser was found; apt-get install chromium", file=sys.stderr)
        return 1
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with contextlib.ExitStack() as stack:
        assistant = stack.enter_context(Assistant.open())
        page = build(Site(assistant))
        address = stack.enter_context(launched(page, host="127.0.0.1", port=port))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=chromium,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        view = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        view.goto(address)
        view.locator("#question textarea").fill(QUESTION)
        view.locator("#question textarea").press("Enter")
        view.locator("#answers .bot-row .message-content").wait_for()
        view.wait_for_timeout(1000)  # until it has scrolled and faded in
        view.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE.name}: {PICTURE.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
