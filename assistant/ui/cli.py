"""The command line: one verb a task, results on stdout, the rest on stderr, exit 0 / 1 failed / 2 misused."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from assistant.evaluation import command

FAREWELLS = ("", "exit", "quit", ":q")  # each ends a chat

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.dialogue import Dialogue
    from assistant.followup import Turn
    from assistant.retrieval.filters import Filters


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
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    filtering = _filter_options()
    ask = verbs.add_parser(
        "ask", help="answer a question", parents=[filtering], formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='examples:\n  assistant ask --json "what is Redco?"\n'
        '  assistant ask --format bib "which methods edit GPT-J?" > editing.bib\n'
        '  assistant ask --has-code "which methods edit facts?"\n'
        '  assistant ask --source \'003*\' --name T5 "what is it used for?"',
    )
    ask.add_argument("question", nargs="?", help="the question; - reads it from standard input")
    form = ask.add_mutually_exclusive_group()
    form.add_argument(
        "--format", choices=["text", "md", "csv", "bib", "json"], default="text",
        help="print the answer as text, Markdown, CSV (a row per item or citation), BibTeX of what is cited, or JSON",
    )
    form.add_argument(
        "--json", action="store_const", const="json", dest="format", help="print the whole answer as JSON"
    )
    ask.add_argument("--explain", action="store_true", help="show how the question was understood")
    ask.add_argument("--near-misses", action="store_true", help="show also what a list left out by little")
    ask.add_argument(
        "--batch", metavar="FILE.jsonl",
        help='answer each line {"id": …, "question": …} or {"id": …, "turns": […]}; one JSON answer a line',
    )
    ask.set_defaults(run=_ask)
    search = verbs.add_parser(
        "search", help="find papers", parents=[filtering], formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  assistant search --name GPT-J                         every paper that mentions it\n"
        "  assistant search --name GPT-J --has-code              … and gives code\n"
        '  assistant search --year 2020-2023 --author Meng "editing"   the best of these for a question',
    )
    search.add_argument("question", nargs="?", help="what to look for; without it, every paper that passes the filters")
    search.add_argument("--limit", type=_positive, help="papers shown (default: 10 with a question, else all)")
    search.add_argument("--json", action="store_true", help="print as JSON; without a question the scores are null")
    search.set_defaults(run=_search)
    names = verbs.add_parser(
        "names", help="list the names papers mention",
        epilog="example: assistant names llama   (the names that begin so, with their papers and spellings)",
    )
    names.add_argument("prefix", nargs="?", default="", help="only names that begin like this, however it is written")
    names.add_argument("--limit", type=_positive, default=30, help="names shown, most mentioned first (default: 30)")
    names.add_argument("--json", action="store_true", help="print as JSON")
    names.set_defaults(run=_names)
    status = verbs.add_parser("status", help="say what the index holds", epilog="example: assistant status --json")
    status.add_argument("--json", action="store_true", help="print as JSON")
    status.set_defaults(run=_status)
    backends = verbs.add_parser(
        "backends", help="say who could write answers, and what is missing", epilog="example: assistant backends --json"
    )
    backends.add_argument("--json", action="store_true", help="print as JSON")
    backends.set_defaults(run=_backends)
    chat = verbs.add_parser(
        "chat", help="ask question after question in the terminal",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  assistant chat\n  assistant chat --resume          go on with the newest conversation\n"
        "An empty line, exit, quit, :q or Ctrl-D ends it.",
    )
    chat.add_argument(
        "--resume", nargs="?", const="", metavar="ID", help="go on with a saved conversation (default: the newest)"
    )
    chat.add_argument("--no-save", action="store_true", help="do not save what is said")
    chat.set_defaults(run=_chat)
    saved = verbs.add_parser(
        "conversations", help="list, show, export, rename or delete saved conversations",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  assistant conversations                     all, newest first\n"
        "  assistant conversations --search GPT-J      those that mention it\n"
        "  assistant conversations --export 3f2a       whole answers as JSON\n"
        "  assistant conversations --feedback > rated.jsonl   what users thought, for assistant eval --questions\n"
        '  assistant conversations --rename 3f2a "Editing"',
    )
    doing = saved.add_mutually_exclusive_group()
    doing.add_argument("--search", metavar="WORDS", default="", help="only those that have these words")
    doing.add_argument("--show", metavar="ID", help="print what was said; the beginning of an id will do")
    doing.add_argument("--export", metavar="ID", help="print it as JSON, whole answers and feedback included")
    doing.add_argument(
        "--feedback", action="store_true", help="print what users thought of answers, as lines for a question set"
    )
    doing.add_argument("--rename", metavar=("ID", "TITLE"), nargs=2, help="give it another title")
    doing.add_argument("--delete", metavar="ID", help="delete it for good")
    saved.add_argument("--json", action="store_true", help="print the list as JSON")
    saved.set_defaults(run=_conversations)
    serve = verbs.add_parser(
        "serve", help="open the chat page", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  assistant serve --port 7861\n"
        "  assistant serve --hash-password ana >> logins      then ASSISTANT_AUTH_FILE=logins lets ana in\n"
        "  assistant serve --root-path https://lab.example.org/papers      behind a proxy",
    )
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1); any but this machine takes a login")
    serve.add_argument("--port", type=_positive, help="port to listen on (default: 7860)")
    serve.add_argument("--root-path", metavar="PATH", help="path, or whole address, at which a proxy offers the page")
    serve.add_argument("--share", action="store_true", help="also publish it, by Gradio's servers; takes a login")
    serve.add_argument("--insecure", action="store_true", help="let other machines in without a login")
    serve.add_argument("--hash-password", metavar="USER", help="ask for a password, print a line for a file of logins")
    serve.set_defaults(run=_serve)
    evaluation = verbs.add_parser(
        "eval", help="measure answers on questions with known ones", epilog=command.EPILOG,
        description="Ask questions with known answers, measure the answers, and write a report.",
    )
    command.add_arguments(evaluation)
    return parser


def _filter_options() -> _Parser:
    """Options that `ask` and `search` share; each that is given must hold."""
    options = _Parser(add_help=False)
    group = options.add_argument_group("only papers that …")
    group.add_argument(
        "--source", metavar="FILE", action="append", default=[],
        help="were read from this file (or pattern, as '003*'); of several, one is enough",
    )
    group.add_argument(
        "--has-code", action=argparse.BooleanOptionalAction,
        help="link to a repository (GitHub, Hugging Face, Zenodo …) or say that their code is available",
    )
    group.add_argument(
        "--name", action="append", default=[], help="mention this name, however it is written; of several, all"
    )
    group.add_argument(
        "--year", type=_years, metavar="YEARS", help="are of these years: 2021, 2020-2023, 2020- or -2023"
    )
    group.add_argument(
        "--author", metavar="NAME", action="append", default=[], help="are by this author; of several, all"
    )
    return options


def _filters(arguments: argparse.Namespace) -> Filters:
    from assistant.retrieval.filters import Filters

    return Filters(
        sources=tuple(arguments.source), has_code=arguments.has_code, names=tuple(arguments.name),
        years=arguments.year, authors=tuple(arguments.author),
    )


def _years(text: str) -> tuple[int | None, int | None]:
    match = re.fullmatch(r"(\d{4})?\s*(-|–)?\s*(\d{4})?", text.strip())
    if match is None or not (match[1] or match[3]) or (match[1] and match[3] and not match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a year nor years; give 2021, 2020-2023, 2020- or -2023")
    first, last = (int(year) if year else None for year in (match[1], match[3]))
    return (first, first) if match[2] is None else (first, last)


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
    if arguments.batch is not None and arguments.format not in ("text", "json"):
        raise MisuseError("a batch is answered in JSON, a line each; leave --format out")
    from assistant.api import Assistant
    from assistant.ui.export import export
    from assistant.ui.render import answer_text

    filters = _filters(arguments)
    if arguments.batch is not None:
        lines = _batch_lines(arguments.batch)
        with Assistant.open() as assistant:
            return _answer_batch(assistant, lines, filters)
    question = sys.stdin.read() if arguments.question == "-" else arguments.question
    with Assistant.open() as assistant:
        answer = assistant.ask(question, filters=filters)
        papers = {paper.paper_id: paper for paper in assistant.papers([c.paper_id for c in answer.citations])}
    if arguments.format == "text":
        print(answer_text(answer, near_misses=arguments.near_misses))
    else:
        print(export(answer, arguments.format, papers).removesuffix("\r\n"))
    if answer.abstained and arguments.format in ("csv", "bib"):
        print(f"assistant: {answer.text}", file=sys.stderr)
    if arguments.explain and arguments.format == "text":
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


def _answer_batch(assistant: Assistant, lines: Sequence[str], filters: Filters) -> int:
    failed = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        reply = _answer_line(assistant, line, number, filters)
        failed = failed or "error" in reply
        print(json.dumps(reply, ensure_ascii=False), flush=True)
    return 1 if failed else 0


def _answer_line(assistant: Assistant, line: str, number: int, filters: Filters) -> dict[str, Any]:
    from assistant.dialogue import Dialogue
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
            answer = answer_json(assistant.ask(request["question"], answer_id=_text(asked_id), filters=filters))
            return answer if asked_id is None else answer | {"id": asked_id}
        if questions and None not in questions:
            dialogue = Dialogue(assistant)
            answers = [answer_json(dialogue.ask(question or "", filters=filters)) for question in questions]
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

    filters = _filters(arguments)
    if arguments.question is None and not filters:
        raise MisuseError("search takes a question, a filter such as --name NAME, or both; "
                          "example: assistant search --name GPT-J")
    from assistant.api import Assistant
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
        print(f"{len(chosen.paper_ids)} of {total} papers pass ({chosen.label}){shown}")
    if chosen.problem is None:
        print(text)
    return 0


def _names(arguments: argparse.Namespace) -> int:
    from assistant.collection import Collection
    from assistant.retrieval.names import known_names
    from assistant.settings import load_settings
    from assistant.ui.render import names_text

    with contextlib.closing(Collection(load_settings())) as collection:
        names = known_names(collection, arguments.prefix)
        found = list(islice(names, arguments.limit))
        more = next(names, None) is not None
    if arguments.json:
        print(json.dumps([asdict(name) for name in found], ensure_ascii=False))
    elif found:
        print(names_text(found))
        if more:
            print("there are more: --limit N shows them, a beginning narrows them (names gpt)", file=sys.stderr)
    else:
        print(f"assistant: no known name begins with {arguments.prefix!r}; assistant names lists all", file=sys.stderr)
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


def _backends(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from assistant.backends.table import statuses
    from assistant.settings import load_settings

    found = statuses(load_settings())
    if arguments.json:
        print(json.dumps([asdict(status) for status in found], ensure_ascii=False))
        return 0
    for status in found:
        print(f"{status.name:11} {'ready' if status.ready else 'missing'}: {status.detail}")
    return 0


def _chat(arguments: argparse.Namespace) -> int:
    from assistant.api import Assistant
    from assistant.conversations import Conversations
    from assistant.dialogue import Dialogue
    from assistant.settings import load_settings

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
            print(f"> {turn.question}\n{turn.answer.text}\n")
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
    from assistant.ui.render import answer_text

    with dialogue.stream(question) as stream:
        for piece in stream:
            if isinstance(piece, str):
                print(piece, end="", flush=True)
        answer = stream.answer
    print(answer_text(answer).removeprefix(answer.text) + "\n")


def _conversations(arguments: argparse.Namespace) -> int:
    from assistant.conversations import Conversations
    from assistant.settings import load_settings

    with Conversations(load_settings().home) as conversations:
        if arguments.show is not None:
            for turn in conversations.turns(arguments.show):
                print(f"> {turn.question}\n{turn.answer.text}\n")
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
            for saved in found if not arguments.json else ():
                print(f"{saved.id}  {saved.updated[:16].replace('T', ' ')}  {saved.turns:>3}  {saved.title}")
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    if arguments.hash_password is not None:
        return _hash_password(arguments.hash_password)
    from assistant.settings import load_settings
    from assistant.ui.page.serving import serve

    settings = load_settings(host=arguments.host, port=arguments.port, root_path=arguments.root_path)
    serve(settings, share=arguments.share, insecure=arguments.insecure)
    return 0


def _hash_password(name: str) -> int:
    from getpass import getpass

    from assistant.errors import MisuseError
    from assistant.ui.page.login import login_line

    if sys.stdin.isatty():
        password = getpass(f"password of {name}: ")
        if getpass("once more: ") != password:
            raise MisuseError("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    print(login_line(name, password))
    return 0


if __name__ == "__main__":
    sys.exit(main())
