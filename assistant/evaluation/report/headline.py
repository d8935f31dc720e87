"""What a person wants to know first, in one sentence, and the few figures below it."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.evaluation.bootstrap import Estimate
from assistant.evaluation.evaluation import Evaluation

# measure -> how the sentence says it; {share} in per cent, {mean} as a number
PHRASES = {
    "fact answered": "{share} of {n} facts answered, with the right paper",
    "list F1": "lists at an F1 of {mean}",
    "ROUGE-L": "answers at a ROUGE-L of {mean}",
    "sentence precision": "{share} of quoted sentences as a person chose",
    "refused": "{share} of what the collection does not say refused",
    "false refusal": "{share} of what it says refused by mistake",
}
SEARCH_PHRASES = {
    "nDCG@10": "search at an nDCG@10 of {mean} over {n} queries",
    "R@20": "{share} of the right papers among its first twenty",
}
TILES = {
    "fact answered": "facts answered", "list F1": "list F1", "ROUGE-L": "ROUGE-L",
    "sentence precision": "sentence precision", "sentence recall": "sentence recall", "refused": "refused, rightly",
    "false refusal": "refused by mistake", "nDCG@10": "nDCG@10", "R@5": "recall in the first 5",
    "R@20": "recall in the first 20",
}
MAX_TILES = 5


def headline(evaluation: Evaluation) -> str:
    """One sentence on the half that nothing was tuned on."""
    half, figures = shown_half(evaluation)
    phrases = _said(PHRASES, figures)
    if not {"fact answered", "list F1", "ROUGE-L", "sentence precision"} & figures.keys():
        phrases = _said(SEARCH_PHRASES, figures) + phrases
    if not phrases:
        return f"{len(evaluation.results)} questions were asked."
    where = "On the half nothing was tuned on" if half == "report" else "On the half open to tuning"
    return f"{where}: {', '.join(phrases)}."


def tiles(evaluation: Evaluation) -> list[tuple[str, str, Estimate]]:
    """(measure, label, figure) of what counts most."""
    _, figures = shown_half(evaluation)
    return [(name, label, figures[name]) for name, label in TILES.items() if name in figures][:MAX_TILES]


def shown_half(evaluation: Evaluation) -> tuple[str, Mapping[str, Estimate]]:
    """``report``, or ``choose`` where a small set has no question in the other."""
    half = "report" if evaluation.figures["report"] else "choose"
    return half, evaluation.figures[half]


def _said(phrases: Mapping[str, str], figures: Mapping[str, Estimate]) -> list[str]:
    return [
        phrase.format(share=f"{100 * found.mean:.0f}\u00a0%", mean=f"{found.mean:.2f}", n=found.n)
        for name, phrase in phrases.items() if (found := figures.get(name))
    ]
