"""`Calibrator`: the contract of a calibration method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from shelfvision.predictions.columns import Integers

Rows: TypeAlias = npt.NDArray[np.float32]
"""Probabilities, one row per photo and one column per class."""


@runtime_checkable
class Calibrator(Protocol):
    """A calibration method with its fitted parameters.

    A calibrator must be immutable, picklable and thread-safe. `apply` must depend only on its
    argument and the fitted parameters, and treat each row independently.
    ``from_dict(to_dict())`` must return an equal calibrator. `shelfvision.Calibration` checks
    shapes: `fit` gets at least one photo and two classes, and `apply` as many classes as `fit`.

    Examples
    --------
    Shrink every row towards the uniform distribution, by the error rate of the photos:

    >>> import dataclasses
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> @dataclasses.dataclass(frozen=True)
    ... class Shrinkage:
    ...     share: float
    ...     name = "shrinkage"
    ...
    ...     @classmethod
    ...     def fit(cls, probabilities, labels):
    ...         return cls(float(np.mean(probabilities.argmax(axis=1) != labels)))
    ...
    ...     def apply(self, probabilities):
    ...         return (1 - self.share) * probabilities + self.share / probabilities.shape[1]
    ...
    ...     def to_dict(self):
    ...         return {"share": self.share}
    ...
    ...     @classmethod
    ...     def from_dict(cls, values):
    ...         return cls(float(values["share"]))
    >>> scores = [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    >>> calibration = shv.Calibration.fit(scores, [0, 0, 1, 1], method=Shrinkage)
    >>> calibration.apply([[1.0, 0.0]]).tolist()
    [[0.875, 0.125]]
    """

    @property
    def name(self) -> str:
        """The name of the method, the same for every instance."""
        ...

    @classmethod
    def fit(cls, probabilities: Rows, labels: Integers) -> Self:
        """Return a calibrator fitted to uncalibrated rows, shape (n, k), and their classes."""
        ...

    def apply(self, probabilities: Rows) -> Rows:
        """Return calibrated rows, shape (n, k), each with a sum of 1; rows of NaN stay NaN."""
        ...

    def to_dict(self) -> dict[str, object]:
        """Return the fitted parameters as plain JSON values."""
        ...

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the calibrator from values of `to_dict`, perhaps from a corrupted file."""
        ...
