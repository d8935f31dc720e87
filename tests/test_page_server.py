"""The page as a server: where it listens, whom it lets in, what it offers, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import fetch, free_port, open_tab, proxied, served
from papers import ABSTRACTS, Home, write_lines, write_titled

from assistant import Assistant, Settings
from assistant.conversation.history import Conversations
from assistant.embedding.embedder import Embedder
from assistant.errors import MisuseError
from assistant.index.collection import Collection
from assistant.ui.cli import main
from assistant.ui.page.address import check_address, check_reach, is_loopback
from assistant.ui.page.build import build
from assistant.ui.page.login import Hash, Login, login_line, read_login
from assistant.ui.page.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "correct: horse €"


@pytest.fixture(scope="module")
def address(six: Home, embedder: Embedder) -> Iterator[str]:
    """The page without a login."""
    with served(six.settings, embedder) as address:
        yield address


@pytest.fixture(scope="module")
def locked(six: Home, embedder: Embedder) -> Iterator[str]:
    """The page that lets Ana in, and answers to the name of a proxy."""
    login = Login({"ana": Hash.of(PASSWORD)})
    with served(six.settings, embedder, login=login, proxied=frozenset({"lab.example"})) as address:
        yield address


def serving(six: Home, *options: str, **named: str) -> subprocess.Popen[str]:
    outside = {name: value for name, value in os.environ.items() if name not in ("CI", "XDG_CACHE_HOME")}
    return subprocess.Popen(
        [sys.executable, "-m", "assistant.ui.cli", "serve", *options], cwd=six.settings.home.parent,
        env={**outside, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
             "ASSISTANT_HOME": str(six.settings.home), **named},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


# -- where it may listen


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65536), ("203.0.113.1", 7860), ("a" * 70 + ".x", 7860)])
def test_an_impossible_address_is_refused(host: str, port: int) -> None:
    with pytest.raises(MisuseError, match=re.escape(f"the page cannot listen on {host}:{port} (")):
        check_address(host, port)


@pytest.mark.parametrize(("host", "ours"), [
    ("127.0.0.1", True), ("127.8.8.8", True), ("localhost", True), ("0.0.0.0", False), ("", False),
    ("192.0.2.7", False), ("::", False), ("nowhere.invalid", False),
])
def test_only_loopback_addresses_are_this_machines_alone(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours


def test_wider_takes_a_login_or_a_word_that_it_is_insecure() -> None:
    for reachable in ("0.0.0.0", "192.0.2.7", "::"):
        with pytest.raises(MisuseError, match="so it takes a login: set ASSISTANT_AUTH=user:password"):
            check_reach(reachable, login=False, share=False, insecure=False)
        check_reach(reachable, login=True, share=False, insecure=False)
        check_reach(reachable, login=False, share=False, insecure=True)
    check_reach("127.0.0.1", login=False, share=False, insecure=False)


def test_sharing_takes_a_login_however_insecure() -> None:
    with pytest.raises(MisuseError, match="--share lets anyone on the internet open the page"):
        check_reach("127.0.0.1", login=False, share=True, insecure=True)


def test_the_command_refuses_before_it_opens_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # no index here: it would say so, had it looked

    assert main(["serve", "--host", "0.0.0.0", "--port", str(free_port())]) == 2
    assert "others than this machine could open the page" in capsys.readouterr().err
    assert main(["serve", "--share"]) == 2
    assert "--share lets anyone on the internet" in capsys.readouterr().err
    assert main(["serve", "--root-path", "papers"]) == 2
    assert "ASSISTANT_ROOT_PATH" in capsys.readouterr().err


def test_a_busy_port_is_one_line_and_exit_2(six: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving(six, "--port", str(port)) as process:
            output, errors = process.communicate(timeout=60)

    assert (process.returncode, output) == (2, "")
    assert errors == (
        f"assistant: the page cannot listen on 127.0.0.1:{port} (Address already in use); "
        "choose another port with --port, or end what uses it\n"
    )


# -- the login


def test_a_hash_is_of_its_password_only_and_can_be_written_down() -> None:
    made = Hash.of(PASSWORD)
    again = Hash.read(str(made))

    assert again == made
    assert again.is_of(PASSWORD)
    assert not again.is_of(PASSWORD + " ")
    assert not again.is_of("")
    assert str(Hash.of(PASSWORD)) != str(made)  # another salt
    assert PASSWORD not in repr(made) and "key" not in repr(made) and "salt" not in repr(made)


def test_a_hash_that_another_program_made_is_understood() -> None:
    # RFC 7914, section 12: scrypt("password", "NaCl", N=1024, r=8, p=16), 64 bytes.
    made = Hash.read(
        "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIu"
        "rzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA"
    )

    assert made is not None
    assert made.is_of("password")
    assert not made.is_of("Password")


@pytest.mark.parametrize("line", [
    "ana", "ana:secret", "ana:$2b$12$abcdefghijklmnopqrstuv", ":$scrypt$ln=14,r=8,p=5$c2FsdA$a2V5a2V5a2V5a2V5a2V5aw",
    "ana:$scrypt$ln=30,r=8,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5aw", "ana:$scrypt$ln=14,r=8,p=5$c2FsdA$a2V5",
    "ana:$scrypt$ln=0,r=8,p=5$c2FsdA$a2V5a2V5a2V5a2V5a2V5aw",
])
def test_a_line_of_another_form_is_refused_by_its_number_alone(tmp_path: Path, line: str) -> None:
    (tmp_path / "logins").write_text(f"# who may\n\n{line}\n")

    with pytest.raises(MisuseError) as refused:
        read_login(Settings(auth_file=tmp_path / "logins", _env_file=None))

    assert str(refused.value) == (
        "line 3 of ASSISTANT_AUTH_FILE is not USER:$scrypt$…; assistant serve --hash-password USER makes one"
    )


def test_file_and_setting_let_in_those_they_name(tmp_path: Path) -> None:
    (tmp_path / "logins").write_text(f"# who may\n{login_line('ana', PASSWORD)}\n")
    settings = Settings(auth_file=tmp_path / "logins", auth="bo:x:y", _env_file=None)

    login = read_login(settings)

    assert login is not None
    assert login.admits("ana", PASSWORD) and login.admits("bo", "x:y")
    assert not login.admits("ana", "x:y") and not login.admits("bo", "x") and not login.admits("eve", PASSWORD)
    assert "x:y" not in repr(settings) and read_login(Settings(_env_file=None)) is None


def test_a_name_twice_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "logins").write_text(f"{login_line('ana', 'one')}\n{login_line('ana', 'two')}\n")

    with pytest.raises(MisuseError, match="line 2 of ASSISTANT_AUTH_FILE names 'ana' a second time"):
        read_login(Settings(auth_file=tmp_path / "logins", _env_file=None))
    with pytest.raises(MisuseError, match=r"cannot be read \(No such file or directory\)$"):
        read_login(Settings(auth_file=tmp_path / "other", _env_file=None))


def test_the_command_makes_a_line_and_says_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    with (tmp_path / "password").open() as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        assert main(["serve", "--hash-password", "ana"]) == 0

    output, errors = capsys.readouterr()
    name, _, hashed = output.removesuffix("\n").partition(":")
    made = Hash.read(hashed)
    assert (name, errors) == ("ana", "")
    assert made is not None and made.is_of(PASSWORD)


@pytest.mark.parametrize("value", ["", ":secret", "ana:", "ana", " ana:secret"])
def test_a_login_without_name_or_password_is_refused_without_repeating_it(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSISTANT_AUTH", value)

    status = main(["serve", "--host", "0.0.0.0"])

    errors = capsys.readouterr().err
    assert status == 2
    assert "secret" not in errors
    assert value == "" or "ASSISTANT_AUTH: Value error, a login is user:password" in errors


def test_without_the_login_nothing_but_its_form_is_given(locked: str) -> None:
    status, _, page = fetch(locked)

    assert status == 200
    assert b"Ask" not in page.partition(b"window.gradio_config")[2].partition(b"</script>")[0]
    for path in ("config", "gradio_api/info", "gradio_api/queue/data?session_hash=x"):
        assert fetch(f"{locked}{path}")[0] == 401, path
    for path in ("gradio_api/queue/join", "gradio_api/run/predict", "gradio_api/upload"):
        assert fetch(f"{locked}{path}", method="POST", body=b"{}", content_type="application/json")[0] == 401, path


@pytest.mark.parametrize(("name", "password", "status"), [
    ("ana", PASSWORD, 200), ("ana", "wrong", 400), ("eve", PASSWORD, 400), ("", "", 422),
])
def test_the_right_password_is_let_in_and_no_other(locked: str, name: str, password: str, status: int) -> None:
    from urllib.parse import urlencode

    form = urlencode({"username": name, "password": password}).encode()
    found, headers, _ = fetch(
        f"{locked}login", method="POST", body=form, content_type="application/x-www-form-urlencoded"
    )

    assert found == status
    assert ("set-cookie" in headers) is (status == 200)
    if status == 200:
        cookie = headers["set-cookie"].partition(";")[0]
        assert fetch(f"{locked}gradio_api/info", Cookie=cookie)[0] == 200


def test_a_password_wrong_or_right_is_told_to_nobody(six: Home, tmp_path: Path) -> None:
    port = free_port()
    with serving(six, "--port", str(port), ASSISTANT_AUTH=f"ana:{PASSWORD}") as process:
        assert process.stdout is not None
        process.stdout.readline()
        for password in ("mistaken", "correct"):
            fetch(f"http://127.0.0.1:{port}/login", method="POST", body=f"username=ana&password={password}".encode(),
                  content_type="application/x-www-form-urlencoded")
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, output, errors) == (0, "", "")


# -- names and other sites


def test_it_listens_on_this_machine_only_and_answers_to_its_own_names_only(address: str, locked: str) -> None:
    port = int(address.rstrip("/").rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # our address towards others; nothing is sent
        probe.connect(("203.0.113.1", 9))
        own = probe.getsockname()[0]

    assert fetch(address)[0] == 200
    assert fetch(address, Host=f"LOCALHOST:{port}")[0] == 200
    for host in (f"evil.example:{port}", "evil.example", "127.0.0.1.evil.example", f"evil.example@127.0.0.1:{port}"):
        status, _, body = fetch(address, Host=host)
        assert (status, b"ASSISTANT_ALLOWED_HOSTS" in body) == (421, True)
    for host, status in (("lab.example", 200), ("lab.example:8443", 200), ("evil.example", 421)):
        assert fetch(locked, Host=host)[0] == status
    with pytest.raises(OSError):
        socket.create_connection((own, port), timeout=5)


def test_a_page_of_another_site_is_answered_nothing(address: str, locked: str) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "https://lab.example"):
        assert fetch(f"{address}gradio_api/info", Origin=origin)[0] == 403, origin
    assert fetch(f"{address}gradio_api/info", Origin=address.rstrip("/"))[0] == 200
    assert fetch(f"{locked}login", method="POST", body=b"", Origin="https://lab.example")[0] == 422  # asked, but empty
    assert fetch(f"{locked}login", method="POST", body=b"", Origin="https://evil.example")[0] == 403


# -- what it offers


def test_nothing_is_offered_as_an_api(address: str) -> None:
    _, headers, body = fetch(f"{address}gradio_api/info")
    config = json.loads(fetch(f"{address}config")[2])

    assert json.loads(body) == {"named_endpoints": {}, "unnamed_endpoints": {}}
    assert config["dependencies"]
    for entry in config["dependencies"]:
        assert entry["api_visibility"] == "private", entry
        for path in ("call", "call/v2", "run", "api"):
            status, _, _ = fetch(f"{address}gradio_api/{path}/{entry['api_name']}", method="POST",
                                 body=b'{"data": []}', content_type="application/json")
            assert status == 404, (path, entry["api_name"])
    assert "default-src 'self'" in headers["content-security-policy"]
    for path in ("gradio_api/mcp/sse", "gradio_api/runs", "monitoring", "gradio_api/file=/etc/passwd",
                 f"gradio_api/file={ROOT / 'README.md'}", "gradio_api/file=https://127.0.0.1:9/"):
        assert fetch(f"{address}{path}")[0] in (403, 404), path


def test_an_upload_that_is_an_address_is_not_fetched(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio import processing_utils

    asked: list[str] = []
    monkeypatch.setattr(processing_utils.sh, "get", lambda url, **_: asked.append(url))
    config = json.loads(fetch(f"{address}config")[2])
    files = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "add-files")
    number = next(entry["id"] for entry in config["dependencies"] if files in entry["inputs"][:1])
    upload = {"path": "http://127.0.0.1:9/a.txt", "meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"fn_index": number, "data": [[upload], False], "session_hash": "x"}).encode()

    status, _, _ = fetch(f"{address}gradio_api/run/predict", method="POST", body=body, content_type="application/json")

    assert (status, asked) == (500, [])


def test_where_no_address_can_be_typed_the_page_says_so(six: Home, embedder: Embedder) -> None:
    with (
        Assistant(Collection(six.settings), embedder, six.settings) as assistant,
        Conversations(six.settings.home) as kept,
    ):
        config = build(Site(assistant, kept)).get_config_file()

    fields = {part["props"].get("label"): part["props"] for part in config["components"]}
    field = fields["Address of its server"]
    assert (field["interactive"], field["info"]) == (False, "Set by whoever runs this page.")


# -- behind a proxy


def log_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("username").fill(name)
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Login").click()


def test_it_works_below_a_path_of_a_proxy_login_included(
    six: Home, embedder: Embedder, browser: Browser
) -> None:
    login = Login({"ana": Hash.of(PASSWORD)})
    requests: list[str] = []
    with (
        served(six.settings, embedder, login=login, root_path="/papers") as address,
        proxied(int(address.rstrip("/").rpartition(":")[2]), "/papers") as outside,
    ):
        page = browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{outside}/")
        log_in(page, "ana", "wrong")
        page.get_by_text("Incorrect").wait_for()
        page.wait_for_function("document.querySelector('input[type=password]').value === ''")  # emptied with the name
        log_in(page, "ana", PASSWORD)
        open_tab(page, "Status")
        page.get_by_text("all-MiniLM-L6-v2").wait_for()
        page.close()

    assert requests
    assert [url for url in requests if not url.startswith((f"{outside}/", "data:", "blob:"))] == []


# -- sharing, and the end


def test_sharing_says_what_it_does_first_and_fails_plainly_where_it_cannot(six: Home) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    proxies = {name: nowhere for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")}
    with serving(six, "--share", "--port", str(free_port()), ASSISTANT_AUTH=f"ana:{PASSWORD}", **proxies) as process:
        output, errors = process.communicate(timeout=120)

    notice, *rest = errors.splitlines()
    assert process.returncode == 1
    assert notice.startswith("assistant: --share downloads a program")
    assert rest[-1] == "assistant: no public address could be had, so nothing is shared; try again without --share"
    assert "the page is at" not in output
    assert PASSWORD not in output + errors


def test_it_ends_quietly_when_asked_to_and_nobody_was_told_of_it(six: Home, tmp_path: Path) -> None:
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        to_proxy = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        port = free_port()
        named = {"http_proxy": to_proxy, "HTTP_PROXY": to_proxy, "GRADIO_SHARE": "True", "HOME": str(tmp_path)}
        with serving(six, "--port", str(port), **named) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            with socket.create_connection(("127.0.0.1", port)) as open_stream:  # as a browser keeps one
                open_stream.sendall(b"GET /gradio_api/heartbeat/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert open_stream.recv(12) == b"HTTP/1.1 200"
                process.send_signal(signal.SIGINT)  # and SIGTERM above
                output, errors = process.communicate(timeout=60)
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()

    assert first == f"the page is at http://127.0.0.1:{port}/ (Ctrl-C ends it)\n"
    assert (process.returncode, output, errors) == (0, "", "")
    # onnxruntime keeps a queue and a device id there for what it reports to Microsoft.
    assert (tmp_path / ".cache" / "assistant").is_dir()
    assert not (tmp_path / ".cache" / "Microsoft").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_its_children_end_with_it(number: signal.Signals, home: Home, browser: Browser, tmp_path: Path) -> None:
    home.ingest(write_titled(tmp_path / "six.txt", range(6)))
    sentences = [f"The {n}th river of the long tale bends around hill {n} once more." for n in range(4000)]
    long = write_lines(tmp_path / "long.txt", [*ABSTRACTS, " ".join(sentences)])
    port = free_port()
    with contextlib.closing(browser.new_page()) as page, serving(home, "--port", str(port)) as process:
        try:
            assert process.stdout is not None and process.stdout.readline().startswith("the page is at")
            page.goto(f"http://127.0.0.1:{port}/")
            open_tab(page, "Add papers")
            page.locator("#add-files input[type=file]").set_input_files(long)
            page.locator("#add-files").get_by_text("long").first.wait_for()
            page.locator("#add-files-go").click()
            ingest = child_of(process.pid, "ingest.cli")
            open_tab(page, "Papers")
            drawing = child_of(process.pid, "assistant.topics")
            process.send_signal(number)
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()  # does nothing where it has ended; else the block would wait for its end

    assert (process.returncode, output, errors) == (0, "", "")
    assert [pid for pid in (ingest, drawing) if Path(f"/proc/{pid}").exists()] == []
    assert not (home.settings.home / "map.json").exists()
    with home.open() as collection:
        assert collection.store.count() == 6


def child_of(pid: int, module: str) -> int:
    """The id of the process in which another runs a module, once it has begun it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError):  # one has ended meanwhile
            for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
                for child in tasks.read_text().split():
                    if module in Path(f"/proc/{child}/cmdline").read_text().split("\0"):
                        return int(child)
        time.sleep(0.02)
    raise AssertionError(f"{module} was not begun")


def test_a_closed_port_is_free_again(six: Home, embedder: Embedder) -> None:
    with served(six.settings, embedder) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
    check_address("127.0.0.1", port)
