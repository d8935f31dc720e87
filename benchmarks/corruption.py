"""How many corrupted sentences the check of written answers finds, and how many true ones it fails.

    python benchmarks/corruption.py                   # held-out half, as in RESULTS.md
    python benchmarks/corruption.py --wordnet DIR     # directions from WordNet's antonyms instead (its dict folder)
    python benchmarks/corruption.py --fit             # print the models of weights.json; --write puts them there
    python benchmarks/corruption.py --show name       # corrupted sentences of a kind that pass, or: true

True sentences: one of each of 300 papers as it stands, and the paraphrases of ``paraphrases.jsonl``, written by hand
from the abstracts. Of each, one copy with another number, name, negation, direction or cited paper, as far as it has
one. Halves are by a hash of the cited paper, so that no paper is in both.

The corruptor shares no code and no table with the check: its own patterns find numbers, names and verbs, and its
opposites are ``opposites.txt`` (by the hand that wrote the tables of the check) or WordNet's (by another).
Replacements come from the same abstract in half of the cases, if it has any, else from the papers nearest to it or, for
numbers, from nowhere; half of the wrong papers are among the nearest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import numpy as np
from logistic import add_write, fit_logistic, write

from assistant.api import Assistant
from assistant.checking.check import Checker, Verdict
from assistant.checking.doubt import KINDS as DOUBTS
from assistant.embedding.embedder import open_embedder
from assistant.records import Paper
from assistant.settings import Settings
from assistant.weights.logistic import models
from ingest.pipeline import ingest

HERE = Path(__file__).resolve().parent
VERBATIM = 300
NEAREST = 5
# Share of the copies of the half for fitting that each kind has to find.
FOUND = {"number": 0.95, "name": 0.98, "negation": 0.9, "direction": 0.8, "support": 0.98}
LEAST_MARGIN = 0.15  # of a number, name, … that may fail a sentence: too few true sentences have one to fit the tail
FITTED_ON = "the fitting half of corrupted sentences of seeds/ and benchmarks/paraphrases.jsonl"
KINDS = ("number", "name", "negation", "direction", "paper")

_DIGITS = re.compile(r"(?<![\w.\-/#])\d+(?:[.,]\d+)*(?=[%xKkMB\s,.;:)\-–]|$)(?!\.\d)")
_COUNTS = "two three four five six seven eight nine ten eleven twelve".split()
_COUNT = re.compile(rf"\b(?:{'|'.join(_COUNTS)})\b", re.IGNORECASE)
_NAME = re.compile(
    r"\b(?:[A-Za-z]*[A-Z][A-Za-z]*[A-Z0-9][\w.]*\w|[A-Z]{2,}[a-z]?\w*|[A-Z]\w*\d\w*)(?:-[A-Z0-9][\w.]*)*\b"
)
_NO_NAME = re.compile(r"(?:M?LL?Ms?|PLMs?|AI|NLP|ML|QA|API|APIs|I|A)(?:-.*)?")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|can|could|will|would|may|might|has|have|had|should|must)\b(?! not)")
_REMOVABLE = re.compile(r"\b(?:(?:do|does|did) not |cannot\b|not |never |no |without )", re.IGNORECASE)
_VERBS = """achieve adapt address align allow apply arise attain avoid beat become begin build capture carry cause
combine come compare compress consist contain contribute create cut deal decrease define demonstrate depend describe
determine develop distill do employ enable encode enhance ensure evaluate examine exceed exhibit exploit explore extract
face fail filter find focus follow formulate generalize generate give go hold identify improve include incorporate
increase indicate integrate introduce investigate involve keep know lead learn let leverage limit maintain make match
merge need observe obtain offer outperform perform predict present preserve propose prove provide prune raise reach
rely remain remove require restrict retain reveal save scale select serve show shrink solve struggle study suffer
suggest support surpass take tend test train treat try understand use work write yield""".split()


@dataclass(frozen=True)
class Case:
    """A sentence, the papers it cites, and what was done to it."""

    text: str
    cited: tuple[Paper, ...]
    origin: str  # "verbatim" or "paraphrase"
    kind: str    # "true" or one of KINDS
    manner: str  # where the replacement comes from
    fitting: bool


class Corruptor:
    """Makes false copies of true sentences."""

    def __init__(self, assistant: Assistant, wordnet: Path | None) -> None:
        store = assistant.collection.store
        self.papers = [entry.paper for entry in store.entries(store.paper_ids()).values()]
        pooled = assistant.retriever()
        vectors = np.stack([pooled.pooled(f"{paper.title or ''} {paper.abstract}"[:1200]) for paper in self.papers])
        order = np.argsort(-(vectors @ vectors.T), axis=1)
        self.nearest = {
            paper.paper_id: [self.papers[j] for j in row if self.papers[j].paper_id != paper.paper_id][:NEAREST]
            for paper, row in zip(self.papers, order, strict=True)
        }
        pairs = [tuple(line.split(" ", 1)) for line in (HERE / "opposites.txt").read_text().splitlines()
                 if not line.startswith("#")]
        pairs = [(a, b) for a, b in pairs]
        if wordnet is not None:
            pairs = list(wordnet_antonyms(wordnet))
        self.opposites: dict[str, list[str]] = defaultdict(list)
        for a, b in pairs:
            self.opposites[a].append(b)
            self.opposites[b].append(a)

    def copies(self, case: Case) -> Iterator[Case]:
        """At most one false copy of each kind."""
        rng = random.Random(case.text)
        for kind in KINDS:
            made = getattr(self, f"_{kind}")(case, rng)
            if made is not None and (made[0], made[1]) != (case.text, case.cited):
                yield replace(case, text=made[0], cited=made[1], kind=kind, manner=made[2])

    def _number(self, case: Case, rng: random.Random) -> tuple[str, tuple[Paper, ...], str] | None:
        own = " ".join(paper.abstract for paper in case.cited)
        digits, counts = list(_DIGITS.finditer(case.text)), list(_COUNT.finditer(case.text))
        if digits and (not counts or rng.random() < 0.8):
            match = rng.choice(digits)
            others = sorted({m.group() for m in _DIGITS.finditer(own)} - {match.group()})
            others = [other for other in others if value(other) != value(match.group())]
            if others and rng.random() < 0.5:
                return substitute(case.text, match, rng.choice(others)), case.cited, "of the same abstract"
            while True:
                other = re.sub(r"\d", lambda m: str(rng.randint(1, 9)), match.group())
                if value(other) != value(match.group()):
                    return substitute(case.text, match, other), case.cited, "made up"
        if counts:
            match = rng.choice(counts)
            others = [word for word in _COUNTS if word != match.group().lower()]
            there = [word for word in others if re.search(rf"\b{word}\b", own)]
            if there and rng.random() < 0.5:
                return substitute(case.text, match, rng.choice(there)), case.cited, "of the same abstract"
            return substitute(case.text, match, rng.choice(others)), case.cited, "made up"
        return None

    def _name(self, case: Case, rng: random.Random) -> tuple[str, tuple[Paper, ...], str] | None:
        mine = [match for match in _NAME.finditer(case.text) if not _NO_NAME.fullmatch(match.group())]
        if not mine:
            return None
        match = rng.choice(mine)
        own = " ".join(f"{paper.title or ''} {paper.abstract}" for paper in case.cited)
        within = {name for name in names(own) if unlike(name, match.group()) and not contains(case.text, name)}
        near = [paper for paper in self.nearest[case.cited[0].paper_id]]
        around = {name for paper in near for name in names(f"{paper.title or ''} {paper.abstract}")
                  if unlike(name, match.group()) and not contains(own, name)}
        if within and (rng.random() < 0.5 or not around):
            return substitute(case.text, match, rng.choice(sorted(within))), case.cited, "of the same abstract"
        if around:
            return substitute(case.text, match, rng.choice(sorted(around))), case.cited, "of a near paper"
        return None

    def _negation(self, case: Case, rng: random.Random) -> tuple[str, tuple[Paper, ...], str] | None:
        removable = list(_REMOVABLE.finditer(case.text))
        if removable:
            match = rng.choice(removable)
            said = match.group().lower()
            other = {"cannot": "can", "without ": "with "}.get(said, "")
            return capitalised(substitute(case.text, match, other)), case.cited, "removed"
        auxiliaries = list(_AUXILIARY.finditer(case.text))
        if auxiliaries:
            match = rng.choice(auxiliaries)
            return substitute(case.text, match, f"{match.group()} not"), case.cited, "inserted"
        verbs = [(match, base) for match in re.finditer(r"(?<=[a-zA-Z,)\d] )[a-z]+\b", case.text)
                 if (base := base_of(match.group())) is not None]
        if verbs:
            match, (base, helper) = rng.choice(verbs)
            return substitute(case.text, match, f"{helper} not {base}"), case.cited, "inserted"
        return None

    def _direction(self, case: Case, rng: random.Random) -> tuple[str, tuple[Paper, ...], str] | None:
        found = [match for match in re.finditer(r"[A-Za-z][A-Za-z-]*", case.text)
                 if match.group().lower() in self.opposites]
        if not found:
            return None
        match = rng.choice(found)
        other = rng.choice(self.opposites[match.group().lower()])
        return substitute(case.text, match, other.capitalize() if match.group()[0].isupper() else other), \
            case.cited, f"{match.group().lower()} → {other}"

    def _paper(self, case: Case, rng: random.Random) -> tuple[str, tuple[Paper, ...], str] | None:
        near = [paper for paper in self.nearest[case.cited[0].paper_id] if paper not in case.cited]
        if rng.random() < 0.5:
            return case.text, (rng.choice(near),), "one of the nearest"
        return case.text, (rng.choice([paper for paper in self.papers if paper not in case.cited]),), "any"


def value(number: str) -> float:
    """The value of "5,200" or "2.1"; of what is neither ("2.0.1"), a value of its own."""
    try:
        return float(number.replace(",", ""))
    except ValueError:
        return float("nan")


def substitute(text: str, match: re.Match[str], other: str) -> str:
    """The text with the match replaced, "a" and "an" in front of it left alone."""
    return (text[:match.start()] + other + text[match.end():]).replace("  ", " ")


def capitalised(text: str) -> str:
    """With a capital at the beginning."""
    return text[:1].upper() + text[1:]


def names(text: str) -> set[str]:
    """What looks like the name of a model, method or data set."""
    return {match.group() for match in _NAME.finditer(text) if not _NO_NAME.fullmatch(match.group())}


def letters(name: str) -> str:
    """A name's letters and digits in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def unlike(a: str, b: str) -> bool:
    """Whether neither of two names is the beginning of the other, so that they cannot mean one thing."""
    a, b = letters(a), letters(b)
    return not (a.startswith(b[:4]) or b.startswith(a[:4]) or a in b or b in a)


def contains(text: str, name: str) -> bool:
    """Whether a text has a name in any spelling."""
    return letters(name) in letters(text)


def base_of(verb: str) -> tuple[str, str] | None:
    """A finite verb's base form and the helper that negates it: "beats" → ("beat", "does")."""
    for base in _VERBS:
        if verb == base:
            return base, "do"
        if verb in (f"{base}s", f"{base}es", re.sub(r"y$", "ies", base)):
            return base, "does"
    return None


def wordnet_antonyms(folder: Path) -> Iterator[tuple[str, str]]:
    """Pairs of single words that WordNet 3 calls antonyms (``data.*``: lemma pointers ``!``)."""
    for part in ("adj", "adv", "noun", "verb"):
        lines = [line for line in (folder / f"data.{part}").read_text(encoding="latin-1").splitlines()
                 if not line.startswith(" ")]
        members: dict[str, list[str]] = {}
        pointers: list[tuple[str, int, str, int]] = []
        for line in lines:
            cells = line.partition("|")[0].split()
            count = int(cells[3], 16)
            members[cells[0]] = [re.sub(r"\(.*\)", "", cells[4 + 2 * i]) for i in range(count)]
            at = 4 + 2 * count
            for i in range(int(cells[at])):
                symbol, offset, _, pair = cells[at + 1 + 4 * i:at + 5 + 4 * i]
                if symbol == "!" and pair != "0000":
                    pointers.append((cells[0], int(pair[:2], 16) - 1, offset, int(pair[2:], 16) - 1))
        for here, i, there, j in pointers:
            if there in members and i < len(members[here]) and j < len(members[there]):
                a, b = members[here][i], members[there][j]
                if a < b and a.isalpha() and b.isalpha() and a.islower() and b.islower() and min(len(a), len(b)) > 2:
                    yield a, b
                    if part == "verb" and not a.endswith("s") and not b.endswith("s"):
                        yield f"{a}s", f"{b}s"


def true_cases(assistant: Assistant) -> list[Case]:
    """One sentence as it stands of each of 300 papers, and the paraphrases."""
    store = assistant.collection.store
    entries = store.entries(store.paper_ids())
    cases = []
    for paper_id in sorted(entries, key=digest)[:VERBATIM]:
        entry = entries[paper_id]
        texts = [entry.paper.abstract[start:end] for start, end, _, _ in entry.sentences if start >= 0]
        long = [text for text in texts if len(text.split()) >= 8 and "http" not in text]
        if long:
            text = max(long, key=digest)
            cases.append(Case(text, (entry.paper,), "verbatim", "true", "", fitting(paper_id)))
    for line in (HERE / "paraphrases.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        cited = tuple(entries[min(store.papers_at([place]))].paper for place in row["cited"])
        cases.append(Case(row["sentence"], cited, "paraphrase", "true", row["style"], fitting(cited[0].paper_id)))
    return cases


def digest(text: str) -> str:
    """A hash to choose by."""
    return hashlib.sha256(text.encode()).hexdigest()


def fitting(paper_id: str) -> bool:
    """Whether sentences that cite this paper first are for fitting; the others are held out."""
    return int(digest(f"half {paper_id}"), 16) % 2 == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="print the fitted models")
    add_write(parser)
    parser.add_argument("--wordnet", type=Path, metavar="DIR", help="folder with data.adj, data.verb, …")
    parser.add_argument("--show", choices=["true", *KINDS], help="sentences of the fitting half that are misjudged")
    options = parser.parse_args()
    embedder = open_embedder()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), chroma_url=None)
        ingest([HERE.parent / "seeds"], settings, embedder)
        with Assistant.open(settings) as assistant:
            true = true_cases(assistant)
            corruptor = Corruptor(assistant, options.wordnet)
            cases = [*true, *(copy for case in true for copy in corruptor.copies(case))]
            checker = Checker(embedder, assistant.collection)
            timings: list[float] = []
            judged = [(case, judge(assistant, checker, case, timings)) for case in cases]
    if options.fit:
        return fit(judged, options.write)
    if options.show:
        return show(judged, options.show)
    report(judged, timings, wordnet=options.wordnet is not None)


def judge(assistant: Assistant, checker: Checker, case: Case, timings: list[float]) -> Verdict:
    """The verdict, its papers read beforehand as they are after the first sentence of an answer."""
    checker.check("Warming up the cited papers.", case.cited)
    start = time.perf_counter()
    verdict = assistant.collection.read(lambda: checker.check(case.text, case.cited))
    timings.append(1000 * (time.perf_counter() - start))
    return verdict


def fit(judged: Sequence[tuple[Case, Verdict]], path: Path | None) -> None:
    """Fit, per kind, a logistic regression of its copies against the true, cut where it finds `FOUND`; write it.

    Verbatim and paraphrased true sentences weigh half each. What fails for a number or a name that is not there needs
    no weighing, but counts as found.
    """
    rows = [(case, verdict) for case, verdict in judged if case.fitting and verdict.features is not None]
    is_true = np.array([case.kind == "true" for case, _ in rows])
    paraphrased = np.array([case.origin == "paraphrase" for case, _ in rows])
    absent = np.array([bool(verdict.features and verdict.features.absent) for _, verdict in rows])
    share_of = np.where(paraphrased, 0.5 / (is_true & paraphrased).sum(), 0.5 / (is_true & ~paraphrased).sum())
    write_model = partial(write, path, by="python benchmarks/corruption.py --fit", on=FITTED_ON)
    doubts = []
    for kind in DOUBTS:
        names = list(models()[f"doubt_{kind}"].features)
        x = np.array([[getattr(verdict.features, name) for name in names] for _, verdict in rows])
        copies = np.array([case.kind == {"support": "paper"}.get(kind, kind) for case, _ in rows])
        y, members = copies[(is_true | copies) & ~absent], (is_true | copies) & ~absent
        weight = np.where(is_true, share_of, 1 / (copies & ~absent).sum())[members]
        slopes, bias = fit_logistic(x[members], y.astype(float), weight * len(y) / 2)
        doubt = x @ slopes + bias
        cut = float(np.quantile(np.where(absent, np.inf, doubt)[copies], 1 - FOUND[kind], method="lower")) - 0.01
        if kind != "support":
            cut = max(cut, float(slopes[0]) * LEAST_MARGIN + bias)
        doubts.append(doubt - cut)
        write_model(f"doubt_{kind}", dict(zip(names, slopes, strict=True)), bias - cut)
    worst = np.max(doubts, axis=0)[~absent]
    y = ~is_true[~absent]
    weight = np.where(y, 1 / y.sum(), share_of[~absent])
    slope, offset = fit_logistic(worst[:, None], y.astype(float), weight * len(y) / 2)
    write_model("sentence_support", {"doubt": -slope[0]}, -offset)


def share(cases: Sequence[tuple[Case, Verdict]]) -> str:
    """How many of the cases fail, of how many, with Wilson's 95 % interval."""
    n, failed = len(cases), sum(not verdict.passed for _, verdict in cases)
    if not n:
        return "– n=0"
    z, p = 1.96, failed / n
    centre, spread = (p + z * z / (2 * n)), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    low, high = (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)
    return f"{p:.3f} [{max(low, 0):.3f}, {min(high, 1):.3f}] n={n}"


def report(judged: Sequence[tuple[Case, Verdict]], timings: Sequence[float], *, wordnet: bool) -> None:
    """Tables for RESULTS.md."""
    print(f"{date.today()}{', directions from WordNet' if wordnet else ''}\n\n| sentences | fitting | held out |")
    print("| --- | --- | --- |")

    def line(label: str, members: Sequence[tuple[Case, Verdict]]) -> None:
        halves = [[pair for pair in members if pair[0].fitting == half] for half in (True, False)]
        print(f"| {label} | {share(halves[0])} | {share(halves[1])} |")

    of_kind = {kind: [pair for pair in judged if pair[0].kind == kind] for kind in ("true", *KINDS)}
    line("true, failed", of_kind["true"])
    for origin in ("verbatim", "paraphrase"):
        line(f"true, {origin}, failed", [pair for pair in of_kind["true"] if pair[0].origin == origin])
    for kind in KINDS:
        line(f"{kind}, found", of_kind[kind])
        groups = Counter(case.manner for case, _ in of_kind[kind])
        for group in sorted(groups) if kind != "direction" else ():
            line(f"– {group}", [pair for pair in of_kind[kind] if pair[0].manner == group])
        for origin in ("verbatim", "paraphrase"):
            line(f"– in {origin}", [pair for pair in of_kind[kind] if pair[0].origin == origin])
    cuts = quantiles(timings, n=20)
    print(f"\na check, papers read: p50 {median(timings):.1f} ms, p95 {cuts[18]:.1f} ms, n={len(timings)}")


def show(judged: Sequence[tuple[Case, Verdict]], kind: str) -> None:
    """What is misjudged in the fitting half."""
    for case, verdict in judged:
        if case.kind == kind and case.fitting and verdict.passed != (kind == "true"):
            print(f"{case.origin}, {case.manner}: {case.text}")
            print(f"    {verdict.support:.2f} {verdict.problems} {verdict.features}")


if __name__ == "__main__":
    main()
