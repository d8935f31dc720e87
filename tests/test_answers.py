"""Answers over the seeds: quoted, cited, complete, or refused."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import Answer, Assistant, Paper, Source
from assistant.answering.citations import Marks, first_url, is_verbatim, with_marks
from assistant.answering.method_names import method_name
from assistant.conversation.dialogue import Dialogue
from assistant.errors import MisuseError
from assistant.evaluation.questions import load_conversations, load_questions
from assistant.records import AnswerSentence, Turn, answer_json


def test_the_methods_that_edit_gpt_j_are_listed_each_with_its_proof(assistant: Assistant) -> None:
    answer = assistant.ask("which methods edit GPT-J?")

    names = {item.name for item in answer.items}
    assert {"MEMIT", "MALMEN", "IKE", "CoME", "AlphaEdit"} <= names
    editing = assistant.paper_ids([f"001_eabbeabbe19b3830.txt:{line}" for line in (6, 14, 16, 18, 32, 58, 60, 68)])
    listed = {item.paper_id for item in answer.items}
    assert editing <= listed and len(listed - editing) <= 1
    assert all("edit" in f"{item.title} {item.quote}".casefold() for item in answer.items)
    assert answer.considered == 326
    assert answer.text.startswith(f"{len(answer.items)} of 326 papers match; 36 mention GPT-J:")


@pytest.mark.parametrize(("question", "count"), [
    ("how many papers mention Mistral?", 14), ("how many papers mention GPT-NeoX?", 2),
    ("how many papers mention InstructGPT?", 4), ("how many papers mention Vicuna?", 7),
    ("how many papers mention GPT-J?", 36),
])
def test_counts_by_name_are_exact(question: str, count: int, assistant: Assistant) -> None:
    assert assistant.ask(question).matched == count


@pytest.mark.parametrize(("question", "reason"), [
    ("what is TurboPrimer?", "no paper of the collection mentions “TurboPrimer”"),
    ("what is FlashAttention-9?", "no paper of the collection mentions “FlashAttention-9”"),
    ("how long should I boil an egg?", "the collection does not seem to treat this"),
    ("who wrote the MEMIT paper?", "abstracts do not give authors, dates or venues"),
])
def test_what_the_collection_does_not_say_is_refused_with_a_reason(
    question: str, reason: str, assistant: Assistant
) -> None:
    answer = assistant.ask(question)

    assert answer.abstained and answer.reason == reason
    assert answer.citations == ()
    assert answer.nearest and all(near.quote for near in answer.nearest)


@pytest.mark.parametrize("question", [None, 123, b"what is Redco?", ["what is Redco?"]])
def test_what_is_no_text_is_no_question(question: object, assistant: Assistant) -> None:
    before = Turn("what is Redco?", "what is Redco?", assistant.ask("what is Redco?"))
    wrong = f"a question is text, and not of the type {type(question).__name__}; example"

    with pytest.raises(MisuseError, match=wrong):
        assistant.ask(question)  # type: ignore[arg-type]
    with pytest.raises(MisuseError, match=wrong):
        assistant.search(question)  # type: ignore[arg-type]
    for turns in ([], [before]):
        with pytest.raises(MisuseError, match=wrong):
            Dialogue(assistant, turns=turns).ask(question)  # type: ignore[arg-type]


@pytest.mark.parametrize("question", ["", "   ", "🙂🙂🙂", "\x00\x07\x1b[2J", "?" * 10_000, "\ud800", "a" * 10_001])
def test_anything_typed_gets_a_polite_answer(question: str, assistant: Assistant) -> None:
    answer = assistant.ask(question)

    assert answer.text
    json.dumps(answer_json(answer), ensure_ascii=True)


@pytest.mark.parametrize("question", [
    "which methods edit GPT-2 but not GPT-J?", "papers that mention GPT-2 without GPT-J",
    "papers with GPT-2 and not GPT-J",
])
def test_no_paper_of_a_list_mentions_what_was_excluded(question: str, assistant: Assistant) -> None:
    excluded = assistant.with_name("GPT-J")

    assert not {item.paper_id for item in assistant.ask(question).items} & excluded


def test_a_definition_quotes_the_sentence_that_defines(assistant: Assistant) -> None:
    answer = assistant.ask("what is Redco?")

    assert answer.citations[0].title == (
        "Redco: A Lightweight Tool to Automate Distributed Training of LLMs on Any GPU/TPUs"
    )
    assert answer.citations[0].sources == (Source("001_eabbeabbe19b3830.txt", 50),)
    assert "lightweight and user-friendly tool" in answer.text


def test_both_things_compared_are_cited(assistant: Assistant) -> None:
    answer = assistant.ask("compare LoRAMoE and Mixture-of-LoRAs")

    titles = {citation.title or "" for citation in answer.citations}
    assert any(title.startswith("LoRAMoE") for title in titles)
    assert any(title.startswith("Mixture-of-LoRAs") for title in titles)


def test_the_number_of_papers_is_known_and_cites_nothing(assistant: Assistant) -> None:
    answer = assistant.ask("how many papers do you know?")

    assert (answer.kind, answer.citations) == ("collection", ())
    assert "326 paper abstracts (20 without a title)" in answer.text


def check_contract(answer: Answer, assistant: Assistant) -> None:
    """Quotes stand where they say, marks resolve, and a refusal cites nothing."""
    papers = {paper.paper_id: paper for paper in assistant.papers([c.paper_id for c in answer.citations])}
    assert all(is_verbatim(citation, papers[citation.paper_id]) for citation in answer.citations)
    marks = [citation.mark for citation in answer.citations]
    assert marks == list(range(1, len(marks) + 1))
    shown = {int(mark) for sentence in answer.sentences for mark in sentence.marks}
    assert shown == set(marks)
    assert set(marks) <= {int(mark) for mark in re.findall(r"\[(\d+)\]", answer.text)}
    assert all(item.quote == papers[item.paper_id].abstract[item.start:item.end] for item in answer.items)
    assert 0 <= answer.confidence <= 1
    if answer.abstained:
        assert answer.citations == () and answer.items == () and answer.reason


def test_every_answer_to_the_question_set_keeps_the_contract(assistant: Assistant) -> None:
    for question in load_questions()[::5]:
        check_contract(assistant.ask(question.question), assistant)


def test_the_same_question_gets_the_same_answer(assistant: Assistant) -> None:
    def settled(question: str) -> dict[str, object]:
        return {name: value for name, value in answer_json(assistant.ask(question)).items() if name != "timings"}

    for question in ("which methods edit GPT-J?", "how is a brief hospital course summarised"):
        assert settled(question) == settled(question)


def test_every_gold_paper_of_the_question_set_is_in_the_seeds(assistant: Assistant) -> None:
    questions = [*load_questions(), *(turn for talk in load_conversations() for turn in talk.turns)]

    for question in questions:
        for place in (*question.papers, *question.borderline, *question.nearest):
            assert assistant.paper_ids([place]), f"{question.id}: nothing was read from {place}"
        abstracts = [paper.abstract for paper in assistant.papers(sorted(assistant.paper_ids(question.papers)))]
        for sentence in question.evidence:
            assert any(sentence in abstract for abstract in abstracts), f"{question.id}: {sentence}"


def test_the_question_set_is_as_large_as_promised() -> None:
    questions = load_questions()
    kinds = [question.kind for question in questions]

    assert len({question.id for question in questions}) == len(questions) >= 360
    assert sum(kind in ("fact", "definition", "yesno") for kind in kinds) >= 180
    assert sum(kind in ("list", "count") for kind in kinds) >= 60
    assert sum(kind in ("multi", "compare") for kind in kinds) >= 20
    assert kinds.count("unanswerable") >= 100
    assert len(load_conversations()) >= 15
    assert {question.split for question in questions} == {"choose", "report"}


PAPER = Paper("0" * 20, "T", "One. Two 🙂 é. Three, four.", "One.")


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12))
def test_marks_count_up_in_order_of_first_use(spans: list[tuple[int, int]]) -> None:
    marks = Marks()
    wanted = [(min(a, b), max(a, b) + 1) for a, b in spans]

    given_out = [marks.cite(PAPER, start, end) for start, end in wanted]

    assert given_out == [list(dict.fromkeys(wanted)).index(span) + 1 for span in wanted]
    assert all(is_verbatim(citation, PAPER) for citation in marks.citations())


@given(st.text(), st.integers(0, 30), st.integers(1, 30))
def test_quotes_are_verbatim_in_any_unicode(text: str, start: int, length: int) -> None:
    abstract = text + "tail of the abstract"
    paper = Paper("1" * 20, None, abstract, abstract)
    start = min(start, len(abstract) - 1)
    marks = Marks()

    marks.cite(paper, start, min(start + length, len(abstract)))

    assert is_verbatim(marks.citations()[0], paper)


def test_marks_follow_their_sentence() -> None:
    sentences = [AnswerSentence("A.", (1,), True), AnswerSentence("B.", (2, 3), True), AnswerSentence("C.", (), True)]

    assert with_marks(sentences) == "A. [1] B. [2][3] C."


@pytest.mark.parametrize(("text", "url"), [
    ("Code is at https://github.com/a/b.", "https://github.com/a/b"),
    ("(see http://x.org/y_z).", "http://x.org/y_z"),
    ("no address", None),
])
def test_the_first_address_is_cut_before_punctuation(text: str, url: str | None) -> None:
    assert first_url(text) == url


@pytest.mark.parametrize(("title", "abstract", "name"), [
    ("Redco: A Tool", "We study.", "Redco"),
    (None, "We propose the MAssive Language Model Editing Network (MALMEN), which edits GPT-J.", "MALMEN"),
    (None, "We introduce a method, DataTune, to reuse data.", "DataTune"),
    ("On Editing", "We study GPT-J at length.", None),
])
def test_a_method_is_called_what_its_paper_calls_it(title: str | None, abstract: str, name: str | None) -> None:
    paper = Paper("2" * 20, title, abstract, abstract)

    assert method_name(paper, papers_with=lambda keys: {key: 36 if key == "gptj" else 1 for key in keys}) == name
