"""``assistant chat``: question after question."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from assistant.ui.commands.options import Verbs

if TYPE_CHECKING:
    from assistant.conversation.dialogue import Dialogue
    from assistant.records import Turn

FAREWELLS = ("", "exit", "quit", ":q")  # each ends it


def add(verbs: Verbs) -> None:
    """Declare the verb and what it takes."""
    verb = verbs.add_parser(
        "chat", help="ask question after question in the terminal",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  assistant chat\n  assistant chat --resume          go on with the newest conversation\n"
        "An empty line, exit, quit, :q or Ctrl-D ends it.",
    )
    verb.add_argument(
        "--resume", nargs="?", const="", metavar="ID", help="go on with a saved conversation (default: the newest)"
    )
    verb.add_argument("--no-save", action="store_true", help="do not save what is said")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what it says; returns the exit status."""
    from assistant.api import Assistant
    from assistant.conversation.dialogue import Dialogue
    from assistant.conversation.history import Conversations
    from assistant.settings import load_settings
    from assistant.text.terminal import show

    settings = load_settings()
    with contextlib.ExitStack() as stack:
        assistant = stack.enter_context(Assistant.open(settings))
        turns: tuple[Turn, ...] = ()
        remember = None
        if arguments.resume is not None or not arguments.no_save:
            conversations = stack.enter_context(Conversations(settings.home))
            if arguments.resume is not None:
                turns = conversations.turns(arguments.resume)
            if not arguments.no_save:
                remember = conversations.recorder(conversation=arguments.resume)
        dialogue = Dialogue(assistant, turns=turns, remember=remember)
        papers = assistant.collection.store.count()
        print(f"{papers} papers. Ask; exit, quit, :q or an empty line ends.", file=sys.stderr)
        for turn in turns:
            show(f"> {turn.question}\n{turn.answer.text}\n")
        while True:
            try:
                question = input("> ")
            except EOFError:
                return 0
            if question.strip().lower() in FAREWELLS:
                return 0
            _say(dialogue, question)


def _say(dialogue: Dialogue, question: str) -> None:
    """Print an answer as it is written, then its places."""
    from assistant.text.terminal import Folding, show
    from assistant.ui.render import answer_text

    folding = Folding()
    with dialogue.stream(question) as stream:
        for piece in stream:
            if isinstance(piece, str):
                folding.show(piece)
        answer = stream.answer
    show(answer_text(answer).removeprefix(answer.text) + "\n")
