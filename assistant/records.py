"""The nouns of the project, in the order in which a paper becomes an answer.

``text file → Record → Paper → Chunk → vectors → index → Hit → Answer + Citation``

All are frozen, hold tuples, and are whole at birth. Offsets are Unicode code points, half-open,
into ``Paper.abstract`` unless a field says otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

SCHEMA = 1  # of the JSON contract of `Answer`


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where a paper was read: the file's own name, and the line that holds the abstract."""

    file: str
    line: int | None = None  # 1-based, lines split on "\n" only; None where a format has none


@dataclass(frozen=True, slots=True)
class Record:
    """One title and abstract exactly as a file gave them."""

    source: Source
    title: str | None
    text: str
    year: int | None = None          # where the format has one
    authors: tuple[str, ...] = ()    # in byline order


@dataclass(frozen=True, slots=True)
class Paper:
    """One work: a cleaned abstract and everywhere it was read."""

    paper_id: str                     # 20 hex digits, from the normalised abstract
    title: str | None                 # some dumps carry none
    abstract: str                     # one paragraph, Unicode NFC, never empty
    raw: str                          # the abstract as the file gave it
    sources: tuple[Source, ...] = ()  # sorted
    aliases: tuple[str, ...] = ()     # ids of merged repeats, sorted; never contains `paper_id`
    year: int | None = None           # of publication; known only from tables (.jsonl, .csv)
    authors: tuple[str, ...] = ()     # in byline order, as the table writes them


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole sentences of one abstract that fits the model's window."""

    chunk_id: str  # "<paper_id>:<position>"
    paper_id: str
    position: int  # 0-based; the first chunk is embedded together with the title
    start: int
    end: int
    text: str      # abstract[start:end]


@dataclass(frozen=True, slots=True)
class SentenceHit:
    """One sentence of a hit, scored against the question."""

    start: int
    end: int
    text: str     # abstract[start:end]
    score: float  # 0-1: weighted mean over question tokens of the best cosine in the sentence
    coverage: tuple[float, ...] = ()  # per word of the question: best token cosine in the sentence, 0-1


@dataclass(frozen=True, slots=True)
class Hit:
    """One paper found for a question."""

    paper: Paper
    score: float                        # what the ranking is by, 0-1, comparable within one question
    support: float                      # late interaction: weighted mean of best token cosines, 0-1
    similarity: float                   # cosine of question and best chunk, -1 to 1
    lexical: float                      # BM25 over the best BM25 of this question, 0-1
    coverage: tuple[float, ...] = ()    # per word of the question: best token cosine in the paper, 0-1
    sentences: tuple[SentenceHit, ...] = ()  # in reading order
    title_coverage: tuple[float, ...] = ()  # per word of the question: best token cosine in the title; () without one


@dataclass(frozen=True, slots=True)
class Citation:
    """The very words of a paper that a mark stands for."""

    mark: int
    paper_id: str
    title: str | None
    sources: tuple[Source, ...]
    quote: str       # abstract[start:end], verbatim
    start: int
    end: int
    url: str | None  # the first URL in the abstract


@dataclass(frozen=True, slots=True)
class ListItem:
    """One paper of a list answer, with the sentence that proves it belongs."""

    paper_id: str
    name: str | None  # what the paper calls its method, where it says so
    title: str | None
    mark: int
    quote: str
    start: int
    end: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of an answer's text, without its marks."""

    text: str
    marks: tuple[int, ...]
    checked: bool  # its words were found in what its marks cite; false where it cites nothing


@dataclass(frozen=True, slots=True)
class Nearest:
    """A paper that is no answer but comes near: to a refused question, or to the cut of a list."""

    paper_id: str
    title: str | None
    quote: str
    sources: tuple[Source, ...]
    similarity: float  # cosine, -1 to 1


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing of a comparison: a row of its table."""

    label: str                # what the question calls it, else what its paper does
    paper_id: str
    title: str | None
    marks: tuple[int, ...]    # of the sentences quoted about it
    figures: tuple[str, ...]  # numbers of those sentences with their units, as written


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gets. `answer_json` gives exactly these names."""

    id: str
    question: str
    kind: str                        # fact, list, count, compare, collection, empty ...
    text: str                        # with marks: "… [1]"
    sentences: tuple[AnswerSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    items: tuple[ListItem, ...] = ()  # of a list; of a fact, where papers may be meant too, those that fit
    table: tuple[Compared, ...] = ()  # of a comparison, a row per thing compared
    considered: int = 0              # papers looked at
    matched: int = 0                 # papers that fit
    abstained: bool = False
    reason: str | None = None        # why it abstained
    nearest: tuple[Nearest, ...] = ()
    near_misses: tuple[Nearest, ...] = ()  # to `items`: papers just under the cut, best first
    confidence: float = 0.0          # 0-1, estimate of P(right and its paper cited)
    backend: str = "extractive"
    timings: dict[str, float] = field(default_factory=dict)  # stage -> milliseconds
    tokens: dict[str, int] = field(default_factory=dict)     # "prompt", "completion"
    cost: float | None = None        # US dollars; None where no price is known
    trace: tuple[str, ...] = ()      # every decision, one line each


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation and what it got."""

    question: str   # as asked
    searched: str   # as understood: the same, or put into words of its own
    answer: Answer


def id_of(question: str) -> str:
    """The id of an answer that is given none: 12 hex digits from what was asked."""
    return hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()[:12]


def answer_json(answer: Answer) -> dict[str, Any]:
    """The public contract: the fields of `Answer` under their names, and ``schema``."""
    return {"schema": SCHEMA, **plain_json(answer)}


def plain_json(value: Any) -> Any:
    """Return a record, and all that it holds, as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain_json(asdict(value))
    if isinstance(value, Mapping):
        return {key: plain_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain_json(item) for item in value]
    return value
