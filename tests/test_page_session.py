"""What one open page holds on the server: its owner, its conversation, its settings; without a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from papers import Home, write_titled
from scripted_server import ScriptedServer, is_slow, says

from assistant import Assistant, Settings
from assistant.conversation.history import Conversations, Feedback
from assistant.embedding.embedder import Embedder
from assistant.errors import MisuseError
from assistant.evaluation.questions import load
from assistant.index.collection import Collection
from assistant.records import Turn
from assistant.ui.export import exported
from assistant.ui.feedback import as_question
from assistant.ui.page.address import may_type_addresses
from assistant.ui.page.entries import Entry, Halted, Pending
from assistant.ui.page.examples import examples
from assistant.ui.page.failures import BROKEN
from assistant.ui.page.own_settings import changed
from assistant.ui.page.session import Session, Sessions, owner_of
from assistant.ui.page.site import Site

BROWSER = "0123456789abcdef" * 2


@pytest.fixture
def site(home: Home, tmp_path: Path, embedder: Embedder) -> Iterator[Site]:
    """Over six papers."""
    home.ingest(write_titled(tmp_path / "six.txt", range(6)))
    with (
        Assistant(Collection(home.settings), embedder, home.settings) as assistant,
        Conversations(home.settings.home) as kept,
    ):
        yield Site(assistant, kept, typed_addresses=True)


def last(entries: Iterator[Entry]) -> Entry:
    return list(entries)[-1]


def asked(session: Session) -> list[str]:
    return [turn.question for turn in session.turns]


def test_an_owner_is_the_login_else_the_browsers_own_id() -> None:
    assert owner_of("ann", BROWSER) == "user:ann"
    assert owner_of(None, BROWSER) == f"browser:{BROWSER}"
    for forged in ("local", "user:ann", "", BROWSER + "0", None, 7, {"x": 1}):
        assert re.fullmatch("browser:[0-9a-f]{32}", owner_of(None, forged))
    assert owner_of(None, "x") != owner_of(None, "x")


def test_a_page_that_the_server_forgot_goes_on_with_its_conversation_and_with_no_other(site: Site) -> None:
    first = Sessions(site).enter("page", username=None, told={"owner": BROWSER})
    last(first.ask("what is Quillon?"))
    told = {"owner": BROWSER, "conversation": first.conversation}

    anew = Sessions(site)
    again = anew.enter("page", username=None, told=told)
    assert asked(again) == ["what is Quillon?"]
    assert anew.enter("page", username=None, told={}) is again
    assert anew.enter("page", username="bo", told={}).owner == "user:bo"  # though it knows the page's name
    for username, owner in (("ann", BROWSER), (None, "f" * 32)):
        other = anew.enter(f"{username}{owner}", username=username, told={**told, "owner": owner})
        assert asked(other) == []


def test_a_turn_replaced_takes_those_after_it_along(site: Site) -> None:
    session = Session(site, "a")
    for question in ("what is Quillon?", "what is Foldaway?", "what is Magpie?"):
        last(session.ask(question))
    session.rate(3, Feedback(True))

    last(session.ask("what is Graupel?", instead=2))

    assert asked(session) == ["what is Quillon?", "what is Graupel?"]
    assert session.feedback == {}
    assert session.conversation is not None
    saved = site.conversations.turns(session.conversation, owner="a")
    assert [turn.question for turn in saved] == asked(session)


def test_a_stopped_answer_is_not_remembered_and_the_next_may_follow_at_once(site: Site) -> None:
    session = Session(site, "a")
    with ScriptedServer(is_slow("Quillon keeps 97% [1]. " * 50, first_s=0, between_s=0.1)) as server:
        session.use({"backend": "openai", "model": server.model, "base_url": server.url, "api_key": "sk-own"})
        entries = session.ask("what does Quillon keep?")
        assert next(entries) == Pending("what does Quillon keep?")
        with pytest.raises(MisuseError, match="still being answered"):
            next(session.ask("what is Magpie?"))
        session.stop()
        assert last(entries) == Halted("what does Quillon keep?", "", "Stopped.", failed=False)
    session.use({"backend": "extractive"})
    assert isinstance(last(session.ask("what is Magpie?")), Turn)
    assert asked(session) == ["what is Magpie?"]


def test_a_new_conversation_ends_what_is_being_written_in_the_old_one(site: Site) -> None:
    session = Session(site, "a")
    entries = session.ask("what is Quillon?")
    next(entries)

    session.begin()

    assert [entry for entry in entries if not isinstance(entry, Pending)] == []
    assert isinstance(last(session.ask("what is Magpie?")), Turn)


def test_an_unforeseen_failure_is_told_without_its_words(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(question: str, **_: object) -> None:
        raise ValueError(question)

    monkeypatch.setattr(site.assistant, "pieces", fails)

    entry = last(Session(site, "a").ask("what is Quillon?"))

    assert entry == Halted("what is Quillon?", "", f"{BROKEN}. Please try again.", failed=True)
    said = capsys.readouterr().err
    assert said.startswith("assistant: ValueError while answering on the page\n") and "Quillon" not in said


def test_an_index_that_is_gone_is_told_with_what_to_do(site: Site) -> None:
    site.assistant.collection.close()  # the database is closed under it

    entry = last(Session(site, "a", saving=False).ask("what is Quillon?"))

    assert isinstance(entry, Halted) and entry.failed and "ingest" in entry.why


def test_nothing_is_saved_where_it_is_not_wished(site: Site) -> None:
    session = Session(site, "a", saving=False)
    last(session.ask("what is Quillon?"))

    assert session.conversation is None
    assert site.conversations.saved(owner="a") == []
    with pytest.raises(MisuseError, match="not saved"):
        session.rate(1, Feedback(True))


def test_a_sessions_settings_are_its_own(site: Site) -> None:
    one, other = Session(site, "a"), Session(site, "b")
    with ScriptedServer(says("Quillon keeps 97% of the original accuracy on unrelated prompts [1].")) as server:
        one.use({"backend": "openai", "model": server.model, "base_url": server.url, "api_key": "sk-own", "top_k": 3})
        written = last(one.ask("what does Quillon keep?"))
        calls = len(server.requests)
        quoted = last(other.ask("what does Quillon keep?"))
        assert len(server.requests) == calls > 0

    assert isinstance(written, Turn) and written.answer.backend == "openai"
    assert isinstance(quoted, Turn) and quoted.answer.backend == "extractive"
    assert one.settings.top_k == 3 and other.settings is site.settings
    one.close()
    assert isinstance(last(other.ask("what is Magpie?")), Turn)  # what they share is still open


def test_the_key_of_whoever_runs_the_page_goes_to_no_address_a_user_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-operator")
    settings = Settings(home=tmp_path, backend="openai", _env_file=None)
    assert settings.api_key is not None

    def use(**changes: object) -> Settings:
        return changed(settings, changes, typed_addresses=True)

    assert use(base_url="http://elsewhere.example/v1").api_key is None
    assert use(base_url="  ", top_k=3).api_key == settings.api_key
    typed = use(base_url="http://elsewhere.example/v1", api_key="sk-own").api_key
    assert typed is not None and typed.get_secret_value() == "sk-own"
    assert use(home="/", gguf="/etc/passwd") == settings
    with pytest.raises(MisuseError, match="base url: "):
        use(base_url="file:///etc/passwd")


def test_no_address_can_be_typed_where_others_reach_the_page(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, base_url="http://127.0.0.1:9/v1", _env_file=None)

    with pytest.raises(MisuseError, match="this page calls only the model server that whoever runs it has set"):
        changed(settings, {"base_url": "http://169.254.169.254/"}, typed_addresses=False)
    assert changed(settings, {"base_url": "http://127.0.0.1:9/v1", "top_k": 3}, typed_addresses=False).top_k == 3


def test_where_others_reach_the_page_its_key_pays_for_the_model_that_was_chosen_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, backend="openai", model="small", api_key="sk-operator", _env_file=None)  # type: ignore[arg-type]

    for change in ({"model": "dear"}, {"backend": "llamacpp"}):
        with pytest.raises(MisuseError, match="whoever runs it has chosen the model"):
            changed(settings, change, typed_addresses=False)
    assert changed(settings, {"model": "dear", "api_key": "sk-own"}, typed_addresses=False).model == "dear"
    assert changed(settings, {"backend": "extractive"}, typed_addresses=False).backend == "extractive"
    assert changed(settings, {"model": "small", "backend": "openai"}, typed_addresses=False) == settings
    assert changed(settings, {"model": "dear"}, typed_addresses=True).model == "dear"


@pytest.mark.parametrize(("said", "may"), [
    ({}, True), ({"host": "0.0.0.0"}, False), ({"root_path": "/papers"}, False), ({"allowed_hosts": "lab"}, False),
    ({"host": "0.0.0.0", "typed_addresses": True}, True),
])
def test_whether_addresses_can_be_typed_depends_on_who_reaches_the_page(said: dict[str, object], may: bool) -> None:
    settings = Settings(_env_file=None, **said)  # type: ignore[arg-type]

    assert may_type_addresses(settings, login=False, share=False) is may
    assert may_type_addresses(settings, login=True, share=False) is settings.typed_addresses
    assert may_type_addresses(settings, login=False, share=True) is settings.typed_addresses


def test_settings_wait_for_the_answer_that_is_being_written(site: Site) -> None:
    session = Session(site, "a")
    entries = session.ask("what is Quillon?")
    next(entries)

    with pytest.raises(MisuseError, match="a question is being answered"):
        session.use({"top_k": 3})

    assert isinstance(last(entries), Turn)
    session.use({"top_k": 3})
    assert session.settings.top_k == 3 and asked(session) == ["what is Quillon?"]


def test_an_old_question_that_ends_late_leaves_the_new_one_stoppable(site: Site) -> None:
    session = Session(site, "a")
    with ScriptedServer(is_slow("Quillon keeps 97% [1]. " * 50, first_s=0, between_s=0.1)) as server:
        old = session.ask("what is Quillon?")
        next(old)
        session.begin()
        session.use({"backend": "openai", "model": server.model, "base_url": server.url, "api_key": "sk-own"})
        new = session.ask("what does Quillon keep?")
        next(new)
        list(old)

        session.stop()

        assert last(new) == Halted("what does Quillon keep?", "", "Stopped.", failed=False)


def test_examples_are_made_of_the_collections_own_names(site: Site) -> None:
    assert examples(site.assistant) == [
        "what is Quillon?", "compare Quillon and Lanternfish", "how many papers do you know?",
    ]


def test_what_users_thought_becomes_lines_of_a_question_set(site: Site, tmp_path: Path) -> None:
    session = Session(site, "a")
    for question in ("what is Quillon?", "who wrote Magpie?", "what is Foldaway?"):
        last(session.ask(question))
    session.rate(1, Feedback(True))
    session.rate(2, Feedback(True, "rightly refused"))
    session.rate(3, Feedback(False, "too short"))

    lines = [as_question(*rated) for rated in site.conversations.rated()]

    assert [line["kind"] for line in lines] == ["fact", "unanswerable", "fact"]
    assert lines[0]["papers"] == ["six.txt:2"]
    assert lines[2]["feedback"]["comment"] == "too short" and "papers" not in lines[2]
    written = tmp_path / "rated.jsonl"
    written.write_text("\n".join(json.dumps(line) for line in lines[:2]))
    assert [item.id for item in load(written)] == [line["id"] for line in lines[:2]]


def test_a_whole_conversation_is_one_file(site: Site) -> None:
    session = Session(site, "a")
    for question in ("what is Quillon?", "what does Quillon keep?", "what is Foldaway?"):
        last(session.ask(question))
    answers = [turn.answer for turn in session.turns]

    table = exported(answers, "csv", {}).split("\r\n")
    assert table[0].startswith("question,mark,name")
    assert {line.split(",")[0] for line in table[1:-1]} == set(asked(session))
    assert exported(answers, "bib", session.cited_papers()).count("@misc{quillon") == 1
    assert exported(answers, "md", {}).count("## ") >= 3
