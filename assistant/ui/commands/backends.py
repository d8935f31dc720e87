"""``assistant backends``: who could write answers."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from assistant.ui.commands.options import Verbs


def add(verbs: Verbs) -> None:
    """Declare the verb and what it takes."""
    verb = verbs.add_parser(
        "backends", help="say who could write answers, and what is missing", epilog="example: assistant backends --json"
    )
    verb.add_argument("--json", action="store_true", help="print as JSON")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what it says; returns the exit status."""
    from assistant.backends.table import statuses
    from assistant.settings import load_settings
    from assistant.text.terminal import show

    found = statuses(load_settings())
    if arguments.json:
        print(json.dumps([asdict(status) for status in found], ensure_ascii=False))
        return 0
    for status in found:
        show(f"{status.name:11} {'ready' if status.ready else 'missing'}: {status.detail}")
    return 0
