"""``assistant ask``: one answer, or those to the lines of a file."""

from __future__ import annotations

import argparse
import sys

from assistant.ui.commands.options import Verbs, filter_options, filters_of


def add(verbs: Verbs) -> None:
    """Declare the verb and what it takes."""
    verb = verbs.add_parser(
        "ask", help="answer a question", parents=[filter_options()],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='examples:\n  assistant ask --json "what is Redco?"\n'
        '  assistant ask --format bib "which methods edit GPT-J?" > editing.bib\n'
        '  assistant ask --has-code "which methods edit facts?"\n'
        '  assistant ask --source \'003*\' --name T5 "what is it used for?"',
    )
    verb.add_argument("question", nargs="?", help="the question; - reads it from standard input")
    form = verb.add_mutually_exclusive_group()
    form.add_argument(
        "--format", choices=["text", "md", "csv", "bib", "json"], default="text",
        help="print the answer as text, Markdown, CSV (a row per item or citation), BibTeX of what is cited, or JSON",
    )
    form.add_argument(
        "--json", action="store_const", const="json", dest="format", help="print the whole answer as JSON"
    )
    verb.add_argument("--explain", action="store_true", help="show how the question was understood")
    verb.add_argument("--near-misses", action="store_true", help="show also what a list left out by little")
    verb.add_argument(
        "--batch", metavar="FILE.jsonl",
        help='answer each line {"id": …, "question": …} or {"id": …, "turns": […]}; one JSON answer a line',
    )
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what it says; returns the exit status."""
    from assistant.errors import MisuseError

    if (arguments.question is None) == (arguments.batch is None):
        raise MisuseError(
            'ask takes a question or --batch FILE, one of the two; example: assistant ask "what is Redco?"'
        )
    question = sys.stdin.read() if arguments.question == "-" else arguments.question or ""
    if arguments.batch is None and not question.strip():
        raise MisuseError('the question is empty; give it in words, as in assistant ask "what is Redco?"')
    if arguments.batch is not None and arguments.format not in ("text", "json"):
        raise MisuseError("a batch is answered in JSON, a line each; leave --format out")
    from assistant.api import Assistant
    from assistant.text.terminal import show
    from assistant.ui.commands.batch import answer_batch, batch_lines
    from assistant.ui.export import export
    from assistant.ui.render import answer_text

    filters = filters_of(arguments)
    if arguments.batch is not None:
        lines = batch_lines(arguments.batch)
        with Assistant.open() as assistant:
            return answer_batch(assistant, lines, filters)
    with Assistant.open() as assistant:
        answer = assistant.ask(question, filters=filters)
        papers = {paper.paper_id: paper for paper in assistant.papers([c.paper_id for c in answer.citations])}
    if arguments.format == "text":
        show(answer_text(answer, near_misses=arguments.near_misses))
    else:
        print(export(answer, arguments.format, papers).removesuffix("\r\n"))
    if answer.abstained and arguments.format in ("csv", "bib"):
        print(f"assistant: {answer.text}", file=sys.stderr)
    if arguments.explain and arguments.format == "text":
        show("\n".join(["", *answer.trace, f"confidence: {answer.confidence:.2f}", f"timings: {answer.timings}"]))
    return 0
