"""What a thing is: where a question asks for nothing else, the sentence that says so comes first.

A paper says what its own method is where it introduces it, often without the name, which its title carries. What a
common term means, or an abbreviation that many papers use and none has made, one of them says in passing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.answering.asked import Asked
from assistant.answering.own_names import own_paper
from assistant.answering.sentences import MAX_OF_PAPER, MAX_PAPERS, Candidate
from assistant.query.parse import Question
from assistant.records import Hit, SentenceHit
from assistant.retrieval.retriever import Query, Ranking, Retriever
from assistant.text.words import FUNCTION_WORDS

LOOKED_AT = 50       # papers looked at for a common term, best first
MAX_DEFINING = 2     # sentences that define a common term
MAX_TERM_WORDS = 4

_INTRODUCES = re.compile(
    r"\b(?:we|this (?:paper|work|study|article|report)|here)\b(?:(?!\bthat\b)[^.;]){0,40}?"
    r"\b(?:propos|introduc|present)\w*", re.IGNORECASE,
)
_URL = re.compile(r"https?://", re.IGNORECASE)
_KINDS = r"(?:process|task|problem|practice|tendency|phenomenon|method|technique|ability|paradigm|idea|act|setting)"


def defined_first(
    question: Question, wanted: Asked, chosen: Sequence[Candidate], ranking: Ranking, retriever: Retriever
) -> list[Candidate]:
    """The sentences to quote; where the question only asks what a thing is, led by those that say it.

    Args:
        chosen: the sentences that would be quoted, best first.
        ranking: of the papers found for the question, where those that say it are looked for.
    """
    names = [name for name in question.names if name.known]
    if not chosen or question.form != "definition" or len(names) > 1 or (names and question.topic):
        return list(chosen)
    own = own_paper(retriever, names[0].surface) if names else None
    if own is not None:
        return _introduced_first(own, names[0].surface, ranking.query, chosen, retriever)
    terms = [names[0].surface, *wanted.short_for] if names else _terms(question)
    if not terms:
        return list(chosen)
    mentioning = retriever.with_name(names[0].key) if names else None
    places = [at for at, paper in enumerate(ranking.paper_ids()) if mentioning is None or paper in mentioning]
    hits = [ranking.hit(at) for at in places[:LOOKED_AT]]
    defining = _best_of(
        (hit, sentence, _defines(terms, sentence.text)) for hit in hits for sentence in hit.sentences
    )[:MAX_DEFINING]
    if not defining and names:
        defining = _best_of(
            (hit, sentence, int(wanted.spelt_out_in(sentence.text))) for hit in hits for sentence in hit.sentences
        )[:1]
    if not defining:
        return list(chosen)
    return _led_by(defining, chosen)[:MAX_OF_PAPER if names else MAX_PAPERS]


def _introduced_first(
    own: str, name: str, query: Query, chosen: Sequence[Candidate], retriever: Retriever
) -> list[Candidate]:
    """Led by the sentence of a paper that says what its own method is; addresses come last."""
    hits = retriever.search(query, limit=1, among=[own])
    ranked = [(hit, sentence, _introduces(name, sentence.text)) for hit in hits for sentence in hit.sentences]
    if not any(rank for _, _, rank in ranked):
        return list(chosen)
    hit, sentence, _ = max(ranked, key=lambda one: (one[2], -one[1].start))
    ordered = _led_by([(hit, sentence)], chosen)[:max(len(chosen), MAX_OF_PAPER)]
    return sorted(ordered, key=lambda item: item.sentence is not sentence and bool(_URL.search(item.sentence.text)))


def _introduces(name: str, text: str) -> int:
    """How plainly a sentence says what its paper's own method is.

    Returns:
        3 for "X is a …" and "we introduce X, a …", 2 for "we introduce X", 1 for "we propose a tool", 0 for others.
    """
    called = rf"[\"“'‘]?\b{re.escape(name)}\b[\"”'’]?(?: \([^)]*\))?"
    brings = bool(_INTRODUCES.search(text)) and not _URL.search(text)
    if re.search(rf"^\W*(?:the )?{called} (?:is|are) (?:an?|the)\b", text, re.IGNORECASE):
        return 3
    if brings and re.search(rf"{called}, (?:an?|the|our)\b", text, re.IGNORECASE):
        return 3
    return brings * (2 if re.search(called, text, re.IGNORECASE) else 1)


def _terms(question: Question) -> list[str]:
    """The common term that a question asks about, if that is all it asks about."""
    words = re.findall(r"[\w-]+", question.phrases[0].casefold()) if len(question.phrases) == 1 else []
    while words and words[0] in FUNCTION_WORDS:
        words = words[1:]
    return [" ".join(words)] if 0 < len(words) <= MAX_TERM_WORDS else []


def _defines(terms: Sequence[str], text: str) -> int:
    """How plainly a sentence defines one of the terms.

    Returns:
        3 for "X refers to", 2 for "X is a technique" and "known as X", 1 for "X is a" and "X aims to", 0 for others.
    """
    spelt = "|".join(r"[\s-]+".join(map(re.escape, re.split(r"[\s-]+", term))) + "s?" for term in terms)
    term = rf"[\"“'‘]?\b(?:{spelt})\b[\"”'’]?(?: \([^)]*\))?"
    forms = (
        rf"{term}(?: (?:refers? to|denotes?|means|is defined as)\b|,? \(?i\.e\.|,? (?:is )?the process of\b)",
        rf"{term},? (?:(?:is|are) )?(?:the|an?) (?:\w+ )?{_KINDS}\b|"
        rf"\b(?:known as|termed|called|defined as|referred to as)(?: the)? {term}",
        rf"^\W*{term} (?:is|are|aims?|seeks?|involves?) (?:an?|to)\b",
    )
    return next((3 - at for at, form in enumerate(forms) if re.search(form, text, re.IGNORECASE)), 0)


def _best_of(found: Iterator[tuple[Hit, SentenceHit, int]]) -> list[tuple[Hit, SentenceHit]]:
    """The sentences with a rank above 0, the highest first, and of one rank those that meet the question best."""
    ranked = [one for one in found if one[2]]
    return [(hit, sentence) for hit, sentence, _ in sorted(ranked, key=lambda one: (-one[2], -one[1].score))]


def _led_by(leading: Sequence[tuple[Hit, SentenceHit]], chosen: Sequence[Candidate]) -> list[Candidate]:
    texts = {sentence.text for _, sentence in leading}
    lead = [Candidate(hit, sentence, chosen[0].chance) for hit, sentence in leading]
    return [*lead, *(item for item in chosen if item.sentence.text not in texts)]
