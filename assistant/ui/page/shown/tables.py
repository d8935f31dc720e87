"""List answers and comparisons as tables."""

from __future__ import annotations

from assistant.answering.citations import title_of
from assistant.records import Answer, Compared
from assistant.ui.page.shown.escape import text
from assistant.ui.page.shown.marks import check, mark, near_papers, place, quote
from assistant.ui.page.shown.prose import prose

AT_FIRST = 25     # rows shown before "show all"
LONGEST = 500     # rows shown at all; an export has every one


def listing(answer: Answer) -> str:
    """A list answer: how many papers were looked at, a row for each that fits, and what just missed the cut."""
    head = answer.text.partition("\n1. ")[0].rstrip(": ")
    cited = {found.mark: found for found in answer.citations}
    checked = {number: sentence.checked for sentence in answer.sentences for number in sentence.marks}
    rows = "".join(
        f'<tr{" hidden" if number > AT_FIRST else ""}><td class="number">{number}</td>'
        f'<td class="method" data-label="Method"><bdi>{text(item.name or "–")}</bdi></td>'
        f'<td class="title" data-label="Title"><bdi>{text(title_of(item.title, item.quote))}</bdi>{place(item.sources)}</td>'
        f'<td data-label="Says">{quote(item.quote)}{check(checked.get(item.mark, False))}</td>'
        f'<td class="number">{mark(cited[item.mark]) if item.mark in cited else item.mark}</td></tr>'
        for number, item in enumerate(answer.items[:LONGEST], 1)
    )
    return "".join((
        prose(head, (), answer.citations), _looked_at(answer),
        '<div class="scroll" tabindex="0" role="region" aria-label="The papers that fit">'
        '<table class="items"><thead><tr>', _heads(), f"</tr></thead><tbody>{rows}</tbody></table></div>",
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
    rest = _rest(answer)
    return (
        f'{rest}<div class="scroll" tabindex="0" role="region" aria-label="Side by side"><table class="compared"><thead>'
        f'<tr><td></td>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'
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
    notice = answer.text[:answer.text.find(") ") + 2] if answer.text.startswith("(") else ""
    return prose(notice + " ".join(sentence.text for sentence in other), other, answer.citations)


def _heads() -> str:
    names = (("number", "#"), ("text", "Method"), ("text", "Title"), ("text", "What it says"), ("number", "Mark"))
    return "".join(
        f'<th scope="col"{" aria-sort=ascending" if not column else ""}><button type="button" class="sort" '
        f'data-do="sort" data-column="{column}" data-as="{kind}">{name}</button></th>'
        for column, (kind, name) in enumerate(names)
    )


def _looked_at(answer: Answer) -> str:
    papers = "paper" if answer.considered == 1 else "papers"
    return f'<p class="looked">Looked at {answer.considered:,} {papers}.</p>'


def _more(items: int) -> str:
    if items <= AT_FIRST:
        return ""
    shown = min(items, LONGEST)
    button = f'<button type="button" class="plain" data-do="rows">Show all {shown:,}</button>'
    left = f' <span class="place">An export has all {items:,}.</span>' if items > LONGEST else ""
    return f'<p class="more">{button}{left}</p>'


def _misses(answer: Answer) -> str:
    if not answer.near_misses:
        return ""
    count = len(answer.near_misses)
    return (
        f'<details class="misses"><summary>Just under the cut: {count} {"paper" if count == 1 else "papers"}</summary>'
        f"{near_papers(answer.near_misses)}</details>"
    )
