"""The format of question sets, and what is said of a file that does not keep to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evaluated import QUESTIONS, write_jsonl

from assistant.errors import MisuseError
from assistant.evaluation.questions import EvalConversation, EvalQuestion, load

FACT = {"id": "a", "kind": "fact", "question": "what?", "papers": ["a.txt:1"], "answers": ["this"]}


def test_the_fixed_set_keeps_to_its_own_format() -> None:
    items = load()

    assert sum(isinstance(item, EvalQuestion) for item in items) == 1106
    assert sum(isinstance(item, EvalConversation) for item in items) == 32


def test_a_set_is_read_in_order_with_its_turns(tmp_path: Path) -> None:
    items = load(write_jsonl(tmp_path / "q.jsonl", QUESTIONS))

    assert [item.id for item in items] == [fields["id"] for fields in QUESTIONS]
    talk = items[-1]
    assert isinstance(talk, EvalConversation)
    assert [(turn.id, turn.turn, turn.conversation) for turn in talk.turns] == [("c1.1", 1, "c1"), ("c1.2", 2, "c1")]
    assert items[1].where == "q.jsonl, line 2"  # type: ignore[union-attr]


def test_the_turns_of_a_conversation_are_in_one_half() -> None:
    for item in load():
        if isinstance(item, EvalConversation):
            assert len({turn.split for turn in item.turns}) == 1


@pytest.mark.parametrize(("line", "message"), [
    ("{", "q.jsonl, line 2: not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)); "
          "write one object a line"),
    ("[1]", "q.jsonl, line 2: a JSON list, not an object"),
    (json.dumps(FACT), "q.jsonl, line 2: the id 'a' is taken by line 1; give each its own"),
    (json.dumps({**FACT, "id": None}), 'q.jsonl, line 2: "id" must be a text and is missing'),
    (json.dumps({**FACT, "id": "b", "kind": "riddle"}),
     "q.jsonl, line 2: no kind is called 'riddle'; choose one of fact, definition, yesno, list, count, multi, compare, "
     "passage, search, unanswerable"),
    (json.dumps({**FACT, "id": "b", "question": " "}), 'q.jsonl, line 2: "question" must be a text and is " "'),
    (json.dumps({**FACT, "id": "b", "papers": "a.txt:1"}), 'q.jsonl, line 2: "papers" must be a list and is "a.txt:1"'),
    (json.dumps({**FACT, "id": "b", "papers": [3]}), 'q.jsonl, line 2: "papers" must be a list of texts; one is 3'),
    (json.dumps({**FACT, "id": "b", "papers": []}),
     'q.jsonl, line 2: a question of kind fact needs "papers", at least one FILE:LINE or paper_id'),
    (json.dumps({**FACT, "id": "b", "answers": []}),
     'q.jsonl, line 2: a question of kind fact needs "answers": texts of which one must be said'),
    (json.dumps({**FACT, "id": "b", "kind": "unanswerable"}),
     'q.jsonl, line 2: an unanswerable question has no "papers"; what comes near goes under "nearest"'),
    (json.dumps({**FACT, "id": "b", "kind": "passage"}),
     'q.jsonl, line 2: a question of kind passage needs "references" or "spans"'),
    (json.dumps({"id": "c", "turns": []}), 'q.jsonl, line 2: "turns" must be a list of questions, at least one'),
    (json.dumps({"id": "c", "turns": [FACT, {"kind": "fact"}]}),
     'q.jsonl, line 2, turn 2: "question" must be a text and is missing'),
])
def test_a_bad_line_is_named_with_what_would_be_right(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(FACT) + "\n" + line + "\n", "utf-8")

    with pytest.raises(MisuseError) as raised:
        load(path)

    assert str(raised.value) == message


@pytest.mark.parametrize(("content", "message"), [
    (b"\n \n", "q.jsonl holds no question; a line is like "),
    (b"\xff\xfe", "the file 'q.jsonl' cannot be read (it is not UTF-8)"),
])
def test_a_file_without_questions_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(content)

    with pytest.raises(MisuseError) as raised:
        load(path)

    assert str(raised.value).startswith(message)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match=r"^the file 'none.jsonl' cannot be read \(No such file or directory\)$"):
        load(tmp_path / "none.jsonl")


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(FACT), "utf-8-sig")

    assert [item.id for item in load(path)] == ["a"]
