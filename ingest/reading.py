"""Files → their records, cleaned. Whatever one file does, the others are read and the report says why it was not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ParseError
from assistant.records import Record
from ingest.clean import clean_abstract, clean_title, paper_id
from ingest.files import Skip, own_name, stored_path
from ingest.parse import read_records


@dataclass(frozen=True, slots=True)
class CleanRecord:
    """A record of a file, cleaned."""

    key: str           # its id in the file, else its line
    line: int | None
    title: str | None
    abstract: str      # with a letter at least
    raw: str
    text_id: str       # see `ingest.clean.paper_id`
    year: int | None = None
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CleanFile:
    """What one file gave, and what of it was left out."""

    path: str  # see `ingest.files.stored_path`
    name: str  # printable, see `ingest.files.own_name`
    layout: str
    records: tuple[CleanRecord, ...]
    skipped: tuple[Skip, ...] = ()


def read_files(paths: Iterable[Path], skipped: list[Skip]) -> Iterator[CleanFile]:
    """Yield file after file; those that cannot be read are put on the list of what was ``skipped``."""
    for path in paths:
        try:
            yield _read(path)
        except ParseError as exc:
            skipped.append(Skip(own_name(path), None, exc.reason))
        except Exception as exc:  # an error of ours that the other files should not have to pay for
            what = f"{type(exc).__name__}: {exc}"
            skipped.append(Skip(own_name(path), None, f"cannot be read: {what}; this program is at fault, report it"))


def _read(path: Path) -> CleanFile:
    parsed = read_records(path)
    name = own_name(path)
    records: list[CleanRecord] = []
    skipped = list(parsed.skipped)
    for record, key in zip(parsed.records, parsed.keys, strict=True):
        cleaned = _clean(record, key)
        if any(map(str.isalpha, cleaned.abstract)):
            records.append(cleaned)
        else:
            skipped.append(Skip(name, record.source.line, "abstract without a letter once its markup is taken off"))
    if not records and not skipped:
        skipped.append(Skip(name, None, "has no record"))
    return CleanFile(stored_path(path), name, parsed.layout, tuple(records), tuple(skipped))


def _clean(record: Record, key: str) -> CleanRecord:
    abstract = clean_abstract(record.text, record.title)
    return CleanRecord(
        key, record.source.line, (clean_title(record.title) if record.title else "") or None, abstract, record.text,
        paper_id(abstract), record.year, record.authors,
    )
