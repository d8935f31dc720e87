"""Questions to begin with, made from what the collection holds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from assistant.text.names import name_key

if TYPE_CHECKING:
    from assistant.api import Assistant
    from assistant.index.sqlite import Store

# For the abstracts in `seeds/`: each is offered only where the collection has the name.
KNOWN = (("GPT-J", "which methods edit GPT-J?"), ("Redco", "what is Redco?"),
         ("LoRAMoE", "compare LoRAMoE and Mixture-of-LoRAs"))
LOOKED_AT = 2_000   # titles
LONGEST_NAME = 24   # characters
COMPARED = 60       # names, two by two
SOME_PAPERS = 0.01  # share of the papers that a name to list by is in, at least; and at least 2


def examples(assistant: Assistant) -> list[str]:
    """Questions that the collection can answer: a list, a definition, a comparison, and its size.

    Asks the database alone: the page is up before Chroma is loaded.
    """
    store = assistant.collection.store
    asked = [question for name, question in KNOWN if store.papers_with_name(name_key(name))]
    if len(asked) < len(KNOWN):
        asked = list(_made(store))
    return [*asked, "how many papers do you know?"]


def _made(store: Store) -> Iterator[str]:
    papers = store.count()
    for key, count in store.top_names(20):
        if max(2, SOME_PAPERS * papers) <= count < papers and not store.is_common_noun(key):
            yield f"which papers mention {store.surface(key)}?"
            break
    own = list(_own_names([title for _, title in store.titles()[:LOOKED_AT] if title]))
    known = store.name_counts([name_key(name) for name, _ in own])
    own = [(name, words) for name, words in own if known.get(name_key(name))][:COMPARED]
    if own:
        yield f"what is {own[0][0]}?"
    pair = max(combinations(own, 2), key=lambda two: len(two[0][1] & two[1][1]), default=None)
    if pair:
        yield f"compare {pair[0][0]} and {pair[1][0]}"


def _own_names(titles: list[str]) -> Iterator[tuple[str, set[str]]]:
    """Single words that titles begin with ("Quillon: Editing …"), each with the longer words that follow."""
    for title in titles:
        head, colon, rest = title.partition(":")
        if colon and len(head.split()) == 1 and len(head) <= LONGEST_NAME:
            yield head, {word.casefold() for word in rest.split() if len(word) > 4}
