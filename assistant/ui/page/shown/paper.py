"""Papers → HTML: a page of results, and one paper with what is like it.

Everything a paper says is escaped. Papers are links to ``#paper/ID/START/END``, which the page's script turns into
requests, so that they can be reached by keyboard and the browser shows them as what they are.
"""

from __future__ import annotations

from assistant.answering.citations import places, shorten
from assistant.records import Answer, Citation, Paper
from assistant.ui.export import bibtex
from assistant.ui.page.browse import PAGE, Found, PaperDetails, ResultPage
from assistant.ui.page.shown.escape import link, text
from assistant.ui.page.shown.links import linked, links

LONGEST_TITLE = 300    # characters
LONGEST_SENTENCE = 320
MOST_NAMES = 12
MOST_PLACES = 6        # files a paper was read from
MOST_AUTHORS = 20


def results(result: ResultPage, heading: str) -> str:
    """A page of results under a heading that says how many there are."""
    if result.problem is not None:
        return f'<div class="papers-none" role="status"><p>Nothing found: {text(result.problem)}.</p></div>'
    rows = "".join(_row(found) for found in result.found)
    return (
        f'<div class="papers-found"><p class="papers-count" role="status">{text(heading)}</p>'
        f'<ol start="{result.first + 1}">{rows}</ol></div>'
    )


def heading(result: ResultPage, query: str, topic: str = "") -> str:
    """What the results are, in words.

    >>> heading(ResultPage((), 0, 326, 326), "")
    'All 326 papers, by title'
    >>> heading(ResultPage((), 20, 51, 51, "gives code"), "pruning", "sparsity")
    'Papers 21–40 of 51, best first, among 51: topic sparsity; gives code'
    >>> heading(ResultPage((), 0, 200, 326), "pruning")
    'Papers 1–20 of the nearest 200, best first'
    """
    conditions = "; ".join(part for part in (f"topic {topic}" if topic else "", result.label) if part)
    last = min(result.first + PAGE, result.total)
    if not query:
        count = "1 paper" if result.total == 1 else f"All {result.total:,} papers"
        span = f"Papers {result.first + 1:,}–{last:,} of {result.total:,}" if result.first else count
        return f"{span}, by title" + (f": {conditions}" if conditions else "")
    nearest = "the nearest " if result.total < result.passing else ""
    span = f"{result.first + 1:,}–{last:,} of {nearest}{result.total:,}" if result.total > PAGE else f"{result.total:,}"
    return f"Papers {span}, best first" + (f", among {result.passing:,}: {conditions}" if conditions else "")


def _row(found: Found) -> str:
    paper = found.paper
    sentence = paper.abstract[found.start:found.end] or paper.abstract
    signs = "".join([
        f'<span class="papers-year">{paper.year}</span>' if paper.year else "",
        '<span class="papers-code" title="the abstract gives code">code</span>' if found.has_code else "",
    ])
    return (
        f'<li><p class="papers-title">{_link(paper, found.start, found.end)}{signs}</p>'
        f'{_byline(paper, 3)}<p class="papers-quote" dir="auto">{text(shorten(sentence, LONGEST_SENTENCE))}</p>'
        f'<p class="papers-places">{_places(paper)}</p></li>'
    )


def _link(paper: Paper, start: int = 0, end: int = 0) -> str:
    place = f"#paper/{paper.paper_id}/{start}/{end}"
    untitled = "" if paper.title else ' class="untitled"'
    title = paper.title or shorten(paper.abstract, 90)
    return f'<a href="{place}"{untitled} dir="auto">{text(shorten(title, LONGEST_TITLE))}</a>'


def _byline(paper: Paper, most: int) -> str:
    if not paper.authors:
        return ""
    more = f" and {len(paper.authors) - most} more" if len(paper.authors) > most else ""
    return f'<p class="papers-authors" dir="auto">{text(", ".join(paper.authors[:most]) + more)}</p>'


def _places(paper: Paper) -> str:
    more = len(paper.sources) - MOST_PLACES
    return text(places(paper.sources[:MOST_PLACES])) + (f" and {more} more" if more > 0 else "")


def paper_view(details: PaperDetails, start: int = 0, end: int = 0) -> str:
    """One paper; ``start`` to ``end`` of its abstract is marked."""
    paper = details.paper
    facts = [("Read from", _places(paper))]
    if paper.authors:
        more = len(paper.authors) - MOST_AUTHORS
        byline = ", ".join(paper.authors[:MOST_AUTHORS]) + (f" and {more} more" if more > 0 else "")
        facts.append(("Authors", f'<span dir="auto">{text(byline)}</span>'))
    if paper.year:
        facts.append(("Year", str(paper.year)))
    urls = links(paper.abstract)
    if urls:
        facts.append(("Links", "<br>".join(link(url, url) for url in urls)))
    elif details.has_code:
        facts.append(("Code", "said to be available"))
    named = [name for name in details.names if _is_proper(name, paper)]
    if named:
        facts.append(("Names", text(", ".join(named[:MOST_NAMES]))))
    if paper.aliases:
        count = len(paper.aliases)
        facts.append(("Merged", f"{count} other wording{'s' if count > 1 else ''} of this abstract"))
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
    title = text(shorten(paper.title, LONGEST_TITLE)) if paper.title else "<i>untitled</i>"
    own = f'<a class="paper-own" href="#paper/{paper.paper_id}/{start}/{end}">{title}</a>'
    return (
        f'<div class="paper"><a class="paper-back" href="#papers-list">Back to the list</a><h3 dir="auto">{own}</h3>'
        f'<p class="paper-abstract" dir="auto">{_abstract(paper.abstract, start, end)}</p>'
        f"<dl>{listed}</dl>{_citation(paper)}{_similar(details)}</div>"
    )


def hint() -> str:
    """Before a paper has been chosen."""
    return '<div class="paper-hint"><p>Choose a paper from the list, or a point of the map.</p></div>'


def problem(why: str) -> str:
    """In place of what could not be shown."""
    return f'<div class="papers-none" role="alert"><p>{text(why)}.</p></div>'


def gone() -> str:
    """In place of a paper that is no longer there."""
    return '<div class="paper-hint"><p>This paper is no longer in the collection.</p></div>'


def _is_proper(name: str, paper: Paper) -> bool:
    """Whether it looks like a name by itself, or the title begins with it; "Language" may only begin a sentence."""
    signs = sum(character.isupper() or character.isdigit() for character in name)
    return (signs > 1 and len(name) > 1) or (paper.title or "").startswith(f"{name}:")


def _abstract(abstract: str, start: int, end: int) -> str:
    start, end = (start, end) if 0 <= start < end <= len(abstract) else (0, 0)
    marked = f"<mark>{linked(abstract[start:end])}</mark>" if end else ""
    return linked(abstract[:start]) + marked + linked(abstract[end:])


def _citation(paper: Paper) -> str:
    cited = Citation(1, paper.paper_id, paper.title, paper.sources, "", 0, 0, next(iter(links(paper.abstract)), None))
    entry = bibtex(Answer("", "", "fact", "", citations=(cited,)), {paper.paper_id: paper})
    lines = "<br>".join(text(line) for line in entry.splitlines())
    return f"<details><summary>BibTeX</summary><p class=\"paper-bibtex\">{lines}</p></details>"


def _similar(details: PaperDetails) -> str:
    if not details.similar:
        return ""
    rows = "".join(
        f'<li>{_link(paper)} <span class="papers-places">similarity {cosine:.2f}</span></li>'
        for paper, cosine in details.similar
    )
    return f'<h4>Similar papers</h4><ul class="paper-similar">{rows}</ul>'
