"""A model's reply, read sentence by sentence: bounded work, whole marks, and a notice where it was cut."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from papers import ABSTRACTS, TITLES, Home
from scripted_server import Asked, ScriptedServer, says

from assistant import Assistant, Paper
from assistant.checking.check import Checker
from assistant.embedding.embedder import Embedder
from assistant.index.collection import Collection
from assistant.settings import Settings
from assistant.writing.reply import LONGEST_SENTENCE, Reader, Written, find_json, read_reply

SENTENCE = "Quillon keeps 97% of the original accuracy on unrelated prompts"
CUT = "(The reply of openai was cut before its end.)"


# Reading.

def work(task: Callable[[], object]) -> int:
    """How many functions a task calls, in Python and in C."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        task()
    finally:
        sys.setprofile(None)
    return calls


def longest_held(pieces: Sequence[str]) -> int:
    reader, most = Reader(), 0
    for piece in pieces:
        list(reader.push(piece))
        most = max(most, len(reader._held) + len(reader._open))
    return most


HUGE = {
    "words": "the method edits facts, ", "one word": "a", "numbers": "97% ", "names": "GPT-J ", "brackets": "[",
    "half marks": "[1 ", "an endless mark": "1, ", "marks": "[1][2][3]", "marks apart": "[1] [2] ", "blanks": " ",
    "full stops": ".", "abbreviations": "e.g. ", "tags": "<a ", "links": "[a", "sentences": "It is 3. ",
}


@pytest.mark.parametrize("unit", HUGE.values(), ids=HUGE)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_reading_a_reply_holds_little_and_costs_as_much_as_it_is_long(unit: str, size: int) -> None:
    def pieces(length: int) -> list[str]:
        text = "Redco says [" + unit * (length // len(unit))
        return [text[at:at + size] for at in range(0, len(text), size)]

    def read(length: int) -> None:
        reader = Reader()
        for piece in pieces(length):
            list(reader.push(piece))
        list(reader.end())

    assert longest_held(pieces(20_000)) <= 3 * LONGEST_SENTENCE
    assert work(lambda: read(40_000)) < 6 * work(lambda: read(10_000)) + 1000


@pytest.mark.parametrize("text", ["[1," * 5000, '{"a":' * 5000, "{" * 20_000, '["' * 10_000, "[[" + "1," * 20_000])
def test_looking_for_json_tries_few_places(text: str) -> None:
    assert work(lambda: find_json(text * 4)) < 2 * work(lambda: find_json(text)) + 50


def test_json_of_many_sentences_is_read_in_their_order() -> None:
    sentences = [f"Sentence {number} is here." for number in range(3000)]

    reply = json.dumps({"a": sentences[:1500], "b": [sentences[1500:]]})

    assert [found.text for found in read_reply(reply)] == sentences


def test_what_goes_on_longer_than_any_sentence_is_cut_once_and_flagged() -> None:
    first, long, last = read_reply("It is fast [1]. " + "It edits facts and " * 3000 + "more [2]. It is small [3].")

    assert (first.text, first.cut) == ("It is fast.", False)
    assert (last.text, last.marks, last.cut) == ("It is small.", (3,), False)
    assert long.cut and long.marks == () and long.text.startswith("It edits facts and") and len(long.text) <= 1001


def test_the_longest_sentence_is_no_longer_than_what_is_flagged() -> None:
    longest = "a" * (LONGEST_SENTENCE - 1) + "."

    assert [found.cut for found in read_reply(f"{longest} [1] b{longest} [1] So. ")] == [False, True, False]


# Marks.

@pytest.mark.parametrize("marks", ["[1][2][3]" * 500, "[1] [2] [3] " * 500, "[1, 2, 3]" * 500, "【1】[2] [3] " * 500])
@pytest.mark.parametrize("place", [
    f"{SENTENCE} {{}}.", f"{SENTENCE}. {{}}", f"{SENTENCE}. {{}} Then it rests.", f"{{}} {SENTENCE}",
])
def test_a_thousand_marks_are_each_read_once_and_none_is_left(marks: str, place: str) -> None:
    first, *_ = read_reply(place.format(marks))

    assert (first.text.rstrip("."), first.marks, first.cut) == (SENTENCE, (1, 2, 3), False)


@pytest.mark.parametrize("half", ["[", "[1", "[12", "[1, ", "[1, 2", "[1-", "【1", "[Paper", "[Paper 1", "[1 and "])
def test_a_reply_that_ends_in_the_middle_of_a_mark_leaves_no_half_of_it(half: str) -> None:
    (found,) = read_reply(f"{SENTENCE} [2] {half}")

    assert (found.text, found.marks) == (SENTENCE, (2,))


def test_an_open_bracket_that_is_no_mark_is_text() -> None:
    assert [found.text for found in read_reply("It uses [CLS] and [MASK")] == ["It uses [CLS] and [MASK"]


@pytest.mark.parametrize("text", ["So [1[2]] it is.", "So [[1]2] it is.", "So [1[2[3[4]]]] it is."])
def test_no_mark_is_left_by_taking_out_another(text: str) -> None:
    assert not re.search(r"\[\d+\]", read_reply(text)[0].text)


def test_a_reply_that_was_cut_has_no_last_sentence_unless_it_has_an_end() -> None:
    def texts(reply: str) -> list[str]:
        reader = Reader()
        return [found.text for found in (*reader.push(reply), *reader.end(cut=True))]

    assert texts("It is fast [1]. It is not sm") == ["It is fast."]
    assert texts("It is fast [1]. It is small. [2][") == ["It is fast.", "It is small."]


BITS = st.lists(st.sampled_from([
    "It edits facts", " ", " ", ". ", ".", "\n", "\n\n", "[1]", "[2, 3]", "【4】", "[", "]", "[1", "e.g. ", "3.5 ",
    "**", "- ", "1. ", "(so.) ", "`", "x" * 700, "Fig. ", "? ", "[Paper 5]", "[see", "y" * 180,
])).map("".join)


@given(text=BITS, cuts=st.lists(st.integers(0, 3000)))
@example(text="Heading\n[1] It edits. [2]\nNext", cuts=[8, 11, 22, 25])
@example(text="```json\n[1]", cuts=[1, 2])
def test_how_a_reply_is_cut_into_pieces_changes_nothing(text: str, cuts: list[int]) -> None:
    at = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    reader = Reader()
    found: list[Written] = []
    for start, end in pairwise(at):
        found += reader.push(text[start:end])

    assert [*found, *reader.end()] == read_reply(text)


# Checking.

def quillon(collection: Collection) -> Paper:
    """The first of the six papers."""
    papers = [entry.paper for entry in collection.store.entries(list(collection.store.paper_ids())).values()]
    return next(paper for paper in papers if paper.abstract == ABSTRACTS[0])


def test_checking_a_sentence_costs_no_more_once_it_is_longer_than_any(six: Home, embedder: Embedder) -> None:
    with Collection(six.settings) as collection:
        checker = Checker(embedder, collection)
        paper = quillon(collection)
        checker.check(SENTENCE, [paper])
        honest = work(lambda: checker.check(f"{SENTENCE}, and " + "97% of GPT-J " * 40, [paper]))
        for unit in ("97% ", "GPT-J ", "GPT-J-", "not ", "more ", "a", " ", "[1"):
            assert work(lambda unit=unit: checker.check(unit * 20_000, [paper])) < honest
        verdict = checker.check("97% " * 20_000, [paper])

    assert not verdict.passed and [problem.kind for problem in verdict.problems] == ["length"]


def test_checking_many_numbers_costs_as_much_as_there_are(six: Home, embedder: Embedder) -> None:
    with Collection(six.settings) as collection:
        checker = Checker(embedder, collection)
        paper = quillon(collection)
        checker.check(SENTENCE, [paper])
        few, many = (work(lambda n=n: checker.check("Quillon: " + "97% 6 " * n, [paper])) for n in (20, 80))

    assert many < 8 * few


@pytest.fixture
def assistant(six: Home, embedder: Embedder, server: ScriptedServer) -> Iterator[Assistant]:
    settings = Settings(
        _env_file=None, home=six.settings.home, backend="openai", base_url=server.url, model=server.model)
    with Assistant(Collection(settings), embedder, settings) as opened:
        yield opened


def about_quillon(text: str) -> Callable[[Asked], str]:
    """A model that writes this, with Quillon's number for N."""
    def write(asked: Asked) -> str:
        found = re.search(rf"^\[(\d+)\] {re.escape(TITLES[0][:30])}", asked.prompt, re.MULTILINE)
        assert found
        return text.replace("N", found[1])
    return write


@pytest.mark.parametrize("text", [
    f"{SENTENCE} [N]. {SENTENCE} and " + "97% of GPT-J, " * 5000, f"{SENTENCE} [N]. " * 3000,
    f"{SENTENCE} [N]. " + "Several papers address this question. " * 3000,
], ids=["a sentence without end", "one over and over", "what claims nothing"])
def test_an_answer_from_a_reply_that_was_cut_says_so(text: str, assistant: Assistant, server: ScriptedServer) -> None:
    server.play(says(about_quillon(text)))

    answer = assistant.ask("What is Quillon?")

    assert answer.text == f"{SENTENCE}. [1]\n{CUT}"
    assert any("the reply was cut after 1 sentences" in line for line in answer.trace)


def test_a_reply_that_a_server_says_it_cut_is_shown_without_its_half_sentence(
    assistant: Assistant, server: ScriptedServer
) -> None:
    text = f"{SENTENCE} [N]. Quillon is a method that rewrites single layers of"
    server.play(says(about_quillon(text), finish="length"))

    assert assistant.ask("What is Quillon?").text == f"{SENTENCE}. [1]\n{CUT}"


def test_a_reply_of_more_sentences_than_are_shown_says_that_it_is_cut(
    assistant: Assistant, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.writing import shown

    monkeypatch.setattr(shown, "MOST_SENTENCES", 1)
    other = "Quillon is a method that rewrites single layers of GPT-J without retraining [N]."
    server.play(says(about_quillon(f"{SENTENCE} [N]. {other}")), says(about_quillon(f"{SENTENCE} [N].")))

    assert [assistant.ask("What is Quillon?").text for _ in range(2)] == [
        f"{SENTENCE}. [1]\n{CUT}", f"{SENTENCE}. [1]"]


def test_a_cut_reply_that_says_nothing_yet_is_no_refusal(assistant: Assistant, server: ScriptedServer) -> None:
    server.play(says("The abstracts do not say so in", finish="length"))

    answer = assistant.ask("What is Quillon?")

    assert not answer.abstained and answer.backend == "extractive"
    assert answer.text.startswith("(The reply of openai was cut before its end. These are the papers' own words:) ")


def test_a_list_whose_judgements_were_cut_says_so(assistant: Assistant, server: ScriptedServer) -> None:
    server.play(says('{"judgements": [{"id": 1, "fits": false, "quote": ""}, {"id": 2', finish="length"))

    answer = assistant.ask("Which papers present a method or dataset for speech or video?")

    assert answer.text.startswith("(The reply of openai was cut before its end; 1 of 1 calls failed")


def test_a_mark_that_is_known_to_none_goes_and_its_sentence_is_flagged(
    assistant: Assistant, server: ScriptedServer
) -> None:
    server.play(says(about_quillon(f"{SENTENCE} [N]. Quillon is fast [77][88]. {SENTENCE}, they say [99")))
    settings = assistant.settings.model_copy(update={"unsupported": "flag"})

    text = assistant.with_settings(settings).ask("What is Quillon?").text

    assert text.startswith(f"{SENTENCE}. [1] (Not borne out by the papers: “Quillon is fast.”)")
    assert "[7" not in text and "[8" not in text and "[9" not in text
