"""Where the sentences of an abstract begin and end.

A full stop ends a sentence unless it belongs to an abbreviation, a number, an initial, an enumeration
or something in brackets or quotation marks. Written for abstracts: "et al.", "GPT-3.5. We", "(1) ...".
"""

from __future__ import annotations

import re
from bisect import bisect_left

MIN_CHARACTERS = 8  # a shorter "sentence", such as "Yes.", joins its neighbour

# Never the end of a sentence.
_NEVER = "e.g i.e eg ie cf vs viz resp approx fig figs eq eqs dr prof mr mrs w.r.t esp"
# The end only if a word follows that opens sentences: "et al. We", but not "No. 5", "Inc. Magazine".
_PERHAPS = ("al inc ltd co corp jr st no nos sec secs tab ref refs vol ch pp ca incl a.k.a u.s u.k u.n "
            "ph.d m.d a.m p.m d.c")
_OPENING = ("a an the this these those it its we our in on to for from with without by as at after before "
            "first firstly second secondly third finally lastly then thus hence therefore however moreover "
            "furthermore additionally besides also although though while when whereas if since because here "
            "there such most many some existing recent recently previous experiments experimental extensive "
            "results code specifically notably unlike compared using based through meanwhile consequently "
            "overall despite inspired given both each they their")
_ABBREVIATIONS = frozenset(_NEVER.split())
_AMBIGUOUS = frozenset(_PERHAPS.split())
OPENERS = frozenset(_OPENING.split())  # words that open sentences of abstracts, in lower case

# A mark, what closes after it, and (looked ahead at) the word that follows. The lookbehind keeps a
# long run of full stops linear.
_END = re.compile(r"(?<![.!?])([.!?]++|…)[\"')\]”’»]*+(?=\s+(\S{1,40})|\s*$)|([。！？]++)[」』）”’\"')\]]*+")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]*$")
_ENCLOSED = re.compile(r"\([^()]{1,300}\)|\[[^\[\]]{1,300}\]|(?<![^\s(\[])\"[^\"]{1,200}\"|“[^”]{1,200}”")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences of ``text``, in order: code points, half-open, no space at either end.

    They cover every character that is not white space, each once; time is linear in ``text``.

    >>> [("GPT-3.5 (Brown et al. 2020) is old. We use 2. Why?"[a:b]) for a, b in split_sentences(
    ...     "GPT-3.5 (Brown et al. 2020) is old. We use 2. Why?")]
    ['GPT-3.5 (Brown et al. 2020) is old.', 'We use 2. Why?']
    """
    enclosed = [found.span() for found in _ENCLOSED.finditer(text)]
    starts = [start for start, _ in enclosed]
    sentences: list[tuple[int, int]] = []
    start = _skip_space(text, 0)
    for found in _END.finditer(text):
        end = found.end()
        i = bisect_left(starts, end) - 1
        if i >= 0 and end < enclosed[i][1]:
            continue
        if end > start and _ends(text, start, found):
            sentences.append((start, end))
            start = _skip_space(text, end)
    if start < len(text):
        sentences.append((start, len(text.rstrip())))
    return _join_short(sentences)


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _ends(text: str, start: int, found: re.Match[str]) -> bool:
    mark, following = found[1], found[2]
    if following is None:
        return True  # the end of the text, or a mark of a script without spaces
    opening = following.lstrip("\"'([“‘«")
    if not opening:
        return False
    # "mT5 is" and "k-NN is" open sentences, "and" does not.
    if opening[0].islower() and not re.search(r"[A-Z0-9]", opening[1:6]):
        return False
    if mark != ".":
        return not (mark[0] == "." and opening[0].islower())
    last = _LAST_WORD.search(text, max(start, found.start() - 40), found.start())
    word = last[0].casefold() if last else ""
    if word in _ABBREVIATIONS:
        return False
    if word in _AMBIGUOUS or re.fullmatch(r"(?:[a-z]\.)*[a-z]", word):
        return opening.rstrip(".,;:").casefold() in OPENERS
    return not (word.isdigit() and found.start() - len(word) == start)  # "1. Introduction"


def _join_short(sentences: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sentences:
        if joined and (end - start < MIN_CHARACTERS or joined[-1][1] - joined[-1][0] < MIN_CHARACTERS):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
