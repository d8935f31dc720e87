"""Whether an abstract gives code, by a link to a repository or in words; and whether a question asks for that."""

from __future__ import annotations

import re

from assistant.text.words import content_words

# Where code, models and data are kept. A page of a host about something else (github.com/features) needs an owner too.
_REPOSITORY = re.compile(
    r"\b(?:github\.com|gitlab\.(?:com|[\w-]+\.\w+)|bitbucket\.org|codeberg\.org|huggingface\.co|hf\.co|gitee\.com|"
    r"sourceforge\.net/projects|zenodo\.org/(?:records?|doi)|doi\.org/10\.5281/zenodo\.\d|osf\.io|"
    r"anonymous\.4open\.science|pypi\.org/project)/?[\w~.-]+", re.IGNORECASE,
)
_CODE = r"(?:codes?|code-?base|implementations?|software|scripts)\b"
_NOT_OF = "".join(rf"(?<!\b{word} )" for word in ("no", "whose", "their", "without", "existing", "source"))
# "Our code (and data) is publicly available", "code can be found at": a fact, not "will be available".
_IS_THERE = re.compile(
    rf"(?<![\w-]){_NOT_OF}(?:source )?{_CODE}(?! (?:generation|completion|search|models?)\b)"
    r"(?:,? (?:and|as well as|for|to|of) [^.;:]{1,60}?|, [^.;:]{1,60}?)?"
    r" (?:is|are|was|were|has been|have been|can be) (?:also |all |now |made |freely |openly |publicly ){0,3}"
    r"(?:available|accessible|released|public|published|open[- ]?sourced?|provided|shared|found|downloaded|"
    r"at https?)\b",
    re.IGNORECASE,
)
# "we release (the source) code", "we open-source our models and code", but not "we release a dataset of code"
_GIVEN = re.compile(
    r"\bwe (?:(?:have|also|further|hereby|publicly|openly|freely) )*"
    r"(?:releas(?:e|ed)|publish(?:ed)?|shared?|provided?|open[- ]?sourced?|ma(?:k|d)e (?:publicly )?available)\b"
    rf"(?:,? (?!of\b|for\b|on\b|in\b|to\b|that\b|which\b|with\b|from\b|as\b)[\w-]+){{0,6}}? {_CODE}"
    r"(?! (?:generation|completion|search|models?|data(?:set)?|benchmarks?|snippets?|examples?)\b)", re.IGNORECASE,
)
_AS_OPEN_SOURCE = re.compile(
    r"\b(?:is|are|was|been) (?:\w+ )?(?:released|published|available|provided) (?:as|under an?) open[- ]source\b",
    re.IGNORECASE,
)
# What asks for it in a question.
_ASKED = re.compile(
    r"\b(?:releas\w+|publish\w*|shar\w+|provid\w+|giv\w+|open[- ]?sourc\w+|have|has|with|offer\w*|ma[kd]e\w*|"
    r"link\w*|come|without|lack\w*)\b"
    r"[^.?!]{0,40}\b(?:code\w*|implementations?|repositor\w+|github|source)\b|\bopen[- ]?source\w*\b|"
    r"\b(?:code\w*|implementations?|repositor\w+)\b[^.?!]{0,30}\b(?:available|public\w*|released|online|open)\b",
    re.IGNORECASE,
)
_ASKED_NOT = re.compile(r"\b(?:no|not|n['’]t|without|never|lack\w*)\b|n['’]t\b", re.IGNORECASE)
_ASKING = frozenset(
    """release releases released publish published public publicly share shares shared provide provides provided open
    source sourced opensource code codes codebase implementation implementations repository repositories github
    available online offer offers come comes link links papers paper methods works models ones approaches studies
    results systems also actually even two three four five anywhere somewhere freely author authors do""".split()
)


def gives_code(abstract: str) -> bool:
    """Whether a cleaned abstract links to a repository or says that its code is available.

    A link counts whatever it leads to (code, models, data), promised or not. Without a link, "is available" and "we
    release" count, "will be released" does not.

    >>> gives_code("Code is at https://github.com/a/b."), gives_code("Our code will be released.")
    (True, False)
    >>> gives_code("Our code and models are publicly available."), gives_code("It learns from available code.")
    (True, False)
    """
    return any(pattern.search(abstract) for pattern in (_REPOSITORY, _IS_THERE, _GIVEN, _AS_OPEN_SOURCE))


def code_asked(text: str) -> tuple[bool | None, bool]:
    """Whether papers that release code are asked for, or those that do not; and whether anything else is asked of them.

    >>> code_asked("which of those release code?"), code_asked("those about speech without code")
    ((True, False), (False, True))
    """
    code = _ASKED_NOT.search(text) is None if _ASKED.search(text) else None
    words = content_words(text)
    return code, any(word not in _ASKING for word in words) if code is not None else bool(words)
