"""Isotonic regression (Zadrozny and Elkan 2002): a rising function for each class.

For each class against the rest, the pool-adjacent-violators algorithm fits a rising step function
from the network's probability to the share of photos of the class, with least squared error. Values
between its points are interpolated, and rows are normalized to a sum of 1:

>>> import numpy as np
>>> curve = ((0.0, 0.5, 1.0), (0.0, 0.2, 1.0))
>>> IsotonicCalibration(curves=(curve, curve)).apply(np.array([[0.75, 0.25]], np.float32)).round(2)
array([[0.86, 0.14]], dtype=float32)

B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate multiclass probability
estimates", KDD 2002.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._plain import exact_entries, list_of, number_of, pair_of
from shelfvision.predictions.calibrators._protocol import Rows
from shelfvision.predictions.calibrators._scales import normalized
from shelfvision.predictions.columns import Floats, Integers

Curve: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
"""The points of a rising function: uncalibrated and calibrated probabilities."""

_IDENTITY: Curve = ((0.0, 1.0), (0.0, 1.0))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class IsotonicCalibration:
    """Isotonic regression: a rising function for each class against the rest."""

    curves: tuple[Curve, ...]
    """The points of each class's function: uncalibrated and calibrated probabilities."""
    name: ClassVar[str] = "isotonic"
    """The name of the method."""

    @classmethod
    def fit(cls, probabilities: Rows, labels: Integers) -> Self:
        """Return one function per class; classes without photos get the identity."""
        scores = probabilities.astype(np.float64)
        return cls(curves=tuple(_curve(scores[:, c], labels == c) for c in range(scores.shape[1])))

    def apply(self, probabilities: Rows) -> Rows:
        """Return the values of all functions, normalized to a sum of 1."""
        scores = probabilities.astype(np.float64).T
        columns = [np.interp(own, *curve) for own, curve in zip(scores, self.curves, strict=True)]
        return normalized(np.stack(columns, axis=1))

    def to_dict(self) -> dict[str, object]:
        """Return the curves as plain JSON values."""
        return {"curves": [[list(before), list(after)] for before, after in self.curves]}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the calibrator from the values of `to_dict`."""
        entries = exact_entries(values, ("curves",), "a calibration by isotonic")
        pairs = [pair_of(curve, "a curve") for curve in list_of(entries["curves"], "curves")]
        return cls(curves=tuple(_checked(_corners(x), _corners(y)) for x, y in pairs))


def _curve(scores: Floats, own: npt.NDArray[np.bool_]) -> Curve:
    from sklearn.isotonic import IsotonicRegression

    if own.all() or not own.any():
        return _IDENTITY
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, own)
    corners = fitted.X_thresholds_, fitted.y_thresholds_
    return tuple(map(float, corners[0])), tuple(map(float, corners[1]))


def _corners(value: object) -> tuple[float, ...]:
    return tuple(number_of(x, "a corner of a curve", 0, 1) for x in list_of(value, "a curve"))


def _checked(before: tuple[float, ...], after: tuple[float, ...]) -> Curve:
    rising = all(list(side) == sorted(side) for side in (before, after))
    if not before or len(before) != len(after) or not rising:
        raise InvalidParameterError(
            "a curve must have as many calibrated as uncalibrated probabilities, at least one, and "
            "both rising; pass what to_dict returns",
            code="inconsistent",
            parameter="values",
        )
    return before, after
