"""What a question asks: its kind, the names in it, and the topic that is left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from assistant.collection import Collection
from assistant.retrieval.names import Name, find_names, name_key, one_edit_apart
from assistant.retrieval.words import FUNCTION_WORDS, words

# Nouns for what a collection consists of or papers bring: "which methods …" asks for a list of papers.
_WORKS = frozenset(
    """abstracts approaches architectures articles assistants attacks benchmarks chatbots collections contributions
    corpora datasets experiments frameworks libraries list methods methodologies models papers pipelines projects
    publications recipes research resources studies strategies surveys systems techniques technologies toolkits tools
    work works""".split()
)
_LIST_OPENING = re.compile(
    r"(?:please\s+)?(?:can|could|would)?\s*(?:you\s+)?(?:please\s+)?"
    r"(?:list|enumerate|name all|name the|name every|show(?: me)?(?: all| every| the)?|give(?: me)?(?: all| every| the| a list)|"
    r"find(?: me)?(?: all| every| the)?|are there (?:any|other|more)|is there (?:any|anything|any other)|any\b|"
    r"anything|everything|who (?:has|have)|papers?\b|studies\b|work on\b|works on\b)", re.IGNORECASE,
)
_COUNT = re.compile(r"\b(?:how many|number of|count(?: the)?)\s+(?:of\s+)?(?:the\s+|these\s+|those\s+|your\s+)?(?:\w+\s+){0,3}?"
                    r"(?:papers|abstracts|works|studies|articles|methods|publications|approaches|models|surveys|"
                    r"benchmarks|datasets|systems|of them)\b", re.IGNORECASE)
_WHICH = re.compile(r"^(?:and\s+|so\s+)?(?:which|what)\s+((?:[\w-]+\s+){0,4}?)([\w-]+)\b", re.IGNORECASE)
_COMPARE = re.compile(
    r"\b(?:compare|compared (?:to|with)|comparison (?:of|between)|versus|vs\.?|difference(?:s)? between|differ(?:s)? from|"
    r"how do(?:es)? .+ (?:differ|compare)|better than|contrast)\b", re.IGNORECASE,
)
_COLLECTION = re.compile(
    r"\b(?:how many|number of)\s+(?:papers|abstracts|works|articles|documents)\s*(?:\b(?:are there|do you (?:know|have|hold|cover)|"
    r"does (?:it|the collection|this collection) (?:have|hold|contain)|(?:are )?in (?:the|this|your) (?:collection|corpus|index|library)|"
    r"altogether|in total)\b.*)?[?.! ]*$|"
    r"\b(?:who|what) are you\b|\bwhat can you do\b|\bhow do you work\b|\bwhat (?:is|do you know) (?:in|about) (?:this|the|your) "
    r"(?:collection|corpus|library)\b|\bwhat (?:papers|topics) (?:are|do you have)\b.{0,30}$",
    re.IGNORECASE,
)
_EXCLUSION = re.compile(
    r"\b(?:other than|not counting|apart from|besides|except(?: for)?|excluding|but not(?: for| on| about)?|"
    r"aside from|without counting|leaving out)\s+(.+?)(?=$|[?.;]|,\s+(?:which|what|list|how|are|is|who|show)\b)", re.IGNORECASE,
)


MIN_CORRECTABLE = 5  # letters a name must have before a slip in it is a better guess than another name


@dataclass(frozen=True, slots=True)
class Condition:
    """A name the question turns on."""

    key: str
    surface: str            # as asked
    known: bool             # some paper mentions it
    meant: str | None = None  # the collection's own spelling, if the asked one was taken for a slip


@dataclass(frozen=True, slots=True)
class Question:
    """A question understood as far as rules go."""

    text: str
    kind: str                                  # fact, list, count, compare, collection, empty
    names: tuple[Condition, ...] = ()          # in order, without the excluded ones
    excluded: tuple[Condition, ...] = ()
    exclusion: str = ""                        # the excluding words, as asked
    positive: str = ""                         # the text without the exclusion
    topic: tuple[str, ...] = ()                # words left of it, in lower case, without asking words and names
    trace: tuple[str, ...] = field(default=())


def understand(text: str, collection: Collection) -> Question:
    """Tell the kind, names and topic of a question, whatever it is."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not any(c.isalnum() for c in text):
        return Question(text, "empty", trace=("no letter or digit in the question",))
    kind = _kind(text)
    match = _EXCLUSION.search(text) if kind in ("list", "count") else None
    exclusion = match.group(1).strip() if match else ""
    positive = (text[:match.start()] + " " + text[match.end():]).strip() if match else text
    names = tuple(_conditions(positive, collection))
    excluded = tuple(_conditions(exclusion, collection)) if exclusion else ()
    topic = _topic(positive, [name for name in names if name.known])
    trace = [f"kind: {kind}"]
    trace += [f"name {name.surface!r}: " + (f"taken for {name.meant}" if name.meant else "known" if name.known else "unknown")
              for name in names]
    if exclusion:
        trace.append(f"excluding: {exclusion}")
    trace.append(f"topic: {' '.join(topic) or '-'}")
    return Question(text, kind, names, excluded, exclusion, positive, topic, tuple(trace))


def _kind(text: str) -> str:
    if _COLLECTION.search(text):
        return "collection"
    if _COUNT.search(text):
        return "count"
    if _COMPARE.search(text):
        return "compare"
    if _LIST_OPENING.match(text):
        return "list"
    which = _WHICH.match(text)
    if which:
        before, noun = which.group(1).split(), which.group(2)
        if any(word.casefold() in _WORKS for word in (*before, noun)):
            return "list"
    tokens = [word for word, _, _ in words(text)]
    if len(tokens) >= 2 and not _asks(tokens):
        # "T5 models for speech", "recommender systems with LLMs": a noun phrase whose head is what papers bring
        head = next((i for i, word in enumerate(tokens) if word in _LINKS), len(tokens))
        if head and tokens[head - 1] in _WORKS:
            return "list"
    return "fact"


_LINKS = frozenset("about for of on in with using that which by from to mentioning based built trained".split())
_ASKING = frozenset(
    "what which who whom whose when where why how is are was were do does did can could should would will has have had".split()
)


def _asks(tokens: Sequence[str]) -> bool:
    return tokens[0] in _ASKING or any(token in ("what", "how", "why", "which") for token in tokens[:3])


def _conditions(text: str, collection: Collection) -> list[Condition]:
    """The names in a question, each once, the longest known reading where several overlap."""
    store = collection.store
    mentions = [name for name in find_names(text) if _means_a_name(name, collection)]
    mentions += _plain_names(text, collection)
    known = {name.key for name in mentions if store.papers_with_name(name.key)}
    chosen: list[Name] = []
    for name in sorted(mentions, key=lambda m: (m.key not in known, m.start - m.end, m.start)):
        if not any(name.start < other.end and other.start < name.end for other in chosen):
            chosen.append(name)
    # A known name inside a longer unknown one is unknown: FlashAttention-9 is not FlashAttention.
    for name in mentions:
        if name.key not in known and name.end - name.start > 0:
            inside = [other for other in chosen if name.start <= other.start and other.end <= name.end]
            if inside and all(other.end - other.start < name.end - name.start for other in inside):
                chosen = [other for other in chosen if other not in inside] + [name]
    found: dict[str, Condition] = {}
    for name in sorted(chosen, key=lambda m: m.start):
        key, meant = name.key, None
        if key not in known and len(key) >= MIN_CORRECTABLE:
            close = sorted(other for other in store.names_like(key) if one_edit_apart(key, other))
            if len(close) == 1:
                key, meant = close[0], store.surface(close[0])
        found.setdefault(key, Condition(key, name.surface, name.key in known or meant is not None, meant))
    return list(found.values())


def _means_a_name(name: Name, collection: Collection) -> bool:
    """Whether a mention with a name's shape is one: a plain capitalised word may be any word of the language."""
    if any(c.isupper() for c in name.surface[1:]) or any(c.isdigit() for c in name.surface):
        return True
    frequency = max((collection.lexical.frequency(stem) for stem in collection.lexical.stems(name.surface)), default=0)
    return frequency == 0 or collection.is_name(name.key, frequency)


def _plain_names(text: str, collection: Collection) -> list[Name]:
    """Words written without a name's shape that are names in the collection: "memit", "llama 2"."""
    found = list(words(text))
    singles = [
        Name(text[start:end], name_key(word), start, end) for word, start, end in found
        if word not in FUNCTION_WORDS and len(word) >= 2
    ]
    pairs = [
        Name(text[a_start:b_end], name_key(text[a_start:b_end]), a_start, b_end)
        for (_, a_start, a_end), (b, b_start, b_end) in zip(found, found[1:], strict=False)
        if text[a_end:b_start] in (" ", "-") and (b[0].isdigit() or len(b) <= 2)
    ]
    known = collection.store.name_counts(sorted({name.key for name in (*singles, *pairs)}))
    frequency = collection.lexical.frequency
    return [name for name in pairs if name.key in known] + [
        name for name in singles
        if name.key in known
        and collection.is_name(name.key, max(map(frequency, collection.lexical.stems(name.surface)), default=0))
    ]


def _topic(text: str, names: Sequence[Condition]) -> tuple[str, ...]:
    """What is left of a question when asking words, words for papers, and known names are taken out."""
    for name in names:
        text = re.sub(re.escape(name.surface), " ", text, flags=re.IGNORECASE)
    return tuple(
        word for word, _, _ in words(text)
        if word not in FUNCTION_WORDS and word not in _WORKS and word not in _MENTION
    )


_MENTION = frozenset(
    "mention mentions mentioned mentioning list name named names paper study abstract collection discuss discusses "
    "concern concerning regarding cover covers deal deals involve involving any everything anything find count "
    "please exist exists available here".split()
)
