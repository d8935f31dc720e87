"""What the reader sees of a question: its tokens, each with its vector in context and with signs of its form.

The vectors know what words mean and what they do in the sentence; the signs know how they are written ("GPT-J", "?"),
and the very words of asking ("which", "anything on"), which are few and the same in every field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from assistant.text.words import FUNCTION_WORDS

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

# Words that say that something is to be left out: few, and no sentence vector tells "with" from "without" well.
EXCLUDING = frozenset(
    """not no non without w/o except excepting excepted excluding exclude excluded exclusive other apart aside besides
    minus skip skipping ignore ignoring ignored leave leaving nothing neither nor none bar barring omit omitting drop
    dropping discard sans unless rather instead outside never isn't aren't don't doesn't didn't""".split()
)
# What is listed and counted: works, and what works bring. "How many patients" is a figure in one of them.
WORKS = frozenset(
    """abstract abstracts article articles contribution contributions entry entries hit hits item items literature
    manuscript manuscripts ones paper papers preprint preprints publication publications record records reference
    references research studies study text texts work works
    approaches benchmarks corpora datasets experiments frameworks groups labs methods models projects reviews
    surveys systems teams techniques tools""".split()
)
COUNTED_WITHIN = 4  # words after "how many"
BEFORE, AFTER = 4, 3  # tokens within which other words have a say
REACH = 10  # tokens back to which an excluding word is looked for: "but not the ones that are about …"
_TOKEN = re.compile(r"\bw/o?(?=\s)|[^\W_]+(?:[.'’][^\W_]+)*|[^\w\s]|_")
_STOPS = frozenset(".:;,-–—?!")
_EDGE = "·"  # stands before the first token and after the last


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a punctuation mark."""

    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """In lower case, digits as 0: 2021 and 1999 ask alike."""
        return re.sub(r"\d", "0", self.text.casefold().replace("’", "'"))

    @property
    def is_content(self) -> bool:
        """Whether it may name a subject."""
        return any(c.isalnum() for c in self.text) and self.word not in FUNCTION_WORDS


def tokenise(text: str) -> list[Token]:
    """Words and punctuation marks, in order; hyphens stand by themselves.

    >>> [token.text for token in tokenise("GPT-3.5 w/o chat?")]
    ['GPT', '-', '3.5', 'w/o', 'chat', '?']
    """
    return [Token(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]


def token_vectors(tokens: Sequence[Token], offsets: Ints, vectors: Floats) -> Floats:
    """(t, d): the mean of the vectors (n, d) of each token's word pieces; zeros where there is none."""
    found = np.zeros((len(tokens), vectors.shape[1]), np.float32)
    for row, token in enumerate(tokens):
        inside = _pieces(token, offsets)
        if inside.any():
            found[row] = vectors[inside].mean(axis=0)
    return found


def token_signs(text: str, tokens: Sequence[Token], offsets: Ints) -> list[list[str]]:
    """For each token the signs it shows: words about it, its letters, its shape, an excluding word nearby."""
    words = [token.word for token in tokens]
    padded = [_EDGE, _EDGE, *words, _EDGE, _EDGE]
    shapes = [_EDGE, *(_shape(token.text) for token in tokens), _EDGE]
    glued = [False, *(a.end == b.start for a, b in pairwise(tokens)), False]
    plain = "plain" if text == text.lower() else "mixed"  # case tells nothing in a text without capitals
    signs = []
    for i, word in enumerate(words):
        before2, before, _, after, after2 = padded[i:i + 5]
        head, tail = words[max(0, i - BEFORE):i], words[i + 1:i + 1 + AFTER]
        cues = [j for j in range(1, min(REACH, i) + 1) if words[i - j] in EXCLUDING]
        signs.append([
            f"0 {word}", f"-1 {before}", f"+1 {after}", f"-2 {before2}", f"+2 {after2}",
            f"-1,0 {before} {word}", f"0,+1 {word} {after}", f"-2,-1 {before2} {before}", f"+1,+2 {after} {after2}",
            f"begin {word[:3]}", f"end {word[-3:]}", f"function {word in FUNCTION_WORDS}",
            f"shape {shapes[i + 1]} {plain} {i == 0}", f"shape-1 {shapes[i]}", f"shape+1 {shapes[i + 2]}",
            f"glue {glued[i]} {glued[i + 1]}", f"{'glued to' if glued[i] else 'after'} {before}",
            f"pieces {min(int(_pieces(tokens[i], offsets).sum()), 4)}",
            f"from start {min(i, 3)}", f"from end {min(len(tokens) - i, 3)}",
            *(f"before {other}" for other in set(head)), *(f"ahead {other}" for other in set(tail)),
            f"excluding {bool(cues)} {not EXCLUDING.isdisjoint(tail)}",
            *(f"excluding {cue} {words[i - cue]}" for cue in cues[:1]),
            *(f"since excluding {other}" for other in set(words[i - cues[0] + 1:i] if cues else ())),
        ])
    return signs


def skeleton(tokens: Sequence[Token], tags: Sequence[str]) -> Iterator[str]:
    """The asking words, with one capitalised symbol for each run of others: a question without its subject.

    >>> tokens = tokenise("who uses GPT-J?")
    >>> list(skeleton(tokens, ["asking", "asking", "name", "name", "name", "asking"]))
    ['who', 'uses', 'NAME', '?']
    """
    for tag, run in groupby(zip(tags, tokens, strict=True), key=itemgetter(0)):
        if tag == "asking":
            yield from (token.word for _, token in run)
        else:
            yield tag.upper()


def form_signs(tokens: Sequence[Token], tags: Sequence[str]) -> list[str]:
    """The signs of a whole question, all read off its skeleton."""
    bones = list(skeleton(tokens, tags))
    edged = [_EDGE, *bones, _EDGE]
    words = [token.word for token in tokens]
    counted = words[words.index("many") + 1:][:COUNTED_WITHIN] if "many" in words else []
    stops = [i for i, word in enumerate(bones[:-1]) if word in _STOPS]
    clause = bones[stops[-1] + 1:] if stops else bones
    asking = sum(1 for word in bones if word[0].isalnum() and not word.isupper())
    return sorted({
        *(f"1 {word}" for word in bones), *(f"begin {word[:4]}" for word in bones),
        *(f"end {word[-3:]}" for word in bones), *(f"2 {a} {b}" for a, b in pairwise(edged)),
        *(f"3 {a} {b} {c}" for a, b, c in zip(edged, edged[1:], edged[2:], strict=False)),
        f"first {bones[0]}", f"first {' '.join(bones[:2])}", f"first {' '.join(bones[:3])}", f"last {bones[-1]}",
        f"clause {clause[0]}", f"clause {' '.join(clause[:2])}", f"clauses {min(len(stops), 3)}",
        f"works {not WORKS.isdisjoint(words)}",
        f"counted {bool(counted)} {not WORKS.isdisjoint(counted)} {not FUNCTION_WORDS.isdisjoint(counted[:1])}",
        f"symbols {' '.join(sorted({word for word in bones if word.isupper()}))}",
        f"asking words {min(asking, 8)}", f"length {min(len(tokens) // 5, 6)}",
    })


def form_vector(vectors: Floats, pooled: Floats, tags: Sequence[str]) -> Floats:
    """(4 d,) of a question of (t, d) token vectors: the whole, its first and last token, and the mean asking word."""
    asking = [i for i, tag in enumerate(tags) if tag == "asking"]
    mean = vectors[asking].mean(axis=0) if asking else np.zeros_like(pooled)
    return np.concatenate([pooled, vectors[0], vectors[-1], mean])


def _pieces(token: Token, offsets: Ints) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (offsets[:, 0] < token.end) & (offsets[:, 1] > token.start)
    return found


def _shape(text: str) -> str:
    """Its kinds of characters, each run once: "Llama" → "Xx", "3.5B" → "d.dX"; a single character keeps a mark."""
    kinds = ("d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in text[:24])
    shape = "".join(kind for kind, _ in groupby(kinds))
    return shape if len(text) > 1 else f"1{shape}"
