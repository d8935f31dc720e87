"""Comparisons, and questions that take a fact from each of several papers: evidence per thing asked about.

A question is cut into its sides where it joins things ("X and Y", "X versus Y", "one … and one …"). Which paper a side
means is told by a name that is the paper's own, else by late interaction over the side's words and half of the words
that all sides share: one comparison of the whole question with every paper serves all cuts. A cut is believed if the
question is worded as one about several things, or joins names of different papers, and if the papers of its sides
meet their words well, and together better than any one paper does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from assistant.answering.citations import Marks
from assistant.answering.method_names import MAX_PAPERS_OF_OWN_NAME, method_name
from assistant.question import Question
from assistant.records import AnswerSentence, Compared, Paper
from assistant.retrieval.late import support
from assistant.retrieval.names import name_key
from assistant.retrieval.retriever import Ranking, Retriever
from assistant.retrieval.words import FUNCTION_WORDS, words

MAX_SIDES = 4
OF_SHARED = 0.5     # weight of words that all sides share beside a side's own, when its paper is told
OF_SIDE = 0.5       # weight of a side's own words beside the shared ones, when its sentences are chosen
MIN_WEIGHT = 0.3    # of a side's words, in weights of `Query`: less is no thing to ask about
MIN_GAIN = 0.04     # by which the sides' papers must meet the sides better than the best single paper, in cosines
MIN_MET = 0.6       # to which a paper must meet its side's words, 0–1: right cuts have .61 and more
MAX_WORDS_BETWEEN = 4    # from one name of a pair to the next
MAX_WORDS_OF_NAME = 4
MAX_PAPERS_WITH_NAME = 50  # that are looked at for the one whose own name it is; of more, the best for the name
CONFIDENCE = 0.8    # the share of comparisons whose papers are the right ones, on the questions this was tuned on
SENTENCES = 2       # quoted of each side

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

_JOINT = re.compile(
    r",?\s*\b(?:and|or|nor|versus|vs\b\.?|than|from|to|with|as opposed to|compared (?:to|with)|unlike|whereas|while)\b|"
    r"[,;&/]|[.?!] ", re.IGNORECASE,
)
_PAIRED = re.compile(  # from one name to the next
    r"[,&/(]|\b(?:and|or|nor|versus|vs|than|from|as opposed to|compared (?:to|with)|unlike|whereas|while)\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"\bfrom\s+$", re.IGNORECASE)
_TO = re.compile(r"\s*to\s+", re.IGNORECASE)
_EDGE = re.compile(r"[.?!:;,] |\b(?:and|or|versus|vs|as opposed to)\b", re.IGNORECASE)
# Words that speak of several things at once.
_OF_SEVERAL = re.compile(
    r"\b(?:each|both|respectively|versus|vs|the (?:two|three|four)|as opposed to|differ|differs|difference between|"
    r"differences between|compare|compares|compared|contrast|whereas)\b", re.IGNORECASE,
)
# "one … and one …", "once … and once …", "the X paper … and the Y paper"
_PARALLEL = re.compile(
    r"\b(one|once|first)\b[^.?!]+\b(?:and|or)\s+\1\b|"
    r"\bthe (?:[\w-]+ ){1,6}?(?:and|or|versus) (?:\w+ ){0,2}?the [\w-]|"
    r"\bthe (?:[\w-]+ ){1,5}(?:papers?|study|work|article|survey|one)\b[^.?!]* and (?:[\w-]+ ){0,3}?the ",
    re.IGNORECASE,
)
# "… in the legal one, in " before a name
_PARALLEL_HEAD = re.compile(
    r"\b(?P<by>in|for|of|by|from|with|on|does|did)\s+(?P<item>[^,.;:?!]{2,60}), (?:and )?(?P=by)\s+$", re.IGNORECASE
)
_LINKS = re.compile(r"\b(?:code|links?|urls?|github|repositor\w+|available|released?)\b", re.IGNORECASE)
_FIGURE = re.compile(
    r"(?<![\w.-])[$€£]?\d+(?:[.,]\d+)*(?:\s?(?:%|×|x\b|[KMBT]\b|[KMGT]i?B\b|percent\b|points?\b|times\b|billion\b|"
    r"million\b|hours?\b|days?\b|GPUs?\b|parameters\b|examples\b|samples\b|tokens\b))*", re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things a question asks about."""

    label: str     # as asked
    start: int     # code points into the question as searched
    end: int
    paper_id: str  # of the paper it means
    named: bool = False  # else described


@dataclass(frozen=True, slots=True)
class Comparison:
    """A question cut into its sides."""

    sides: tuple[Side, ...]  # two or more, of different papers, in the order asked
    ranking: Ranking         # holds the papers of all sides
    confidence: float        # 0–1
    trace: tuple[str, ...]
    described: bool = False  # some side is told by no name that the collection has


@dataclass(frozen=True, slots=True)
class _Owned:
    """A name in the question that is a paper's own."""

    surface: str
    start: int
    end: int
    paper_id: str


def comparison(retriever: Retriever, question: Question, *, candidates: int = 200) -> Comparison | None:
    """The sides of a question and the paper of each; None for a question about one thing.

    Args:
        candidates: papers each first-stage ranker proposes.
    """
    text = question.corrected
    if not _JOINT.search(text):
        return None
    several = question.kind == "compare" or bool(_OF_SEVERAL.search(text) or _PARALLEL.search(text))
    owned = list(_owned(retriever, text))
    joined = _joined(text, owned, anyhow=question.kind == "compare")
    if not several and len(joined) < 2:
        return None
    ranking = _rank(retriever, question, text, [name.paper_id for name in owned], candidates)
    if len(joined) > 1:
        return _comparison(ranking, _with_described(ranking, text, joined), "names of different papers")
    mentioned = _mentioned(retriever, ranking, question, text) if question.kind == "compare" else []
    if len(mentioned) > 1:
        return _comparison(ranking, mentioned, "the best papers that mention each name")
    if question.kind == "list" and not _PARALLEL.search(text):
        return None
    found = max(_cuts(ranking, text, owned), default=None, key=lambda cut: cut[0])
    if found is None or found[0] < MIN_GAIN:
        return None
    cut = _comparison(ranking, found[1], f"several papers: {found[0]:.2f} better than one")
    return replace(cut, described=True)


def side_by_side(
    comparison: Comparison, retriever: Retriever, marks: Marks
) -> tuple[list[AnswerSentence], tuple[Compared, ...]]:
    """Per side the sentences of its paper that meet what is asked, cited, in reading order; and the same as a table."""
    ranking = comparison.ranking
    place = {paper: position for position, paper in enumerate(ranking.paper_ids())}
    asked = [_tokens(ranking, side.start, side.end) for side in comparison.sides]
    shared = ~np.logical_or.reduce(asked)
    wants_links = bool(_LINKS.search(ranking.query.text))
    sentences, table = [], []
    for side, own in zip(comparison.sides, asked, strict=True):
        position = place[side.paper_id]
        hit = ranking.hit(position)
        weights = ranking.query.weights * (shared + OF_SIDE * own).astype(np.float32)
        scores = dict(zip(_spans(ranking, position), support(ranking.matches[position].best, weights), strict=True))
        best = sorted(hit.sentences, key=lambda found: (
            "://" in found.text and not wants_links, -scores[found.start, found.end], found.start
        ))[:SENTENCES]
        best.sort(key=lambda found: found.start)
        mine = tuple(marks.cite(hit.paper, found.start, found.end) for found in best)
        sentences += [AnswerSentence(found.text, (mark,), checked=True) for found, mark in zip(best, mine, strict=True)]
        figures = tuple(dict.fromkeys(figure for found in best for figure in figures_of(found.text)))
        table.append(Compared(_label(side, hit.paper, retriever), side.paper_id, hit.paper.title, mine, figures))
    return sentences, tuple(table)


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


# -- names


def _owned(retriever: Retriever, text: str) -> Iterator[_Owned]:
    """Names in a text that are one paper's own, the longest reading first where they overlap, in order."""
    found = list(words(text))
    spans = [
        (found[i][1], found[i + n - 1][2]) for n in range(MAX_WORDS_OF_NAME, 0, -1) for i in range(len(found) - n + 1)
        if found[i][0] not in FUNCTION_WORDS and found[i + n - 1][0] not in FUNCTION_WORDS
        and not _EDGE.search(text[found[i][1]:found[i + n - 1][2]])
    ]
    keys: dict[tuple[int, int], str] = {}
    for span in reversed(spans):  # a longer reading with the same key has words that are not of the name
        key = name_key(text[span[0]:span[1]])
        if sum(c.isalpha() for c in key) > 1 and key not in keys.values():
            keys[span] = key
    counts = retriever.collection.store.name_counts(sorted(keys.values()))
    taken: list[_Owned] = []
    for start, end in spans:
        key = keys.get((start, end), "")
        if key not in counts or any(name.start < end and start < name.end for name in taken):
            continue
        paper = _owner(retriever, key, text[start:end], counts[key])
        if paper is not None:
            taken.append(_Owned(text[start:end], start, end, paper))
    yield from sorted(taken, key=lambda name: name.start)


def own_paper(retriever: Retriever, name: str) -> str | None:
    """The paper that a name, however it is written, is the own name of; None if it is no paper's."""
    key = name_key(name)
    papers = retriever.collection.store.name_counts([key]).get(key, 0) if key else 0
    return _owner(retriever, key, name, papers) if papers else None


def _owner(retriever: Retriever, key: str, surface: str, papers: int) -> str | None:
    """The paper whose title begins with a name, that introduces it, or that alone has it; None if none does."""
    collection = retriever.collection
    shaped = any(c.isupper() or c.isdigit() for c in surface[1:])
    frequency = max(map(collection.lexical.frequency, collection.lexical.stems(surface)), default=0)
    is_name = collection.is_name(key, frequency)
    if surface.islower() and surface.isalpha() and not is_name:
        return None
    if papers <= MAX_PAPERS_WITH_NAME:
        among = sorted(retriever.with_name(key))
    else:
        among = [paper for paper, _ in collection.lexical.search(surface, limit=MAX_PAPERS_WITH_NAME)]
    if papers == 1 and among and (shaped or (surface[:1].isupper() and is_name)):
        return among[0]
    own = []
    for paper, entry in sorted(collection.store.entries(among).items()):
        rank = _ownership(entry.paper, key, papers, retriever)
        if rank:
            own.append((-rank, -collection.store.mentions(key).get(paper, 0), paper))
    return min(own)[2] if own else None


def _ownership(paper: Paper, key: str, papers: int, retriever: Retriever) -> int:
    """How much a name is a paper's own: 2 heads the title, 1 is what its method is called."""
    head, colon, _ = (paper.title or "").partition(":")
    if colon and name_key(head) == key:
        return 2
    if papers > MAX_PAPERS_OF_OWN_NAME:
        return 0
    method = method_name(paper, papers_with=retriever.collection.store.name_counts)
    return int(method is not None and name_key(method) == key)


def _joined(text: str, owned: Sequence[_Owned], *, anyhow: bool) -> list[Side]:
    """The names of different papers that the question joins; with ``anyhow`` all it has."""
    found: list[_Owned] = []
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
            found.append(Side(name.label, start, start + len(name.label), best, named=True))
    return found


def _with_described(ranking: Ranking, text: str, named: Sequence[Side]) -> list[Side]:
    """Named sides and what stands in one list with them: the second of "X, the legal one and Y", the first of
    "in the legal one, in X and in Y"."""
    gaps = [(before.end, after.start) for before, after in pairwise(named)]
    if head := _PARALLEL_HEAD.search(text[:named[0].start]):
        gaps.insert(0, (head.start("item"), named[0].start))
    found = list(named)
    asked = np.logical_or.reduce([_tokens(ranking, side.start, side.end) for side in named])
    coverage = np.stack([match.coverage() for match in ranking.matches])
    for start, end in gaps:
        joints = [(start, start), *((start + m.start(), start + m.end()) for m in _JOINT.finditer(text[start:end]))]
        for (_, item_start), (item_end, _) in pairwise(joints):
            item = _tokens(ranking, item_start, item_end)
            if ranking.query.weights[item].sum() < MIN_WEIGHT:
                continue
            met = support(coverage, ranking.query.weights * (item + OF_SHARED * ~(asked | item)).astype(np.float32))
            paper = ranking.paper_ids()[int(met.argmax())]
            if all(side.paper_id != paper for side in found):
                found.append(Side(_bare(text[item_start:item_end]), item_start, item_end, paper))
    return sorted(found, key=lambda side: side.start)[:MAX_SIDES]


# -- cuts


def _cuts(ranking: Ranking, text: str, owned: Sequence[_Owned]) -> Iterator[tuple[float, list[Side]]]:
    """Every way to cut the question in two: the gain in cosines over the best single paper, and the sides."""
    if not len(ranking):
        return
    coverage = np.stack([found.coverage() for found in ranking.matches])
    weights = ranking.query.weights
    ids = ranking.paper_ids()
    owners = sorted({ids.index(name.paper_id) for name in owned if name.paper_id in ids})
    for joint in _JOINT.finditer(text):
        spans = (
            (max((edge.end() for edge in _EDGE.finditer(text[:joint.start()])), default=0), joint.start()),
            (joint.end(), min((joint.end() + edge.start() for edge in _EDGE.finditer(text[joint.end():])),
                              default=len(text))),
        )
        parts = [_tokens(ranking, *span) for span in spans]
        if any(weights[part].sum() < MIN_WEIGHT for part in parts):
            continue
        shared = OF_SHARED * support(coverage, weights * ~(parts[0] | parts[1]))
        met = [support(coverage, weights * part) + shared for part in parts]
        best = [int(scores.argmax()) for scores in met]
        for side, span in enumerate(spans):
            own = next((name.paper_id for name in owned if span[0] <= name.start and name.end <= span[1]), None)
            best[side] = ids.index(own) if own in ids else best[side]
        if best[0] == best[1]:
            continue
        own_words = [float(support(coverage[at], weights * part)) for at, part in zip(best, parts, strict=True)]
        if min(own_words) < MIN_MET:
            continue
        alone = float((met[0] + met[1])[owners or slice(None)].max())  # no paper but its own can stand for a name
        gain = float(met[0][best[0]] + met[1][best[1]]) - alone
        yield gain, [
            Side(_bare(text[start:end]), start, end, ids[at]) for (start, end), at in zip(spans, best, strict=True)
        ]


def _rank(
    retriever: Retriever, question: Question, text: str, owners: Sequence[str], candidates: int
) -> Ranking:
    """Compare the whole question with the papers it could mean: its own candidates, each part's, and the owners."""
    query = retriever.query(text, names=question.keys)
    ranking = retriever.rank(query, candidates=candidates)
    ids = set(ranking.paper_ids())
    wanted = set(owners)
    if len(ids) < retriever.count():
        joints = [(0, 0), *((joint.start(), joint.end()) for joint in _JOINT.finditer(text)), (len(text), len(text))]
        parts = {text[a:b].strip() for (_, a), (b, _) in pairwise(joints)}
        for part in sorted(part for part in parts if len(part.split()) > 1):
            wanted |= set(retriever.rank(retriever.query(part), candidates=candidates // 4).paper_ids())
    return ranking if wanted <= ids else retriever.rank(query, among=sorted(ids | wanted))


def _comparison(ranking: Ranking, sides: Sequence[Side], why: str) -> Comparison:
    trace = tuple(f"side {side.label!r}: paper {side.paper_id}" for side in sides)
    return Comparison(tuple(sides), ranking, CONFIDENCE, (why, *trace))


# -- helpers


def _bare(text: str) -> str:
    return text.strip(" ,.;:?!")


def _tokens(ranking: Ranking, start: int, end: int) -> Flags:
    """(q,) which tokens of the question stand in a span of its text."""
    inside = np.array([start <= word.start < end for word in ranking.query.words] + [False], dtype=np.bool_)
    flags: Flags = inside[ranking.query.word_of]  # -1, punctuation, is the last: never inside
    return flags


def _spans(ranking: Ranking, position: int) -> list[tuple[int, int]]:
    """(s,) start and end of the sentences a paper was matched by; the title is (-1, -1)."""
    return [(int(start), int(end)) for start, end, *_ in ranking.entries[position].sentences]


def _label(side: Side, paper: Paper, retriever: Retriever) -> str:
    """What to call a side in an answer: by its name if it has one, else by what its paper is called."""
    if side.named:
        return side.label
    return paper.title or method_name(paper, papers_with=retriever.collection.store.name_counts) or "(untitled)"
