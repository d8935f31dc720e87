"""The answerer that needs no language model: it quotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from assistant.answering import confidence, routing
from assistant.answering.about import is_about, tell
from assistant.answering.answerable import NOT_TREATED
from assistant.answering.citations import Marks
from assistant.answering.compare import Comparison, comparison, paragraphs, side_by_side
from assistant.answering.facts import Facts
from assistant.answering.items import as_text, heading
from assistant.answering.language import carried, language_of, request
from assistant.answering.lists import Lists
from assistant.answering.wording import no_such_name, notice
from assistant.index.sqlite import NO_PAPERS
from assistant.query.parse import Question
from assistant.records import Answer, AnswerSentence, Hit, Nearest, SentenceHit
from assistant.retrieval.retriever import Retriever

LISTS = ("list", "count", "topic")


class Extractive:
    """Answers from one collection, in the papers' own words."""

    def __init__(self, retriever: Retriever, *, top_k: int, candidates: int, refusal: str) -> None:
        self._retriever = retriever
        self._candidates = candidates
        self._refusal = refusal
        self.facts = Facts(retriever, top_k=top_k, candidates=candidates, refusal=refusal, refuse=self._refuse)
        self.lists = Lists(retriever, level=refusal, refuse=self._refuse)

    def answer(self, question: Question, *, answer_id: str) -> Answer:
        """Answer any question; what cannot be answered is refused, with the reason and what comes nearest."""
        if question.kind == "empty":
            return _said(answer_id, question, "Please ask a question in words.", reason="no words in the question")
        if not self._retriever.count():
            return _said(answer_id, question, f"I cannot answer that: {NO_PAPERS}.", reason=NO_PAPERS)
        language = language_of(question.text, self._retriever.collection, self._retriever.is_word)
        if language is not None:
            return self._translated(answer_id, question, language)
        if is_about(question, self._retriever):
            return self._about_collection(answer_id, question)
        if question.wants_metadata:
            hits = self._retriever.search(
                self._retriever.query(question.corrected, names=question.keys), limit=3, candidates=self._candidates
            )
            dated, _, _, signed = self._retriever.collection.store.known_bylines()
            kept = "; the filters by author and year find what files say of their papers" if dated or signed else ""
            reason = f"abstracts do not give authors, dates or venues{kept}"
            return self._refuse(answer_id, question, hits, reason, confidence.RULED_OUT)
        if question.kind != "collection" and not question.unknown and not routing.asks_for_papers(question):
            compared = comparison(self._retriever, question, candidates=self._candidates)
            if compared is not None:
                told = self.facts.answer(answer_id, question) if compared.described else None
                if told is not None and told.reason == NOT_TREATED:
                    return told  # things described, "llamas and alpacas", are no paper's subject
                return self._compare(answer_id, question, compared)
        if question.kind == "compare" and len(question.names) > len(question.unknown) > 0:
            return self._compare_unknown(answer_id, question)
        if question.kind in ("list", "count") and self.lists.unknown(question):
            return self._no_such_name(answer_id, question)
        if routing.is_choice(question):
            return self._list_or_fact(answer_id, question)
        if question.kind in LISTS and not question.unknown:
            return self.lists.answer(answer_id, question, preface=notice(question))
        return self.facts.answer(answer_id, question, preface=notice(question))

    def _translated(self, answer_id: str, question: Question, language: str) -> Answer:
        """A question in another language is answered by its names if it has some, else English is asked for."""
        known = carried(question.text, self._retriever.collection, language)
        trace = (*question.trace, f"language: {language}", f"searched for: {known.text or '-'}")
        if not known.names:
            return replace(
                _said(answer_id, question, request(language), reason="the question does not seem to be in English"),
                trace=trace,
            )
        kind = "fact" if len(known.names) == 1 else "compare"
        alone = known.text == known.names[0].surface  # then what it is will be told
        wording = f"what is {known.text}?" if alone else known.text
        read = Question(wording, kind, names=known.names, hard=known.names, positive=known.text)
        compared = comparison(self._retriever, read, candidates=self._candidates) if kind == "compare" else None
        answer = self._compare(answer_id, read, compared) if compared else self.facts.answer(answer_id, read)
        notice = f"(The question does not seem to be in English; I searched for {known.text}.) "
        return replace(answer, question=question.text, text=notice + answer.text, trace=trace)

    def _list_or_fact(self, answer_id: str, question: Question) -> Answer:
        """The papers that fit, the sentences that answer, or, where that is open, the sentences and then the papers."""
        told, listed = self.told_and_listed(answer_id, question)
        features = routing.extract_features(question, listed, told)
        if told.abstained or listed.abstained:
            sure = question.listing >= routing.SURE and (question.kind != "topic" or told.confidence < routing.TOLD)
            answer = listed if question.kind in LISTS and (told.abstained or sure) else told
        elif routing.is_list(features):
            answer = listed
        else:
            both = routing.is_open(features) and (question.kind in LISTS or _adds(listed, told))
            answer = _together(told, listed) if both else told
        why = "as a list or as a fact: " + ", ".join(f"{name} {value:.2f}" for name, value in asdict(features).items())
        return replace(answer, text=notice(question) + answer.text, trace=(*answer.trace, why))

    def told_and_listed(self, answer_id: str, question: Question) -> tuple[Answer, Answer]:
        """Both answers to a question that may ask for either; sentences that answer show that its topic is treated."""
        listing = question if question.kind in LISTS else replace(question, kind="list")
        told = self.facts.answer(answer_id, replace(question, kind="fact"))
        treated = not told.abstained and told.confidence >= routing.TOLD
        return told, self.lists.answer(answer_id, listing, treated=treated)

    # -- comparisons

    def _compare(self, answer_id: str, question: Question, compared: Comparison) -> Answer:
        marks = Marks()
        sentences, table = side_by_side(compared, self._retriever, marks)
        return Answer(
            answer_id, question.text, "compare", notice(question) + paragraphs(sentences, table), tuple(sentences),
            marks.citations(), table=table, considered=self._retriever.count(), matched=len(table),
            confidence=compared.confidence, trace=(*question.trace, *compared.trace),
        )

    def _compare_unknown(self, answer_id: str, question: Question) -> Answer:
        """One side is unknown: say so, and what the collection says of the others."""
        refused = self._no_such_name(answer_id, question)
        known = [name for name in question.names if name.known]
        among = sorted(set().union(*(self._retriever.with_name(name.key) for name in known)))
        query = self._retriever.query(" ".join(name.label for name in known), names=[name.key for name in known])
        near = tuple(map(_near, self._retriever.search(query, limit=3, among=among)))
        if not near:
            return refused
        text = f"{refused.text} Of {' and '.join(name.label for name in known)} it says: “{near[0].quote}”"
        return replace(refused, text=text, sentences=(AnswerSentence(text, (), checked=False),), nearest=near)

    # -- answers without papers

    def _about_collection(self, answer_id: str, question: Question) -> Answer:
        told = tell(question, self._retriever)
        passing = self._retriever.count()
        some = passing != self._retriever.collection.store.count()
        pass_it = "1 paper passes" if passing == 1 else f"{passing} papers pass"
        text = (f"{pass_it} the filter. " if some else "") + told.text
        return Answer(
            answer_id, question.text, "collection", text, (AnswerSentence(text, (), checked=False),),
            considered=passing, abstained=not told.kept, reason=None if told.kept else "that is not kept",
            confidence=1.0 if told.kept else 0.1, trace=(*question.trace, *told.trace),
        )

    def _no_such_name(self, answer_id: str, question: Question) -> Answer:
        hits = self._retriever.search(self._retriever.query(question.text), limit=3, candidates=self._candidates)
        reason = no_such_name(question, self._retriever.collection)
        return self._refuse(answer_id, question, hits, reason, confidence.RULED_OUT)

    def _refuse(
        self, answer_id: str, question: Question, hits: Sequence[Hit], reason: str, sure: float
    ) -> Answer:
        near = tuple(_near(hit) for hit in hits[:3] if hit.sentences)
        text = f"I cannot answer that: {reason}."
        return Answer(
            answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=False),), nearest=near,
            considered=self._retriever.count(), abstained=True, reason=reason,
            confidence=sure, trace=question.trace,
        )


def _together(told: Answer, listed: Answer) -> Answer:
    """The sentences that answer, and below them the papers that fit, under marks that run on."""
    marks = Marks()
    for citation in told.citations:
        marks.add(citation)
    items = tuple(
        replace(item, mark=marks.add(citation))
        for item, citation in zip(listed.items, listed.citations, strict=True)
    )
    proofs = (AnswerSentence(item.quote, (item.mark,), checked=True) for item in items)
    return replace(
        told, text=f"{told.text}\n\n{as_text(heading(listed), items)}", sentences=(*told.sentences, *proofs),
        citations=marks.citations(), items=items, considered=listed.considered, matched=listed.matched,
        near_misses=listed.near_misses, trace=(*told.trace, *(line for line in listed.trace if line not in told.trace)),
    )


def _adds(listed: Answer, told: Answer) -> bool:
    """Whether a list has a paper that the sentences are not from."""
    return not {item.paper_id for item in listed.items} <= {citation.paper_id for citation in told.citations}


def _near(hit: Hit) -> Nearest:
    return Nearest(hit.paper.paper_id, hit.paper.title, _best(hit, 1)[0].text, hit.paper.sources, hit.similarity)


def _best(hit: Hit, count: int) -> list[SentenceHit]:
    return sorted(hit.sentences, key=lambda sentence: (-sentence.score, sentence.start))[:count]


def _said(answer_id: str, question: Question, text: str, *, reason: str) -> Answer:
    return Answer(
        answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=False),), abstained=True,
        reason=reason, trace=question.trace,
    )
