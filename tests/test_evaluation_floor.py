"""The floor: what falls below it, how it rises, and that it never sinks in silence."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from assistant.evaluation.bootstrap import Estimate
from assistant.evaluation.floor import (
    PATH,
    Bound,
    below,
    is_worse,
    load_floor,
    lowered,
    lowering_line,
    proposed,
    raised,
    write_floor,
)
from assistant.evaluation.measures import DEFINED

ROOT = Path(__file__).resolve().parent.parent
FLOOR = {
    "list F1": Bound(0.4, 0.45, "2026-01-01", "first"), "false refusal": Bound(0.1, 0.07, "2026-01-01", "first"),
}


def figure(mean: float, low: float = 0.0, high: float = 1.0) -> Estimate:
    return Estimate(mean, low, high, 50)


def test_a_measure_below_its_floor_or_above_its_ceiling_is_named() -> None:
    assert below({"list F1": figure(0.4), "false refusal": figure(0.1)}, FLOOR) == []
    assert below({"list F1": figure(0.39), "false refusal": figure(0.11)}, FLOOR) == [
        "list F1 is 0.390 on report, below its floor of 0.4",
        "false refusal is 0.110 on report, above its ceiling of 0.1",
    ]
    assert below({"list F1": figure(0.5)}, FLOOR) == ["false refusal has no figure on report; its bound is 0.1"]


def test_a_bound_lies_half_way_to_the_near_end_of_the_interval() -> None:
    assert proposed("list F1", figure(0.50, 0.40, 0.60)) == 0.45
    assert proposed("false refusal", figure(0.05, 0.02, 0.09)) == 0.07
    assert proposed("quote exactness", figure(1.0, 1.0, 1.0)) == 1.0


def test_raising_makes_bounds_stricter_and_none_looser(tmp_path: Path) -> None:
    figures = {"list F1": figure(0.60, 0.50, 0.70), "false refusal": figure(0.10, 0.05, 0.20)}

    new = raised(figures, FLOOR, reason="better lists", date="2026-02-02")

    assert new == {
        "list F1": Bound(0.55, 0.6, "2026-02-02", "better lists"), "false refusal": FLOOR["false refusal"],
    }
    write_floor(new, tmp_path / "floor.json")
    assert load_floor(tmp_path / "floor.json") == new


def test_every_bound_is_of_a_measure_with_its_reason_and_date() -> None:
    floor = load_floor()

    assert floor.keys() <= DEFINED.keys()
    for name, held in floor.items():
        assert held.reason and len(held.date) == 10, name
        assert not is_worse(name, held.measured, held.bound), name


def test_what_was_loosened_or_dropped_is_found() -> None:
    old = {"list F1": 0.4, "false refusal": 0.1, "refused": 0.5, "first citation": 0.7}
    new = {"list F1": 0.38, "false refusal": 0.12, "first citation": 0.75}

    assert lowered(old, new) == [("list F1", 0.4, 0.38), ("false refusal", 0.1, 0.12), ("refused", 0.5, None)]
    assert lowering_line("list F1", 0.4, 0.38) == 'Floor of "list F1" lowered from 0.4 to 0.38:'
    assert lowering_line("refused", 0.5, None) == 'Floor of "refused" dropped at 0.5:'


def unexplained(versions: list[dict[str, float]], changelog: str) -> list[str]:
    """The lines that the changelog lacks, for the versions of a floor, oldest first."""
    lines = [
        lowering_line(*loosened) for old, new in pairwise(versions)
        for loosened in lowered(old, new)
    ]
    return [line for line in lines if line not in changelog]


def test_lowering_needs_its_line_in_the_changelog() -> None:
    versions = [{"list F1": 0.4}, {"list F1": 0.45}, {"list F1": 0.38}]
    line = 'Floor of "list F1" lowered from 0.45 to 0.38:'

    assert unexplained(versions, "nothing") == [line]
    assert unexplained(versions, f"- {line} borderline papers were judged anew.") == []


def test_no_bound_was_ever_lowered_in_silence() -> None:
    def git(*argv: str) -> str:
        done = subprocess.run(["git", *argv], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"needs the repository's history: {done.stderr.strip()[:100]}")
        return done.stdout

    name = str(PATH.relative_to(ROOT))
    commits = git("log", "--format=%H", "--reverse", "--", name).split()
    texts = [git("show", f"{commit}:{name}") for commit in commits] + [PATH.read_text("utf-8")]
    versions = [
        {measure: held if isinstance(held, float) else held["bound"] for measure, held in
         json.loads(text)["bounds"].items()} for text in texts
    ]

    assert unexplained(versions, (ROOT / "CHANGELOG.md").read_text("utf-8")) == []
