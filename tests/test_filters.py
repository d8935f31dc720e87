"""Filters: which papers pass, that a search loses none of them, and where years, authors and code come from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from papers import ABSTRACTS, TITLES, Home, write_titled

from assistant import Assistant, Filters
from assistant.embedding.embedder import Embedder
from assistant.errors import MisuseError, StorageError
from assistant.index.collection import Collection
from assistant.retrieval.filters import author_words, is_author
from assistant.text.code_links import gives_code
from ingest.pipeline import rebuild

ROWS = (
    {"year": 2021, "authors": ["Kevin Meng", "David Bau"]}, {"date": "2022-03-01", "authors": "Ana García and K. Meng"},
    {"published": "May 2023", "author": "Li, Wei; Bau, David"}, {"year": "n.d.", "authors": ""},
)
QUESTIONS = (
    "how can facts inside a network be changed?", "hate speech", "cheaper training on fewer devices",
    "code generation benchmark", "medical question answering in other languages",
)


def write_table(path: Path, rows: tuple[dict[str, object], ...] = ROWS) -> Path:
    """Papers 0, 1, … as JSON lines, with what the rows add."""
    lines = [json.dumps({"title": TITLES[n], "abstract": ABSTRACTS[n], **row}) for n, row in enumerate(rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Assistant]:
    """Papers 0–3 from a table with years and authors, 4 and 5 from a text file without; 1 gives code."""
    folder = tmp_path_factory.mktemp("filters")
    home = Home(folder / "home", embedder)
    home.ingest(write_table(folder / "table.jsonl"), write_titled(folder / "dump.txt", [4, 5]))
    with Assistant(Collection(home.settings), embedder, home.settings) as opened:
        yield opened


def titles(assistant: Assistant, filters: Filters) -> list[int]:
    """The numbers of the papers that pass."""
    return sorted(TITLES.index(paper.title or "") for paper in assistant.papers(sorted(
        assistant.select(filters).paper_ids
    )))


@pytest.mark.parametrize(("filters", "passing"), [
    (Filters(), [0, 1, 2, 3, 4, 5]),
    (Filters(sources=("dump.txt",)), [4, 5]),
    (Filters(sources=("elsewhere/dump.txt",)), [4, 5]),
    (Filters(sources=("*.txt", "table.jsonl")), [0, 1, 2, 3, 4, 5]),
    (Filters(has_code=True), [1]),
    (Filters(has_code=False), [0, 2, 3, 4, 5]),
    (Filters(names=("gptj",)), [0]),
    (Filters(names=("Quillon", "GPT- J")), [0]),
    (Filters(names=("Quillon", "BM25")), []),
    (Filters(years=(2021, 2022)), [0, 1]),
    (Filters(years=(2022, None)), [1, 2]),
    (Filters(years=(None, 2022)), [0, 1]),
    (Filters(years=(None, None)), [0, 1, 2]),
    (Filters(authors=("Meng",)), [0, 1]),
    (Filters(authors=("Meng, Kevin",)), [0, 1]),
    (Filters(authors=("garcia",)), [1]),
    (Filters(authors=("David Bau",)), [0, 2]),
    (Filters(authors=("Meng", "Bau")), [0]),
    (Filters(authors=("K.",)), []),
    (Filters(authors=("Kevin Bau",)), []),
    (Filters(sources=("table*",), years=(2021, None), authors=("meng",), has_code=True), [1]),
])
def test_these_papers_pass(six: Assistant, filters: Filters, passing: list[int]) -> None:
    assert titles(six, filters) == passing


def test_a_filter_that_leaves_nothing_says_what_there_would_be(six: Assistant) -> None:
    problems = {
        Filters(sources=("a.txt",)): "no paper is from a.txt; the files are: dump.txt, table.jsonl",
        Filters(years=(1990, 1999)): "no paper is of 1990–1999; 3 papers have a year, from 2021 to 2023",
        Filters(authors=("Menger",)):
            "no paper is by Menger; 3 papers have authors; authors' names that begin alike: meng",
        Filters(names=("Foldawy",)): "no paper mentions Foldawy; did you mean Foldaway?",
        Filters(names=("Xyzzy",)): "no paper mentions Xyzzy; assistant names lists the known names",
        Filters(names=("Quillon",), years=(2022, 2022)):
            "no paper meets all conditions at once: 1 mention Quillon, 1 are of 2022",
    }

    assert {filters: six.select(filters).problem for filters in problems} == problems
    assert six.search("anything", filters=Filters(sources=("a.txt",))) == []


@pytest.mark.parametrize("wrong", [
    lambda: Filters(names="GPT-J"), lambda: Filters(sources=("",)), lambda: Filters(authors=(" ",)),
    lambda: Filters(years=(2023, 2020)),
])
def test_filters_that_cannot_be_are_refused(wrong: object) -> None:
    with pytest.raises(MisuseError):
        wrong()  # type: ignore[operator]


# -- search and answers within a filter


@pytest.mark.parametrize("filters", [
    Filters(names=("GPT-J",)), Filters(sources=("003*",)), Filters(has_code=True), Filters(has_code=False),
], ids=lambda filters: filters.label)
@pytest.mark.parametrize("question", QUESTIONS)
def test_filtered_search_is_the_exact_ranking_of_the_papers_that_pass(
    assistant: Assistant, question: str, filters: Filters
) -> None:
    passing = assistant.select(filters).paper_ids
    everything = assistant.retriever()
    exact = everything.search(everything.query(question), limit=20, candidates=5000, among=sorted(passing))
    within = assistant.retriever(within=passing)

    found = within.search(within.query(question), limit=20, candidates=10)  # ten candidates would lose most

    assert [hit.paper.paper_id for hit in found] == [hit.paper.paper_id for hit in exact]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in exact], abs=1e-5)
    assert len(found) == 20 and {hit.paper.paper_id for hit in found} <= passing


def test_of_a_filter_that_many_pass_the_best_candidates_are_compared(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = assistant.select(Filters(has_code=False)).paper_ids
    retriever = assistant.retriever(within=passing)
    exact = {question: retriever.search(retriever.query(question), limit=1) for question in QUESTIONS}
    compared = len(retriever.rank(retriever.query(QUESTIONS[0]), candidates=10))

    monkeypatch.setattr("assistant.retrieval.retriever.EXACT_PAPERS", 100)
    found = {question: retriever.rank(retriever.query(question), candidates=30) for question in QUESTIONS}

    assert compared == len(passing) > 100
    for question, ranking in found.items():
        assert 30 <= len(ranking) <= 60 and set(ranking.paper_ids()) <= passing
        assert ranking.paper_ids()[0] == exact[question][0].paper.paper_id


@pytest.mark.parametrize("question", [
    "which methods edit facts?", "how many papers mention GPT-J?", "what is EasyEdit?", "instruction tuning",
    "compare T5 and GPT-3", "how many papers do you know?", "who wrote MEMIT?",
])
def test_answers_cite_only_papers_that_pass_and_say_how_many_there_are(assistant: Assistant, question: str) -> None:
    filters = Filters(sources=("003*",))
    passing = assistant.select(filters).paper_ids

    answer = assistant.ask(question, filters=filters)

    shown = {found.paper_id for found in (*answer.citations, *answer.items, *answer.nearest)}
    assert shown <= passing
    assert answer.considered == len(passing) == 55
    assert answer.trace[0] == "filter: in 003*: 55 papers"


def test_comparing_what_the_filter_left_out_is_refused(assistant: Assistant) -> None:
    answer = assistant.ask("compare MEMIT and MALMEN", filters=Filters(sources=("004*",)))

    assert answer.abstained and answer.reason == "none of these papers mentions MEMIT or MALMEN"
    assert answer.citations == ()


def test_asking_after_what_the_filter_left_out_says_so(assistant: Assistant) -> None:
    answer = assistant.ask("what is MEMIT?", filters=Filters(sources=("004*",)))

    assert answer.abstained and answer.reason == "none of these papers mentions MEMIT"


def test_no_filter_changes_nothing(assistant: Assistant) -> None:
    plain, empty = assistant.ask(QUESTIONS[0]), assistant.ask(QUESTIONS[0], filters=Filters())

    assert (plain.text, plain.trace) == (empty.text, empty.trace)


def test_name_is_one_more_filter(six: Assistant) -> None:
    (hit,) = six.search("x", name="GPT-J", filters=Filters(years=(2021, 2021)))

    assert hit.paper.title == TITLES[0]
    assert six.search("x", name="GPT-J", filters=Filters(has_code=True)) == []


# -- where code, years and authors come from


@pytest.mark.parametrize(("abstract", "expected"), [
    ("Find it at https://github.com/owner/repo.", True),
    ("See https://huggingface.co/owner and https://zenodo.org/records/12.", True),
    ("It will be released at https://gitlab.com/a/b.", True),
    ("The source code has been released.", True),
    ("Our code can be found at https://aka.ms/LearningLaw.", True),
    ("Code and demo are available in the supplementary materials.", True),
    ("Datasets, tuned models, and implementation are publicly available online.", True),
    ("We release the source code of our implementation.", True),
    ("We have also open-sourced our models and code.", True),
    ("It is released as open source.", True),
    ("Our code will be made available shortly.", False),
    ("The code will be released.", False),
    ("Codex is fine-tuned on publicly available code from GitHub.", False),
    ("We release a dataset of code.", False),
    ("We provide a survey of code generation.", False),
    ("Models whose code is available are few.", False),
    ("There are models whose source code is available.", False),
    ("We compare open-source models. No code is available.", False),
    ("The project page is https://authors.github.io.", False),
    ("We open-source our models.", False),
])
def test_an_abstract_gives_code_by_a_link_or_in_so_many_words(abstract: str, expected: bool) -> None:
    assert gives_code(abstract) is expected


def test_72_papers_of_the_seeds_give_code(assistant: Assistant) -> None:
    """Counted by reading: 65 have a link to a repository, 7 say that the code is available."""
    assert len(assistant.select(Filters(has_code=True)).paper_ids) == 72


def test_the_seeds_know_neither_years_nor_authors(assistant: Assistant) -> None:
    for filters in (Filters(years=(None, None)), Filters(authors=("Meng",))):
        assert assistant.select(filters).paper_ids == frozenset()


@pytest.mark.parametrize(("asked", "author", "expected"), [
    ("Müller", "K.-R. Muller", True), ("K Meng", "Kevin Meng", True), ("Kevin Meng", "Meng K.", True),
    ("L Meng", "Kevin Meng", False), ("K", "Kevin Meng", False), ("Kevin Meng", "Kevin Bau", False),
    ("王", "王 伟", True), ("Meng Meng", "Kevin Meng", False),
])
def test_a_name_fits_an_author_whatever_its_order_accents_and_initials(asked: str, author: str, expected: bool) -> None:
    assert is_author(author_words(asked), author_words(author)) is expected


def test_a_table_as_csv_gives_years_and_authors_too(home: Home, tmp_path: Path) -> None:
    table = tmp_path / "zotero.csv"
    table.write_text(
        '"Publication Year","Author","Title","Abstract Note"\n'
        f'"2019","Meng, Kevin; Bau, David","{TITLES[0]}","{ABSTRACTS[0]}"\n'
        f'"","","{TITLES[1]}","{ABSTRACTS[1]}"\n', encoding="utf-8",
    )
    home.ingest(table)

    with home.open() as collection:
        entries = collection.store.entries(collection.store.paper_ids()).values()
        known = {entry.paper.title: (entry.paper.year, entry.paper.authors) for entry in entries}
    assert known == {TITLES[0]: (2019, ("Meng, Kevin", "Bau, David")), TITLES[1]: (None, ())}


def test_a_year_that_comes_later_is_taken_up_and_nothing_is_embedded(home: Home, tmp_path: Path) -> None:
    home.ingest(write_table(tmp_path / "a.jsonl", ({}, {"year": 2020})))
    report = home.ingest(write_table(tmp_path / "a.jsonl", ({"year": 2019, "authors": ["Ann Li"]}, {"year": 2020})))

    assert (report.updated, report.unchanged, report.embedded) == (1, 1, 0)
    with home.open() as collection:
        (paper,) = collection.store.papers_from(None, 2019)
        found = collection.store.paper(paper)
        assert found is not None and (found.title, found.authors) == (TITLES[0], ("Ann Li",))
        assert collection.store.papers_with_author_word("li") == {paper}
    report = home.ingest(write_table(tmp_path / "a.jsonl", ({}, {"year": 2020})))
    assert (report.updated, report.embedded) == (1, 0)
    with home.open() as collection:
        assert collection.store.papers_with_author_word("li") == set()


def test_a_repeat_without_year_takes_none_away(home: Home, tmp_path: Path) -> None:
    home.ingest(write_table(tmp_path / "b.jsonl", ({"year": 2021, "authors": "A B; C D"},)))
    home.ingest(write_titled(tmp_path / "a.txt", [0]))

    with home.open() as collection:
        (entry,) = collection.store.entries(collection.store.paper_ids()).values()
    assert (entry.paper.year, entry.paper.authors) == (2021, ("A B", "C D"))
    assert [source.file for source in entry.paper.sources] == ["a.txt", "b.jsonl"]


def test_years_authors_and_code_survive_a_rebuild(home: Home, tmp_path: Path) -> None:
    home.ingest(write_table(tmp_path / "table.jsonl"))

    def stored() -> tuple[object, ...]:
        with home.open() as collection:
            return (collection.store.known_bylines(), collection.store.papers_with_code(),
                    collection.store.papers_with_author_word("meng"))

    before = stored()
    rebuild(home.settings, home.embedder)
    assert stored() == before


def to_schema_2(database: Path) -> None:
    """Undo what schema 3 added, in another process: closing the file here would drop this one's locks on it."""
    subprocess.run([sys.executable, "-c", """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for index in ("papers_year", "papers_code", "author_words_paper", "abbreviations_expansion"):
    db.execute(f"DROP INDEX {index}")
db.execute("DROP TABLE author_words")
for table, columns in {"papers": ("year", "authors", "has_code"), "records": ("year", "authors")}.items():
    for column in columns:
        db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
db.execute("UPDATE card SET value = '2' WHERE key = 'schema'")
db.commit()
""", str(database)], check=True)


def test_an_index_of_schema_2_is_refused_until_it_is_brought_up_to_date_and_loses_nothing(
    home: Home, tmp_path: Path
) -> None:
    dump = write_titled(tmp_path / "six.txt", range(6))
    home.ingest(dump)
    before, generation = home.state(), home.generation()
    to_schema_2(home.index / "papers.sqlite")

    with pytest.raises(StorageError, match=r"^this index has schema 2, this program reads 3; run: ingest rebuild$"):
        Collection(home.settings)
    report = home.ingest(dump)

    assert (report.unchanged, report.embedded) == (6, 0)
    assert home.state() == before and home.generation() > generation
    with home.open() as collection:
        assert len(collection.store.papers_with_code()) == 1
    to_schema_2(home.index / "papers.sqlite")
    rebuild(home.settings, home.embedder)
    assert home.state() == before
