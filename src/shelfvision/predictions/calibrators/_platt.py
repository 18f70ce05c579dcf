"""Platt scaling (Platt 1999, equation 1): a sigmoid of the log-odds of each class.

The probability of each class against the rest is ``1 / (1 + exp(-(slope * odds + intercept)))``;
rows are then normalized to a sum of 1 (Zadrozny and Elkan 2002). The targets are Platt's
``(n + 1) / (n + 2)`` and ``1 / (m + 2)`` for n photos of the class and m others. They prevent the
sigmoid from becoming a step if the classes are separable. A slope of 1 and an intercept of 0 do not
change a row:

>>> import numpy as np
>>> rows = np.array([[0.9, 0.1]], np.float32)
>>> PlattScaling(lines=((1.0, 0.0), (1.0, 0.0))).apply(rows).round(3).tolist()
[[0.8999999761581421, 0.10000000149011612]]
>>> PlattScaling(lines=((0.5, 0.0), (0.5, 0.0))).apply(rows).round(3).tolist()
[[0.75, 0.25]]

J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
likelihood methods", Advances in Large Margin Classifiers, 1999. B. Zadrozny, C. Elkan,
"Transforming classifier scores into accurate multiclass probability estimates", KDD 2002.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision.predictions._plain import exact_entries, list_of, number_of, pair_of
from shelfvision.predictions.calibrators._protocol import Rows
from shelfvision.predictions.calibrators._scales import log_odds, normalized
from shelfvision.predictions.columns import Floats, Integers

Line: TypeAlias = tuple[float, float]
"""Slope and intercept."""

_IDENTITY: Line = (1.0, 0.0)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlattScaling:
    """A sigmoid of the log-odds of each class against the rest."""

    lines: tuple[Line, ...]
    """Slope and intercept on the log-odds of each class."""
    name: ClassVar[str] = "sigmoid"
    """The name of the method."""

    @classmethod
    def fit(cls, probabilities: Rows, labels: Integers) -> Self:
        """Return one line per class; classes without photos get the identity."""
        odds = log_odds(probabilities)
        return cls(lines=tuple(_line(odds[:, c], labels == c) for c in range(odds.shape[1])))

    def apply(self, probabilities: Rows) -> Rows:
        """Return the sigmoids of all classes, normalized to a sum of 1."""
        from scipy.special import expit

        slopes, intercepts = np.array(self.lines, dtype=np.float64).T
        return normalized(expit(log_odds(probabilities) * slopes + intercepts))

    def to_dict(self) -> dict[str, object]:
        """Return the lines as plain JSON values."""
        return {"lines": [list(line) for line in self.lines]}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the calibrator from the values of `to_dict`."""
        entries = exact_entries(values, ("lines",), "a calibration by sigmoid")
        pairs = [pair_of(line, "a line") for line in list_of(entries["lines"], "lines")]
        return cls(
            lines=tuple((number_of(a, "slope"), number_of(b, "intercept")) for a, b in pairs)
        )


def _line(odds: Floats, own: npt.NDArray[np.bool_]) -> Line:
    """Return the maximum-likelihood slope and intercept for the targets of a class."""
    from scipy.optimize import minimize
    from scipy.special import expit

    n_own = int(own.sum())
    if n_own in (0, len(own)):
        return _IDENTITY
    targets = np.where(own, (n_own + 1) / (n_own + 2), 1 / (len(own) - n_own + 2))

    def loss(line: Floats) -> tuple[float, Floats]:
        scaled = line[0] * odds + line[1]
        surplus = expit(scaled) - targets
        total = np.sum(np.logaddexp(0, scaled) - targets * scaled)
        return float(total), np.array([np.sum(surplus * odds), np.sum(surplus)])

    found = minimize(loss, np.array(_IDENTITY), jac=True, method="L-BFGS-B", tol=1e-10)
    return float(found.x[0]), float(found.x[1])
