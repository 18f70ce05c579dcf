"""Temperature scaling (Guo et al. 2017, equation 9): all logits divided by one number T.

The softmax of ``z / T`` has the same most probable class as the softmax of ``z``. T above 1 lowers
the confidence of a network, T below 1 raises it. Adding a constant to all logits does not change
a softmax, so log-probabilities can be used as logits:

>>> import numpy as np
>>> rows = np.array([[0.9, 0.1]], np.float32)
>>> TemperatureScaling(temperature=2.0).apply(rows).round(3).tolist()
[[0.75, 0.25]]

C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self, final

import numpy as np

from shelfvision.predictions._plain import exact_entries, number_of
from shelfvision.predictions.calibrators._protocol import Rows
from shelfvision.predictions.calibrators._scales import log_probabilities
from shelfvision.predictions.columns import Integers

LIMITS = (0.01, 100.0)
"""The smallest and the largest temperature."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureScaling:
    """Temperature scaling: divide all logits by one number."""

    temperature: float
    """The divisor of the logits, above 1 for overconfident networks."""
    name: ClassVar[str] = "temperature"
    """The name of the method."""

    @classmethod
    def fit(cls, probabilities: Rows, labels: Integers) -> Self:
        """Return the temperature of maximum likelihood as a calibrator."""
        return cls(temperature=most_likely_temperature(probabilities, labels))

    def apply(self, probabilities: Rows) -> Rows:
        """Return the softmax of log-probabilities divided by the temperature."""
        logits = log_probabilities(probabilities) / self.temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)

    def to_dict(self) -> dict[str, object]:
        """Return the temperature as plain JSON values."""
        return {"temperature": self.temperature}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the calibrator from the values of `to_dict`."""
        entries = exact_entries(values, ("temperature",), "a calibration by temperature")
        return cls(temperature=number_of(entries["temperature"], "temperature", *LIMITS))


def most_likely_temperature(rows: Rows, labels: Integers) -> float:
    """Return the maximum-likelihood temperature, with one added mistake.

    If all predictions are correct, the maximum-likelihood temperature is 0. As in the targets of
    Platt (1999), one mistake is added in total, distributed evenly over the photos; the wrong class
    is the most probable other one.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    logits = log_probabilities(rows)
    at = np.arange(len(rows))
    true = logits[at, labels]
    others = logits.copy()
    others[at, labels] = -np.inf
    share = 1 / (len(rows) + 2)
    target = float(np.mean((1 - share) * true + share * others.max(axis=1)))

    def loss(power: float) -> float:
        scale = np.exp(-power)
        return float(np.mean(logsumexp(logits * scale, axis=1)) - target * scale)

    low, high = np.log(LIMITS)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.clip(np.exp(found.x), *LIMITS))
