"""What an abbreviation is that many papers use and none has made: the sentence that spells it out comes first.

"What is LoRA?" is asked of a name that users of LoRA mention in every second sentence; what it is, one of them says in
passing, where it first writes it out.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.answering.asked import Asked
from assistant.answering.own_names import own_paper
from assistant.answering.sentences import MAX_OF_PAPER, Candidate
from assistant.question import Question
from assistant.retrieval.retriever import Query, Retriever

LOOKED_AT = 50  # papers that mention the name, best first


def spelt_out(
    question: Question, wanted: Asked, query: Query, chosen: Sequence[Candidate], retriever: Retriever
) -> list[Candidate]:
    """The sentences to quote; where a common abbreviation is to be defined, led by one that spells it out."""
    names = [name for name in question.names if name.known]
    plain = wanted.definition and wanted.short_for and len(names) == 1 and not question.topic
    if not plain or not chosen or own_paper(retriever, names[0].surface) is not None:
        return list(chosen)
    hits = retriever.search(query, limit=LOOKED_AT, among=sorted(retriever.with_name(names[0].key)))
    found = [(hit, sentence) for hit in hits for sentence in hit.sentences if wanted.spelt_out_in(sentence.text)]
    if not found:
        return list(chosen)
    hit, sentence = max(found, key=lambda pair: pair[1].score)
    others = [item for item in chosen if item.sentence.text != sentence.text]
    return [Candidate(hit, sentence, chosen[0].chance), *others[:MAX_OF_PAPER - 1]]
