"""`Prediction`: the prediction for one photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

Decision: TypeAlias = Literal["accept", "review"]
"""Whether a prediction is accepted, or a person should review the photo."""

DECISIONS: tuple[Decision, ...] = ("accept", "review")


# Compared by identity, because comparing arrays does not give a single truth value.
@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """The prediction for one photo."""

    id: str
    """The name of the photo: its path, or its index in a batch of arrays."""
    label: str | None
    """The most probable class; None for a photo that could not be read."""
    confidence: float
    """The probability of that class, 0 to 1; NaN for a photo that could not be read."""
    probabilities: npt.NDArray[np.float32]
    """The probability of each class in the order of `class_names`, read-only, shape (k,)."""
    decision: Decision | None
    """``"accept"``, or ``"review"`` if a person should check the photo; None without thresholds."""
    error: str | None
    """The reason why the photo could not be read; None if it was read."""
