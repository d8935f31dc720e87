"""Where a sentence and its evidence part: the numbers, names, negations and directions of both, by surroundings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import log
from typing import TypeVar

from assistant.checking.evidence import Evidence, Place, Span
from assistant.checking.naming import distinctive, same
from assistant.checking.polarity import cues, denials, negators, opposite
from assistant.checking.quantities import Quantity, agree, enumerated, quantities
from assistant.checking.source import Located, Source
from assistant.text.names import Name

SCOPE = 0.85  # of a negation's surroundings, the share of weight that goes to what follows it
ITSELF = 0.3  # of the likeness of directions, the share of the words themselves: opposites are used alike
OF_TOPIC = 0.65  # how well, at least, the name of a paper's own method fits anywhere: all of the abstract is about it
SAME_PLACE = 0.6  # likeness from which a paper's number is taken to be about the same thing
SLACK = 0.05  # left unmatched even where both texts are the same: vectors are rounded
T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Parting:
    """One place where the papers fit something else better than what the sentence says."""

    margin: float = 0.0  # by how much, see `preference`; 0 if they do not
    seen: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What came of looking up all numbers, or all names, of a sentence."""

    absent: tuple[Parting, ...]  # those no cited paper has
    worst: Parting               # of those that a paper has, the one that seems most out of place
    strays: tuple[Parting, ...]  # of those that a paper has, the ones that the chosen passages do not have


def preference(rival: float, own: float) -> float:
    """How much rather a place is the rival's than its own, by the likeness to each, 0–1.

    The natural logarithm of how many times less the rival leaves unmatched: .95 against .8 says more than .65 against
    .5. Never negative.
    """
    return max(0.0, log((1.0 + SLACK - own) / (1.0 + SLACK - rival)))


def compare_numbers(text: str, evidence: Evidence, sources: Sequence[Source]) -> Lookup:
    """Look up the numbers of a sentence.

    The size of a list counts as said: "four levels" of a paper that names four.
    """
    there = _places(sources, lambda source: source.numbers)
    absent, strays, worst = [], [], Parting()
    all_said = quantities(text)
    unsaid = [(place, found) for place, found in there
              if place.passage in evidence.chosen and not any(agree(said, found) for said in all_said)]
    for said in all_said:
        own = [place for place, found in there if agree(said, found)]
        rivals = [(place, found.surface) for place, found in unsaid if found.unit == said.unit]
        if own:
            worst = max(worst, _misplaced(evidence, said.span, said.surface, own, rivals))
            strays += _stray(evidence, said.surface, own)
            continue
        fit, nearest = max(((evidence.likeness(said.span, place), surface) for place, surface in rivals),
                           default=(0.0, ""))
        if not (said.counted and said.value in _listed(text, evidence) and fit < SAME_PLACE):
            hint = f"the paper says “{nearest}” there" if nearest else "no cited paper has this number"
            absent.append(Parting(1.0, said.surface, hint))
    worst = max(worst, _crossed(evidence, all_said, there))
    return Lookup(tuple(absent), worst, tuple(strays))


def compare_names(
    names: Iterable[Name], evidence: Evidence, sources: Sequence[Source], expansions: Callable[[str], Iterable[str]]
) -> Lookup:
    """Look up the names of a sentence.

    Args:
        expansions: name key -> what it abbreviates, in lower case.
    """
    there = _places(sources, lambda source: source.mentions)
    absent, strays, worst = [], [], Parting()
    all_said = list(names)
    unsaid = [(place, name.surface) for place, name in there
              if place.passage in evidence.chosen and distinctive(name)
              and not any(same(name.key, said.key) for said in all_said)]
    for said in all_said:
        if not any(source.names.has(said, tuple(expansions(said.key))) for source in sources):
            absent.append(Parting(1.0, said.surface, "no cited paper mentions it"))
            continue
        own = [place for place, name in there if same(name.key, said.key)] or _mentions(said.surface, evidence)
        topic = any(same(said.key, source.own_name or "") for source in sources)
        if not topic:
            strays += _stray(evidence, said.surface, own)
        if own:
            worst = max(worst, _misplaced(evidence, Span(said.start, said.end), said.surface, own, unsaid,
                                          least=OF_TOPIC if topic else 0.0))
    return Lookup(tuple(absent), worst, tuple(strays))


def unfounded_negation(text: str, evidence: Evidence, sources: Sequence[Source]) -> Parting:
    """The negation of the sentence that is least like any of the papers, where they do say the rest."""
    there = [place for place, _ in _places(sources, lambda s: s.negators + s.denials)]
    worst = Parting()
    for span in negators(text):
        denied = max((evidence.likeness(span, place, after=SCOPE) for place in there), default=0.0)
        stated = evidence.stated(span, after=SCOPE)
        said = text[span.start:span.start + 60]
        worst = max(worst, Parting(preference(stated, denied), said, "the paper says so without the negation"))
    return worst


def withheld_negation(text: str, evidence: Evidence, sources: Sequence[Source]) -> Parting:
    """The negation of the chosen passages that the sentence lacks, although it says the rest."""
    mine = [*negators(text), *denials(text)]
    worst = Parting()
    for place, span in _places(sources, lambda source: source.negators):
        if place.passage in evidence.chosen:
            denied = max((evidence.denied(other, place, after=SCOPE) for other in mine), default=0.0)
            stated = evidence.restated(place, after=SCOPE)
            said = evidence.passages[place.passage].text[span.start:span.start + 60]
            worst = max(worst, Parting(preference(stated, denied), text, f"the paper says “{said} …”"))
    return worst


def opposite_direction(text: str, evidence: Evidence, sources: Sequence[Source]) -> Parting:
    """The direction of the sentence whose opposite fits best, compared with what is on its side."""
    there = _places(sources, lambda source: source.cues)
    worst = Parting()
    all_said = list(cues(text))
    mine = {said.word for said in all_said}
    for said in all_said:
        against, word = max(((evidence.likeness(said.span, place, itself=ITSELF), cue.word) for place, cue in there
                             if place.passage in evidence.chosen and cue.word not in mine and opposite(said, cue)),
                            default=(0.0, ""))
        if against == 0.0:
            continue
        along = max((evidence.likeness(said.span, place, itself=ITSELF) for place, cue in there
                     if said.sides & cue.sides), default=0.0)
        worst = max(worst, Parting(preference(against, along), said.word, f"the paper says “{word}” there"))
    return worst


def _places(sources: Sequence[Source], found: Callable[[Source], Located[T]]) -> list[tuple[Place, T]]:
    """Everything of one kind in the cited papers, with where it stands."""
    places: list[tuple[Place, T]] = []
    first = 0
    for source in sources:
        places += [(Place(first + i, span), item) for i, span, item in found(source)]
        first += len(source.passages)
    return places


def _crossed(evidence: Evidence, said: Sequence[Quantity], there: Sequence[tuple[Place, Quantity]]) -> Parting:
    """Two numbers of the sentence that fit better each in the place of the other, as the papers have them."""
    worst = Parting()
    places = {number: tuple(place for place, found in there if agree(number, found)) for number in said}

    @cache
    def fit(number: Quantity, some: tuple[Place, ...]) -> float:
        return max(evidence.likeness(number.span, place) for place in some)

    for a, b in combinations([number for number in said if places[number]], 2):
        if a.unit != b.unit or agree(a, b):
            continue
        crossed, straight = fit(a, places[b]) + fit(b, places[a]), fit(a, places[a]) + fit(b, places[b])
        margin = preference(crossed / 2, straight / 2)
        worst = max(worst, Parting(margin, f"{a.surface} … {b.surface}", "in the paper each stands for the other"))
    return worst


def _stray(evidence: Evidence, seen: str, own: Sequence[Place]) -> list[Parting]:
    """What the papers have, but not where they say the rest of the sentence."""
    if not own or any(place.passage in evidence.chosen for place in own):
        return []
    return [Parting(1.0, seen, f"the paper mentions it elsewhere: “{evidence.passages[own[0].passage].text[:80]} …”")]


def _mentions(surface: str, evidence: Evidence) -> list[Place]:
    """Where the passages have a name that does not look like one there: "LoRA" in Alpaca-LoRA, "codex"."""
    found = re.compile(rf"(?<![^\W_]){re.escape(surface)}(?![^\W_])", re.IGNORECASE)
    return [Place(i, Span(*match.span())) for i, passage in enumerate(evidence.passages)
            for match in found.finditer(passage.text)]


def _misplaced(
    evidence: Evidence, span: Span, seen: str, own: Sequence[Place], rivals: Sequence[tuple[Place, str]], *,
    least: float = 0.0,
) -> Parting:
    """How much better the surroundings of a place fit a rival than its own like, which fits at least ``least``.

    What the best passage has is only compared with what else that passage has.
    """
    if any(place.passage in evidence.chosen[:1] for place in own):
        rivals = [(place, surface) for place, surface in rivals if place.passage in evidence.chosen[:1]]
    best = max(least, *(evidence.likeness(span, place) for place in own))
    rival, surface = max(((evidence.likeness(span, place), surface) for place, surface in rivals), default=(0.0, ""))
    return Parting(preference(rival, best), seen, f"the paper says “{surface}” there")


def _listed(text: str, evidence: Evidence) -> set[int]:
    """Sizes of the lists in the sentence and its evidence."""
    texts = [text, *(evidence.passages[i].text for i in evidence.chosen)]
    return set().union(*map(enumerated, texts))
