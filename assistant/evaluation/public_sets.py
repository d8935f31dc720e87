"""Public test collections in the common form, so that anyone can check published figures on them.

A folder with ``corpus.jsonl`` (``id``, ``title``, ``text``, optionally ``sentences``), ``queries.jsonl`` (``id``,
``text``), ``qrels.tsv`` (query id, document id, grade) and optionally ``answers.jsonl``: by query ``id`` either
``answerable`` with ``answers`` (each ``text`` and ``sentences``) or a ``long_answer``, or ``evidence`` (document id →
groups of sentence numbers, from 0) with a ``label``. Halves are told apart by a hash of the query id, as in the fixed
set: constants may be tuned on ``choose`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import MisuseError
from assistant.evaluation.questions import UNANSWERABLE, EvalQuestion, json_lines, read_text
from assistant.evaluation.subject import Product

if TYPE_CHECKING:
    from assistant.api import Assistant

CORPUS, QUERIES, QRELS, ANSWERS = "corpus.jsonl", "queries.jsonl", "qrels.tsv", "answers.jsonl"


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the corpus: where it stands, and its sentences as the collection splits them."""

    line: int
    sentences: tuple[str, ...]

    @property
    def place(self) -> str:
        """As the index names it."""
        return f"{CORPUS}:{self.line}"


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A collection, read and checked."""

    name: str
    corpus: Path
    documents: int
    questions: tuple[EvalQuestion, ...]
    left_out: int  # queries with neither judgements nor answers


class PublicProduct(Product):
    """The product over a public collection: a judged document that could not be indexed is one nobody finds."""

    def __init__(self, assistant: Assistant, collection: PublicSet, *, not_read: int) -> None:
        super().__init__(assistant)
        self._told = {
            "documents": collection.documents, "documents_not_read": not_read, "queries_left_out": collection.left_out
        }

    def about(self) -> Mapping[str, str | int]:
        """As `Product.about`, and what the collection has."""
        return {**self._told, **super().about()}

    def paper_ids(self, places: Sequence[str]) -> set[str]:
        """As `Assistant.paper_ids`, and the place itself of a document that is not in the index."""
        found: set[str] = set()
        for place in places:
            found |= super().paper_ids([place]) or {place}
        return found


def load_public(folder: Path) -> PublicSet:
    """Read a collection.

    Raises:
        MisuseError: a file is missing, a line is not what it must be, or names a document or query that is not there;
            the message names file and line.
    """
    for name in (CORPUS, QUERIES, QRELS):
        if not (folder / name).is_file():
            raise MisuseError(
                f"{folder.name} has no {name}; a collection has {CORPUS}, {QUERIES}, {QRELS} and perhaps {ANSWERS}"
            )
    documents = _documents(folder / CORPUS)
    queries = _queries(folder / QUERIES)
    judgements = _judgements(folder / QRELS, documents, queries)
    answers = _answers(folder / ANSWERS, queries) if (folder / ANSWERS).exists() else {}
    questions = [
        question for number, (query, text) in enumerate(queries.items(), 1)
        if (question := _question(query, text, judgements.get(query, {}), answers.get(query), documents))
    ]
    if not questions:
        raise MisuseError(f"{QUERIES} of {folder.name} holds no query that {QRELS} or {ANSWERS} says anything about")
    return PublicSet(
        folder.resolve().name, folder / CORPUS, len(documents), tuple(questions), len(queries) - len(questions)
    )


def _documents(path: Path) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for number, fields in json_lines(read_text(path), path.name):
        own_id = _id(fields, path.name, number)
        if own_id in found:
            raise MisuseError(f"{path.name}, line {number}: the id {own_id!r} is taken by line {found[own_id].line}")
        found[own_id] = Document(number, tuple(str(sentence) for sentence in fields.get("sentences") or ()))
    if not found:
        raise MisuseError(f'{path.name} is empty; a line is like {{"id": "1", "title": "…", "text": "…"}}')
    return found


def _queries(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, fields in json_lines(read_text(path), path.name):
        own_id, text = _id(fields, path.name, number), fields.get("text")
        if own_id in found:
            raise MisuseError(f"{path.name}, line {number}: the id {own_id!r} was given before")
        if not isinstance(text, str) or not text.strip():
            raise MisuseError(f'{path.name}, line {number}: "text" must be the query; a line is like '
                              '{"id": "1", "text": "…"}')
        found[own_id] = text
    if not found:
        raise MisuseError(f'{path.name} is empty; a line is like {{"id": "1", "text": "…"}}')
    return found


def _judgements(
    path: Path, documents: Mapping[str, Document], queries: Mapping[str, str]
) -> dict[str, dict[str, int]]:
    """query -> document -> grade, grades from 1 up; those of 0 say nothing."""
    found: dict[str, dict[str, int]] = {}
    for number, line in enumerate(read_text(path).split("\n"), 1):
        fields = line.rstrip("\r").split("\t")
        if not line.strip() or (number == 1 and fields[-1] == "score"):  # some collections have a head line
            continue
        where = f"{path.name}, line {number}"
        if len(fields) != 3 or not fields[2].strip().lstrip("-").isdigit():
            raise MisuseError(f"{where}: not a query id, a document id and a whole number, with tabs between: {line!r}")
        query, document, grade = fields[0], fields[1], int(fields[2])
        if query not in queries:
            raise MisuseError(f"{where}: {QUERIES} has no query {query!r}")
        if document not in documents:
            raise MisuseError(f"{where}: {CORPUS} has no document {document!r}")
        if grade > 0:
            found.setdefault(query, {})[document] = grade
    return found


def _answers(path: Path, queries: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for number, fields in json_lines(read_text(path), path.name):
        own_id = _id(fields, path.name, number)
        if own_id not in queries:
            raise MisuseError(f"{path.name}, line {number}: {QUERIES} has no query {own_id!r}")
        found[own_id] = {**fields, "where": f"{path.name}, line {number}"}
    return found


def _question(
    query: str, text: str, grades: Mapping[str, int], answer: Mapping[str, Any] | None,
    documents: Mapping[str, Document],
) -> EvalQuestion | None:
    """The query as a question; None if nothing is known of it."""
    known = answer or {}
    if known.get("answerable") is False:
        return EvalQuestion(query, UNANSWERABLE, text, where=known["where"])
    if not grades and known.get("doc") in documents:
        grades = {known["doc"]: 1}
    if not grades:
        return None
    try:
        given = list(known.get("answers") or ())
        references = tuple(str(each["text"]) for each in given) or tuple(filter(None, [known.get("long_answer")]))
        spans = tuple(tuple(map(str, each["sentences"])) for each in given if each.get("sentences"))
        evidence = tuple(
            documents[document].sentences[place]
            for document, groups in (known.get("evidence") or {}).items() for group in groups for place in group
        )
    except (KeyError, IndexError, TypeError, AttributeError) as exc:
        raise MisuseError(
            f"{known['where']}: answers or evidence are not as they must be ({type(exc).__name__}: {exc}); "
            "see assistant/evaluation/public_sets.py"
        ) from exc
    return EvalQuestion(
        query, "passage" if references or spans else "search", text,
        style=str(known.get("label") or known.get("answer") or ""),
        papers=tuple(documents[document].place for document in grades), grades=tuple(grades.values()),
        evidence=evidence, references=references, spans=spans, where=f"query {query}",
    )


def _id(fields: Mapping[str, Any], name: str, number: int) -> str:
    value = fields.get("id")
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise MisuseError(f'{name}, line {number}: "id" must be a text')
    return str(value)
