"""Questions of fact: the sentences that answer, in the papers' own words, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from assistant.answering import answerable, confidence
from assistant.answering.asked import Asked, asked
from assistant.answering.citations import quoted, title_of, with_marks
from assistant.answering.definitions import defined_first
from assistant.answering.sentences import Candidate, Reading, is_background, read
from assistant.answering.wording import no_such_name
from assistant.query.parse import Question
from assistant.records import Answer, Hit
from assistant.retrieval.retriever import Query, Retriever
from assistant.text.code_links import code_asked, gives_code

NOTHING_FOUND = "no abstract of the collection says this"
SURE = 0.25  # P(answers) of the first sentence from which its polarity decides a yes/no question
MET = 0.6    # token cosine from which a word of the question counts as said in a sentence
LACKING = 0.15  # share of the question's content words, by weight, that a deciding sentence may leave unsaid

_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|without|cannot|fail(?:s|ed)? to|lack(?:s|ed)?|unable|little|few|hardly|rarely|"
    r"only limited|less|least|worse|underperform\w*|fall(?:s)? short|refut\w*|contrary|eliminat\w*)\b|n['’]t\b",
    re.IGNORECASE,
)
# Asks whether anything is there, which a sentence about it neither affirms nor denies by its own "not".
_EXISTS = re.compile(r"\b(?:is|are|was|were) there\b|\b(?:any|anything|anybody|anyone)\b", re.IGNORECASE)
# Verbs too common to count as content words, that a verdict turns on all the same.
_VERBS = re.compile(r"\b(need|use|make|know|give|show|get|want|let)(?:s|d|ed)?\b", re.IGNORECASE)
_CONTRAST = re.compile(r"\b(?:while|whereas|although|though|but|unlike|nevertheless|yet)\b", re.IGNORECASE)

# answer id, question, hits, reason, confidence -> a refusal
Refuse = Callable[[str, Question, Sequence[Hit], str, float], Answer]


class Facts:
    """Answers questions of fact from one collection."""

    def __init__(self, retriever: Retriever, *, top_k: int, candidates: int, refusal: str, refuse: Refuse) -> None:
        self._retriever = retriever
        self._top_k = top_k
        self._candidates = candidates
        self._refusal = refusal
        self._refuse = refuse

    def answer(self, answer_id: str, question: Question, *, preface: str = "") -> Answer:
        """Quote the sentences that answer, best first; ``preface`` is said before them."""
        query, hits, wanted, reading = self.read(question)
        if question.unknown:
            reason = no_such_name(question, self._retriever.collection)
            return self._refuse(answer_id, question, hits, reason, confidence.RULED_OUT)
        lexical = self._retriever.collection.lexical
        best = reading.hits[reading.best_paper()] if reading.hits else None
        meant = best is not None and self._is_meant(query, best)
        if best is not None and meant and wanted.yes_no and _asks_for_missing_code(question, best):
            title = title_of(best.paper.title, best.paper.abstract)
            reason = f"the abstract of “{title}” does not say that its code is given"
            return self._refuse(answer_id, question, [best], reason, confidence.RULED_OUT)
        if best is not None and answerable.is_namesake(question, query, best, stems=lexical.stems):
            return self._refuse(answer_id, question, hits, answerable.NOT_TREATED, confidence.RULED_OUT)
        features = answerable.extract_features(question, wanted, query, hits, reading, lexical)
        astray = best is None or answerable.off_topic(query, hits, best)
        judgement = answerable.judge(
            features, wanted, level=self._refusal, astray=astray, missing_names=_missing(question, query, best)
        )
        chosen = reading.chosen()
        sure = confidence.of_fact(judgement.confidence, chosen)
        trace = (*question.trace, *_traced(judgement.confidence, features, reading, chosen))
        if judgement.abstain or not chosen:
            nearest = [reading.hits[place] for place in _by_chance(reading)]
            reason = self._left_out(question) or judgement.reason or NOTHING_FOUND
            refusal = self._refuse(answer_id, question, nearest, reason, sure)
            refusal = replace(refusal, trace=trace)
            return refusal if astray else _with_nearest(refusal)
        ranking = self._retriever.ranking(query, candidates=self._candidates)
        chosen = defined_first(question, wanted, chosen, ranking, self._retriever)
        ordered = together(chosen, first_leads=wanted.yes_no)
        sentences, citations = quoted(
            [(item.hit.paper, item.sentence.start, item.sentence.end) for item in ordered]
        )
        lead = _verdict(query, chosen) if wanted.yes_no else ""
        return Answer(
            answer_id, question.text, question.kind, preface + lead + with_marks(sentences), sentences, citations,
            considered=self._retriever.count(), matched=len({citation.paper_id for citation in citations}),
            confidence=sure, trace=trace,
        )

    def read(self, question: Question) -> tuple[Query, list[Hit], Asked, Reading]:
        """The question made ready, its best papers, what it asks for, and the papers judged by that."""
        aside = question.aside if question.form == "definition" else ()  # else what is lacking tells something
        query = self._retriever.query(question.corrected, names=question.keys, aside=aside)
        hits = self._retriever.search(query, limit=self._top_k, candidates=self._candidates)
        store = self._retriever.collection.store
        short_for = (words for key in question.keys for words in store.expansions(key))
        wanted = replace(asked(question), short_for=tuple(short_for))
        return query, hits, wanted, read(query, hits, wanted, self._retriever.collection.lexical.stems)

    def _is_meant(self, query: Query, best: Hit) -> bool:
        """Whether a question is about one paper: the only one that is searched, or one that it names."""
        titled = best.paper.title is not None and best.paper.title in query.text
        return titled or self._retriever.count() == 1 or any(best.paper.paper_id in name.papers for name in query.names)

    def _left_out(self, question: Question) -> str | None:
        """That a filter leaves no paper with any of the names asked for, though the collection has some."""
        names = [name for name in question.names if name.known]
        if not names or any(self._retriever.with_name(name.key) for name in names):
            return None
        return f"none of these papers mentions {' or '.join(name.label for name in names)}"


def _asks_for_missing_code(question: Question, hit: Hit) -> bool:
    """Whether a question asks only for released code, which the abstract of a paper does not give."""
    text = question.corrected
    for called in (hit.paper.title, *(name.label for name in question.names)):
        text = re.sub(rf"{re.escape(called)}(?:['’]s)?", "", text) if called else text
    return code_asked(text) == (True, False) and not gives_code(hit.paper.abstract)


def _with_nearest(refusal: Answer) -> Answer:
    """The refusal with what the nearest abstract does say: where a premise is false, that is what sets it right."""
    if not refusal.nearest:
        return refusal
    near = refusal.nearest[0]
    says = f" What comes nearest, {title_of(near.title, near.quote)}, says: “{near.quote}”"
    return replace(refusal, text=refusal.text + says)


def together(chosen: Sequence[Candidate], *, first_leads: bool) -> list[Candidate]:
    """The sentences in the order in which they are quoted.

    Papers, and in a paper the runs of neighbouring sentences, come in the order in which they were chosen, best first;
    a run is in reading order, as it is one passage. With ``first_leads`` the best sentence of a paper stands alone.
    """
    ordered: list[Candidate] = []
    for paper in dict.fromkeys(item.hit.paper.paper_id for item in chosen):
        own = [item for item in chosen if item.hit.paper.paper_id == paper]
        lead = own[:1] if first_leads else []
        runs = _runs(own[len(lead):])
        ordered += [*lead, *(item for run in runs for item in run)]
    return ordered


def _runs(own: Sequence[Candidate]) -> list[list[Candidate]]:
    """Sentences of one paper cut into runs of neighbours, the run of the best first."""
    place = {sentence.start: at for at, sentence in enumerate(own[0].hit.sentences)} if own else {}
    runs: list[list[Candidate]] = []
    for item in sorted(own, key=lambda item: item.sentence.start):
        if runs and place[item.sentence.start] == place[runs[-1][-1].sentence.start] + 1:
            runs[-1].append(item)
        else:
            runs.append([item])
    return sorted(runs, key=lambda run: min(own.index(item) for item in run))


def _by_chance(reading: Reading) -> list[int]:
    return sorted(range(len(reading.hits)), key=lambda place: -reading.meant[place])


def _missing(question: Question, query: Query, best: Hit | None) -> list[str]:
    """Names of the question, as written, that the paper most probably meant does not mention."""
    if best is None:
        return []
    lacking = {name.key for name in query.names if best.paper.paper_id not in name.papers}
    return [name.label for name in question.names if name.key in lacking]


def _verdict(query: Query, chosen: Sequence[Candidate]) -> str:
    """"Yes —" or "No —" if the first sentence has the question's own words and so decides it; else "The paper says:".

    Without its own words, what the sentence affirms or denies may be something else; so it may where it speaks of the
    state of things before, or sets one thing against another.
    """
    first = chosen[0]
    several = any(item.hit.paper.paper_id != first.hit.paper.paper_id for item in chosen)
    total = sum(word.weight for word in query.words if word.content)
    lacking = sum(
        word.weight
        for word, cover in zip(query.words, first.sentence.coverage, strict=True) if word.content and cover < MET
    )
    text = first.sentence.text
    verbs = [verb for verb in _VERBS.findall(query.text) if not re.search(rf"\b{verb[:-1]}", text, re.IGNORECASE)]
    unclear = is_background(text) or _CONTRAST.search(text) or _EXISTS.search(query.text) or verbs
    if first.chance < SURE or total <= 0 or lacking / total > LACKING or unclear:
        return "The papers say: " if several else "The paper says: "
    denied = bool(_NEGATION.search(text)) != bool(_NEGATION.search(query.text))
    return "No — " if denied else "Yes — "


def _traced(
    likely: float, features: answerable.AnswerabilityFeatures, reading: Reading, chosen: Sequence[Candidate]
) -> tuple[str, ...]:
    papers = len({item.hit.paper.paper_id for item in chosen})
    return (
        f"answerable: {likely:.2f}; the paper most probably meant: {max(reading.meant, default=0.0):.2f}; "
        f"{len(chosen)} sentences of {papers} papers would be quoted",
        "signs: " + ", ".join(f"{name} {value:.2f}" for name, value in asdict(features).items() if value),
    )
