"""Conditions on papers → the ids that meet them, from database and lexical index, before anything is searched.

Chroma's own ``where`` would take ten times as long as the search; see `retriever.Retriever` for how a search keeps to
these ids without losing any.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from assistant.errors import MisuseError
from assistant.index.known_names import similar_names
from assistant.text.names import name_key

if TYPE_CHECKING:
    from assistant.index.collection import Collection

MAX_FILES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Filters:
    """What a paper must be to be searched at all. Every field that is given must hold.

    >>> Filters(names=("GPT-J",), years=(2021, None)).label
    'mentions GPT-J; from 2021 on'
    """

    sources: tuple[str, ...] = ()  # names of ingested files, or patterns ("003*"); one is enough
    has_code: bool | None = None   # the abstract links to a repository or says that its code is available
    names: tuple[str, ...] = ()    # each is mentioned, however it is written
    years: tuple[int | None, int | None] | None = None  # first and last, both included; None is open
    authors: tuple[str, ...] = ()  # each is among the authors: "Meng", "K. Meng", "Meng, Kevin"

    def __post_init__(self) -> None:
        for name in ("sources", "names", "authors"):
            value = getattr(self, name)
            if isinstance(value, str) or not all(isinstance(item, str) and item.strip() for item in value):
                raise MisuseError(f"{name} takes texts that are not empty, in a tuple, such as {name}=(\"…\",)")
            object.__setattr__(self, name, tuple(value))
        if self.years is not None:
            first, last = self.years
            if first is not None and last is not None and first > last:
                raise MisuseError(f"the years {first} to {last} are the wrong way round; give the earlier one first")

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) != field.default for field in fields(self))

    @property
    def label(self) -> str:
        """The conditions in words, for headings and traces; empty without any."""
        return "; ".join(part for part in (
            f"in {' or '.join(self.sources)}" if self.sources else "",
            "" if self.has_code is None else "gives code" if self.has_code else "gives no code",
            f"mentions {' and '.join(self.names)}" if self.names else "",
            _years_label(self.years) if self.years else "",
            f"by {' and '.join(self.authors)}" if self.authors else "",
        ) if part)


@dataclass(frozen=True, slots=True)
class Selection:
    """The papers that pass some filters."""

    paper_ids: frozenset[str]
    label: str
    problem: str | None = None  # why nothing is left, and what there would be


def resolve(filters: Filters, collection: Collection) -> Selection:
    """The papers of a collection that pass every filter."""
    found = list(_conditions(filters, collection))
    if not found:
        return Selection(frozenset(collection.store.paper_ids()), "")
    left = frozenset(set.intersection(*(papers for _, papers, _ in found)))
    problem = None
    if not left:
        problem = next((hint for _, papers, hint in found if not papers), None) or (
            "no paper meets all conditions at once: " + ", ".join(f"{len(papers)} {what}" for what, papers, _ in found)
        )
    return Selection(left, filters.label, problem)


def author_words(name: str) -> list[str]:
    """The words of a person's name in lower case without accents: "Müller, K.-R." → muller, k, r."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain.casefold())


def is_author(asked: Sequence[str], author: Sequence[str]) -> bool:
    """Whether the words of a name asked for fit an author's, in any order; an initial fits what it begins.

    >>> is_author(["meng", "k"], ["kevin", "meng"]), is_author(["kevin", "meng"], ["k", "meng"])
    (True, True)
    >>> is_author(["meng", "l"], ["kevin", "meng"])
    False
    """
    if not any(len(word) > 1 or not word.isascii() for word in set(asked) & set(author)):
        return False  # initials alone fit anybody
    left = list(author)
    for word in sorted(asked, key=lambda word: (-len(word), word)):
        fits = [other for other in left if other == word] or [
            other for other in left if 1 in (len(word), len(other)) and word[0] == other[0]
        ]
        if not fits:
            return False
        left.remove(fits[0])
    return True


def _conditions(filters: Filters, collection: Collection) -> Iterator[tuple[str, set[str], str]]:
    """Each condition as (what papers do that meet it, their ids, what to say if there are none)."""
    store = collection.store
    if filters.sources:
        files = sorted({file.name for file in store.files()})
        chosen = {name for asked in filters.sources for name in _files(asked, files)}
        papers = set().union(*(store.papers_of_file(name) for name in chosen))
        yield f"are in {' or '.join(filters.sources)}", papers, (
            f"no paper is from {' or '.join(filters.sources)}; the files are: {_shown(files)}"
        )
    if filters.has_code is not None:
        with_code = store.papers_with_code()
        papers = with_code if filters.has_code else set(store.paper_ids()) - with_code
        yield f"give {'' if filters.has_code else 'no '}code", papers, (
            f"no abstract gives {'' if filters.has_code else 'no '}code"
        )
    for name in filters.names:
        papers = collection.with_name(name_key(name))
        yield f"mention {name}", papers, "" if papers else _no_such_name(name, collection)
    if filters.years is not None:
        papers = store.papers_from(*filters.years)
        problem = "" if papers else _no_such_year(filters.years, collection)
        yield f"are {_years_label(filters.years)}", papers, problem
    for name in filters.authors:
        papers = _by(name, collection)
        yield f"are by {name}", papers, "" if papers else _no_such_author(name, collection)


def _files(asked: str, known: Sequence[str]) -> list[str]:
    name = asked.replace("\\", "/").rpartition("/")[2]
    return [file for file in known if file == name] or [file for file in known if fnmatchcase(file, name)]


def _by(name: str, collection: Collection) -> set[str]:
    asked = author_words(name)
    candidates = {paper for word in asked for paper in collection.store.papers_with_author_word(word)}
    return {
        paper for paper, authors in collection.store.authors_of(sorted(candidates)).items()
        if any(is_author(asked, author_words(author)) for author in authors)
    }


def _no_such_name(name: str, collection: Collection) -> str:
    known = " or ".join(similar_names(name_key(name), collection))
    hint = f"did you mean {known}?" if known else "assistant names lists the known names"
    return f"no paper mentions {name}; {hint}"


def _no_such_year(years: tuple[int | None, int | None], collection: Collection) -> str:
    dated, first, last, _ = collection.store.known_bylines()
    if not dated:
        return "no paper's year is known; it is read from .jsonl and .csv files with a column year, date or published"
    return f"no paper is {_years_label(years)}; {dated} papers have a year, from {first} to {last}"


def _no_such_author(name: str, collection: Collection) -> str:
    *_, signed = collection.store.known_bylines()
    if not signed:
        return "no paper's authors are known; they are read from .jsonl and .csv files with a column authors or author"
    starts = [word[:3] for word in author_words(name) if len(word) > 2]
    near = [word for start in starts for word in collection.store.author_words_like(start, 3)]
    hint = f"; authors' names that begin alike: {', '.join(dict.fromkeys(near))}" if near else ""
    return f"no paper is by {name}; {signed} papers have authors{hint}"


def _years_label(years: tuple[int | None, int | None]) -> str:
    first, last = years
    if first is None or last is None:
        return "of any known year" if first == last else f"from {first} on" if last is None else f"up to {last}"
    return f"of {first}" if first == last else f"of {first}–{last}"


def _shown(files: Sequence[str]) -> str:
    more = len(files) - MAX_FILES_SHOWN
    return ", ".join(files[:MAX_FILES_SHOWN]) + (f" and {more} more" if more > 0 else "") or "none"
