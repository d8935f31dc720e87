"""The command line: one verb a task, results on stdout, the rest on stderr, exit 0 / 1 failed / 2 misused."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from assistant.evaluation import command

if TYPE_CHECKING:
    from assistant.api import Assistant


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ``assistant`` command; returns its exit status."""
    arguments = _parser().parse_args(argv)
    # Before numpy is imported: its threads gain nothing on matrices this small and lose much on busy cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from assistant.errors import AssistantError
    from assistant.ui.streams import forgiving

    forgiving()
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
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
            message = 'too many words; put the question in quotes: assistant ask "what is Redco?"'
        super().error(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="assistant",
        description="Ask a collection of paper abstracts; every sentence of an answer is quoted and cited.",
        epilog='example: assistant ask "which methods edit GPT-J?"   (make the index first: ingest seeds/)',
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    ask = verbs.add_parser("ask", help="answer a question", epilog='example: assistant ask --json "what is Redco?"')
    ask.add_argument("question", nargs="?", help="the question; - reads it from standard input")
    ask.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    ask.add_argument("--explain", action="store_true", help="show how the question was understood")
    ask.add_argument(
        "--batch", metavar="FILE.jsonl",
        help='answer each line {"id": …, "question": …} or {"id": …, "turns": […]}; one JSON answer a line',
    )
    ask.set_defaults(run=_ask)
    search = verbs.add_parser("search", help="find papers", epilog="example: assistant search --name GPT-J")
    search.add_argument("question", nargs="?", help="what to look for")
    search.add_argument("--name", help="only papers that mention this name, however it is written")
    search.add_argument("--limit", type=_positive, help="papers shown (default: 10; with --name alone, all)")
    search.add_argument("--json", action="store_true", help="print hits as JSON")
    search.set_defaults(run=_search)
    status = verbs.add_parser("status", help="say what the index holds", epilog="example: assistant status --json")
    status.add_argument("--json", action="store_true", help="print as JSON")
    status.set_defaults(run=_status)
    chat = verbs.add_parser(
        "chat", help="ask question after question in the terminal", epilog="example: assistant chat"
    )
    chat.set_defaults(run=_chat)
    serve = verbs.add_parser("serve", help="open the chat page", epilog="example: assistant serve --port 7861")
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=_positive, help="port to listen on (default: 7860)")
    serve.set_defaults(run=_serve)
    evaluation = verbs.add_parser(
        "eval", help="measure answers on questions with known ones", epilog=command.EPILOG,
        description="Ask questions with known answers, measure the answers, and write a report.",
    )
    command.add_arguments(evaluation)
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _ask(arguments: argparse.Namespace) -> int:
    from assistant.errors import MisuseError

    if (arguments.question is None) == (arguments.batch is None):
        raise MisuseError(
            'ask takes a question or --batch FILE, one of the two; example: assistant ask "what is Redco?"'
        )
    from assistant.api import Assistant
    from assistant.ui.render import answer_json, answer_text

    if arguments.batch is not None:
        lines = _batch_lines(arguments.batch)
        with Assistant.open() as assistant:
            return _answer_batch(assistant, lines)
    question = sys.stdin.read() if arguments.question == "-" else arguments.question
    with Assistant.open() as assistant:
        answer = assistant.ask(question)
    if arguments.json:
        print(json.dumps(answer_json(answer), ensure_ascii=False))
        return 0
    print(answer_text(answer))
    if arguments.explain:
        print("\n".join(["", *answer.trace, f"confidence: {answer.confidence:.2f}", f"timings: {answer.timings}"]))
    return 0


def _batch_lines(path: str) -> list[str]:
    from assistant.errors import MisuseError

    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return file.read().split("\n")
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise MisuseError(f"the batch file {os.path.basename(path)!r} cannot be read ({reason})") from exc


def _answer_batch(assistant: Assistant, lines: Sequence[str]) -> int:
    failed = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        reply = _answer_line(assistant, line, number)
        failed = failed or "error" in reply
        print(json.dumps(reply, ensure_ascii=False), flush=True)
    return 1 if failed else 0


def _answer_line(assistant: Assistant, line: str, number: int) -> dict[str, Any]:
    from assistant.errors import AssistantError
    from assistant.ui.render import answer_json

    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as exc:
        return {"id": None, "error": f"line {number} is not JSON ({exc})"}
    if not isinstance(request, dict):
        return {"id": None, "error": f'line {number} is not an object like {{"id": "1", "question": "…"}}'}
    asked_id = request.get("id")
    turns = request.get("turns")
    questions = list(_questions(turns)) if isinstance(turns, list) else None
    try:
        if isinstance(request.get("question"), str):
            answer = answer_json(assistant.ask(request["question"], answer_id=_text(asked_id)))
            return answer if asked_id is None else answer | {"id": asked_id}
        if questions and None not in questions:
            answers = [answer_json(assistant.ask(question or "")) for question in questions]
            return {"id": asked_id, "turns": answers}
    except AssistantError as exc:
        return {"id": asked_id, "error": str(exc)}
    return {"id": asked_id, "error": f'line {number} has neither "question": text nor "turns": a list of texts'}


def _questions(turns: Sequence[object]) -> Iterator[str | None]:
    """A turn is a text, or an object with one under "question"."""
    for turn in turns:
        text = turn.get("question") if isinstance(turn, dict) else turn
        yield text if isinstance(text, str) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _search(arguments: argparse.Namespace) -> int:
    from assistant.errors import MisuseError

    if arguments.question is None and arguments.name is None:
        raise MisuseError("search takes a question, --name NAME, or both; example: assistant search --name GPT-J")
    from assistant.api import Assistant
    from assistant.ui.render import hit_json, hits_text

    with Assistant.open() as assistant:
        asked = arguments.question or arguments.name
        limit = arguments.limit or (10 if arguments.question else max(1, len(assistant.with_name(arguments.name))))
        hits = assistant.search(asked, limit=limit, name=arguments.name)
    if arguments.json:
        print(json.dumps([hit_json(hit) for hit in hits], ensure_ascii=False))
    else:
        print(hits_text(hits))
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from assistant.collection import Collection
    from assistant.settings import load_settings

    settings = load_settings()
    with contextlib.closing(Collection(settings)) as collection:
        card = collection.card
        files = [file.name for file in collection.store.files()]
        found = {
            "papers": collection.store.count(), "files": files, "embedder": card["embedder"],
            "chunk_tokens": int(card["chunk_tokens"]), "generation": collection.generation,
            "backend": settings.backend,
        }
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print(f"{found['papers']} papers from {len(files)} files: {', '.join(files)}")
        print(f"embedder {card['embedder']}, chunks of up to {card['chunk_tokens']} tokens")
        print(f"generation {card['generation']}")
        print(f"backend {found['backend']}")
    return 0


def _chat(arguments: argparse.Namespace) -> int:
    from assistant.api import Assistant
    from assistant.ui.render import answer_text

    with Assistant.open() as assistant:
        print(f"{assistant.collection.store.count()} papers. Ask; an empty line ends.", file=sys.stderr)
        while True:
            try:
                question = input("> ")
            except EOFError:
                return 0
            if not question.strip():
                return 0
            print(answer_text(assistant.ask(question)) + "\n")


def _serve(arguments: argparse.Namespace) -> int:
    from assistant.settings import load_settings
    from assistant.ui.page import serve

    settings = load_settings()
    serve(settings, host=arguments.host or settings.host, port=arguments.port or settings.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
