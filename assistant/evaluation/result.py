"""One question evaluated, as it is kept, shown and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class GoldPaper:
    """A right paper."""

    paper_id: str
    place: str         # as the question set names it
    title: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """A question, its answer, and what every measure that applies says."""

    id: str
    half: str                        # choose or report
    kind: str
    style: str
    conversation: str                # id, or ""
    turn: int                        # 1-based, 0 outside conversations
    question: str
    gold: tuple[GoldPaper, ...]
    accepted: tuple[str, ...]        # strings of which one must be said, or reference answers
    evidence: tuple[str, ...]
    borderline: tuple[str, ...]      # ids of papers that count neither way
    answer: Mapping[str, Any]        # as `assistant ask --json` prints it, without timings
    retrieved: tuple[str, ...]       # ids of the first ten papers of the ranking
    verdict: str                     # one of `verdict.VERDICTS`
    outcome: float                   # 0–1, see `verdict.outcome`
    values: Mapping[str, float]      # measure -> value
    judged: bool | None = None       # what the judge says, if there is one
    elapsed_ms: float = 0.0          # of the answer

    @property
    def group(self) -> str:
        """The row it belongs to in a table by kind."""
        return CONVERSATION if self.turn else self.kind

    @property
    def label(self) -> str:
        """The row below that: the style, or the place in the conversation."""
        if self.turn:
            return "first turn" if self.turn == 1 else "later turns"
        return self.style

    def to_json(self) -> dict[str, Any]:
        """All but the time it took, so that two runs can be compared."""
        fields = asdict(self)
        del fields["elapsed_ms"]
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any], elapsed_ms: float) -> Result:
        """What `to_json` gave.

        Raises:
            KeyError, TypeError: it is something else.
        """
        gold = tuple(GoldPaper(**paper) for paper in fields["gold"])
        texts = {name: tuple(fields[name]) for name in ("accepted", "evidence", "borderline", "retrieved")}
        return cls(**{**fields, **texts, "gold": gold}, elapsed_ms=elapsed_ms)
