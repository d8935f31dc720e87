"""The command line: one verb a task, results on stdout, the rest on stderr, exit 0 / 1 failed / 2 misused."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from assistant.text.terminal import Version, safe_streams
from assistant.ui.commands import ask, backends, chat, conversations, names, search, serve, status
from assistant.ui.commands import evaluate as command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ``assistant`` command; returns its exit status."""
    with safe_streams():
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    # Before numpy is imported: its threads gain nothing on matrices this small and lose much on busy cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from assistant.errors import AssistantError

    try:
        exit_status: int = arguments.run(arguments)
        sys.stdout.flush()
        return exit_status
    except AssistantError as exc:
        print(f"assistant: {exc}", file=sys.stderr)
        return exc.exit_status
    except KeyboardInterrupt:
        print("assistant: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # "assistant … | head": nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Parser(argparse.ArgumentParser):
    """argparse, but for repeating the words of a question on standard error."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments"):
            option = next((word for word in message.split()[2:] if word.startswith("-")), None)
            message = f"there is no option {option.partition('=')[0]}; --help lists them" if option else (
                'too many words; put the question in quotes: assistant ask "what is Redco?"'
            )
        super().error(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="assistant",
        description="Ask a collection of paper abstracts; every sentence of an answer is quoted and cited.",
        epilog='example: assistant ask "which methods edit GPT-J?"   (make the index first: ingest seeds/)',
    )
    parser.add_argument("--version", action=Version)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb in (ask, search, names, status, backends, chat, conversations, serve, command):
        verb.add(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
