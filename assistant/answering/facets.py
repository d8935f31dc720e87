"""Conditions that are a kind of paper rather than its subject: surveys, released code, theory, groups of languages.

Similarity finds them badly, since a survey of pruning is about pruning and a paper on Yoruba never says "African". Each
is told by a few set phrases that abstracts use of themselves, or by the members of a group, looked up exactly over the
whole collection.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from assistant.index.collection import Collection
from assistant.text.words import words

_NOT = r"(?:\b(?:no|not|never|without|neither|nor|none|nothing|lack(?:s|ing)?)\b|n['’]t\b)"
_NEGATING = re.compile(_NOT, re.IGNORECASE)
# "… do not yet publicly" before "release code"
_BEFORE = re.compile(
    rf"{_NOT}\s+(?:(?:yet|even|ever|also|actually|publicly|openly|be|been|have|any|an?|the|their|its|of|in|on|about|for|"
    r"cover|treat|concern)\s+){0,3}$", re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Facet:
    """One kind of paper that a question may ask for."""

    name: str                                # as the answer says it
    asked: re.Pattern[str]                   # what asks for it in a question
    papers: Callable[[Collection], set[str]]
    terms: tuple[str, ...]                   # a sentence with one of them shows it

    def shown_by(self, sentence: str) -> bool:
        """Whether a sentence says that its paper is of this kind."""
        return any(re.search(rf"\b{re.escape(term)}", sentence, re.IGNORECASE) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Asked:
    """A facet found in a question."""

    facet: Facet
    words: frozenset[str]  # of the question, in lower case, that are spent on it
    negated: bool = False  # papers not of this kind are asked for

    @property
    def name(self) -> str:
        """As a trace says it."""
        return f"no {self.facet.name}" if self.negated else self.facet.name

    def papers(self, collection: Collection) -> set[str]:
        """Those of the collection that are of the kind, or are not."""
        found = self.facet.papers(collection)
        return set(collection.store.paper_ids()) - found if self.negated else found


def facets_in(text: str) -> list[Asked]:
    """The facets that a question, or its excluding clause, asks for; each once, in the order of `FACETS`.

    >>> [asked.facet.name for asked in facets_in("surveys that cover an African language")]
    ['surveys', 'African languages']
    >>> facets_in("models for survey data")
    []
    >>> [asked.name for asked in facets_in("papers on speech that don't release code")]
    ['no released code']
    """
    found = []
    for facet in FACETS:
        matches = list(facet.asked.finditer(text))
        spent = {word for match in matches for word, _, _ in words(match.group())}
        if spent:
            found.append(Asked(facet, frozenset(spent), any(_is_negated(text, match) for match in matches)))
    return found


def _is_negated(text: str, match: re.Match[str]) -> bool:
    """Whether what asks for a facet has a "no" within it or right before it."""
    return bool(_NEGATING.search(match.group()) or _BEFORE.search(text[:match.start()]))


def _with_phrases(*phrases: str) -> Callable[[Collection], set[str]]:
    return lambda collection: set(collection.lexical.with_phrases(phrases))


def _speaking_of(group: str, languages: str) -> Callable[[Collection], set[str]]:
    """Papers with "<group> language" or the name of one of the languages."""

    def papers(collection: Collection) -> set[str]:
        found = set(collection.lexical.with_phrases([f"{group} language"])) | collection.with_name(group.casefold())
        for language in languages.split():
            found |= collection.with_name(language.casefold())
            if language not in _AMBIGUOUS:
                found |= set(collection.lexical.with_phrases([language]))
        return found

    return papers


_AMBIGUOUS = frozenset(["Indic", "Polish"])  # their stems are those of "indicate" and "polish": names only
_GROUPS = {
    "African": "Swahili Hausa Yoruba Igbo Amharic Zulu isiZulu Xhosa isiXhosa Shona Somali Kinyarwanda Wolof Oromo "
    "Tigrinya Lingala Luganda Setswana Sesotho Sepedi Afrikaans Twi Akan Bambara Fula Kirundi Malagasy Chichewa Ewe",
    "Indian": "Indic Hindi Bengali Bangla Tamil Telugu Marathi Gujarati Kannada Malayalam Punjabi Odia Assamese Urdu "
    "Sanskrit Maithili Konkani Nepali Sindhi Kashmiri Manipuri Santali Bhojpuri",
    "European": "German French Spanish Italian Portuguese Dutch Polish Russian Ukrainian Czech Slovak Slovene "
    "Slovenian Croatian Serbian Bosnian Bulgarian Romanian Hungarian Greek Swedish Norwegian Danish Finnish Icelandic "
    "Estonian Latvian Lithuanian Catalan Basque Galician Irish Welsh Maltese Albanian Macedonian Belarusian",
    "Slavic": "Russian Ukrainian Polish Czech Slovak Slovene Slovenian Croatian Serbian Bosnian Bulgarian Macedonian "
    "Belarusian",
    "Nordic": "Swedish Norwegian Danish Finnish Icelandic Faroese",
    "Scandinavian": "Swedish Norwegian Danish",
    "Baltic": "Latvian Lithuanian Estonian",
    "Romance": "French Spanish Italian Portuguese Romanian Catalan Galician Occitan",
    "Asian": "Chinese Mandarin Cantonese Japanese Korean Vietnamese Thai Indonesian Malay Filipino Tagalog Burmese "
    "Khmer Lao Mongolian Tibetan Uyghur Kazakh Uzbek Hindi Bengali Tamil Telugu Marathi Urdu Nepali Sinhala Javanese",
    "Semitic": "Arabic Hebrew Amharic Tigrinya Maltese Aramaic",
    "Turkic": "Turkish Kazakh Uzbek Uyghur Azerbaijani Kyrgyz Tatar Turkmen",
}
FACETS = (
    Facet(
        "surveys",
        re.compile(
            r"\b(?:surveys|survey (?:papers?|articles?|works?|or review|and review|or overview)|(?:a|an|any|no) survey|"
            r"(?:literature|systematic) reviews?|review (?:papers?|articles?)|overview (?:papers?|articles?))\b"
            r"(?! (?:data|questions?|responses?|answers?)\b)", re.IGNORECASE,
        ),
        _with_phrases(
            "this survey", "our survey", "we survey", "paper surveys", "survey of", "survey on", "a survey",
            "survey paper", "comprehensive survey", "systematic survey", "this review", "our review", "we review",
            "paper reviews", "literature review", "systematic review", "exhaustive review", "review of", "a review",
            "an overview", "comprehensive overview",
        ),
        ("survey", "review", "overview"),
    ),
    Facet(
        "released code",
        re.compile(
            r"\b(?:releas\w*|publish\w*|shar\w+|provid\w*|link\w*(?: to)?|open-?sourc\w*|offer\w*|giv\w+|gave|has|have|"
            r"having|includ\w*|contain\w*|accompanied by|(?<!work )(?<!works )(?<!working )with(?:out)?|lack\w*)\s+"
            r"(?:no |any )?(?:their |the |its |an? )?(?:own |public |available |released |open |official )?"
            r"(?:source )?code\b(?![- ](?:\w*-)?(?:generat|complet|search|model|understand|data|bench|snippet|switch|"
            r"review|summar|transl|intelligen|edit|task|example|mix|embed|repair|represent|execut|reason|as\b|in\b|into\b))"
            r"(?: (?:publicly |openly |freely )?(?:on|at|via) (?:github|gitlab|hugging ?face))?|"
            r"\bcode (?:(?:is|are)(?:n['’]t)? )?(?:not )?(?:(?:publicly |freely |openly )?(?:available|released)|"
            r"(?:on|at) (?:github|gitlab))\b|"  # but not "trained on GitHub repositories"
            r"\b(?:ha(?:ve|s)|giv\w+|provid\w*|releas\w*|shar\w*|link\w* to|"
            r"(?:papers?|methods?|models?|works?) with)\s+"
            r"(?:an? |the |their |its |public ){0,2}github (?:repos?|repositor(?:y|ies)|links?)\b",
            re.IGNORECASE,
        ),
        lambda collection: collection.store.papers_with_code(),
        ("http", "github", "our code", "the code", "source code", "code is", "code are", "code and", "release"),
    ),
    Facet(
        "theory",
        re.compile(
            r"\b(?:theoretical (?:analys[ei]s|results?|papers?|works?|studies)|theory papers?|are theoretical)\b",
            re.IGNORECASE,
        ),
        _with_phrases(
            "theoretical analysis", "theoretical guarantee", "theoretical framework", "theoretical understanding",
            "theoretical result", "theoretically", "we prove", "theorem", "provably", "convergence rate",
            "generalization bound",
        ),
        ("theor", "prove", "provabl", "convergence", "bound"),
    ),
    *(
        Facet(
            f"{group} languages",
            re.compile(rf"\b{group}\s+(?:or \w+ |and \w+ )?(?:natural )?(?:languages?|tongues?)\b", re.IGNORECASE),
            _speaking_of(group, languages),
            (group, *languages.split()),
        )
        for group, languages in _GROUPS.items()
    ),
)
