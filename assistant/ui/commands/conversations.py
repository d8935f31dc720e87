"""``assistant conversations``: what was said and saved."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from assistant.ui.commands.options import Verbs


def add(verbs: Verbs) -> None:
    """Declare the verb and what it takes."""
    verb = verbs.add_parser(
        "conversations", help="list, show, export, rename or delete saved conversations",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  assistant conversations                     all, newest first\n"
        "  assistant conversations --search GPT-J      those that mention it\n"
        "  assistant conversations --export 3f2a       whole answers as JSON\n"
        "  assistant conversations --feedback > rated.jsonl   what users thought, for assistant eval --questions\n"
        '  assistant conversations --rename 3f2a "Editing"',
    )
    doing = verb.add_mutually_exclusive_group()
    doing.add_argument("--search", metavar="WORDS", default="", help="only those that have these words")
    doing.add_argument("--show", metavar="ID", help="print what was said; the beginning of an id will do")
    doing.add_argument("--export", metavar="ID", help="print it as JSON, whole answers and feedback included")
    doing.add_argument(
        "--feedback", action="store_true", help="print what users thought of answers, as lines for a question set"
    )
    doing.add_argument("--rename", metavar=("ID", "TITLE"), nargs=2, help="give it another title")
    doing.add_argument("--delete", metavar="ID", help="delete it for good")
    verb.add_argument("--json", action="store_true", help="print the list as JSON")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what it says; returns the exit status."""
    from assistant.conversation.history import Conversations
    from assistant.settings import load_settings
    from assistant.text.terminal import show

    with Conversations(load_settings().home) as conversations:
        if arguments.show is not None:
            for turn in conversations.turns(arguments.show):
                show(f"> {turn.question}\n{turn.answer.text}\n")
        elif arguments.export is not None:
            print(json.dumps(conversations.export(arguments.export), ensure_ascii=False))
        elif arguments.feedback:
            from assistant.ui.feedback import as_question

            for rated in conversations.rated():
                print(json.dumps(as_question(*rated), ensure_ascii=False))
        elif arguments.rename is not None:
            conversations.rename(*arguments.rename)
        elif arguments.delete is not None:
            conversations.delete(arguments.delete)
        else:
            found = conversations.saved(words=arguments.search)
            if arguments.json:
                print(json.dumps([asdict(saved) for saved in found], ensure_ascii=False))
                return 0
            for saved in found:
                show(f"{saved.id}  {saved.updated[:16].replace('T', ' ')}  {saved.turns:>3}  {saved.title}")
    return 0
