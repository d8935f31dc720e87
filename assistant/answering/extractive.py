"""The answerer that needs no language model: it quotes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from assistant.answering.citations import Marks, with_marks
from assistant.answering.lists import Lists
from assistant.answering.method_names import method_name
from assistant.answering.refusal import judge, signals
from assistant.answering.wording import notice
from assistant.question import Question
from assistant.records import Answer, AnswerSentence, Hit, Nearest, SentenceHit
from assistant.retrieval.names import name_key
from assistant.retrieval.retriever import Retriever

MAX_SENTENCES = 3      # of a fact's answer: about 85 words
OF_PAPER = 0.5         # weight of a paper's score beside that of its sentence
OF_NUMBER = 0.1        # what a figure adds where one is asked for


class Extractive:
    """Answers from one collection, in the papers' own words."""

    def __init__(self, retriever: Retriever, *, top_k: int, candidates: int, refusal: str) -> None:
        self._retriever = retriever
        self._top_k = top_k
        self._candidates = candidates
        self._refusal = refusal
        self.lists = Lists(retriever, level=refusal, refuse=self._refuse)

    def answer(self, question: Question, *, answer_id: str) -> Answer:
        """Answer any question; what cannot be answered is refused, with the reason and what comes nearest."""
        if question.kind == "empty":
            return _said(answer_id, question, "Please ask a question in words.", reason="no words in the question")
        if question.kind == "collection":
            return self._about_collection(answer_id, question)
        if question.wants_metadata:
            hits = self._retriever.search(
                self._retriever.query(question.corrected, names=question.keys), limit=3, candidates=self._candidates
            )
            return self._refuse(answer_id, question, hits, "abstracts do not give authors, dates or venues", 0.1)
        if question.kind in ("list", "count"):
            if self.lists.unknown(question):
                return self._no_such_name(answer_id, question)
            return self.lists.answer(answer_id, question)
        if question.kind == "topic" and not question.unknown:
            return self._topic(answer_id, question)
        if question.kind == "compare" and len([name for name in question.names if name.known]) > 1:
            return self._compare(answer_id, question)
        return self._fact(answer_id, question)

    def _topic(self, answer_id: str, question: Question) -> Answer:
        """A bare topic gets a list if several papers are about it, else what the best one says."""
        if question.hard and not question.topic:
            return self.lists.answer(answer_id, question)
        members = None if question.wants_number else self.lists.members(question)
        if members is not None and len(members.fitting) > 1:
            return self.lists.answer(answer_id, question, members)
        return self._fact(answer_id, question)

    # -- facts

    def _fact(self, answer_id: str, question: Question) -> Answer:
        query = self._retriever.query(question.corrected, names=question.keys)
        hits = self._retriever.search(query, limit=max(self._top_k, 5), candidates=self._candidates)
        judgement = judge(question, signals(query, hits), level=self._refusal)
        considered = self._retriever.count()
        if judgement.abstain:
            return self._refuse(answer_id, question, hits, judgement.reason or "", judgement.confidence)
        marks = Marks()
        sentences = []
        for hit, sentence in _evidence(hits[:self._top_k], wants_number=question.wants_number):
            mark = marks.cite(hit.paper, sentence.start, sentence.end)
            sentences.append(AnswerSentence(sentence.text, (mark,), checked=True))
        cited = {citation.paper_id for citation in marks.citations()}
        return Answer(
            answer_id, question.text, question.kind, notice(question) + with_marks(sentences), tuple(sentences),
            marks.citations(), considered=considered, matched=len(cited), confidence=judgement.confidence,
            trace=question.trace,
        )

    # -- comparisons

    def _compare(self, answer_id: str, question: Question) -> Answer:
        marks = Marks()
        query = self._retriever.query(question.corrected)
        sentences = []
        shown: set[tuple[str, int]] = set()
        if question.unknown:
            return self._no_such_name(answer_id, question)
        for name in question.names:
            among = sorted(self._retriever.with_name(name.key))
            hits = self._retriever.search(query, limit=len(among), among=among)
            own = [hit for hit in hits if name_key(self._method(hit) or "") == name.key]
            for hit in (own or hits)[:1]:
                for sentence in _best(hit, 2):
                    if (hit.paper.paper_id, sentence.start) in shown:
                        continue  # one paper may be the best for both names
                    shown.add((hit.paper.paper_id, sentence.start))
                    mark = marks.cite(hit.paper, sentence.start, sentence.end)
                    sentences.append(AnswerSentence(sentence.text, (mark,), checked=True))
        if not sentences:  # a filter left out all that mention the names
            names = " or ".join(name.label for name in question.names)
            hits = self._retriever.search(query, limit=3, candidates=self._candidates)
            return self._refuse(answer_id, question, hits, f"none of these papers mentions {names}", 0.05)
        cited = {citation.paper_id for citation in marks.citations()}
        return Answer(
            answer_id, question.text, "compare", notice(question) + with_marks(sentences), tuple(sentences),
            marks.citations(), considered=self._retriever.count(), matched=len(cited),
            confidence=0.6, trace=question.trace,
        )

    def _method(self, hit: Hit) -> str | None:
        return method_name(hit.paper, papers_with=self._retriever.collection.store.name_counts)

    # -- answers without papers

    def _about_collection(self, answer_id: str, question: Question) -> Answer:
        store = self._retriever.collection.store
        files = store.files()
        untitled = sum(title is None for _, title in store.titles())
        common = ", ".join(self._common_names(8))
        dated, _, _, signed = store.known_bylines()
        passing = self._retriever.count()
        text = ("" if passing == store.count() else f"{passing} papers pass the filter. ") + (
            f"I answer questions about a collection of {store.count()} paper abstracts ({untitled} without a title), "
            f"read from {len(files)} files. Names mentioned most: {common}. It has titles and abstracts only: "
            + (f"no full texts; a year is known of {dated} papers, authors of {signed}." if dated or signed
               else "no authors, dates or full texts.")
        )
        return Answer(
            answer_id, question.text, "collection", text, (AnswerSentence(text, (), checked=True),),
            considered=passing, confidence=1.0, trace=question.trace,
        )

    def _common_names(self, count: int) -> list[str]:
        """The names most papers mention, as most write them, without common nouns and plain capitalised words."""
        store = self._retriever.collection.store
        found = (
            store.surface(key) for key, _ in store.top_names(10 * count) if not store.is_common_noun(key)
        )
        shaped = (
            name for name in found if any(c.isupper() or c.isdigit() for c in name[1:]) and "-" not in name[3:]
        )
        return list(islice(shaped, count))

    def _no_such_name(self, answer_id: str, question: Question) -> Answer:
        names = " and ".join(f"“{name.surface}”" for name in question.unknown)
        hits = self._retriever.search(self._retriever.query(question.text), limit=3, candidates=self._candidates)
        return self._refuse(answer_id, question, hits, f"no paper of the collection mentions {names}", 0.05)

    def _refuse(
        self, answer_id: str, question: Question, hits: Sequence[Hit], reason: str, confidence: float
    ) -> Answer:
        near = tuple(
            Nearest(hit.paper.paper_id, hit.paper.title, _best(hit, 1)[0].text, hit.paper.sources, hit.similarity)
            for hit in hits[:3] if hit.sentences
        )
        text = f"I cannot answer that: {reason}."
        return Answer(
            answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=True),), nearest=near,
            considered=self._retriever.count(), abstained=True, reason=reason,
            confidence=confidence, trace=question.trace,
        )


def _evidence(hits: Sequence[Hit], *, wants_number: bool) -> list[tuple[Hit, SentenceHit]]:
    """The sentences that answer, best first, whichever of the best papers they stand in.

    A sentence counts by how it meets the question itself, by how well its paper does, and, if a number is asked for, by
    having one.
    """
    found = [
        (sentence.score + OF_PAPER * hit.score + OF_NUMBER * (wants_number and _has_number(sentence.text)),
         hit, sentence)
        for hit in hits for sentence in hit.sentences
    ]
    found.sort(key=lambda entry: (-entry[0], entry[1].paper.paper_id, entry[2].start))
    return [(hit, sentence) for _, hit, sentence in found[:MAX_SENTENCES]]


def _has_number(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _best(hit: Hit, count: int) -> list[SentenceHit]:
    return sorted(hit.sentences, key=lambda sentence: (-sentence.score, sentence.start))[:count]


def _said(answer_id: str, question: Question, text: str, *, reason: str) -> Answer:
    return Answer(
        answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=True),), abstained=True,
        reason=reason, trace=question.trace,
    )
