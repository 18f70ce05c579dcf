r"""Design effects: how many photos of a burst are worth one independent photo.

Photos of one group resemble each other. A share :math:`p` of :math:`n` independent photos has the
variance :math:`p(1-p)/n`; in groups the variance is :math:`d` times as large. This factor is the
design effect (Kish 1965), and :math:`n/d` is the effective sample size. Tests for independent
photos hold approximately if counts are divided by :math:`d` (Rao and Scott 1992). The variance is
estimated from the sums :math:`s_i` of the deviations from :math:`p` in each of :math:`g` groups:

.. math:: d = \frac{g}{g-1} \frac{\sum_i s_i^2}{n\,p(1-p)}

An estimate below 1 counts as 1. If all photos are equal, nothing can be estimated, and each group
counts as one photo: :math:`d = n/g`. For class shares the factor is the mean over all classes,
weighted with :math:`1-p_k` (Rao and Scott 1981, equation 3.5).

References
----------
L. Kish, "Survey sampling", 1965. J. Rao, A. Scott, "The analysis of categorical data from complex
sample surveys", JASA 76 (1981) 221-230. J. Rao, A. Scott, "A simple method for the analysis of
clustered binary data", Biometrics 48 (1992) 577-585.

Examples
--------
Ten groups of four equal photos are worth about ten photos, not forty:

>>> groups = np.repeat(np.arange(10), 4)
>>> round(share_design_effect(groups % 2 == 0, groups), 2)
4.44
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfvision.predictions.columns import Floats, Integers

_CUTS = np.arange(1, 10) / 10


def share_design_effect(members: npt.NDArray[np.bool_], groups: Integers) -> float:
    """Return the design effect of the share of photos that are members, at least 1."""
    n, g = len(members), len(_sizes(groups))
    share = float(members.mean()) if n else 0.0
    if not 0 < share < 1 or g in (1, n):
        return max(1.0, n / max(g, 1))
    sums = np.bincount(groups, weights=members - share)
    return max(1.0, float((sums**2).sum()) * g / (g - 1) / (n * share * (1 - share)))


def values_design_effect(values: Floats, groups: Integers) -> float:
    """Return the largest design effect of the shares below nine cuts, the deciles."""
    if not len(values):
        return 1.0
    cuts, most = np.unique(np.quantile(values, _CUTS)), values.max()
    # All photos are at or below the largest value, so it cannot be a cut.
    below = [values <= cut for cut in cuts[cuts < most]] or [values < most]
    return max(share_design_effect(members, groups) for members in below)


def classes_design_effect(numbers: Integers, groups: Integers) -> float:
    """Return the mean design effect of the shares of all classes, at least 1."""
    n, sizes = len(numbers), _sizes(groups)
    g = len(sizes)
    counts = np.bincount(numbers).astype(np.float64) if n else np.zeros(0)
    shares = counts[counts > 0] / max(n, 1)
    if len(shares) < 2 or g in (1, n):
        return max(1.0, n / max(g, 1))
    pairs, inside = np.unique(np.stack((groups, numbers)), axis=1, return_counts=True)
    of_class = np.zeros((2, len(counts)))
    np.add.at(of_class[0], pairs[1], inside.astype(np.float64) ** 2)
    np.add.at(of_class[1], pairs[1], inside * sizes[pairs[0]].astype(np.float64))
    squares, mixed = of_class[:, counts > 0]
    # The sum over groups of (count - size * share) ** 2.
    sums = squares - 2 * shares * mixed + shares**2 * float((sizes.astype(np.float64) ** 2).sum())
    return max(1.0, float((sums / shares).sum()) * g / (g - 1) / (n * (len(shares) - 1)))


def _sizes(groups: Integers) -> Integers:
    """Return the number of photos of each group; groups are numbered from 0."""
    return np.bincount(groups).astype(np.int64) if len(groups) else np.zeros(0, np.int64)
