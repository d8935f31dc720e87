"""The answerer that needs no language model: it quotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.answering.about import is_about, tell
from assistant.answering.citations import Marks, with_marks
from assistant.answering.compare import Comparison, comparison, paragraphs, side_by_side
from assistant.answering.language import carried, language_of, request
from assistant.answering.lists import item, line, method_name, proof_of
from assistant.answering.membership import CUT, evidence, probability
from assistant.answering.refusal import Signals, judge, signals
from assistant.question import Question
from assistant.records import Answer, AnswerSentence, Hit, Nearest, SentenceHit
from assistant.retrieval.names import names_of
from assistant.retrieval.retriever import Ranking, Retriever

LIST_CANDIDATES = 2000  # of a large collection, for topics; names are exact over all of it
MAX_SENTENCES = 3      # of a fact's answer: about 85 words
OF_PAPER = 0.5         # weight of a paper's score beside that of its sentence
OF_NUMBER = 0.1        # what a figure adds where one is asked for


@dataclass(frozen=True, slots=True)
class Member:
    """A paper that may belong to a list."""

    hit: Hit
    chance: float  # 0–1


@dataclass(frozen=True, slots=True)
class Members:
    """What a list question finds."""

    fitting: tuple[Member, ...]  # best first
    nearest: tuple[Hit, ...]     # the best papers looked at, whether they fit or not
    considered: int
    named: int | None            # papers that mention the hard names, if there are any
    any_name: bool               # no paper mentions all the names, so these mention any
    signals: Signals             # whether the collection is about this at all
    trace: tuple[str, ...]


class Extractive:
    """Answers from one collection, in the papers' own words."""

    def __init__(self, retriever: Retriever, *, top_k: int, candidates: int, refusal: str) -> None:
        self._retriever = retriever
        self._top_k = top_k
        self._candidates = candidates
        self._refusal = refusal

    def answer(self, question: Question, *, answer_id: str) -> Answer:
        """Answer any question; what cannot be answered is refused, with the reason and what comes nearest."""
        if question.kind == "empty":
            return _said(answer_id, question, "Please ask a question in words.", reason="no words in the question")
        language = language_of(question.text, self._retriever.collection)
        if language is not None:
            return self._translated(answer_id, question, language)
        if is_about(question, self._retriever):
            return self._about_collection(answer_id, question)
        if question.wants_metadata:
            hits = self._retriever.search(
                self._retriever.query(question.corrected, names=question.keys), limit=3, candidates=self._candidates
            )
            return self._refuse(answer_id, question, hits, "abstracts do not give authors, dates or venues", 0.1)
        if question.kind in ("fact", "topic", "compare", "list") and not question.unknown:
            compared = comparison(self._retriever, question, candidates=self._candidates)
            if compared is not None and not self._unmet(question, compared):
                return self._compare(answer_id, question, compared)
        if question.kind == "compare" and len(question.names) > len(question.unknown) > 0:
            return self._compare_unknown(answer_id, question)
        if question.kind in ("list", "count"):
            return self._list(answer_id, question)
        if question.kind == "topic" and not question.unknown:
            return self._topic(answer_id, question)
        return self._fact(answer_id, question)

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
        read = Question(known.text, kind, names=known.names, hard=known.names, positive=known.text)
        compared = comparison(self._retriever, read, candidates=self._candidates) if kind == "compare" else None
        answer = self._compare(answer_id, read, compared) if compared else self._fact(answer_id, read)
        notice = f"(The question does not seem to be in English; I searched for {known.text}.) "
        return replace(answer, question=question.text, text=notice + answer.text, trace=trace)

    def _topic(self, answer_id: str, question: Question) -> Answer:
        """A bare topic gets a list if several papers are about it, else what the best one says."""
        if question.hard and not question.topic:
            return self._list(answer_id, question)
        members = None if question.wants_number else self.members(question)
        if members is not None and len(members.fitting) > 1:
            return self._list(answer_id, question, members)
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
            answer_id, question.text, question.kind, _notice(question) + with_marks(sentences), tuple(sentences),
            marks.citations(), considered=considered, matched=len(cited), confidence=judgement.confidence,
            trace=question.trace,
        )

    # -- lists and counts

    def _list(self, answer_id: str, question: Question, members: Members | None = None) -> Answer:
        if question.unknown:
            return self._no_such_name(answer_id, question)
        members = members or self.members(question)
        if not question.hard:
            judgement = judge(question, members.signals, level="eager")
            if judgement.abstain:
                return self._refuse(
                    answer_id, question, members.nearest, judgement.reason or "", judgement.confidence
                )
        kept = [member for member in members.fitting if member.hit.sentences]
        if not kept and not question.hard:
            return self._refuse(answer_id, question, members.nearest, "no paper of the collection fits", 0.2)
        marks = Marks()
        keys = [name.key for name in question.hard]
        items = tuple(
            item(
                member.hit, marks, proof=proof_of(member.hit, names=keys, topical=bool(question.topic)),
                name=self._method(member.hit),
            )
            for member in kept
        )
        head = _headline(question, len(items), members)
        return Answer(
            answer_id, question.text, question.kind,
            _notice(question) + "\n".join([head, *(f"{n}. {line(listed)}" for n, listed in enumerate(items, 1))]),
            tuple(AnswerSentence(listed.quote, (listed.mark,), checked=True) for listed in items),
            marks.citations(), items, considered=members.considered, matched=len(items),
            confidence=_list_confidence(kept), trace=(*question.trace, *members.trace),
        )

    def members(self, question: Question) -> Members:
        """Every paper that fits a list question, best first.

        Hard names are exact over the whole collection; the topic is judged on all papers of a small collection and
        on the best 2,000 of a large one.
        """
        total = self._retriever.count()
        named, note = self.with_names(question)
        ranking = self.look_at(question, named)
        ids = ranking.paper_ids()
        chances = [1.0] * len(ids)
        if question.topic:
            chances = [probability(found) for found in evidence(self._retriever, question.topic, ranking)]
        left_out = self._excluded(question)
        nearest = ranking.hits(5)
        fitting = [
            Member(ranking.hit(position), chance)
            for position, (paper, chance) in enumerate(zip(ids, chances, strict=True))
            if chance >= CUT and (named is None or paper in named) and paper not in left_out
        ]
        if question.topic:
            fitting.sort(key=lambda member: (-member.chance, member.hit.paper.paper_id))
        considered = total if named is not None else len(ids)
        trace = (f"looked at {considered} papers; {len(left_out)} excluded; cut at {CUT}", *filter(None, [note]))
        return Members(
            tuple(fitting), tuple(nearest), considered, None if named is None else len(named), bool(note),
            signals(ranking.query, nearest), trace,
        )

    def look_at(self, question: Question, named: set[str] | None) -> Ranking:
        """The papers a list question is judged on, compared with its topic."""
        query = self._retriever.query(question.positive, topic=question.topic or None)
        if self._retriever.count() <= LIST_CANDIDATES:
            return self._retriever.rank(query, among=self._retriever.paper_ids())
        if named is not None and not question.topic:
            return self._retriever.rank(query, among=sorted(named))
        found = self._retriever.rank(query, candidates=LIST_CANDIDATES).paper_ids()
        return self._retriever.rank(query, among=sorted({*found, *(named or ())}))

    def with_names(self, question: Question) -> tuple[set[str] | None, str]:
        """Papers that mention the hard names, None where there are none; and a note if not all could be met at once."""
        found = [self._retriever.with_name(name.key) for name in question.hard]
        if not found:
            return None, ""
        if question.any_of:
            return set.union(*found), ""
        every = set.intersection(*found)
        if every or len(found) == 1:
            return every, ""
        return set.union(*found), "no paper mentions all the names; these mention one of them"

    def _excluded(self, question: Question) -> set[str]:
        """Papers that mention an excluded name, or are about an excluded topic.

        "Other than X" leaves out only papers about X: with X in the title, or more than once.
        """
        collection = self._retriever.collection
        left_out: set[str] = set()
        for exclusion in question.exclusions:
            if exclusion.topic:
                members = self.members(Question(
                    exclusion.text, "list", names=exclusion.names, hard=exclusion.names, topic=exclusion.topic,
                    positive=exclusion.text,
                ))
                left_out |= {member.hit.paper.paper_id for member in members.fitting}
                continue
            for name in exclusion.names:
                mentions = collection.store.mentions(name.key)
                entries = collection.store.entries(sorted(mentions))
                left_out |= {
                    paper for paper, entry in entries.items()
                    if not exclusion.loose or mentions[paper] > 1 or name.key in names_of(entry.paper.title, "")
                }
                if not exclusion.loose:
                    left_out |= collection.with_name(name.key)
        return left_out

    def _method(self, hit: Hit) -> str | None:
        return method_name(hit.paper, papers_with=self._retriever.collection.store.name_counts)

    # -- comparisons

    def _compare(self, answer_id: str, question: Question, compared: Comparison) -> Answer:
        marks = Marks()
        sentences, table = side_by_side(compared, self._retriever, marks)
        return Answer(
            answer_id, question.text, "compare", _notice(question) + paragraphs(sentences, table), tuple(sentences),
            marks.citations(), table=table, considered=self._retriever.count(), matched=len(table),
            confidence=compared.confidence, trace=(*question.trace, *compared.trace),
        )

    def _unmet(self, question: Question, compared: Comparison) -> bool:
        """Whether what the sides only describe is nothing the collection treats."""
        near = signals(compared.ranking.query, compared.ranking.hits(5))
        return not compared.named and judge(question, near, level="eager").abstain

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
        return replace(refused, text=text, sentences=(AnswerSentence(text, (), checked=True),), nearest=near)

    # -- answers without papers

    def _about_collection(self, answer_id: str, question: Question) -> Answer:
        told = tell(question, self._retriever)
        passing = self._retriever.count()
        some = passing != self._retriever.collection.store.count()
        text = (f"{passing} papers pass the filter. " if some else "") + told.text
        return Answer(
            answer_id, question.text, "collection", text, (AnswerSentence(text, (), checked=True),),
            considered=passing, abstained=not told.kept, reason=None if told.kept else "that is not kept",
            confidence=1.0 if told.kept else 0.1, trace=(*question.trace, *told.trace),
        )

    def _no_such_name(self, answer_id: str, question: Question) -> Answer:
        names = " and ".join(f"“{name.surface}”" for name in question.unknown)
        hits = self._retriever.search(self._retriever.query(question.text), limit=3, candidates=self._candidates)
        return self._refuse(answer_id, question, hits, f"no paper of the collection mentions {names}", 0.05)

    def _refuse(
        self, answer_id: str, question: Question, hits: Sequence[Hit], reason: str, confidence: float
    ) -> Answer:
        near = tuple(_near(hit) for hit in hits[:3] if hit.sentences)
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


def _near(hit: Hit) -> Nearest:
    return Nearest(hit.paper.paper_id, hit.paper.title, _best(hit, 1)[0].text, hit.paper.sources, hit.similarity)


def _best(hit: Hit, count: int) -> list[SentenceHit]:
    return sorted(hit.sentences, key=lambda sentence: (-sentence.score, sentence.start))[:count]


def _notice(question: Question) -> str:
    excluded = [name for exclusion in question.exclusions for name in exclusion.names]
    taken = [(name.surface, name.meant) for name in (*question.names, *excluded) if name.meant]
    return "".join(f"(I took “{typed}” for {meant}.) " for typed, meant in (*taken, *question.slips))


def _headline(question: Question, found: int, members: Members) -> str:
    head = f"{found} of {members.considered} papers {'matches' if found == 1 else 'match'}"
    if members.named is not None:
        link = " or " if question.any_of or members.any_name else " and "
        mention = link.join(name.label for name in question.hard)
        head += f"; {members.named} {'mentions' if members.named == 1 else 'mention'} {mention}"
    return head + (":" if found else ".")


def _list_confidence(members: Sequence[Member]) -> float:
    return sum(member.chance for member in members) / len(members) if members else 0.5


def _said(answer_id: str, question: Question, text: str, *, reason: str) -> Answer:
    return Answer(
        answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=True),), abstained=True,
        reason=reason, trace=question.trace,
    )
