"""What files become: layouts told by shape, and one line of advice for everything else."""

from __future__ import annotations

import os
import time
import tracemalloc
from pathlib import Path

import pytest

from assistant.errors import ParseError
from assistant.records import Source
from ingest.files import find_files, read_lines
from ingest.parse import BLANK_BETWEEN, CSV, IN_TURN, JSON_LINES, ONE_PER_LINE, ParsedFile, read_records

SEEDS = Path(__file__).parent.parent / "seeds"

LONG = ("Large language models answer questions about papers. They often invent what they do not know. We "
        "propose a method that quotes instead, and show on five collections that it is as helpful. "
        "It refuses what the collection does not say. Code is available at https://github.com/a/b.")
SHORT = ("Editing a model's memory is hard. We edit GPT-J with a rank-one update and measure what else "
         "changes. Little does. The method takes a second for one fact on a laptop.")
OTHER = ("We study how tokens come to know their characters. Probes on three models find spelling in the "
         "embeddings. Larger models know more of it, and subwords that recur in other words know most.")
TITLES = ("Quoting Beats Inventing", "What Do Tokens Know About Their Characters?",
          "Editing Memory in a Second: A Long Title That Goes on About Rank-One Updates, Their Side Effects, "
          "Their Costs on Small Machines and Everything Else One Could Want to Know Before Reading Further")


def read(folder: Path, content: str | bytes, name: str = "papers.txt") -> ParsedFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_records(path)


def fails(folder: Path, content: str | bytes, name: str = "papers.txt") -> str:
    with pytest.raises(ParseError) as caught:
        read(folder, content, name)
    assert "\n" not in caught.value.reason
    assert caught.value.reason.startswith(name)
    return caught.value.reason


def lines_of(parsed: ParsedFile) -> list[int | None]:
    return [record.source.line for record in parsed.records]


@pytest.mark.parametrize(("file", "layout", "records", "untitled", "banner", "first", "last"), [
    ("000_60c0806cc8dd5fb6.txt", ONE_PER_LINE, 11, 11, 0, 1, 11),
    ("001_eabbeabbe19b3830.txt", IN_TURN, 36, 0, 2, 4, 74),
    ("002_f236ea0958816c3a.txt", IN_TURN, 221, 0, 2, 4, 444),
    ("003_8b469dd44731cff1.txt", BLANK_BETWEEN, 55, 0, 6, 15, 231),
    ("004_7d3cd53bcf1f460f.txt", ONE_PER_LINE, 11, 11, 0, 1, 11),
])
def test_the_seeds_are_read_whole(file: str, layout: str, records: int, untitled: int, banner: int,
                                  first: int, last: int) -> None:
    parsed = read_records(SEEDS / file)

    assert (parsed.layout, len(parsed.records), len(parsed.banner)) == (layout, records, banner)
    assert sum(record.title is None for record in parsed.records) == untitled
    assert parsed.skipped == ()
    assert (parsed.records[0].source, parsed.records[-1].source) == (Source(file, first), Source(file, last))
    text = (SEEDS / file).read_text().split("\n")
    assert all(record.text == text[(record.source.line or 0) - 1] for record in parsed.records)


def test_the_first_title_of_the_seeds_loses_the_button_glued_to_it() -> None:
    first = read_records(SEEDS / "001_eabbeabbe19b3830.txt").records[0]

    assert first.title == "Few-Shot Bot: Prompt-Based Learning for Dialogue Systems"


def test_a_title_that_begins_with_subscriber_keeps_it(tmp_path: Path) -> None:
    parsed = read(tmp_path, f"Subscribers and Their Habits\n{LONG}\n")

    assert parsed.records[0].title == "Subscribers and Their Habits"


def test_bare_abstracts_are_read_one_a_line(tmp_path: Path) -> None:
    parsed = read(tmp_path, f"{LONG}\n{SHORT}\n{OTHER}")

    assert parsed.layout == ONE_PER_LINE
    assert [record.text for record in parsed.records] == [LONG, SHORT, OTHER]
    assert lines_of(parsed) == [1, 2, 3]
    assert parsed.keys == ("1", "2", "3")


def test_short_abstracts_under_long_titles_are_told_apart(tmp_path: Path) -> None:
    parsed = read(tmp_path, "\n".join((TITLES[0], OTHER, TITLES[2], SHORT, TITLES[1], LONG)))

    assert parsed.layout == IN_TURN
    assert [record.title for record in parsed.records] == [TITLES[0], TITLES[2], TITLES[1]]
    assert [record.text for record in parsed.records] == [OTHER, SHORT, LONG]


def test_titles_that_end_in_a_full_stop_are_titles(tmp_path: Path) -> None:
    parsed = read(tmp_path, f"Quoting beats inventing.\n{LONG}\nTokens know their characters.\n{OTHER}\n")

    assert [record.title for record in parsed.records] == [
        "Quoting beats inventing.", "Tokens know their characters."]


@pytest.mark.parametrize("content", [
    f"{TITLES[0]}\n{LONG}", f"{TITLES[0]}\n{LONG}\n", f"\n\n{TITLES[0]}\n\n\n{LONG}\n\n",
    f"Menu\nHome\n{TITLES[0]}\n{LONG}", f"\ufeff{TITLES[0]}\r\n{LONG}\r\n",
    f"Daily Papers\nSubscribe{TITLES[0]}\n{LONG}", f"  {TITLES[0]}  \n\t{LONG} ",
])
def test_a_single_paper_is_read_whatever_surrounds_it(tmp_path: Path, content: str) -> None:
    parsed = read(tmp_path, content)

    assert [(record.title, record.text) for record in parsed.records] == [(TITLES[0], LONG)]
    assert parsed.skipped == ()


def test_a_single_abstract_needs_no_title(tmp_path: Path) -> None:
    assert read(tmp_path, SHORT).records[0].title is None


def test_lines_are_counted_at_newlines_only(tmp_path: Path) -> None:
    odd = "\u2028".join((LONG, "A line\x0bseparator,\x0ca form feed\rand a return are no line ends."))

    parsed = read(tmp_path, f"{odd}\r\n\r\n{OTHER}\r\n")

    assert lines_of(parsed) == [1, 3]
    assert parsed.records[0].text == odd


def test_a_title_without_an_abstract_is_reported(tmp_path: Path) -> None:
    parsed = read(tmp_path, f"{TITLES[0]}\n{LONG}\n{TITLES[2]}\n{SHORT}\n{TITLES[1]}")

    assert len(parsed.records) == 2
    assert [(skip.line, skip.reason) for skip in parsed.skipped] == [
        (5, "title without an abstract: What Do Tokens Know About Their Characters?")]


def test_an_abstract_too_short_to_use_is_reported_with_its_line(tmp_path: Path) -> None:
    parsed = read(tmp_path, f"{TITLES[0]}\n{LONG}\n{TITLES[2]}\nn/a\n{TITLES[1]}\n{OTHER}\n")

    assert lines_of(parsed) == [2, 6]
    assert [(skip.file, skip.line, skip.reason) for skip in parsed.skipped] == [
        ("papers.txt", 4, "abstract of 3 characters, fewer than 40")]


def test_a_remnant_between_bare_abstracts_is_reported(tmp_path: Path) -> None:
    parsed = read(tmp_path, f"{LONG}\nn/a\n{SHORT}\n{OTHER}\n{LONG}\n")

    assert lines_of(parsed) == [1, 3, 4, 5]
    assert [(skip.line, skip.reason) for skip in parsed.skipped] == [(2, "too short for an abstract: n/a")]


WRAPPED = "\n".join(LONG[i:i + 70] for i in range(0, len(LONG), 70))


@pytest.mark.parametrize(("content", "advice"), [
    ("hello world\n", "no abstract: the longest of its 1 lines has 11 characters"),
    (f"{WRAPPED}\n\n{WRAPPED}\n", "no abstract: the longest of its 8 lines has 70 characters"),
    (f"{TITLES[0]}\n{LONG}\n{SHORT}\n{TITLES[1]}\n{OTHER}\n{LONG}\n" * 3,
     "look like abstracts, neither all nor every second"),
    ('[\n{"abstract": "' + LONG + '"}\n]\n', "looks like JSON over several lines"),
    ("x" * 90 + "\n" + "1 2 3 4 5 6 7 8 9 " * 20, "lines look like abstracts"),
])
def test_an_unknown_shape_is_refused_with_advice(tmp_path: Path, content: str, advice: str) -> None:
    reason = fails(tmp_path, content)

    assert "unknown layout" in reason
    assert advice in reason
    assert "one abstract on a line" in reason


@pytest.mark.parametrize(("content", "reason"), [
    (b"", "papers.txt: is empty; nothing to read"),
    (b" \n\r\n\t\n", "papers.txt: is empty; nothing to read"),
    (b"\xef\xbb\xbf", "papers.txt: is empty; nothing to read"),
    (b"abc\nde\0f", "papers.txt: is binary: NUL at byte 6; give a text file"),
    (b"abc\ncaf\xe9 au lait\n", "papers.txt: is not UTF-8: byte 0xe9 at offset 7 (line 2); save it as UTF-8"),
    ("abc".encode("utf-16"), "papers.txt: is UTF-16; save it as UTF-8"),
    (f"{LONG}\r{SHORT}\r{OTHER}\r".encode(),
     "papers.txt: uses bare carriage returns as line ends; convert them to newlines"),
])
def test_a_file_that_is_not_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert fails(tmp_path, content) == reason


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match=r"^gone\.txt: no such file"):
        read_records(tmp_path / "gone.txt")
    with pytest.raises(ParseError, match="is a folder"):
        read_records(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")

    with pytest.raises(ParseError, match="not a regular file"):
        read_records(tmp_path / "pipe.txt")


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "papers.txt").write_text(LONG)
    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as root, whom no mode bits stop

    with pytest.raises(ParseError) as caught:
        read_records(tmp_path / "papers.txt")
    assert caught.value.reason == "papers.txt: cannot be read: Permission denied; check its path and permissions"


def test_a_line_of_50_megabytes_is_refused_at_once_and_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "papers.txt"
    path.write_bytes(b"word " * 10_000_000)
    tracemalloc.start()
    started = time.perf_counter()

    with pytest.raises(ParseError, match="line 1 is longer than 1,000,000 bytes"):
        read_records(path)

    assert time.perf_counter() - started < 1
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_file_of_more_than_256_megabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "papers.txt"
    path.touch()
    os.truncate(path, 256 * 2**20 + 1)

    with pytest.raises(ParseError, match="split it"):
        next(read_lines(path))


def test_json_lines_are_read_by_their_usual_names(tmp_path: Path) -> None:
    parsed = read(tmp_path, f'{{"id": 7, "title": "{TITLES[0]}", "abstract": "{LONG}"}}\n'
                            f'\n{{"summary": "{OTHER}", "title": null}}\nnonsense\n[1]\n'
                            f'{{"title": "No text"}}\n{{"text": "short"}}\n', "papers.jsonl")

    assert parsed.layout == JSON_LINES
    assert [(record.source.line, record.title, record.text) for record in parsed.records] == [
        (1, TITLES[0], LONG), (3, None, OTHER)]
    assert parsed.keys == ("7", "3")
    assert [skip.line for skip in parsed.skipped] == [4, 5, 6, 7]
    assert [skip.reason.split(":")[0] for skip in parsed.skipped] == [
        "not JSON", "a JSON list, not an object",
        "no abstract, text or summary that is a string; it has title",
        "abstract of 5 characters, fewer than 40"]


def test_json_lines_are_known_by_their_shape(tmp_path: Path) -> None:
    assert read(tmp_path, f'{{"abstract": "{LONG}"}}\n').layout == JSON_LINES


def test_json_lines_without_an_object_are_refused(tmp_path: Path) -> None:
    assert "line 1 is not JSON" in fails(tmp_path, f"{LONG}\n", "papers.jsonl")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_by_its_header(tmp_path: Path, delimiter: str) -> None:
    rows = [("Key", "Title", "Abstract Note"), ("K1", "A", LONG), ("K2", "B,\nC", f"One\nline. {OTHER}"),
            ("", "", SHORT), ("K4", "D", "")]
    content = "\r\n".join(delimiter.join(f'"{field}"' for field in row) for row in rows)

    parsed = read(tmp_path, "\ufeff" + content, "papers.csv")

    assert parsed.layout == CSV
    assert [(record.source.line, record.title) for record in parsed.records] == [
        (2, "A"), (4, "B,\nC"), (6, None)]
    assert parsed.keys == ("K1", "K2", "6")
    assert [(skip.line, skip.reason) for skip in parsed.skipped] == [
        (7, "abstract of 0 characters, fewer than 40")]


def test_a_table_without_an_abstract_column_is_refused(tmp_path: Path) -> None:
    assert "line 1 names no abstract column: 'a,b'" in fails(tmp_path, "a,b\n1,2\n", "papers.csv")


def test_a_quote_left_open_is_refused(tmp_path: Path) -> None:
    assert "is a quote left open?" in fails(tmp_path, f'abstract\n"{LONG}\n' + f"{LONG}\n" * 600, "papers.csv")


def test_folders_are_walked_in_order_and_what_is_passed_over_is_reported(tmp_path: Path) -> None:
    for name in ("b.txt", "a.jsonl", "sub/c.CSV", "notes.md", ".hidden.txt", ".git/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    found = find_files([tmp_path, tmp_path / "b.txt", tmp_path / "notes.md", tmp_path / "gone.txt"])

    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == [
        "a.jsonl", "b.txt", "sub/c.CSV", "notes.md", "gone.txt"]
    assert [(Path(skip.file).name, skip.reason) for skip in found.skipped] == [
        (".git", "hidden folder"), (".hidden.txt", "hidden file"), ("notes.md", "not one of .txt, .jsonl, .csv")]
