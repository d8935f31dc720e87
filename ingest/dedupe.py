"""Which abstracts are the same work: candidates by MinHash and bands, then an exact comparison.

No pair of abstracts is compared unless they share a band, and a band is a plain integer to keep in a
database: a new abstract is looked up, not compared with all. Everything is the same in every process.

Source: Broder, "On the resemblance and containment of documents", 1997 (shingles and MinHash);
Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3 (bands).
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.records import Paper
from ingest.clean import normalise

SHINGLE_WORDS = 3
BANDS = 32
# 32 bands of 3 find 99.9 % of pairs at Jaccard .57 (a tenth of the words changed), and of unrelated
# pairs at .002 four in ten million.
BAND_ROWS = 3
SIGNATURE_SIZE = BANDS * BAND_ROWS

# On the seeds the one revised pair has .52 and the closest two different works .05.
MIN_JACCARD = 0.4
MIN_CONTAINMENT = 0.8   # one text a part of the other, if the part is at least this many shingles:
MIN_PART_SHINGLES = 40
MAX_CONFLICT = 0.4      # of names and numbers, see `_conflict`
SURE_JACCARD = 0.6      # below it half that conflict is too much: shared boilerplate

# A character of a script without spaces counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_NAME = re.compile(r"\d+(?:\.\d+)*|[^\W\d_]\w*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+)[\"'(]*$")


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finaliser: every bit of the input sways every bit of the output."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


# One multiplier and one offset for each of the signature's hash functions: fixed, never random.
_SEEDS = _mix(np.arange(1, 2 * SIGNATURE_SIZE + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
_MULTIPLIERS = _SEEDS[:SIGNATURE_SIZE, None] | np.uint64(1)
_OFFSETS = _SEEDS[SIGNATURE_SIZE:, None]


def words(text: str) -> list[str]:
    """The words of a text, case folded, without punctuation."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=64)  # a new abstract is compared with one candidate after another
def shingles(text: str) -> NDArray[np.uint64]:
    """The distinct runs of three words, as sorted 64-bit hashes; shape (n,), n >= 1.

    A text of fewer than three words is one shingle.
    """
    hashed = np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words(text)] or [0],
                      dtype=np.uint64)
    if len(hashed) < SHINGLE_WORDS:
        hashed = np.pad(hashed, (0, SHINGLE_WORDS - len(hashed)))
    runs = np.zeros(len(hashed) - SHINGLE_WORDS + 1, dtype=np.uint64)
    for i in range(SHINGLE_WORDS):
        runs = _mix(runs * np.uint64(31) + hashed[i:len(runs) + i] + np.uint64(1))
    distinct = np.unique(runs)
    distinct.flags.writeable = False
    return distinct


def signature(text: str) -> NDArray[np.uint32]:
    """MinHash of the shingles: shape (96,). The share of equal places estimates Jaccard similarity."""
    hashes = shingles(text)[None, :] * _MULTIPLIERS + _OFFSETS
    least: NDArray[np.uint64] = np.min(hashes >> np.uint64(32), axis=1)
    return least.astype(np.uint32)


def bands(signed: NDArray[np.uint32]) -> tuple[int, ...]:
    """32 keys, each of three places of the signature; two texts with one in common are candidates.

    The number of the band is part of its key. Keys fit a signed 64-bit column (SQLite's INTEGER).
    """
    rows = signed.astype(np.uint64).reshape(BANDS, BAND_ROWS)
    keys = np.arange(1, BANDS + 1, dtype=np.uint64)
    for i in range(BAND_ROWS):
        keys = _mix(keys * np.uint64(31) + rows[:, i] + np.uint64(1))
    return tuple(int(key) for key in keys.view(np.int64))


def same_work(a: str, b: str) -> bool:
    """Whether two cleaned abstracts are versions of one: most words shared, and the names do not differ.

    Equal normalised texts are. Otherwise they share 40 % of their shingles (Jaccard), or one is 80 %
    within the other; and neither is full of names and numbers that the other lacks, which tells two
    papers written from one template from a paper and its revision.
    """
    return normalise(a) == normalise(b) or near(a, b)


def near(a: str, b: str) -> bool:
    """Whether two abstracts with other letters are the same work; see `same_work`."""
    first, second = shingles(a), shingles(b)
    common = len(np.intersect1d(first, second, assume_unique=True))
    part = min(len(first), len(second))
    jaccard = common / (len(first) + len(second) - common)
    if jaccard < MIN_JACCARD and (part < MIN_PART_SHINGLES or common < MIN_CONTAINMENT * part):
        return False
    return _conflict(a, b) < (MAX_CONFLICT if jaccard >= SURE_JACCARD else MAX_CONFLICT / 2)


def _conflict(a: str, b: str) -> float:
    """How far both sides name things the other does not, 0-1.

    A name or number counts once, a number half (revisions update results). What only one side lacks
    does not count: a revision may add. A name repeated on each side and unknown to the other is the
    method's: 1.
    """
    names_a, names_b = _names(a), _names(b)
    known_a, known_b = _keys(a), _keys(b)
    only_a = {name: n for name, n in names_a.items() if name not in known_b}
    only_b = {name: n for name, n in names_b.items() if name not in known_a}
    if all(any(n > 1 and not name[0].isdigit() for name, n in only.items()) for only in (only_a, only_b)):
        return 1.0
    least = min(_weight(names_a), _weight(names_b))
    return min(_weight(only_a), _weight(only_b)) / least if least else 0.0


def _weight(names: Iterable[str]) -> float:
    return sum(0.5 if name[0].isdigit() else 1.0 for name in names)


def _key(word: str) -> str:
    return word.casefold().rstrip("s") or word  # LLM, LLMs


def _keys(text: str) -> frozenset[str]:
    return frozenset(_key(found[0]) for found in _NAME.finditer(text))


def _names(text: str) -> Counter[str]:
    """Numbers, and words with a capital that does not just open a sentence -> how often."""
    names: Counter[str] = Counter()
    for found in _NAME.finditer(text):
        word = found[0]
        inside = any(letter.isupper() for letter in word[1:])  # GPT, MiniLM, mT5
        opens = _SENTENCE_START.search(text, max(0, found.start() - 4), found.start())
        if word[0].isdigit() or inside or (word[0].isupper() and not opens):
            names[_key(word)] += 1
    return names


def representative(candidates: Sequence[Paper]) -> Paper:
    """The record that stands for a work: titled before untitled, then longest, then smallest id.

    Raises:
        ValueError: if there are no candidates.
    """
    if not candidates:
        raise ValueError("a work needs at least one record")
    return min(candidates, key=lambda paper: (paper.title is None, -len(paper.abstract), paper.paper_id))


def group(abstracts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The works among some abstracts held in memory, as tuples of indices; both in ascending order.

    The reference for what an index does with a table of bands: versions of versions are one work.
    """
    root = list(range(len(abstracts)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    exact: dict[str, int] = {}
    banded: dict[int, list[int]] = {}
    for i, abstract in enumerate(abstracts):
        first = exact.setdefault(normalise(abstract), i)
        if first != i:
            root[i] = find(first)
            continue
        keys = bands(signature(abstract))
        for j in sorted({j for key in keys for j in banded.get(key, ())}):
            if find(i) != find(j) and same_work(abstract, abstracts[j]):
                low, high = sorted((find(i), find(j)))
                root[high] = low
        for key in keys:
            banded.setdefault(key, []).append(i)
    works: dict[int, list[int]] = {}
    for i in range(len(abstracts)):
        works.setdefault(find(i), []).append(i)
    return tuple(tuple(members) for members in works.values())
