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
from assistant.retrieval.retriever import Ranking, Retriever

LOOKED_AT = 50  # papers that mention the name, best first


def spelt_out(
    question: Question, wanted: Asked, chosen: Sequence[Candidate], ranking: Ranking, retriever: Retriever
) -> list[Candidate]:
    """The sentences to quote; where a common abbreviation is to be defined, led by one that spells it out.

    Args:
        chosen: the sentences that would be quoted, best first, one or more.
        ranking: of the papers found for the question, where one that spells it out is looked for.
    """
    names = [name for name in question.names if name.known]
    plain = wanted.definition and wanted.short_for and len(names) == 1 and not question.topic
    if not plain or own_paper(retriever, names[0].surface) is not None:
        return list(chosen)
    mentioning = retriever.with_name(names[0].key)
    places = [place for place, paper in enumerate(ranking.paper_ids()) if paper in mentioning]
    hits = map(ranking.hit, places[:LOOKED_AT])
    found = [(hit, sentence) for hit in hits for sentence in hit.sentences if wanted.spelt_out_in(sentence.text)]
    if not found:
        return list(chosen)
    hit, sentence = max(found, key=lambda pair: pair[1].score)
    others = [item for item in chosen if item.sentence.text != sentence.text]
    return [Candidate(hit, sentence, chosen[0].chance), *others[:MAX_OF_PAPER - 1]]
