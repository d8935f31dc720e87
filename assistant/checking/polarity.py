"""Words that turn a statement round: negators, and opposites such as more and less.

The tables are general English. A trailing ``*`` stands for any ending.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from assistant.checking.evidence import Span

# What also denies, though not with a "not": enough to explain one in a paraphrase.
DENIALS = (
    "absen* avoid* barely bypass* circumvent* cannot deni* deny discard* dispens* eliminat* except exclud* fail* free "
    "forgo* hardly ignor* impossib* incapab* instead insufficient* lack* limited little loss* missing neglect* "
    "obviat* omit* only overlook* prevent* rarely rather refrain* reject* regardless remov* scarce* seldom short "
    "skip* struggl* unlike untapped under-explored underexplored despite difficult* inabil*"
)

# axis -> (one side, the other side)
AXES = {
    "amount": (
        "increas* more most higher highest high rais* rise* rising rose grow* greater greatest great larger largest "
        "large bigger biggest big exceed* gain* boost* improv* amplif* enlarg* expand* maximi* many abundant* long "
        "longer up over above scal* widen* additional extra exten* doubl* tripl* addition heavy heavier broad* wide* "
        "tall* massive multipl*",
        "decreas* less least lower* low reduc* cut cuts cutting fall* fell drop* shrink* smaller smallest small fewer "
        "fewest few lessen* declin* diminish* minimi* short shorter shorten* below under save* saving limited little "
        "sav* narrow* compress* halv* scarc* lightweight light tiny modest minor mitigat* alleviat*",
    ),
    "quality": (
        "outperform* better best improv* surpass* exceed* superior* beat beats beating enhanc* boost* effective* "
        "strong* success* gain* excel* outdo* upgrad* advanc* benefi* strengthen* optimal* win* won positive* top "
        "good well robust* reliabl* accurate* correct* valid* promis* favorabl* high-quality",
        "underperform* worse worst degrad* degenerat* deteriorat* inferior* weak* fail* harm* hurt* hinder* impair* "
        "lag* worsen* underachiev* suffer* ineffective* struggl* damag* undermin* suboptimal* lose* lost negative* "
        "bottom bad badly poor* fragil* unreliabl* inaccurate* incorrect* invalid* trail* low-quality wrong* behind",
    ),
    "speed": (
        "fast* quick* accelerat* speed* rapid* swift* prompt* efficient* efficien*",
        "slow* delay* decelerat* sluggish* inefficien*",
    ),
    "order": (
        "before prior preced* earlier first beginning start* initial* begin* front pre-* previous* early",
        "after subsequent* following later last end* final* then back post-* next late",
    ),
    "presence": (
        "includ* add* introduc* incorporat* insert* contain* retain* keep* keeps kept preserv* maintain* present",
        "exclud* remov* eliminat* omit* delet* drop* discard* los* absent lack* forget*",
    ),
    "openness": (
        "open* public* free* available accessible",
        "closed* proprietary private* unavailable confidential inaccessible paid",
    ),
    "ease": (
        "easy easier easiest easily simple* simpler straightforward",
        "hard harder hardest difficult* complex* complicated challeng* intricate",
    ),
    "likeness": (
        "similar* same alike identical equal* equivalent* compar* consistent* agree* match*",
        "different* differ* dissimilar* distinct* unequal* divers* inconsistent* disagree* vari*",
    ),
    "permission": (
        "allow* enabl* facilitat* permit* support* encourag* help* promot*",
        "prevent* prohibit* block* forbid* disabl* inhibit* hinder* imped* discourag*",
    ),
    "domain": (
        "in-domain in-distribution indomain",
        "out-of-domain out-of-distribution ood outside",
    ),
    "generality": (
        "general* universal* broad* generic*",
        "specific* specialized special* specializ* speciali* narrow* particular* task-specific domain-specific",
    ),
    "extent": (
        "all every always entire* full* complete* global*",
        "partial* none never incomplete* local*",
    ),
    "expense": (
        "expensive costly",
        "cheap* inexpensive affordable cost-effective low-cost economical",
    ),
    "manner": (
        "automat* synthetic* artificial*",
        "manual* hand-crafted real-world",
    ),
    "supervision": (
        "supervised labeled labelled annotated",
        "unsupervised unlabeled unlabelled unannotated self-supervised",
    ),
    "explicitness": (
        "explicit* overt",
        "implicit* latent tacit",
    ),
    "change": (
        "dynamic* adaptive* chang* flexib*",
        "static* fixed frozen unchang* rigid* constant",
    ),
    "density": (
        "dense*",
        "sparse*",
    ),
    "place": (
        "internal* inner inside intrinsic*",
        "external* outer outside extrinsic*",
    ),
    "certainty": (
        "certain* confident* sure",
        "uncertain* unsure doubt*",
    ),
    "input and output": (
        "input*",
        "output*",
    ),
    "coding": (
        "encod*",
        "decod*",
    ),
    "schooling": (
        "student* pupil*",
        "teacher*",
    ),
    "count": (
        "multiple multi* several various",
        "single sole",
    ),
    "resources": (
        "high-resource rich*",
        "low-resource less-resourced poor*",
    ),
    "age": (
        "new* novel* recent* modern* current* latest",
        "old* traditional* conventional* classic* previous* past existing prior",
    ),
    "direction": (
        "forward* ascend* upward*",
        "backward* descend* downward* revers*",
    ),
    "togetherness": (
        "together joint* combin* merg* unif* integrat* parallel* simultaneous* collective*",
        "separate* separat* independent* split* individual* sequential* isolat* apart",
    ),
    "expectation": (
        "expected usual* common* typical* frequent* often always",
        "unexpected* unusual* rare* uncommon atypical* infrequent* surprising* seldom rarely never",
    ),
    "knowledge": (
        "known seen familiar clear*",
        "unknown unseen unfamiliar unclear*",
    ),
    "fit": (
        "overfit*",
        "underfit*",
    ),
    "importance": (
        "important* significan* crucial* considerabl* substantial* dramatic* marked* major remarkabl* great*",
        "unimportant* insignifican* marginal* negligib* trivial* slight* minor little",
    ),
}
_WORD = re.compile(r"[^\W_]+(?:[-‐‑][^\W_]+)*(?:['’]t)?")


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that says which way."""

    span: Span
    word: str            # lower case
    sides: frozenset[tuple[str, int]]  # of which axis, which side (1 or -1)


def _pattern(words: str) -> re.Pattern[str]:
    whole: set[str] = set()
    prefixes: set[str] = set()
    for word in words.split():
        (prefixes if word.endswith("*") else whole).add(re.escape(word.rstrip("*")))
    return re.compile("|".join(filter(None, [
        f"(?:{'|'.join(sorted(whole))})" if whole else "",
        rf"(?:{'|'.join(sorted(prefixes))})[^\W_]*(?:-[^\W_]+)*" if prefixes else "",
    ])))


_SIDES = [(axis, side, _pattern(words)) for axis, both in AXES.items()
          for side, words in zip((1, -1), both, strict=True)]
_PREFIXED = re.compile(r"(?:un|in|im|ir|il|dis|non-?|mis)(?=[a-z]{4})")
_NEGATOR = re.compile(r"\b(?:not|no|never|cannot|without|neither|nor|none|nothing|nobody|nowhere)\b|n['’]t\b",
                      re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:not|no|never|hardly|n['’]t)\s+(?:so|as|very|yet|always|be|been)?\s*$", re.IGNORECASE)
_NOT_ONLY = re.compile(r"not\s+(?:only|just|merely|solely|necessarily)|no\s+(?:longer|doubt)", re.IGNORECASE)
_DENIAL = re.compile(rf"{_pattern(DENIALS).pattern}|un(?!der|i|til|cov)[a-z]{{4,}}|[a-z]+-free|n(?:on|ever)-?[a-z]+")


@lru_cache(maxsize=20_000)
def sides_of(word: str) -> frozenset[tuple[str, int]]:
    """On which side of which axes a lower-case word is.

    >>> sorted(sides_of("reduces")), sides_of("banana")
    ([('amount', -1)], frozenset())
    """
    return frozenset((axis, side) for axis, side, pattern in _SIDES if pattern.fullmatch(word))


def cues(text: str) -> Iterator[Cue]:
    """The words of a text that are on a side, in order; a compound also by its parts.

    Right after a negator a word is on the other side: "not sure". A word that has, or might have, a negative prefix
    is on a side of an axis of its own: "necessary" and "unnecessary".
    """
    for match in _WORD.finditer(text):
        for part in (match, *_parts(match)):
            word = part.group().casefold()
            sides = sides_of(word)
            if part is match and len(word) >= 4 and word.isalpha():
                base = _PREFIXED.sub("", word, count=1)
                sides |= {(f"prefix of {base[:8]}", 1 if base == word else -1)}
            if sides:
                start = match.start() + (part.start() if part is not match else 0)
                if _NEGATED.search(text, max(0, start - 16), start):
                    sides = frozenset((axis, -side) for axis, side in sides)
                yield Cue(Span(start, start + len(word)), word, sides)


def _parts(match: re.Match[str]) -> Iterator[re.Match[str]]:
    return re.finditer(r"[^\W_]+", match.group()) if "-" in match.group() else iter(())


def negators(text: str) -> Iterator[Span]:
    """Where a text says not, no, without, …; "not only" and "no longer" negate nothing."""
    for match in _NEGATOR.finditer(text):
        if not _NOT_ONLY.match(text, match.start()):
            yield Span(*match.span())


def denials(text: str) -> Iterator[Span]:
    """Where a text denies in any other way: lacks, fails to, instead of, un-."""
    for match in _WORD.finditer(text):
        if _DENIAL.fullmatch(match.group().casefold()):
            yield Span(*match.span())


def opposite(a: Cue, b: Cue) -> bool:
    """Whether two cues share an axis, on different sides, and none on one side."""
    return not a.sides & b.sides and any((axis, -side) in b.sides for axis, side in a.sides)
