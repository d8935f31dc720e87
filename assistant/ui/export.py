"""Answers as files for other programs: Markdown, CSV, BibTeX, text and JSON; plain functions from values to text."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence

from assistant.answering.citations import places, shorten
from assistant.answering.items import heading
from assistant.answering.method_names import method_name
from assistant.errors import MisuseError
from assistant.records import Answer, Citation, ListItem, Paper, answer_json
from assistant.text.terminal import visible
from assistant.ui.render import answer_text

CSV_COLUMNS = ("mark", "name", "title", "quote", "figures", "sources", "url", "paper_id")
KEY_DIGITS = 8       # of a paper's id in its BibTeX key
SUPPLIED_TITLE = 60  # characters of an abstract that stand for a title that is not known

_MARK = re.compile(r"\\\[(\d+)\\\]")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#$])")
_LINE_START = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s)", re.MULTILINE)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # what a spreadsheet takes for the start of a formula
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", **{character: "\\" + character for character in "&%$#_"},
}


def export(answer: Answer, form: str, papers: Mapping[str, Paper]) -> str:
    """An answer in one of `FORMATS`, ending without a newline (CSV rows end with CR LF).

    Args:
        papers: the cited papers by id; BibTeX takes authors, years and abstracts from them.
    Raises:
        MisuseError: there is no such format.
    """
    if form not in FORMATS:
        raise MisuseError(f"no format is called {form!r}; choose one of {', '.join(FORMATS)}")
    return visible(FORMATS[form](answer, papers))


def exported(answers: Sequence[Answer], form: str, papers: Mapping[str, Paper]) -> str:
    """A whole conversation in one of the formats: Markdown in turn, one table, each paper once.

    The table of several answers begins with a column ``question``.

    Raises:
        MisuseError: there is no such format.
    """
    if len(answers) == 1 or form not in ("csv", "bib"):
        return "\n\n".join(export(answer, form, papers) for answer in answers)
    if form == "bib":
        return visible(_entries([found for answer in answers for found in answer.citations], papers))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("question", *CSV_COLUMNS))
    for answer in answers:
        writer.writerows([_cell(answer.question), *row] for row in _rows(answer))
    return visible(out.getvalue())


def markdown(answer: Answer) -> str:
    """Question, answer, the table of a comparison, and every citation with its words and places.

    What papers say is escaped: it cannot become a heading, a link, an image or HTML.
    """
    parts = [f"## {_plain(answer.question)}", *_body(answer)]
    if answer.table:
        head = "| | Paper | Figures | |\n|---|---|---|---|"
        rows = [
            f"| {_plain(row.label)} | {_plain(row.title or 'untitled')} | {_plain(', '.join(row.figures))} | "
            f"{''.join(f'[{mark}]' for mark in row.marks)} |" for row in answer.table
        ]
        parts.append("\n".join([head, *rows]))
    if answer.citations:
        parts.append("### Citations")
        parts.append("\n".join(f"- [{found.mark}] {_reference(found)}" for found in answer.citations))
    if answer.nearest:
        parts.append("### Nearest in the collection")
        parts.append("\n".join(
            f"- {_plain(near.title)} ({_plain(places(near.sources))}): “{_plain(near.quote)}”" if near.title
            else f"- “{_plain(near.quote)}” ({_plain(places(near.sources))})"
            for near in answer.nearest
        ))
    return "\n\n".join(parts)


def table(answer: Answer) -> str:
    """The items of a list, else the things compared, else the citations, as CSV with a header (RFC 4180).

    A cell that a spreadsheet would take for a formula gets an apostrophe in front. A refusal has the header only.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(_rows(answer))
    return out.getvalue()


def bibtex(answer: Answer, papers: Mapping[str, Paper]) -> str:
    """One entry for each cited paper, in order of citation. What the collection does not know is said in ``note``.

    Keys are made of the title's first word and the paper's id, so they are unique and stay the same. A title that is
    not known is supplied from the abstract, in brackets.
    """
    return _entries(answer.citations, papers)


FORMATS: Mapping[str, Callable[[Answer, Mapping[str, Paper]], str]] = {
    "text": lambda answer, papers: answer_text(answer),
    "json": lambda answer, papers: json.dumps(answer_json(answer), ensure_ascii=False),
    "md": lambda answer, papers: markdown(answer),
    "csv": lambda answer, papers: table(answer),
    "bib": bibtex,
}


# -- Markdown


def _body(answer: Answer) -> list[str]:
    if not answer.items:
        return [_MARK.sub(r"[\1]", _plain(part)) for part in answer.text.split("\n")]
    head = [_MARK.sub(r"[\1]", _plain(part)) for part in heading(answer).split("\n\n")]
    items = [
        f"{number}. {_label(item)}“{_plain(item.quote)}” [{item.mark}]" for number, item in enumerate(answer.items, 1)
    ]
    return [*head, "\n".join(items)]


def _label(item: ListItem) -> str:
    """What an item is called, with a colon; nothing where it has no name and no title."""
    label = item.name or item.title
    title = f" — {_plain(item.title)}" if item.title and item.title != label else ""
    return f"**{_plain(label)}**{title}: " if label else ""


def _reference(found: Citation) -> str:
    url = f" <{found.url}>" if found.url and not re.search(r"[\s<>]", found.url) else ""
    title = f"{_plain(found.title)}. " if found.title else ""
    return f"{title}{_plain(places(found.sources))}. “{_plain(found.quote)}”{url}"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    escaped = _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
    return _LINE_START.sub(r"\1\\\2", escaped) if not escaped[:1].isdigit() else re.sub(
        r"^(\d+)([.)])(?=\s)", r"\1\\\2", escaped
    )


# -- CSV


def _rows(answer: Answer) -> Iterator[list[object]]:
    names = {item.mark: item.name for item in answer.items}
    compared = {mark: row for row in answer.table for mark in row.marks}
    for mark, found in {found.mark: found for found in answer.citations}.items():
        row = compared.get(mark)
        yield [
            mark, *map(_cell, (
                (row.label if row else names.get(mark)) or "", found.title or "", found.quote,
                "; ".join(row.figures) if row else "", places(found.sources), found.url or "", found.paper_id,
            )),
        ]


def _cell(text: str) -> str:
    cleaned = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
    return "'" + cleaned if cleaned.lstrip().startswith(_FORMULA) or cleaned[:1] in ("\t", "\n") else cleaned


# -- BibTeX


def _entries(citations: Sequence[Citation], papers: Mapping[str, Paper]) -> str:
    cited = list(dict.fromkeys(found.paper_id for found in citations))
    urls = {found.paper_id: found.url for found in citations}
    known = [papers[paper_id] for paper_id in cited if paper_id in papers]
    short = [paper.paper_id[:KEY_DIGITS] for paper in known]
    entries = [
        _entry(paper, paper.paper_id if short.count(key) > 1 else key, urls[paper.paper_id])
        for paper, key in zip(known, short, strict=True)
    ]
    return "\n\n".join(entries) if entries else "% no paper is cited"


def _entry(paper: Paper, key: str, url: str | None) -> str:
    called = paper.title or _supplied(paper)
    first = re.sub(r"[^a-z0-9]", "", _ascii(called.split()[0]).casefold()) or "paper"
    unknown = [
        name for name, value in (("title", paper.title), ("authors", paper.authors), ("year", paper.year)) if not value
    ]
    said = f"Abstract read at {places(paper.sources)}." + (
        f" The collection does not know its {_listed(unknown)}." if unknown else ""
    )
    fields = {
        "title": f"{{{_latex(called)}}}",  # the inner braces keep capitals
        "author": " and ".join(map(_author, paper.authors)) or None,
        "year": str(paper.year) if paper.year else None,
        "url": _url(url) if url else None,
        "abstract": _latex(paper.abstract),
        "note": _latex(said),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@misc{{{first}{key},\n" + ",\n".join(lines) + "\n}"


def _supplied(paper: Paper) -> str:
    """What stands for a title that is not known, in brackets as bibliographies have it: how the abstract begins.

    What the paper calls its method, if it does, comes first.
    """
    name = method_name(paper, papers_with=lambda keys: {})
    return f"[{f'{name}: ' if name else ''}{shorten(paper.abstract, SUPPLIED_TITLE)}]"


def _author(name: str) -> str:
    return f"{{{_latex(name)}}}" if re.search(r"\band\b", name) else _latex(name)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def _url(url: str) -> str:
    """An address as BibTeX keeps it: braces, which must balance, and backslashes percent-encoded."""
    return url.replace("\\", "%5C").replace("{", "%7B").replace("}", "%7D")


def _listed(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
