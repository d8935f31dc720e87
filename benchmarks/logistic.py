"""Logistic regression as the calibrations use it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def logistic(x: Floats, y: Floats, weight: Floats | None = None, *, ridge: float = 1.0) -> tuple[Floats, float]:
    """Fit by Newton's method with a ridge on standardised features.

    Args:
        weight: of each sample, (n,); default: all alike.
    Returns:
        Slopes (k,) and bias for features (n, k) as they are and labels (n,) 0–1.
    """
    weighed = np.ones(len(y)) if weight is None else weight
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    design = np.c_[(x - mean) / spread, np.ones(len(x))]
    theta = np.zeros(design.shape[1])
    penalty = ridge * np.eye(len(theta))
    penalty[-1, -1] = 1e-6
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ theta))
        gradient = design.T @ (weighed * (p - y)) + penalty @ theta
        theta -= np.linalg.solve((design * (weighed * p * (1 - p))[:, None]).T @ design + penalty, gradient)
    slopes: Floats = theta[:-1] / spread
    return slopes, float(theta[-1] - slopes @ mean)
