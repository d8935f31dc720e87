"""``assistant names``: the names that papers mention."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from itertools import islice

from assistant.ui.commands.options import Verbs, positive


def add(verbs: Verbs) -> None:
    """Declare the verb and what it takes."""
    verb = verbs.add_parser(
        "names", help="list the names papers mention",
        epilog="example: assistant names llama   (the names that begin so, with their papers and spellings)",
    )
    verb.add_argument("prefix", nargs="?", default="", help="only names that begin like this, however it is written")
    verb.add_argument("--limit", type=positive, default=30, help="names shown, most mentioned first (default: 30)")
    verb.add_argument("--json", action="store_true", help="print as JSON")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what it says; returns the exit status."""
    from assistant.index.collection import Collection
    from assistant.index.known_names import known_names
    from assistant.settings import load_settings
    from assistant.text.terminal import show
    from assistant.ui.render import names_text

    with Collection(load_settings()) as collection:
        names = known_names(collection, arguments.prefix)
        found = list(islice(names, arguments.limit))
        more = next(names, None) is not None
    if arguments.json:
        print(json.dumps([asdict(name) for name in found], ensure_ascii=False))
    elif found:
        show(names_text(found))
        if more:
            print("there are more: --limit N shows them, a beginning narrows them (names gpt)", file=sys.stderr)
    else:
        print(f"assistant: no known name begins with {arguments.prefix!r}; assistant names lists all", file=sys.stderr)
    return 0 if found else 1
