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
        odds = sent * shares[:, None, :]
        odds /= odds.sum(axis=2, keepdims=True)
        counts = rng.multinomial(taken[seen], odds).sum(axis=1)
        shares = np.maximum(rng.standard_gamma(counts + _PRIOR), 1e-12)
    return counts
