"""What goes to the standard streams: any text, without a character that commands a terminal, folded where one ends."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import io
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

# What moves a cursor, begins a sequence of commands, ends a line unseen or turns the direction of what follows:
# C0 and C1 but for the tab and the line feed, Unicode's Bidi_Control, and its separators of lines and paragraphs.
COMMANDS = "".join(map(chr, (
    *range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
)))
LEAST_WIDTH = 20  # columns; a narrower terminal is not folded for

_VISIBLE = {ord(character): f"\\u{ord(character):04x}" for character in COMMANDS}


def visible(text: str) -> str:
    r"""The text with each character that commands a terminal as a backslash and its number, which JSON reads as it was.

    A carriage return before a line feed stays: rows of CSV end so.

    >>> visible("\x1b[31mred\u202e\r\n")
    '\\u001b[31mred\\u202e\r\n'
    """
    return "\r\n".join(part.translate(_VISIBLE) for part in text.split("\r\n"))


@contextlib.contextmanager
def safe_streams() -> Iterator[None]:
    """Have all that is printed to standard output and error be `visible`.

    What their encoding lacks becomes a backslash and its number too, as JSON escapes it: so JSON stays JSON everywhere.
    """
    codecs.register_error("json", _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="json")
    with contextlib.redirect_stdout(_Visible(sys.stdout)), contextlib.redirect_stderr(_Visible(sys.stderr)):
        yield


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start:error.end])[1:-1], error.end


class _Visible:
    """A stream to which only what is `visible` is written. The rest of it is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(visible(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def show(text: str) -> None:
    """Print a text for people."""
    print(folded(text))


def folded(text: str) -> str:
    """A text with its lines broken at blanks where the terminal ends; as it is where standard output is none.

    Words, marks and addresses stay whole, and a line that is set in goes on set in.
    """
    if not sys.stdout.isatty():
        return text
    import shutil

    width = max(shutil.get_terminal_size().columns, LEAST_WIDTH)
    return "\n".join(_fold(line, width) for line in text.split("\n"))


def _fold(line: str, width: int) -> str:
    import textwrap

    body = line.rstrip()
    if len(body) <= width:
        return line
    return "\n".join(textwrap.wrap(
        body, width, subsequent_indent=line[:len(line) - len(line.lstrip())], break_long_words=False,
        break_on_hyphens=False, replace_whitespace=False, expand_tabs=False,
    )) + line[len(body):]


class Folding:
    """Prints a text piece by piece as `folded` would print it whole."""

    def __init__(self) -> None:
        self._line = ""   # where the cursor stands, from its beginning

    def show(self, piece: str) -> None:
        """Print what comes next."""
        whole = folded(self._line + piece)
        # A piece without a blank before it may make the last word too long for its line, which is printed already.
        print(whole.removeprefix(self._line) if whole.startswith(self._line) else piece, end="", flush=True)
        self._line = whole.rpartition("\n")[2]


class Version(argparse.Action):
    """Prints the version that is installed and ends; it is looked up only then, as `--help` shall be quick."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help="print the version and end")

    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('abstracts-assistant')}")
        parser.exit()
