"""Comparisons: per thing that is compared its own evidence."""

from __future__ import annotations

from assistant.answering.citations import Marks
from assistant.answering.lists import method_name
from assistant.question import Question
from assistant.records import AnswerSentence, Hit, SentenceHit
from assistant.retrieval.names import name_key
from assistant.retrieval.retriever import Retriever


def side_by_side(retriever: Retriever, question: Question, marks: Marks) -> list[AnswerSentence]:
    """Two sentences of the best paper of each name, cited; none where a filter left out all that mention the names."""
    query = retriever.query(question.corrected)
    sentences = []
    shown: set[tuple[str, int]] = set()
    for name in question.names:
        among = sorted(retriever.with_name(name.key))
        hits = retriever.search(query, limit=len(among), among=among)
        own = [hit for hit in hits if name_key(_method(retriever, hit) or "") == name.key]
        for hit in (own or hits)[:1]:
            for sentence in _best(hit, 2):
                if (hit.paper.paper_id, sentence.start) in shown:
                    continue  # one paper may be the best for both names
                shown.add((hit.paper.paper_id, sentence.start))
                mark = marks.cite(hit.paper, sentence.start, sentence.end)
                sentences.append(AnswerSentence(sentence.text, (mark,), checked=True))
    return sentences


def _method(retriever: Retriever, hit: Hit) -> str | None:
    return method_name(hit.paper, papers_with=retriever.collection.store.name_counts)


def _best(hit: Hit, count: int) -> list[SentenceHit]:
    return sorted(hit.sentences, key=lambda sentence: (-sentence.score, sentence.start))[:count]
