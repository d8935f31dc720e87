"""Names of models, methods and data sets as terms: GPT-J, GPTJ, ``GPT- J`` and GPT-J-6B are one.

A name is written many ways, but its letters and its version number are what it is. So a name's
*key* keeps those and drops case, hyphens and spaces, the size ("6B", "base", "XXL") and qualifiers
("Chat", "-based"): GPT-J-6B → ``gptj``, "Llama 2 (70B)" → ``llama2``, T5-XXL → ``t5``. A prefix makes
another name (mT5, Flan-T5), and so does a version (FlashAttention-2 is not FlashAttention), though
whoever asks for a *family* ("which papers use LLaMA?") means its versions too: see `families`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from assistant.text.words import FUNCTION_WORDS

if TYPE_CHECKING:
    pass

# A run of characters that names are made of. "GPT- J": a hyphen may be followed by a space if a lone
# capital or a number comes next. A trailing "++" belongs to the name.
_TOKEN = re.compile(
    r"[^\W_][\w.’']*(?:[-‐‑–]\s?(?=[A-Z0-9]\b)[\w.]+|[-‐‑–/^][\w.]+)*\+*"
)
_SIZE = re.compile(
    r"(?:\d+(?:\.\d+)?x)?\d*(?:\.\d+)?[bmkt]|\d+(?:\.\d+)?(?:bn|billion|million)", re.IGNORECASE
)
_VERSION = re.compile(r"v?\d{1,2}(?:\.\d+)*", re.IGNORECASE)
SIZE_WORDS = frozenset(
    """tiny mini small medium base large huge giant big xs sm md lg xl xxl""".split()
)
_QUALIFIERS = frozenset(
    ["instruct", "chat", "turbo", "hf", "it", "sft", "preview", "uncased", "cased"]
)
_WRITTEN_ON = ("based", "style", "like", "type", "powered", "generated", "derived")  # "Llama 2-based" is Llama 2
_NUMBERED = re.compile(r"\d+(?:\.\d+)?[-\s]?[a-z]+(?:-[a-z]+)*|\d+(?:st|nd|rd|th|D|x|X|K|k)s?")  # 10-shot, 3D, 20th
_IN_BRACKETS = re.compile(r"\(([A-Za-z][\w-]{1,10})\)")
_BEFORE_BRACKETS = re.compile(r"(?<![\w-])([A-Za-z][\w-]{1,10}) \(([^()]{3,100})\)")
_PHRASE_END = re.compile(r"[()\[\];:!?\"“”]|\.\s")
_QUOTES = " \"'“”‘’`"
_HYPHEN = re.compile(r"(?<=\w)[-‐‑–](?=\w)")
_LOWER_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
MAX_NAME_CHARACTERS = 200  # a longer run, such as a sequence of amino acids, is no name


@dataclass(frozen=True, slots=True)
class Name:
    """One mention: what stands in the text, and what it means."""

    surface: str  # as written
    key: str      # lower case letters and digits, no size, no qualifier
    start: int    # code points into the text it was read from
    end: int


def find_names(text: str, *, title: bool = False) -> Iterator[Name]:
    """Yield the mentions in ``text``, in order, that have the *shape* of a name.

    In a ``title`` every word may be capitalised, so there a plain capitalised word counts only as the
    one word before a colon ("Redco: …").

    Shape: a capital after the first letter, or letters with digits, or a capitalised word inside a
    sentence. A compound gives its parts as well where they have the shape ("GPT-Neo/J" → GPT-Neo and
    GPT-J; "ROME-style" → ROME), so that a paper is found by each.

    >>> [name.key for name in find_names("We edit GPT- J and GPT-NeoX-20B, not T5-based ones.")]
    ['gptj', 'gptneox', 't5']
    """
    tokens = list(_TOKEN.finditer(text))
    for position, match in enumerate(tokens):
        if match.group().islower() and match.group().isalpha():  # most words: no name begins like this
            continue
        if len(match.group()) > MAX_NAME_CHARACTERS:
            continue
        surface = match.group().rstrip(".'’").removesuffix("'s").removesuffix("’s")
        start = match.start()
        following = tokens[position + 1] if position + 1 < len(tokens) else None
        for part, offset in _parts(surface):
            if title:
                inside = position == 0 and text[match.end():match.end() + 1] == ":"
            else:
                inside = offset > 0 or _inside_sentence(text, start)
            if not _has_shape(part, inside=inside):
                continue
            key = _key(part)
            if not any(c.isalpha() for c in key):  # "3-8B-Instruct" is what follows a name
                continue
            yield Name(part, key, start + offset, start + offset + len(part))
            number = _version_after(text, match, following) if part == surface else None
            if number is not None:
                end = following.start() + len(number) if following is not None else match.end()
                yield Name(text[start:end], key + number.casefold().removeprefix("v"), start, end)


def names_of(title: str | None, abstract: str) -> dict[str, Counter[str]]:
    """Every name a paper mentions: key -> how often it is written in which way.

    What stands before a title's colon is a name whatever its shape, if it is three words or fewer.
    """
    found: dict[str, Counter[str]] = {}
    for name in (*find_names(title or "", title=True), *find_names(abstract)):
        found.setdefault(name.key, Counter())[name.surface] += 1
    head, colon, _ = (title or "").partition(":")
    if colon and len(head) <= MAX_NAME_CHARACTERS and len(head.split()) <= 3 and name_key(head):
        found.setdefault(name_key(head), Counter())[head] += 1
    return found


def name_key(name: str) -> str:
    """The key of something said to be a name, whatever its shape: ``name_key("llama 2")`` → ``llama2``."""
    words = name.replace("- ", "-").split()
    return _key("-".join(words)) if words else ""


def families(key: str) -> tuple[str, ...]:
    """The unversioned name behind a versioned key, if there is one.

    >>> families("llama3.1"), families("gpt4"), families("t5"), families("gptj")
    (('llama',), ('gpt',), (), ())
    """
    match = re.fullmatch(r"([a-z]{3,}?)v?(\d{1,2}(?:\.\d+)?)", key)
    return (match.group(1),) if match else ()


def one_edit_apart(a: str, b: str) -> bool:
    """Whether two keys differ by one letter dropped, added, changed, or two neighbours swapped.

    Digits are versions, not slips: gpt3 and gpt4 are two names.

    >>> one_edit_apart("mistal", "mistral"), one_edit_apart("gpt3", "gpt4"), one_edit_apart("memti", "memit")
    (True, False, True)
    """
    if re.sub(r"\D", "", a) != re.sub(r"\D", "", b) or abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    return (
        rest_a[1:] == rest_b
        or rest_a == rest_b[1:]
        or rest_a[1:] == rest_b[1:]
        or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:] and len(rest_a) > 1)
    )


def abbreviations(text: str) -> Iterator[tuple[str, str]]:
    """Yield (key, expansion in lower case) wherever ``text`` spells an abbreviation out, before or after it.

    >>> list(abbreviations("Large Language Models (LLMs) and parameter-efficient fine-tuning (PEFT)"))
    [('llm', 'large language models'), ('peft', 'parameter-efficient fine-tuning')]
    >>> list(abbreviations("We use LoRA (low-rank adaptation)."))
    [('lora', 'low-rank adaptation')]
    """
    for match in _IN_BRACKETS.finditer(text):
        before = text[max(0, match.start() - 120):match.start()].rstrip(_QUOTES)
        before = before[max((cut.end() for cut in _PHRASE_END.finditer(before)), default=0):]
        begin = _spelled_from(before, match.group(1))
        if begin is not None:
            yield _key(match.group(1)), before[begin:].casefold()
    for match in _BEFORE_BRACKETS.finditer(text):
        expansion = match.group(2).strip(_QUOTES)
        if _spelled_from(expansion, match.group(1)) == 0:
            yield _key(match.group(1)), expansion.casefold()


def main_sense(expansions: Mapping[str, int]) -> list[str]:
    """What an abbreviation means anywhere: the expansions, most papers first, of the sense most papers give it.

    Spellings of one sense differ in hyphens, plurals and words like "of". If no sense has more than half of the
    papers that spell the abbreviation out, it has no meaning of its own, and there are none.

    >>> main_sense({"supervised fine-tuning": 5, "supervised fine tuning": 1, "sparse fine-tuning": 1})
    ['supervised fine-tuning', 'supervised fine tuning']
    >>> main_sense({"out-of-domain": 1, "out-of-distribution": 1})
    []
    """
    papers: Counter[str] = Counter()
    for expansion, count in expansions.items():
        papers[_sense(expansion)] += count
    if not papers or 2 * (most := papers.most_common(1)[0])[1] <= papers.total():
        return []
    same = (expansion for expansion in expansions if _sense(expansion) == most[0])
    return sorted(same, key=lambda expansion: (-expansions[expansion], expansion))


def written_apart(surface: str) -> list[str]:
    """How a name is written with spaces: at all its hyphens, or where a capital follows a small letter.

    >>> written_apart("Flan-T5"), written_apart("CodeLlama"), written_apart("GPTJ")
    (['Flan T5'], ['Code Llama'], [])
    """
    if surface.isalnum():
        return [f"{surface[:at.start()]} {surface[at.start():]}" for at in re.finditer(r"(?<=[a-z])(?=[A-Z])", surface)]
    return [" ".join(_HYPHEN.split(surface))] if _HYPHEN.search(surface) else []


def writes_apart(text: str, apart: str, key: str) -> bool:
    """Whether ``text`` has a name as `written_apart` gives it, by itself and not as a part of a longer one.

    Two words must have the capitals of the name: "deep speed" is not DeepSpeed.
    """
    words = apart.split()
    pattern = rf"(?<![\w/-]){'[-‐‑– ]'.join(map(re.escape, words))}[\w.+‐‑–-]*"
    for match in re.finditer(pattern, text, re.IGNORECASE):
        found = match.group().rstrip(".-‐‑–")
        initials = [word[0] for word in re.split("[-‐‑– ]", found)][:len(words)]
        if name_key(found) == key and (len(words) > 2 or initials == [word[0] for word in words]):
            return True
    return False


def _sense(expansion: str) -> str:
    words = re.findall(r"[^\W_]+", expansion)
    return "".join(word.rstrip("s") for word in words if word not in FUNCTION_WORDS)


def _spelled_from(phrase: str, short: str) -> int | None:
    """Where in ``phrase`` the words start that, up to its end, give the letters of ``short``; None if they do not."""
    if sum(c.isupper() for c in short) < 2:
        return None
    words = list(re.finditer(r"[^\W_]+", phrase))
    texts = [word.group().casefold() for word in words]
    in_compound = [word.start() > 0 and phrase[word.start() - 1] == "-" for word in words]
    # "in-context knowledge editing (IKE)", "mixture of experts (MoE)": these need not give a letter
    skippable = [inside or text in FUNCTION_WORDS for inside, text in zip(in_compound, texts, strict=True)]
    for name in dict.fromkeys((re.sub(r"(?<=[A-Z0-9])s$", "", short), short)):  # LLMs, but MLSys
        letters = [c.casefold() for c in name if c.isalnum()]
        begin = _initials_start(texts, skippable, in_compound, letters)
        if begin is not None and texts[begin:] != ["".join(letters)]:  # "IR (IR)" says nothing
            return words[begin].start()
    return None


def _initials_start(
    words: list[str], skippable: list[bool], in_compound: list[bool], letters: list[str]
) -> int | None:
    """Where the run of words at the end of ``words`` starts that gives ``letters``, in order; None if there is none.

    Each word of the run gives its first letter and may give more ("LoRA": *lo*w-*r*ank *a*daptation).
    """
    @cache  # or words of one letter each could be skipped in 2ⁿ ways
    def uses_up(word: int, letter: int) -> bool:  # words[word:] give exactly letters[letter:]
        if word == len(words) or letter == len(letters):
            return word == len(words) and letter == len(letters)
        shared = 0
        while shared < len(words[word]) and letter + shared < len(letters) \
                and words[word][shared] == letters[letter + shared]:
            shared += 1
        if any(uses_up(word + 1, letter + taken) for taken in range(shared, 0, -1)):
            return True
        return skippable[word] and uses_up(word + 1, letter)

    first = max(0, len(words) - 2 * len(letters))
    return next(
        (start for start in range(len(words) - 1, first - 1, -1)
         if not in_compound[start] and words[start].startswith(letters[0]) and uses_up(start, 0)), None
    )


def _parts(surface: str) -> Iterator[tuple[str, int]]:
    """The surface itself, and what it says in short: "GPT-Neo/J" → GPT-Neo, GPT-J; "BERT/RoBERTa" → both."""
    if "/" not in surface:
        yield surface, 0
        return
    pieces = surface.split("/")
    offset = 0
    stem = pieces[0].rpartition("-")[0]
    for piece in pieces:
        if offset and stem and len(piece) <= 2:
            yield f"{stem}-{piece}", 0
        elif piece:
            yield piece, offset
        offset += len(piece) + 1


def _key(surface: str) -> str:
    segments = [s for s in re.split(r"[-‐‑–\s_^(),]+", surface) if s]
    # In lower case throughout, only a qualifier can be told from a part of the name.
    lower = all(s == s.casefold() for s in segments)
    while len(segments) > 1 and (
        segments[-1].casefold() in _QUALIFIERS or (_LOWER_WORD.fullmatch(segments[-1]) and not lower)
    ):
        segments.pop()
    kept = segments[:1] + [segment for segment in segments[1:] if not _is_size(segment)]
    key = re.sub(r"[^\w.+]|_", "", "".join(kept))
    key = re.sub(r"(?<=[A-Z]{2})s$", "", key)  # the plural of an acronym
    key = key.casefold().strip(".")
    key = re.sub(r"(?<=[a-z])\d+(?:\.\d+)?[bm]$", "", key) or key  # "Llama7B"
    return re.sub(r"(?<=[a-z]{3})v(?=\d)", "", key)  # "LLaMA-V2"


def _is_size(segment: str) -> bool:
    return _SIZE.fullmatch(segment) is not None or segment.casefold() in SIZE_WORDS


def _has_shape(surface: str, *, inside: bool) -> bool:
    letters = sum(c.isalpha() for c in surface)
    if letters == 0 or _SIZE.fullmatch(surface):
        return False
    if surface[:1].isdigit() and _NUMBERED.fullmatch(surface):
        return False
    if any(c.isupper() for c in surface[1:]) or any(c.isdigit() for c in surface):
        return True
    return surface[0].isupper() and inside and surface.casefold() not in FUNCTION_WORDS


def _inside_sentence(text: str, start: int) -> bool:
    """Whether something precedes in the same sentence, so that a capital is not mere orthography."""
    before = start - 1
    while before >= 0 and text[before] in " \"'“‘([":
        before -= 1
    return before >= 0 and text[before] not in ".?!:\n"


def _version_after(text: str, match: re.Match[str], following: re.Match[str] | None) -> str | None:
    if following is None or text[match.end():following.start()] not in (" ", "\u00a0"):
        return None
    number, *rest = re.split(r"[-‐‑–]", following.group().rstrip("."))
    if not all(s.casefold() in (*_WRITTEN_ON, *_QUALIFIERS, *SIZE_WORDS) or _SIZE.fullmatch(s) for s in rest):
        return None
    return number if _VERSION.fullmatch(number) else None
