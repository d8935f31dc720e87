"""Questions in other languages: which one, and what in them the collection knows.

The script tells many languages, function words the commonest that are written like English; else a question is not
English if hardly any of its words is English or the collection's, and the others look like no terms: those are long.
Only three things are done with it, to search by the names, to say so, and to ask for English politely; so in doubt a
question is English.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from assistant.index.collection import Collection
from assistant.query.parse import Condition
from assistant.text.names import find_names, name_key
from assistant.text.words import FUNCTION_WORDS, words

MIN_SCRIPT_SHARE = 0.3   # of a question's letters, in another script than Latin
MIN_FUNCTION_WORDS = 2   # of another language, and more than of English
MIN_KNOWN_SHARE = 0.25   # of a question's words, that are English or the collection's
MIN_WORDS = 4            # to judge by that share alone
SHORT = 5                # letters of an unknown word up to which it is no term
MIN_KNOWN_BESIDE = 0.5   # the same, beside one function word of another language
MIN_LETTERS = 5          # of a word that another language may share with English
MIN_NAME = 4             # letters of a name in lower case: shorter ones are words of some language
MAX_WORDS_OF_NAME = 3

_FUNCTION = {code: frozenset(text.split()) for code, text in {
    "de": """der die das ist sind ein eine einen welche welcher welches was wie wer wo warum und oder nicht mit von für
    auf zu im den dem des gibt es viele wird werden kann man über zwischen bei als auch""",
    "es": """el la los las es son un una unos qué que cuál cuáles cómo como quién dónde cuántos cuántas por para con de
    del y o no se en entre sobre hay esta este está""",
    "fr": """le la les est sont un une des quel quelle quels quelles que quoi comment qui où pourquoi combien et ou ne
    pas avec de du dans sur pour entre il y a ce cette au aux""",
    "pt": """o a os as é são um uma que qual quais como quem onde quantos quantas por para com de do da dos das e ou não
    em no na entre sobre há este esta""",
    "it": """il lo la gli le è sono un una che quale quali come chi dove quanti quante perché e o non con di del della
    dei delle in nel nella su per tra c'è questo""",
    "nl": """de het een is zijn wat welke hoe wie waar waarom hoeveel en of niet met van voor op in tussen er wordt
    worden kan dit deze""",
    "pl": "jest są jak jaki jaka jakie które który która co kto gdzie ile czy i lub nie z ze w na do od dla między",
    "tr": "nedir ne nasıl hangi hangileri kim nerede kaç ve veya ile için bir bu mi mı midir arasında",
}.items()}
_ENGLISH_TOO = frozenset(FUNCTION_WORDS) | frozenset(["a", "an", "is", "in", "on", "no", "as", "am", "was", "of"])
_SCRIPTS = {  # the first word of a letter's Unicode name -> language
    "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CJK": "zh", "CYRILLIC": "ru", "ARABIC": "ar",
    "DEVANAGARI": "hi", "GREEK": "el", "HEBREW": "he", "THAI": "th", "BENGALI": "bn", "TAMIL": "ta",
}
_REQUEST = {
    "de": "Bitte stellen Sie die Frage auf Englisch.", "es": "Por favor, haga la pregunta en inglés.",
    "fr": "Veuillez poser la question en anglais.", "pt": "Por favor, faça a pergunta em inglês.",
    "it": "Per favore, ponga la domanda in inglese.", "nl": "Stel de vraag alstublieft in het Engels.",
    "zh": "请用英语提问。", "ja": "英語で質問してください。", "ko": "영어로 질문해 주세요.",
    "ru": "Пожалуйста, задайте вопрос на английском языке.", "ar": "يرجى طرح السؤال باللغة الإنجليزية.",
}
_WHAT_IN_GERMAN = re.compile(r"^\W*was (?:ist|sind|macht|bedeutet|kann|sagt|tut)\b", re.IGNORECASE)  # "was" is English
_LATIN_RUN = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ .+’'/-]*")


@dataclass(frozen=True, slots=True)
class Carried:
    """What of a question in another language the collection knows."""

    names: tuple[Condition, ...]
    text: str  # the names, and words written as in English, in the order asked; empty without any


def language_of(text: str, collection: Collection, is_word: Callable[[str], bool]) -> str | None:
    """The language of a question: None for English, else an ISO 639-1 code, or "other" where it is not told.

    Args:
        is_word: whether a lower-case word is one of English; the embedder's vocabulary knows.
    """
    letters = [c for c in text if c.isalpha()]
    scripts = Counter(unicodedata.name(c, "?").split()[0].split("-")[0] for c in letters)
    other = {name: count for name, count in scripts.items() if name in _SCRIPTS}
    if letters and sum(other.values()) >= MIN_SCRIPT_SHARE * len(letters):
        kana = [name for name in other if _SCRIPTS[name] == "ja"]  # Japanese has Chinese characters too
        return _SCRIPTS[kana[0] if kana else max(other, key=lambda name: (other[name], name))]
    if _WHAT_IN_GERMAN.match(text):
        return "de"
    named = [
        (name.start, name.end) for name in find_names(text)
        if any(c.isupper() or c.isdigit() for c in name.surface[1:])  # a capital in front may be mere orthography
    ]
    asked = [word for word, start, _ in words(text) if not any(a <= start < b for a, b in named)]
    english = sum(word in _ENGLISH_TOO for word in asked)
    counts = {code: sum(word in found and word not in _ENGLISH_TOO for word in asked)
              for code, found in _FUNCTION.items()}
    best = max(counts, key=lambda code: (counts[code], code))
    if counts[best] >= MIN_FUNCTION_WORDS and counts[best] > english:
        return best
    theirs = _FUNCTION[best] - _ENGLISH_TOO  # which the vocabulary may have too, as a part of names
    unknown = [word for word in asked if word in theirs or not (
        len(word) == 1 or word in FUNCTION_WORDS or is_word(word) or collection.lexical.word_frequency(word) > 0
    )]
    known = len(asked) - len(unknown)
    if counts[best] > english and known < MIN_KNOWN_BESIDE * len(asked):
        return best
    short = any(len(word) <= SHORT or not word.isascii() for word in unknown)
    return "other" if len(asked) >= MIN_WORDS and known < MIN_KNOWN_SHARE * len(asked) and short else None


def carried(text: str, collection: Collection, language: str) -> Carried:
    """The names, and the longer words, of a question that the collection has as well."""
    function = _FUNCTION.get(language, frozenset())
    kept: dict[str, Condition | None] = {}  # as asked -> the name, if it is one
    for run in _LATIN_RUN.finditer(text):
        found = [(word, start + run.start(), end + run.start()) for word, start, end in words(run.group())]
        taken = 0
        for first in range(len(found)):
            if first < taken:
                continue
            for count in range(min(MAX_WORDS_OF_NAME, len(found) - first), 0, -1):
                surface = text[found[first][1]:found[first + count - 1][2]]
                if count > 1 and name_key(surface) == name_key(text[found[first][1]:found[first + count - 2][2]]):
                    continue  # its last word is no part of the name
                name = _name(surface, collection)
                if name is not None:
                    kept.setdefault(surface, name)
                    taken = first + count
                    break
            else:
                word = found[first][0]
                if len(word) >= MIN_LETTERS and word not in function and collection.lexical.word_frequency(word) > 1:
                    kept.setdefault(word, None)
    names = tuple(name for name in kept.values() if name is not None)
    return Carried(names, ", ".join(kept) if names else "")


def request(language: str) -> str:
    """A polite sentence that asks for English, in English and, for the commonest languages, in the asker's own."""
    english = (
        "Please ask in English: the question seems to be in another language, and it has no name that the collection "
        "knows."
    )
    return f"{english} {_REQUEST[language]}" if language in _REQUEST else english


def _name(surface: str, collection: Collection) -> Condition | None:
    """A known name with the shape of one, or one that the collection writes as a name almost always."""
    key = name_key(surface)
    if len(key) < 2 or not key[0].isalpha() or not collection.store.name_counts([key]):
        return None
    shaped = any(c.isupper() for c in surface[1:]) or any(c.isdigit() for c in surface)
    if not shaped:
        frequency = max(map(collection.lexical.frequency, collection.lexical.stems(surface)), default=0)
        if len(key) < MIN_NAME or surface.casefold() in FUNCTION_WORDS or not collection.is_name(key, frequency):
            return None
    return Condition(key, surface, known=True)
