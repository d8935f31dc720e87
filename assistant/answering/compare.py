"""Comparisons, and questions that take a fact from each of several papers: evidence per thing asked about.

A question that joins names of different papers ("X and Y", "X versus Y") has these for its sides; any other is cut in
two where it joins things, see `cuts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from assistant.answering.citations import Marks
from assistant.answering.cuts import JOINT, MIN_WEIGHT, OF_SHARED, Side, bare, cuts, is_worded, tokens_in
from assistant.answering.method_names import method_name
from assistant.answering.own_names import Owned, own_names
from assistant.index.late_interaction import support
from assistant.query.parse import Question
from assistant.records import AnswerSentence, Compared, Hit, Paper, SentenceHit
from assistant.retrieval.retriever import Ranking, Retriever
from assistant.text.names import families, find_names, name_key
from assistant.text.words import words

MAX_SIDES = 4
OF_SIDE = 0.5       # weight of a side's own words beside the shared ones, when its sentences are chosen
LIKELY = 0.5        # P(it asks about the two papers) from which a cut is believed
MAX_WORDS_BETWEEN = 4    # from one name of a pair to the next
CONFIDENCE = 0.8    # the share of comparisons whose papers are the right ones, on the questions this was tuned on
SENTENCES = 2       # quoted of each side

Floats = npt.NDArray[np.float32]

_PAIRED = re.compile(  # from one name to the next
    r"[,&/(]|\b(?:and|or|nor|versus|vs|than|from|as opposed to|compared (?:to|with)|unlike|whereas|while)\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"\bfrom\s+$", re.IGNORECASE)
_TO = re.compile(r"\s*to\s+", re.IGNORECASE)
# "… in the legal one, in " before a name
_PARALLEL_HEAD = re.compile(
    r"\b(?P<by>in|for|of|by|from|with|on|does|did)\s+(?P<item>[^,.;:?!]{2,60}), (?:and )?(?P=by)\s+$", re.IGNORECASE
)
# ", and the legal one" after one
_PARALLEL_TAIL = re.compile(
    r"(?:,?\s*(?:and|or|versus|vs\.?)|,)\s+the\s+(?:[\w.%-]+\s+){0,5}?(?:papers?|study|work|article|survey|one)\b",
    re.IGNORECASE,
)
# "… and how is it different from": of the side before
_SPEAKS_AGAIN = re.compile(r"\b(?:it|its|they|their|them)\b|^\W*(?:how|why)\b", re.IGNORECASE)
_LINKS = re.compile(r"\b(?:code|links?|urls?|github|repositor\w+|available|released?)\b", re.IGNORECASE)
_FIGURE = re.compile(
    r"(?<![\w.-])[$€£]?\d+(?:[.,]\d+)*(?:\s?(?:%|×|x\b|[KMBT]\b|[KMGT]i?B\b|percent\b|points?\b|times\b|billion\b|"
    r"million\b|hours?\b|days?\b|GPUs?\b|parameters\b|examples\b|samples\b|tokens\b))*", re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A question cut into its sides."""

    sides: tuple[Side, ...]  # two or more, of different papers, in the order asked
    ranking: Ranking         # holds the papers of all sides
    confidence: float        # 0–1
    trace: tuple[str, ...]
    described: bool = False  # no side is told by a name


def comparison(retriever: Retriever, question: Question, *, candidates: int = 200) -> Comparison | None:
    """The sides of a question and the paper of each; None for a question about one thing.

    Args:
        candidates: papers each first-stage ranker proposes.
    """
    text = question.positive if question.exclusions else question.corrected  # what is excluded is no side
    if not JOINT.search(text):
        return None
    owned = list(own_names(retriever, text))
    joined = sides_by_name(question, text, owned)
    ranking = ranked(retriever, question, text, owned, candidates=candidates)
    if len(joined) > 1:
        return _comparison(ranking, _with_described(ranking, text, joined), "names of different papers")
    mentioned = _mentioned(retriever, ranking, question, text) if question.kind == "compare" else []
    if len(mentioned) > 1:
        return _comparison(ranking, mentioned, "the best papers that mention each name")
    if any(name.known and not retriever.with_name(name.key) for name in question.names):
        return None  # a filter leaves out what is named, and what is left would stand for it
    cut = max(cuts(ranking, text, owned, question.comparing), default=None, key=lambda cut: cut.chance)
    if cut is None or cut.chance < LIKELY:
        return None
    traced = ", ".join(f"{name} {value:.2f}" for name, value in asdict(cut.features).items() if value)
    found = _comparison(ranking, cut.sides, f"about two papers: {cut.chance:.2f} ({traced})")
    return replace(found, described=not cut.features.named, confidence=cut.chance)


def side_by_side(
    comparison: Comparison, retriever: Retriever, marks: Marks
) -> tuple[list[AnswerSentence], tuple[Compared, ...]]:
    """Per side the sentences of its paper that meet what is asked, cited, in reading order; and the same as a table."""
    ranking = comparison.ranking
    place = {paper: position for position, paper in enumerate(ranking.paper_ids())}
    asked = [tokens_in(ranking, side.start, side.end) for side in comparison.sides]
    shared = ~np.logical_or.reduce(asked)
    wants_links = bool(_LINKS.search(ranking.query.text))
    sentences, table = [], []
    for side, own in zip(comparison.sides, asked, strict=True):
        position = place[side.paper_id]
        hit = ranking.hit(position)
        weights = ranking.query.weights * (shared + OF_SIDE * own).astype(np.float32)
        scores = dict(zip(_sentences(ranking, position), support(ranking.matches[position].best, weights), strict=True))
        best = sorted(_quotable(side, hit), key=lambda found: (
            "://" in found.text and not wants_links, -scores[found.start, found.end], found.start
        ))[:SENTENCES]
        best.sort(key=lambda found: found.start)
        mine = tuple(marks.cite(hit.paper, found.start, found.end) for found in best)
        sentences += [AnswerSentence(found.text, (mark,), checked=True) for found, mark in zip(best, mine, strict=True)]
        figures = tuple(dict.fromkeys(figure for found in best for figure in figures_of(found.text)))
        table.append(Compared(_label(side, hit.paper, retriever), side.paper_id, hit.paper.title, mine, figures))
    return sentences, tuple(table)


def _quotable(side: Side, hit: Hit) -> list[SentenceHit]:
    """The sentences of a paper that may be quoted about a side: of one that is about something else, those that name
    it, since "it" would be the other."""
    if not side.borrowed:
        return list(hit.sentences)
    key = name_key(side.label)
    naming = [
        sentence for sentence in hit.sentences
        if any(key in (name.key, *families(name.key)) for name in find_names(sentence.text))
    ]
    return naming or list(hit.sentences)


def figures_of(sentence: str) -> list[str]:
    """The numbers of a sentence with their units, as written, in order.

    >>> figures_of("GPT-J saves 27% of 1.5 GB on 3 tasks.")
    ['27%', '1.5 GB', '3']
    """
    return [match.group() for match in _FIGURE.finditer(sentence)]


def paragraphs(sentences: Sequence[AnswerSentence], table: Sequence[Compared]) -> str:
    """The text of a comparison: a paragraph per side, begun with what the side is called."""
    by_mark = {mark: sentence for sentence in sentences for mark in sentence.marks}
    return "\n".join(
        f"{side.label}: " + " ".join(f"{by_mark[mark].text} [{mark}]" for mark in side.marks) for side in table
    )


def sides_by_name(question: Question, text: str, owned: Sequence[Owned]) -> list[Side]:
    """The names of different papers that the question joins; all it has, where it is known to compare."""
    anyhow = question.kind == "compare"
    found: list[Owned] = []
    for name in owned:
        if any(name.paper_id == other.paper_id for other in found):
            continue
        between = text[found[-1].end:name.start] if found else ""
        from_to = found and _FROM.search(text[:found[-1].start]) and _TO.fullmatch(between)
        near = from_to or (sum(1 for _ in words(between)) <= MAX_WORDS_BETWEEN and _PAIRED.search(between))
        if found and not (anyhow or near):
            if len(found) > 1:
                break
            found = []
        found.append(name)
    return [Side(name.surface, name.start, name.end, name.paper_id, named=True) for name in found[:MAX_SIDES]]


def _mentioned(retriever: Retriever, ranking: Ranking, question: Question, text: str) -> list[Side]:
    """Names that no paper has for its own: the best paper that mentions each, none twice."""
    found: list[Side] = []
    for name in question.hard[:MAX_SIDES]:
        papers = retriever.with_name(name.key) - {side.paper_id for side in found}
        best = next((paper for paper in ranking.paper_ids() if paper in papers), None)
        start = text.find(name.label)
        if best is not None and start >= 0:
            found.append(Side(name.label, start, start + len(name.label), best, named=True, borrowed=True))
    return found


def _with_described(ranking: Ranking, text: str, named: Sequence[Side]) -> list[Side]:
    """Named sides and what stands in one list with them: the second of "X, the legal one and Y", the first of
    "in the legal one, in X and in Y", the last of "X, Y and the legal one"."""
    gaps = [(joint.start(), after.start) for before, after in pairwise(named)
            if (joint := JOINT.search(text, before.end, after.start))]  # before it, the first name is still spoken of
    if head := _PARALLEL_HEAD.search(text[:named[0].start]):
        gaps.insert(0, (head.start("item"), named[0].start))
    if tail := _PARALLEL_TAIL.match(text, named[-1].end):
        gaps.append((named[-1].end, tail.end()))
    found = list(named)
    asked = np.logical_or.reduce([tokens_in(ranking, side.start, side.end) for side in named])
    coverage = np.stack([match.coverage() for match in ranking.matches])
    for start, end in gaps:
        joints = [(start, start), *((start + m.start(), start + m.end()) for m in JOINT.finditer(text[start:end]))]
        if start == named[-1].end:
            joints.append((end, end))
        for (_, item_start), (item_end, _) in pairwise(joints):
            item = tokens_in(ranking, item_start, item_end)
            if _SPEAKS_AGAIN.search(text[item_start:item_end]):
                continue
            if ranking.query.weights[item].sum() < MIN_WEIGHT:
                continue
            met = support(coverage, ranking.query.weights * (item + OF_SHARED * ~(asked | item)).astype(np.float32))
            paper = ranking.paper_ids()[int(met.argmax())]
            if all(side.paper_id != paper for side in found):
                found.append(Side(bare(text[item_start:item_end]), item_start, item_end, paper))
    return sorted(found, key=lambda side: side.start)[:MAX_SIDES]


def ranked(
    retriever: Retriever, question: Question, text: str, owned: Sequence[Owned], *, candidates: int = 200
) -> Ranking:
    """Compare the whole question with the papers it could mean: its own candidates, the owners of names, and, where it
    is likely to be about several things, the candidates of each part."""
    parts = question.kind == "compare" or len(owned) > 1 or is_worded(text)
    query = retriever.query(text, names=question.keys)
    ranking = retriever.ranking(query, candidates=candidates)  # what a fact is searched for with, too
    ids = set(ranking.paper_ids())
    wanted = {name.paper_id for name in owned}
    if parts and len(ids) < retriever.count():
        joints = [(0, 0), *((joint.start(), joint.end()) for joint in JOINT.finditer(text)), (len(text), len(text))]
        found = {text[a:b].strip() for (_, a), (b, _) in pairwise(joints)}
        for part in sorted(part for part in found if len(part.split()) > 1):
            wanted |= set(retriever.rank(retriever.query(part), candidates=candidates // 4).paper_ids())
    return ranking if wanted <= ids else retriever.rank(query, among=sorted(ids | wanted))


def _comparison(ranking: Ranking, sides: Sequence[Side], why: str) -> Comparison:
    trace = tuple(f"side {side.label!r}: paper {side.paper_id}" for side in sides)
    return Comparison(tuple(sides), ranking, CONFIDENCE, (why, *trace))


def _sentences(ranking: Ranking, position: int) -> list[tuple[int, int]]:
    """(s,) start and end of the sentences a paper was matched by; the title is (-1, -1)."""
    return [(int(start), int(end)) for start, end, *_ in ranking.entries[position].sentences]


def _label(side: Side, paper: Paper, retriever: Retriever) -> str:
    """What to call a side in an answer: by its name if it has one, else by what its paper is called."""
    if side.named:
        return side.label
    return paper.title or method_name(paper, papers_with=retriever.collection.store.name_counts) or "(untitled)"
