"""What reaches a terminal: no character that commands it, and lines as wide as it is."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import commands
import pytest
from hypothesis import given
from hypothesis import strategies as st
from papers import Home, write_titled
from scripted_server import ScriptedServer, says

from assistant import Answer
from assistant.records import AnswerSentence, Citation, Source
from assistant.text.terminal import COMMANDS, visible
from assistant.ui.export import FORMATS, export, exported
from assistant.ui.page.shown.escape import text as escaped

QUESTION = "what is Quillon?"
EVIL = "\x1b[31mred\x1b]0;title\x07\x00\x08\r\x7f\x85\x9b2J\u202e\u2066\u200f\u2028"
TYPED = EVIL.replace("\x00", "")  # no argument and no variable of a process holds a NUL
HARMLESS = "Sabiá\n\t語🙂 é […] “x” \u200d"


@pytest.fixture(scope="module")
def indexed(six: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the six papers in its index."""
    folder = tmp_path_factory.mktemp("work")
    shutil.copytree(six.settings.home, folder / ".assistant")
    return folder


@pytest.fixture(scope="module")
def evil() -> Iterator[ScriptedServer]:
    """A model whose every sentence, and whose name, is full of commands."""
    with ScriptedServer(models=(f"m{TYPED}", f"n{EVIL}")) as server:
        server.play(says(f"Quillon{EVIL} is a method. It edits{EVIL} layers."))
        yield server


def asks(server: ScriptedServer) -> dict[str, str]:
    """Settings by which the commands ask a server, and show what it cannot prove."""
    return {
        "ASSISTANT_BACKEND": "openai", "ASSISTANT_BASE_URL": server.url, "ASSISTANT_MODEL": server.model,
        "ASSISTANT_UNSUPPORTED": "flag", "PYTHONIOENCODING": "utf-8",
    }


def is_clean(text: str) -> bool:
    return not set(text) & set(COMMANDS)


def test_what_commands_a_terminal_is_what_unicode_says_does() -> None:
    every = [chr(code) for code in range(0x110000)]
    controls = {character for character in every if unicodedata.category(character) in ("Cc", "Zl", "Zp")}
    turning = {character for character in every if unicodedata.bidirectional(character) in (
        "LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")}

    assert set(COMMANDS) == controls - {"\n", "\t"} | turning | {"\u061c", "\u200e", "\u200f"}


@given(st.text(st.characters(codec="utf-8")) | st.text(st.sampled_from(EVIL + HARMLESS)))
def test_json_reads_back_what_was_made_visible(text: str) -> None:
    shown = visible(json.dumps(text, ensure_ascii=False))

    assert is_clean(shown) and json.loads(shown) == text


def test_what_is_harmless_stays() -> None:
    assert visible(HARMLESS) == HARMLESS


@pytest.mark.parametrize("argv", [
    ["ask", QUESTION], ["ask", "--explain", QUESTION], ["ask", "--format", "md", QUESTION],
    ["ask", "--format", "csv", QUESTION], ["ask", "--format", "bib", QUESTION], ["backends"], ["status"],
    ["backends", "--json"], ["ask", f"what is {TYPED}Zorgonaut?"], ["search", f"{TYPED}editing"],
    ["search", "--name", f"{TYPED}Quillon"], ["names", f"q{TYPED}"], [f"--{TYPED}"], ["ask", f"--{TYPED}"], [TYPED],
], ids=lambda argv: " ".join(argv)[:20].encode("ascii", "replace").decode())
def test_no_verb_lets_a_command_through(argv: list[str], indexed: Path, evil: ScriptedServer) -> None:
    done = commands.run("assistant.ui.cli", *argv, cwd=indexed, **asks(evil))

    assert "Traceback" not in done.stderr
    assert is_clean(done.stdout.replace("\r\n", "\n") + done.stderr)


def test_the_models_words_are_shown_with_the_commands_spelt_out(indexed: Path, evil: ScriptedServer) -> None:
    done = commands.run("assistant.ui.cli", "ask", QUESTION, cwd=indexed, **asks(evil))

    assert r"“Quillon\u001b[31mred\u001b]0;title\u0007\u0000\u0008" in done.stdout


def test_json_output_keeps_the_text(indexed: Path, evil: ScriptedServer) -> None:
    done = commands.run("assistant.ui.cli", "ask", "--json", QUESTION, cwd=indexed, **asks(evil))

    assert is_clean(done.stdout)
    assert "Quillon\x1b[31mred\x1b]0;title\x07\x00\x08" in json.loads(done.stdout)["text"]
    assert "\u202e" in json.loads(done.stdout)["text"]


def test_a_chat_and_what_is_kept_of_it_let_none_through(indexed: Path, evil: ScriptedServer) -> None:
    said = f"what is {EVIL}Quillon?\n".replace("\r", "").replace("\x85", "").replace("\u2028", "")
    outputs = [commands.run("assistant.ui.cli", "chat", cwd=indexed, said=said, **asks(evil))]
    listed = commands.run("assistant.ui.cli", "conversations", cwd=indexed)
    saved = listed.stdout.split()[0]
    for argv in (["chat", "--resume"], ["conversations", "--show", saved], ["conversations", "--export", saved],
                 ["conversations", "--json"]):
        outputs.append(commands.run("assistant.ui.cli", *argv, cwd=indexed, said="\n", **asks(evil)))

    assert all(done.returncode == 0 and is_clean(done.stdout + done.stderr) for done in (*outputs, listed))
    assert all("Quillon" in done.stdout for done in outputs)


def test_a_sequence_split_over_two_pieces_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    from assistant.text.terminal import Folding, safe_streams

    with safe_streams():
        folding = Folding()
        for piece in ("red \x1b", "[31m", "\u202e", "x\r", "\n"):
            folding.show(piece)

    assert capsys.readouterr().out == "red \\u001b[31m\\u202ex\\u000d\n"


def test_the_name_of_a_file_lets_none_through(work: Path) -> None:
    write_titled(work / "a\x1b[31m\u202eb.txt", range(2))
    (work / "c\x1b[2J.txt").write_bytes(b"\x00")
    made = commands.run("ingest.cli", ".", cwd=work)
    missing = commands.run("ingest.cli", "gone\x1b[2J\u202e.txt", cwd=work)
    status = commands.run("assistant.ui.cli", "status", cwd=work)

    assert (made.returncode, missing.returncode, status.returncode) == (0, 2, 0)
    for done in (made, missing, status, commands.run("assistant.ui.cli", "ask", QUESTION, cwd=work)):
        assert is_clean(done.stdout + done.stderr)


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_lets_none_through(form: str) -> None:
    citation = Citation(1, "0" * 20, f"T{EVIL}", (Source(f"a{EVIL}.txt", 1),), f"quote{EVIL}", 0, 5, None)
    answer = Answer("1", f"q{EVIL}", "fact", f"Said{EVIL}. [1]", citations=(citation,),
                    sentences=(AnswerSentence(f"Said{EVIL}.", (1,), True),))

    for text in (export(answer, form, {}), exported([answer, answer], form, {})):
        assert is_clean(text.replace("\r\n", "\n"))


def test_no_word_on_the_page_turns_or_commands_what_stands_around_it() -> None:
    assert is_clean(escaped(f"a{EVIL}b")) and escaped(HARMLESS) == HARMLESS


# Width.

def unfolded(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("argv", [
    ["ask", QUESTION], ["ask", "--explain", "which papers mention GPT-J?"], ["search", "editing"],
    ["search", "--has-code"], ["status"], ["names"],
], ids=" ".join)
def test_text_is_folded_where_the_terminal_ends_and_nowhere_else(argv: list[str], indexed: Path) -> None:
    piped = commands.run("assistant.ui.cli", *argv, cwd=indexed)
    narrow, wide = (
        commands.on_a_terminal("assistant.ui.cli", *argv, cwd=indexed, columns=columns) for columns in (40, 5000)
    )
    without_times = re.compile(r"(?<=timings: ).*", re.DOTALL)

    assert all(len(line) <= 40 or " " not in line.strip() for line in narrow.split("\n"))
    assert without_times.sub("", wide) == without_times.sub("", piped.stdout + piped.stderr)
    assert unfolded(without_times.sub("", narrow)) == unfolded(without_times.sub("", wide))
    assert not re.search(r"\[\d*\n|\n\d*\]", narrow)
    assert set(re.findall(r"\S+", narrow)) >= set(re.findall(r"\S+\.txt:\d+\S*", piped.stdout))


@pytest.mark.parametrize("form", ["json", "md", "csv", "bib"])
def test_what_programs_read_is_never_folded(form: str, indexed: Path) -> None:
    argv = ["assistant.ui.cli", "ask", "--format", form, QUESTION]
    shown = commands.on_a_terminal(*argv, cwd=indexed, columns=40)
    without_times = re.compile(r'"timings": \{[^}]*\}')

    piped = commands.run(*argv, cwd=indexed).stdout.replace("\r\n", "\n")
    assert without_times.sub("", shown.replace("\r", "")) == without_times.sub("", piped)


def test_a_chat_is_folded_and_prompts_as_ever(indexed: Path) -> None:
    typed = f"{QUESTION}\nexit\n"
    shown = commands.on_a_terminal("assistant.ui.cli", "chat", "--no-save", cwd=indexed, columns=40, typed=typed)

    assert "> We introduce" in shown and "[1] Quillon: Editing One Layer at a\nTime, six.txt:2" in shown
    assert all(len(line) <= 40 for line in shown.split("\n")[-8:])


def test_pieces_are_folded_as_the_whole_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from assistant.text.terminal import Folding, folded

    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    pieces = [
        "It keeps 97% of the accuracy. [1]", " It is a method that edits. [2]",
        "\n- One more of these things it can do. [3]", "\n(The reply of openai was cut before its end.)",
    ]
    for count in range(1, 5):
        for cut in itertools.combinations(range(1, 4), count - 1):
            folding = Folding()
            for start, end in itertools.pairwise([0, *cut, 4]):
                folding.show("".join(pieces[start:end]))
            assert capsys.readouterr().out == folded("".join(pieces))


# Small things.

@pytest.mark.parametrize(("module", "name"), [("assistant.ui.cli", "assistant"), ("ingest.cli", "ingest")])
def test_the_version_is_the_installed_one(module: str, name: str, work: Path) -> None:
    from importlib.metadata import version

    done = commands.run(module, "--version", cwd=work)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{name} {version('abstracts-assistant')}\n", "")


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_name_that_nobody_mentions_is_a_failure(more: list[str], indexed: Path) -> None:
    done = commands.run("assistant.ui.cli", "names", "zorb", *more, cwd=indexed)

    assert (done.returncode, done.stdout) == (1, "[]\n" if more else "")
