"""Answers and hits as people and programs read them: plain functions from values to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from itertools import groupby
from typing import Any

from assistant.answering.citations import places, shorten
from assistant.records import SCHEMA, Answer, Hit


def answer_json(answer: Answer) -> dict[str, Any]:
    """The public contract: the fields of `Answer` under their names, and ``schema``."""
    return {"schema": SCHEMA, **_plain(answer)}


def hit_json(hit: Hit) -> dict[str, Any]:
    """A search hit for programs: the paper, the scores, the best sentence with its offsets."""
    best = max(hit.sentences, key=lambda sentence: sentence.score, default=None)
    return {
        "paper_id": hit.paper.paper_id, "title": hit.paper.title, "abstract": hit.paper.abstract,
        "sources": _plain(hit.paper.sources), "score": round(hit.score, 4), "support": round(hit.support, 4),
        "similarity": round(hit.similarity, 4), "lexical": round(hit.lexical, 4),
        "quote": best.text if best else None, "start": best.start if best else None, "end": best.end if best else None,
    }


def answer_text(answer: Answer) -> str:
    """An answer for a terminal: the text, then each citation with its place, or what came nearest to a refusal."""
    lines = [answer.text]
    if answer.citations:
        lines.append("")
    for _, group in groupby(answer.citations, key=lambda citation: citation.paper_id):
        cited = list(group)
        marks = "".join(f"[{citation.mark}]" for citation in cited)
        title = "" if answer.items else f"{cited[0].title or '(untitled)'}, "
        lines.append(f"{marks} {title}{places(cited[0].sources)}")
    if answer.nearest:
        lines += ["", "Nearest in the collection:"]
        lines += [
            f"- {near.title or '(untitled)'} ({places(near.sources)}): “{shorten(near.quote, 200)}”"
            for near in answer.nearest
        ]
    return "\n".join(lines)


def hits_text(hits: Sequence[Hit]) -> str:
    """Search hits for a terminal, best first."""
    lines = []
    for rank, hit in enumerate(hits, 1):
        best = max(hit.sentences, key=lambda sentence: sentence.score, default=None)
        lines.append(f"{rank:>3}. {hit.paper.title or '(untitled)'} ({places(hit.paper.sources)}) {hit.score:.2f}")
        if best:
            lines.append(f"     “{shorten(best.text, 200)}”")
    return "\n".join(lines) if lines else "no paper found"


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
