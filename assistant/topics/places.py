"""Vectors → places in the plane: papers about the same lie together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DIMENSIONS = 50   # kept by PCA before neighbours are looked for, as is usual with t-SNE
PERPLEXITY = 30   # neighbours a paper is placed by
STEPS = 500       # of gradient descent; the arrangement has settled by then
FEW = 5           # papers that make no neighbourhoods
LANDMARKS = 4000  # papers that t-SNE lays out; further ones are placed among them, which takes no time
NEAREST = 5       # landmarks that a further paper is placed by
SHARPNESS = 20.0  # by which the nearest of them counts more than the fifth

Floats = npt.NDArray[np.float32]


def places(vectors: Floats) -> Floats:
    """Lay out (n, d) unit vectors by t-SNE; the same vectors get the same places.

    Of more than `LANDMARKS` vectors the first are laid out, and the others placed among those nearest to them.

    Returns:
        (n, 2) coordinates; each axis from 0 to 1, at the same scale.
    Source: van der Maaten and Hinton, JMLR 9, 2008; here as scikit-learn has it.
    """
    laid_out = _laid_out(vectors[:LANDMARKS])
    return np.concatenate([laid_out, *(
        _among(vectors[start:start + LANDMARKS], vectors[:LANDMARKS], laid_out)
        for start in range(LANDMARKS, len(vectors), LANDMARKS)
    )])


def _laid_out(vectors: Floats) -> Floats:
    count = len(vectors)
    if count < FEW:
        angles = 2 * np.pi * np.arange(count) / max(count, 1)
        circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) / 4 + 0.5
        return np.asarray(circle, np.float32)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    kept = min(DIMENSIONS, count - 1, vectors.shape[1])
    plain = PCA(kept, svd_solver="full" if count < 2000 else "randomized", random_state=0).fit_transform(vectors)
    found = TSNE(
        init="pca", perplexity=min(PERPLEXITY, (count - 1) / 3), max_iter=STEPS, random_state=0, n_jobs=1
    ).fit_transform(plain)
    return _framed(np.asarray(found, np.float32))


def _among(vectors: Floats, landmarks: Floats, laid_out: Floats) -> Floats:
    """The places of further papers: the mean of their nearest landmarks', the more alike the heavier."""
    cosines = vectors @ landmarks.T
    nearest = np.argpartition(-cosines, NEAREST, axis=1)[:, :NEAREST]
    weights = np.exp(SHARPNESS * np.take_along_axis(cosines, nearest, axis=1))
    weights /= weights.sum(axis=1, keepdims=True)
    placed: Floats = np.einsum("nk,nkd->nd", weights, laid_out[nearest]).astype(np.float32)
    return placed


def _framed(found: Floats) -> Floats:
    """Moved and scaled into the unit square, without stretching; a few far out are pulled to the rim."""
    low, high = np.percentile(found, [0.5, 99.5], axis=0)
    middle, size = (low + high) / 2, float((high - low).max()) or 1.0
    framed: Floats = np.clip((found - middle) / (1.1 * size) + 0.5, 0, 1).astype(np.float32)
    return framed
