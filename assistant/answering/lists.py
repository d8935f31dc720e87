"""Which, list, how many: every paper of the collection is looked at, those that fit are shown with their proof."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from assistant.answering.citations import Marks, shorten
from assistant.records import Hit, ListItem, Paper, SentenceHit
from assistant.retrieval.names import find_names

# What introduces a method's own name: "we propose ROME", "called LM-Cocktail", "we present a framework, X".
_INTRODUCES = re.compile(
    r"\b(?:propos(?:e|es|ed|ing)|introduc(?:e|es|ed|ing)|present(?:s|ed|ing)?|develop(?:s|ed|ing)?|releas(?:e|es|ed|ing)|"
    r"call(?:s|ed)?|nam(?:e|es|ed|ely)|dub(?:bed)?|term(?:s|ed)?|describ(?:e|es|ing)|design(?:s|ed)?|creat(?:e|es|ed)|"
    r"train(?:s|ed)?|build|built|contribut(?:e|es))\b", re.IGNORECASE,
)
_REACH = 90  # characters between the verb and the name


def method_name(paper: Paper) -> str | None:
    """What a paper calls its method: the name before its title's colon, or the first it says it introduces.

    >>> method_name(Paper("0" * 20, "Redco: A Lightweight Tool", "We study.", "We study."))
    'Redco'
    """
    head, colon, _ = (paper.title or "").partition(":")
    if colon and len(head.split()) <= 3:
        return head.strip()
    names = list(find_names(paper.abstract))
    for verb in _INTRODUCES.finditer(paper.abstract):
        stop = re.compile(r"[.;:] |\bthat\b|\bwhich\b|\bto\b").search(paper.abstract, verb.end())
        reach = min(verb.end() + _REACH, stop.start() if stop else len(paper.abstract))
        for name in names:
            if verb.end() <= name.start < reach and any(c.isupper() for c in name.surface):
                return name.surface
    return None


def item(hit: Hit, marks: Marks, *, proof: SentenceHit) -> ListItem:
    """One line of a list, its proof cited."""
    paper = hit.paper
    return ListItem(
        paper_id=paper.paper_id, name=method_name(paper), title=paper.title,
        mark=marks.cite(paper, proof.start, proof.end), quote=proof.text, start=proof.start, end=proof.end,
        sources=paper.sources,
    )


def proof_of(hit: Hit, *, names: Sequence[str], topical: bool) -> SentenceHit:
    """The sentence that best shows why a paper is in the list.

    With a topic, the sentence that meets it best; one that has the asked name too is preferred if it is nearly as good.
    Without a topic, the first sentence that has the name.
    """
    keys = set(names)

    def has_name(sentence: SentenceHit) -> bool:
        return any(name.key in keys for name in find_names(sentence.text))

    named = [sentence for sentence in hit.sentences if keys and has_name(sentence)]
    if not topical:
        return named[0] if named else hit.sentences[0]
    best = max(hit.sentences, key=lambda sentence: sentence.score)
    near = [sentence for sentence in named if sentence.score >= 0.9 * best.score]
    return max(near, key=lambda sentence: sentence.score) if near else best


def line(listed: ListItem) -> str:
    """One item as text."""
    label = listed.name or listed.title or "(untitled)"
    title = f" — {listed.title}" if listed.title and listed.title != label else ""
    return f"{label}{title}: “{shorten(listed.quote, 300)}” [{listed.mark}]"


def belongs(hit: Hit, weights: Sequence[float]) -> float:
    """How well a paper fits the topic, 0–1: weighted mean coverage, pulled down by the worst covered word."""
    pairs = [(cover, weight) for cover, weight in zip(hit.coverage, weights, strict=True) if weight > 0]
    if not pairs:
        return 0.0
    cover = np.array([c for c, _ in pairs])
    weight = np.array([w for _, w in pairs])
    return float(0.6 * (cover @ weight) / weight.sum() + 0.4 * cover.min())
