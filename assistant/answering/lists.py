"""Which, list, how many: every paper of the collection is looked at, those that fit are shown with their proof."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from assistant.answering.citations import Marks, shorten
from assistant.records import Hit, ListItem, Paper, SentenceHit
from assistant.retrieval.names import Name, abbreviations, find_names

# What introduces a method's own name: "we propose ROME", "called LM-Cocktail", "we present a framework, X".
_INTRODUCES = re.compile(
    r"\b(?:propos(?:e|es|ed|ing)|introduc(?:e|es|ed|ing)|present(?:s|ed|ing)?|develop(?:s|ed|ing)?|releas(?:e|es|ed|ing)|"
    r"call(?:s|ed)?|nam(?:e|es|ed|ely)|dub(?:bed)?|term(?:s|ed)?|describ(?:e|es|ing)|design(?:s|ed)?|creat(?:e|es|ed)|"
    r"train(?:s|ed)?|build|built|contribut(?:e|es))\b", re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[.;:] |\b(?:that|which|to)\b")
_REACH = 110  # characters between the verb and the name
MAX_PAPERS_OF_OWN_NAME = 8


def method_name(paper: Paper, *, papers_with: Callable[[Sequence[str]], Mapping[str, int]]) -> str | None:
    """What a paper calls its method: the name before its title's colon, or one it says it introduces.

    Args:
        papers_with: name keys -> how many papers mention each. A name many papers have is not this paper's own.
    """
    head, colon, _ = (paper.title or "").partition(":")
    if colon and len(head.split()) <= 3:
        return head.strip()
    introduced = list(_introduced(paper.abstract))
    counts = papers_with([name.key for name in introduced])
    own = [name for name in introduced if counts.get(name.key, 1) <= MAX_PAPERS_OF_OWN_NAME]
    spelled_out = [name for name in own if paper.abstract[name.start - 1:name.start] == "("]
    return next((name.surface for name in (*spelled_out, *own, *_spelled_out(paper.abstract, papers_with))), None)


def _spelled_out(abstract: str, papers_with: Callable[[Sequence[str]], Mapping[str, int]]) -> Iterator[Name]:
    """Abbreviations that this paper alone spells out: "in-context knowledge editing (IKE)"."""
    keys = {key for key, _ in abbreviations(abstract)}
    counts = papers_with(sorted(keys))
    yield from (name for name in find_names(abstract) if name.key in keys and counts.get(name.key, 1) == 1)


def _introduced(abstract: str) -> Iterator[Name]:
    """Names within reach of a verb that introduces them, in order."""
    names = [name for name in find_names(abstract) if any(c.isupper() for c in name.surface[1:])]
    for verb in _INTRODUCES.finditer(abstract):
        stop = _CLAUSE_END.search(abstract, verb.end())
        reach = min(verb.end() + _REACH, stop.start() if stop else len(abstract))
        yield from (name for name in names if verb.end() <= name.start < reach)


def item(hit: Hit, marks: Marks, *, proof: SentenceHit, name: str | None) -> ListItem:
    """One line of a list, its proof cited; ``name`` is what the paper calls its method."""
    paper = hit.paper
    return ListItem(
        paper_id=paper.paper_id, name=name, title=paper.title,
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
    near = [sentence for sentence in named if sentence.score >= 0.95 * best.score]
    return max(near, key=lambda sentence: sentence.score) if near else best


def line(listed: ListItem) -> str:
    """One item as text."""
    label = listed.name or listed.title or "(untitled)"
    title = f" — {listed.title}" if listed.title and listed.title != label else ""
    return f"{label}{title}: “{shorten(listed.quote, 300)}” [{listed.mark}]"
