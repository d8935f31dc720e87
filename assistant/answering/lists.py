"""Which, list, how many: every paper of the collection is looked at, those that fit are shown with their proof."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assistant.answering import confidence
from assistant.answering.citations import Marks
from assistant.answering.facets import facets_in
from assistant.answering.items import as_text, item
from assistant.answering.membership import (
    COMMON_WORD,
    EXCLUDED,
    EXCLUDED_LOOSELY,
    MET,
    MembershipFeatures,
    alternatives_of,
    extract_features,
    inclusion_threshold,
    met,
    probability,
)
from assistant.answering.method_names import method_name
from assistant.answering.own_names import own_paper
from assistant.answering.proof import proof_of
from assistant.answering.routing import PAPERS
from assistant.query.parse import Question
from assistant.records import Answer, AnswerSentence, Hit, Nearest, SentenceHit
from assistant.retrieval.retriever import Ranking, Retriever
from assistant.text.names import names_of

LIST_CANDIDATES = 2000  # of a large collection, for topics; names are exact over all of it
MAX_NEAR_MISSES = 10
NEAR = 0.4              # of the cut: a chance from which a paper that is not listed is a near miss

# answer id, question, what was found, the reason, confidence → a refusal
Refuse = Callable[[str, Question, Sequence[Hit], str, float], Answer]

_BOTH = re.compile(r"\b(?:both|all of|together)\b", re.IGNORECASE)  # then papers with one of the names are no answer


@dataclass(frozen=True, slots=True)
class Member:
    """A paper that may belong to a list."""

    hit: Hit
    chance: float  # 0–1


@dataclass(frozen=True, slots=True)
class Members:
    """What a list question finds."""

    fitting: tuple[Member, ...]  # best first
    under: tuple[Member, ...]    # those just under the cut, best first
    nearest: tuple[Hit, ...]     # the best papers looked at, whether they fit or not
    considered: int
    named: int | None            # papers that mention the hard names, if there are any
    any_name: bool               # no paper mentions all the names, so these mention any
    topical: bool                # a topic was asked for
    treated: bool                # some paper of the collection is about it
    trace: tuple[str, ...]


class Lists:
    """Answers list and count questions from one collection."""

    def __init__(self, retriever: Retriever, *, level: str, refuse: Refuse) -> None:
        """``level``: strict, balanced or eager, see `membership.inclusion_threshold`."""
        self._retriever = retriever
        self._level = level
        self._refuse = refuse
        everything = retriever.collection.store.count()
        # What a filter leaves is judged among all papers, where the cut was calibrated: else it would add papers.
        self._whole = (
            Lists(retriever.unfiltered(), level=level, refuse=refuse)
            if retriever.count() < everything <= LIST_CANDIDATES else None
        )

    def answer(
        self, answer_id: str, question: Question, members: Members | None = None, *, preface: str = "",
        treated: bool = False,
    ) -> Answer:
        """The papers that fit, each with its proof; of a list, the best of them where the question says how many.

        Args:
            members: if they have been found already.
            preface: what is said before them.
            treated: whether something else has shown that the collection treats the topic.
        """
        members = members or self.members(question, treated=treated)
        question = self.telling(question)
        kept = [member for member in members.fitting if member.hit.sentences]
        if not kept and not question.hard:
            reason = (
                "no paper of the collection fits" if members.treated else "the collection does not seem to treat this"
            )
            return self._refuse(answer_id, question, members.nearest, reason, confidence.NO_PAPER)
        shown = kept[:question.limit] if question.kind != "count" else kept
        marks = Marks()
        keys = [name.key for name in question.hard]
        facets = [asked.facet for asked in facets_in(question.positive) if not asked.negated]

        def proof(hit: Hit, own: str | None) -> SentenceHit:
            return proof_of(hit, names=keys, topical=members.topical, facets=facets, own=own)

        named = [(member.hit, self._method(member.hit)) for member in shown]
        items = tuple(item(hit, marks, proof=proof(hit, own), name=own) for hit, own in named)
        near_misses = tuple(
            Nearest(hit.paper.paper_id, hit.paper.title, proof(hit, None).text, hit.paper.sources, hit.similarity)
            for hit in (member.hit for member in members.under[:MAX_NEAR_MISSES]) if hit.sentences
        )
        head = _headline(question, len(kept), len(shown), members)
        return Answer(
            answer_id, question.text, question.kind,
            preface + as_text(head, items),
            tuple(AnswerSentence(listed.quote, (listed.mark,), checked=True) for listed in items),
            marks.citations(), items, considered=members.considered, matched=len(kept),
            confidence=confidence.of_list([member.chance for member in shown]),
            trace=(*question.trace, *members.trace), near_misses=near_misses,
        )

    def members(self, question: Question, *, treated: bool = False) -> Members:
        """Every paper that fits a list question, best first; none if no paper treats its topic, unless ``treated``.

        Hard names are exact over the whole collection; the topic is judged on all papers of a small collection and
        on the best 2,000 of a large one.
        """
        if self._whole is not None:
            return self._passing(self._whole.members(question, treated=treated), question)
        question = self.telling(question)
        named, note = self.with_names(question)
        exact = self.exactly(question)
        left_out = self.excluded(question)
        ranking, chances, covered = self._judged(question, exact)
        treated = treated or covered
        cut = inclusion_threshold(self._level)
        eligible = [
            Member(ranking.hit(position), chance)
            for position, (paper, chance) in enumerate(zip(ranking.paper_ids(), chances, strict=True))
            if treated and chance >= NEAR * cut and (exact is None or paper in exact) and paper not in left_out
        ]
        if question.topic:
            eligible.sort(key=lambda member: (-member.chance, member.hit.paper.paper_id))
        fitting = tuple(member for member in eligible if member.chance >= cut)
        considered = self._retriever.count() if exact is not None else len(ranking)
        facets = ", ".join(asked.name for asked in facets_in(question.positive))
        trace = (
            *([f"kind of paper: {facets}"] if facets else []),
            f"looked at {considered} papers; {len(left_out)} excluded; cut at {cut}; "
            f"{len(eligible) - len(fitting)} just under it", *filter(None, [note]),
        )
        nearest = ranking.hits(5)
        return Members(
            fitting, tuple(eligible[len(fitting):]), tuple(nearest), considered,
            None if named is None else len(named), bool(note), bool(question.topic), treated, trace,
        )

    def _passing(self, found: Members, question: Question) -> Members:
        """Of what all papers of the collection give, those that pass the filter."""
        passing = set(self._retriever.paper_ids())

        def left(members: Sequence[Member]) -> tuple[Member, ...]:
            return tuple(member for member in members if member.hit.paper.paper_id in passing)

        question = self.telling(question)
        named, _ = self.with_names(question)
        fitting = left(found.fitting)
        return replace(
            found, fitting=fitting, under=left(found.under), considered=len(passing),
            nearest=() if fitting else tuple(self.look_at(question, None).hits(5)),
            named=None if found.named is None or named is None else len(named),
            trace=(*found.trace, f"{len(passing)} of them pass the filter"),
        )

    def telling(self, question: Question) -> Question:
        """The question without words of its topic that are asked for exactly or too common to tell papers apart.

        Facets are exact. Beside a name, a word that a third of the collection has decides nothing; beside a facet or
        something left out, "papers" decides nothing.
        """
        spent = {word for asked in facets_in(question.positive) for word in asked.words}
        if spent or question.exclusions:
            spent |= PAPERS
        question = replace(
            question, topic=tuple(word for word in question.topic if word not in spent),
            hard=tuple(name for name in question.hard if name.surface.casefold() not in spent),
        )
        if not question.hard:
            return question
        lexical = self._retriever.collection.lexical
        many = COMMON_WORD * self._retriever.collection.store.count()
        return replace(question, topic=tuple(word for word in question.topic if lexical.word_frequency(word) <= many))

    def weigh(self, question: Question, exact: set[str] | None) -> tuple[Ranking, list[MembershipFeatures], float]:
        """The papers a list question is judged on, the evidence that each has the topic, and how far any has, 0–1.

        Args:
            question: with a topic.
            exact: the papers that meet its exact conditions, if it has any.
        """
        ranking = self.look_at(question, exact)
        among = None if exact is None else len(exact.intersection(ranking.paper_ids()))
        groups = alternatives_of(question.positive, question.topic)
        features = extract_features(self._retriever, ranking, groups, among=among)
        return ranking, features, met(ranking, groups)

    def _judged(self, question: Question, exact: set[str] | None) -> tuple[Ranking, list[float], bool]:
        """The papers looked at, the chance of each to have the topic, and whether any paper treats it."""
        if not question.topic:
            ranking = self.look_at(question, exact)
            return ranking, [1.0] * len(ranking), True
        ranking, found, covered = self.weigh(question, exact)
        return ranking, [probability(of_paper) for of_paper in found], covered >= MET[self._level]

    def look_at(self, question: Question, exact: set[str] | None) -> Ranking:
        """The papers a list question is judged on, compared with its topic."""
        query = self._retriever.query(" ".join(question.topic) or question.positive)
        if self._retriever.count() <= LIST_CANDIDATES:
            return self._retriever.rank(query, among=self._retriever.paper_ids())
        if exact is not None and not question.topic:
            return self._retriever.rank(query, among=sorted(exact))
        found = self._retriever.rank(query, candidates=LIST_CANDIDATES).paper_ids()
        return self._retriever.rank(query, among=sorted({*found, *(exact or ())}))

    def exactly(self, question: Question) -> set[str] | None:
        """Papers that meet every exact condition, the hard names and the facets; None where there are none."""
        named, _ = self.with_names(question)
        conditions = [asked.papers(self._retriever.collection) for asked in facets_in(question.positive)]
        if not conditions:
            return named
        within = set(self._retriever.paper_ids()) if named is None else named
        return set.intersection(within, *conditions)

    def with_names(self, question: Question) -> tuple[set[str] | None, str]:
        """Papers that mention the hard names, None where there are none; and a note if not all could be met at once."""
        found = [self._retriever.with_name(name.key) for name in question.hard]
        if not found:
            return None, ""
        if question.any_of:
            return set.union(*found), ""
        every = set.intersection(*found)
        if every or len(found) == 1 or _BOTH.search(question.text):
            return every, ""
        return set.union(*found), "no paper mentions all the names; these mention one of them"

    def unknown(self, question: Question) -> bool:
        """Whether a name of the question that no facet explains is in no paper."""
        spent = {word for asked in facets_in(question.positive) for word in asked.words}
        return any(name.surface.casefold() not in spent for name in question.unknown)

    def excluded(self, question: Question) -> set[str]:
        """Papers that mention an excluded name, or are about an excluded topic.

        "Other than X" leaves out only papers about X: with X in the title, or more than once, or as their own name.
        """
        collection = self._retriever.collection
        left_out: set[str] = set()
        for exclusion in question.exclusions:
            facets = facets_in(f"{exclusion.before}{exclusion.text}")
            left_out.update(*(asked.facet.papers(collection) for asked in facets))
            spent = {word for asked in facets for word in asked.words}
            topic = tuple(word for word in exclusion.topic if word not in spent)
            if topic:
                excluded = Question(
                    exclusion.text, "list", names=exclusion.names, hard=exclusion.names, topic=topic,
                    positive=exclusion.text,
                )
                named, _ = self.with_names(excluded)
                ranking, chances, treated = self._judged(excluded, named)
                cut = EXCLUDED_LOOSELY if exclusion.loose else EXCLUDED
                left_out |= {
                    paper for paper, chance in zip(ranking.paper_ids(), chances, strict=True)
                    if treated and chance >= cut and (named is None or paper in named)
                }
                continue
            for name in exclusion.names:
                mentions = collection.store.mentions(name.key)
                entries = collection.store.entries(sorted(mentions))
                own = own_paper(self._retriever, name.label)
                left_out |= {
                    paper for paper, entry in entries.items()
                    if not exclusion.loose or mentions[paper] > 1 or paper == own
                    or name.key in names_of(entry.paper.title, "")
                }
                if not exclusion.loose:
                    left_out |= collection.with_name(name.key)
        return left_out

    def _method(self, hit: Hit) -> str | None:
        return method_name(hit.paper, papers_with=self._retriever.collection.store.name_counts)


def _headline(question: Question, found: int, shown: int, members: Members) -> str:
    head = f"{found} of {members.considered} papers {'matches' if found == 1 else 'match'}"
    if question.hard:
        link = " or " if question.any_of or members.any_name else " and "
        mention = link.join(name.label for name in question.hard)
        head += f"; {members.named} {'mentions' if members.named == 1 else 'mention'} {mention}"
    if shown < found:
        head += f"; the best {f'{shown} of them' if shown > 1 else 'of them'}, {found - shown} more fit"
    return head + (":" if found else ".")
