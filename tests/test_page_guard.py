"""What the page's server gives to whom: pages and uploads to their own login, and to strangers little."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from browsing import JSON, Client, open_tab, served_page
from papers import Home

from assistant.embedding.embedder import Embedder
from assistant.ui.page.add import LONGEST_PASTE
from assistant.ui.page.guard import LONGEST_CALL, LONGEST_LOGIN, LONGEST_UPLOAD
from assistant.ui.page.login import Hash, Login
from assistant.ui.page.owners import REMEMBERED

if TYPE_CHECKING:
    import gradio as gr
    from playwright.sync_api import Browser

@pytest.fixture(scope="module")
def page(six: Home, embedder: Embedder) -> Iterator[tuple[gr.Blocks, str]]:
    """The page for Ana and Bo."""
    login = Login({name: Hash.of(f"{name}'s password") for name in ("ana", "bo")})
    with served_page(six.settings, embedder, login=login) as served:
        yield served


@pytest.fixture(scope="module")
def ana(page: tuple[gr.Blocks, str]) -> Client:
    client = Client(page[1])
    assert client.log_in("ana", "ana's password") == 200
    return client


@pytest.fixture(scope="module")
def bo(page: tuple[gr.Blocks, str]) -> Client:
    client = Client(page[1])
    assert client.log_in("bo", "bo's password") == 200
    return client


def question_for(client: Client, page: str) -> dict[str, Any]:
    """The fields of a call that asks something on a page."""
    config = json.loads(client.send("GET", "config")[2])
    asking = next(each for each in config["dependencies"] if each["queue"] and each["targets"][0][1] == "submit")
    data = ["what is Quillon?", *[None] * (len(asking["inputs"]) - 1)]
    return {"fn_index": asking["id"], "session_hash": page, "data": data}


# -- whose a page is


def test_nobody_gets_what_belongs_to_another_logins_page(ana: Client, bo: Client) -> None:
    asked = question_for(ana, "anaspage")
    assert ana.post("gradio_api/queue/join", **asked)[0] == 200

    refused = [
        bo.send("GET", "gradio_api/queue/data?session_hash=anaspage"),
        bo.send("GET", "gradio_api/queue/data?session_hash=anaspage&session_hash=bospage"),
        bo.send("GET", "gradio_api/queue/data?session_hash=bospage&session_hash=anaspage"),
        bo.send("GET", "gradio_api/heartbeat/anaspage"),
        bo.post("gradio_api/queue/join", **asked),
        bo.post("gradio_api/run/predict", **asked),
        bo.post("gradio_api/component_server", session_hash="anaspage", component_id=1, fn_name="x", data=[]),
    ]

    assert [(status, b"Quillon" in body) for status, _, body in refused] == [(403, False)] * len(refused)
    assert ana.send("GET", "gradio_api/heartbeat/anaspage")[2] == b"data: ALIVE\n"
    status, _, event = ana.send("GET", "gradio_api/queue/data?session_hash=anaspage")
    assert (status, event[:6]) == (200, b"data: ")
    assert bo.post("gradio_api/queue/join", **question_for(bo, "bospage"))[0] == 200


def test_a_page_is_named_in_the_json_that_gradio_reads_or_not_at_all(ana: Client, bo: Client) -> None:
    assert ana.post("gradio_api/queue/join", **question_for(ana, "anas2"))[0] == 200
    twice = b'{"session_hash": "bos2", "session_hash": "anas2", "data": [], "fn_index": 0}'
    parts = (b'--x\r\nContent-Disposition: form-data; name="session_hash"\r\n\r\nanas2\r\n'
             b'--x\r\nContent-Disposition: form-data; name="component_id"\r\n\r\n1\r\n'
             b'--x\r\nContent-Disposition: form-data; name="fn_name"\r\n\r\nx\r\n--x--\r\n')
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}

    assert bo.send("POST", "gradio_api/queue/join", twice, JSON)[0] == 403
    assert bo.send("POST", "gradio_api/component_server", parts, multipart)[0] == 400
    assert bo.send("POST", "gradio_api/component_server", b"[" * 100_000, JSON)[0] == 400
    assert bo.send("POST", "gradio_api/component_server", b'{"session_hash": ["anas2"]}', JSON)[0] == 400


def test_how_far_an_upload_is_is_told_to_its_login_only(ana: Client, bo: Client) -> None:
    parts = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nA paper.\r\n--x--\r\n'
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}

    assert ana.send("POST", "gradio_api/upload?upload_id=anasfile", parts, multipart)[0] == 200
    assert ana.send("GET", "gradio_api/upload_progress?upload_id=anasfile")[0] == 200
    assert bo.send("GET", "gradio_api/upload_progress?upload_id=anasfile")[0] == 403
    assert bo.send("POST", "gradio_api/upload?upload_id=anasfile", parts, multipart)[0] == 403


def test_many_pages_of_one_login_push_out_its_own_oldest_and_none_of_anothers(ana: Client, bo: Client) -> None:
    assert ana.send("GET", "gradio_api/info?session_hash=anas3")[0] == 200
    assert bo.send("GET", "gradio_api/info?session_hash=bos3")[0] == 200
    connection = http.client.HTTPConnection(urlsplit(bo.address).netloc, timeout=60)
    with contextlib.closing(connection):
        for number in range(REMEMBERED):
            connection.request("GET", f"/gradio_api/app_id?session_hash=bos4n{number}", headers={"Cookie": bo.cookie})
            connection.getresponse().read()

    assert bo.send("GET", "gradio_api/info?session_hash=anas3")[0] == 403
    assert ana.send("GET", "gradio_api/info?session_hash=bos3")[0] == 200
    assert ana.send("GET", f"gradio_api/info?session_hash=bos4n{REMEMBERED - 1}")[0] == 403


# -- what a stranger gets


def routes_below(routes: Any) -> Iterator[tuple[str, str]]:
    """(method, path) of every route, those of included routers and mounted applications too."""
    for route in routes:
        inner = getattr(getattr(route, "original_router", route), "routes", None)
        if inner:
            yield from routes_below(inner)
        else:
            path = re.sub(r"\{[^}]*\}", "x", route.path)
            yield from ((method, path) for method in getattr(route, "methods", None) or ["GET"])


PUBLIC = {
    ("HEAD", "/"), ("GET", "/"), ("POST", "/login"), ("GET", "/static/x"), ("GET", "/assets/x"), ("GET", "/theme.css"),
    ("GET", "/favicon.ico"), ("GET", "/robots.txt"), ("GET", "/gradio_api/startup-events"),
}


def test_of_all_routes_a_stranger_gets_the_form_of_the_login_alone(page: tuple[gr.Blocks, str]) -> None:
    blocks, address = page
    every = {*routes_below(blocks.app.routes), ("GET", "/docs"), ("GET", "/nowhere"), ("POST", "/"), ("PUT", "/x")}
    assert {("POST", "/gradio_api/cancel"), ("POST", "/gradio_api/reset"), ("GET", "/openapi.json")} <= every
    assert len(every) > 80

    got = {}
    for method, path in every:
        with socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), timeout=60) as stranger:
            # A large body is announced, and none of it sent.
            length = 10**12 if method in ("POST", "PUT") else 0
            lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {length}", "", ""]
            stranger.sendall("\r\n".join(lines).encode())
            got[method, path] = int(stranger.makefile("rb").readline().split()[1])

    assert {route for route, status in got.items() if status != 401} == PUBLIC | {("POST", "/")}
    assert got["POST", "/login"] == got["POST", "/"] == 413
    assert {got[each] for each in PUBLIC if each[0] != "POST"} == {200, 404}  # no file is called x


def test_a_stranger_opens_no_web_socket(page: tuple[gr.Blocks, str]) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}

    assert Client(page[1]).send("GET", "gradio_api/queue/join", headers=upgrade)[0] == 401


def test_a_login_that_ended_leads_to_its_form(page: tuple[gr.Blocks, str], browser: Browser) -> None:
    blocks, address = page
    with contextlib.closing(browser.new_page()) as tab:
        tab.goto(address)
        tab.get_by_label("username").fill("ana")
        tab.get_by_label("password").fill("ana's password")
        tab.get_by_role("button", name="Login").click()
        open_tab(tab, "Ask")
        token = next(each["value"] for each in tab.context.cookies() if "unsecure" in each["name"])
        del blocks.app.tokens[token]
        tab.locator("#question textarea").fill("what is Quillon?")
        tab.locator("#question textarea").press("Enter")
        tab.get_by_text("You are not logged in, or no longer.").first.wait_for()
        tab.reload()
        tab.get_by_label("password").wait_for()


# -- how much it takes


@pytest.mark.parametrize(("path", "most"), [
    ("login", LONGEST_LOGIN), ("gradio_api/queue/join", LONGEST_CALL), ("gradio_api/run/predict", LONGEST_CALL),
    ("gradio_api/component_server", LONGEST_CALL), ("gradio_api/upload", LONGEST_UPLOAD), ("config", LONGEST_CALL),
])
def test_what_is_too_long_is_refused_by_its_length_alone(ana: Client, path: str, most: int) -> None:
    def answer(*headers: str) -> tuple[int, bytes]:
        with socket.create_connection(("127.0.0.1", urlsplit(ana.address).port or 0), timeout=60) as sending:
            lines = [f"POST /{path} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {ana.cookie}", *headers, "", ""]
            sending.sendall("\r\n".join(lines).encode())
            reply = http.client.HTTPResponse(sending)
            reply.begin()
            return reply.status, reply.read() + sending.recv(1)  # nothing, as it is closed

    reason = f"A request of this kind has at most {most:,} bytes."
    assert answer(f"Content-Length: {most + 1}") == (413, f'{{"detail":"{reason}"}}'.encode())
    assert answer("Transfer-Encoding: chunked")[0] == 411


def test_the_longest_text_to_paste_is_taken(ana: Client) -> None:
    call = {"fn_index": -1, "session_hash": "paste", "data": ["€" * LONGEST_PASTE]}

    status, _, _ = ana.send("POST", "gradio_api/queue/join", json.dumps(call, ensure_ascii=False).encode(), JSON)

    assert status not in (401, 413)
