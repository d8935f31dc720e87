"""Intervals by resampling the questions: of a mean, of any statistic, of a paired difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
RESAMPLES = 2000
LEVEL = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval."""

    mean: float
    low: float
    high: float
    n: int  # questions it is over

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"


def estimate(values: Sequence[float]) -> Estimate:
    """The mean with its interval by the percentile method; the same for the same values in the same order.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3.
    """
    sample = np.asarray(values, dtype=float)
    low, high = np.quantile(sample[_draws(len(sample))].mean(axis=1), LEVEL)
    return Estimate(float(sample.mean()), float(low), float(high), len(sample))


def estimate_of(statistic: Callable[..., float], *columns: Sequence[float]) -> Estimate | None:
    """Any statistic of columns (each (n,)) with its interval; resamples for which it is nan are left out.

    None where it is nan for the sample itself.
    """
    arrays = [np.asarray(column, dtype=float) for column in columns]
    value = statistic(*arrays)
    if np.isnan(value):
        return None
    draws = np.array([statistic(*(column[rows] for column in arrays)) for rows in _draws(len(arrays[0]))])
    low, high = np.nanquantile(draws, LEVEL)
    return Estimate(value, float(low), float(high), len(arrays[0]))


def difference(before: Sequence[float], after: Sequence[float]) -> Estimate:
    """The mean of ``after - before`` over the same questions, with the interval of the paired differences.

    Source: Efron and Tibshirani, 1993, section 8.3; for retrieval Smucker, Allan and Carterette, CIKM 2007.
    """
    return estimate((np.asarray(after, dtype=float) - np.asarray(before, dtype=float)).tolist())


@lru_cache(maxsize=4)  # neighbouring figures are over as many questions
def _draws(size: int) -> npt.NDArray[np.int64]:
    """(resamples, size) rows of a sample drawn with replacement, the same for every call."""
    return np.random.default_rng(0).integers(0, size, (RESAMPLES, size))
