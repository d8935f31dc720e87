"""What `crash.py` asks of the product from inside: a process that stays, takes a JSON line for each deed, and replies.

It runs the product found first on the Python path, so that versions can be compared; what that prints goes to stderr.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.api import Assistant
from assistant.embedding.embedder import open_embedder
from assistant.errors import AssistantError
from assistant.index.collection import Collection
from assistant.records import answer_json
from assistant.settings import Settings
from assistant.text.names import find_names
from ingest.cli import main as ingest

EMBEDDER = open_embedder(None)
NEVER_EQUAL = ("id", "timings")  # fields of an answer
PASSING = ("generation", "build", "token_rows")  # on the card: they say how the index came about


def main() -> None:
    """Reply to every line, a deed's failure included, until there are no more."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    deeds: dict[str, Callable[..., dict[str, Any]]] = {"run": run, "look": look, "state": state, "opens": opens}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = deeds[request.pop("do")](**request)
        except AssistantError as exc:
            reply = {"told": str(exc)}
        except BaseException as exc:  # Rust panics are no Exceptions
            reply = {"crashed": f"{type(exc).__name__}: {exc}", "trace": traceback.format_exc()}
        print(json.dumps(reply), file=replies, flush=True)


def run(home: str, argv: Sequence[str]) -> dict[str, Any]:
    """The ``ingest`` command: exit status and what it printed."""
    os.environ["ASSISTANT_HOME"] = home
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = ingest(list(argv))
        except SystemExit as exc:
            status = int(exc.code or 0)
    return {"status": status, "out": out.getvalue().strip(), "err": err.getvalue().strip()}


def look(home: str, questions: Sequence[str]) -> dict[str, Any]:
    """Answers, and of every paper that an answer could come from what it says."""
    with opened(home) as assistant:
        answers = {question: plain(assistant.ask(question)) for question in questions}
        entries = assistant.collection.store.entries(assistant.collection.store.paper_ids())
        return {
            "answers": answers,
            "papers": {paper: digest(entry.paper.title, entry.paper.abstract) for paper, entry in entries.items()},
        }


def state(home: str, questions: Sequence[str], words: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """aspect -> thing -> what it is: all that must be equal in two indexes of the same files."""
    with opened(home) as assistant:
        collection = assistant.collection
        answers = {question: plain(assistant.ask(question)) for question in questions}
        entries = collection.store.entries(collection.store.paper_ids())
        vectors = collection.vectors.vectors(sorted(collection.vectors.ids()))
        found = {
            "papers": {
                paper: digest(
                    entry.paper, entry.chunks.tolist(), entry.sentences.tolist(),
                    collection.tokens.rows(entry.token_start, entry.token_count).tobytes(),
                ) for paper, entry in entries.items()
            },
            "vectors": {chunk: digest(vector.tobytes()) for chunk, vector in vectors.items()},
            "words": {
                word: sorted(paper for paper, _ in collection.lexical.search(word, limit=1000)) for word in words
            },
            "names": {
                name: sorted({paper for key in find_names(name) for paper in collection.with_name(key.key)})
                for name in names
            },
            "answers": answers,
        }
    index = Path(home) / "index"
    found["tables"] = tables(index / "papers.sqlite")
    found["files"] = dict.fromkeys(sorted(left(index)), "")
    return found


def tables(path: Path) -> dict[str, Any]:
    """Digests of what the database holds beside its papers, without numbers that a repetition gives anew."""
    queries = {
        "records": "SELECT name, key, line, text_id, title, year, authors FROM records JOIN files USING (file_id)",
        "files": "SELECT path, name, layout FROM files",
        "texts": "SELECT * FROM texts", "bands": "SELECT * FROM bands", "names": "SELECT * FROM names",
        "abbreviations": "SELECT * FROM abbreviations", "author_words": "SELECT * FROM author_words",
        "card": f"SELECT key, value FROM card WHERE key NOT IN {PASSING}",
    }
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {name: digest(sorted(map(repr, db.execute(query)))) for name, query in queries.items()}


def left(index: Path) -> set[str]:
    """What stands in the index folder, without the numbers of builds; and how many graphs Chroma has."""
    names = {re.sub(r"-\d+", "", path.name) for path in index.iterdir() if path.name != "write.lock"}
    graphs = sum(path.is_dir() for folder in index.glob("chroma*") for path in folder.iterdir())
    return names | {f"chroma: {graphs} graphs"}


def opens(home: str, count: int, questions: Sequence[str]) -> dict[str, Any]:
    """Open anew ``count`` times, and ask one question each time: digests of the answers, failures, milliseconds."""
    answers: dict[str, list[str]] = {question: [] for question in questions}
    failures: list[str] = []
    taken: list[float] = []
    for number in range(count):
        question = questions[number % len(questions)]
        began = time.perf_counter()
        try:
            with opened(home) as assistant:
                answers[question].append(digest(said(plain(assistant.ask(question)))))
        except BaseException as exc:
            failures.append(f"{type(exc).__name__}: {exc}")
        taken.append(1000 * (time.perf_counter() - began))
    return {"answers": answers, "failures": failures, "ms": taken}


def opened(home: str) -> Assistant:
    """An assistant of its own; only the model is shared."""
    settings = Settings(home=Path(home), _env_file=None)
    return Assistant(Collection(settings), EMBEDDER, settings)


def plain(answer: Any) -> dict[str, Any]:
    """An answer as JSON, without what differs each time."""
    return {key: value for key, value in answer_json(answer).items() if key not in NEVER_EQUAL}


def said(answer: dict[str, Any]) -> list[Any]:
    """What a reader sees of an answer."""
    return [answer["text"], answer["abstained"], answer["citations"], answer["items"]]


def digest(*parts: object) -> str:
    """A hash of values."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
