"""Answers as files: what Markdown shows, what a spreadsheet and a reference manager read back."""

from __future__ import annotations

import csv
import io
import json

import pytest
from pybtex.database import Entry, parse_string

from assistant import Answer, Assistant, Paper, Source
from assistant.errors import MisuseError
from assistant.records import Citation, ListItem
from assistant.ui.export import CSV_COLUMNS, FORMATS, bibtex, export, markdown, table
from assistant.ui.render import answer_text

HOSTILE = '=HYPERLINK("http://evil.example","x") & 100% of {braces} in_x ~ \\cmd #1 $5 ^2'


def paper(number: int, *, title: str | None, abstract: str = "An abstract.", year: int | None = None,
          authors: tuple[str, ...] = ()) -> Paper:
    paper_id = f"{number:020x}"[::-1]
    return Paper(paper_id, title, abstract, abstract, (Source("a_b.txt", number),), (), year, authors)


def answer(*papers: Paper, items: bool = False) -> Answer:
    """One that cites the first ten characters of each paper."""
    cited = tuple(
        Citation(mark, one.paper_id, one.title, one.sources, one.abstract[:10], 0, 10, None)
        for mark, one in enumerate(papers, 1)
    )
    listed = tuple(
        ListItem(found.paper_id, None, found.title, found.mark, found.quote, 0, 10, found.sources) for found in cited
    ) if items else ()
    return Answer("1", "q?", "list" if items else "fact", "Said. [1]", citations=cited, items=listed)


def parsed(text: str) -> dict[str, Entry]:
    """Key -> entry; pybtex raises on anything that is not BibTeX, and on a repeated key."""
    return dict(parse_string(text, "bibtex").entries)


def test_bibtex_says_what_is_not_known_and_invents_nothing() -> None:
    known = paper(1, title="Rome: A Tale", year=2022, authors=("Kevin Meng", "Bau, David"))
    unknown = paper(2, title=None)

    first, second = parsed(bibtex(answer(known, unknown), {p.paper_id: p for p in (known, unknown)})).values()

    assert [str(person) for person in first.persons["author"]] == ["Meng, Kevin", "Bau, David"]
    assert (first.fields["year"], first.fields["title"]) == ("2022", "{Rome: A Tale}")
    assert "does not know" not in first.fields["note"]
    assert not {"author", "year"} & {*second.fields, *second.persons}
    assert second.fields["title"] == "{[An abstract.]}"
    assert second.fields["note"].endswith("The collection does not know its title, authors or year.")


@pytest.mark.parametrize("title", [HOSTILE, "50% off", "a}b", "a{b", "Sabiá", "back\\slash", "語", "@misc{x,", '"q"'])
def test_bibtex_stays_whole_whatever_a_title_says(title: str) -> None:
    papers = [paper(1, title=title, abstract=title + " tail of it"), paper(2, title="Next")]

    first, second = parsed(bibtex(answer(*papers), {p.paper_id: p for p in papers})).values()

    assert second.fields["title"] == "{Next}"
    assert first.fields["title"].count("{") == first.fields["title"].count("}")
    assert first.fields["abstract"].endswith(" tail of it")


def test_keys_are_unique_and_the_same_each_time() -> None:
    twins = [Paper("ab" * 4 + "0" * 11 + end, "Same Title", "An abstract.", "") for end in "12"]
    papers = {p.paper_id: p for p in twins}

    keys = list(parsed(bibtex(answer(*twins), papers)))

    assert len(keys) == 2
    assert keys == list(parsed(bibtex(answer(*twins), papers)))


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1"])
def test_a_spreadsheet_sees_no_formula(start: str) -> None:
    rows = list(csv.reader(io.StringIO(table(answer(paper(1, title=start, abstract=start + " and more words"))))))

    assert rows[0] == list(CSV_COLUMNS)
    assert all(not cell.lstrip().startswith(("=", "+", "-", "@", "＝")) for cell in rows[1])
    assert rows[1][2].endswith(start.strip())


def test_csv_is_read_back_as_it_was() -> None:
    text = 'Quoted "words", commas\nand lines'
    written = table(answer(paper(1, title=text), paper(2, title="B"), items=True))

    rows = list(csv.DictReader(io.StringIO(written, newline="")))

    assert [row["title"] for row in rows] == [text, "B"]
    assert rows[0]["sources"] == "a_b.txt:1"
    assert written.count("\r\n") == 3


def test_markdown_shows_what_a_paper_says_as_text() -> None:
    shown = markdown(answer(paper(1, title="![x](http://e.example/p.png) <b>*bold*</b> | `code`"), items=True))

    assert "![" not in shown and "<b>" not in shown and r"\*bold\*" in shown
    assert "- [1] " in shown


def test_a_comparison_has_a_table_in_markdown(assistant: Assistant) -> None:
    compared = assistant.ask("how strongly do DeltaZip and BitDelta compress the weight deltas?")

    lines = markdown(compared).split("\n")

    assert sum(line.startswith("| ") for line in lines) == 3  # a head and two rows
    assert any(line.startswith("| DeltaZip | ") for line in lines)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("question", [
    "which methods edit GPT-J?", "what is TurboPrimer?", "how many papers do you know?", "compare MEMIT and MALMEN",
])
def test_every_kind_of_answer_has_every_format(form: str, question: str, assistant: Assistant) -> None:
    found = assistant.ask(question)
    papers = {p.paper_id: p for p in assistant.papers([cited.paper_id for cited in found.citations])}

    text = export(found, form, papers)

    assert text.strip()
    works = len({cited.paper_id for cited in found.citations})
    if form == "json":
        assert json.loads(text)["matched"] == found.matched
    if form == "bib":
        assert len(parsed(text)) == works
    if form == "csv":
        assert len(list(csv.reader(io.StringIO(text)))) == 1 + len(found.citations)
    if form == "md":
        assert text.count("\n- [") == len(found.citations)


def test_another_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(MisuseError, match="choose one of text, json, md, csv, bib"):
        export(answer(), "docx", {})


def test_a_near_duplicate_is_cited_once_with_both_places(assistant: Assistant) -> None:
    found = assistant.papers(sorted(assistant.paper_ids(["002_f236ea0958816c3a.txt:436"])))[0]
    title = found.title or ""

    cited = [c for c in assistant.ask(f"what is {title}?").citations if c.paper_id == found.paper_id]

    assert {f"{source.file[:3]}:{source.line}" for source in cited[0].sources} == {"002:436", "004:9"}


def test_every_address_that_a_paper_gives_is_cited_with_its_scheme(assistant: Assistant) -> None:
    from assistant.answering.citations import first_url

    papers = assistant.papers(assistant.collection.store.paper_ids())
    urls = [url for url in map(first_url, (p.abstract for p in papers)) if url]

    assert len(urls) > 50 and all(url.startswith(("https://", "http://")) for url in urls)
    assert not [p.paper_id for p in papers if "github.com/" in p.abstract and "://" not in p.abstract]


def test_papers_without_a_title_are_told_apart_by_their_words() -> None:
    named = paper(1, title=None, abstract="Few models know surgery. We introduce Hypnos, a model of anesthesia.")
    plain = paper(2, title=None, abstract="Spatial grids are hard to walk for language models of every size and kind.")
    papers = {found.paper_id: found for found in (named, plain)}

    entries = parsed(bibtex(answer(named, plain), papers))
    shown = markdown(answer(named, plain, items=True)) + answer_text(answer(named, plain))

    assert [key[:6] for key in entries] == ["hypnos", "spatia"]
    first, second = (entry.fields["title"] for entry in entries.values())
    assert first.startswith("{[Hypnos: Few models know surgery.")
    assert second == "{[Spatial grids are hard to walk for language models of every …]}"
    assert "**(untitled)**" not in shown
    assert "(untitled), " not in shown
