r"""Paired differences of shares: of the same photos before and after a change.

Each photo is right or wrong for the first and for the second classifier. Photos on which both agree
cancel out: the difference of the accuracies is the share :math:`g` of photos that only the second
classifies correctly (gains) minus the share :math:`l` that only the first does (losses).

*Interval.* A cluster bootstrap gives each of the two shares an effective sample size and an exact
interval (`shelfvision.evaluation.scores._intervals`). The square-and-add method (MOVER) combines
them to an interval of :math:`g - l` (Newcombe 1998; Zou and Donner 2008). With the correlation
:math:`r = -\sqrt{gl/((1-g)(1-l))}` of two exclusive events, the lower end is

.. math:: g - l - \sqrt{(g - g_L)^2 + (l_U - l)^2 - 2r\,(g - g_L)(l_U - l)}.

Percentiles of bootstrapped differences are too narrow if few photos differ: without any loss among
100 photos, each resample has none either.

*Test.* If both classifiers are equally good, each group's sum of gains is as likely as its
negative. `sign_flip_p_value` is the exact probability, over all signs, of a total at least as far
from 0. If no group has two such photos, this is McNemar's exact test (1947).

References
----------
R. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
paired data", Statistics in Medicine 17 (1998) 2635-2650. G. Zou, A. Donner, "Construction of
confidence limits about effect measures: a general approach", Statistics in Medicine 27 (2008)
1693-1702. Q. McNemar, "Note on the sampling error of the difference between correlated proportions
or percentages", Psychometrika 12 (1947) 153-157.

Examples
--------
Four single photos are gains, and none is a loss. The same four photos in one burst are no evidence:

>>> sign_flip_p_value(np.array([1, 1, 1, 1])), sign_flip_p_value(np.array([4]))
(0.125, 1.0)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.evaluation.scores._intervals import Interval, exact_interval, score_interval
from shelfvision.evaluation.scores._resampling import Bootstrap, resampled_sums, share_of

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedShare:
    """A share of photos before and after, and the difference."""

    n: int
    """The number of photos, at least 1."""
    n_groups: int
    shares: tuple[float, float]
    only_first: int
    only_second: int
    difference: float
    interval: Interval
    p_value: float


def paired_shares(
    sides: tuple[Flags, Flags],
    groups: Integers,
    kinds: Integers,
    n_kinds: int,
    settings: Bootstrap,
) -> dict[int, PairedShare]:
    """Compare the shares of photos of each kind that has photos, such as each class.

    `groups` and `kinds` have one number for each photo, from 0.
    """
    first, second = sides
    losses, gains = first & ~second, second & ~first
    n_groups = int(groups.max()) + 1
    at = np.concatenate((groups[losses], groups[gains], groups))
    columns = np.concatenate((kinds[losses], n_kinds + kinds[gains], 2 * n_kinds + kinds))
    draws = resampled_sums(at, columns, (n_groups, 3 * n_kinds), settings)
    lost, gained, whole = np.split(draws, 3, axis=1)
    found = {}
    for kind in np.unique(kinds).tolist():
        among = kinds == kind
        drawn = [share_of(part[:, kind], whole[:, kind]) for part in (lost, gained)]
        part = first[among], second[among]
        found[kind] = _paired(part, groups[among], drawn, settings.confidence_level)
    return found


def _paired(
    sides: tuple[Flags, Flags], groups: Integers, draws: list[Floats], confidence_level: float
) -> PairedShare:
    first, second = sides
    n, n_groups = len(first), len(np.unique(groups))
    only = int((first & ~second).sum()), int((second & ~first).sum())
    lost, gained = (
        score_interval(drawn, count / n, n=n, n_groups=n_groups, confidence_level=confidence_level)
        for drawn, count in zip(draws, only, strict=True)
    )
    gains = second.astype(np.int64) - first
    return PairedShare(
        n=n,
        n_groups=n_groups,
        shares=(float(first.mean()), float(second.mean())),
        only_first=only[0],
        only_second=only[1],
        difference=float(second.mean()) - float(first.mean()),
        interval=_difference_interval((only[1] / n, *gained), (only[0] / n, *lost)),
        p_value=sign_flip_p_value(np.bincount(groups, weights=gains)),
    )


def _difference_interval(
    gains: tuple[float, float, float], losses: tuple[float, float, float]
) -> Interval:
    """Return the interval of a difference of two shares, each given with its interval."""
    (g, g_low, g_high), (l, l_low, l_high) = gains, losses  # noqa: E741  (as in the equation)
    r = -float(np.sqrt(g * l / ((1 - g) * (1 - l)))) if g * l else 0.0
    down, up = _added(g - g_low, l_high - l, r), _added(g_high - g, l - l_low, r)
    return max(-1.0, g - l - down), min(1.0, g - l + up)


def _added(one: float, other: float, r: float) -> float:
    return float(np.sqrt(max(0.0, one**2 + other**2 - 2 * r * one * other)))


def sign_flip_p_value(gains: npt.NDArray[np.generic]) -> float:
    """Return the exact two-sided p-value of the sum of gains, whose signs are random.

    `gains` has one whole number for each group. Groups with gains of one size have a binomial sum,
    and the sums of the sizes are convolved, so thousands of groups take milliseconds.
    """
    from scipy.signal import fftconvolve
    from scipy.stats import binom

    whole = np.rint(gains.astype(np.float64)).astype(np.int64)
    if np.abs(whole).max(initial=0) <= 1:
        return mcnemar_p_value(int((whole < 0).sum()), int((whole > 0).sum()))
    sizes, counts = np.unique(np.abs(whole), return_counts=True)
    total = abs(int(whole.sum()))
    # The chances of the sums -reach, -reach + 1, ..., reach.
    chances, reach = np.ones(1), 0
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        if size:
            spread = np.zeros(2 * size * count + 1)
            spread[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
            chances = spread if reach == 0 else fftconvolve(chances, spread)
            reach += size * count
    as_far = np.abs(np.arange(-reach, reach + 1)) >= total - 0.5
    return float(np.clip(chances[as_far].sum(), 0, 1))


def mcnemar_p_value(only_first: int, only_second: int) -> float:
    """Return the p-value of McNemar's exact test, for independent photos."""
    from scipy.stats import binomtest

    different = only_first + only_second
    return float(binomtest(only_first, different).pvalue) if different else 1.0


def widened_interval(
    draws: Floats, difference: float, *, n_groups: int, confidence_level: float
) -> Interval:
    """Return percentiles of bootstrapped differences, widened for few groups (Hesterberg 2015)."""
    from scipy.stats import norm, t

    seen = draws[np.isfinite(draws)]
    if n_groups < 2 or not len(seen):
        return -1.0, 1.0
    if np.ptp(seen) < 1e-12:
        # No group differs from the others: the upper limit of the share of groups that do.
        most = exact_interval(0.0, n_groups, confidence_level)[1]
        return difference - most * (1 + difference), difference + most * (1 - difference)
    upper = (1 + confidence_level) / 2
    far = float(norm.cdf(t.ppf(upper, n_groups - 1) * np.sqrt(n_groups / (n_groups - 1))))
    low, high = np.quantile(seen, [1 - far, far])
    return float(low), float(high)
