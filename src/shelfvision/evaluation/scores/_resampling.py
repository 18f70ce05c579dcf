"""Cluster bootstrap: whole groups are resampled, and scores are computed for each resample.

A resample draws as many groups as there are, with replacement; a group that is drawn twice counts
twice, with all its photos (Field and Welsh 2007, the randomized cluster bootstrap). Scores are
functions of three counts per class (correct, true, predicted). Counts of a resample are sums over
its groups, so all resamples are one product of a matrix "how often each group was drawn",
(resamples, groups), and a sparse matrix "what each group counts", (groups, 3 x classes).

References
----------
C. Field, A. Welsh, "Bootstrapping clustered data", Journal of the Royal Statistical Society B 69
(2007) 369-390.

Examples
--------
Two groups of two photos; the predictions of one group are correct, those of the other wrong. In
each resample the accuracy is 0, 0.5 or 1, because photos of a group stay together.

>>> right = np.array([0, 0, 0, 0])
>>> outcomes = Outcomes(
...     rows=np.arange(4), true=right, predicted=np.array([0, 0, 1, 1]),
...     confidences=np.ones(4), ranks=right, groups=np.array([0, 0, 1, 1]),
...     accepted=np.ones(4, bool), n_classes=2,
... )
>>> sorted(set(draws_of(outcomes, Bootstrap(resamples=50)).accuracy.tolist()))
[0.0, 0.5, 1.0]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import SupportsFloat, SupportsIndex, final

import numpy as np
import numpy.typing as npt

from shelfvision._random import rng_for
from shelfvision._validation import as_integer, as_number, as_seed
from shelfvision.evaluation.scores._outcomes import Outcomes

# The maximum number of values in memory at once.
_AT_ONCE = 4_000_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """How intervals are computed."""

    confidence_level: float = 0.95
    """The share of such intervals that contain the true score."""
    resamples: int = 1000
    """How many bootstrap samples of the groups are drawn."""
    seed: int = 42
    """The seed that they are drawn with."""


def bootstrap_of(
    confidence_level: SupportsFloat, resamples: SupportsIndex, seed: SupportsIndex
) -> Bootstrap:
    """Return the settings of a caller; raise if one is out of range."""
    level = as_number("confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True)
    return Bootstrap(
        confidence_level=level,
        resamples=as_integer("resamples", resamples, minimum=1),
        seed=as_seed(seed),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """Counts in every resample, shape (resamples, number of classes)."""

    right: npt.NDArray[np.float64]
    support: npt.NDArray[np.float64]
    predicted: npt.NDArray[np.float64]

    @property
    def accuracy(self) -> npt.NDArray[np.float64]:
        """The accuracy in every resample."""
        return share_of(self.right.sum(axis=1), self.support.sum(axis=1))

    @property
    def recall(self) -> npt.NDArray[np.float64]:
        """The recall of every class in every resample; NaN where it has no photos."""
        return share_of(self.right, self.support)

    @property
    def precision(self) -> npt.NDArray[np.float64]:
        """The precision of every class in every resample; NaN where it is not predicted."""
        return share_of(self.right, self.predicted)

    @property
    def f1(self) -> npt.NDArray[np.float64]:
        """The F1 of every class in every resample; NaN where it has no photos."""
        f1 = share_of(2 * self.right, self.support + self.predicted)
        return np.where(self.support > 0, f1, np.nan)

    @property
    def macro_f1(self) -> npt.NDArray[np.float64]:
        """The mean F1 of the classes with photos in every resample."""
        present = self.support > 0
        total = np.where(present, self.f1, 0.0).sum(axis=1)
        return share_of(total, present.sum(axis=1).astype(np.float64))


def group_counts(n_groups: int, settings: Bootstrap) -> Iterator[npt.NDArray[np.float64]]:
    """Yield how often each group is drawn, some resamples at a time, shape (some, n_groups)."""
    rng = rng_for(settings.seed, "bootstrap")
    step = max(1, _AT_ONCE // n_groups)
    for start in range(0, settings.resamples, step):
        some = min(step, settings.resamples - start)
        drawn = rng.integers(n_groups, size=(some, n_groups))
        drawn += np.arange(some)[:, None] * n_groups
        counts = np.bincount(drawn.ravel(), minlength=some * n_groups)
        yield counts.reshape(some, n_groups).astype(np.float64)


def draws_of(outcomes: Outcomes, settings: Bootstrap) -> Draws:
    """Return the counts of every resample of the groups."""
    k, g, right = outcomes.n_classes, outcomes.groups, outcomes.correct
    groups = np.concatenate((g[right], g, g))
    columns = np.concatenate((outcomes.true[right], k + outcomes.true, 2 * k + outcomes.predicted))
    sums = resampled_sums(groups, columns, (outcomes.n_groups, 3 * k), settings)
    right_, support, predicted = np.split(sums, 3, axis=1)
    return Draws(right=right_, support=support, predicted=predicted)


def resampled_sums(
    groups: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    shape: tuple[int, int],
    settings: Bootstrap,
    weights: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[np.float64]:
    """Return the sums of columns in every resample, shape (resamples, columns).

    Each entry adds its weight, by default 1, to one column whenever its group is drawn. `shape` is
    the number of groups and of columns. Equal settings draw the same groups.
    """
    from scipy.sparse import coo_matrix

    values = np.ones(len(groups)) if weights is None else weights
    held = coo_matrix((values, (groups, columns)), shape=shape).tocsr()
    parts = [(held.T @ counts.T).T for counts in group_counts(shape[0], settings)]
    return np.concatenate(parts)


def share_of(
    part: npt.NDArray[np.generic], whole: npt.NDArray[np.generic]
) -> npt.NDArray[np.float64]:
    """Return each part divided by its total; NaN if the total is zero."""
    parts, wholes = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(parts, wholes, out=np.full_like(parts, np.nan), where=wholes > 0)
