"""What a question asks: its kind, the names it turns on, what it excludes, and the topic that is left.

Kinds are told by the form of the question, not by its subject: asking for works in the plural asks for a list, a noun
phrase without a verb names a topic, and so on. Names are told by what the collection knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.collection import Collection
from assistant.retrieval.names import SIZE_WORDS, Name, find_names, name_key, one_edit_apart
from assistant.retrieval.spelling import nearest_word
from assistant.retrieval.words import FUNCTION_WORDS, words

MIN_CORRECTABLE = 5   # letters a name must have before a slip in it is a better guess than another name
MAX_CORRECTABLE = 24  # letters; longer ones are no words, and have too many edits to try
FEW_PAPERS = 2        # that mention a name which is then one paper's own
COMMON_SHARE = 0.5    # a name that more of the collection mentions does not tell papers apart
TOPIC_WORDS = 20      # a longer phrase is a sentence, even without a verb we know

# Papers, by their names; and what papers bring, which asks for papers only where it is asked "which …".
_PAPERS = frozenset(["abstracts", "articles", "papers", "preprints", "publications", "studies", "surveys", "works"])
_BROUGHT = frozenset(
    """approaches architectures assistants attacks benchmarks chatbots corpora datasets experiments frameworks
    libraries llms lms methods methodologies models pipelines projects recipes resources strategies systems
    techniques technologies toolkits tools work""".split()
)
# Words that ask for mention or membership and say nothing of the subject.
_ASKING_FOR = frozenset(
    """paper study article abstract work collection corpus mention mentions mentioned mentioning name names
    named naming refer refers referring reference references appear appears appearing cite cites discuss
    discusses discussing talk talks talking concern concerns concerning regarding cover covers covering deal
    deals dealing treat treats treating involve involves involving include includes including included look
    looks looked looking number count total list lists find finds exist exists existing available anything
    everything anyone hi hello thanks thank tell""".split()
)
# "models that …", "open benchmarks for …": what papers bring is the head of the phrase
_HEAD_NOUN = re.compile(
    rf"^(?:[\w-]+\s+){{0,3}}(?:{'|'.join(sorted(_BROUGHT))})\s+(?:that|which|for|with|using|about|to|on|in|of|by|from)\b",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"\b(?:how many|(?:the )?number of|count(?: the| all)?)\s+(?:of\s+)?(?:the\s+|these\s+|those\s+|your\s+)?"
    r"(?:[\w-]+\s+){0,4}?(?:papers?|abstracts|works|studies|articles|publications|methods|approaches|surveys|benchmarks|"
    r"datasets|systems|of them)\b|"
    # "how many are about …", "in how many is …", "…: how many?", "how often is … used"
    r"\bhow many(?: of (?:these|those))?\s*(?=\?|$|(?:are|is|do|does|did|have|has|use|mention|report|deal|treat)\b)|"
    r"\bhow often (?:is|are|does|do)\b", re.IGNORECASE,
)
_COMPARE = re.compile(
    r"\b(?:compare[sd]?|comparison|versus|vs\.?|differences? between|differs? from|contrast)\b|"
    r"\bhow (?:do|does|is|are)\b.+\b(?:differ|compare|different)\b", re.IGNORECASE,
)
_REQUEST = re.compile(
    r"^(?:\W*(?:hi|hello|hey|please|so|and|ok|okay)\b\W*)*"
    r"(?:(?:can|could|would|will) you\s+|i(?:'d| would) like\s+(?:to see\s+)?|i (?:want|need)\s+(?:to see\s+)?)?"
    r"(?:please\s+)?(?:list|enumerate|show|name|find|give|collect|gather|any|anything|everything|"
    r"(?:is|are) there (?:any|other|more|some|works?|papers?)\w*|has any(?:one|body)|have any\b|who (?:has|have|else)|"
    r"what (?:do you have|is there|have you got)|all\b)", re.IGNORECASE,
)
# "who trains on …", but not "who is …" or "who wrote …", which ask for a person
_WHO_DOES = re.compile(r"\bwho\s+(?:else\s+)?(?!is\b|was\b|does\b|has\b)[a-z]+s\b", re.IGNORECASE)
_WHAT_IS_THERE = re.compile(r"\bwhat (?:else )?(?:is there|have you got|do you have)\b", re.IGNORECASE)
_PREPOSITION = re.compile(r"\b(?:on|in|for|with|from|by|to|at|of|under|over|against)\s+$", re.IGNORECASE)
_WHICH = re.compile(r"\b(?:which|what|whose)\s+((?:[\w’'-]+\s+){0,4}?[\w’'-]+)", re.IGNORECASE)
_COLLECTION = re.compile(
    r"^(?:\W*(?:hi|hello|hey|so|and)\b\W*)*"
    r"(?:(?:who|what) are you\b|what can (?:you|i) (?:do|ask)\b|how do you work\b|"
    r"what (?:do you know|is in (?:here|there|the|this|your)|are (?:these|the) (?:papers|abstracts) about)|"
    r"(?:how many|(?:what is )?the number of) (?:papers|abstracts|works|articles|documents)\s*"
    r"(?:\?|$|(?:are there|do you (?:know|have|hold|cover|contain)|"
    r"(?:are )?in (?:the|this|your) (?:collection|corpus|index|library|database)|"
    r"does (?:the|this|your) (?:collection|corpus|index|library) (?:have|hold|contain)|in total|altogether)"
    r"\W*(?:$|and\b|in total)))", re.IGNORECASE,
)
_EXCLUDING = re.compile(
    r"\b(?P<loose>other than|apart from|besides|aside from|rather than|outside(?: of)?)"
    r"\s+(?P<them>.+?)(?=$|[?.;:]|\s[–—-]\s)|"
    r"\b(?:not counting|except(?: for)?|excluding|without(?: counting)?|leav(?:e|ing) out|ignor(?:e|ing)|skip(?:ping)?|"
    r"omit(?:ting)?|minus|(?:(?:that|which|to) )?(?:name|mention|use)? ?neither|"
    r"(?:(?:and|but|that|which|who) )?(?:(?:is|are|do|does|was|were)(?:n't| not)|not)"
    r"(?: (?:about|on|for|in|using|use|uses|mention|mentions|mentioning|name|involve|involving))?)"
    r"\s+(?P<these>.+?)(?=$|[?.;:]|\s[–—-]\s)", re.IGNORECASE,
)
_METADATA = re.compile(
    r"\bwho (?:wrote|authored|invented|proposed|published|developed|created|introduced|is behind)\b|"
    r"\bauthors? of\b|\bmost authors\b|\bwho are the authors\b|\b(?:first|last|lead) author\b|"
    r"\bwhen (?:was|were) .+ (?:published|released|written|proposed|introduced)\b|"
    r"\bpublished (?:in|on|by|at|before|after)\b|"
    r"\b(?:what|which) (?:year|university|company|institution|conference|journal|venue)\b|\baffiliat", re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\b(?:how (?:many|much|large|big|long|small|fast|high|low|far|often|accurate)|numbers?|percent|percentage|share|"
    r"fraction|rate|score|accuracy|size|count|figure|times|factor|ratio|what (?:f1|bleu|rouge|length|cost))\b|%",
    re.IGNORECASE,
)
_VERBS = frozenset(
    """am is are was were be do does did has have had can could should would will may might must isn't aren't
    don't doesn't what which who whom whose when where why how i we you they it my""".split()
)
_FEW = frozenset(("two", "three", "four", "five"))  # "which two models …" asks one paper for a detail


@dataclass(frozen=True, slots=True)
class Condition:
    """A name the question turns on."""

    key: str
    surface: str              # as asked
    known: bool               # some paper mentions it
    meant: str | None = None  # the collection's own spelling, if the asked one was taken for a slip

    @property
    def label(self) -> str:
        """How to write it in an answer."""
        return self.meant or self.surface


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One thing a list shall be without."""

    names: tuple[Condition, ...]
    topic: tuple[str, ...]
    text: str
    loose: bool = False  # "other than X": without papers about X; else without any that mentions X


@dataclass(frozen=True, slots=True)
class Question:
    """A question understood as far as rules go."""

    text: str
    kind: str                                # fact, topic, list, count, compare, collection, empty
    names: tuple[Condition, ...] = ()        # in order, without the excluded ones
    hard: tuple[Condition, ...] = ()         # of them, those every paper of a list must mention
    any_of: bool = False                     # one of the hard names is enough
    topic: tuple[str, ...] = ()              # words left, in lower case, without asking words and hard names
    exclusions: tuple[Exclusion, ...] = ()
    positive: str = ""                       # the text without what it excludes
    slips: tuple[tuple[str, str], ...] = ()  # words as typed, and what they were taken for
    trace: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[Condition, ...]:
        """Names no paper mentions."""
        return tuple(name for name in self.names if not name.known)

    @property
    def wants_metadata(self) -> bool:
        """Whether authors, dates or venues are asked for, which abstracts do not give."""
        return bool(_METADATA.search(self.text))

    @property
    def wants_number(self) -> bool:
        """Whether a figure is asked for."""
        return bool(_NUMBER.search(self.text))

    @property
    def corrected(self) -> str:
        """The text with slips put right, for search."""
        return _put_right(self.text, self)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the known names."""
        return tuple(name.key for name in self.names if name.known)


def _put_right(text: str, question: Question) -> str:
    for name in question.names:
        if name.meant:
            text = text.replace(name.surface, name.meant)
    for typed, meant in question.slips:
        text = re.sub(rf"\b{re.escape(typed)}\b", meant, text, flags=re.IGNORECASE)
    return text


def understand(text: str, collection: Collection, *, is_word: Callable[[str], bool]) -> Question:
    """Tell kind, names, exclusions and topic of a question, whatever it is.

    Args:
        is_word: whether a lower-case word is one of the language; the embedder's vocabulary knows.
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not any(c.isalnum() for c in text):
        return Question(text, "empty", trace=("no letter or digit in the question",))
    typed = text
    slips = tuple(_slips(text, collection, is_word))
    for word, meant in slips:
        text = re.sub(rf"\b{re.escape(word)}\b", meant, text, flags=re.IGNORECASE)
    kind = _kind(text)
    positive = text
    exclusions: tuple[Exclusion, ...] = ()
    if kind in ("list", "count", "topic"):
        positive, exclusions = _exclusions(text, collection)
    names = tuple(_conditions(positive, collection))
    hard = _hard(names, positive, collection)
    asks_for_papers = bool(_PAPERS & {word for word, _, _ in words(text)})
    if kind in ("list", "topic") and not asks_for_papers and _about_one(hard, collection):
        kind = "fact"
    any_of = len(hard) > 1 and bool(re.search(
        re.escape(hard[0].surface) + r"\W+(?:[\w-]+\W+){0,2}?or\b", positive, re.IGNORECASE
    ))
    topic = _topic(positive, hard)
    trace = [f"kind: {kind}"]
    trace += [f"word {word!r}: taken for {meant}" for word, meant in slips]
    for name in names:
        state = f"taken for {name.meant}" if name.meant else "known" if name.known else "unknown"
        trace.append(f"name {name.surface!r}: {state}")
    trace.append(f"must mention: {(' or ' if any_of else ' and ').join(n.label for n in hard) or '-'}")
    trace += [f"excluding: {part.text}" for part in exclusions]
    trace.append(f"topic: {' '.join(topic) or '-'}")
    return Question(typed, kind, names, hard, any_of, topic, exclusions, positive, slips, tuple(trace))


def _kind(text: str) -> str:
    tokens = [word for word, _, _ in words(text)]
    if _COLLECTION.search(text):
        return "collection"
    if _COUNT.search(text):
        return "count"
    if _COMPARE.search(text):
        return "compare"
    if _REQUEST.match(text) or _WHAT_IS_THERE.search(text) or _WHO_DOES.search(text) or _PAPERS & set(tokens):
        return "list"
    for match in _WHICH.finditer(text):
        if _PREPOSITION.search(text[:match.start()]):
            continue  # "on which models was it tried" asks for a detail
        asked = [word for word, _, _ in words(match.group(1))]
        noun = next((i for i, word in enumerate(asked) if word in _BROUGHT), None)
        if noun is not None and not set(asked[:noun]) & (_VERBS | _FEW):
            return "list"
    if _HEAD_NOUN.match(text) and tokens[0] not in _VERBS:
        return "list"
    if "?" not in text and len(tokens) <= TOPIC_WORDS and not _VERBS & set(tokens):
        return "topic"
    return "fact"


def _slips(text: str, collection: Collection, is_word: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Words that no paper has but that are one letter from words that papers have: typed wrong, most likely.

    Words the model knows whole are English whether a paper has them or not, and names are not words.
    """
    shaped = [(name.start, name.end) for name in find_names(text)]
    for word, start, end in dict.fromkeys(words(text)):
        if not MIN_CORRECTABLE <= len(word) <= MAX_CORRECTABLE or not word.isalpha() or word in FUNCTION_WORDS:
            continue
        if any(a < end and start < b for a, b in shaped) or is_word(word):
            continue
        if collection.store.name_counts([name_key(word)]) or collection.lexical.word_frequency(word):
            continue
        meant = nearest_word(word, collection.lexical)
        if meant is not None:
            yield text[start:end], meant


def _exclusions(text: str, collection: Collection) -> tuple[str, tuple[Exclusion, ...]]:
    """The text without its excluding clause, and what that clause excludes, part by part."""
    match = _EXCLUDING.search(text)
    if match is None:
        return text, ()
    found = []
    for part in re.split(r",|\b(?:and|or|nor)\b", match.group("them") or match.group("these")):
        names = tuple(name for name in _conditions(part, collection) if name.known)
        topic = _topic(part, names)
        if names or topic:
            found.append(Exclusion(names, topic, part.strip(), loose=match.group("loose") is not None))
    if not found:
        return text, ()
    return f"{text[:match.start()].rstrip()} {text[match.end():].lstrip()}".strip(), tuple(found)


def _about_one(names: Sequence[Condition], collection: Collection) -> bool:
    """Whether a name is so rare that the question is about what a paper or two say of it."""
    return any(len(collection.with_name(name.key)) <= FEW_PAPERS for name in names)


def _hard(names: Sequence[Condition], text: str, collection: Collection) -> tuple[Condition, ...]:
    """The names that decide membership: proper ones; common nouns (LLM, API) only if nothing else is asked."""
    total = collection.store.count()
    known = [name for name in names if name.known]
    proper = [
        name for name in known
        if not collection.store.is_common_noun(name.key) and len(collection.with_name(name.key)) <= COMMON_SHARE * total
    ]
    if proper or _topic(text, known):
        return tuple(proper)
    return tuple(known)


def _conditions(text: str, collection: Collection) -> list[Condition]:
    """The names in a question, each once, the longest known reading where several overlap."""
    store = collection.store
    mentions = [name for name in find_names(text) if _means_a_name(name, collection)]
    mentions += _plain_names(text, collection)
    known = {name.key for name in mentions if store.papers_with_name(name.key)}
    chosen: list[Name] = []
    for name in sorted(mentions, key=lambda m: (m.key not in known, m.start - m.end, m.start)):
        inside = [other for other in chosen if name.start <= other.start and other.end <= name.end]
        if inside and name.key not in known and name.end - name.start > max(o.end - o.start for o in inside):
            # A known name inside a longer unknown one is unknown: FlashAttention-9 is not FlashAttention.
            chosen = [other for other in chosen if other not in inside] + [name]
        elif not any(name.start < other.end and other.start < name.end for other in chosen):
            chosen.append(name)
    found: dict[str, Condition] = {}
    for name in sorted(chosen, key=lambda m: m.start):
        key, meant = name.key, None
        if key not in known:
            close = sorted(other for other in store.names_like(key) if _is_slip(key, other))
            if len(close) == 1:
                key, meant = close[0], store.surface(close[0])
        found.setdefault(key, Condition(key, name.surface, name.key in known or meant is not None, meant))
    return list(found.values())


def _is_slip(asked: str, known: str) -> bool:
    """Whether a name is another one mistyped: one letter off in a long name, two swapped in a short one."""
    if not one_edit_apart(asked, known):
        return False
    return len(asked) >= MIN_CORRECTABLE or (len(asked) == len(known) == 4 and sorted(asked) == sorted(known))


def _means_a_name(name: Name, collection: Collection) -> bool:
    """Whether a mention with a name's shape is one: a plain capitalised word may be any word of the language."""
    if name.key in SIZE_WORDS:
        return False
    if any(c.isupper() for c in name.surface[1:]) or any(c.isdigit() for c in name.surface):
        return True
    frequency = max((collection.lexical.frequency(stem) for stem in collection.lexical.stems(name.surface)), default=0)
    return frequency == 0 or collection.is_name(name.key, frequency)


def _plain_names(text: str, collection: Collection) -> Iterator[Name]:
    """Words written without a name's shape that are names in the collection: "memit", "llama 2"."""
    found = list(words(text))
    pairs = [
        Name(text[a_start:b_end], name_key(text[a_start:b_end]), a_start, b_end)
        for (_, a_start, a_end), (b, b_start, b_end) in pairwise(found)
        if text[a_end:b_start] in (" ", "-") and b[0].isdigit()
    ]
    singles = [
        Name(text[start:end], name_key(word), start, end) for word, start, end in found
        if word not in FUNCTION_WORDS and len(word) >= 2 and word not in SIZE_WORDS
    ]
    known = collection.store.name_counts(sorted({name.key for name in (*singles, *pairs)}))
    yield from (name for name in pairs if name.key in known)
    for name in singles:
        stems = collection.lexical.stems(name.surface)
        frequency = max(map(collection.lexical.frequency, stems), default=0)
        if name.key in known and collection.is_name(name.key, frequency):
            yield name


def _topic(text: str, names: Sequence[Condition]) -> tuple[str, ...]:
    """What is left of a question without asking words, words for papers, and ``names``."""
    for name in names:
        text = re.sub(re.escape(name.surface) + r"(?:['’]s)?", " ", text, flags=re.IGNORECASE)
    left = (word for word, _, _ in words(text))
    return tuple(dict.fromkeys(
        word for word in left
        if word not in FUNCTION_WORDS and word not in _PAPERS and word not in _BROUGHT and word not in _ASKING_FOR
    ))
