"""Public test collections: read, evaluated, and refused where they contradict themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from evaluated import write_jsonl
from papers import ABSTRACTS, TITLES

from assistant.errors import MisuseError
from assistant.evaluation.public_sets import load_public
from assistant.ui.cli import main

CORPUS = [
    {"id": f"d{n}", "title": title, "text": text, "sentences": [f"{part}." for part in text.rstrip(".").split(". ")]}
    for n, (title, text) in enumerate(zip(TITLES, ABSTRACTS, strict=True))
]
QUERIES = [
    {"id": "1", "text": "what is Quillon?"}, {"id": "2", "text": "who won the chess olympiad of 1972?"},
    {"id": "3", "text": "whispered speech dataset"}, {"id": "4", "text": "nobody says anything about this"},
    {"id": "5", "text": "Lanternfish is a dense retriever."},
]
ANSWERS: list[dict[str, Any]] = [
    {"id": "1", "answerable": True, "doc": "d0", "answers": [
        {"text": "Quillon is a method that rewrites single layers of GPT-J without retraining.",
         "sentences": [CORPUS[0]["sentences"][1]]},
    ]},
    {"id": "2", "answerable": False, "doc": None, "answers": []},
    {"id": "5", "label": "SUPPORT", "evidence": {"d2": [[1]]}},
]


def write(folder: Path, *, qrels: str = "1\td0\t1\n3\td4\t2\n3\td0\t0\n5\td2\t1\n", **changed: Any) -> Path:
    for name, objects in (("corpus", CORPUS), ("queries", QUERIES), ("answers", ANSWERS)):
        write_jsonl(folder / f"{name}.jsonl", changed.get(name, objects))
    (folder / "qrels.tsv").write_text(qrels, "utf-8")
    return folder


def test_each_query_becomes_the_kind_of_question_its_answers_make_it(tmp_path: Path) -> None:
    found = load_public(write(tmp_path / "coll"))

    kinds = {question.id: question.kind for question in found.questions}
    assert kinds == {"1": "passage", "2": "unanswerable", "3": "search", "5": "search"}
    assert (found.name, found.documents, found.left_out) == ("coll", 6, 1)
    one, _, three, five = found.questions
    assert one.papers == ("corpus.jsonl:1",)
    assert one.spans == ((CORPUS[0]["sentences"][1],),)
    assert (three.papers, three.grades) == (("corpus.jsonl:5",), (2,))
    assert (five.style, five.evidence) == ("SUPPORT", (CORPUS[2]["sentences"][1],))


def test_a_collection_is_evaluated_in_an_index_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "coll")

    assert main(["eval", "--collection", "coll", "--out", "out"]) == 0

    found = json.loads((tmp_path / "out" / "report.json").read_text())
    values = {each["id"]: each["values"] for each in found["questions"]}
    assert values["1"]["first citation"] == 1
    assert values["1"]["sentence recall"] == 1
    assert 0 < values["1"]["ROUGE-L"] <= 1
    assert values["2"] == {"right": 1, "refused": 1, "confidence": values["2"]["confidence"]}
    assert values["3"]["R@1"] == values["3"]["nDCG@10"] == 1
    assert found["subject"]["documents"] == 6
    assert not (tmp_path / ".assistant" / "index").exists()


def test_a_judged_document_that_cannot_be_indexed_counts_as_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus = [{**CORPUS[0], "text": ""}, *CORPUS[1:]]
    write(tmp_path / "coll", corpus=corpus, qrels="1\td0\t1\n1\td1\t1\n3\td4\t1\n", answers=[])

    assert main(["eval", "--collection", "coll", "--out", "out"]) == 0

    found = json.loads((tmp_path / "out" / "report.json").read_text())
    values = {each["id"]: each["values"] for each in found["questions"]}
    assert values["1"]["R@20"] == 0.5
    assert found["subject"]["documents_not_read"] == 1
    assert "not read: corpus.jsonl:1: " in capsys.readouterr().err


@pytest.mark.parametrize(("changed", "message"), [
    ({"qrels": "1\td0\t1\n1\td9\t1\n"}, "qrels.tsv, line 2: corpus.jsonl has no document 'd9'"),
    ({"qrels": "9\td0\t1\n"}, "qrels.tsv, line 1: queries.jsonl has no query '9'"),
    ({"qrels": "1 d0 1\n"},
     "qrels.tsv, line 1: not a query id, a document id and a whole number, with tabs between: '1 d0 1'"),
    ({"corpus": [CORPUS[0], CORPUS[0]]}, "corpus.jsonl, line 2: the id 'd0' is taken by line 1"),
    ({"corpus": []}, "corpus.jsonl is empty; a line is like "),
    ({"corpus": [{"title": "no id"}]}, 'corpus.jsonl, line 1: "id" must be a text'),
    ({"queries": []}, "queries.jsonl is empty; a line is like "),
    ({"queries": [{"id": "1"}]}, 'queries.jsonl, line 1: "text" must be the query; a line is like '),
    ({"queries": [QUERIES[0], QUERIES[0]]}, "queries.jsonl, line 2: the id '1' was given before"),
    ({"answers": [{"id": "9"}]}, "answers.jsonl, line 1: queries.jsonl has no query '9'"),
    ({"answers": [{"id": "5", "evidence": {"d2": [[99]]}}]},
     "answers.jsonl, line 1: answers or evidence are not as they must be (IndexError"),
    ({"qrels": "", "answers": []}, "queries.jsonl of coll holds no query that qrels.tsv or answers.jsonl says"),
])
def test_a_collection_that_contradicts_itself_is_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(MisuseError) as raised:
        load_public(write(tmp_path / "coll", **changed))

    assert str(raised.value).startswith(message)


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match=r"has no corpus.jsonl; a collection has corpus.jsonl, queries.jsonl"):
        load_public(tmp_path)


def test_a_head_line_of_the_judgements_is_passed_over(tmp_path: Path) -> None:
    found = load_public(write(tmp_path / "coll", qrels="query-id\tcorpus-id\tscore\n3\td4\t1\n", answers=[]))

    assert [question.id for question in found.questions] == ["3"]
