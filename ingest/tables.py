"""Read the two table formats users have: JSON objects one a line, and CSV with an abstract column."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assistant.errors import ParseError
from ingest.byline import read_authors, read_year
from ingest.clean import without_surrogates
from ingest.files import Skip

ABSTRACT_NAMES = ("abstract", "abstract note", "summary", "text")  # the first present counts
TITLE_NAMES = ("title",)
KEY_NAMES = ("id", "key", "arxiv_id", "doi", "eid")
YEAR_NAMES = ("year", "publication year", "date", "published", "publication date")
AUTHOR_NAMES = ("authors", "author")
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Row:
    """One title and abstract as found, before it is known to be usable."""

    line: int  # 1-based line on which the abstract starts
    title: str | None
    text: str
    key: str   # what the file itself calls the record, else its line number
    year: int | None = None
    authors: tuple[str, ...] = ()


def read_jsonl(lines: Iterable[tuple[int, str]], name: str) -> Iterator[Row | Skip]:
    """One Row per line that is a JSON object with an abstract; a Skip for every other line.

    Raises:
        ParseError: if no line at all is a JSON object.
    """
    objects = 0
    first_problem = ""
    for line, text in lines:
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as exc:
            found = None
            problem = f"not JSON: {exc}"
        else:
            problem = f"a JSON {type(found).__name__}, not an object"
        if isinstance(found, dict):
            objects += 1
            yield _row_of(found, line, name)
        else:
            first_problem = first_problem or f"line {line} is {problem}"
            yield Skip(name, line, problem)
    if not objects:
        raise ParseError(f"{name}: {first_problem}; write one object a line, with abstract and title")


def _row_of(found: Mapping[str, object], line: int, name: str) -> Row | Skip:
    fields = {str(key).strip().casefold(): value for key, value in found.items()}
    text = next((fields[key] for key in ABSTRACT_NAMES if fields.get(key) is not None), None)
    if not isinstance(text, str):
        seen = ", ".join(sorted(fields)[:8]) or "nothing"
        return Skip(name, line, f"no abstract, text or summary that is a string; it has {seen}")
    title = next((fields[key] for key in TITLE_NAMES if fields.get(key) is not None), None)
    keys = (fields.get(name) for name in KEY_NAMES)
    key = next((key for key in keys if isinstance(key, str | int | float) and key != ""), line)
    years = (read_year(fields.get(name)) for name in YEAR_NAMES)
    bylines = (read_authors(fields.get(name)) for name in AUTHOR_NAMES)
    return Row(
        line, without_surrogates(title) if isinstance(title, str) else None, without_surrogates(text),
        without_surrogates(str(key)),
        next((year for year in years if year), None), next((byline for byline in bylines if byline), ()),
    )


def read_csv(lines: Iterable[tuple[int, str]], name: str) -> Iterator[Row | Skip]:
    """One Row per record of a table whose header names an abstract column.

    The delimiter is whichever of comma, semicolon and tab makes the header name one.

    Raises:
        ParseError: no such column, or a field that cannot be read (such as a quote never closed).
    """
    numbered = iter(lines)
    header_line, header = next(((line, text) for line, text in numbered if text.strip()), (0, ""))
    for delimiter in DELIMITERS:
        try:
            names = [field.strip().casefold() for field in next(csv.reader([header], delimiter=delimiter), [])]
        except csv.Error as exc:
            raise ParseError(f"{name}: line {header_line} names no columns: {exc}; "
                             "the first line must name the columns, one of them abstract") from exc
        columns = [names.index(wanted) for wanted in ABSTRACT_NAMES if wanted in names]
        if columns:
            break
    else:
        raise ParseError(f"{name}: line {header_line} names no abstract column: {header[:80]!r}; "
                         "the first line must name the columns, one of them abstract")
    column = columns[0]
    title = next((names.index(wanted) for wanted in TITLE_NAMES if wanted in names), None)
    key = next((names.index(wanted) for wanted in KEY_NAMES if wanted in names), None)
    year = [names.index(wanted) for wanted in YEAR_NAMES if wanted in names]
    author = [names.index(wanted) for wanted in AUTHOR_NAMES if wanted in names]
    reader = csv.reader((text + "\n" for _, text in numbered), delimiter=delimiter)
    start = header_line + 1
    try:
        for fields in reader:
            if len(fields) > column:
                yield Row(start + sum(field.count("\n") for field in fields[:column]),
                          fields[title] if title is not None and title < len(fields) else None,
                          fields[column],
                          (fields[key] if key is not None and key < len(fields) else "") or str(start),
                          next(filter(None, map(read_year, _fields(fields, year))), None),
                          next(filter(None, map(read_authors, _fields(fields, author))), ()))
            elif fields:
                yield Skip(name, start, f"has {len(fields)} fields, the abstract is number {column + 1}")
            start = header_line + reader.line_num + 1
    except csv.Error as exc:
        raise ParseError(f"{name}: the record at line {start} is not CSV: {exc}; "
                         "is a quote left open?") from exc


def _fields(fields: Sequence[str], columns: Sequence[int]) -> Iterator[str]:
    """What a record has in these columns; a short record lacks its last ones."""
    yield from (fields[column] for column in columns if column < len(fields))
