"""What the Papers tab looks up: pages of papers found or browsed, and one paper with what is like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.api import Assistant
from assistant.index.sqlite import Entry
from assistant.records import Paper
from assistant.retrieval.filters import Filters

PAGE = 20      # papers
DEEPEST = 200  # results of a search that can be paged through; what is further down no longer fits
SIMILAR = 6    # papers shown as being like another


@dataclass(frozen=True, slots=True)
class Found:
    """One paper of a page of results, and the sentence shown of it."""

    paper: Paper
    has_code: bool
    start: int  # of the sentence in the abstract
    end: int


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A page of results."""

    found: tuple[Found, ...]
    first: int                 # position of the first of them, from 0
    total: int                 # papers found; of a search at most `DEEPEST`
    passing: int               # papers that pass the filters
    label: str = ""            # the filters in words
    problem: str | None = None  # why there are none


@dataclass(frozen=True, slots=True)
class PaperDetails:
    """A paper, and what there is to know of it."""

    paper: Paper
    has_code: bool
    names: tuple[str, ...]                     # it mentions, most often first
    similar: tuple[tuple[Paper, float], ...]   # cosine of the abstracts, highest first


def find(
    assistant: Assistant, text: str, filters: Filters, *, page: int = 0, among: frozenset[str] | None = None
) -> ResultPage:
    """A page of the papers that fit a text best, or of all in order of title if there is no text.

    Args:
        page: from 0; one beyond the last gives the last.
        among: only of these papers, such as those of a topic.
    """
    return assistant.collection.read(lambda: _find(assistant, text.strip(), filters, page, among))


def _find(assistant: Assistant, text: str, filters: Filters, page: int, among: frozenset[str] | None) -> ResultPage:
    store = assistant.collection.store
    chosen = assistant.select(filters) if filters else None
    if chosen is not None and chosen.problem is not None:
        return ResultPage((), 0, 0, 0, chosen.label, chosen.problem)
    within = among if chosen is None else chosen.paper_ids if among is None else chosen.paper_ids & among
    passing = store.count() if within is None else len(within)
    label = chosen.label if chosen else ""
    if passing == 0:
        problem = "there is no paper" if among is None else "no paper of this topic meets the conditions"
        return ResultPage((), 0, 0, 0, label, problem)
    if text:
        retriever = assistant.retriever(within=within)
        hits = retriever.search(retriever.query(text), limit=DEEPEST, candidates=assistant.settings.candidates)
        first = _first(page, len(hits))
        shown = hits[first:first + PAGE]
        best = [max(hit.sentences, key=lambda sentence: sentence.score, default=None) for hit in shown]
        spans = [(one.start, one.end) if one else (0, 0) for one in best]
        total, papers = len(hits), [hit.paper for hit in shown]
    else:
        first, total = _first(page, passing), passing
        ids = store.by_title(PAGE, first) if within is None else _by_title(store.titles(), within)[first:first + PAGE]
        entries = store.entries(ids)
        papers = [entries[paper].paper for paper in ids]
        spans = [_first_sentence(entries[paper]) for paper in ids]
    coded = store.with_code([paper.paper_id for paper in papers])
    found = tuple(
        Found(paper, paper.paper_id in coded, start, end) for paper, (start, end) in zip(papers, spans, strict=True)
    )
    return ResultPage(found, first, total, passing, label)


def look_at(assistant: Assistant, paper_id: str) -> PaperDetails | None:
    """One paper by its id or that of a merged repeat; None if there is none, as after its removal."""
    return assistant.collection.read(lambda: _look_at(assistant, paper_id))


def _look_at(assistant: Assistant, paper_id: str) -> PaperDetails | None:
    collection = assistant.collection
    paper = collection.store.paper(paper_id)
    if paper is None:
        return None
    entry = collection.store.entries([paper.paper_id])[paper.paper_id]
    near = _similar(assistant, entry)
    papers = collection.store.entries(list(near))
    return PaperDetails(
        paper, bool(collection.store.with_code([paper.paper_id])), tuple(collection.store.names_of(paper.paper_id)),
        tuple((papers[other].paper, cosine) for other, cosine in near.items() if other in papers),
    )


def _similar(assistant: Assistant, entry: Entry) -> dict[str, float]:
    """paper_id -> cosine, of the papers with the chunks nearest to the mean of this paper's."""
    stored = assistant.collection.vectors.vectors(entry.chunk_ids())
    if not stored:
        return {}
    mean = np.mean(list(stored.values()), axis=0)
    norm = float(np.linalg.norm(mean)) or 1.0
    near = assistant.retriever().dense((mean / norm).astype(np.float32), limit=SIMILAR + 1)
    near.pop(entry.paper.paper_id, None)
    return dict(list(near.items())[:SIMILAR])


def _first(page: int, total: int) -> int:
    return max(0, min(page, (total - 1) // PAGE)) * PAGE


def _first_sentence(entry: Entry) -> tuple[int, int]:
    return next(((int(start), int(end)) for start, end, *_ in entry.sentences if start >= 0), (0, 0))


def _by_title(titles: Sequence[tuple[str, str | None]], within: frozenset[str]) -> list[str]:
    kept = ((title is None, (title or "").lower(), paper) for paper, title in titles if paper in within)
    return [paper for _, _, paper in sorted(kept)]
