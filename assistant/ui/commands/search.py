"""``assistant search``: the papers that pass filters, or the best of them for a question."""

from __future__ import annotations

import argparse
import json
import sys

from assistant.ui.commands.options import Verbs, filter_options, filters_of, positive


def add(verbs: Verbs) -> None:
    """Declare the verb and what it takes."""
    verb = verbs.add_parser(
        "search", help="find papers", parents=[filter_options()], formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  assistant search --name GPT-J                         every paper that mentions it\n"
        "  assistant search --name GPT-J --has-code              … and gives code\n"
        '  assistant search --year 2020-2023 --author Meng "editing"   the best of these for a question',
    )
    verb.add_argument("question", nargs="?", help="what to look for; without it, every paper that passes the filters")
    verb.add_argument("--limit", type=positive, help="papers shown (default: 10 with a question, else all)")
    verb.add_argument("--json", action="store_true", help="print as JSON; without a question the scores are null")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what it says; returns the exit status."""
    from assistant.errors import MisuseError

    filters = filters_of(arguments)
    if arguments.question is None and not filters:
        raise MisuseError("search takes a question, a filter such as --name NAME, or both; "
                          "example: assistant search --name GPT-J")
    from assistant.api import Assistant
    from assistant.text.terminal import show
    from assistant.ui.render import hit_json, hits_text, paper_json, papers_text

    with Assistant.open() as assistant:
        chosen = assistant.select(filters)
        if chosen.problem is not None:
            print(f"assistant: {chosen.problem}", file=sys.stderr)
        if arguments.question is None:
            papers = assistant.papers(sorted(chosen.paper_ids))
            papers.sort(key=lambda paper: [(source.file, source.line or 0) for source in paper.sources])
            papers = papers[:arguments.limit]
            found = [paper_json(paper, filters.names) for paper in papers]
            text = papers_text(papers, filters.names)
        else:
            hits = assistant.search(arguments.question, limit=arguments.limit or 10, filters=filters)
            found = [hit_json(hit) for hit in hits]
            text = hits_text(hits)
        total = assistant.collection.store.count()
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
        return 0
    if chosen.label:
        shown = "" if len(found) == len(chosen.paper_ids) else f"; {len(found)} shown"
        show(f"{len(chosen.paper_ids)} of {total} papers pass ({chosen.label}){shown}")
    if chosen.problem is None:
        show(text)
    return 0
