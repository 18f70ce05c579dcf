"""Counts of what photos show, from counts of what they were taken for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_ROUNDS = 1000
_STEPS = 30
_PRIOR = 1.0
"""How many photos of each class are thought to be there before any was seen."""


def most_likely(taken: Counts, confusion: Floats) -> Floats:
    """Return the counts under which it is most likely to take so many photos for each class.

    `confusion` has the shares that each class (row) is taken for each class. It is the EM of
    Saerens, Latinne and Decaestecker, on labels instead of probabilities.
    """
    shares = np.full(len(taken), taken.sum() / len(taken))
    for _ in range(_ROUNDS):
        expected = shares @ confusion
        new = shares * (confusion @ (taken / np.maximum(expected, 1e-300)))
        if np.abs(new - shares).max() < 1e-6 * max(1, taken.sum()):
            return np.asarray(new, dtype=np.float64)
        shares = new
    return np.asarray(shares, dtype=np.float64)


def groups_seen(
    taken: Counts, confusion: Floats, *, in_groups: Counts | None, group_size: Floats
) -> Floats:
    """Return from how many groups of equal size the photos of each class seem to come, shape (k,).

    `in_groups` has what the photos of each group were taken for, shape (groups, k). Without it,
    groups are taken to be as large as `group_size` says for each class.
    """
    shares = most_likely(taken, confusion)
    if in_groups is None:
        return np.maximum(shares / group_size, 1)
    joint = shares[:, None] * confusion
    sources = joint / np.maximum(joint.sum(axis=0), 1e-300)
    there = in_groups @ sources.T
    squares = np.maximum((there**2).sum(axis=0), 1e-300)
    return np.asarray(np.maximum(there.sum(axis=0) ** 2 / squares, 1), dtype=np.float64)


def drawn(taken: Counts, confusions: Floats, rng: np.random.Generator) -> Counts:
    """Return counts as they may be, one row for each of the confusions, shape (n, k).

    For each confusion, counts and shares are drawn in turn (Gibbs): of the photos that were taken
    for a class, how many are of which, given the shares; then the shares, given these counts.
    """
    seen = np.flatnonzero(taken)
    start = most_likely(taken, confusions.mean(axis=0)) + _PRIOR
    shares = np.tile(start, (len(confusions), 1))
    sent = confusions[:, :, seen].transpose(0, 2, 1)
    counts = np.empty((len(confusions), len(taken)), dtype=np.int64)
    for _ in range(_STEPS):
        odds = np.maximum(sent * shares[:, None, :], 1e-300)
        odds /= odds.sum(axis=2, keepdims=True)
        counts = rng.multinomial(taken[seen], odds).sum(axis=1)
        shares = np.maximum(rng.standard_gamma(counts + _PRIOR), 1e-12)
    return counts
