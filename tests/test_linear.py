"""Whatever reads an abstract takes time in proportion to its length, however odd the abstract is."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import count
from statistics import median

import pytest

from assistant.answering.method_names import method_name
from assistant.records import Paper
from assistant.retrieval.filters import author_words
from assistant.text.code_links import gives_code
from assistant.text.names import abbreviations, find_names, names_of
from assistant.text.prompt_injection import planted
from assistant.text.words import index_terms
from ingest.byline import read_authors, read_year
from ingest.clean import clean_abstract, normalise
from ingest.dedupe import same_work, signature
from ingest.layout import prose
from ingest.sentences import split_sentences

SHORT = 3_000  # characters
TIMES = 8      # as many in the long text
MAX_GROWTH = 24  # 8 if linear, 64 if quadratic
MEASURABLE_S = 0.02  # less says nothing about growth

# Repeated until the text is long enough. The second half of a pair fills the second half of the text.
UNITS: tuple[str | tuple[str, str], ...] = (
    "a", "A", "1", " ", "{", "}", "(", ")", "[", "$", "^", "_", "-", ".", "!", "…", "`", "'", '"', "“", "~",
    "/", "\\", "<", "é", "中", "²", "\u0301", "\u0301\u0316", "\u200b", "\\a", "\\a{", "\\ours ", "\\cite[",
    "\\cite{", "\\'", "&", "\\frac{a}{", "{a ", "^{", "$a ", "a.", "A. ", ". ", ": ", "://", "a://",
    "https://a.b/", "http://", "a@b.", "A-", "a-", "-A ", "--a", "1.", "1.1", "1b", "1times", "A/", "GPT-A/",
    "a b (AB) ", "AB (a b) ", "a-b-", "of ", "X ", "X, ", "<p", "<jats:a", "<system ", "gitlab.a", "we release ",
    "we release a ", "code and ", "propose ", "Propose ", "propose X ", "called X ", "existing ", "ignore all ",
    "your next ", "you must now ", "when you are ", "and ", ", and", "``a", "“a", ("A", "\\ours "), ("a", "/J"),
    ("A-B", "/J"), ("\u0301", "\u0316"), ("a-b-", "(ABABABAB) "), (" ", ", and "),
)
NUMBERS = count()  # no text is read twice, as some readers remember the last ones


def paper(title: str, abstract: str) -> Paper:
    return Paper("0" * 20, title, abstract, abstract)


def halved(read: Callable[[str, str], object], text: str) -> object:
    """The first half is the one text that is read, the second half the other."""
    middle = len(text) // 2
    return read(text[:middle], text[middle:])


def cleaned(read: Callable[[str], object]) -> Callable[[str], Callable[[], object]]:
    """Read what cleaning leaves of a text."""
    return lambda text: partial(read, clean_abstract(text))


def raw(read: Callable[[str], object]) -> Callable[[str], Callable[[], object]]:
    """Read a text as a file gave it."""
    return lambda text: partial(read, text)


READERS: dict[str, Callable[[str], Callable[[], object]]] = {
    "clean": raw(clean_abstract),
    "clean with a title": raw(partial(halved, lambda title, text: clean_abstract(text, f"X{title}: y"))),
    "layout": raw(prose),
    "authors": raw(read_authors),
    "authors in a list": raw(lambda text: read_authors(f"{text};{text}")),
    "year": raw(read_year),
    "normalise": cleaned(normalise),
    "signature": cleaned(signature),
    "repeats": cleaned(partial(halved, lambda one, other: same_work(one, f"{one} {other}"))),
    "sentences": cleaned(split_sentences),
    "planted": cleaned(lambda text: planted([f"{text} {text}"])),
    "code": cleaned(gives_code),
    "names": cleaned(lambda text: list(find_names(text))),
    "names of a title": cleaned(lambda text: names_of(f"{text}: y", text)),
    "abbreviations": cleaned(lambda text: list(abbreviations(text))),
    "terms": cleaned(index_terms),
    "words of an author": cleaned(author_words),
    "method": cleaned(lambda text: method_name(paper("y", text), papers_with=lambda _: {})),
    "method in a title": cleaned(
        partial(halved, lambda head, text: method_name(paper(f"{head} b: y", text), papers_with=lambda _: {}))
    ),
}


def written(unit: str | tuple[str, str], length: int) -> str:
    first, second = (unit, unit) if isinstance(unit, str) else unit
    half = length // 2
    return f"x{next(NUMBERS)} {first * (half // len(first))}{second * (half // len(second))}{{"


def seconds(read: Callable[[], object]) -> float:
    began = time.thread_time()
    read()
    return time.thread_time() - began


def growth(reader: Callable[[str], Callable[[], object]], unit: str | tuple[str, str]) -> float:
    """How many times as long a text takes that is eight times as long; 1 where that is too short to be measured."""
    def taken(length: int) -> float:
        return seconds(reader(written(unit, length)))

    if taken(TIMES * SHORT) < MEASURABLE_S:
        return 1.0
    return median(taken(TIMES * SHORT) / max(taken(SHORT), 1e-9) for _ in range(3))


@pytest.mark.parametrize("name", READERS)
def test_the_time_of_reading_grows_as_the_text_does(name: str) -> None:
    grown = {unit: growth(READERS[name], unit) for unit in UNITS}

    assert {unit: factor for unit, factor in grown.items() if factor > MAX_GROWTH} == {}


def test_a_title_as_long_as_the_abstract_is_no_name_to_put_in_for_its_macro() -> None:
    assert len(clean_abstract(r"\ours " * 100, f"X{'a' * 100_000}: y")) < 2_000


def test_of_marks_piled_on_one_letter_thirty_stay() -> None:
    assert clean_abstract(f"a{'̖' * 100}b") == f"a{'̖' * 30}b"
