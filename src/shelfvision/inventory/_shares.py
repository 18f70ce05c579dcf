"""How a classifier may confuse new photos, after what it did to validation photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.inventory._confusion import Confusion

Floats = npt.NDArray[np.float64]

_SHARES = np.linspace(0.02, 0.995, 40)
_STRENGTHS = np.geomspace(0.5, 500, 16)
"""How alike classes may be: as if each had so many photos beside its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares:
    """What is known of the shares that each class is taken for each class.

    A class is right in some share of its photos. These shares scatter around a mean, and what the
    wrong ones are taken for scatters around what wrong photos are taken for overall. How much both
    scatter is learned from all classes, so that a class with few photos leans on the others, as
    far as these are alike.
    """

    counts: Floats
    """How many photos of each class (rows) were taken for each, clustered ones counted less."""
    clustering: float
    """How alike photos of one group are confused, 0 to 1."""
    right: Floats
    """How probable each mean share and strength is, flat, in the order of both."""
    wrong: Floats
    """How probable each strength is for what wrong photos are taken for."""

    @classmethod
    def known_from(cls, confusion: Confusion) -> Shares:
        """Return what validation photos tell."""
        clustering = confusion.clustering()
        counts = confusion.effective(clustering)
        return cls(
            counts=counts,
            clustering=clustering,
            right=_probable(_of_right(counts)).ravel(),
            wrong=_probable(_of_wrong(counts)),
        )

    def draws(self, n: int, rng: np.random.Generator) -> Floats:
        """Return shares as they may be in all photos of each class, shape (n, k, k)."""
        chosen = rng.choice(self.right.size, n, p=self.right)
        strength = _STRENGTHS[chosen // _SHARES.size][:, None]
        mean = _SHARES[chosen % _SHARES.size][:, None]
        right, wrong = _parted(self.counts)
        accuracy = rng.beta(strength * mean + right, strength * (1 - mean) + wrong.sum(axis=1))
        scatter = rng.choice(_STRENGTHS, n, p=self.wrong)[:, None, None]
        shares = _dirichlet(scatter * _popular(wrong) + wrong, rng) * (1 - accuracy)[:, :, None]
        diagonal = np.arange(len(self.counts))
        shares[:, diagonal, diagonal] = accuracy
        return np.asarray(shares, dtype=np.float64)

    def scattered(self, shares: Floats, n_groups: Floats, rng: np.random.Generator) -> Floats:
        """Return shares as they may be in some photos, given those in all, shape (n, k, k).

        `n_groups` says from how many groups the photos of each class come: the fewer, the further
        their shares may be from those of all photos of the class.
        """
        if self.clustering == 0:
            return shares
        # The mean of so many groups varies as much as this Dirichlet distribution.
        strength = np.maximum(n_groups / self.clustering - 1, 1e-2)
        return _dirichlet(shares * strength[:, None], rng)


def _parted(counts: Floats) -> tuple[Floats, Floats]:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    return np.diag(counts), wrong


def _popular(wrong: Floats) -> Floats:
    """Return what wrong photos of each class are taken for if classes do not matter."""
    popular = np.tile(wrong.sum(axis=0) + 0.5, (len(wrong), 1))
    np.fill_diagonal(popular, 0)
    return np.asarray(popular / np.maximum(popular.sum(axis=1, keepdims=True), 1e-300))


def _of_right(counts: Floats) -> Floats:
    """Return the logarithm of how likely the right photos are, shape (strengths, shares)."""
    from scipy.special import betaln

    right, wrong = _parted(counts)
    strength, mean = _STRENGTHS[:, None, None], _SHARES[:, None]
    first, second = strength * mean, strength * (1 - mean)
    found = betaln(first + right, second + wrong.sum(axis=1)) - betaln(first, second)
    return np.asarray(found.sum(axis=2), dtype=np.float64)


def _of_wrong(counts: Floats) -> Floats:
    """Return the logarithm of how likely it is what wrong photos were taken for."""
    from scipy.special import gammaln

    wrong = _parted(counts)[1]
    popular, there = _popular(wrong), wrong > 0
    totals = wrong.sum(axis=1)
    totals = totals[totals > 0]
    found = []
    for strength in _STRENGTHS:
        prior = strength * popular[there]
        cells = gammaln(prior + wrong[there]) - gammaln(prior)
        found.append(cells.sum() + (gammaln(strength) - gammaln(strength + totals)).sum())
    return np.array(found)


def _probable(likely: Floats) -> Floats:
    weights = np.exp(likely - likely.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _dirichlet(weights: Floats, rng: np.random.Generator) -> Floats:
    drawn = np.maximum(rng.standard_gamma(weights), 1e-300 * (weights > 0))
    return np.asarray(drawn / np.maximum(drawn.sum(axis=-1, keepdims=True), 1e-300))
