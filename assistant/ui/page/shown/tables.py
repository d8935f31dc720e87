"""List answers and comparisons as tables."""

from __future__ import annotations

from assistant.answering.citations import title_of
from assistant.answering.items import heading
from assistant.records import Answer, Compared
from assistant.ui.page.shown.buttons import button
from assistant.ui.page.shown.escape import text
from assistant.ui.page.shown.marks import check, mark, near_papers, place, quote
from assistant.ui.page.shown.prose import notices, prose

AT_FIRST = 25     # rows shown before "show all"
LONGEST = 500     # rows shown at all; an export has every one


def listing(answer: Answer) -> str:
    """A list answer: how many papers were looked at, a row for each that fits, and what just missed the cut.

    The sentences of a fact that has items come first.
    """
    head = heading(answer).rstrip(": ")
    cited = {found.mark: found for found in answer.citations}
    checked = {number: sentence.checked for sentence in answer.sentences for number in sentence.marks}
    rows = []
    for number, item in enumerate(answer.items[:LONGEST], 1):
        cells = (
            ("number", "", str(number)),
            ("method", "Method", f"<bdi>{text(item.name or '–')}</bdi>"),
            ("title", "Title", f"<bdi>{text(title_of(item.title, item.quote))}</bdi>{place(item.sources)}"),
            ("says", "Says", quote(item.quote) + check(checked.get(item.mark, False))),
            ("number", "", mark(cited[item.mark]) if item.mark in cited else str(item.mark)),
        )
        rows.append(f"<tr{' hidden' if number > AT_FIRST else ''}>" + "".join(
            f'<td class="{css}" data-label="{label}">{cell}</td>' for css, label, cell in cells
        ) + "</tr>")
    return "".join((
        prose(head, answer.sentences, answer.citations), _looked_at(answer),
        '<div class="scroll" tabindex="0" role="region" aria-label="The papers that fit">'
        '<table class="items"><thead><tr>', _heads(), f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>",
        _more(len(answer.items)), _misses(answer),
    ))


def comparison(answer: Answer) -> str:
    """Things compared, side by side: what each paper says, and its figures."""
    cited = {found.mark: found for found in answer.citations}
    heads = "".join(
        f'<th scope="col"><bdi>{text(row.label)}</bdi></th>' for row in answer.table
    )
    bodies = [
        ("Paper", [
            f"<bdi>{text(title_of(row.title, ''))}</bdi>" + "".join(
                place(cited[number].sources) for number in row.marks[:1] if number in cited
            ) for row in answer.table
        ]),
        ("Says", [_said(answer, row) for row in answer.table]),
    ]
    if any(row.figures for row in answer.table):
        bodies.append(("Figures", [text(", ".join(row.figures)) or "–" for row in answer.table]))
    lines = "".join(
        f'<tr><th scope="row">{name}</th>' + "".join(
            f'<td data-label="{text(row.label)}">{cell}</td>' for row, cell in zip(answer.table, cells, strict=True)
        ) + "</tr>" for name, cells in bodies
    )
    return _rest(answer) + (
        '<div class="scroll" tabindex="0" role="region" aria-label="Side by side"><table class="compared">'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _said(answer: Answer, row: Compared) -> str:
    cited = {found.mark: found for found in answer.citations}
    own = [sentence for sentence in answer.sentences if set(sentence.marks) & set(row.marks)]
    return " ".join(
        f'<span class="sentence"><bdi>{text(sentence.text)}</bdi>{check(sentence.checked)}'
        + "".join(mark(cited[number]) for number in sentence.marks if number in cited) + "</span>" for sentence in own
    ) or "–"


def _rest(answer: Answer) -> str:
    """What a comparison says beside what stands in its table: a notice, or what differs."""
    in_table = {number for row in answer.table for number in row.marks}
    other = [sentence for sentence in answer.sentences if not set(sentence.marks) & in_table]
    return notices(answer.text)[0] + prose(" ".join(sentence.text for sentence in other), other, answer.citations)


def _heads() -> str:
    names = (("number", "#"), ("text", "Method"), ("text", "Title"), ("text", "What it says"), ("number", "Mark"))
    return "".join(
        f'<th scope="col"{"" if column else " aria-sort=ascending"}>'
        + button(name, "sort", css="sort", column=column, **{"as": kind}) + "</th>"
        for column, (kind, name) in enumerate(names)
    )


def _looked_at(answer: Answer) -> str:
    papers = "paper" if answer.considered == 1 else "papers"
    return f'<p class="looked">Looked at {answer.considered:,} {papers}.</p>'


def _more(items: int) -> str:
    if items <= AT_FIRST:
        return ""
    shown = min(items, LONGEST)
    left = f' <span class="place">An export has all {items:,}.</span>' if items > LONGEST else ""
    return f'<p class="more">{button(f"Show all {shown:,}", "rows")}{left}</p>'


def _misses(answer: Answer) -> str:
    if not answer.near_misses:
        return ""
    count = len(answer.near_misses)
    return (
        f'<details class="misses"><summary>Just under the cut: {count} {"paper" if count == 1 else "papers"}</summary>'
        f"{near_papers(answer.near_misses)}</details>"
    )
