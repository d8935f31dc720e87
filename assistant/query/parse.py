"""What a question asks: its kind, the names it turns on, what it excludes, and the topic that is left.

Which words ask and which are asked about, and what form the question has, is told by a trained reader (`reading`).
Which words are names is told by what the collection knows. Here the two are put together, and said in the trace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from assistant.errors import MisuseError
from assistant.index.collection import Collection
from assistant.query.conditions import Condition, conditions, decisive, find_mentions
from assistant.query.features import EXCLUDING, Token
from assistant.query.limits import without_limit
from assistant.query.negated import JOINING, with_negated, without_need
from assistant.query.spelling import find_slips, put_right
from assistant.query.tagger import Reading
from assistant.text.names import Name
from assistant.text.words import words

__all__ = ["Condition", "Exclusion", "Question", "looked_at", "understand"]

MAX_QUESTION = 2_000   # characters
MAX_SIGNS = 8         # in a row: "?!", "...", "-->", emoji

EVERYWHERE = 0.33     # share of the papers that have a word of no use beside a name

# How a paper has to do with a name; beside one they are no subject: "in which GPT-J appears".
RELATING = frozenset(
    """appear appears appearing occur occurs occurring mention mentions mentioned mentioning meet meets touch touches
    feature features featuring involve involves involving concern concerns concerning discuss discusses discussing
    cover covers covering treat treats treating contain contains containing include includes including
    related""".split()
)

SUBJECT_AGAIN = (["about"], ["on"], ["regarding"], ["concerning"])

_LONG_RUN = re.compile(rf"(\W{{{MAX_SIGNS}}})\W+")
# What answers know how to give, by what the reader tells apart. The rest is as it is called.
_KIND_OF_FORM = {"definition": "fact", "yesno": "fact", "chat": "collection"}
# "Other than the paper on X" leaves out what is about X, "without X" all that mentions it.
_LOOSELY = re.compile(
    r"\b(?:other than|apart from|besides|aside(?: from)?|rather than|outside(?: of)?)\b(?:\W+[\w-]+){0,4}\W*$",
    re.IGNORECASE,
)
# Asks for what no abstract gives.
_METADATA = re.compile(
    r"\bwho (?:wrote|authored|invented|proposed|published|developed|created|introduced|is behind)\b|"
    r"\bwho (?:is|are|was|were) (?:\w+ ){0,3}?authors?\b|\b(?:which|what|most|how many|names? of the) authors?\b|"
    r"\b(?:list|name|give|show|tell|find|know)(?: me)?(?: all)?(?: the)? authors?\b(?!['’])|"
    r"^\W*(?:the )?authors? of\b(?!.*\b(?:what|why|how)\b)|\b(?:first|last|lead) author\b|"
    r"\bwhen (?:was|were) (?:\S+ ){1,20}?(?:published|released|written|proposed|introduced)\b|"
    r"\bpublished (?:in|on|by|at|before|after)\b|"
    r"\b(?:what|which|papers?|works?|articles?) did \S+(?: \S+){0,3} (?:write|co-?author|publish)\b|\bauthored by\b|"
    r"\b(?:papers?|works?|studies|articles|abstracts) (?:from|of|in|since|before|after) (?:19|20)\d\d\b|"
    r"\b(?:what|which) (?:year|university|company|institution|conference|journal|venue)\b|\baffiliat", re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\b(?:how (?:many|much|large|big|long|small|fast|high|low|far|often|accurate)|numbers?|percent|percentage|share|"
    r"fraction|rate|score|accuracy|size|count|figure|times|factor|ratio|what (?:f1|bleu|rouge|length|cost))\b|%",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One thing a list shall be without."""

    names: tuple[Condition, ...]
    topic: tuple[str, ...]
    text: str
    loose: bool = False  # "other than X": without papers about X; else without any that mentions X
    before: str = ""     # the asking words right before it: "that do not release"


@dataclass(frozen=True, slots=True)
class Question:
    """A question understood as far as the reader and the collection go."""

    text: str
    kind: str                                # fact, topic, list, count, compare, collection, empty
    names: tuple[Condition, ...] = ()        # in order, without the excluded ones
    hard: tuple[Condition, ...] = ()         # of them, those every paper of a list must mention
    any_of: bool = False                     # one of the conditions is enough
    topic: tuple[str, ...] = ()              # words left, in lower case, without asking words and hard names
    exclusions: tuple[Exclusion, ...] = ()
    positive: str = ""                       # the text without what it excludes
    slips: tuple[tuple[str, str], ...] = ()  # words as typed, and what they were taken for
    trace: tuple[str, ...] = ()
    form: str = ""                           # finer than kind: also definition, yesno, chat
    wants: str = ""                          # of a fact: number, person, date … one of `reading.forms.WANTS`
    listing: float = 0.0                     # P(a list or a count of papers is asked for), 0–1
    phrases: tuple[str, ...] = ()            # the topic as it stands in the question, phrase by phrase
    comparing: float = 0.0                   # P(a comparison is asked for), 0–1
    limit: int | None = None                 # papers that a list shall show at most
    aside: tuple[str, ...] = ()              # words, in lower case, that an answer need not have

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
        """Whether a figure is asked for, and not whether something is so."""
        return self.form != "yesno" and (self.wants == "number" or bool(_NUMBER.search(self.text)))

    @property
    def corrected(self) -> str:
        """The text with slips put right, for search."""
        text = self.text
        for name in self.names:
            if name.meant:
                text = text.replace(name.surface, name.meant)
        return put_right(text, self.slips)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the known names."""
        return tuple(name.key for name in self.names if name.known)


def looked_at(question: object) -> str:
    """Return what is looked at of a question: its first 2,000 characters, those that print, with single spaces.

    Runs of signs are cut, so that a pattern which looks for signs between words takes time linear in the text.

    Raises:
        MisuseError: it is no text.
    """
    if not isinstance(question, str):
        raise MisuseError(
            f"a question is text, and not of the type {type(question).__name__}; "
            'example: assistant.ask("what is Redco?")'
        )
    text = " ".join("".join(c if c.isprintable() else " " for c in question[:MAX_QUESTION]).split())
    return _LONG_RUN.sub(r"\1", text)


def understand(
    text: str, collection: Collection, *, read: Callable[[str], Reading], is_word: Callable[[str], bool]
) -> Question:
    """Tell kind, names, exclusions and topic of a question, whatever it is.

    Args:
        text: as `looked_at` gives it.
        read: the trained reader.
        is_word: whether a lower-case word is one of the language; the embedder's vocabulary knows.
    """
    typed = text
    if not any(c.isalnum() for c in typed):
        return Question(typed, "empty", trace=("no letter or digit in the question",))
    slips = tuple(find_slips(typed, collection, is_word))
    wanted, text = without_limit(put_right(typed, slips))
    reading = read(text)
    if reading.forms[0][0] in ("list", "count") and (said := without_need(text)) != text:
        text, reading = said, read(said)
    mentions = find_mentions(text, reading, collection, is_word)
    form, chance = _form(reading, named=any(
        name.known and not name.surface.islower() and not collection.store.is_common_noun(name.key)
        for name in conditions(mentions, reading, collection)
    ))
    if form in ("list", "count"):
        reading = with_negated(reading)
    runs = list(_runs(reading)) if form in ("list", "count") else []
    exclusions = tuple(part for run in runs for part in _exclusions(text, run, reading, mentions, collection))
    kept = _kept(reading, runs)
    names = conditions(
        [name for name in mentions if not any(a <= name.start < b for a, b in runs)], reading, collection
    )
    hard = decisive(names, collection, has_topic=lambda but: bool(_topic(kept, reading, text, but)))
    topic = _topic(kept, reading, text, hard)
    if hard:
        topic = tuple(word for word in topic if word not in RELATING)
    if hard and all(_is_everywhere(word, collection) for word in topic):
        topic = ()  # "T5 models", "Japanese LLMs"
    kind = "topic" if form == "list" and _is_bare(reading) else _KIND_OF_FORM.get(form, form)
    any_of = len(hard) > 1 and _alternatives(text, hard)
    wants = reading.wants[0] if form == "fact" else ""
    trace = [f"kind: {kind} (form: {form} {chance:.2f})"]
    trace += [f"read as: {text}"] if text != put_right(typed, slips) else []
    trace += [f"wants: {wants} ({reading.wants[1]:.2f})"] if wants else []
    trace += [f"word {word!r}: taken for {meant}" for word, meant in slips]
    for name in names:
        state = f"taken for {name.meant}" if name.meant else "known" if name.known else "unknown"
        trace.append(f"name {name.surface!r}: {state} ({name.chance:.2f} a name here)")
    trace.append(f"must mention: {(' or ' if any_of else ' and ').join(n.label for n in hard) or '-'}")
    trace += [f"excluding: {part.text}" for part in exclusions]
    trace.append(f"topic: {' '.join(topic) or '-'}")
    return Question(
        typed, kind, names, hard, any_of, topic, exclusions, _text_of(kept, reading), slips, tuple(trace), form, wants,
        sum(chance for form, chance in reading.forms if form in ("list", "count")),
        tuple(_phrases(kept, reading, text, hard)),
        sum(chance for form, chance in reading.forms if form == "compare"), wanted,
        _aside(reading, text, form, names, collection),
    )


def _aside(
    reading: Reading, text: str, form: str, names: Sequence[Condition], collection: Collection
) -> tuple[str, ...]:
    """Words that only ask, or say for whom: of a definition all of them, else those that no paper has."""
    asking = [token for place, token in enumerate(reading.tokens) if not reading.is_subject(place)]
    return tuple(
        word for word in _words_of(asking, text, names)
        if form == "definition" or not collection.lexical.word_frequency(word)
    )


def _form(reading: Reading, *, named: bool) -> tuple[str, float]:
    """The most probable form; talk about the collection or just talk has no subject, so with one it is another.

    Args:
        named: whether the question writes a known name as one, which is a subject however the words are read
            ("what does CoME do?").
    """
    subject = named or reading.has_subject
    return next((form, chance) for form, chance in reading.forms if not (subject and form in ("collection", "chat")))


def _is_bare(reading: Reading) -> bool:
    """Whether a question is nothing but its subject: "relation extraction"."""
    return not any(
        tag == "asking" and token.is_content for token, tag in zip(reading.tokens, reading.tags, strict=True)
    ) and "?" not in reading.tokens[-1].text


# -- what is left out


def _runs(reading: Reading) -> Iterator[tuple[int, int]]:
    """Where in the text words stand that are to be left out."""
    pairs = zip(reading.tags, reading.tokens, strict=True)
    groups = [(tag, [token for _, token in run]) for tag, run in groupby(pairs, key=lambda pair: pair[0])]
    for at, (tag, tokens) in enumerate(groups):
        # "… that do not use GPT-4 about agents": what is about agents is asked for again.
        again = at > 1 and [token.word for token in groups[at - 1][1]] in SUBJECT_AGAIN
        if tag == "exclude" and any(token.is_content for token in tokens) and not (again and groups[at - 2][0] == tag):
            yield tokens[0].start, tokens[-1].end


def _exclusions(
    text: str, run: tuple[int, int], reading: Reading, mentions: Sequence[Name], collection: Collection
) -> Iterator[Exclusion]:
    """What one run of words leaves out, part by part."""
    at, end = run
    before = _asked_before(text, at, reading)
    loose = _LOOSELY.search(before) is not None
    for part in re.split(r"(,|\b(?:and|or|nor)\b)", text[at:end]):
        stop = at + len(part)
        inside = [name for name in mentions if at <= name.start < stop]
        names = tuple(name for name in conditions(inside, reading, collection) if name.known)
        topic = _words_of([token for token in reading.tokens if at <= token.start < stop], text, names)
        if names or topic:
            yield Exclusion(names, topic, part.strip(), loose, before)
        at = stop


def _asked_before(text: str, start: int, reading: Reading) -> str:
    """The asking words right before a place."""
    begin = start
    for token, tag in zip(reversed(reading.tokens), reversed(reading.tags), strict=True):
        if token.start >= start:
            continue
        if tag != "asking" or token.text in ".;?!":
            break
        begin = token.start
    return text[begin:start]


def _kept(reading: Reading, runs: Sequence[tuple[int, int]]) -> list[int]:
    """The tokens that are no part of what is left out, nor say that it is."""
    left_out = {i for i, token in enumerate(reading.tokens) if any(a <= token.start < b for a, b in runs)}
    for i in sorted(left_out):
        cue = i - 1
        while cue >= 0 and cue not in left_out and reading.tags[cue] == "asking":
            cue -= 1
        between = range(cue + 1, i)
        first = next((j for j in between if reading.tokens[j].word in EXCLUDING), None)
        left_out |= set(range(first, i)) if first is not None else set()
    left_out |= {  # "neither MEMIT nor ROME": what joins them
        i for i, token in enumerate(reading.tokens) if token.word in JOINING and {i - 1, i + 1} <= left_out
    }
    return [i for i in range(len(reading.tokens)) if i not in left_out]


def _text_of(kept: Sequence[int], reading: Reading) -> str:
    """The text of the tokens that are kept, spaced as it was."""
    text, end = "", 0
    for token in (reading.tokens[i] for i in kept):
        text += (" " if text and token.start > end else "") + token.text
        end = token.end
    return text


# -- what is left


def _topic(kept: Sequence[int], reading: Reading, text: str, names: Sequence[Condition]) -> tuple[str, ...]:
    """The content words of the subject, without ``names``."""
    return _words_of([reading.tokens[i] for i in kept if reading.is_subject(i)], text, names)


def _is_everywhere(word: str, collection: Collection) -> bool:
    """Whether so many papers have a word that, beside a name, it tells none apart."""
    return collection.lexical.word_frequency(word) > EVERYWHERE * collection.store.count()


def _words_of(tokens: Sequence[Token], text: str, names: Sequence[Condition]) -> tuple[str, ...]:
    named = _places(names, text)
    return tuple(dict.fromkeys(
        word for token in tokens if token.is_content and not any(a <= token.start < b for a, b in named)
        for word, _, _ in words(token.text)
    ))


def _phrases(
    kept: Sequence[int], reading: Reading, text: str, names: Sequence[Condition]
) -> Iterator[str]:
    """The runs of words of the subject as they stand in the text, without ``names``."""
    named = _places(names, text)

    def of_subject(i: int) -> bool:
        token = reading.tokens[i]
        return reading.is_subject(i) and not any(a <= token.start < b for a, b in named)

    for wanted, run in groupby(kept, key=of_subject):
        tokens = [reading.tokens[i] for i in run]
        if wanted and any(token.is_content for token in tokens):
            yield text[tokens[0].start:tokens[-1].end]


def _places(names: Sequence[Condition], text: str) -> list[tuple[int, int]]:
    return [
        (match.start(), match.end()) for name in names
        for match in re.finditer(rf"(?<!\w){re.escape(name.surface)}(?:['’]s)?", text, re.IGNORECASE)
    ]


def _alternatives(text: str, names: Sequence[Condition]) -> bool:
    """Whether one of these names is enough: "or" stands after the first, at most two words on."""
    after = re.escape(names[0].surface) + r"\W+(?:[\w-]+\W+){0,2}?or\b"
    return re.search(after, text, re.IGNORECASE) is not None
