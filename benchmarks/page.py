"""How quick the page is, and how it bears many visitors, in a real browser: printed as a table.

    python benchmarks/page.py [--map HOME] [--questions 60] [--browsers 20] [--seconds 120] [--check]

Serves ``seeds/`` from an index of its own with the installed command. ``--map`` names a home folder with a large
index, such as the ``home-10000`` that ``benchmarks/scale.py --folder DIR`` leaves; without it the map is not timed.
Needs the dev extra and a Chromium. ``--check`` exits with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

from assistant.evaluation.questions import load_questions

ROOT = Path(__file__).resolve().parent.parent
STARTS = 3        # of the server, of which the median counts
WARMING = 3       # questions asked before any is timed
PATIENCE_MS = 60_000
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
Row = tuple[str, str, str | None, bool]  # what, measured, target, whether it is met
# Both clocks are the browser's: from the key going down to the first frame that has words of the answer.
STOPWATCH = """() => {
  const answers = () => document.querySelectorAll("#conversation article.turn");
  window.timed = { asked: 0, before: 0, seen: false, shown: 0 };
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.closest("#question")) return;
    window.timed = { asked: performance.now(), before: answers().length, seen: false, shown: 0 };
  }, true);
  new MutationObserver(() => {
    const timed = window.timed;
    if (!timed.asked || timed.seen || answers().length <= timed.before) return;
    const said = [...answers()].at(-1).querySelector(".said");
    if (!said || said.querySelector(".wait") || !said.textContent.trim()) return;
    timed.seen = true;
    requestAnimationFrame(() => setTimeout(() => { timed.shown = performance.now(); }));
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", type=Path, metavar="HOME", help="home folder of a large index")
    parser.add_argument("--questions", type=int, default=60, help="timed (default: 60)")
    parser.add_argument("--browsers", type=int, default=20, help="that ask in turn (default: 20)")
    parser.add_argument("--seconds", type=int, default=120, help="for which they do (default: 120)")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("no browser was found; apt-get install chromium", file=sys.stderr)
        return 1
    asked = [question.question for question in load_questions() if question.kind != "conversation"]
    random.Random(0).shuffle(asked)
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        run("ingest.cli", home, str(ROOT / "seeds"))
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=chromium, args=ARGUMENTS)
        rows = [*starting(browser, home)]
        with served(home) as server:
            rows += first_texts(browser, server, asked[:arguments.questions + WARMING])
            rows += many(browser, server, asked, browsers=arguments.browsers, seconds=arguments.seconds)
        if arguments.map:
            rows += mapping(browser, arguments.map)
        browser.close()
    load = os.getloadavg()[0]
    print(f"{date.today()}, {os.cpu_count()} cores, load {load:.1f}\n")
    print("| what | measured | target |\n| --- | --- | --- |")
    for what, measured, target, met in rows:
        print(f"| {what} | {measured} | {target or '–'}{'' if met else ' **missed**'} |")
    return 1 if arguments.check and not all(met for *_, met in rows) else 0


@dataclass(frozen=True)
class Server:
    """A page that is up."""

    address: str
    pid: int
    seconds: float  # it took, from the start of the process to its first reply

    def memory(self) -> int:
        """Bytes it holds, mapped files included."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(status.partition("VmRSS:")[2].split()[0])


def run(module: str, home: Path, *words: str) -> None:
    """One command of ours, to its end."""
    subprocess.run(
        [sys.executable, "-m", module, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "ASSISTANT_HOME": str(home)},
    )


@contextlib.contextmanager
def served(home: Path) -> Iterator[Server]:
    """The page over an index, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant.ui.cli", "serve", "--port", str(port)], stdout=subprocess.DEVNULL,
        env={**os.environ, "ASSISTANT_HOME": str(home)},
    )
    try:
        while not _answers(address):
            if process.poll() is not None:
                raise SystemExit(f"the page ended with {process.returncode}")
            time.sleep(0.01)
        yield Server(address, process.pid, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=30) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def starting(browser: Browser, home: Path) -> Iterator[Row]:
    """From the start of the process to the first reply, and from there to a page that can be typed into."""
    up, usable = [], []
    for _ in range(STARTS):
        with served(home) as server:
            up.append(server.seconds)
            began = time.perf_counter()
            view = opened(browser, server)
            usable.append(time.perf_counter() - began)
            view.context.close()
    yield _row("server up, cold", statistics.median(up), "s", 6)
    yield _row("page usable, after that", statistics.median(usable), "s", 2)


def opened(browser: Browser, server: Server) -> Page:
    """The page in a browser of its own, ready to be asked."""
    view = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    view.set_default_timeout(PATIENCE_MS)
    view.goto(server.address)
    view.locator("#question textarea").click()
    return view


def ask(view: Page, question: str) -> None:
    """Begin a conversation anew, and ask."""
    if view.locator("#conversation article.turn").count():
        view.locator("#history [data-do=new]").click()
        view.locator("#conversation article.turn").first.wait_for(state="detached")
    view.locator("#question textarea").fill(question)
    view.locator("#question textarea").press("Enter")


def first_texts(browser: Browser, server: Server, questions: Sequence[str]) -> Iterator[Row]:
    """From Enter to the first words of an extractive answer on screen, one question after another."""
    view = opened(browser, server)
    view.evaluate(STOPWATCH)
    taken = []
    for number, question in enumerate(questions):
        ask(view, question)
        view.wait_for_function("window.timed.shown > 0")
        if number >= WARMING:
            taken.append(view.evaluate("window.timed.shown - window.timed.asked"))
        view.locator("article.turn footer").last.wait_for()
    view.context.close()
    yield _row(f"Enter to first text on screen, p50 of {len(taken)}", statistics.median(taken), "ms", None)
    yield _row("the same, p95", statistics.quantiles(taken, n=20)[18], "ms", 400)


def many(
    browser: Browser, server: Server, questions: Sequence[str], *, browsers: int, seconds: int
) -> Iterator[Row]:
    """Browsers that ask one after the other, none waiting for another's answer: errors, and what the server keeps."""
    errors: list[str] = []
    before = server.memory()
    views = [opened(browser, server) for _ in range(browsers)]
    for view in views:
        view.on("pageerror", lambda error: errors.append(str(error)))
        view.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    ends, count, longest = time.perf_counter() + seconds, 0, 0.0
    while time.perf_counter() < ends:
        began = time.perf_counter()
        for view in views:
            ask(view, questions[count % len(questions)])
            count += 1
        for view in views:
            try:
                view.locator("article.turn footer, article.turn .notice.failed").last.wait_for()
                if view.locator("article.turn .notice.failed").count():
                    errors.append(view.locator("article.turn .notice.failed").last.inner_text())
            except Error as error:
                errors.append(str(error).partition("\n")[0])
        longest = max(longest, time.perf_counter() - began)
    grown = server.memory() - before
    for view in views:
        view.context.close()
    for line in sorted(set(errors)):
        print(line, file=sys.stderr)
    yield f"{browsers} browsers for {seconds} s, {count} questions: errors", str(len(errors)), "0", not errors
    yield "the same: longest round of all browsers", f"{longest:.1f} s", None, True
    yield _row("the same: growth of the server's memory", grown / 1e6, "MB", 100)


def mapping(browser: Browser, home: Path) -> Iterator[Row]:
    """From the click on the tab to the map with its topics, for the first visitor and for the next."""
    with served(home) as server:
        for visitor in ("the first visitor", "the next"):
            view = opened(browser, server)
            began = time.perf_counter()
            view.get_by_role("tab", name="Papers", exact=True).click()
            view.locator("#map-legend a.topic").first.wait_for()
            taken = time.perf_counter() - began
            papers = view.locator("#map-legend p").last.inner_text().split()[0]
            view.context.close()
            yield _row(f"map of {papers} papers drawn, {visitor}", taken, "s", 3)


def _row(what: str, value: float, unit: str, target: float | None) -> Row:
    form = ".1f" if unit == "s" else ".0f"
    return what, f"{value:{form}} {unit}", None if target is None else f"≤ {target:g} {unit}", (
        target is None or value <= target
    )


if __name__ == "__main__":
    sys.exit(main())
