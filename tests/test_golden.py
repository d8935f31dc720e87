"""The comparison of two versions can fail, says what changed, and takes what was accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from golden import ROOT, Collection, Side, main
from golden_compare import OUTPUTS, compare, read_recording
from golden_side import locate
from papers import write_titled

from assistant import Answer

SAID = {
    ("q1", "text"): "Redco trains models. [1]", ("q1", "page"): "<p>Redco trains models.</p><ol><li>1</li></ol>",
    ("q2", "text"): "Nothing says so.", ("q3", "json"): '{\n "matched": 3\n}', ("q4", "json"): '{\n "matched": 4\n}',
}


def recorded(folder: Path, said: dict[tuple[str, str], str]) -> Path:
    """A side's folder, as golden.py keeps it."""
    folder.mkdir()
    lines = [json.dumps({"id": name, "output": output, "text": text}) for (name, output), text in said.items()]
    (folder / OUTPUTS).write_text("\n".join(lines), "utf-8")
    return folder


@pytest.fixture
def sides(tmp_path: Path) -> list[str]:
    """Two sides, of which the second changed a sentence, lost an output, and counts otherwise twice."""
    changed = SAID | {
        ("q1", "text"): "Redco trains them. [1]", ("q3", "json"): '{\n "matched": 30\n}',
        ("q4", "json"): '{\n "matched": 40\n}',
    }
    del changed["q2", "text"]
    return [str(recorded(tmp_path / "before", SAID)), str(recorded(tmp_path / "after", changed))]


def accepting(folder: Path, *lines: dict[str, Any]) -> str:
    path = folder / "accepted.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return str(path)


ALL = (
    {"id": "q1", "output": "text", "reason": "a pronoun"}, {"id": "q2", "output": "text", "reason": "refused now"},
    {"id": "*", "output": "json", "reason": "counts more", "pattern": r'^[-+] "matched": \d+⏎$'},
)


def test_the_same_on_both_sides_is_no_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(recorded(tmp_path / "side", SAID))

    assert main(["--recorded", folder, folder]) == 0
    assert "no difference" in capsys.readouterr().out


def test_a_changed_answer_is_found_and_shown_once_for_all_it_changed_alike(
    sides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--recorded", *sides]) == 1
    out = capsys.readouterr().out
    assert "json of q3, q4:\n" in out and '    - "matched": 3⏎\n    + "matched": 30⏎\n' in out
    assert "text of q1:\n    -Redco trains models. \n    +Redco trains them. \n" in out
    assert "text of q2:\n    -Nothing says so.\n    +(nothing)\n" in out
    assert "different: 4 outputs, of 3 kinds" in out


def test_accepted_differences_are_none(sides: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unused = {"id": "q9", "output": "text", "reason": "of long ago"}
    accept = accepting(tmp_path, *ALL, unused)

    assert main(["--recorded", *sides, "--accept", accept]) == 0
    assert "accepted, and not seen: text of q9 (of long ago)" in capsys.readouterr().out
    assert main(["--recorded", *sides, "--accept", accept, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["same"] is True and summary["equal"] == {"text": 0, "page": 1, "json": 0}
    assert [found["reason"] for found in summary["accepted"]] == ["a pronoun", "refused now", *["counts more"] * 2]
    assert [found["id"] for found in summary["accepted_unseen"]] == ["q9"]


def test_a_pattern_accepts_only_where_every_changed_line_matches(sides: list[str], tmp_path: Path) -> None:
    narrow = {"id": "*", "output": "json", "reason": "counts more", "pattern": "3"}

    assert main(["--recorded", *sides, "--accept", accepting(tmp_path, *ALL[:2], narrow)]) == 1


@pytest.mark.parametrize("line", [
    {"id": "*", "output": "json", "reason": "all of them"}, {"id": "q1", "output": "text"},
    {"id": "q1", "output": "text", "reason": " "}, {"id": "q1", "output": "text", "reason": "so", "pattern": "("},
])
def test_what_would_accept_anything_is_refused(
    line: dict[str, str], sides: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--recorded", *sides, "--accept", accepting(tmp_path, line)]) == 2
    assert "entry 1" in capsys.readouterr().err


def test_a_difference_of_white_space_alone_is_found_and_seen() -> None:
    found = compare({("q", "csv"): "a\r\nb"}, {("q", "csv"): "a\nb"}).open

    assert [difference.changed for difference in found] == [("-a␍⏎", "+a⏎")]


def test_a_name_that_has_moved_is_found_and_one_that_is_nowhere_is_an_error() -> None:
    places = {
        "Answer": ("assistant.gone:Answer", "assistant.records:Gone", "assistant.records:Answer"),
        "lost": ("assistant.gone:lost",),
    }

    assert locate("Answer", places) is Answer
    with pytest.raises(LookupError, match=r"lost is not at .*; add where it is now to LOCATIONS"):
        locate("lost", places)


def test_a_side_writes_down_every_form_of_an_answer_and_what_is_stored(tmp_path: Path) -> None:
    papers = write_titled(tmp_path / "six.txt", range(6))
    items = (
        {"id": "one", "question": "what is Quillon?"},
        {"id": "two", "turns": ["what does Graupel downscale?", "and on how many accelerators?"]},
    )
    side = Side("before", ROOT, tmp_path / "side", 1)
    side.record([Collection("six", papers, items)])

    said = read_recording(side.folder)
    forms = {"json", "text", "page", "panel", "md", "csv", "bib"}
    assert {output for name, output in said if name == "one"} == forms | {"ranking"}
    assert {output for name, output in said if name == "two.2"} == forms | {"question"}
    assert "We introduce Quillon" in said["one", "text"] and '"total": 0.0' in said["one", "json"]
    assert '"embedded": 6' in said["six:ingest", "command"] and said["six:ask", "command"].endswith("exit status 0")
    assert "Quillon: Editing One Layer" in said["six:papers.sqlite papers", "stored"]
    assert said["six:chroma", "stored"].count("SHA-256") == said["six:lexical", "stored"].count("paper_id") - 1 == 6
