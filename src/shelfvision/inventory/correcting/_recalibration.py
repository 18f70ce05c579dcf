"""`Recalibration`: the likelihood of each class, given the probabilities of a photo.

A confusion matrix knows only the predicted class. The probabilities know more: a photo that is
predicted as yoghurt with 0.51 is confused more often than one with 0.99, in all sessions. So the
correction uses them, after recalibration on the validation photos: the likelihood of class ``c`` is
``exp(a * log p_c + b_c)``, where ``p`` are the probabilities. This is bias-corrected temperature
scaling (Alexandari, Kundaje, Shrikumar, "Maximum likelihood with bias-corrected calibration is
hard-to-beat at label shift adaptation", ICML 2020). The validation photos have class shares of
their own, which the fit takes into account, so that ``b`` does not depend on them.

Some pairs of classes are confused more often than probabilities say. So the likelihood of class
``c`` for photos predicted as ``j`` also has the factor ``(O + 5) / (E + 5)``: of the validation
photos predicted as ``j``, ``O`` are of class ``c``, and ``E`` are expected. The factor is the
posterior mean of a rate with a gamma distribution, and close to 1 with few photos.

Few photos cannot determine a bias for every class. The biases have a normal prior, whose standard
deviation is the one with the largest evidence (Laplace approximation). Photos of one group count
as fewer photos, by the design effect of Kish (`Confusion.intraclass_correlation`). A class without
validation photos has the prior.

>>> import numpy as np
>>> probabilities = np.tile([[0.8, 0.2], [0.2, 0.8]], (50, 1))
>>> labels = np.tile([0, 1], 50)
>>> found = Recalibration.of(probabilities, labels, np.arange(100))
>>> found.bias.round(2) + 0.0
array([0., 0.])
>>> found.slope > 1  # all photos are right, so the probabilities are too cautious
True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.inventory.correcting._confusion import Confusion

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_SPREADS = (0.15, 0.3, 0.6, 1.2)
"""The standard deviations of the biases over classes that are tried."""
_RATE_PRIOR = 5.0
"""The pseudo-count of each pair of a predicted and a true class."""
_LEAST = 1e-7
_ABSENT = -1e3
_MOST_STEPS = 60
_MOST_SLOPE = 3.0
"""The largest absolute logarithm of a sampled slope."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recalibration:
    """Slope and biases with their uncertainty."""

    parameters: Floats
    """The logarithm of the slope, then the bias of each class, shape (k + 1,)."""
    covariance: Floats
    """The posterior covariance of the parameters, shape (k + 1, k + 1)."""
    correlation: float
    """The intraclass correlation of predictions in a group, 0 to 1."""
    observed: Floats
    """The effective number of photos of each predicted (row) and true class, shape (k, k)."""
    expected: Floats
    """The same by the recalibrated probabilities."""

    @classmethod
    def of(cls, probabilities: Floats, labels: Integers, groups: Integers) -> Recalibration:
        """Return the recalibration, given validation photos."""
        k = probabilities.shape[1]
        predicted = probabilities.argmax(axis=1)
        correlation = Confusion.of(labels, predicted, groups, k).intraclass_correlation()
        weights = effective_weights(labels, groups, correlation)
        fits = [
            _fitted(centered_logs(probabilities), labels, weights, spread=spread, slope=1.0)
            for spread in _SPREADS
        ]
        best = max(fits, key=lambda fit: fit.evidence)
        shares = _shares(centered_logs(probabilities), labels, best.parameters)[0]
        observed, expected = np.zeros((k, k)), np.zeros((k, k))
        np.add.at(observed, (predicted, labels), weights)
        np.add.at(expected, predicted, shares * weights[:, None])
        return cls(
            parameters=best.parameters,
            covariance=best.covariance,
            correlation=correlation,
            observed=observed,
            expected=expected,
        )

    @property
    def slope(self) -> float:
        """The factor of the logarithm of the probabilities."""
        return float(np.exp(self.parameters[0]))

    @property
    def bias(self) -> Floats:
        """The bias of each class, shape (k,)."""
        return self.parameters[1:]

    def likelihoods(self, logs: Floats, parameters: Floats | None = None) -> Floats:
        """Return the likelihood of each class up to a factor for each photo, shape (n, k).

        The largest logarithm of a row is that of the predicted class.
        """
        found = self.parameters if parameters is None else parameters
        slope = np.exp(np.clip(found[0], -_MOST_SLOPE, _MOST_SLOPE))
        scores = slope * logs + found[1:]
        rates = (self.observed + _RATE_PRIOR) / (self.expected + _RATE_PRIOR)
        scores += np.log(rates)[logs.argmax(axis=1)]
        return np.asarray(np.exp(scores - scores.max(axis=1, keepdims=True)))

    def sample(self, spread: Floats, n: int, rng: np.random.Generator) -> Floats:
        """Return samples of the parameters for new sessions, shape (n, k + 1).

        ``spread`` is the standard deviation of each bias between sessions, shape (k,).
        """
        between = np.diag(np.concatenate([[(spread.mean() / 2) ** 2], spread**2]))
        root = np.linalg.cholesky(self.covariance + between)
        return np.asarray(self.parameters + rng.standard_normal((n, len(root))) @ root.T)


def centered_logs(probabilities: npt.NDArray[np.floating]) -> Floats:
    """Return the logarithms of probabilities, each row with mean 0, shape (n, k)."""
    logs = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _LEAST))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def effective_weights(labels: Integers, groups: Integers, correlation: float) -> Floats:
    """Return how many independent photos each photo is worth, shape (n,)."""
    clusters = np.unique(np.stack([labels, groups]), axis=1, return_inverse=True)[1].ravel()
    return np.asarray(1 / (1 + (np.bincount(clusters)[clusters] - 1) * correlation))


def spread_between(
    fit: Recalibration, sources: list[tuple[Floats, Integers, Integers]], usual: float
) -> float:
    """Return the standard deviation of biases between sessions, given several sources.

    Each source is fitted around the common parameters with each spread. The spread with the
    largest total evidence counts as one observation a source; `usual` counts as two.
    """
    if len(sources) < 2:
        return usual
    totals = dict.fromkeys(_SPREADS, 0.0)
    for probabilities, labels, groups in sources:
        weights = effective_weights(labels, groups, fit.correlation)
        logs = fit.slope * centered_logs(probabilities) + fit.bias
        for spread in totals:
            one = _fitted(logs, labels, weights, spread=spread, slope=spread / 2)
            totals[spread] += one.evidence
    found = max(totals, key=lambda spread: totals[spread])
    n = len(sources)
    return float(np.sqrt((2 * usual**2 + n * found**2) / (2 + n)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    parameters: Floats
    covariance: Floats
    evidence: float


def _fitted(
    logs: Floats, labels: Integers, weights: Floats, *, spread: float, slope: float
) -> _Fit:
    """Return the most probable parameters; `spread` and `slope` are those of the prior."""
    from scipy.optimize import minimize

    k = logs.shape[1]
    precision = np.concatenate([[slope**-2], np.full(k, spread**-2)])
    posterior = _posterior(logs, labels, weights, precision)
    found = minimize(
        posterior, np.zeros(k + 1), jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS}
    )
    information = _information(logs, labels, weights, found.x) + np.diag(precision)
    evidence = -found.fun + (np.log(precision).sum() - np.linalg.slogdet(information)[1]) / 2
    return _Fit(
        parameters=found.x,
        covariance=np.asarray(np.linalg.inv(information), dtype=np.float64),
        evidence=float(evidence),
    )


def _shares(logs: Floats, labels: Integers, parameters: Floats) -> tuple[Floats, Floats]:
    """Return the posterior probabilities of the classes and their logarithms, shape (n, k)."""
    counts = np.bincount(labels, minlength=logs.shape[1])
    offset = np.where(counts > 0, np.log(np.maximum(counts, 1) / len(labels)), _ABSENT)
    scores = np.exp(parameters[0]) * logs + parameters[1:] + offset
    scores -= scores.max(axis=1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return np.exp(scores), scores


def _posterior(
    logs: Floats, labels: Integers, weights: Floats, precision: Floats
) -> Callable[[Floats], tuple[float, Floats]]:
    """Return a function of the parameters: the negative log-posterior and its gradient."""
    rows = np.arange(len(labels))

    def negative(parameters: Floats) -> tuple[float, Floats]:
        shares, scores = _shares(logs, labels, parameters)
        loss = -float(weights @ scores[rows, labels]) + float(precision @ parameters**2) / 2
        residuals = shares.copy()
        residuals[rows, labels] -= 1
        residuals *= weights[:, None]
        slope = float((residuals * logs).sum()) * np.exp(parameters[0])
        gradient = np.concatenate([[slope], residuals.sum(axis=0)])
        return loss, gradient + precision * parameters

    return negative


def _information(logs: Floats, labels: Integers, weights: Floats, parameters: Floats) -> Floats:
    """Return the Fisher information of the parameters, shape (k + 1, k + 1)."""
    shares = _shares(logs, labels, parameters)[0]
    scaled = np.exp(parameters[0]) * logs
    mean = (shares * scaled).sum(axis=1)
    found = np.empty((len(parameters), len(parameters)))
    found[0, 0] = weights @ ((shares * scaled**2).sum(axis=1) - mean**2)
    found[0, 1:] = found[1:, 0] = weights @ (shares * (scaled - mean[:, None]))
    found[1:, 1:] = np.diag(weights @ shares) - (shares * weights[:, None]).T @ shares
    return found
