"""What two sides of ``golden.py`` wrote down, compared byte for byte; differences are grouped, and may be accepted."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OUTPUTS = "outputs.jsonl"
EXAMPLES = 6  # ids named of a group
LINES = 30    # of its first difference

Recording = Mapping[tuple[str, str], str]  # (id, output) -> text


class BadInput(Exception):
    """What was given cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One output of one question that is not the same on both sides."""

    id: str
    output: str
    lines: tuple[str, ...]  # a unified diff of its sentences and tags, without the head

    @property
    def changed(self) -> tuple[str, ...]:
        """The lines that only one side has, with their sign."""
        return tuple(line for line in self.lines if line[0] in "+-")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A line of the file of accepted differences."""

    id: str       # of the question; * is any
    output: str
    reason: str
    pattern: str = ""  # a regular expression that every changed line must match, sign included

    def covers(self, found: Difference) -> bool:
        """Whether this difference was accepted."""
        return self.output == found.output and self.id in ("*", found.id) and all(
            re.search(self.pattern, line) for line in found.changed
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """All outputs of both sides."""

    equal: Counter[str]                        # output -> number
    open: tuple[Difference, ...]               # not accepted
    accepted: tuple[tuple[Difference, Accepted], ...]
    unused: tuple[Accepted, ...]               # accepted, and not seen

    def table(self) -> list[str]:
        """Numbers by kind of output, a line each."""
        opened, accepted = Counter(d.output for d in self.open), Counter(d.output for d, _ in self.accepted)
        names = list(dict.fromkeys([*self.equal, *opened, *accepted]))
        rows = [(name, self.equal[name], opened[name], accepted[name]) for name in names]
        rows.append(("all", sum(self.equal.values()), len(self.open), len(self.accepted)))
        return [
            f"{'output':10} {'equal':>7} {'different':>10} {'accepted':>9}",
            *(f"{name:10} {same:7} {other:10} {allowed:9}" for name, same, other, allowed in rows),
        ]

    def groups(self) -> Iterator[list[str]]:
        """Differences of one output whose changed lines are the same but for numbers: whose they are, and the first."""
        found: dict[tuple[str, ...], list[Difference]] = defaultdict(list)
        for difference in self.open:
            found[difference.output, *(re.sub(r"\d+", "0", line) for line in difference.changed)].append(difference)
        for group in sorted(found.values(), key=len, reverse=True):
            more = "" if len(group) <= EXAMPLES else f" and {len(group) - EXAMPLES} more"
            ids = ", ".join(difference.id for difference in group[:EXAMPLES])
            lines = group[0].lines
            cut = [] if len(lines) <= LINES else [f"    … and {len(lines) - LINES} lines more"]
            yield [f"{group[0].output} of {ids}{more}:", *(f"    {line}" for line in lines[:LINES]), *cut]

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        outputs = dict.fromkeys([*self.equal, *(d.output for d in self.open), *(d.output for d, _ in self.accepted)])
        return {
            "same": not self.open, "equal": {name: self.equal[name] for name in outputs},
            "different": [{"id": d.id, "output": d.output, "changed": d.changed} for d in self.open],
            "accepted": [{"id": d.id, "output": d.output, "reason": by.reason} for d, by in self.accepted],
            "accepted_unseen": [{"id": line.id, "output": line.output, "reason": line.reason} for line in self.unused],
        }


def compare(before: Recording, after: Recording, accepted: Sequence[Accepted] = ()) -> Comparison:
    """Compare every output that either side has."""
    equal: Counter[str] = Counter()
    opened, allowed = [], []
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) == after.get(key):
            equal[key[1]] += 1
            continue
        found = Difference(*key, tuple(_diff(before.get(key), after.get(key))))
        by = next((line for line in accepted if line.covers(found)), None)
        if by is None:
            opened.append(found)
        else:
            allowed.append((found, by))
    seen = {by for _, by in allowed}
    return Comparison(equal, tuple(opened), tuple(allowed), tuple(line for line in accepted if line not in seen))


def read_recording(folder: Path) -> Recording:
    """What a side wrote into its folder.

    Raises:
        BadInput: there is nothing, or something twice.
    """
    found: dict[tuple[str, str], str] = {}
    for entry in _json_lines(folder / OUTPUTS):
        key = entry["id"], entry["output"]
        if key in found:
            raise BadInput(f"{folder / OUTPUTS} has {key[1]!r} of {key[0]!r} twice; give each question its own id")
        found[key] = entry["text"]
    if not found:
        raise BadInput(f"{folder / OUTPUTS} is empty: nothing was asked")
    return found


def read_accepted(path: Path) -> list[Accepted]:
    """The accepted differences.

    Raises:
        BadInput: a line lacks something, or accepts anything of any question.
    """
    lines = []
    for number, entry in enumerate(_json_lines(path), 1):
        try:
            line = Accepted(**entry)
            re.compile(line.pattern)
        except (TypeError, re.error) as exc:
            raise BadInput(f"{path}, entry {number}: {exc}; it has id, output, reason and perhaps pattern") from exc
        if not line.reason.strip() or (line.id == "*" and not line.pattern):
            raise BadInput(f'{path}, entry {number}: it needs a reason and, for the id "*", a pattern')
        lines.append(line)
    return lines


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from (json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip())
    except (OSError, ValueError) as exc:
        raise BadInput(f"{path} cannot be read as JSON lines ({exc})") from exc


def _diff(before: str | None, after: str | None) -> Iterator[str]:
    """A unified diff without its head, sentence by sentence and tag by tag; ends of lines are shown."""
    for line in list(difflib.unified_diff(_pieces(before), _pieces(after), n=1))[2:]:
        if not line.startswith("@@"):
            yield line.replace("\r", "␍").replace("\n", "⏎")


def _pieces(text: str | None) -> list[str]:
    """Lines, broken after tags and sentences too; no character is lost."""
    return ["(nothing)"] if text is None else re.split(r"(?<=\n)|(?<=>)(?=<)|(?<=[.!?\]] )", text)
