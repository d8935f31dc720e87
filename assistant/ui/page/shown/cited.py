"""The side panel: the abstract that a mark stands for, with the quoted words marked."""

from __future__ import annotations

from assistant.answering.citations import places, title_of
from assistant.records import Paper
from assistant.ui.page.shown.buttons import button, copier
from assistant.ui.page.shown.escape import link, text
from assistant.ui.page.shown.links import links


def cited(paper: Paper, start: int, end: int, *, relevance: float | None = None, rank: int | None = None) -> str:
    """A paper with ``abstract[start:end]`` marked; nothing is marked if that is no part of it.

    Args:
        relevance: late interaction with the question, 0-1.
        rank: the paper's place among all for the question, from 1.
    """
    if not 0 <= start < end <= len(paper.abstract):
        start = end = 0
    before, quoted, after = paper.abstract[:start], paper.abstract[start:end], paper.abstract[end:]
    marked = f'<mark tabindex="-1">{text(quoted)}</mark>' if quoted else ""
    title = title_of(paper.title, paper.abstract)
    by = ", ".join([*paper.authors, *([str(paper.year)] if paper.year else [])])
    sources = "".join(f"<li><bdi>{text(places([source]))}</bdi></li>" for source in paper.sources)
    facts = [("Read at", f"<ul>{sources}</ul>")]
    if addresses := links(paper.abstract):
        facts.append(("Links", "<ul>" + "".join(f"<li>{link(found, found)}</li>" for found in addresses) + "</ul>"))
    if relevance is not None:
        place = f", number {rank} for this question" if rank else ""
        facts.append(("Relevance", f"{relevance:.2f}{place}"))
    copied = f"{title}. {f'{by}. ' if by else ''}{places(paper.sources)}." + (f" “{quoted}”" if quoted else "")
    return (
        f'<h2><bdi>{text(title)}</bdi></h2>' + (f'<p class="by"><bdi>{text(by)}</bdi></p>' if by else "")
        + f'<p class="abstract" dir="auto">{text(before)}{marked}{text(after)}</p><dl>'
        + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
        + f'</dl><p class="buttons">{copier(copied, "Copy citation")}'
        f'{button("Ask about this paper", "about", title=title)}</p>'
    )
