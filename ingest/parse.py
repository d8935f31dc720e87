"""text file → Records. What a file is, is told by its shape, never by its name alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from assistant.errors import ParseError
from assistant.records import Record, Source
from ingest.files import FoundFiles, Skip, find_files, own_name, read_lines
from ingest.layout import Reading, prose, read_layout
from ingest.tables import Row, read_csv, read_jsonl

__all__ = ["FoundFiles", "ParsedFile", "Skip", "find_files", "read_records"]

MIN_ABSTRACT_CHARACTERS = 40
ONE_PER_LINE = "one abstract per line"
IN_TURN = "title and abstract lines in turn"
BLANK_BETWEEN = "title, blank, abstract, blank"
JSON_LINES = "JSON lines"
CSV = "CSV"

_LETTER = re.compile(r"[^\W\d_]")
# The page's button, glued to the first title: "SubscribeFew-Shot Bot", but not "Subscriber Churn".
_GLUED = re.compile(r"^Subscribe(?=[^\sa-z])")


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """Everything one file gave, and everything it did not."""

    records: tuple[Record, ...]    # in file order
    layout: str                    # one of the five names above
    skipped: tuple[Skip, ...] = ()  # in file order
    banner: tuple[str, ...] = ()   # non-blank lines before the first record, such as a page's buttons
    keys: tuple[str, ...] = ()     # one per record: its id in the file, else its line number as text


def read_records(path: Path) -> ParsedFile:
    """Read the titles and abstracts of one text, JSON lines or CSV file.

    Titles and abstracts are as in the file, but for surrounding whitespace and the word ``Subscribe``
    glued to the first title. Abstracts under 40 characters or without a letter are skipped.

    Raises:
        ParseError: the file cannot be read (see `read_lines`) or has none of the known shapes.
    """
    name = own_name(path)
    lines = read_lines(path)
    kind = path.suffix.lower()
    if kind == ".csv":
        return _collect(read_csv(lines, name), name, CSV)
    if kind == ".jsonl":
        return _collect(read_jsonl(lines, name), name, JSON_LINES)
    texts = [(line, text.strip()) for line, text in lines if text.strip()]
    if _is_json_object(texts[0][1]):
        return _collect(read_jsonl(texts, name), name, JSON_LINES)
    return _read_text(texts, name)


def _collect(rows: Iterable[Row | Skip], name: str, layout: str, banner: tuple[str, ...] = ()) -> ParsedFile:
    records: list[Record] = []
    keys: list[str] = []
    skipped: list[Skip] = []
    for row in rows:
        if isinstance(row, Skip):
            skipped.append(row)
            continue
        text = row.text.strip()
        if len(text) < MIN_ABSTRACT_CHARACTERS:
            skipped.append(Skip(name, row.line, f"abstract of {len(text)} characters, "
                                                f"fewer than {MIN_ABSTRACT_CHARACTERS}"))
        elif not _LETTER.search(text):
            skipped.append(Skip(name, row.line, "abstract without a letter"))
        else:
            title = row.title.strip() if row.title else ""
            records.append(Record(Source(name, row.line), title or None, text, row.year, row.authors))
            keys.append(row.key)
    return ParsedFile(tuple(records), layout, tuple(skipped), banner, tuple(keys))


def _is_json_object(line: str) -> bool:
    if not line.startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _read_text(texts: list[tuple[int, str]], name: str) -> ParsedFile:
    looks_json = texts[0][1] in ("[", "{") or texts[0][1].startswith("[{")
    reading = None if looks_json else read_layout([text for _, text in texts])
    if reading is None:
        raise ParseError(_unknown_shape(texts, name))
    first_title = next((title for title, _ in reading.pairs if title is not None), None)
    rows: list[tuple[int, Row | Skip]] = []
    for title, abstract in reading.pairs:
        line, text = texts[abstract]
        heading = None if title is None else texts[title][1]
        if heading is not None and title == first_title:
            heading = _GLUED.sub("", heading)
        rows.append((line, Row(line, heading, text, str(line))))
    for orphan in reading.orphans:
        line, text = texts[orphan]
        what = "title without an abstract" if first_title is not None else "too short for an abstract"
        rows.append((line, Skip(name, line, f"{what}: {_shorten(text)}")))
    rows.sort(key=lambda row: row[0])
    return _collect((row for _, row in rows), name, _layout_name(reading, texts),
                    tuple(texts[i][1] for i in reading.banner))


def _layout_name(reading: Reading, texts: list[tuple[int, str]]) -> str:
    gaps = [texts[abstract][0] - texts[title][0] for title, abstract in reading.pairs if title is not None]
    if not gaps:
        return ONE_PER_LINE
    return BLANK_BETWEEN if 2 * sum(gap > 1 for gap in gaps) > len(gaps) else IN_TURN


def _unknown_shape(texts: list[tuple[int, str]], name: str) -> str:
    longest = max(len(text) for _, text in texts)
    if texts[0][1][0] in "[{":
        advice = "looks like JSON over several lines; write one object a line: jq -c '.[]' file > file.jsonl"
    elif longest < 100:
        advice = f"no abstract: the longest of its {len(texts)} lines has {longest} characters"
    else:
        looks = [prose(text) >= 0.5 for _, text in texts]
        odd = next((texts[i + 1][0] for i, (a, b) in enumerate(pairwise(looks)) if a == b), texts[0][0])
        advice = (f"{sum(looks)} of {len(texts)} lines look like abstracts, neither all nor every second "
                  f"(see line {odd})")
    return (f"{name}: unknown layout: {advice}. Put one abstract on a line, or a title line before each "
            "abstract line, each on a single line")


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
