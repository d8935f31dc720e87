"""The chat page in a real browser: what it shows, what it keeps apart, and whom it never talks to."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from papers import Home, write_titled

from assistant import Answer, Assistant, Citation, ListItem, Nearest, Settings, Source
from assistant.embedder import Embedder
from assistant.errors import MisuseError, StorageError
from assistant.ui.page import build, check_address, launched, replied, reply_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](http://203.0.113.1/x.png)",
    "<img src=http://203.0.113.1/x.png>",
    "<script>alert(1)</script>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>body { display: none }</style>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<svg/onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<!-- gone",
    "&lt;b&gt;bold&lt;/b&gt; &amp;amp;",
    "**bold** `code` # head",
    "$$x^2$$ \\(y\\)",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
    "https://203.0.113.1/page",
    "```mermaid\ngraph TD; a-->b\n```",
    "    indented",
    "<thinking>hidden</thinking>",
)
SOURCE = (Source("a.txt", 3),)

# -- what it says


def test_a_list_shows_each_quote_and_its_place_under_a_number() -> None:
    items = (
        ListItem("p", "MEMIT", "Mass-Editing Memory", 1, "We develop MEMIT.", 0, 17, SOURCE),
        ListItem("q", "CoME", "CoME: Editing", 2, "CoME edits.", 0, 11, (Source("b.txt", 1), Source("c.jsonl"))),
        ListItem("r", None, None, 3, "No title.", 0, 9, SOURCE),
    )
    answer = Answer("1", "which?", "list", "3 of 9 papers match:\n1. MEMIT …", items=items)

    assert reply_text(answer) == (
        "3 of 9 papers match:\n\n"
        "1. MEMIT — Mass-Editing Memory\n“We develop MEMIT.”\na.txt:3\n\n"
        "2. CoME: Editing\n“CoME edits.”\nb.txt:1, c.jsonl\n\n"
        "3. (untitled) No title.\n“No title.”\na.txt:3"
    )


def test_a_long_list_says_how_many_are_left_out() -> None:
    items = tuple(ListItem("p", None, f"Title {n}", n, "Quote.", 0, 6, SOURCE) for n in range(1, 204))

    text = reply_text(Answer("1", "which?", "list", "203 of 300 papers match:\n1. …", items=items))

    assert text.endswith("200. Title 200\n“Quote.”\na.txt:3\n\n… and 3 more: assistant ask prints them all")


def test_citations_of_one_paper_share_a_line() -> None:
    cited = tuple(
        Citation(mark, paper, f"Paper {paper}", SOURCE, "Quote.", 0, 6, None)
        for mark, paper in ((1, "p"), (2, "p"), (3, "q"))
    )

    assert reply_text(Answer("1", "what?", "fact", "A. [1] B. [2] C. [3]", citations=cited)) == (
        "A. [1] B. [2] C. [3]\n\n[1][2] Paper p\na.txt:3\n\n[3] Paper q\na.txt:3"
    )


def test_a_refusal_is_marked_and_says_what_came_nearest() -> None:
    near = (Nearest("p", "Primer", "Primer is small.", SOURCE, 0.4),)

    assert reply_text(Answer("1", "who?", "fact", "I cannot answer that.", abstained=True, nearest=near)) == (
        "No answer · I cannot answer that.\n\nNearest in the collection:\n\n• Primer\n“Primer is small.”\na.txt:3"
    )


@dataclass
class Fake:
    """Answers by a function, and keeps what it was asked."""

    answer: Callable[[str], Answer]
    asked: list[str] = field(default_factory=list)

    def ask(self, question: str) -> Answer:
        self.asked.append(question)
        return self.answer(question)


def echo(question: str) -> Answer:
    return Answer("1", question, "fact", f"you said {question}")


def failing(error: Exception) -> Fake:
    def answer(question: str) -> Answer:
        raise error

    return Fake(answer)


def test_an_error_of_ours_is_told_and_another_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert replied(failing(StorageError("the index is gone; run: ingest")), "x") == (
        "This question could not be answered: the index is gone; run: ingest"
    )
    assert capsys.readouterr().err == ""
    assert replied(failing(ZeroDivisionError("/secret/path")), "x") == (
        "Something went wrong inside the assistant; the terminal it runs in says what. Please try again."
    )
    assert "ZeroDivisionError: /secret/path" in capsys.readouterr().err


# -- where it listens


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def small_home(home: Home, tmp_path: Path) -> Path:
    """The home folder of six papers."""
    home.ingest(write_titled(tmp_path / "six.txt", range(6)))
    return home.settings.home


def serving(home: Path, port: int, **named: str) -> subprocess.Popen[str]:
    outside = {name: value for name, value in os.environ.items() if name not in ("CI", "XDG_CACHE_HOME")}
    return subprocess.Popen(
        [sys.executable, "-m", "assistant.ui.cli", "serve", "--port", str(port)], cwd=home.parent,
        env={**outside, "PYTHONPATH": str(ROOT), "ASSISTANT_HOME": str(home), **named},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def test_a_busy_port_is_one_line_and_exit_2(small_home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving(small_home, port) as process:
            output, errors = process.communicate(timeout=60)

    assert (process.returncode, output) == (2, "")
    assert errors == (
        f"assistant: the page cannot listen on 127.0.0.1:{port} (Address already in use); "
        "choose another port with --port, or end what uses it\n"
    )


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65536), ("203.0.113.1", 7860), ("a" * 70 + ".x", 7860)])
def test_an_impossible_address_is_refused(host: str, port: int) -> None:
    with pytest.raises(MisuseError, match=re.escape(f"the page cannot listen on {host}:{port} (")):
        check_address(host, port)


def test_ctrl_c_ends_the_page_quietly_and_nobody_was_told_of_it(small_home: Path, tmp_path: Path) -> None:
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        port = free_port()
        named = {"http_proxy": address, "HTTP_PROXY": address, "GRADIO_SHARE": "True", "HOME": str(tmp_path)}
        with serving(small_home, port, **named) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=60)
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()

    assert first == f"the page is at http://127.0.0.1:{port}/ (Ctrl-C ends it)\n"
    assert (process.returncode, output, errors) == (0, "", "")
    # onnxruntime keeps a queue and a device id there for what it reports to Microsoft.
    assert (tmp_path / ".cache" / "assistant").is_dir()
    assert not (tmp_path / ".cache" / "Microsoft").exists()


def fetch(address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(address, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as response:
            return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read()
    except urllib.error.HTTPError as exc:
        return exc.code, {k.lower(): v for k, v in exc.headers.items()}, exc.read()


@pytest.fixture(scope="module")
def fake_page() -> Iterator[str]:
    """A page that repeats what it is told; gives its address."""
    with launched(build(Fake(echo), papers=2), host="127.0.0.1", port=free_port()) as address:
        yield address


def test_it_listens_on_this_machine_only_and_answers_to_its_own_name_only(fake_page: str) -> None:
    port = int(fake_page.rstrip("/").rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # our address towards others; nothing is sent
        probe.connect(("203.0.113.1", 9))
        own = probe.getsockname()[0]

    assert fetch(fake_page)[0] == 200
    assert fetch(fake_page, Host=f"localhost:{port}")[0] == 200
    for host in (f"evil.example:{port}", "evil.example", "127.0.0.1.evil.example", f"evil.example@127.0.0.1:{port}"):
        assert fetch(fake_page, Host=host)[::2] == (421, b"")
    with pytest.raises(OSError):
        socket.create_connection((own, port), timeout=5)


def test_nothing_is_offered_as_an_api(fake_page: str) -> None:
    _, headers, body = fetch(f"{fake_page}gradio_api/info")

    assert json.loads(body) == {"named_endpoints": {}, "unnamed_endpoints": {}}
    assert "default-src 'self'" in headers["content-security-policy"]
    for path in ("gradio_api/mcp/sse", "gradio_api/runs", "monitoring"):
        assert fetch(f"{fake_page}{path}")[0] in (403, 404)


# -- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which never calls home."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the dev extra (playwright)")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with playwright.sync_playwright() as running:
        launched_browser = running.chromium.launch(
            executable_path=chromium,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield launched_browser
        launched_browser.close()


@dataclass
class Seen:
    """What a browser page did behind the scenes."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Opens an address in a context of its own; fails if any page called another host or complained."""
    seen, contexts, addresses = Seen(), [], []

    def open_page(address: str) -> Page:
        context = browser.new_context()
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("dialog", lambda dialog: (seen.errors.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda said: seen.errors.append(said.text) if said.type in ("error", "warning") else None)
        page.goto(address)
        box(page).wait_for()
        contexts.append(context)
        addresses.append(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert seen.requests
    own = (*addresses, "data:", "blob:")
    assert [url for url in seen.requests if not url.startswith(own)] == []
    assert seen.errors == []


def box(page: Page) -> Locator:
    return page.locator("#question textarea")


def shown(page: Page) -> list[str]:
    """The messages, as a reader sees them."""
    return [text.strip("\n") for text in page.locator("#answers .message-content").all_inner_texts()]


def ask(page: Page, question: str) -> str:
    """Ask and wait for the reply, as text."""
    replies = page.locator("#answers .bot-row .message-content")
    before = replies.count()
    box(page).fill(question)
    box(page).press("Enter")
    replies.nth(before).wait_for()
    return shown(page)[-1]


@pytest.fixture(scope="module")
def seeds_page(seeds_home: Path) -> Iterator[str]:
    """The page over the seeds; gives its address. No Python on the server's side may call another host either."""
    calls: list[Any] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "socket.connect" and isinstance(arguments[1], tuple):
            calls.append(arguments[1][0])
        elif watching and event == "socket.getaddrinfo":
            calls.append(arguments[0])

    sys.addaudithook(watch)  # cannot be taken off again
    with Assistant.open(Settings(home=seeds_home, _env_file=None)) as assistant:
        page = build(assistant, papers=326, examples=["what is Redco?"])
        with launched(page, host="127.0.0.1", port=free_port()) as address:
            yield address
    watching = False
    assert {"127.0.0.1"} <= {str(host) for host in calls} <= {"127.0.0.1", "localhost", "::1", "None"}


def test_the_sample_question_is_answered_with_quotes_and_places(
    visit: Callable[[str], Page], seeds_page: str
) -> None:
    text = ask(visit(seeds_page), "which methods edit GPT-J?")

    assert re.search(r"^\d+ of 326 papers match; 36 mention GPT-J:\n\n1\. ", text)
    assert re.search(
        r"^\d+\. MEMIT — Mass-Editing Memory in a Transformer\n“We develop MEMIT, a method for directly updating a "
        r"language model with many memories, .*”\n001_\w+\.txt:18$", text, re.MULTILINE,
    )


def test_what_the_collection_does_not_say_is_refused(visit: Callable[[str], Page], seeds_page: str) -> None:
    text = ask(visit(seeds_page), "what is the best pizza in Rome?")

    assert text.startswith("No answer · I cannot answer that")
    assert "Nearest in the collection:" in text


def test_an_example_is_asked_by_a_click_and_the_bin_forgets(visit: Callable[[str], Page], seeds_page: str) -> None:
    page = visit(seeds_page)

    page.get_by_text("what is Redco?").click()
    page.locator("#answers .bot-row .message-content").wait_for()
    assert shown(page)[0] == "what is Redco?"
    assert "[1] " in shown(page)[1]
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_label("Clear").click()
    page.get_by_text("what is Redco?").wait_for()
    assert shown(page) == []
    ask(page, "who wrote MEMIT?")
    assert shown(page)[0] == "who wrote MEMIT?"


def test_two_people_never_see_each_others_questions(visit: Callable[[str], Page], fake_page: str) -> None:
    one, other = visit(fake_page), visit(fake_page)

    ask(one, "first of one")
    ask(other, "first of other")
    ask(one, "second of one")

    assert shown(one) == ["first of one", "you said first of one", "second of one", "you said second of one"]
    assert shown(other) == ["first of other", "you said first of other"]


def test_hostile_text_is_shown_as_text(visit: Callable[[str], Page], fake_page: str) -> None:
    page = visit(fake_page)

    for text in HOSTILE:
        one_line = text.replace("\n", " ")
        ask(page, one_line)
        assert shown(page)[-2:] == [one_line, f"you said {one_line}"]
    page.wait_for_timeout(300)
    inside = page.locator("#answers .message-content").evaluate_all(
        "all => [...new Set(all.flatMap(e => [...e.querySelectorAll('*')]).map(e => e.tagName))]"
    )
    assert inside == ["SPAN"]


def test_hostile_papers_are_shown_as_text(visit: Callable[[str], Page]) -> None:
    def answer(question: str) -> Answer:
        text = HOSTILE[int(question)]
        sources = (Source(text.replace("\n", " "), 1),)
        return Answer("1", question, "fact", text, nearest=(Nearest("p", text, text, sources, 0.5),),
                      citations=(Citation(1, "q", text, sources, text, 0, len(text), text),))

    with launched(build(Fake(answer), papers=1), host="127.0.0.1", port=free_port()) as address:
        page = visit(address)
        for number, text in enumerate(HOSTILE):
            assert ask(page, str(number)) == reply_text(answer(str(number))), text
        assert page.locator("#answers .message-content").locator("img, a, script, style, iframe, svg, b").count() == 0


def test_an_error_is_shown_politely_and_a_blank_question_does_nothing(visit: Callable[[str], Page]) -> None:
    fake = failing(StorageError("the index is gone; run: ingest <PATH>"))
    with launched(build(fake, papers=1), host="127.0.0.1", port=free_port()) as address:
        page = visit(address)
        box(page).fill("   ")
        box(page).press("Enter")
        page.locator("#question textarea:placeholder-shown").wait_for()  # emptied: it was replied to

        assert ask(page, "why?") == "This question could not be answered: the index is gone; run: ingest <PATH>"
        assert fake.asked == ["why?"]


def test_half_a_character_breaks_nothing(visit: Callable[[str], Page]) -> None:
    with launched(build(Fake(lambda q: echo("\ud800")), papers=1), host="127.0.0.1", port=free_port()) as address:
        assert ask(visit(address), "x") == "you said ?"


def test_a_closed_port_is_free_again(embedder: Embedder) -> None:
    port = free_port()
    for _ in range(2):
        check_address("127.0.0.1", port)
        with launched(build(Fake(echo), papers=1), host="127.0.0.1", port=port) as address:
            assert fetch(address)[0] == 200
