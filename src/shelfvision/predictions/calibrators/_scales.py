"""Probabilities on other scales, log-probabilities and log-odds, and rows scaled to a sum of 1."""

from __future__ import annotations

import numpy as np

from shelfvision.predictions.calibrators._protocol import Rows
from shelfvision.predictions.columns import Floats, winners_of

_SMALLEST = float(np.finfo(np.float32).tiny)
"""What a probability that a softmax rounded to 0 is taken for."""


def log_probabilities(rows: Rows) -> Floats:
    """Return the logarithm of every probability, finite everywhere."""
    return np.log(np.maximum(rows.astype(np.float64), _SMALLEST))


def log_odds(rows: Rows) -> Floats:
    """Return the log-odds of every class against the rest, finite everywhere.

    One minus a probability close to 1 has few correct digits left, so the rest of the most
    probable class is summed from the other columns.
    """
    own = rows.astype(np.float64)
    winners, _ = winners_of(rows)
    at = np.arange(len(rows))
    others = own.copy()
    others[at, winners] = 0
    rest = 1 - own
    rest[at, winners] = others.sum(axis=1)
    return np.log(np.maximum(own, _SMALLEST)) - np.log(np.maximum(rest, _SMALLEST))


def normalized(columns: Floats) -> Rows:
    """Return rows scaled to a sum of 1; a row of zeros becomes uniform."""
    totals = columns.sum(axis=1, keepdims=True)
    uniform = np.full_like(columns, 1 / columns.shape[1])
    shares = np.divide(columns, totals, out=uniform, where=~(totals <= 0))
    return np.asarray(shares, dtype=np.float32)
