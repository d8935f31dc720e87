"""Tokens, prices, caps, waits and thoughts: the values between a backend and its server."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.backends.caps import Prices, SessionCap
from assistant.backends.counting import _encoding, _encoding_name, count_prompt, count_tokens
from assistant.backends.http import is_local, retry_after
from assistant.backends.messages import BackendError, Kind, Message
from assistant.backends.openai import without_system
from assistant.backends.thinking import WithoutThoughts
from assistant.settings import Settings


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise AssertionError("a test tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    _encoding.cache_clear()
    _encoding_name.cache_clear()
    yield


@pytest.mark.parametrize("folder", [None, "/nowhere"])
def test_tokens_are_counted_offline(no_network: None, monkeypatch: pytest.MonkeyPatch, folder: str | None) -> None:
    if folder is None:
        monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    else:
        monkeypatch.setenv("TIKTOKEN_CACHE_DIR", folder)

    assert count_tokens("hello world") == 2
    assert count_tokens("Sabiá edits GPT-J <|endoftext|>") > 5   # special tokens are text here
    assert os.environ.get("TIKTOKEN_CACHE_DIR") == folder   # as it was


@pytest.mark.parametrize(("model", "encoding"), [
    ("gpt-4o", "o200k_base"), ("gpt-4.1-mini", "o200k_base"), ("gpt-3.5-turbo", "cl100k_base"),
    ("text-davinci-003", "o200k_base"), ("qwen2.5-7b-instruct", "o200k_base"), ("", "o200k_base"),
])
def test_an_unknown_model_counts_as_the_newest(no_network: None, model: str, encoding: str) -> None:
    assert _encoding_name(model) == encoding
    assert count_tokens("hello", model) == 1


def test_a_conversation_counts_its_format_too() -> None:
    assert count_prompt([Message("system", "hello"), Message("user", "hello world")]) == 3 + (3 + 1) + (3 + 2)


@pytest.mark.parametrize("text", ["a" * 200_000, " " * 200_000, "ab " * 70_000])
def test_counting_a_huge_text_takes_no_long_time(text: str) -> None:
    count_tokens("warm")
    began = time.monotonic()

    assert count_tokens(text) > 1000
    assert time.monotonic() - began < 5


def test_a_cost_is_known_only_with_both_prices() -> None:
    assert Prices(2.0, 8.0).cost(1_000_000, 500_000) == 6.0
    assert Prices(0.0, 0.0).cost(1000, 1000) == 0.0
    assert Prices(2.0, None).cost(1, 1) is None


def test_a_cap_refuses_what_could_go_over_and_takes_back_what_was_not_used() -> None:
    cap = SessionCap(max_tokens=100)
    cap.hold(60, None)
    with pytest.raises(BackendError, match=r"has used 60 of 100 tokens, and the next call may take 60; start a new"):
        cap.hold(60, None)

    cap.settle((60, None), (20, None))
    cap.hold(60, None)

    assert cap.tokens == 80


def test_a_cap_on_cost_needs_prices() -> None:
    cap = SessionCap.of(Settings(session_max_cost=0.5, _env_file=None))
    with pytest.raises(BackendError, match="set ASSISTANT_PRICE_PROMPT and ASSISTANT_PRICE_COMPLETION") as unknown:
        cap.hold(10, None)
    cap.hold(10, 0.4)
    with pytest.raises(BackendError, match=r"0\.4000 of 0\.5000 in cost") as over:
        cap.hold(10, 0.2)

    assert (unknown.value.kind, over.value.kind) == (Kind.NOT_SET_UP, Kind.CAP_REACHED)


def test_calls_side_by_side_cannot_go_over_a_cap() -> None:
    cap, refused = SessionCap(max_tokens=1000), []

    def call() -> None:
        for _ in range(50):
            try:
                cap.hold(7, None)
            except BackendError:
                refused.append(1)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert cap.tokens == 994
    assert len(refused) == 400 - 142


@pytest.mark.parametrize(("headers", "seconds"), [
    ({}, None), ({"retry-after": "7"}, 7.0), ({"retry-after": " 0.5 "}, 0.5), ({"retry-after-ms": "250"}, 0.25),
    ({"retry-after": "soon"}, None), ({"retry-after": "-3"}, None), ({"retry-after": "nan"}, None),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
])
def test_a_wait_asked_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_wait_until_a_date_is_read() -> None:
    found = retry_after({"retry-after": formatdate(time.time() + 20, usegmt=True)})

    assert found is not None and 18 < found <= 20


@pytest.mark.parametrize(("url", "local"), [
    ("http://127.0.0.1:8000/v1", True), ("http://localhost/v1", True), ("http://[::1]:8000", True),
    ("https://api.openai.com/v1", False), ("http://10.0.0.1", False), ("http://localhost.example.com", False),
])
def test_this_machine_is_told_from_others(url: str, local: bool) -> None:
    assert is_local(url) is local


@given(st.sampled_from([
    ("<think>so [3]</think>\n\nYes [1].", "Yes [1]."), (" \n<think></think>Yes.", "Yes."), ("Yes <think> no.",) * 2,
    ("<thin", "<thin"), ("<b>Yes</b>",) * 2, ("<think>never ends", ""), ("  Yes.", "  Yes."), ("", ""),
    ("<think>a</think><think>b</think>", "<think>b</think>"),
]), st.data())
def test_leading_thoughts_are_left_out_however_they_are_split(case: tuple[str, str], data: st.DataObject) -> None:
    text, expected = case
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    thoughts = WithoutThoughts()

    shown = "".join(thoughts.push(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True))

    assert shown + thoughts.end() == expected


def test_system_messages_move_into_the_users_first() -> None:
    system, one, two = Message("system", "Be brief."), Message("user", "One?"), Message("user", "Two?")

    assert without_system((system, one, two)) == (Message("user", "Be brief.\n\nOne?"), two)
    assert without_system((one,)) == (one,)
    assert without_system((system,)) == (Message("user", "Be brief."),)
