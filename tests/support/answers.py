"""A classifier without a network, for tests of what is made of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import shelfvision as shv

if TYPE_CHECKING:
    import numpy.typing as npt

    from shelfvision.predictions import Calibration, Decision


@dataclass(eq=False)
class Says:
    """A classifier whose answers are given, one for each photo, as class numbers."""

    answers: npt.ArrayLike
    class_names: tuple[str, ...] = ("can", "jar")
    confidence: npt.ArrayLike = 0.9
    """Of each answer, or of all; the other classes share the rest."""
    ids: Sequence[str] | None = None
    errors: Sequence[str | None] | None = None
    decisions: Sequence[Decision | None] | None = None
    calibration: Calibration | None = None

    def predict(self, photos: shv.Dataset, /) -> shv.Predictions:
        n, k = len(self.answers), len(self.class_names)  # type: ignore[arg-type]  # a list or an array
        sure = np.broadcast_to(np.asarray(self.confidence, dtype=np.float64), (n,))
        rows = np.repeat((1 - sure)[:, None] / max(k - 1, 1), k, axis=1)
        rows[np.arange(n), np.asarray(self.answers, dtype=np.int64)] = sure
        ids = photos.ids if self.ids is None else self.ids
        return shv.Predictions(rows, self.class_names, ids, self.errors, decisions=self.decisions)
