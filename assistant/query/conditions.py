"""The names a question turns on.

What is a name is told by the collection (its papers write it as one), by shape (GPT-11), and by the reader (in "what
does quilltune do" it takes a word that nobody has seen for a name). A name no paper mentions decides an answer, so a
word of the language is never taken for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.index.collection import Collection
from assistant.query.tagger import Reading
from assistant.text.names import SIZE_WORDS, Name, find_names, main_sense, name_key
from assistant.text.spelling import MIN_CORRECTABLE, MOST_UNKNOWN, is_slip
from assistant.text.words import FUNCTION_WORDS, words

IsWord = Callable[[str], bool]

READ_AS_NAME = 0.5    # chance from which the reader alone makes a name
MEANT_AS_NAME = 0.3   # chance from which a name of the collection is one in this question too: most names are tagged so
SHORT_FOR = 0.6       # the same of an abbreviation that papers spell out (SFT), which is a phrase as often as a name
ASIDE = 0.25          # chance to be no subject from which a word written like a name that no paper has is said aside
ASIDE_KNOWN = 0.9     # the same where some paper has it
COMMON_SHARE = 0.5    # a name that more of the collection mentions does not tell papers apart


@dataclass(frozen=True, slots=True)
class Condition:
    """A name the question turns on."""

    key: str
    surface: str              # as asked
    known: bool               # some paper mentions it
    meant: str | None = None  # the collection's own spelling, if the asked one was taken for a slip
    chance: float = 1.0       # 0–1 that it is a name here, not part of a phrase

    @property
    def label(self) -> str:
        """How to write it in an answer."""
        return self.meant or self.surface


def find_mentions(text: str, reading: Reading, collection: Collection, is_word: IsWord) -> list[Name]:
    """The names in a question, in order; the longest known reading where several overlap."""
    mentions = [name for name in find_names(text) if _means_a_name(name, collection, is_word)]
    mentions += _plain_names(text, collection)
    mentions += _read_names(reading, collection, is_word, mentions)
    known = {name.key for name in mentions if collection.store.papers_with_name(name.key)}
    if reading.has_subject:  # "what should a PhD student read about GPT-J?" does not ask about PhD
        mentions = [
            name for name in mentions
            if reading.chance("asking", name.start, name.end) < (ASIDE_KNOWN if name.key in known else ASIDE)
        ]
    chosen: list[Name] = []
    for name in sorted(mentions, key=lambda m: (m.key not in known, m.start - m.end, m.start)):
        inside = [other for other in chosen if name.start <= other.start and other.end <= name.end]
        if inside and name.key not in known and name.end - name.start > max(o.end - o.start for o in inside):
            # A known name inside a longer unknown one is unknown: FlashAttention-9 is not FlashAttention.
            chosen = [other for other in chosen if other not in inside] + [name]
        elif not any(name.start < other.end and other.start < name.end for other in chosen):
            chosen.append(name)
    return sorted(chosen, key=lambda name: name.start)


def conditions(mentions: Iterable[Name], reading: Reading, collection: Collection) -> tuple[Condition, ...]:
    """What mentions ask for, each name once, slips put right."""
    store = collection.store
    found: dict[str, Condition] = {}
    looked_up: set[str] = set()
    for name in mentions:
        key, meant = name.key, None
        known = bool(store.papers_with_name(key))
        surface = name.surface
        if not known and len(looked_up) < MOST_UNKNOWN and key not in looked_up:
            looked_up.add(key)
            for candidate, written in [(key, surface), *_with_word_before(name, reading)]:
                close = _meant(candidate, written, collection)
                if len(close) == 1:
                    key, surface, meant = close[0], written, store.surface(close[0])
                    break
        chance = reading.chance("name", name.start, name.end)
        found.setdefault(key, Condition(key, surface, known or meant is not None, meant, chance))
    return tuple(found.values())


def decisive(
    names: Sequence[Condition], collection: Collection, *, has_topic: Callable[[Sequence[Condition]], bool]
) -> tuple[Condition, ...]:
    """The names every paper of a list must mention.

    Proper names that are read as such. Common nouns (LLM, API) and what is part of a phrase ("LLM watermarking") belong
    to the topic; they decide only if nothing else is asked.

    Args:
        has_topic: whether a topic is left without these names.
    """
    total = collection.store.count()
    known = [name for name in names if name.known]
    proper = [
        name for name in known
        if name.chance >= _needed(name, collection) and not collection.store.is_common_noun(name.key)
        and len(collection.with_name(name.key)) <= COMMON_SHARE * total
    ]
    if proper or has_topic(known):
        return tuple(proper)
    return tuple(known)


def _needed(name: Condition, collection: Collection) -> float:
    """The chance from which a name decides; what is written like a name and short for nothing is one."""
    if main_sense(collection.store.expansions(name.key)):
        return SHORT_FOR
    shaped = any(c.isupper() or c.isdigit() for c in name.surface[1:])
    return 0.0 if shaped else MEANT_AS_NAME


def _meant(key: str, surface: str, collection: Collection) -> list[str]:
    """The known names an unknown one may be a slip of; itself, if it is known."""
    if collection.store.papers_with_name(key):
        return [key]
    return sorted(
        other for other in collection.store.names_like(key)
        if is_mistyped(key, surface, other, collection.store.surface(other))
    )


def _with_word_before(name: Name, reading: Reading) -> Iterator[tuple[str, str]]:
    """(key, surface) of a name together with the word before it: "paramanu ganita" of Paramanu-Ganita."""
    for token in reading.tokens:
        if token.end == name.start - 1 and token.is_content:
            surface = f"{token.text} {name.surface}"
            yield name_key(surface), surface


def is_mistyped(key: str, surface: str, known: str, written: str) -> bool:
    """Whether a name is another one mistyped, or its plural; a short one, only if two letters are swapped.

    Args:
        key: of the name asked for.
        surface: how the question writes it.
        known: key of the other name.
        written: how papers write that.
    """
    if len(key) < MIN_CORRECTABLE:
        return len(key) == len(known) == 4 and sorted(key) == sorted(known) and is_slip(key, known)
    return (key == f"{known}s" and surface.endswith("s")) or is_slip(_letters(surface, key), _letters(written, known))


def _letters(surface: str, key: str) -> str:
    """What a key has of a name, with its capitals; the key, where the name drops something inside."""
    letters = "".join(c for c in surface if c.isalnum())[:len(key)]
    return letters if letters.casefold() == key else key


def _means_a_name(name: Name, collection: Collection, is_word: IsWord) -> bool:
    """Whether a mention with a name's shape is one: a plain capitalised word may be any word of the language."""
    if name.key in SIZE_WORDS:
        return False
    if any(c.isupper() for c in name.surface[1:]) or any(c.isdigit() for c in name.surface):
        return True
    frequency = _frequency(name.surface, collection)
    return (frequency == 0 and not is_word(name.surface.lower())) or collection.is_name(name.key, frequency)


def _plain_names(text: str, collection: Collection) -> Iterator[Name]:
    """Words written without a name's shape that are names in the collection: "memit", "llama 2", "gpt-j"."""
    found = list(words(text))
    pairs = [
        Name(text[a_start:b_end], name_key(text[a_start:b_end]), a_start, b_end)
        for (_, a_start, a_end), (b, b_start, b_end) in pairwise(found)
        if (text[a_end:b_start] in (" ", "-") and b[0].isdigit())
    ]
    compounds = [
        Name(text[a_start:b_end], name_key(text[a_start:b_end]), a_start, b_end)
        for (a, a_start, a_end), (b, b_start, b_end) in pairwise(found) if text[a_end:b_start] == "-"
        and collection.is_name(name_key(text[a_start:b_end]), collection.lexical.word_frequency(a + b))
    ]
    singles = [
        Name(text[start:end], name_key(word), start, end) for word, start, end in found
        if word not in FUNCTION_WORDS and len(word) >= 2 and word not in SIZE_WORDS
    ]
    known = collection.store.name_counts(sorted({name.key for name in (*singles, *pairs, *compounds)}))
    yield from (name for name in (*pairs, *compounds) if name.key in known)
    for name in singles:
        if name.key in known and collection.is_name(name.key, _frequency(name.surface, collection)):
            yield name


def _read_names(
    reading: Reading, collection: Collection, is_word: IsWord, mentions: Sequence[Name]
) -> Iterator[Name]:
    """Words that only the reader takes for names, and that are no word of the language or of any paper: "quilltune"."""
    for token, tag in zip(reading.tokens, reading.tags, strict=True):
        if tag != "name" or not token.is_content or not token.text[0].isalpha() or len(token.text) < 4:
            continue
        if any(name.start < token.end and token.start < name.end for name in mentions):
            continue
        unheard = not is_word(token.text.lower()) and _frequency(token.text, collection) == 0
        if unheard and reading.chance("name", token.start, token.end) >= READ_AS_NAME:
            yield Name(token.text, name_key(token.text), token.start, token.end)


def _frequency(surface: str, collection: Collection) -> int:
    """In how many papers a word occurs; of several, the most frequent."""
    return max((collection.lexical.frequency(stem) for stem in collection.lexical.stems(surface)), default=0)
