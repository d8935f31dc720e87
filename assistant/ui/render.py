"""Answers and hits as people and programs read them: plain functions from values to text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from assistant.answering.citations import places, shorten, title_of
from assistant.index.known_names import KnownName
from assistant.records import Answer, Hit, Nearest, Paper, plain_json
from assistant.text.names import families, find_names, name_key


def hit_json(hit: Hit) -> dict[str, Any]:
    """A search hit for programs: the paper, the scores, the best sentence with its offsets."""
    best = max(hit.sentences, key=lambda sentence: sentence.score, default=None)
    return {
        "paper_id": hit.paper.paper_id, "title": hit.paper.title, "abstract": hit.paper.abstract,
        "sources": plain_json(hit.paper.sources), "year": hit.paper.year, "authors": list(hit.paper.authors),
        "score": round(hit.score, 4), "support": round(hit.support, 4),
        "similarity": round(hit.similarity, 4), "lexical": round(hit.lexical, 4),
        "quote": best.text if best else None, "start": best.start if best else None, "end": best.end if best else None,
    }


def paper_json(paper: Paper, names: Sequence[str]) -> dict[str, Any]:
    """A paper of a listing, under the names of `hit_json`: no scores; the quote is the first sentence with a name."""
    span = _mention(paper, names)
    return {
        "paper_id": paper.paper_id, "title": paper.title, "abstract": paper.abstract,
        "sources": plain_json(paper.sources),
        "year": paper.year, "authors": list(paper.authors), "score": None, "support": None, "similarity": None,
        "lexical": None, "quote": paper.abstract[slice(*span)] if span else None,
        "start": span[0] if span else None, "end": span[1] if span else None,
    }


def answer_text(answer: Answer, *, near_misses: bool = False) -> str:
    """An answer for a terminal: the text, then each citation with its place, or what came nearest to a refusal.

    Args:
        near_misses: show also what a list left out by little.
    """
    lines = [answer.text]
    if answer.citations:
        lines.append("")
    listed = {item.paper_id for item in answer.items}  # with their titles
    for paper_id, group in groupby(answer.citations, key=lambda citation: citation.paper_id):
        cited = list(group)
        marks = "".join(f"[{citation.mark}]" for citation in cited)
        title = "" if paper_id in listed else f"{title_of(cited[0].title, cited[0].quote)}, "
        lines.append(f"{marks} {title}{places(cited[0].sources)}")
    if answer.nearest:
        lines += ["", "Nearest in the collection:", *map(_near, answer.nearest)]
    if near_misses:
        lines += ["", "Just under the cut:" if answer.near_misses else "Nothing is just under the cut."]
        lines += map(_near, answer.near_misses)
    return "\n".join(lines)


def _near(near: Nearest) -> str:
    said = f"“{shorten(near.quote, 200)}”"
    return f"- {near.title} ({places(near.sources)}): {said}" if near.title else f"- {said} ({places(near.sources)})"


def hits_text(hits: Sequence[Hit]) -> str:
    """Search hits for a terminal, best first."""
    lines = []
    for rank, hit in enumerate(hits, 1):
        best = max(hit.sentences, key=lambda sentence: sentence.score, default=None)
        lines.append(f"{rank:>3}. {_title(hit.paper)} ({places(hit.paper.sources)}) {hit.score:.2f}")
        if best:
            lines.append(f"     “{shorten(best.text, 200)}”")
    return "\n".join(lines) if lines else "no paper found"


def papers_text(papers: Sequence[Paper], names: Sequence[str]) -> str:
    """A listing for a terminal, in the order given, each paper with the first sentence that has one of the names."""
    lines = []
    for number, paper in enumerate(papers, 1):
        year = f", {paper.year}" if paper.year else ""
        lines.append(f"{number:>3}. {_title(paper)} ({places(paper.sources)}{year})")
        if span := _mention(paper, names):
            lines.append(f"     “{shorten(paper.abstract[slice(*span)], 200)}”")
    return "\n".join(lines) if lines else "no paper found"


def names_text(found: Sequence[KnownName]) -> str:
    """Known names for a terminal: papers, the name, its other spellings, what it is short for."""
    lines = []
    for name in found:
        first, *others = name.spellings
        also = f"   also {', '.join(f'{spelling} ({papers})' for spelling, papers in others)}" if others else ""
        short = "; ".join(f"{expansion} ({papers})" for expansion, papers in name.expansions)
        lines.append(f"{name.papers:>6}  {first[0]}{also}{f'   = {short}' if short else ''}")
    return "\n".join(lines)


def _title(paper: Paper) -> str:
    """A paper's title, or how its abstract begins."""
    return title_of(paper.title, paper.abstract)


def _mention(paper: Paper, names: Sequence[str]) -> tuple[int, int] | None:
    """Where the first sentence of the abstract stands that has one of the names; None where only the title has it."""
    from ingest.sentences import split_sentences

    keys = {name_key(name) for name in names}
    found = next((
        name.start for name in find_names(paper.abstract) if name.key in keys or keys & set(families(name.key))
    ), None)
    if found is None:
        return None
    return next((span for span in split_sentences(paper.abstract) if span[0] <= found < span[1]), None)
