"""Whether confidence means what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of about the same confidence."""

    low: float         # bins are (low, high], the first takes 0 as well
    high: float
    count: int
    confidence: float  # mean, 0–1
    outcome: float     # mean, 0–1


def reliability(confidence: Floats, outcome: Floats, *, bins: int = BINS) -> list[Bin]:
    """Mean confidence and mean outcome in bins of equal width; empty bins are left out.

    Args:
        confidence: (n,) 0–1.
        outcome: (n,) how right each answer is, 0–1.
    Source: DeGroot and Fienberg, The Statistician 32, 1983; bins as in Guo et al., ICML 2017, section 2.
    """
    edges = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(edges[1:-1], confidence)
    found = []
    for number in range(bins):
        inside = place == number
        if inside.any():
            found.append(Bin(
                float(edges[number]), float(edges[number + 1]), int(inside.sum()),
                float(confidence[inside].mean()), float(outcome[inside].mean()),
            ))
    return found


def ece(confidence: Floats, outcome: Floats, *, bins: int = BINS) -> float:
    """Expected calibration error, 0–1: the mean distance of confidence and outcome over ten bins of equal width.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015; Guo, Pleiss, Sun and Weinberger, ICML 2017, section 2.
    """
    if not len(confidence):
        return float("nan")
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    gaps = np.bincount(place, weights=confidence - outcome, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))
