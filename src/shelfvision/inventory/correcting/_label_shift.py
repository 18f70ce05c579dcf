"""Class shares by the EM algorithm, and a test of the assumption that it makes.

Label shift means that only the class shares of the counted photos differ from those of the
validation photos, and that photos of one class look alike in both. Then the shares follow from the
likelihood of each class for each photo, by the EM algorithm of Saerens, Latinne and Decaestecker
(2002, equation 2.9). Three of four photos here are certain, and the fourth could be either:

>>> import numpy as np
>>> likelihoods = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
>>> class_shares(likelihoods, np.ones(4)).round(2)
array([0.67, 0.33])

In other sessions photos of a class look different, and the shares are then wrong. `match` compares
the confidences of the counted photos with those of the validation photos, reweighted to the
estimated shares (Lipton, Wang, Smola, "Detecting and correcting for label shift with black box
predictors", ICML 2018), for each predicted class. Differences are divided by their standard errors
between groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_TINY = 1e-300
_PRIOR = 0.1
"""The pseudo-count of each class."""
_CLOSE = 1e-5
_LEAST_GROUPS = 3
_LEAST_PHOTOS = 5
_SMALL_SAMPLE = 1.2
"""The factor of the variance between groups, which few groups underestimate."""
_PER_GROUP = 4
"""The photos of a group beyond the first if the groups of counted photos are unknown."""
_FLOOR = 1e-4
"""The least variance of a difference of confidences: differences of 0.01 do not matter."""


def class_shares(
    likelihoods: Floats,
    weights: Floats,
    *,
    start: Floats | None = None,
    prior: float = 0.0,
    steps: int = 200,
) -> Floats:
    """Return the class shares of photos, shape (k,).

    Parameters
    ----------
    likelihoods : ndarray of float, shape (n, k)
        The likelihood of each class, up to a factor for each photo.
    weights : ndarray of float, shape (n,)
        How often each photo counts.
    start : ndarray of float, shape (k,), optional
        The first estimate; by default equal shares.
    prior : float, default=0.0
        The pseudo-count of each class.
    steps : int, default=200
        The largest number of iterations.
    """
    k = likelihoods.shape[1]
    shares = np.full(k, 1 / k) if start is None else start
    total = weights.sum() + prior * k
    for _ in range(steps):
        sums = np.maximum(likelihoods @ shares, _TINY)
        new = (shares * ((weights / sums) @ likelihoods) + prior) / total
        if np.abs(new - shares).max() < _CLOSE:
            return np.asarray(new, dtype=np.float64)
        shares = new
    return np.asarray(shares, dtype=np.float64)


def shares_of_photos(likelihoods: Floats, shares: Floats) -> Floats:
    """Return the probability of each class for each photo, shape (n, k)."""
    joint = likelihoods * shares
    return np.asarray(joint / np.maximum(joint.sum(axis=1, keepdims=True), _TINY))


def first_shares(likelihoods: Floats, weights: Floats) -> Floats:
    """Return class shares with the prior that all estimates of this room use."""
    return class_shares(likelihoods, weights, prior=_PRIOR)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownPhotos:
    """Validation photos as the test needs them."""

    likelihoods: Floats
    labels: Integers
    predicted: Integers
    groups: Integers
    correlation: float


def match(
    known: KnownPhotos,
    likelihoods: Floats,
    predicted: Integers,
    weights: Floats,
    shares: Floats,
) -> float | None:
    """Return the p-value that both kinds of photos look alike; None if too few tell.

    `likelihoods`, `predicted` and `weights` are those of the counted photos, whose class shares
    are `shares`.
    """
    from scipy.stats import chi2

    k = len(shares)
    support = np.maximum(np.bincount(known.labels, minlength=k), 0.5)
    importance = (shares / support)[known.labels] * len(known.labels)
    ours = shares_of_photos(known.likelihoods, shares).max(axis=1)
    theirs = shares_of_photos(likelihoods, shares).max(axis=1)
    statistic, n = 0.0, 0
    for j in range(k):
        old, new = known.predicted == j, predicted == j
        found = _mean_of_groups(ours[old], importance[old], known.groups[old])
        if found is None or weights[new].sum() < _LEAST_PHOTOS:
            continue
        mean = float(np.average(theirs[new], weights=weights[new]))
        spread = float(np.average((theirs[new] - mean) ** 2, weights=weights[new]))
        variance = spread / weights[new].sum() * (1 + _PER_GROUP * known.correlation)
        if found[1] + variance < _FLOOR / 100:
            continue
        statistic += (found[0] - mean) ** 2 / (found[1] + variance + _FLOOR)
        n += 1
    return float(chi2.sf(statistic, n)) if n else None


def _mean_of_groups(
    values: Floats, weights: Floats, groups: Integers
) -> tuple[float, float] | None:
    """Return a weighted mean and its variance between groups; None with too few groups."""
    codes = np.unique(groups, return_inverse=True)[1]
    total = weights.sum()
    if not len(codes) or codes.max() + 1 < _LEAST_GROUPS or total <= 0:
        return None
    mean = float(weights @ values / total)
    sums = np.bincount(codes, weights * (values - mean))
    return mean, float((sums**2).sum() / total**2 * _SMALL_SAMPLE)
