"""Write ``docs/report.png``: the top of the evaluation's page.

Needs a report (``make eval`` makes it), the dev extra and a Chromium:
``.venv/bin/python docs/make_report_screenshot.py``
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).resolve().parent / "report.png"


def main() -> int:
    """Open the page from its file and keep what it shows first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("report", type=Path, nargs="?", default=Path(".assistant/evaluation/report.html"))
    report: Path = parser.parse_args().report
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or not report.exists():
        print("no browser was found; apt-get install chromium" if chromium is None
              else f"{report.name} is not there; run: make eval", file=sys.stderr)
        return 1
    with sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=chromium,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        view = browser.new_page(viewport={"width": 1120, "height": 1000}, color_scheme="light")
        view.goto(report.resolve().as_uri())
        view.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE.name}: {PICTURE.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
