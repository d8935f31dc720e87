"""The page while a model server hangs: who is answered meanwhile, with what, and who waits."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from browsing import Visitor, served
from papers import Home
from scripted_server import ScriptedServer, is_hung, says

from assistant.embedding.embedder import Embedder

ASK = "what does Quillon keep?"
BUSY = "No answer from openai: the model is busy with other questions; ask again in a moment."
AT_ONCE = 8   # of the model, as the settings have it


@pytest.fixture
def page(six: Home, embedder: Embedder, server: ScriptedServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A page whose model server hangs."""
    server.play(is_hung())
    settings = six.settings.model_copy(update={
        "backend": "openai", "base_url": server.url, "model": server.model, "retries": 0,
        **getattr(request, "param", {}),
    })
    with served(settings, embedder) as address:
        yield address


def until(met: Any) -> None:
    """Wait until it is true; the test fails if it never is."""
    for _ in range(3000):
        if met():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to that")


@contextlib.contextmanager
def asking(address: str, askers: int) -> Iterator[list[Future[str]]]:
    """As many visitors, who have asked at once."""
    with ThreadPoolExecutor(askers) as pool:
        yield [pool.submit(lambda: Visitor(address).ask(ASK)) for _ in range(askers)]


def finished(answers: list[Future[str]]) -> list[str]:
    return [answer.result() for answer in answers if answer.done()]


def test_quoting_waits_for_no_model_and_only_so_many_wait_for_theirs(page: str, server: ScriptedServer) -> None:
    with asking(page, 40) as answers:
        until(lambda: len(finished(answers)) == 40 - AT_ONCE and len(server.replies) == AT_ONCE)
        quoter = Visitor(page)

        quoter.use("extractive")
        quoted = [quoter.ask(ASK) for _ in range(3)]

        assert len(server.replies) == AT_ONCE and not any(asked.hung_up.is_set() for asked in server.replies)
        assert all(BUSY in html and "Quillon keeps 97%" in html for html in finished(answers))
        assert all("No answer" not in html and "Quillon keeps 97%" in html for html in quoted)
        server.__exit__(None, None, None)  # the hung calls end
    assert sum("No answer from openai: unreachable" in html for html in finished(answers)) == AT_ONCE


def test_a_hung_server_of_one_session_holds_up_no_other_server(page: str, server: ScriptedServer) -> None:
    with asking(page, 2 * AT_ONCE) as answers, ScriptedServer(says("Quillon keeps 97% [1].")) as other:
        until(lambda: len(finished(answers)) == AT_ONCE)
        visitor = Visitor(page)

        visitor.use("openai", base_url=other.url, model=other.model)
        visitor.ask(ASK)

        assert len(other.replies) == 1
        server.__exit__(None, None, None)


@pytest.mark.parametrize("page", [{"read_timeout": 0.5}], indirect=True)
def test_a_server_that_was_silent_is_waited_for_by_nobody_until_it_is_tried_again(
    page: str, server: ScriptedServer
) -> None:
    assert "No answer from openai: timed out." in Visitor(page).ask(ASK)
    own = Visitor(page)
    own.use("openai", base_url=server.url, model=server.model, key="sk-own", top_k=3)

    later = [own.ask(ASK), *(Visitor(page).ask(ASK) for _ in range(3))]

    notice = "the model did not answer when last asked; it will be tried again in "
    assert all(notice in html and "Quillon keeps 97%" in html for html in later)
    assert len(server.replies) == 1


def test_a_session_waits_for_a_model_with_one_question_at_a_time(page: str, server: ScriptedServer) -> None:
    visitor = Visitor(page)
    with visitor.open(), ThreadPoolExecutor(5) as pool:
        pool.submit(visitor.ask, ASK)
        until(lambda: len(server.replies) == 1)
        told = [visitor.send("question", "submit", [ASK, None]) for _ in range(4)]
        assert all("the question before this one is still being answered" in json.dumps(said) for said in told)
        assert len(server.replies) == 1
        server.__exit__(None, None, None)


def test_closing_the_page_hangs_up(page: str, server: ScriptedServer) -> None:
    visitor = Visitor(page)
    with ThreadPoolExecutor(1) as pool:
        with visitor.open():
            answer = pool.submit(visitor.ask, ASK)
            until(lambda: len(server.replies) == 1)

        assert server.replies[0].hung_up.wait(10)
        assert "Stopped." in answer.result()
