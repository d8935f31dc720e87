"""Does a sentence written by a language model say what the papers it cites say? Judged without a language model.

``sentence + cited papers → Evidence → DoubtFeatures → Verdict``. What can be looked up must stand there: a number or a
name that no cited paper has fails at once. What can be misplaced is compared by its surroundings: the number, name,
negation or direction of the sentence with each that the papers have. Logistic regressions weigh all this, fitted on
true sentences and corrupted copies of them.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.checking.claims import claims_nothing
from assistant.checking.comparison import (
    Parting,
    compare_names,
    compare_numbers,
    opposite_direction,
    unfounded_negation,
    withheld_negation,
)
from assistant.checking.doubt import DoubtFeatures, doubts, probability
from assistant.checking.evidence import Evidence, lay_against
from assistant.checking.naming import mentioned
from assistant.checking.source import Source, read_source
from assistant.index.collection import Collection
from assistant.index.sqlite import Entry
from assistant.records import Paper
from assistant.retrieval.retriever import Query, Retriever

if TYPE_CHECKING:
    from assistant.embedding.embedder import Embedder

ABSENT = 0.02      # support, at most, of a sentence with a number or name that no cited paper has
LONGEST_SENTENCE = 1000  # characters, marks aside; what goes on longer is no statement that can be checked
PAPERS_KEPT = 256  # read papers, so that the sentences of one answer share them
_MARKS = re.compile(r"\s*\[\d+(?:\s*[,–-]\s*\d+)*\]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a sentence says that its papers do not, or not so."""

    kind: str  # "length", "no mark", "unknown paper", "number", "name", "negation", "direction" or "support"
    seen: str  # what the sentence says
    hint: str  # what the papers say instead, or what to do


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a cited paper, verbatim."""

    paper_id: str
    text: str   # abstract[start:end]
    start: int  # code points into the abstract, half-open
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found."""

    passed: bool
    problems: tuple[Problem, ...]  # empty if it passed, else at least one
    support: float                 # 0–1: P(the papers say what the sentence says), calibrated; 1 if it claims nothing
    quote: tuple[Quote, ...]       # sentences of the papers that come nearest together, best first
    claims_nothing: bool = False   # a connective, or "the collection does not say …": nothing to check
    features: DoubtFeatures | None = None  # what was weighed, if it came to that


class Checker:
    """Checks sentences against the papers of one collection. Call it inside `Collection.read`, from one thread."""

    def __init__(self, embedder: Embedder, collection: Collection) -> None:
        """Take a collection and the embedder that made it.

        Raises:
            StorageError: another embedder made it.
        """
        self._embedder = embedder
        self._collection = collection
        self._retriever = Retriever(collection, embedder)
        self._read: OrderedDict[tuple[int, str], Source] = OrderedDict()

    def check(self, sentence: str, cited: Sequence[Paper]) -> Verdict:
        """Judge one sentence, without its marks, by the papers its marks stand for.

        Never raises for what the sentence says. A sentence that claims nothing passes without a paper; one of more than
        1,000 characters fails unread.
        """
        if len(sentence) > LONGEST_SENTENCE:
            hint = f"write sentences of at most {LONGEST_SENTENCE:,} characters"
            return _fails(Problem("length", sentence[:LONGEST_SENTENCE], hint))
        text = _MARKS.sub("", sentence).strip()
        names = mentioned(text, is_word=self._embedder.is_word)
        if claims_nothing(text, names):
            return Verdict(True, (), 1.0, (), claims_nothing=True)
        if not cited:
            return _fails(Problem("no mark", text, "cite the paper that says this"))
        entries = self._collection.store.entries([paper.paper_id for paper in cited])
        unknown = next((paper.paper_id for paper in cited if paper.paper_id not in entries), None)
        if unknown is not None:
            return _fails(Problem("unknown paper", unknown, "cite a paper of the collection"))
        sources = [self._source(entry) for entry in entries.values()]
        query = self._retriever.query(text)
        evidence = self._evidence(query, sources)
        numbers = compare_numbers(text, evidence, sources)
        named = compare_names(names, evidence, sources, self._collection.store.expansions)
        unfounded = unfounded_negation(text, evidence, sources)
        withheld = withheld_negation(text, evidence, sources)
        direction = opposite_direction(text, evidence, sources)
        features = DoubtFeatures(
            1 - evidence.support, self._unmet(query, sources), numbers.worst.margin, named.worst.margin,
            len(numbers.strays), len(named.strays), unfounded.margin, withheld.margin, direction.margin,
            len(numbers.absent) + len(named.absent),
        )
        absent = [Problem("number", found.seen, found.hint) for found in numbers.absent]
        absent += [Problem("name", found.seen, found.hint) for found in named.absent]
        partings = {
            "number": max([numbers.worst, *numbers.strays]), "name": max([named.worst, *named.strays]),
            "negation": max(unfounded, withheld), "direction": direction,
            "support": Parting(0.0, text, "say only what the cited papers say"),
        }
        doubt = doubts(features)
        problems = absent + [
            Problem(kind, partings[kind].seen, partings[kind].hint) for kind in doubt if doubt[kind] > 0
        ]
        chance = probability(max(doubt.values()))
        return Verdict(not problems, tuple(problems), min(chance, ABSENT) if absent else chance, _quotes(evidence),
                       features=features)

    def _source(self, entry: Entry) -> Source:
        key = (self._collection.generation, entry.paper.paper_id)
        if key not in self._read:
            self._read[key] = read_source(entry, self._collection, self._embedder)
        self._read.move_to_end(key)
        if len(self._read) > PAPERS_KEPT:
            self._read.popitem(last=False)
        return self._read[key]

    def _evidence(self, query: Query, sources: Sequence[Source]) -> Evidence:
        offsets = self._embedder.token_offsets(query.text)[:len(query.weights)].astype("int64")
        return lay_against(offsets, query.weights, query.tokens, [p for s in sources for p in s.passages],
                           [rows for source in sources for rows in source.rows])

    def _unmet(self, query: Query, sources: Sequence[Source]) -> float:
        """The share of the content words, by weight, whose stem is in none of the papers, 0–1."""
        total = missed = 0.0
        for word in query.words:
            if word.content:
                total += word.weight
                stems = self._collection.lexical.stems(word.text)
                missed += word.weight * (not any(stem in source.stems for stem in stems for source in sources))
        return missed / total if total > 0 else 0.0


def _fails(problem: Problem) -> Verdict:
    return Verdict(False, (problem,), 0.0, ())


def _quotes(evidence: Evidence) -> tuple[Quote, ...]:
    chosen = [evidence.passages[i] for i in evidence.chosen]
    return tuple(Quote(found.paper_id, found.text, found.start, found.end) for found in chosen if found.start >= 0)
