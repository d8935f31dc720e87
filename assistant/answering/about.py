"""Questions about the collection or the assistant itself, answered from database and card, without citations.

A table of what is kept: how people ask for it, and the sentence that tells it. A question belongs here if the table's
own words are all it has: "how many papers give code" does, "how many papers give code for editing" is a search. Which
row is meant is told by the embeddings of the rows' askings; what is like none of them is not kept, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from assistant.answering.facets import facets_in
from assistant.index.collection import Collection
from assistant.index.sqlite import Store
from assistant.query.parse import Question
from assistant.retrieval.retriever import Retriever
from assistant.text.words import FUNCTION_WORDS, words

MIN_LIKENESS = 0.6   # of question and row, from which it is meant
SURE = 1.1           # from which a question that does not speak of the collection is about it all the same
OF_WORDS = 0.3       # what common words add to the cosine
NEARLY = 0.03        # a row this much less like the question than the best is told too
NAMES_SHOWN = 8
FILES_SHOWN = 12

_WORKS = frozenset(["papers", "abstracts", "articles", "works", "documents", "studies"])
_ITSELF = _WORKS | frozenset(
    """paper abstract article document collection index database corpus file files topics subjects you your
    read updated duplicates""".split()
)
_TO_ASSISTANT = re.compile(r"^\W*(?:(?:who|what) are you\b|are you (?!sure)\w+\W*$)", re.IGNORECASE)
# Words that a question about the collection may have without asking for anything else.
_OTHER_WORDS = frozenset(
    """assistant bot collection corpus database index library dataset set here inside contain contains contained hold
    holds holding held exist exists available total altogether number count currently now today tell describe
    overview summary summarise summarize information info kind kinds type types sort exactly overall hi hey
    thank document documents article articles work works entries entry records record stored store
    stores indexed ingested loaded read known knows average mean all whole full much big large""".split()
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that is known of the collection or the assistant."""

    name: str
    offer: str                # what can be asked, in words
    askings: tuple[str, ...]  # how people ask for it
    tell: Callable[[Collection], str]


@dataclass(frozen=True, slots=True)
class Told:
    """What is said to a question about the collection."""

    text: str
    kept: bool               # else the asked thing is not kept
    trace: tuple[str, ...]


def is_about(question: Question, retriever: Retriever) -> bool:
    """Whether a question is about the collection or the assistant: read as such, or made of the table's words only."""
    if question.kind == "collection" or _TO_ASSISTANT.match(question.text):
        return True
    if question.kind not in ("fact", "topic", "count", "list") or question.names or question.exclusions:
        return False
    if any(asked.negated for asked in facets_in(question.positive)):  # "how many papers have no code": those are listed
        return False
    content = [word for word, _, _ in words(question.text) if word not in FUNCTION_WORDS]
    telling = set().union(*_stems_of_rows(retriever).values())
    stems = _stems(content, retriever)
    if not stems & telling or not stems <= telling | _stems(_OTHER_WORDS, retriever):
        return False
    if question.kind == "list" and content[0] in _WORKS:  # "which papers release code" asks for a list
        return False
    itself = {word for word, _, _ in words(question.text)} & _ITSELF or stems <= _stems_of_rows(retriever)["abilities"]
    return bool(itself) or max(_likeness(question.text, retriever).values()) >= SURE


def tell(question: Question, retriever: Retriever) -> Told:
    """Answer a question about the collection with what is kept of it."""
    likeness = _likeness(question.text, retriever)
    best = max(likeness.values())
    trace = tuple(f"about {name}: {score:.2f}" for name, score in sorted(likeness.items(), key=lambda e: -e[1])[:3])
    if best < MIN_LIKENESS:
        known = ", ".join(kept.offer for kept in KEPT)
        return Told(f"That is not kept. What can be asked about the collection: {known}.", False, trace)
    meant = [kept for kept in KEPT if likeness[kept.name] >= best - NEARLY][:2]
    return Told(" ".join(kept.tell(retriever.collection) for kept in meant), True, trace)


def _likeness(text: str, retriever: Retriever) -> dict[str, float]:
    """Name of a row -> cosine of the question and the row's asking most like it, plus at most `OF_WORDS` for words
    that few rows have."""
    asked = retriever.pooled(text)
    rows = _stems_of_rows(retriever)
    stems = _stems((word for word, _, _ in words(text) if word not in FUNCTION_WORDS), retriever)
    rarity = {stem: 1 / sum(stem in row for row in rows.values()) for stem in stems
              if any(stem in row for row in rows.values())}
    total = sum(rarity.values()) or 1.0
    return {
        kept.name: max(float(asked @ retriever.pooled(asking)) for asking in kept.askings)
        + OF_WORDS * sum(rarity.get(stem, 0.0) for stem in stems & rows[kept.name]) / total
        for kept in KEPT
    }


def _stems_of_rows(retriever: Retriever) -> dict[str, set[str]]:
    return {
        kept.name: _stems((word for asking in kept.askings for word, _, _ in words(asking)
                           if word not in FUNCTION_WORDS), retriever)
        for kept in KEPT
    }


def _stems(content: Iterable[str], retriever: Retriever) -> set[str]:
    return {stem for word in content for stem in retriever.collection.lexical.stems(word)}


# -- what is told


def _size(collection: Collection) -> str:
    store = collection.store
    files = len(store.files())
    return (
        f"I answer questions about a collection of {store.count()} paper abstracts ({_untitled(store)} without a "
        f"title), read from {files} {_plural('file', files)}."
    )


def _untitled(store: Store) -> int:
    return sum(title is None for _, title in store.titles())


def _titles(collection: Collection) -> str:
    return f"{_untitled(collection.store)} of {collection.store.count()} papers have no title."


def _files(collection: Collection) -> str:
    files = collection.store.read_from()
    told = [f"{name} ({papers} {_plural('paper', papers)})" for name, _, papers in files[:FILES_SHOWN]]
    more = f" and {len(files) - FILES_SHOWN} more" if len(files) > FILES_SHOWN else ""
    return (
        f"The papers were read from {len(files)} {_plural('file', len(files))}: {', '.join(told)}{more}. "
        "A paper that several files have counts in each."
    )


def _topics(collection: Collection) -> str:
    from assistant.topics.atlas import TOPIC_PAPERS, topics

    total, found = collection.store.count(), topics(collection)
    of = f"{total} papers" if total <= TOPIC_PAPERS else f"{TOPIC_PAPERS:,} of the {total:,} papers"
    named = "; ".join(f"{name} ({papers})" for name, papers in found)
    common = ", ".join(f"{name} ({papers})" for name, papers in common_names(collection, NAMES_SHOWN))
    names = f" Names that most papers mention: {common}." if common else ""
    return f"What {of} are about, grouped by likeness and named by their words: {named}.{names} Ask for any of it."


def _lengths(collection: Collection) -> str:
    store = collection.store
    ends = store.lengths()
    entries = store.entries([paper for paper, _ in ends])
    (shortest, few), (longest, many) = (
        (entries[paper].paper.title, characters) for paper, characters in (ends[0], ends[-1])
    )
    return (
        f"The longest abstract has {many:,} characters ({longest or 'untitled'}), the shortest {few:,} "
        f"({shortest or 'untitled'}); the mean is {store.mean_length():,.0f}."
    )


def _code(collection: Collection) -> str:
    found = len(collection.store.papers_with_code())
    return (
        f"{found} of {collection.store.count()} abstracts give code: they link to a repository or say that their "
        "code is available."
    )


def _merged(collection: Collection) -> str:
    exact, near = collection.store.repeats()
    return (
        f"{exact} {_plural('record', exact)} repeated an abstract exactly and {near} nearly; they have been merged, "
        f"which leaves {collection.store.count()} papers. Each paper keeps all places it was read at."
    )


def _embedder(collection: Collection) -> str:
    card = collection.card
    return (
        f"Search uses the embedding model {card['embedder']} on chunks of up to {card['chunk_tokens']} tokens, word "
        "statistics and names. Answers that quote are put together without a language model; assistant status and "
        "assistant backends say which one is set up to write, if any."
    )


def _abilities(collection: Collection) -> str:
    return (
        f"I answer questions about {collection.store.count()} paper abstracts and show the words each answer stands "
        "on: what a paper found or is (“what is …?”), which papers or how many fit (“which methods …?”, “other than "
        "…”), comparisons (“compare … and …”), and what the collection holds. Where no abstract says it, I say so."
    )


def _fresh(collection: Collection) -> str:
    return (
        "When the files were last read is not kept; the index has been changed "
        f"{collection.generation} {_plural('time', collection.generation)} since it was made."
    )


def _bylines(collection: Collection) -> str:
    dated, first, last, signed = collection.store.known_bylines()
    total = collection.store.count()
    if not dated and not signed:
        return "The collection has titles and abstracts only: no authors, dates, venues, citation counts or full texts."
    years = f" ({first} to {last})" if dated else ""
    return f"A year is known of {dated} of {total} papers{years}, authors of {signed}; venues and full texts of none."


def _languages(collection: Collection) -> str:
    return "The language of an abstract is not kept; questions are best asked in English."


def common_names(collection: Collection, count: int) -> list[tuple[str, int]]:
    """(name as most write it, papers) of the most mentioned, without common nouns and plain capitalised words.

    A name that one paper alone mentions is not common: that paper may have written it to be shown.
    """
    store = collection.store
    found = ((store.surface(key), papers) for key, papers in store.top_names(10 * count)
             if papers > 1 and not store.is_common_noun(key))
    shaped = ((name, papers) for name, papers in found
              if any(c.isupper() or c.isdigit() for c in name[1:]) and "-" not in name[3:])
    return list(islice(shaped, count))


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else noun + "s"


KEPT = (
    Kept("size", "how many papers there are", (
        "how many papers do you know?", "how large is the collection?", "how many abstracts are in the index?",
    ), _size),
    Kept("titles", "how many have no title", (
        "how many papers have no title?", "papers without a title", "are there untitled papers?",
    ), _titles),
    Kept("files", "the files they come from", (
        "which files were read?", "what are the sources of the collection?", "how many papers come from each file?",
        "where do the abstracts come from?",
    ), _files),
    Kept("topics", "what they are about and the names they mention most", (
        "what are the papers about?", "which topics does the collection cover?", "which names are mentioned most?",
        "what subjects do you know?", "what is this collection about?", "give me an overview",
        "give me an overview of the collection", "describe what is in here", "what is in this collection?",
        "which research areas are represented?",
        "tell me what this corpus is about", "summarise the database", "what is it all about?",
        "what are the abstracts about?", "which fields do the abstracts come from?",
    ), _topics),
    Kept("lengths", "the longest and the shortest abstract", (
        "what is the longest abstract?", "which abstract is the shortest?", "how long are the abstracts on average?",
    ), _lengths),
    Kept("code", "how many give code", (
        "how many papers give code?", "how many abstracts link to a repository?", "how many papers release their code?",
    ), _code),
    Kept("duplicates", "how many were merged", (
        "how many duplicates were merged?", "are there duplicate papers?", "were repeated abstracts removed?",
    ), _merged),
    Kept("model", "the embedding model", (
        "which embedding model do you use?", "which language model are you?", "what embedder made the vectors?",
        "are you ChatGPT?",
    ), _embedder),
    Kept("abilities", "what I can do", (
        "what can you do?", "what can I ask?", "how do you work?", "who are you?", "what is your name?", "help",
        "hello", "thanks",
    ), _abilities),
    Kept("updates", "how often the index changed", (
        "when was the collection last updated?", "when were the files last read?", "how recent is the index?",
        "how old is the index?",
    ), _fresh),
    Kept("languages", "which languages are known", (
        "which language are the abstracts in?", "are there papers in other languages?",
    ), _languages),
    Kept("bylines", "which years and authors are known", (
        "do you know authors or years of the papers?", "from which years are the papers?", "do you have full texts?",
        "are dates and venues known?", "how many citations do the papers have?",
    ), _bylines),
)
