"""Turns to log in: who sends wrong passwords waits, and nobody else for them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from browsing import FORM, Client, fetch, served
from papers import Home

from assistant.embedding.embedder import Embedder
from assistant.errors import SettingsError
from assistant.settings import load_settings
from assistant.ui.page import attempts
from assistant.ui.page.attempts import Attempts
from assistant.ui.page.guard import client_address
from assistant.ui.page.login import Hash, Login

QUICK = Hash.read("$scrypt$ln=1,r=1,p=1$c2FsdHNhbHQ$" + "A" * 22)  # of no password


class Gated(Login):
    """Checks no password while its gate is closed; knows what it was asked, in order."""

    def __init__(self, *names: str) -> None:
        super().__init__({name: Hash.of(f"{name}'s password") for name in names})
        self.checked: list[tuple[str, str]] = []
        self.gate = threading.Event()
        self.gate.set()

    def admits(self, name: str, password: str) -> bool:
        self.checked.append((name, password))
        assert self.gate.wait(60)
        return super().admits(name, password)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "INTERVAL", 0.01)


@pytest.fixture(scope="module")
def login() -> Gated:
    return Gated("ana")


@pytest.fixture(scope="module")
def address(six: Home, embedder: Embedder, login: Gated) -> Iterator[str]:
    """The page for Ana."""
    with served(six.settings, embedder, login=login) as address:
        yield address


def wrong_ones(clients: list[Client], name: str = "ana", **headers: str) -> tuple[list[int], list[threading.Thread]]:
    """Log in with wrong passwords, one from each client, all at once; gives the statuses, as they come."""
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda each=each, n=n: statuses.append(each.log_in(name, f"wrong {n}", **headers)))
        for n, each in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    return statuses, threads


def until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_of_many_wrong_passwords_at_once_most_are_refused_and_the_right_one_waits_for_none(
    address: str, login: Gated
) -> None:
    many = 30
    login.gate.clear()
    login.checked.clear()
    statuses, threads = wrong_ones([Client(address) for _ in range(many)])
    until(lambda: len(statuses) == many - 1 - attempts.WAITING)
    assert statuses == [429] * (many - 1 - attempts.WAITING)
    assert fetch(address)[0] == 200  # the page waits for no password

    elsewhere, right = Client(address, source="127.0.0.2"), Client(address)
    late = [threading.Thread(target=each.log_in, args=["ana", "ana's password"]) for each in (elsewhere, right)]
    late[0].start()
    until(lambda: len(login.checked) == 2)  # beside the one that is not yet done
    assert login.checked[1] == ("ana", "ana's password")
    late[1].start()
    until(lambda: len(statuses) == many - attempts.WAITING)  # the oldest that waited made room
    login.gate.set()
    for thread in [*late, *threads]:
        thread.join()

    assert elsewhere.cookie and right.cookie
    assert login.checked[2] == ("ana", "ana's password")  # before all that came before it
    assert sorted(statuses) == [400] * attempts.WAITING + [429] * (many - attempts.WAITING)


def test_who_is_refused_is_told_when_to_come_back(address: str, login: Gated) -> None:
    login.gate.clear()
    replies: list[tuple[int, dict[str, str], bytes]] = []
    form = urlencode({"username": "ana", "password": "wrong"}).encode()
    client = Client(address, source="127.0.0.3")
    threads = [
        threading.Thread(target=lambda: replies.append(client.send("POST", "login", form, FORM)))
        for _ in range(2 + attempts.WAITING)
    ]
    for thread in threads:
        thread.start()
    until(lambda: replies)
    login.gate.set()

    status, headers, body = replies[0]
    assert (status, headers["retry-after"]) == (429, "1")
    assert json.loads(body) == {"detail": attempts.TOO_MANY}
    for thread in threads:
        thread.join()


def test_after_some_wrong_passwords_each_takes_an_interval_and_right_ones_cost_nothing(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "INTERVAL", 0.5)
    assert QUICK is not None
    checking = Attempts(Login({"ana": QUICK}))

    async def timed(times: int) -> float:
        begun = asyncio.get_running_loop().time()
        for _ in range(times):
            assert not await checking.admits("ana", "wrong")
        return asyncio.get_running_loop().time() - begun

    async def both() -> tuple[float, float]:
        return await timed(attempts.FREE), await timed(4)

    free, later = asyncio.run(both())

    assert later >= 0.5 * 3  # the first of the four may have waited for what the free ones took
    assert free < later


def test_it_remembers_so_many_addresses_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ADDRESSES", 10)
    assert QUICK is not None
    checking = Attempts(Login({"ana": QUICK}))

    async def from_many() -> None:
        for number in range(50):
            client_address.set(f"192.0.2.{number}")
            await checking.admits("ana", "wrong")

    asyncio.run(from_many())

    assert len(checking._lanes) == 10


@pytest.mark.parametrize(("trusted", "refused"), [("", True), ("127.0.0.1", False)])
def test_who_a_proxy_asks_for_is_believed_of_a_trusted_one_only(
    six: Home, embedder: Embedder, trusted: str, refused: bool
) -> None:
    login = Gated("ana")
    many = 2 + attempts.WAITING
    with served(six.settings, embedder, login=login, trusted_proxies=trusted) as address:
        login.gate.clear()
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda n=n: statuses.append(
                Client(address).log_in("ana", "wrong", **{"X-Forwarded-For": f"198.51.100.{n}"})
            )) for n in range(many)
        ]
        for thread in threads:
            thread.start()
        until(lambda: statuses == [429] if refused else len(login.checked) == attempts.AT_ONCE)
        login.gate.set()
        for thread in threads:
            thread.join()

    assert statuses.count(429) == (1 if refused else 0)


def test_proxies_that_are_no_addresses_are_refused() -> None:
    assert load_settings(trusted_proxies="127.0.0.1, 10.0.0.0/8").trusted_proxies == "127.0.0.1, 10.0.0.0/8"
    for wrong in ("*", "localhost", "10.0.0.1/8", "127.0.0.1,"):
        with pytest.raises(SettingsError, match=r"ASSISTANT_TRUSTED_PROXIES: .*IP addresses or networks"):
            load_settings(trusted_proxies=wrong)
