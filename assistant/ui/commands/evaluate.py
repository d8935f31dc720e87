"""``assistant eval``: what the command line does with its arguments. Heavy modules are imported once it runs."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import AssistantError, MisuseError

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.evaluation.case import Subject
    from assistant.evaluation.evaluation import Evaluation
    from assistant.evaluation.journal import Journal
    from assistant.evaluation.questions import Item
    from assistant.evaluation.workers import Made
    from assistant.settings import Settings
    from assistant.ui.commands.options import Verbs

FIXED = "questions.jsonl"
SEEDS = Path("seeds")
TOLD_EVERY = 50  # questions
EPILOG = (
    "example: assistant eval   (the fixed questions about seeds/); assistant eval --questions mine.jsonl; "
    "assistant eval --collection scifact/; assistant eval --compare before/report.json after/report.json"
)


def add(verbs: Verbs) -> None:
    """Declare the verb and what it takes."""
    parser = verbs.add_parser(
        "eval", help="measure answers on questions with known ones", epilog=EPILOG,
        description="Ask questions with known answers, measure the answers, and write a report.",
    )
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="folder for report.html, .md and .json (default: evaluation/ in ASSISTANT_HOME)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--questions", type=Path, metavar="FILE.jsonl",
                      help="your own questions, about your index (format: assistant/evaluation/questions.py)")
    what.add_argument("--collection", type=Path, metavar="DIR",
                      help="a public test collection: corpus.jsonl, queries.jsonl, qrels.tsv, perhaps answers.jsonl")
    what.add_argument("--compare", type=Path, nargs=2, metavar=("A.json", "B.json"),
                      help="two reports of the same questions: paired differences, and what changed")
    parser.add_argument("--papers", type=Path, nargs="+", metavar="PATH",
                        help="ask about these, in a temporary index (default for the fixed questions: seeds/)")
    parser.add_argument("--baseline", choices=["stock"],
                        help="also ask llama-index's default retriever, on the same model, and compare")
    parser.add_argument("--gate", action="store_true",
                        help="the fixed questions at default settings; exit 1 if a measure is below floor.json")
    parser.add_argument("--raise-floor", metavar="REASON",
                        help="as --gate, then raise each bound of floor.json that the figures allow")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, write the report, say the verdict. Returns the exit status."""
    from assistant.settings import Settings, load_settings

    if arguments.compare:
        return _compare(arguments)
    gate = arguments.gate or arguments.raise_floor is not None
    if gate and (arguments.questions or arguments.collection or arguments.papers):
        raise MisuseError("the floor is for the fixed questions over seeds/; leave out what you name besides the gate")
    if arguments.collection and arguments.papers:
        raise MisuseError("a collection has its own papers; leave --papers out")
    # The gate measures the product as it ships, whatever a developer's environment says.
    settings = Settings.model_construct() if gate else load_settings()
    out = arguments.out or load_settings().home / "evaluation"
    if out.exists() and not out.is_dir():
        raise MisuseError(f"{out.name!r} is a file; name a folder with --out")
    with contextlib.ExitStack() as stack:
        name, items, made, assistant = _prepared(arguments, settings, stack)
        evaluation = _asked(assistant, made, items, name, out)
        return _finished(arguments, evaluation, assistant, items, out, gate=gate)


def _compare(arguments: argparse.Namespace) -> int:
    from assistant.evaluation.compare import compare
    from assistant.evaluation.evaluation import read_evaluation
    from assistant.evaluation.report import write_comparison
    from assistant.evaluation.report.markdown import comparison_markdown

    for option in ("papers", "baseline", "gate", "raise_floor"):
        if getattr(arguments, option):
            raise MisuseError(f"--compare asks nothing anew; leave --{option.replace('_', '-')} out")
    comparison = compare(*(read_evaluation(path) for path in arguments.compare))
    if arguments.out:
        reserved = _reserved(comparison.after)
        _say(f"written: {write_comparison(comparison, arguments.out, reserved=reserved)}")
    print(comparison_markdown(comparison))
    return 0


def _prepared(
    arguments: argparse.Namespace, settings: Settings, stack: contextlib.ExitStack
) -> tuple[str, Sequence[Item], Made, Assistant]:
    """Name of the set, questions, what asks and of what; whatever is wrong with the questions shows before any work."""
    from assistant.evaluation.public_sets import PublicProduct, load_public
    from assistant.evaluation.questions import load
    from assistant.evaluation.subject import Product, over_papers

    if arguments.collection:
        found = load_public(arguments.collection)
        _say(f"{found.name}: {found.documents} documents, {len(found.questions)} queries, {found.left_out} left out")
        assistant, report = stack.enter_context(over_papers([found.corpus], settings, note=_say))
        for skip in report.skipped:
            _say(f"not read: {skip.file}:{skip.line}: {skip.reason}")
        made = partial(PublicProduct, collection=found, not_read=len(report.skipped))
        return found.name, found.questions, made, assistant
    items = load(arguments.questions)
    name = arguments.questions.name if arguments.questions else FIXED
    if arguments.questions and not arguments.papers:
        from assistant.api import Assistant

        assistant = stack.enter_context(Assistant.open(settings))
    else:
        assistant, _ = stack.enter_context(over_papers(arguments.papers or [SEEDS], settings, note=_say))
    return name, items, Product, assistant


def _asked(assistant: Assistant, made: Made, items: Sequence[Item], name: str, out: Path) -> Evaluation:
    from assistant.evaluation.evaluation import evaluate
    from assistant.evaluation.run import golds
    from assistant.evaluation.workers import workers, worth_it

    subject = made(assistant)
    golds(subject, items)  # before anything is written
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(_journal(subject, items, out))
        if journal.set_aside:
            _say("an unfinished run of other questions, papers, settings or code was set aside as unfinished.old")
        if journal.done:
            _say(f"going on after {len(journal.done)} questions that are done")
        try:
            several = worth_it(assistant.settings, items)
            ask = stack.enter_context(workers(assistant.settings, made)) if several else None
            found = evaluate(subject, items, questions=name, journal=journal, progress=_told, ask=ask)
        except KeyboardInterrupt:
            raise Stopped(len(journal.done)) from None
        return found


class Stopped(AssistantError):
    """The user stopped it; what is done is kept."""

    exit_status = 130

    def __init__(self, done: int) -> None:
        super().__init__(f"stopped; {done} answers are kept, and the same command goes on after them")


@contextlib.contextmanager
def _journal(subject: Subject, items: Sequence[Item], out: Path) -> Iterator[Journal]:
    """What is done so far, for this process alone."""
    from filelock import FileLock, Timeout

    from assistant.evaluation.journal import Journal

    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / ".lock")
        lock.acquire(timeout=0)
    except Timeout as exc:
        raise AssistantError(f"another evaluation is writing to {out.name!r}; name another folder with --out") from exc
    except OSError as exc:
        raise AssistantError(
            f"the folder {out.name!r} cannot be written to ({exc.strerror}); name another with --out"
        ) from exc
    try:
        with contextlib.closing(Journal(out, _run_hash(subject, items))) as journal:
            yield journal
    finally:
        lock.release()
        (out / ".lock").unlink(missing_ok=True)


def _run_hash(subject: Subject, items: Sequence[Item]) -> str:
    """What results depend on: the questions, the subject with its papers and settings, the code."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        code.update(path.read_bytes())
    told = [json.dumps(subject.about(), sort_keys=True), repr(items), code.hexdigest()]
    return hashlib.sha256("\n".join(told).encode("utf-8", "replace")).hexdigest()


def _finished(
    arguments: argparse.Namespace, evaluation: Evaluation, assistant: Assistant, items: Sequence[Item], out: Path, *,
    gate: bool,
) -> int:
    from assistant.evaluation.floor import HALF, below, load_floor
    from assistant.evaluation.journal import NAME
    from assistant.evaluation.report import write_report
    from assistant.evaluation.report.headline import headline
    from assistant.evaluation.report.markdown import measures

    missed = below(evaluation.figures[HALF], load_floor()) if gate else None
    page = write_report(evaluation, out, missed=missed, reserved=_reserved(evaluation))
    (out / NAME).unlink(missing_ok=True)  # the report has it all
    print(headline(evaluation) + "\n")
    print("\n".join(measures(evaluation)))
    _say(f"written: {page}")
    if arguments.baseline:
        _baseline(evaluation, assistant, items, out)
    if arguments.raise_floor is not None:
        _raise_floor(evaluation, arguments.raise_floor)
    for line in missed or ():
        print(f"assistant: {line}", file=sys.stderr)
    return 1 if missed else 0


def _baseline(evaluation: Evaluation, assistant: Assistant, items: Sequence[Item], out: Path) -> None:
    """The same questions to llama-index's default, and the product against it."""
    from assistant.evaluation.compare import compare
    from assistant.evaluation.evaluation import evaluate
    from assistant.evaluation.report import write_comparison, write_report
    from assistant.evaluation.report.comparison_headline import comparison_headline
    from assistant.evaluation.stock import Stock
    from assistant.evaluation.subject import open_for

    _say("indexing the same papers with llama-index's default …")
    stock = Stock(assistant, open_for(assistant.settings))
    found = evaluate(stock, items, questions=evaluation.questions, progress=_told)
    write_report(found, out / "stock", reserved=_reserved(found))
    comparison = compare(found, evaluation)
    page = write_comparison(comparison, out, reserved=_reserved(found))
    print("\nAgainst llama-index's default: " + comparison_headline(comparison))
    _say(f"written: {page}")


def _raise_floor(evaluation: Evaluation, reason: str) -> None:
    from assistant.evaluation.floor import HALF, load_floor, raised, write_floor

    if not reason.strip():
        raise MisuseError('say why the floor rises: --raise-floor "better ranking of lists"')
    floor = load_floor()
    new = raised(evaluation.figures[HALF], floor, reason=reason, date=time.strftime("%Y-%m-%d"))
    for name, held in new.items():
        if held != floor[name]:
            print(f"floor of {name}: {floor[name].bound:g} → {held.bound:g}")
    if new == floor:
        print("no bound can be raised")
    else:
        write_floor(new)


def _reserved(evaluation: Evaluation) -> bool:
    """Whether the set's `report` half is to be measured and not read; of a user's own set both are shown."""
    return evaluation.questions == FIXED or evaluation.about.get("documents") is not None


def _told(done: int, total: int) -> None:
    if done % TOLD_EVERY == 0 or done == total:
        _say(f"{done} of {total} questions")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
