"""Adjusted counts: counts of predicted classes, corrected as far as the evidence supports it.

The full correction estimates class shares by EM on recalibrated probabilities (`_label_shift`). It
is worse than plain counts where confusions in other sessions differ from those of the validation
photos. So it is applied with a weight, by the positive-part rule of James and Stein (1961): with
``d`` the size of the correction and ``v`` its variance, the weight is ``max(0, 1 - v / d ** 2)``.

>>> round(evidence_weight(moved=10.0, uncertainty=5.0), 2)
0.75
>>> evidence_weight(moved=4.0, uncertainty=5.0)
0.0

The variance has four parts, and samples combine them. First, validation photos are few: slope and
biases are drawn from their posterior. Second, sessions differ: a normal error is added to each
bias. Its standard deviation is 0.6 (a factor of 1.8 in the odds), or is estimated where there are
several sources; it is smaller where the counted photos match the validation photos, and larger
where they do not. Third, photos of one group are confused in the same way. Fourth, the counted
photos are a sample: they get random weights (weighted likelihood bootstrap, Newton and Raftery
1994), whole groups together, and then random classes. If the match is very good (p-value above
0.75), the weight rises to 1 at 0.92. The remaining part of the correction is added to the samples
as an error, because plain counts may be wrong by that much.

References
----------
W. James, C. Stein, "Estimation with quadratic loss", Proceedings of the Fourth Berkeley Symposium 1
(1961) 361-379.
M. A. Newton, A. E. Raftery, "Approximate Bayesian inference with the weighted likelihood
bootstrap", Journal of the Royal Statistical Society B 56 (1994) 3-48.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.inventory.correcting._correction import CorrectionRule, CountCorrection
from shelfvision.inventory.correcting._label_shift import (
    KnownPhotos,
    class_shares,
    first_shares,
    match,
    shares_of_photos,
)
from shelfvision.inventory.correcting._recalibration import Recalibration

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

USUAL_SPREAD = 0.6
"""The standard deviation of the bias of a class between sessions."""
_MATCHES = (0.02, 0.3, 0.6, 0.9)
_FACTORS = (2.0, 1.0, 1.0, 1 / 3)
"""The factors of the spread at these p-values of the match."""
_TRUSTED = (0.75, 0.92)
"""The p-values of the match from which the correction is trusted, and at which it is in full."""
_STEPS = 25
_PRIOR = 0.1
_MOST_ROWS = 1000
_MOST_GROUP_SPREAD = 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedPhotos:
    """The photos that are counted; similar photos may share a row."""

    logs: Floats
    """The logarithms of the probabilities, each row with mean 0, shape (rows, k)."""
    predicted: Integers
    """The predicted class, or k if the prediction is rejected, shape (rows,)."""
    weights: Integers
    """The number of photos of each row, shape (rows,)."""
    groups: Integers | None
    """The group of each row; None if photos are single."""
    group_size: float = 1.0
    """The mean size of the group of a photo, where rows have photos of several groups."""

    @property
    def n(self) -> int:
        """The number of photos."""
        return int(self.weights.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """The knowledge about confusions, from validation photos."""

    fit: Recalibration
    known: KnownPhotos
    spread: float
    """The standard deviation of biases between sessions."""
    n_sources: int
    rule: CorrectionRule = "auto"
    """Whether the evidence decides about the correction."""
    rejection: Floats | None = None
    """Samples of the share of each class that is rejected, shape (draws, k); None without
    rejection."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdjustedCounts:
    """Counts with their uncertainty."""

    counts: Floats
    """The best estimate, shape (classes,)."""
    draws: Integers
    """Samples of the counts, shape (draws, classes)."""
    correction: CountCorrection | None
    """The applied correction; None without photos."""


def evidence_weight(*, moved: float, uncertainty: float) -> float:
    """Return the share of a correction that its evidence supports, 0 to 1."""
    return max(0.0, 1 - (uncertainty / moved) ** 2) if moved > 0 else 0.0


def joined_rows(
    logs: Floats, predicted: Integers, groups: Integers | None, most: int = _MOST_ROWS
) -> CountedPhotos:
    """Return photos in at most about `most` rows; similar probabilities share a row."""
    n = len(predicted)
    if n <= most:
        return CountedPhotos(
            logs=logs, predicted=predicted, weights=np.ones(n, dtype=np.int64), groups=groups
        )
    order = np.argsort(-logs, axis=1)
    second = order[:, min(1, logs.shape[1] - 1)]
    rows = np.lexsort((logs.max(axis=1), second, order[:, 0], predicted))
    key = predicted[rows] * logs.shape[1] + order[rows, 0]
    place = np.arange(n) // -(-n // most)
    codes = np.cumsum(np.r_[0, (np.diff(key) != 0) | (np.diff(place) != 0)])
    weights = np.bincount(codes)
    sums = np.zeros((len(weights), logs.shape[1]))
    np.add.at(sums, codes, logs[rows])
    first = np.r_[0, np.cumsum(weights)[:-1]]
    size = 1.0
    if groups is not None:
        sizes = np.bincount(groups)
        size = float((sizes**2).sum() / n)
    return CountedPhotos(
        logs=sums / weights[:, None],
        predicted=predicted[rows][first],
        weights=weights.astype(np.int64),
        groups=None,
        group_size=size,
    )


def adjusted_counts(
    photos: CountedPhotos, evidence: Evidence, n_draws: int, rng: np.random.Generator
) -> AdjustedCounts:
    """Return counts, samples of them and the applied correction.

    With rejection, the last class is photos without a known product.
    """
    k = photos.logs.shape[1]
    fit = evidence.fit
    weights = photos.weights.astype(np.float64)
    mean_rejection = None if evidence.rejection is None else evidence.rejection.mean(axis=0)
    likelihoods = _with_rejection(fit.likelihoods(photos.logs), photos.predicted, mean_rejection)
    shares = first_shares(likelihoods, weights)
    by_photo = shares_of_photos(likelihoods, shares)
    plain = _plain(by_photo, photos)
    p_value = _match_of(photos, evidence, shares[:k])
    spread = np.sqrt(
        (evidence.spread * _factor(p_value, evidence.rule)) ** 2 + _group_variance(photos, fit)
    )
    draws = _draws(photos, evidence, fit.sample(spread, n_draws, rng), shares, rng)
    full = weights @ by_photo
    moved = float(np.linalg.norm(full - plain))
    uncertainty = float(np.sqrt(((draws - full) ** 2).mean(axis=0).sum()))
    weight = _weight(p_value, evidence.rule, moved=moved, uncertainty=uncertainty)
    left = (1 - weight) * (full - plain) * rng.standard_normal((n_draws, 1))
    best = plain + weight * (full - plain)
    errors = draws - draws.mean(axis=0) + left
    correction = CountCorrection(
        weight=round(weight, 4),
        p_value=None if p_value is None else round(p_value, 4),
        moved=round(moved, 4),
        uncertainty=round(uncertainty, 4),
        n_sources=evidence.n_sources,
        rule=evidence.rule,
    )
    return AdjustedCounts(
        counts=best, draws=whole_numbers(best + errors, photos.n, rng), correction=correction
    )


def _factor(p_value: float | None, rule: CorrectionRule) -> float:
    """Return the factor of the spread between sessions."""
    if rule == "full":
        return _FACTORS[-1]
    return 1.0 if p_value is None else float(np.exp(np.interp(p_value, _MATCHES, _LOG_FACTORS)))


def _weight(
    p_value: float | None, rule: CorrectionRule, *, moved: float, uncertainty: float
) -> float:
    if rule != "auto":
        return float(rule == "full")
    weight = evidence_weight(moved=moved, uncertainty=uncertainty)
    if p_value is None:
        return weight
    return max(weight, float(np.interp(p_value, _TRUSTED, (0, 1))))


_LOG_FACTORS = np.log(_FACTORS)


def whole_numbers(draws: Floats, total: int, rng: np.random.Generator) -> Integers:
    """Return non-negative integers near the draws with this sum in each row.

    Fractions are rounded up or down at random, so that means are kept (systematic sampling).

    >>> int(whole_numbers(np.array([[1.5, 0.75, -0.25]]), 2, np.random.default_rng(0)).sum())
    2
    """
    positive = np.maximum(draws, 0)
    sums = positive.sum(axis=1, keepdims=True)
    ends = np.cumsum(positive * (total / np.where(sums > 0, sums, 1)), axis=1)
    marks = np.floor(np.minimum(ends, total) + rng.random((len(draws), 1)))
    marks[:, -1] = total
    return np.diff(np.minimum(marks, total), axis=1, prepend=0).astype(np.int64)


def _with_rejection(likelihoods: Floats, predicted: Integers, rejection: Floats | None) -> Floats:
    """Return likelihoods with a column for unknown products, which are always rejected.

    Of a rejected photo only the rejection counts: it has the likelihood of being rejected.
    """
    if rejection is None:
        return likelihoods
    found = np.concatenate([likelihoods, np.zeros((len(likelihoods), 1))], axis=1)
    found[predicted == likelihoods.shape[1]] = np.append(rejection, 1.0)
    return found


def _plain(by_photo: Floats, photos: CountedPhotos) -> Floats:
    """Return the counts of predicted classes; rejected photos count by their probabilities."""
    found = np.zeros(by_photo.shape[1])
    accepted = photos.predicted < photos.logs.shape[1]
    np.add.at(found, photos.predicted[accepted], photos.weights[accepted])
    return np.asarray(found + photos.weights[~accepted] @ by_photo[~accepted])


def _match_of(photos: CountedPhotos, evidence: Evidence, shares: Floats) -> float | None:
    accepted = photos.predicted < photos.logs.shape[1]
    total = shares.sum()
    if not accepted.any() or total <= 0:
        return None
    return match(
        evidence.known,
        evidence.fit.likelihoods(photos.logs[accepted]),
        photos.predicted[accepted],
        photos.weights[accepted].astype(np.float64),
        shares / total,
    )


def _group_variance(photos: CountedPhotos, fit: Recalibration) -> Floats:
    """Return the variance of each bias because photos of one group are confused alike, shape (k,).

    A share ``p`` varies between groups by ``p (1 - p) * correlation``, its log odds by about
    ``correlation / (p (1 - p))``, which is 4 or more times the correlation.
    """
    k = photos.logs.shape[1]
    if photos.groups is None:
        return np.zeros(k)
    codes = np.unique(photos.groups, return_inverse=True)[1].ravel()
    found = np.zeros(k)
    for j in np.unique(photos.predicted[photos.predicted < k]):
        sizes = np.bincount(codes[photos.predicted == j])
        found[j] = 4 * fit.correlation * float((sizes**2).sum() / sizes.sum() ** 2)
    return np.minimum(found, _MOST_GROUP_SPREAD**2)


def _draws(
    photos: CountedPhotos,
    evidence: Evidence,
    samples: Floats,
    start: Floats,
    rng: np.random.Generator,
) -> Integers:
    """Return samples of the counts under the full correction."""
    found = np.empty((len(samples), len(start)), dtype=np.int64)
    for row, parameters in enumerate(samples):
        rejection = None if evidence.rejection is None else evidence.rejection[row]
        likelihoods = _with_rejection(
            evidence.fit.likelihoods(photos.logs, parameters), photos.predicted, rejection
        )
        weights = _random_weights(photos, rng)
        shares = class_shares(likelihoods, weights, start=start, prior=_PRIOR, steps=_STEPS)
        odds = shares_of_photos(likelihoods, shares)
        odds[:, -1] = np.maximum(1 - odds[:, :-1].sum(axis=1), 0)
        found[row] = rng.multinomial(photos.weights, odds).sum(axis=0)
    return found


def _random_weights(photos: CountedPhotos, rng: np.random.Generator) -> Floats:
    if photos.groups is None:
        drawn = photos.group_size * rng.standard_gamma(photos.weights / photos.group_size)
    else:
        codes = np.unique(photos.groups, return_inverse=True)[1].ravel()
        drawn = rng.standard_exponential(int(codes.max()) + 1)[codes]
    return np.asarray(drawn * photos.n / max(drawn.sum(), 1e-12), dtype=np.float64)
