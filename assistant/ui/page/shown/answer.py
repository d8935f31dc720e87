"""A question and its answer as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from assistant.answering.citations import title_of
from assistant.conversation.history import Feedback
from assistant.records import Answer, Turn
from assistant.ui.page.entries import Entry, Halted, Pending
from assistant.ui.page.shown.buttons import button, copier
from assistant.ui.page.shown.escape import link, text
from assistant.ui.page.shown.marks import mark, near_papers, place, reference
from assistant.ui.page.shown.prose import notices, prose, written
from assistant.ui.page.shown.tables import comparison, listing

SURE, HALF_SURE = 0.8, 0.5  # confidence from which a word says so


def conversation(
    turns: Sequence[Turn], *, rated: bool = False, feedback: Mapping[int, Feedback] | None = None, trace: bool = False
) -> str:
    """All turns; ``rated``: they can be rated."""
    return "".join(
        turn_html(turn, number, feedback=(feedback or {}).get(number), rated=rated, trace=trace)
        for number, turn in enumerate(turns, 1)
    )


def beginning(papers: int, questions: Sequence[str]) -> str:
    """What stands where nothing has been asked yet."""
    if not papers:
        return (
            '<div class="beginning"><h1>No papers yet</h1><p>Add some under <b>Add papers</b>, then ask about them '
            "here.</p></div>"
        )
    buttons = "".join(
        f'<li>{button(f"<bdi>{text(asked)}</bdi>", "ask", css="example", question=asked)}</li>' for asked in questions
    )
    return (
        f'<div class="beginning"><h1>Ask {papers:,} {"abstract" if papers == 1 else "abstracts"}</h1>'
        "<p>Answers are the papers’ own words. Every mark opens the abstract at the words it stands for.</p>"
        f'<ul class="examples" aria-label="Examples">{buttons}</ul></div>'
    )


def entry_html(entry: Entry, number: int) -> str:
    """A question that is being answered, or could not be."""
    if isinstance(entry, Turn):
        return turn_html(entry, number)
    said = f'<div class="prose">{written(entry.text)}</div>' if entry.text else ""
    if isinstance(entry, Pending):
        body = said or '<p class="wait"><span class="sr">Looking through the collection</span></p>'
        return _article(entry.question, number, f'<div class="said" aria-busy="true">{body}</div>', final=False)
    kind = "failed" if entry.failed else "stopped"
    tell = f'<p class="notice {kind}" role="{"alert" if entry.failed else "note"}">{text(_told(entry))}</p>'
    again = button("Try again", "ask", question=entry.question)
    return _article(entry.question, number, f'<div class="said">{said}{tell}{again}</div>', final=False)


def turn_html(
    turn: Turn, number: int, *, feedback: Feedback | None = None, rated: bool = False, trace: bool = False
) -> str:
    """A question and its answer, with what can be done with them."""
    answer = turn.answer
    parts = [body(answer), tools(answer, feedback=feedback, rated=rated)]
    if trace and answer.trace:
        lines = "".join(f"<li>{text(line)}</li>" for line in answer.trace)
        parts.append(f'<details class="trace"><summary>How it was answered</summary><ul>{lines}</ul></details>')
    return _article(turn.question, number, "".join(parts), final=True)


def body(answer: Answer) -> str:
    """What an answer says."""
    if answer.abstained:
        return _refusal(answer)
    if answer.items:
        inside = listing(answer)
    elif answer.table:
        inside = comparison(answer) + _sources(answer)
    else:
        inside = f'<div class="prose">{prose(answer.text, answer.sentences, answer.citations)}</div>{_sources(answer)}'
    near = (
        f'<details class="misses"><summary>Also near</summary>{near_papers(answer.nearest)}</details>'
        if answer.nearest else ""
    )
    return f'<div class="said {text(answer.kind)}">{inside}{near}</div>'


def confidence(answer: Answer) -> str:
    """How sure an answer is, in a word and its number.

    >>> confidence(Answer("1", "what?", "fact", "This.", confidence=0.87))
    'sure (0.87)'
    """
    word = "sure" if answer.confidence >= SURE else "fairly sure" if answer.confidence >= HALF_SURE else "unsure"
    return f"{word} ({answer.confidence:.2f})"


def tools(answer: Answer, *, feedback: Feedback | None = None, rated: bool = False) -> str:
    """What is known about an answer, and the buttons under it."""
    judged = [sentence for sentence in answer.sentences if sentence.marks]
    checked = sum(sentence.checked for sentence in judged)
    facts = [] if answer.abstained else [f'<span title="estimated chance that it is right">{confidence(answer)}</span>']
    if judged:
        facts.append(f"{checked} of {len(judged)} {'sentence' if len(judged) == 1 else 'sentences'} checked")
    facts.append(text("quoted" if answer.backend == "extractive" else f"written by {answer.backend}"))
    if "total" in answer.timings:
        facts.append(_took(answer.timings["total"]))
    if answer.cost is not None:
        facts.append(f"cost {answer.cost:.4f}")
    buttons = [button("Copy", "copy-answer", label="Copy this answer")]
    if not answer.abstained:
        buttons.append(_exports())
    if rated:
        buttons.append(_thumbs(feedback))
    return (
        f'<footer><span class="facts">{" · ".join(facts)}</span>'
        f'<span class="buttons">{"".join(buttons)}</span></footer>'
    )


def _article(question: str, number: int, inside: str, *, final: bool) -> str:
    change = f'<span class="change">{button("Edit", "edit")}{button("Retry", "retry")}</span>' if final else ""
    return (
        f'<article class="turn" data-turn="{number}"><div class="asked"><h2 dir="auto">{text(question)}</h2>{change}'
        f"</div>{inside}</article>"
    )


def _refusal(answer: Answer) -> str:
    reason = answer.reason or "the collection does not say"
    found = (
        f'<h3>Nearest in the collection</h3>{near_papers(answer.nearest)}' if answer.nearest else ""
    )
    return (
        f'<div class="said refusal">{notices(answer.text)[0]}<p class="verdict"><strong>Not answered.</strong> '
        f"{text(_sentence(reason))}</p>{found}</div>"
    )


def _sources(answer: Answer) -> str:
    """The papers cited, each once, with their marks."""
    if not answer.citations:
        return ""
    lines = []
    for _, group in groupby(answer.citations, key=lambda found: found.paper_id):
        same = list(group)
        first = same[0]
        code = f" {link(first.url, 'link', css='out')}" if first.url else ""
        lines.append(
            f'<li>{"".join(map(mark, same))} <bdi class="title">{text(title_of(first.title, first.quote))}</bdi> '
            f"{place(first.sources)}{code} {copier(reference(first), 'Copy citation')}</li>"
        )
    return f'<ol class="cited" aria-label="Cited papers">{"".join(lines)}</ol>'


def _exports() -> str:
    return '<span class="exports" role="group" aria-label="Export this answer">' + "".join(
        button(name, "export", label=f"{name} of this answer", form=form)
        for form, name in (("md", "Markdown"), ("csv", "CSV"), ("bib", "BibTeX"))
    ) + "</span>"


def _thumbs(feedback: Feedback | None) -> str:
    choices = "".join(
        button(name, "rate", useful=int(useful)).replace(
            "<button", f'<button aria-pressed="{str(feedback is not None and feedback.useful == useful).lower()}"', 1
        ) for useful, name in ((True, "Good"), (False, "Wrong"))
    )
    comment = text(feedback.comment) if feedback else ""
    return (
        f'<span class="thumbs" role="group" aria-label="Was this answer right?">{choices}</span>'
        f'<span class="comment" data-comment="{comment}"></span>'
    )


def _took(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def _told(entry: Halted) -> str:
    return f"This question could not be answered: {entry.why}" if entry.failed else entry.why


def _sentence(reason: str) -> str:
    whole = reason[:1].upper() + reason[1:]
    return whole if whole.endswith((".", "!", "?")) else whole + "."
