"""Convert probabilities to log-probabilities and log-odds, and normalize rows."""

from __future__ import annotations

import numpy as np

from shelfvision.predictions.calibrators._protocol import Rows
from shelfvision.predictions.columns import Floats, winners_of

_SMALLEST = float(np.finfo(np.float32).tiny)
"""The replacement of probabilities that were rounded to 0."""


def log_probabilities(rows: Rows) -> Floats:
    """Return the logarithms of probabilities, always finite."""
    return np.log(np.maximum(rows.astype(np.float64), _SMALLEST))


def log_odds(rows: Rows) -> Floats:
    """Return the log-odds of each class against the rest, always finite.

    ``1 - p`` is inaccurate for p close to 1, so for the most probable class the sum of the other
    columns is used instead.
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
    """Return rows normalized to a sum of 1; rows of zeros become uniform."""
    totals = columns.sum(axis=1, keepdims=True)
    uniform = np.full_like(columns, 1 / columns.shape[1])
    shares = np.divide(columns, totals, out=uniform, where=~(totals <= 0))
    return np.asarray(shares, dtype=np.float32)
