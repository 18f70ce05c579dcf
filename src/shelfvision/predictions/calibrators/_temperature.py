"""Temperature scaling (Guo et al. 2017, equation 9): all logits divided by one number T.

The softmax of ``z / T`` has the same most probable class as the softmax of ``z``. T above 1 makes
a network less confident, T below 1 more. A softmax does not change when a constant is added to all
logits, so log-probabilities serve as logits:

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
    """All logits divided by one temperature."""

    temperature: float
    """What logits are divided by; above 1 the network was overconfident."""
    name: ClassVar[str] = "temperature"
    """The name of the method."""

    @classmethod
    def fit(cls, probabilities: Rows, labels: Integers) -> Self:
        """Return the temperature under which the labels are most likely."""
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
        """Return the calibrator of these parameters; anything else is refused."""
        entries = exact_entries(values, ("temperature",), "a calibration by temperature")
        return cls(temperature=number_of(entries["temperature"], "temperature", *LIMITS))


def most_likely_temperature(rows: Rows, labels: Integers) -> float:
    """Return the temperature under which the labels are most likely, one more mistake imagined.

    Where every photo is right, the likelihood alone prefers a temperature of 0, as if the network
    never erred. Like the targets of Platt (1999), one mistake is added in all, spread evenly over
    the photos; each time it is the most probable other class.
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
