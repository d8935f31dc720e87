"""``assistant status``: what the index holds."""

from __future__ import annotations

import argparse
import json
import sys

from assistant.ui.commands.options import Verbs


def add(verbs: Verbs) -> None:
    """Declare the verb and what it takes."""
    verb = verbs.add_parser(
        "status", help="say what the index holds", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  assistant status --json\n  assistant status --check      is all of it as it was written?",
    )
    verb.add_argument(
        "--check", action="store_true", help="read every part of the index and compare it with its checksums"
    )
    verb.add_argument("--json", action="store_true", help="print as JSON")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what it says; returns the exit status."""
    from assistant.index.collection import Collection
    from assistant.settings import load_settings
    from assistant.text.terminal import show
    from ingest.verify import verify

    settings = load_settings()
    with Collection(settings) as collection:
        card = collection.card
        files = [file.name for file in collection.store.files()]
        found = {
            "papers": collection.store.count(), "files": files, "embedder": card["embedder"],
            "chunk_tokens": int(card["chunk_tokens"]), "generation": collection.generation,
            "backend": settings.backend,
        }
        problems = verify(collection) if arguments.check else []
    if arguments.check:
        found["problems"] = problems
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        show(f"{found['papers']} papers from {len(files)} files: {', '.join(files)}")
        show(f"embedder {card['embedder']}, chunks of up to {card['chunk_tokens']} tokens")
        show(f"generation {card['generation']}")
        show(f"backend {found['backend']}")
        if arguments.check and not problems:
            show("checked: every part is as it was written")
    for problem in problems:
        print(f"assistant: {problem}", file=sys.stderr)
    return 1 if problems else 0
