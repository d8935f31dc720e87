"""The ``ingest`` command: paths go in, a report comes out."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.text.terminal import Version, safe_streams, visible

if TYPE_CHECKING:
    from assistant.embedding.embedder import Embedder
    from assistant.settings import Settings
    from ingest.report import Report

VERBS = ("remove", "rebuild")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ``ingest`` command; returns its exit status."""
    with safe_streams():
        return _command(argv)


def _command(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    # Before numpy is imported: its threads gain nothing on matrices this small and lose much on busy cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from assistant.errors import AssistantError

    try:
        report = _run(arguments.words, told=arguments.progress)
    except AssistantError as exc:
        print(f"ingest: {exc}", file=sys.stderr)
        return exc.exit_status
    except KeyboardInterrupt:
        print("ingest: stopped; what was finished is kept, run it again to go on", file=sys.stderr)
        return 130
    done = bool(report.files) or arguments.words[0] == "rebuild"
    if not done:
        reasons = report.skips() or ["there is no .txt, .jsonl or .csv file; give a file or folder of abstracts"]
        print("\n".join(f"ingest: nothing was read: {reason}" for reason in reasons), file=sys.stderr)
    if arguments.json:
        print(json.dumps(asdict(report), ensure_ascii=False))
    elif done:
        print("\n".join(report.lines()))
    return 0 if done else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ingest",
        description="Read files of abstracts (.txt, .jsonl, .csv) into the index, or bring it up to date with them.",
        epilog="examples: ingest seeds/    ingest remove old.txt    ingest rebuild    "
        "(a file called remove: ingest ./remove)",
    )
    parser.add_argument(
        "words", nargs="+", metavar="PATH",
        help="files and folders; or: remove FILE… to take files out, rebuild to make the index anew from its database",
    )
    parser.add_argument("--version", action=Version)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--progress", action="store_true", help="print a JSON line on stderr for each step, with file, done and total"
    )
    return parser


def _run(words: Sequence[str], *, told: bool) -> Report:
    from assistant.errors import MisuseError
    from assistant.settings import load_settings

    settings = load_settings()
    verb, rest = (words[0], words[1:]) if words[0] in VERBS else ("", words)
    if verb == "remove" and not rest:
        raise MisuseError("remove takes the files to take out; example: ingest remove old.txt")
    if verb == "rebuild" and rest:
        raise MisuseError("rebuild takes no paths; example: ingest rebuild")
    if any(not word.strip() for word in rest):
        raise MisuseError("a path is empty; give a file or folder of abstracts, such as seeds/")
    paths = [Path(word) for word in rest]
    missing = [_shown(path) for path in paths if not verb and not os.path.lexists(path)]
    if missing and len(missing) == len(paths):
        raise MisuseError(f"there is no {' or '.join(missing)}; give a file or folder of abstracts, such as seeds/")
    from assistant.embedding.embedder import open_embedder

    embedder = open_embedder(settings.embedder_dir, precision=settings.precision, threads=settings.threads)
    return _with_progress(verb, rest, paths, settings, embedder, told=told)


def _shown(path: Path) -> str:
    from ingest.files import own_name

    return repr(own_name(path) if path.is_absolute() else str(path))


def _with_progress(
    verb: str, names: Sequence[str], paths: Sequence[Path], settings: Settings, embedder: Embedder, *, told: bool
) -> Report:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ingest.pipeline import ingest, rebuild, remove

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Its bars are drawn with the very characters that `safe_streams` keeps from a terminal.
    with Progress(*columns, console=Console(file=sys.__stderr__), disable=told or not sys.stderr.isatty()) as bars:
        tasks = {}

        def progress(name: str, done: int, total: int) -> None:
            if told:
                print(json.dumps({"file": name, "done": done, "total": total}), file=sys.stderr, flush=True)
            if name not in tasks:
                tasks[name] = bars.add_task(visible(name), total=total)
            bars.update(tasks[name], completed=done)

        if verb == "remove":
            return remove(names, settings, embedder)
        if verb == "rebuild":
            return rebuild(settings, embedder, progress=progress)
        return ingest(paths, settings, embedder, progress=progress)


if __name__ == "__main__":
    sys.exit(main())
