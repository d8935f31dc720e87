"""Names a sentence mentions, and whether the papers it cites mention them too, under any spelling.

Builds on `assistant.text.names`; adds what a checker must know and a question need not: a capitalised first
word may be a name, and an expanded abbreviation or a plain word in another case is no new name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from assistant.text.names import Name, abbreviations, families, find_names, name_key
from assistant.text.words import FUNCTION_WORDS

# "LLMs", "the AI": what everything here is about. Not knowing them apart is no harm: support sees the rest.
_GENERIC = frozenset("llm lm plm ai ml nlp nn dl slm mllm api llmbased".split())
_MEASURE = re.compile(r"\d[\d.,]*[-\s]?[A-Za-z]{1,4}")  # "249GB": for the numbers
_FIRST_WORD = re.compile(r"\W*([A-Z][^\W_]+(?:[-‐‑][^\W_]+)*)(?:['’]s)?(?=[\s,:;.]|$)")


def mentioned(sentence: str, *, is_word: Callable[[str], bool]) -> list[Name]:
    """The names in a sentence, in order, each once.

    Args:
        is_word: whether a lower-case word is one of the language; a capitalised first word that is not, is a name.
    """
    found = {name.start: name for name in find_names(sentence)}
    opening = _FIRST_WORD.match(sentence)
    if opening is not None and opening.start(1) not in found:
        word = opening[1]
        if not any(is_word(part.casefold()) or is_word(part.casefold().removesuffix("s"))
                   for part in re.split(r"[-‐‑]", word)):
            found[opening.start(1)] = Name(word, name_key(word), *opening.span(1))
    names = [found[start] for start in sorted(found)]
    return [
        name for name in names
        if name.key not in _GENERIC and not _MEASURE.fullmatch(name.surface) and not _is_sentence_case(name)
    ]


class Names:
    """The names and words of one cited paper."""

    def __init__(self, title: str | None, abstract: str) -> None:
        text = f"{title or ''}\n{abstract}"
        self.mentions = [*find_names(title or "", title=True), *find_names(abstract)]
        self.keys = {name.key for name in self.mentions}
        self.keys |= {family for key in self.keys for family in families(key)}
        self.keys |= {name_key(part) for part in re.split(r":", title or "", maxsplit=1)[:1] if len(part.split()) <= 3}
        self.keys |= {key for key, _ in abbreviations(text)}
        self.words = _joined(text)

    def has(self, name: Name, expansions: tuple[str, ...]) -> bool:
        """Whether the paper mentions a name: by its key, as words in any case, or by what it is short for."""
        if name.key in self.keys or self._says(name.surface):
            return True
        if any(part.key in self.keys or self._says(part.surface) for part in _less(name)):
            return True
        if any(self._says(expansion) for expansion in expansions):
            return True
        plain = name.surface[1:].islower() and len(name.surface) > 6  # "Ensembling", of a paper that has an ensemble
        return plain and f" {name.surface[:-4].casefold()}" in self.words

    def _says(self, phrase: str) -> bool:
        words = _joined(phrase).strip()
        return bool(words) and (f" {words} " in self.words or f" {words}s " in self.words
                                or f" {words.removesuffix('s')} " in self.words)


def distinctive(name: Name) -> bool:
    """Whether a name is surely one, not a capitalised word, a size, or what everything here is about."""
    inner = any(c.isupper() or c.isdigit() for c in name.surface[1:])
    return inner and not name.surface[0].isdigit() and name.key not in _GENERIC


def same(a: str, b: str) -> bool:
    """Whether two keys may mean one thing: a family and its version do."""
    return a == b or a in families(b) or b in families(a) or a.rstrip("s") == b.rstrip("s")


def _less(name: Name) -> Iterator[Name]:
    """A compound's name without the word that it is compounded with: "GPT-2-based" is GPT-2."""
    head, hyphen, tail = name.surface.rpartition("-")
    if hyphen and tail.islower():
        yield Name(head, name_key(head), name.start, name.start + len(head))


def _joined(text: str) -> str:
    """The words of a text in lower case between single spaces, compounds and addresses in parts."""
    return " " + " ".join(re.findall(r"[^\W_]+", text.casefold())) + " "


def _is_sentence_case(name: Name) -> bool:
    """Whether a "name" is a plain word with a capital because something like a quotation begins there."""
    return name.surface.casefold() in FUNCTION_WORDS and not name.surface[1:2].isupper()
