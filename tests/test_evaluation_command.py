"""`assistant eval` from end to end: its files, the same twice, stopped and resumed, compared, and misused."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import commands
import pytest
from evaluated import QUESTIONS, settled, write_jsonl
from papers import Home, write_titled

from assistant import Answer, Assistant
from assistant.errors import AssistantError
from assistant.evaluation import evaluate, run
from assistant.evaluation.evaluation import read_evaluation
from assistant.evaluation.journal import Journal
from assistant.evaluation.questions import EvalQuestion, load
from assistant.evaluation.subject import Product
from assistant.evaluation.workers import workers
from assistant.ui.cli import main

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def work(work: Path, six: Home) -> Path:
    """A working folder with the six papers in its index, and questions about them."""
    shutil.copytree(six.settings.home, work / ".assistant")
    write_titled(work / "six.txt", range(6))
    write_jsonl(work / "mine.jsonl", QUESTIONS)
    return work


@pytest.fixture
def opened(six: Home) -> Iterator[Assistant]:
    with Assistant.open(six.settings) as opened:
        yield opened


def test_questions_about_ones_own_index_give_a_report_of_three_files(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["eval", "--questions", "mine.jsonl", "--out", "out"])

    said = capsys.readouterr()
    assert status == 0
    assert sorted(path.name for path in (work / "out").iterdir()) == ["report.html", "report.json", "report.md"]
    assert "| fact answered | " in said.out
    assert said.err.endswith("written: out/report.html\n")
    found = json.loads((work / "out" / "report.json").read_text())
    verdicts = {each["id"]: each["verdict"] for each in found["questions"]}
    assert len(verdicts) == 11
    assert verdicts["f1"] == verdicts["f2"] == verdicts["l1"] == verdicts["u1"] == verdicts["u2"] == "right"
    assert verdicts["f4"] == "right paper, other words"
    assert verdicts["c1.1"] == "right"
    assert found["subject"]["papers"] == 6
    assert found["timings"]["latency_ms"]["n"] == 11
    halves = {each["half"] for each in found["questions"]}
    assert set(found["figures"]) == {"choose", "report"} == halves
    # What is printed is in the report, too.
    for line in said.out.splitlines():
        if line.startswith("| fact answered"):
            assert line in (work / "out" / "report.md").read_text()


def test_two_runs_give_the_same_json_but_for_the_timings(work: Path) -> None:
    assert main(["eval", "--questions", "mine.jsonl", "--papers", "six.txt", "--out", "a"]) == 0
    assert main(["eval", "--questions", "mine.jsonl", "--papers", "six.txt", "--out", "b"]) == 0

    assert settled(work / "a" / "report.json") == settled(work / "b" / "report.json")
    assert json.loads((work / "a" / "report.json").read_text()) != json.loads((work / "b" / "report.json").read_text())


def test_the_fixed_questions_give_the_same_twice(seeds_home: Path, assistant: Assistant) -> None:
    some = load()[::40]

    one, two = (evaluate(assistant, some).to_json() for _ in range(2))

    assert len(one["questions"]) >= 14
    del one["timings"], two["timings"]
    assert json.dumps(one) == json.dumps(two)


def test_a_report_is_read_as_it_was_written(work: Path, opened: Assistant) -> None:
    main(["eval", "--questions", "mine.jsonl", "--out", "out"])

    again = read_evaluation(work / "out" / "report.json")

    assert json.loads(json.dumps(again.to_json())) == json.loads((work / "out" / "report.json").read_text())


def test_ctrl_c_keeps_what_was_done_and_the_same_command_goes_on(work: Path) -> None:
    many = [{**fields, "id": f"{fields['id']}-{n}"} for n in range(60) for fields in QUESTIONS]
    write_jsonl(work / "mine.jsonl", many)
    command = ["assistant.ui.cli", "eval", "--questions", "mine.jsonl", "--out", "out"]
    journal = work / "out" / "unfinished.jsonl"
    with commands.started(*command, cwd=work) as process:
        while not journal.exists() or journal.read_bytes().count(b"\n") < 30:
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the processes that ask, too
        assert process.stderr is not None
        told = process.stderr.read().splitlines()[-1]

    kept = journal.read_bytes().count(b"\n") - 1
    assert process.returncode == 130
    assert told == f"assistant: stopped; {kept} answers are kept, and the same command goes on after them"
    assert 29 <= kept < 660
    assert not (work / "out" / "report.json").exists()

    with journal.open("ab") as file:
        file.write(b'{"result": {"id": "f1')  # as a process killed while writing leaves it
    done = commands.run(*command, cwd=work)

    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"going on after {kept} questions that are done\n")
    assert not journal.exists()
    assert main(["eval", "--questions", "mine.jsonl", "--out", "whole"]) == 0
    assert settled(work / "out" / "report.json") == settled(work / "whole" / "report.json")


def test_asked_by_several_processes_the_results_are_the_same(tmp_path: Path, six: Home) -> None:
    items = _mine(tmp_path, twice=True)
    with Assistant.open(six.settings) as opened, workers(six.settings, Product) as ask:
        apart = evaluate(opened, items, ask=ask)
        alone = evaluate(opened, items)

    assert [result.id for result in apart.results] == [turn.id for turn in run.each(items)]
    assert [result.to_json() for result in apart.results] == [result.to_json() for result in alone.results]


def refused(question: EvalQuestion, answer: Answer) -> bool:
    """A judge that another process can be told of."""
    return answer.abstained


def test_a_judge_is_asked_in_other_processes_too(tmp_path: Path, six: Home) -> None:
    with Assistant.open(six.settings) as opened, workers(six.settings, Product) as ask:
        found = evaluate(opened, _mine(tmp_path), ask=ask, judge=refused)

    assert [result.judged for result in found.results] == [result.answer["abstained"] for result in found.results]


def test_a_killed_process_is_told_and_what_was_done_is_kept(tmp_path: Path, six: Home) -> None:
    journal = Journal(tmp_path / "out", "run")

    def kill(done: int, total: int) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    with Assistant.open(six.settings) as opened, pytest.raises(AssistantError, match="was killed"), \
            workers(six.settings, Product) as ask:
        evaluate(opened, _mine(tmp_path, twice=True), journal=journal, ask=ask, progress=kill)
    journal.close()

    assert 1 <= len(Journal(tmp_path / "out", "run").done) < 22


def test_what_another_run_left_is_set_aside_not_lost(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "out").mkdir()
    (work / "out" / "unfinished.jsonl").write_text('{"run": "another"}\n{"result": {}}\n')

    assert main(["eval", "--questions", "mine.jsonl", "--out", "out"]) == 0

    assert "set aside as unfinished.old" in capsys.readouterr().err
    assert (work / "out" / "unfinished.old").read_text() == '{"run": "another"}\n{"result": {}}\n'


def test_a_journal_gives_back_what_it_was_given(tmp_path: Path, opened: Assistant) -> None:
    results = evaluate(opened, [item for item in _mine(tmp_path) if isinstance(item, EvalQuestion)][:3]).results
    journal = Journal(tmp_path / "out", "run")
    for result in results:
        journal.add(result)
    journal.close()

    assert tuple(Journal(tmp_path / "out", "run").done.values()) == results


def test_each_conversation_has_an_engine_of_its_own(tmp_path: Path, opened: Assistant) -> None:
    class Remembering:
        """Answers with all it was asked."""

        def __init__(self) -> None:
            self.asked: list[str] = []

        def ask(self, question: str) -> Answer:
            self.asked.append(question)
            return replace(opened.ask(question), text=" / ".join(self.asked))

    talks = [item for item in _mine(tmp_path, twice=True) if not isinstance(item, EvalQuestion)]

    found = evaluate(opened, talks, chat=lambda _: Remembering())

    one = "what does Graupel downscale?"
    both = f"{one} / and on how many accelerators?"
    assert [result.answer["text"] for result in found.results] == [one, both, one, both]
    assert "conversations" not in found.about


def test_a_judge_is_asked_and_its_agreement_shown(tmp_path: Path, opened: Assistant) -> None:
    from assistant.evaluation.report.evaluation_page import evaluation_page, judge_agreement

    found = evaluate(opened, _mine(tmp_path), judge=lambda question, answer: not answer.abstained)

    said = judge_agreement(found)
    agreed = sum((result.values["right"] >= 0.5) != result.answer["abstained"] for result in found.results)
    assert said.startswith(f"The judge agrees with the measures (right from 0.5 up) on {agreed} of 11 questions")
    assert "Cohen&#x27;s kappa" in evaluation_page(found)
    assert judge_agreement(evaluate(opened, _mine(tmp_path)[:1])) == ""


def test_two_reports_are_compared_question_by_question(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["eval", "--questions", "mine.jsonl", "--out", "a"])
    changed = json.loads((work / "a" / "report.json").read_text())
    for each in changed["questions"]:
        if each["id"] == "f1":
            each["verdict"] = "wrong"
            each["values"].update({"right": 0.0, "fact answered": 0.0})
    (work / "b.json").write_text(json.dumps(changed))
    capsys.readouterr()

    status = main(["eval", "--compare", "a/report.json", "b.json", "--out", "c"])

    said = capsys.readouterr().out
    assert status == 0
    assert "Of 11 questions 0 came out better and 1 worse." in said
    assert "| f1 | " in said and "| right 1.00 | wrong 0.00 | what is Quillon? |" in said
    assert sorted(path.name for path in (work / "c").iterdir()) == ["compare.html", "compare.json", "compare.md"]
    found = json.loads((work / "c" / "compare.json").read_text())
    assert [each["id"] for each in found["changed"]] == ["f1"]
    half = next(each["half"] for each in changed["questions"] if each["id"] == "f1")
    row = next(row for row in found["changes"][half] if row["name"] == "fact answered")
    assert row["after"] < row["before"]
    assert row["change"]["mean"] == pytest.approx(row["after"] - row["before"])


def test_a_comparison_with_itself_finds_nothing(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["eval", "--questions", "mine.jsonl", "--out", "a"])
    capsys.readouterr()

    assert main(["eval", "--compare", "a/report.json", "a/report.json"]) == 0

    said = capsys.readouterr().out
    assert "No measure differs beyond its 95 % interval" in said
    assert "## Questions that changed: 0" in said


def test_llama_indexs_default_is_asked_the_same(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--questions", "mine.jsonl", "--baseline", "stock", "--out", "out"]) == 0

    assert "Against llama-index's default: " in capsys.readouterr().out
    stock = json.loads((work / "out" / "stock" / "report.json").read_text())
    assert stock["subject"]["backend"] == "llama-index default"
    found = {each["id"]: each for each in stock["questions"]}
    assert found["f1"]["values"]["R@1"] == 1  # the same model finds Quillon by name
    assert found["f1"]["values"]["quote exactness"] == 1
    assert found["u1"]["verdict"] == "not refused"
    assert (work / "out" / "compare.html").exists()


def _mine(folder: Path, *, twice: bool = False) -> list[Any]:
    again = [{**fields, "id": f"{fields['id']}x"} for fields in QUESTIONS] if twice else []
    return list(load(write_jsonl(folder / "mine.jsonl", [*QUESTIONS, *again])))


# -- misuse


@pytest.mark.parametrize(("argv", "line"), [
    (["--questions", "none.jsonl"], "the file 'none.jsonl' cannot be read (No such file or directory)"),
    (["--questions", "unknown.jsonl"],
     "unknown.jsonl, line 2: the collection has no paper 'six.txt:3'; name each as FILE:LINE, by a file that was "
     "ingested (assistant status lists them) and the line of the abstract, or by its paper_id"),
    (["--questions", "mine.jsonl", "--papers", "none.txt"],
     "there are no papers at 'none.txt'; name a file or folder with --papers"),
    (["--questions", "mine.jsonl", "--papers", "empty.txt"], "no paper could be read from empty.txt"),
    (["--questions", "mine.jsonl", "--out", "six.txt"], "'six.txt' is a file; name a folder with --out"),
    (["--questions", "mine.jsonl", "--gate"],
     "the floor is for the fixed questions over seeds/; leave out what you name besides the gate"),
    (["--collection", "coll", "--papers", "six.txt"], "a collection has its own papers; leave --papers out"),
    ([], "there are no papers at 'seeds'; name a file or folder with --papers"),
    (["--compare", "mine.jsonl", "six.txt"], "mine.jsonl is not a report.json that assistant eval wrote"),
    (["--compare", "a.json", "b.json", "--gate"], "--compare asks nothing anew; leave --gate out"),
])
def test_misuse_is_one_line_and_writes_nothing(
    work: Path, capsys: pytest.CaptureFixture[str], argv: list[str], line: str
) -> None:
    write_jsonl(work / "unknown.jsonl", [QUESTIONS[0], {**QUESTIONS[1], "papers": ["six.txt:3"]}])
    (work / "empty.txt").write_text("")
    before = sorted(path.name for path in work.iterdir())
    out = [] if "--out" in argv or "--compare" in argv else ["--out", "out"]

    status = main(["eval", *argv, *out])

    errors = capsys.readouterr().err
    assert status == 2
    assert errors.splitlines()[-1].startswith(f"assistant: {line}")
    assert "Traceback" not in errors
    assert sorted(path.name for path in work.iterdir()) == before


def test_a_folder_that_another_evaluation_writes_to_is_left_alone(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from filelock import FileLock

    (work / "out").mkdir()
    with FileLock(work / "out" / ".lock"):
        status = main(["eval", "--questions", "mine.jsonl", "--out", "out"])

    assert status == 1
    assert "another evaluation is writing to 'out'" in capsys.readouterr().err
