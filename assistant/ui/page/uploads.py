"""What users give the page becomes files with safe names, kept beside the index under the names they are cited by.

A source keeps the name its file had. A file of another content under a name that is taken is called "name (2).txt", so
that nobody replaces what somebody else added; whoever means to replace it says so, and then the file itself is replaced
and the ingest compares the two.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import MisuseError

FOLDER = "uploads"  # in the home folder
SUFFIXES = (".txt", ".jsonl", ".csv")
MAX_BYTES = 64 * 2**20  # of a file
MAX_FILES = 100         # at once
LONGEST_NAME = 80       # characters
MOST_BYTES = 160        # of a name; file systems take 255, with what is added for others of the same name

_UNSAFE = re.compile(r"[^\w .,()+@=-]+")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file ready to be ingested."""

    path: Path
    given: str       # the name it came with
    renamed: bool    # because its own was taken
    new: bool        # nothing was at this path before


def safe_name(given: str) -> str:
    r"""A file name as it may stand in a folder and in a citation: its last part, without signs that mean something.

    >>> safe_name("../../etc/pass<wd>.TXT"), safe_name("C:\\papers\\a:b.csv"), safe_name(".jsonl")
    ('pass wd.txt', 'a b.csv', 'papers.jsonl')
    """
    name = unicodedata.normalize("NFC", given.replace("\\", "/").rpartition("/")[2])
    stem, dot, suffix = name.rpartition(".")
    stem, suffix = (stem, f".{suffix.lower()}" if suffix else "") if dot else (name, "")
    stem = " ".join(_UNSAFE.sub(" ", stem).split()).strip(". ")[:LONGEST_NAME]
    stem = stem.encode("utf-8", "ignore")[:MOST_BYTES].decode("utf-8", "ignore").rstrip(". ") or "papers"
    return stem + suffix if suffix in SUFFIXES else f"{stem}{_UNSAFE.sub('', suffix)[:10]}.txt"


def check_files(paths: Sequence[Path]) -> None:
    """Refuse what is too much or of no kind that can be read.

    Raises:
        MisuseError: with the limit, and what was given.
    """
    if len(paths) > MAX_FILES:
        raise MisuseError(f"{len(paths)} files are more than {MAX_FILES} at once; add them in several goes")
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise MisuseError(f"{path.name} is not one of {', '.join(SUFFIXES)}; export it as text, JSON lines or CSV")
        try:
            size = path.stat().st_size
        except OSError:
            raise MisuseError(f"{path.name} is no longer there; choose it again") from None
        if size > MAX_BYTES:
            raise MisuseError(
                f"{path.name} has {size / 2**20:.0f} MB, more than {MAX_BYTES // 2**20}; split it, or add it with the "
                "command line: ingest FILE"
            )


class Uploads:
    """The folder of files given to one index."""

    def __init__(self, home: Path) -> None:
        self.folder = home.resolve() / FOLDER

    def keep(self, given: str, source: Path, known: Mapping[str, Sequence[str]], *, replace: bool = False) -> Kept:
        """Copy a file into the folder under a name of its own.

        Args:
            given: the name it came with.
            known: name -> paths of the files the collection has.
            replace: put it in the place of the one of its name that was given to the page before.
        Raises:
            MisuseError: it is to replace one that was not given to the page.
        """
        name = safe_name(given)
        self.folder.mkdir(parents=True, exist_ok=True)
        here = self.folder / name
        if replace and name in known:
            if str(here) not in known[name]:
                raise MisuseError(
                    f"{name} was read from a folder of the machine, not added here; bring it up to date there, with "
                    "the command line: ingest FILE"
                )
            return self._put(source, here, given, renamed=False)
        for number in range(1, 1000):
            path = here if number == 1 else here.with_name(f"{here.stem} ({number}){here.suffix}")
            taken = known.get(path.name, ())
            # The very same file again, or what is left of one that gave nothing: read once more.
            if not taken or (list(taken) == [str(path)] and _same(path, source)):
                return self._put(source, path, given, renamed=path.name != given)
        raise MisuseError(f"there are a thousand files called {name}; give this one another name")

    def owns(self, path: str) -> bool:
        """Whether a file of the collection is one of this folder."""
        return Path(path).parent == self.folder

    def forget(self, path: str) -> None:
        """Delete a file of this folder; others are left alone."""
        if self.owns(path):
            Path(path).unlink(missing_ok=True)

    def _put(self, source: Path, path: Path, given: str, *, renamed: bool) -> Kept:
        new = not path.exists()
        temporary = path.with_name(f".{os.getpid()}-{path.name}.part")
        try:
            shutil.copyfile(source, temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return Kept(path, given, renamed, new)


def pasted_paper(title: str, abstract: str, authors: str, year: str) -> str:
    """One paper typed into the page, as a line of JSON; line breaks in it are those of where it was copied from."""
    found = {"title": title, "abstract": abstract, "authors": authors, "year": year}
    joined = {key: " ".join(value.split()) for key, value in found.items()}
    return json.dumps({key: value for key, value in joined.items() if value}, ensure_ascii=False) + "\n"


def _same(path: Path, other: Path) -> bool:
    try:
        return path.stat().st_size == other.stat().st_size and path.read_bytes() == other.read_bytes()
    except OSError:
        return False
