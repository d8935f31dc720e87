"""A comparison in one sentence."""

from __future__ import annotations

from assistant.evaluation.compare import Comparison


def comparison_headline(comparison: Comparison) -> str:
    """What got better and worse beyond chance on the half nothing was tuned on."""
    half = "report" if comparison.changes["report"] else "choose"
    better = [change.name for change in comparison.changes[half] if change.verdict == "better"]
    worse = [change.name for change in comparison.changes[half] if change.verdict == "worse"]
    gained = sum(b.values["right"] > a.values["right"] for a, b in comparison.pairs)
    lost = sum(b.values["right"] < a.values["right"] for a, b in comparison.pairs)
    said = [f"{word}: {', '.join(names)}" for word, names in (("Better", better), ("Worse", worse)) if names]
    verdict = ("; ".join(said) + f" (95 % intervals on {half})." if said
               else f"No measure differs beyond its 95 % interval on {half}.")
    verdict += f" Of {len(comparison.pairs)} questions {gained} came out better and {lost} worse."
    alone = comparison.only_before, comparison.only_after
    if any(alone):
        verdict += f" Left out, being in one only: {alone[0]} before, {alone[1]} after."
    return verdict
