"""Sentences that say nothing about a paper: they lead over, or say that the collection does not say."""

from __future__ import annotations

import re

from assistant.checking.quantities import quantities
from assistant.text.names import Name
from assistant.text.words import FUNCTION_WORDS, words

_SOURCES = (r"(?:collection|abstracts?|papers?|sources?|documents?|excerpts?|passages?|texts?|context|evidence|"
            r"information|material|works?|studies|study|authors?|articles?)")
_SAY = (r"(?:say|says|said|state[sd]?|mention(?:s|ed)?|specif(?:y|ies|ied)|report(?:s|ed)?|give[sn]?|provide[sd]?|"
        r"discuss(?:es|ed)?|address(?:es|ed)?|cover(?:s|ed)?|contain(?:s|ed)?|include[sd]?|describe[sd]?|"
        r"answer(?:s|ed)?|tell|tells|found|find|disclose[sd]?|indicate[sd]?|compare[sd]?|clarif(?:y|ies)|detail(?:s|ed)?|"
        r"available|offer(?:s|ed)?|name[sd]?|list(?:s|ed)?|reveal(?:s|ed)?|explain(?:s|ed)?|quantif(?:y|ies)|"
        r"elaborate[sd]?|comment(?:s|ed)?|define[sd]?)")
_NOT_SAID = re.compile(
    rf"""
    (?:^|\b(?:the|this|these|those|none|neither|any|no|of|its|their|provided|given|cited|retrieved|available|in)\s+)
    (?:\w+\s+)?{_SOURCES}\b(?:\s+\w+){{0,4}}?\s+
      (?:(?:do|does|did|is|are|was|were|has|have|can|could)(?:\s+not|n['’]t)|cannot|never)\s+(?:\w+\s+){{0,3}}?{_SAY}\b
    | \b(?:no|none|neither)\s+(?:\w+\s+){{0,3}}?{_SOURCES}\b(?:\s+\w+){{0,4}}?\s+{_SAY}\b
    | \b(?:not|nowhere|n['’]t|cannot\s+be)\s+(?:\w+\s+){{0,2}}?{_SAY}\s+(?:\w+\s+){{0,2}}?
      (?:in|by|from)\s+(?:\w+\s+){{0,3}}?{_SOURCES}\b
    | \bthere\s+(?:is|are)\s+no\s+(?:\w+\s+){{0,2}}?(?:information|mention|statement|evidence|details?)\b
    | \bI\s+(?:cannot|can['’]?t|could\s+not|couldn['’]t|do\s+not|don['’]t)\s+(?:\w+\s+)?
      (?:find|answer|tell|know|say|see)\b
    """, re.VERBOSE | re.IGNORECASE,
)
# What follows may be a fact of its own.
_GOES_ON = re.compile(r"[;:]|\b(?:but|however|although|though|while|whereas|yet|instead|because|since|except|"
                      r"nevertheless)\b|,\s*(?:and|so|as)\b|[.!?]\s+\w", re.IGNORECASE)
# Words of talking about an answer, not of its subject.
_TALK = frozenset(
    """abstract abstracts paper papers collection collections source sources work works study studies article articles
    author authors answer answers question questions following follows relevant related several various different few
    two three multiple main key overview summary summarize summarized summarise short brief briefly list listed lists
    found find finding findings shown show shows below next first second third finally overall together conclusion
    conclude addition additionally moreover furthermore hence therefore thus contrast similarly likewise example
    examples point points aspect aspects according regard regarding respect far detail details information evidence
    cited based mentioned described discussed discuss note matching match matches fit asked ask topic item items result
    results respectively words generally approach approaches method methods address addresses treat way ways begin
    start worth noting important sum""".split()
)


def says_that_nothing_is_said(sentence: str) -> bool:
    """Whether a sentence only says that the collection, or a paper, does not say something.

    >>> says_that_nothing_is_said("The abstracts do not report how many GPUs were used.")
    True
    >>> says_that_nothing_is_said("The abstracts do not say so, but T5 needs 8 GPUs.")
    False
    """
    found = _NOT_SAID.search(sentence)
    return found is not None and _GOES_ON.search(sentence, found.end()) is None and \
        not re.search(r"\w+\s*[;:.]\s+\w", sentence[:found.start()])


def claims_nothing(sentence: str, names: list[Name]) -> bool:
    """Whether a sentence states no fact about a paper, so that there is nothing to check.

    >>> claims_nothing("Several papers of the collection address this question:", [])
    True
    >>> claims_nothing("Pruning hurts accuracy.", [])
    False
    """
    if says_that_nothing_is_said(sentence):
        return True
    if names or any(not quantity.counted for quantity in quantities(sentence)):
        return False
    return all(word in FUNCTION_WORDS or word in _TALK for word, _, _ in words(sentence))
