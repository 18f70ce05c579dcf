"""`ConfusionPosterior`: the distribution of the confusion matrix, given validation photos.

The accuracy of a class has a beta distribution, and the classes of its wrong predictions have a
Dirichlet distribution. Their parameters are shared by all classes and are fitted to the validation
photos on a grid (empirical Bayes), by the likelihood of the compound distribution of Mosimann
(1962): for counts ``n`` with sum ``N`` and parameters ``a`` with sum ``A``, ``gamma(A) / gamma(A +
N) * prod(gamma(a + n) / gamma(a))``. So a class with few photos borrows strength from the
others, the more the others resemble each other. A class with 9 of 10 correct predictions, among
classes with an accuracy of 90 %:

>>> import numpy as np
>>> found = ConfusionPosterior.of_counts(np.full((3, 3), 0.5) + 8.5 * np.eye(3), correlation=0.0)
>>> samples = found.sample(500, np.random.default_rng(0))
>>> round(float(samples[:, 0, 0].mean()), 1)
0.9
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.inventory.correcting._confusion import Confusion

Floats = npt.NDArray[np.float64]

_MEANS = np.linspace(0.02, 0.995, 40)
"""The grid of mean accuracies."""
_STRENGTHS = np.geomspace(0.5, 500, 16)
"""The grid of strengths: the number of photos that the prior of each class is worth."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfusionPosterior:
    """The posterior distribution of the confusion matrix."""

    counts: Floats
    """Effective counts: true classes in rows, predicted classes in columns."""
    correlation: float
    """The intraclass correlation of predictions in a group, 0 to 1."""
    right: Floats
    """The probability of each pair of strength and mean accuracy, flattened."""
    wrong: Floats
    """The probability of each strength for the classes of wrong predictions."""

    @classmethod
    def of(cls, confusion: Confusion) -> ConfusionPosterior:
        """Return the posterior, given the confusion of validation photos."""
        correlation = confusion.intraclass_correlation()
        return cls.of_counts(confusion.effective_counts(correlation), correlation=correlation)

    @classmethod
    def of_counts(cls, counts: Floats, *, correlation: float) -> ConfusionPosterior:
        """Return the posterior, given effective counts."""
        return cls(
            counts=counts,
            correlation=correlation,
            right=_normalized(_log_likelihood_of_right(counts)).ravel(),
            wrong=_normalized(_log_likelihood_of_wrong(counts)),
        )

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Return samples of the confusion matrix of all photos, shape (n, k, k)."""
        chosen = rng.choice(self.right.size, n, p=self.right)
        strength = _STRENGTHS[chosen // _MEANS.size][:, None]
        mean = _MEANS[chosen % _MEANS.size][:, None]
        right, wrong = _right_and_wrong(self.counts)
        accuracy = rng.beta(strength * mean + right, strength * (1 - mean) + wrong.sum(axis=1))
        scatter = rng.choice(_STRENGTHS, n, p=self.wrong)[:, None, None]
        shares = (
            _dirichlet(scatter * _overall(self.counts) + wrong, rng) * (1 - accuracy)[:, :, None]
        )
        diagonal = np.arange(len(self.counts))
        shares[:, diagonal, diagonal] = accuracy
        return np.asarray(shares, dtype=np.float64)

    def sample_for_groups(
        self, confusions: Floats, n_groups: Floats, rng: np.random.Generator
    ) -> Floats:
        """Return samples for some photos, given samples for all photos, shape (n, k, k).

        `n_groups` is the number of groups of each class. With few groups, the confusion of these
        photos may differ much from that of all photos of the class.
        """
        if self.correlation == 0:
            return confusions
        # The mean over these groups varies like this Dirichlet distribution.
        strength = np.maximum(n_groups / self.correlation - 1, 1e-2)
        return _dirichlet(confusions * strength[:, None], rng)


def _right_and_wrong(counts: Floats) -> tuple[Floats, Floats]:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    return np.diag(counts), wrong


def _overall(counts: Floats) -> Floats:
    """Return the shares of wrong predictions, independent of the true class, shape (k, k)."""
    wrong = _right_and_wrong(counts)[1]
    seen = counts.sum(axis=1) > 0
    # A class cannot be predicted wrongly for its own photos, so fewer rows add to its column.
    rows = np.maximum(seen.sum() - seen, 1)
    overall = np.tile((wrong.sum(axis=0) + 0.5) * (rows.min() / rows), (len(wrong), 1))
    np.fill_diagonal(overall, 0)
    return np.asarray(overall / np.maximum(overall.sum(axis=1, keepdims=True), 1e-300))


def _log_likelihood_of_right(counts: Floats) -> Floats:
    """Return the log-likelihood of the correct predictions, shape (strengths, means)."""
    from scipy.special import betaln

    right, wrong = _right_and_wrong(counts)
    strength, mean = _STRENGTHS[:, None, None], _MEANS[:, None]
    first, second = strength * mean, strength * (1 - mean)
    found = betaln(first + right, second + wrong.sum(axis=1)) - betaln(first, second)
    return np.asarray(found.sum(axis=2), dtype=np.float64)


def _log_likelihood_of_wrong(counts: Floats) -> Floats:
    """Return the log-likelihood of the classes of wrong predictions, shape (strengths,)."""
    from scipy.special import gammaln

    wrong = _right_and_wrong(counts)[1]
    overall, there = _overall(counts), wrong > 0
    totals = wrong.sum(axis=1)
    totals = totals[totals > 0]
    found = []
    for strength in _STRENGTHS:
        prior = strength * overall[there]
        cells = gammaln(prior + wrong[there]) - gammaln(prior)
        found.append(cells.sum() + (gammaln(strength) - gammaln(strength + totals)).sum())
    return np.array(found)


def _normalized(log_likelihoods: Floats) -> Floats:
    weights = np.exp(log_likelihoods - log_likelihoods.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _dirichlet(weights: Floats, rng: np.random.Generator) -> Floats:
    drawn = np.maximum(rng.standard_gamma(weights), 1e-300 * (weights > 0))
    return np.asarray(drawn / np.maximum(drawn.sum(axis=-1, keepdims=True), 1e-300))
