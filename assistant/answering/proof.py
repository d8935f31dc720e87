"""The sentence of a paper that shows why it is in a list."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.answering.facets import Facet
from assistant.answering.sentences import is_background
from assistant.records import Hit, SentenceHit
from assistant.text.names import families, find_names

OF_NAME = 0.25    # what the asked names add to a sentence as proof, beside 0–1 for meeting the topic
OF_SECOND = 0.12  # what a second sentence costs
OF_OTHERS = 0.2   # what it costs that a sentence speaks of what others did, or of the world before the paper
OF_EITHER = 0.05  # what it costs that a sentence may speak of either

_OWN_WORK = (
    r"\b(?:we|our(?! knowledge\b)|ours|here|the (?:proposed|resulting)|"
    r"(?:this|the present) (?:paper|work|study|article|survey|review|research|report|thesis))\b"
)


def proof_of(
    hit: Hit, *, names: Sequence[str], topical: bool, facets: Sequence[Facet] = (), own: str | None = None
) -> SentenceHit:
    """The sentence that best shows why a paper is in the list, or two in a row where only both show it.

    A sentence counts by how it meets the topic, if there is one, by how many of the asked names and facets it shows,
    and by whether it speaks of the paper's own work; the first of the best is taken.

    Args:
        own: what the paper calls its method.
    """
    wanted = {*names, *(facet.name for facet in facets)}
    having = [
        {key for name in find_names(sentence.text) for key in (name.key, *families(name.key))} & wanted
        | {facet.name for facet in facets if facet.shown_by(sentence.text)}
        for sentence in hit.sentences
    ]
    costs = _of_others(hit.sentences, own)
    best, proof = -1.0, hit.sentences[0]
    for position, sentence in enumerate(hit.sentences):
        pair = position + 1 < len(hit.sentences) and bool(wanted)
        for last in (position, position + 1)[:1 + pair]:
            covered = max(one.score for one in hit.sentences[position:last + 1]) if topical else 0.0
            share = len(set.union(*having[position:last + 1])) / len(wanted) if wanted else 0.0
            others = sum(costs[position:last + 1]) / (last + 1 - position)
            worth = covered + OF_NAME * share - OF_SECOND * (last - position) - others
            if worth > best + 1e-6:
                text = hit.paper.abstract[sentence.start:hit.sentences[last].end]
                best, proof = worth, SentenceHit(sentence.start, hit.sentences[last].end, text, covered)
    return proof


def _of_others(sentences: Sequence[SentenceHit], own: str | None) -> list[float]:
    """What it costs each sentence as proof that it does not speak of the paper's own work.

    What stands before the first sentence about its own work sets the scene.
    """
    name = rf"|\b{re.escape(own)}\b" if own else ""
    found = [re.search(_OWN_WORK + name, sentence.text, re.IGNORECASE) for sentence in sentences]
    first = next((at for at, ours in enumerate(found) if ours), 0)

    def cost(at: int) -> float:
        ours, text = found[at], sentences[at].text
        if ours is not None:  # "To address these challenges, we …": what comes before "we" may be of others
            return OF_EITHER if is_background(text[ours.start():]) else 0.0
        return OF_OTHERS if at < first or is_background(text) else OF_EITHER

    return [cost(at) for at in range(len(sentences))]
