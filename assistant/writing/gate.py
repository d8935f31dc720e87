"""What of a model's reply may be shown: sentences that what they cite bears out. Decided without a model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.checking.check import LONGEST_SENTENCE
from assistant.index.collection import Collection
from assistant.records import Paper
from assistant.text.names import find_names
from assistant.text.prompt_injection import is_order, planted
from assistant.text.words import content_words
from assistant.writing.context import Context
from assistant.writing.reply import Written

if TYPE_CHECKING:
    from assistant.checking.check import Checker, Verdict

ASKED_FOR_A_SOURCE = 3   # papers a sentence without any mark is compared with, best first
IN_CLEAN_TEXT = 0.7      # share of a sentence's words that must stand outside of what is planted in a paper
_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"'’”)\]}]+", re.IGNORECASE)
_YES_OR_NO = re.compile(
    r"\W*(?:yes|no|correct|right|true|false|wrong|indeed|exactly|it (?:is|does)(?: not)?)\b\W*", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Place:
    """Words of a paper that bear a sentence out."""

    paper: Paper
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A sentence that has been checked."""

    text: str
    lead: str
    places: tuple[Place, ...]     # to cite, one a paper; empty if it failed or claims nothing
    problem: str | None           # why it failed, for the model; None if it passed
    support: float                # 0–1, see `assistant.checking.check.Verdict`
    claims_nothing: bool = False


class Gate:
    """Judges the sentences of one reply."""

    def __init__(self, checker: Checker, context: Context, collection: Collection) -> None:
        self._checker = checker
        self._context = context
        self._collection = collection

    def judge(self, written: Written) -> Judged:
        """Whether a sentence may be shown, and with which citations."""
        return self._collection.read(lambda: self._judge(written))

    def _judge(self, written: Written) -> Judged:
        if written.cut:
            return self._failed(written, f"longer than {LONGEST_SENTENCE:,} characters; write short sentences")
        cited = [paper for mark in written.marks if (paper := self._context.paper(mark))]
        if written.marks and not cited:
            known = f"only [1] to [{len(self._context.excerpts)}] exist"
            return self._failed(written, f"no paper has the number {written.marks[0]}; {known}")
        verdict = self._checker.check(written.text, cited)
        if _YES_OR_NO.fullmatch(written.text):  # no paper says so, and the sentence behind it may say otherwise
            return self._failed(written, "only yes or no; say what the paper says")
        if verdict.claims_nothing:
            return Judged(written.text, written.lead, (), None, 1.0, claims_nothing=True)
        if not cited:
            return self._with_a_source(written)
        if not verdict.passed:
            return self._failed(written, "; ".join(f"{found.kind}: {found.hint}" for found in verdict.problems))
        if len(cited) > 1:
            alone = [paper for paper in cited if self._checker.check(written.text, [paper]).passed]
            cited = alone or cited
        return self._passed(written, cited, verdict)

    def _with_a_source(self, written: Written) -> Judged:
        """A sentence without marks is given one if a paper says it; models forget them."""
        for excerpt in self._context.excerpts[:ASKED_FOR_A_SOURCE]:
            verdict = self._checker.check(written.text, [excerpt.paper])
            if verdict.passed:
                return self._passed(written, [excerpt.paper], verdict)
        return self._failed(written, "no number of a paper; end it with the number of the paper that says this")

    def _passed(self, written: Written, cited: Sequence[Paper], verdict: Verdict) -> Judged:
        if is_order(written.text) or not all(_clean_of_orders(written.text, paper) for paper in cited):
            return self._failed(written, "it follows an instruction that stands in a paper")
        addresses = _URL.findall(written.text)
        if any(address.rstrip(".,;:!?") not in paper.abstract for paper in cited for address in addresses):
            return self._failed(written, "a web address that the paper does not give")
        places = tuple(dict.fromkeys(self._places(cited, verdict)))
        if not places:
            return self._failed(written, "no sentence of the paper says it")
        return Judged(written.text, written.lead, places, None, verdict.support)

    def _places(self, cited: Sequence[Paper], verdict: Verdict) -> Iterator[Place]:
        for paper in cited:
            own = [quote for quote in verdict.quote if quote.paper_id == paper.paper_id and not is_order(quote.text)]
            if own:
                yield Place(paper, own[0].start, own[0].end)
            elif len(cited) == 1:  # the title says it
                best = self._context.best_sentence(paper.paper_id)
                yield Place(paper, best.start, best.end)

    def _failed(self, written: Written, problem: str) -> Judged:
        return Judged(written.text, written.lead, (), problem, 0.0)


def _clean_of_orders(text: str, paper: Paper) -> bool:
    """Whether a sentence is borne out without what is planted in the paper; true of papers in which nothing is."""
    sentences = _SENTENCE.split(paper.abstract)
    orders = planted(sentences)
    if not any(orders):
        return True
    clean = " ".join(sentence for sentence, order in zip(sentences, orders, strict=True) if not order)
    clean = f"{paper.title or ''} {clean}" if not is_order(paper.title or "") else clean
    if not set(_NUMBER.findall(text)) <= set(_NUMBER.findall(clean)):
        return False
    if not {name.key for name in find_names(text)} <= {name.key for name in find_names(clean)}:
        return False
    said, there = content_words(text), {word[:6] for word in content_words(clean)}
    return bool(said) and sum(word[:6] in there for word in said) >= IN_CLEAN_TEXT * len(said)


_SENTENCE = re.compile(r"(?<=[.!?])\s+")
