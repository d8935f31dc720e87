"""The answerer that needs no language model: it quotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from assistant.answering import confidence
from assistant.answering.citations import Marks, with_marks
from assistant.answering.facts import Facts
from assistant.answering.lists import item, line, method_name, proof_of
from assistant.answering.membership import CUT, evidence, probability
from assistant.answering.refusal import Signals, judge, signals
from assistant.question import Question
from assistant.records import Answer, AnswerSentence, Hit, Nearest, SentenceHit
from assistant.retrieval.names import name_key, names_of
from assistant.retrieval.retriever import Ranking, Retriever

LIST_CANDIDATES = 2000  # of a large collection, for topics; names are exact over all of it


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
        self._candidates = candidates
        self.facts = Facts(retriever, candidates=candidates, refusal=refusal, refuse=self._refuse)

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
            return self._refuse(
                answer_id, question, hits, "abstracts do not give authors, dates or venues", confidence.RULED_OUT
            )
        if question.kind in ("list", "count"):
            return self._list(answer_id, question)
        if question.kind == "topic" and not question.unknown:
            return self._topic(answer_id, question)
        if question.kind == "compare" and len([name for name in question.names if name.known]) > 1:
            return self._compare(answer_id, question)
        return self.facts.answer(answer_id, question, preface=_notice(question))

    def _topic(self, answer_id: str, question: Question) -> Answer:
        """A bare topic gets a list if several papers are about it, else what the best one says."""
        if question.hard and not question.topic:
            return self._list(answer_id, question)
        members = None if question.wants_number else self.members(question)
        if members is not None and len(members.fitting) > 1:
            return self._list(answer_id, question, members)
        return self.facts.answer(answer_id, question, preface=_notice(question))

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
            return self._refuse(
                answer_id, question, hits, f"none of these papers mentions {names}", confidence.RULED_OUT
            )
        cited = {citation.paper_id for citation in marks.citations()}
        return Answer(
            answer_id, question.text, "compare", _notice(question) + with_marks(sentences), tuple(sentences),
            marks.citations(), considered=self._retriever.count(), matched=len(cited),
            confidence=0.6, trace=question.trace,
        )

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
            answer_id, question.text, "collection", text, (AnswerSentence(text, (), checked=False),),
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
        return self._refuse(
            answer_id, question, hits, f"no paper of the collection mentions {names}", confidence.RULED_OUT
        )

    def _refuse(
        self, answer_id: str, question: Question, hits: Sequence[Hit], reason: str, sure: float
    ) -> Answer:
        near = tuple(
            Nearest(hit.paper.paper_id, hit.paper.title, _best(hit, 1)[0].text, hit.paper.sources, hit.similarity)
            for hit in hits[:3] if hit.sentences
        )
        text = f"I cannot answer that: {reason}."
        return Answer(
            answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=False),), nearest=near,
            considered=self._retriever.count(), abstained=True, reason=reason,
            confidence=sure, trace=question.trace,
        )


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
        answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=False),), abstained=True,
        reason=reason, trace=question.trace,
    )
