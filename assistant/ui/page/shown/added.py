"""An ingest → HTML: its progress, its report, and the sources there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.ui.page.adding import Step
from assistant.ui.page.shown.escape import text

if TYPE_CHECKING:
    from ingest.report import Report

AS_IT_WAS = (
    "The collection is as it was. A file has one abstract a line, or a title line before each abstract line; or it is "
    "a table (.csv) or JSON lines (.jsonl) with a column called abstract."
)
MOST_SKIPS = 50  # shown; the report counts all


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A file of the collection."""

    file_id: int
    name: str
    layout: str
    records: int
    papers: int


def progress(step: Step) -> str:
    """How far an ingest is."""
    if not step.total:
        return '<div class="adding-now" role="status"><p>Reading the files …</p></div>'
    twentieths = 20 * step.done // step.total
    return (
        f'<div class="adding-now" role="status"><p>{text(step.file)}: {step.done:,} of {step.total:,} records</p>'
        f'<div class="adding-bar"><div class="adding-done adding-{5 * twentieths}"></div></div></div>'
    )


def report(found: Report, notes: Sequence[str] = ()) -> str:
    """What an ingest did; nothing is left out in silence."""
    counts = [
        ("new paper" if found.added == 1 else "new papers", found.added), ("records with a new text", found.updated),
        ("merged with a paper that was there", found.merged), ("unchanged", found.unchanged),
        ("records removed", found.removed), ("skipped", len(found.skipped)),
    ]
    listed = "".join(f"<li><b>{count:,}</b> {name}</li>" for name, count in counts if count)
    skips = _listed("Skipped, and why", found.skips())
    if not found.files:
        return (
            f'<div class="adding-report" role="alert"><h3>Nothing was read</h3>{skips}<p>{AS_IT_WAS}</p></div>'
        )
    records = "1 record" if found.read == 1 else f"{found.read:,} records"
    files = "1 file" if found.files == 1 else f"{found.files:,} files"
    headline = f"Read {records} from {files}" if found.read or found.skipped else f"Took out {files}"
    return (
        f'<div class="adding-report" role="status"><h3>{headline}</h3><ul>{listed}</ul>{_listed("Note", notes)}{skips}'
        f"<p>The collection now has {found.papers:,} papers.</p></div>"
    )


def problem(why: str) -> str:
    """Why nothing was done, or not all of it."""
    return f'<div class="adding-report" role="alert"><p>{text(why[:1].upper() + why[1:])}.</p></div>'


def sources(rows: Sequence[SourceRow]) -> str:
    """The files of the collection as a table."""
    if not rows:
        return '<div class="adding-sources"><p>The collection has no file yet.</p></div>'
    body = "".join(
        f'<tr><th scope="row" dir="auto">{text(row.name)}</th><td>{row.records:,}</td><td>{row.papers:,}</td>'
        f"<td>{text(row.layout)}</td></tr>" for row in rows
    )
    return (
        '<div class="adding-sources"><table><thead><tr><th scope="col">Source</th><th scope="col">Records</th>'
        f'<th scope="col">Papers</th><th scope="col">Read as</th></tr></thead><tbody>{body}</tbody></table></div>'
    )


def question(row: SourceRow, own: int) -> str:
    """Whether to remove it; ``own``: its papers that no other file has, which would go."""
    also = row.papers - own
    stay = f"; {also:,} that other sources have too stay" if also else ""
    papers = "1 paper goes" if own == 1 else f"{own:,} papers go"
    return (
        f'<div class="adding-sure" role="alert"><p>Remove <b dir="auto">{text(row.name)}</b>? {papers} from the '
        f"collection{stay}.</p></div>"
    )


def _listed(name: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    rows = "".join(f"<li>{text(line)}</li>" for line in lines[:MOST_SKIPS])
    more = f"<li>… and {len(lines) - MOST_SKIPS:,} more</li>" if len(lines) > MOST_SKIPS else ""
    return f"<h4>{name}</h4><ul>{rows}{more}</ul>"
