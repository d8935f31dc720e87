"""A linear-chain conditional random field: tags of a row of tokens, judged together.

Source: Lafferty, McCallum and Pereira, "Conditional Random Fields", ICML 2001.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assistant.query.linear import Doubles, Integers, Loss


def posterior(scores: Doubles, steps: Doubles) -> Doubles:
    """P(tag) of each token of one row, (t, k), from its scores (t, k) and those of steps from tag to tag (k, k)."""
    _, chances, _ = _expected(scores[np.newaxis], np.array([len(scores)]), steps)
    return np.asarray(chances[0])


def best(scores: Doubles, steps: Doubles) -> list[int]:
    """The most probable row of tags (Viterbi); ties go to the lower tag."""
    if not len(scores):
        return []
    total = scores[0]
    came_from = []
    for here in scores[1:]:
        ways = total[:, np.newaxis] + steps
        came_from.append(ways.argmax(axis=0))
        total = ways.max(axis=0) + here
    tags = [int(total.argmax())]
    for back in reversed(came_from):
        tags.append(int(back[tags[-1]]))
    return tags[::-1]


def loss(tags: Sequence[Sequence[int]], k: int) -> Loss:
    """Minus the log-likelihood of rows of tags below ``k``.

    The loss takes the scores of all tokens, row after row, and the (k, k) steps from tag to tag, all in one vector.
    """
    lengths = np.array([len(row) for row in tags])
    b, t = len(tags), int(lengths.max())
    inside = np.arange(t) < lengths[:, np.newaxis]
    chosen = np.zeros((b, t, k))
    chosen[inside] = np.eye(k)[[tag for row in tags for tag in row]]
    taken = np.einsum("bti,btj->ij", chosen[:, :-1], chosen[:, 1:])

    def of(parameters: Doubles) -> tuple[float, Doubles]:
        steps = parameters[-k * k:].reshape(k, k)
        scores = np.zeros((b, t, k))
        scores[inside] = parameters[:-k * k].reshape(-1, k)
        log_total, chances, expected = _expected(scores, lengths, steps)
        value = float(log_total.sum() - (scores * chosen).sum() - (steps * taken).sum())
        return value, np.concatenate([(chances - chosen)[inside].ravel(), (expected - taken).ravel()])

    return of


def _expected(scores: Doubles, lengths: Integers, steps: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Log of the sum over all rows of tags (b,), P(tag) of each token (b, t, k), 0 where padded, and how often each
    step is expected (k, k): forward-backward, each position scaled to sum 1."""
    b, t, k = scores.shape
    top = scores.max(axis=2, keepdims=True)
    local = np.exp(scores - top)
    moves = np.exp(steps)
    inside = np.arange(t) < lengths[:, np.newaxis]
    forward, scale = np.empty((b, t, k)), np.ones((b, t))
    for i in range(t):
        now = local[:, i] * (forward[:, i - 1] @ moves if i else 1.0)
        scale[:, i] = now.sum(axis=1)
        forward[:, i] = now / scale[:, i, np.newaxis]
    backward = np.ones((b, t, k))
    for i in range(t - 2, -1, -1):
        ahead = (local[:, i + 1] * backward[:, i + 1]) @ moves.T / scale[:, i + 1, np.newaxis]
        backward[:, i] = np.where(inside[:, i + 1, np.newaxis], ahead, 1.0)
    marginal = forward * backward * inside[:, :, np.newaxis]
    ahead = (local * backward / scale[:, :, np.newaxis] * inside[:, :, np.newaxis])[:, 1:]
    expected = np.einsum("bti,btj->ij", forward[:, :-1], ahead) * moves
    log_total = ((np.log(scale) + top[:, :, 0]) * inside).sum(axis=1)
    return log_total, marginal, expected
