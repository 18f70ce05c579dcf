"""`Prediction`: what a classifier says about one photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Decision: TypeAlias = Literal["accept", "review"]
"""Whether a prediction may be used as it is, or a person should look at the photo."""

DECISIONS: tuple[Decision, ...] = ("accept", "review")


# Compared by identity: equality of arrays is not one truth value.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """What a classifier says about one photo."""

    id: str
    """The photo's name: its path, or its number in a batch of arrays."""
    label: str | None
    """The most probable class; None for a photo that could not be read."""
    confidence: float
    """The probability of that class, 0 to 1; NaN for a photo that could not be read."""
    probabilities: npt.NDArray[np.float32]
    """The probability of every class in the order of `class_names`, read-only, shape (k,)."""
    decision: Decision | None
    """``"accept"``, or ``"review"`` where a person should look at the photo; None where there are
    no thresholds to decide by."""
    error: str | None
    """Why the photo could not be read; None for one that could."""
