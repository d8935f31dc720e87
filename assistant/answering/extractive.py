"""The answerer that needs no language model: it quotes."""

from __future__ import annotations

from collections.abc import Collection as Collection_
from collections.abc import Sequence

from assistant.answering.citations import Marks, with_marks
from assistant.answering.lists import belongs, item, line, method_name, proof_of
from assistant.answering.refusal import judge, signals
from assistant.question import Condition, Question
from assistant.records import Answer, AnswerSentence, Hit, Nearest, SentenceHit
from assistant.retrieval.retriever import Query, Retriever
from assistant.retrieval.words import words

LIST_CUT = 0.55        # of `belongs`
LIST_CANDIDATES = 2000  # of a large collection, for topics; names are exact over all of it
MAX_SENTENCES = 3
MAX_OTHER_PAPERS = 2


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
        if question.kind == "collection":
            return self._about_collection(answer_id, question)
        if question.kind in ("list", "count"):
            return self._list(answer_id, question)
        if question.kind == "compare" and len([name for name in question.names if name.known]) > 1:
            return self._compare(answer_id, question)
        return self._fact(answer_id, question)

    # -- facts

    def _fact(self, answer_id: str, question: Question) -> Answer:
        query = self._retriever.query(_corrected(question))
        hits = self._retriever.search(query, limit=max(self._top_k, 10), candidates=self._candidates)
        judgement = judge(question, signals(query, hits), level=self._refusal)
        considered = self._retriever.collection.store.count()
        if judgement.abstain:
            return self._refuse(answer_id, question, hits, judgement.reason or "", judgement.confidence)
        marks = Marks()
        sentences = []
        for hit, sentence in _evidence(query, hits[:self._top_k]):
            mark = marks.cite(hit.paper, sentence.start, sentence.end)
            sentences.append(AnswerSentence(sentence.text, (mark,), checked=True))
        cited = {citation.paper_id for citation in marks.citations()}
        return Answer(
            answer_id, question.text, question.kind, _notice(question) + with_marks(sentences), tuple(sentences),
            marks.citations(), considered=considered, matched=len(cited), confidence=judgement.confidence,
            trace=question.trace,
        )

    # -- lists and counts

    def _list(self, answer_id: str, question: Question) -> Answer:
        store = self._retriever.collection.store
        total = store.count()
        unknown = [name for name in question.names if not name.known]
        known = [name for name in question.names if name.known]
        if unknown:
            return self._no_such_name(answer_id, question, unknown)
        among = self._with_names(known)
        topical = bool(question.topic)
        muted = _muted(question)
        query = self._retriever.query(question.positive, muted=muted)
        if among is None and total > LIST_CANDIDATES:
            hits = self._retriever.search(query, limit=LIST_CANDIDATES, candidates=LIST_CANDIDATES)
        else:
            hits = self._retriever.search(query, limit=total, among=sorted(among if among is not None else store.paper_ids()))
        weights = [word.weight for word in query.words]
        fitting = [hit for hit in hits if not topical or belongs(hit, weights) >= LIST_CUT]
        left_out = self._excluded(question)
        fitting = [hit for hit in fitting if hit.paper.paper_id not in left_out]
        considered = total if among is not None or total <= LIST_CANDIDATES else len(hits)
        if not fitting and not known:
            return self._refuse(answer_id, question, hits[:5], "no paper of the collection fits", 0.2, considered=considered)
        marks = Marks()
        keys = [name.key for name in known]
        items = tuple(item(hit, marks, proof=proof_of(hit, names=keys, topical=topical)) for hit in fitting if hit.sentences)
        head = _headline(question, len(items), considered, known, len(among) if among is not None else None)
        return Answer(
            answer_id, question.text, question.kind,
            _notice(question) + "\n".join([head, *(f"{n}. {line(listed)}" for n, listed in enumerate(items, 1))]),
            tuple(AnswerSentence(listed.quote, (listed.mark,), checked=True) for listed in items),
            marks.citations(), items, considered=considered, matched=len(items),
            confidence=0.7 if items else 0.5, trace=question.trace,
        )

    def _with_names(self, names: Sequence[Condition]) -> set[str] | None:
        """Papers that mention all of ``names``; None where there is no condition."""
        found: set[str] | None = None
        for name in names:
            papers = self._retriever.collection.with_name(name.key)
            found = papers if found is None else found & papers
        return found

    def _excluded(self, question: Question) -> set[str]:
        if not question.exclusion:
            return set()
        keys = [name for name in question.excluded if name.known]
        if keys:
            return set().union(*(self._retriever.collection.with_name(name.key) for name in keys))
        query = self._retriever.query(question.exclusion, muted=_muted(question))
        store = self._retriever.collection.store
        hits = self._retriever.search(query, limit=min(store.count(), LIST_CANDIDATES), candidates=self._candidates)
        weights = [word.weight for word in query.words]
        return {hit.paper.paper_id for hit in hits if belongs(hit, weights) >= LIST_CUT}

    # -- comparisons

    def _compare(self, answer_id: str, question: Question) -> Answer:
        marks = Marks()
        query = self._retriever.query(question.text)
        sentences = []
        unknown = [name for name in question.names if not name.known]
        if unknown:
            return self._no_such_name(answer_id, question, unknown)
        for name in question.names:
            among = sorted(self._retriever.collection.with_name(name.key))
            hits = self._retriever.search(query, limit=len(among), among=among)
            own = [hit for hit in hits if (method_name(hit.paper) or "").casefold() == name.surface.casefold()]
            for hit in (own or hits)[:1]:
                for sentence in _best(hit, 2):
                    mark = marks.cite(hit.paper, sentence.start, sentence.end)
                    sentences.append(AnswerSentence(sentence.text, (mark,), checked=True))
        cited = {citation.paper_id for citation in marks.citations()}
        return Answer(
            answer_id, question.text, "compare", _notice(question) + with_marks(sentences), tuple(sentences),
            marks.citations(), considered=self._retriever.collection.store.count(), matched=len(cited),
            confidence=0.6, trace=question.trace,
        )

    # -- answers without papers

    def _about_collection(self, answer_id: str, question: Question) -> Answer:
        store = self._retriever.collection.store
        files = store.files()
        untitled = sum(title is None for _, title in store.titles())
        common = ", ".join(store.surface(key) for key, _ in store.top_names(8))
        text = (
            f"I answer questions about a collection of {store.count()} paper abstracts ({untitled} without a title), read from "
            f"{len(files)} files. Names mentioned most: {common}. It has titles and abstracts only: no authors, dates or full texts."
        )
        return Answer(
            answer_id, question.text, "collection", text, (AnswerSentence(text, (), checked=True),),
            considered=store.count(), confidence=1.0, trace=question.trace,
        )

    def _no_such_name(self, answer_id: str, question: Question, unknown: Sequence[Condition]) -> Answer:
        names = " and ".join(f"“{name.surface}”" for name in unknown)
        query = self._retriever.query(question.positive or question.text)
        hits = self._retriever.search(query, limit=3, candidates=self._candidates)
        return self._refuse(answer_id, question, hits, f"no paper of the collection mentions {names}", 0.05)

    def _refuse(
        self, answer_id: str, question: Question, hits: Sequence[Hit], reason: str, confidence: float, *, considered: int = 0
    ) -> Answer:
        near = tuple(
            Nearest(hit.paper.paper_id, hit.paper.title, _best(hit, 1)[0].text, hit.paper.sources, hit.similarity)
            for hit in hits[:3] if hit.sentences
        )
        text = f"I cannot answer that: {reason}."
        return Answer(
            answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=True),), nearest=near,
            considered=considered or self._retriever.collection.store.count(), abstained=True, reason=reason,
            confidence=confidence, trace=question.trace,
        )


def _evidence(query: Query, hits: Sequence[Hit]) -> list[tuple[Hit, SentenceHit]]:
    """The sentences that answer: the best of the best paper, then what adds to it."""
    chosen: list[tuple[Hit, SentenceHit]] = []
    if not hits:
        return chosen
    top = hits[0]
    chosen += [(top, sentence) for sentence in _best(top, 2)]
    for other in hits[1:1 + MAX_OTHER_PAPERS]:
        best = _best(other, 1)
        if best and other.score >= 0.85 * top.score and best[0].score >= 0.85 * chosen[0][1].score:
            chosen.append((other, best[0]))
    return chosen[:MAX_SENTENCES + MAX_OTHER_PAPERS]


def _best(hit: Hit, count: int) -> list[SentenceHit]:
    return sorted(hit.sentences, key=lambda sentence: (-sentence.score, sentence.start))[:count]


def _muted(question: Question) -> Collection_[str]:
    """Words that name papers or names rather than the topic."""
    topic = set(question.topic)
    return {word for word, _, _ in words(question.text) if word not in topic}


def _corrected(question: Question) -> str:
    text = question.text
    for name in question.names:
        if name.meant:
            text = text.replace(name.surface, name.meant)
    return text


def _notice(question: Question) -> str:
    return "".join(
        f"(I took “{name.surface}” for {name.meant}.) " for name in (*question.names, *question.excluded) if name.meant
    )


def _headline(
    question: Question, found: int, considered: int, names: Sequence[Condition], with_names: int | None
) -> str:
    papers = "paper" if found == 1 else "papers"
    head = f"{found} of {considered} {papers} match"
    if with_names is not None:
        mention = " and ".join(name.meant or name.surface for name in names)
        head += f"; {with_names} mention {mention}"
    return head + (":" if found else ".")


def _said(answer_id: str, question: Question, text: str, *, reason: str) -> Answer:
    return Answer(
        answer_id, question.text, question.kind, text, (AnswerSentence(text, (), checked=True),), abstained=True,
        reason=reason, trace=question.trace,
    )
