r"""Raw abstract → the abstract as one reads it in the paper; and the id that this gives a paper.

What is stored is quoted later, so every rule restores what the paper prints and none rewrites it;
where residue and ordinary text cannot be told apart, the text stays as it was.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

from ingest.latex import plain
from ingest.sentences import OPENERS

MAX_PASSES = 10  # two or three do for real text; the bound is for hostile nesting
MAX_MARKS = 30  # on one letter, as in Unicode's stream-safe text format (UAX #15): composing n takes n² steps

# Invisible or reordering characters: soft hyphen, zero width space, BOM, word joiner, bidi controls.
_INVISIBLE = re.compile("[\u00ad\u200b\ufeff\u2060\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKS = re.compile(rf"[^\w\s!-~]{{{MAX_MARKS + 1},}}")  # combining marks are among these, and seldom so many
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[0-9A-Fa-f]{1,6});")
_TAG = re.compile(r"</?(?:i|b|em|strong|sub|sup|p|br|italic|bold|sc|jats:[a-z-]+)\s*/?>", re.IGNORECASE)

# Hosts of code, data and papers; "www.a.org" is how the paper prints it, and stays.
_HOSTS = r"(?:(?:github|gitlab|bitbucket)\.com/|huggingface\.co/|doi\.org/10|arxiv\.org/abs/)"
_NO_SCHEME = re.compile(r"(?<![\w:/.])//(?=[\w-]+(?:\.[\w-]+)+)")
_NO_SLASHES = re.compile(rf"(?<![\w:/.@\\-])(?={_HOSTS})")
_URL = re.compile(r"(?<!\w)\w{1,10}://[^\s{}<>\"]*|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+\.[\w.-]+")  # and e-mail

_OPENER = "|".join(sorted(word.capitalize() for word in OPENERS))
_NO_SPACE_BEFORE_BRACKET = re.compile(r"(?<=[a-z]{3})\.(?=\((?:[a-z]+://|[A-Z]))")

# (what must occur for the rule to apply at all, pattern, replacement)
_PROSE = tuple((needle, re.compile(pattern), replacement) for needle, pattern, replacement in (
    # A LaTeX tie, as in models~(LMs) and 10~GB; "~90%" and "5~10" mean about and to.
    ("~", r"(?<=[^\s(\[{~/=<>\d%])~(?=[\w(\[])|(?<=[\d%])~(?=[A-Za-z(\[])", " "),
    ("times", r"(?<=\d)times(?![A-Za-z])", "×"),
    ("rightarrow", r"(?<=[a-z0-9)\]])(?<!\bb)rightarrow(?=[A-Z0-9(\[])|\brightarrow\b(?! key)", "→"),
    ("rightarrow", r"\b([a-z]{2})rightarrow([a-z]{2})\b", r"\1→\2"),
    ("--", r"(?<=\d)([A-Za-z%]?)--(?=\d)", r"\1–"),
    ("--", r"(?<=\w)---(?=\w)| --- ", "—"),
    ("--", r"(?<= )--(?= )", "–"),
    ("--", r"(?<=[a-z])--(?=[a-z])", "—"),
    ("''", r"(?:``|\")([^`\"]*?)''", r'"\1"'),
    ("``", r"``([^`\"]*?)\"", r'"\1"'),
    ("`", r"(?<![\w`])`([^`'\s][^`']*)'(?![\w'])", r"'\1'"),
    ("- ", r"(?<=[A-Z]{2})- (?=[A-Z0-9]\b(?! ?[-/]| and | or ))", "-"),  # GPT- J
    # "fields.First, ..." lacks a space, "torch.Tensor", "e.g.The" and "a/b.The" may not.
    (".", rf"(?<!\S)([^\s/]*[\w)\]%\"'])(?<!\b[A-Za-z])([.!?])(?=(?:{_OPENER})(?:,? [\w\"'(]))", r"\1\2 "),
))


def clean_abstract(raw: str, title: str | None = None) -> str:
    r"""One paragraph of Unicode NFC without LaTeX residue, control characters or double spaces.

    Args:
        raw: the abstract as the file gave it.
        title: of the same record; a title "X: ..." gives ``\ours`` its name. Without one, ``\ours``
            becomes "our method", and an unknown command loses its backslash and stays as a word.
    Returns:
        The text a reader of the paper sees; cleaning it again changes nothing.

    >>> clean_abstract("a gain of 6times at 5\\% is online at //github.com/a/b.")
    'a gain of 6× at 5% is online at https://github.com/a/b.'
    """
    text = raw
    if title is not None and "\\" in raw:
        title = clean_title(title)
    for _ in range(MAX_PASSES):
        before, text = text, _pass(text, title)
        if text == before:
            break
    return text


def clean_title(raw: str) -> str:
    """A title as one line of Unicode NFC without LaTeX residue; cleaning it again changes nothing."""
    return clean_abstract(raw)


def normalise(abstract: str) -> str:
    """Letters and digits only, case folded: equal for two prints of the same words.

    Compatibility forms count as their plain ones (ﬁ as fi, full-width digits as digits).

    >>> normalise("GPT-J, again.")
    'gptjagain'
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", abstract).casefold())
    return re.sub(r"[\W_]+", "", folded)


def without_surrogates(text: str) -> str:
    """Return the text with U+FFFD for every lone half of a surrogate pair: JSON can hold one, UTF-8 cannot."""
    return _SURROGATE.sub("\ufffd", text)


def paper_id(abstract: str) -> str:
    """20 hex digits (80 bits) of SHA-256 over the normalised abstract."""
    return hashlib.sha256(normalise(abstract).encode("utf-8")).hexdigest()[:20]


def _pass(text: str, title: str | None) -> str:
    text = without_surrogates(text)
    if "&" in text:
        text = _ENTITY.sub(lambda m: html.unescape(m[0]), text)
    if "<" in text:
        text = _TAG.sub(" ", text) if "<p" in text.lower() or "<br" in text.lower() else _TAG.sub("", text)
    text = plain(_spaced(text), title)
    if "//" in text:
        text = _NO_SCHEME.sub("https://", re.sub(r"\b(https?):\s+//", r"\1://", text))
    if any(host in text for host in (".com/", ".co/", ".org/")):
        text = _NO_SLASHES.sub("https://", text)
    if ".(" in text:
        text = _NO_SPACE_BEFORE_BRACKET.sub(". ", text)
    if "://" not in text and "@" not in text:
        return _spaced(_prose(text))
    parts, end = [], 0
    for url in _URL.finditer(text):  # in a URL every character is meant
        parts += [_prose(text[end:url.start()]), url[0]]
        end = url.end()
    return _spaced("".join((*parts, _prose(text[end:]))))


def _spaced(text: str) -> str:
    return composed(" ".join(_CONTROL.sub("", _INVISIBLE.sub("", text)).split()))


def composed(text: str) -> str:
    """Return the text in Unicode NFC; of combining marks in a row, those after the 30th are left out."""
    return text if text.isascii() else unicodedata.normalize("NFC", _MARKS.sub(_first_marks, text))


def _first_marks(found: re.Match[str]) -> str:
    kept: list[str] = []
    row = 0
    for character in found[0]:
        row = row + 1 if unicodedata.combining(character) else 0
        if row <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def _prose(text: str) -> str:
    for needle, pattern, replacement in _PROSE:
        if needle in text:
            text = pattern.sub(replacement, text)
    return text
