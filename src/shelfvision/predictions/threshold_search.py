"""Choose the lowest accepted confidence, for a given precision or by costs.

Sort the photos by decreasing confidence. Each threshold accepts the first photos. Their share of
all photos is the coverage, and the share of wrong predictions among them is the selective risk
(El-Yaniv and Wiener 2010). `RiskCoverage` contains the counts of both for each threshold.

**By precision**, with a confidence level: for each threshold the hypothesis "the risk is larger
than 1 - precision" is tested. With ``b`` wrong groups among ``n`` accepted groups, its p-value is
the probability of at most ``b`` wrong ones under that risk, the Clopper-Pearson bound (1934)::

    p = sum over i <= b of  C(n, i) * risk**i * (1 - risk)**(n - i)

Testing all thresholds would need a correction for multiple tests. Instead thresholds are tested in
a fixed sequence, from few accepted photos to many, which ends at the first hypothesis that is not
rejected. The error of a sequence is therefore that of one test (fixed sequence testing in
Angelopoulos et al. 2021, section 2.3). A few sequences start at different coverages and share the
error. The tests count groups, because photos of one group are not independent.

**Without a confidence level** the precision is reached on average: the largest coverage at which
``(b + 1) / (n + 1)`` is at most the risk (Jin and Candes 2023).

**By costs**: the threshold with the smallest sum of ``mistake_cost`` for each accepted mistake and
``review_cost`` for each photo that is reviewed (Chow 1970).

>>> import numpy as np
>>> confidences = np.linspace(1, 0.5, 400, dtype=np.float32)
>>> wrong = np.arange(400) >= 300
>>> found = by_precision(
...     confidences, wrong, np.arange(400), precision=0.95, confidence_level=0.95
... )
>>> found.n_accepted, found.n_mistakes
(306, 6)

R. El-Yaniv, Y. Wiener, "On the foundations of noise-free selective classification", JMLR 11 (2010).
C. Clopper, E. Pearson, Biometrika 26 (1934) 404-413. A. Angelopoulos, S. Bates, E. Candes,
M. Jordan, L. Lei, "Learn then test", arXiv:2110.01052 (2021). Y. Jin, E. Candes, "Selection by
prediction with conformal p-values", JMLR 24 (2023). C. Chow, "On optimum recognition error and
reject tradeoff", IEEE Transactions on Information Theory 16 (1970) 41-46.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.predictions.columns import TOLERANCE, Floats, Integers

STEP = 1.05
"""The growth of the number of accepted groups from one test to the next."""
START = 3
"""The growth of the number of accepted groups from one start of a sequence to the next."""
MANY = 10**7
"""The largest number of accepted groups that the estimate of `needed` tries."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One threshold, and its counts on the photos that it was chosen on."""

    value: float | None
    """The lowest accepted confidence; None accepts nothing."""
    n_accepted: int
    """The number of accepted photos."""
    n_mistakes: int
    """The number of accepted photos with a wrong prediction."""
    needed: int | None
    """If nothing is accepted, how many groups would be enough; None if no number is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCoverage:
    """The risk-coverage curve: counts for each threshold, one point per distinct confidence."""

    values: Floats
    """The thresholds, decreasing."""
    photos: Integers
    """The number of accepted photos."""
    mistakes: Integers
    """The number of accepted photos with a wrong prediction."""
    groups: Integers
    """The number of groups with accepted photos."""
    bad_groups: Integers
    """The number of groups with a wrong accepted photo."""
    steps: Integers | None = None
    """The number of times that a photo is newly accepted or gets a more specific answer; None if
    photos are only newly accepted."""


def by_precision(
    confidences: npt.NDArray[np.float32],
    wrong: Mask,
    groups: Integers,
    *,
    precision: float,
    confidence_level: float | None,
) -> Choice:
    """Return the lowest threshold for which the photos support the precision."""
    curve = _risk_coverage(confidences, wrong, groups)
    return by_risk_coverage(curve, precision=precision, confidence_level=confidence_level)


def by_risk_coverage(
    curve: RiskCoverage, *, precision: float, confidence_level: float | None
) -> Choice:
    """Return the lowest threshold for which the curve supports the precision."""
    if confidence_level is None:
        point = _on_average(curve, 1 - precision)
    else:
        point = _with_confidence(curve, 1 - precision, 1 - confidence_level)
    if point is None:
        needed = _needed(
            curve, 1 - precision, None if confidence_level is None else 1 - confidence_level
        )
        return Choice(value=None, n_accepted=0, n_mistakes=0, needed=needed)
    return _choice(curve, point)


def by_cost(
    confidences: npt.NDArray[np.float32],
    wrong: Mask,
    *,
    mistake_cost: float,
    review_cost: float,
) -> Choice:
    """Return the threshold with the lowest cost on these photos."""
    curve = _risk_coverage(confidences, wrong, np.arange(len(wrong)))
    costs = curve.mistakes * mistake_cost - curve.photos * review_cost
    # Tolerance for rounding of sums, far below the cost of one review.
    same = 1e-9 * len(wrong) * max(mistake_cost, review_cost)
    if not len(costs) or costs.min() > same:
        return Choice(value=None, n_accepted=0, n_mistakes=0, needed=None)
    # Of thresholds with the same cost, choose the one with the fewest reviews.
    return _choice(curve, int(np.flatnonzero(costs <= costs.min() + same)[-1]))


def _choice(curve: RiskCoverage, point: int) -> Choice:
    return Choice(
        value=float(curve.values[point]),
        n_accepted=int(curve.photos[point]),
        n_mistakes=int(curve.mistakes[point]),
        needed=None,
    )


def _risk_coverage(
    confidences: npt.NDArray[np.float32], wrong: Mask, groups: Integers
) -> RiskCoverage:
    order = np.argsort(-confidences, kind="stable")
    values = confidences[order].astype(np.float64)
    # Number of photos that reach each value within the tolerance. Of values that accept the same
    # photos, only the smallest is a point of the curve.
    reached = np.searchsorted(-values, TOLERANCE - values, side="right")
    points = np.flatnonzero(np.append(reached[1:] > reached[:-1], True)[: len(values)])
    last = reached[points] - 1
    return RiskCoverage(
        values=values[points],
        photos=last + 1,
        mistakes=np.cumsum(wrong[order], dtype=np.int64)[last],
        groups=_distinct_so_far(groups[order], np.ones(len(values), np.bool_))[last],
        bad_groups=_distinct_so_far(groups[order], wrong[order])[last],
    )


def _distinct_so_far(codes: Integers, counted: Mask) -> Integers:
    """Return the running number of distinct codes among the counted positions."""
    places = np.flatnonzero(counted)
    new = np.zeros(len(codes), np.int64)
    new[places[np.unique(codes[places], return_index=True)[1]]] = 1
    return np.cumsum(new)


def _on_average(curve: RiskCoverage, risk: float) -> int | None:
    """Return the last point where ``(b + 1) / (n + 1)`` is at most the risk."""
    good = (curve.bad_groups + 1) <= risk * (curve.groups + 1) * (1 + 1e-12)
    return int(np.flatnonzero(good)[-1]) if good.any() else None


def _with_confidence(curve: RiskCoverage, risk: float, error: float) -> int | None:
    """Return the last point that a sequence of exact binomial tests reaches.

    Each sequence starts at a fixed number of accepted groups and continues with more groups while
    the hypothesis of too many mistakes is rejected. It stops at the first hypothesis that is not
    rejected, so its error is that of one test. The sequences share the allowed error.
    """
    n = int(curve.groups[-1]) if len(curve.groups) else 0
    starts = _starts(n, risk, error)
    reached = [_furthest(curve, start, risk, error / len(starts)) for start in starts]
    return max((point for point in reached if point is not None), default=None)


def _starts(n: int, risk: float, error: float) -> list[int]:
    """Return the numbers of accepted groups at which sequences start, for `n` groups."""
    number = 1
    while _fewest(risk, error / (number + 1)) * START**number <= n:
        number += 1
    return [_fewest(risk, error / number) * START**i for i in range(number)]


def _furthest(curve: RiskCoverage, start: int, risk: float, error: float) -> int | None:
    from scipy.stats import binom

    points = _points(curve, start)
    p_values = binom.cdf(curve.bad_groups[points], curve.groups[points], risk)
    failed = np.flatnonzero(~(p_values <= error))
    passed = points[: failed[0]] if len(failed) else points
    return int(passed[-1]) if len(passed) else None


def _points(curve: RiskCoverage, start: int) -> Integers:
    """Return the points to test; each accepts 5 % more groups than the previous one."""
    last = int(curve.groups[-1]) if len(curve.groups) else 0
    if last < start:
        return np.empty(0, np.int64)
    if curve.steps is None:
        points = np.searchsorted(curve.groups, _spaced(start, last))
    else:
        first = int(curve.steps[np.searchsorted(curve.groups, start)])
        points = np.searchsorted(curve.steps, _spaced(first, int(curve.steps[-1])))
    # The last point of the curve accepts all photos of all groups.
    return np.unique(np.append(points, len(curve.groups) - 1)).astype(np.int64)


def _spaced(start: int, last: int) -> list[int]:
    """Return numbers from start to last, each 5 % larger than the previous one."""
    sizes = [start]
    while sizes[-1] < last:
        sizes.append(min(last, max(sizes[-1] + 1, int(sizes[-1] * STEP))))
    return sizes


def _fewest(risk: float, error: float) -> int:
    """Return the smallest number of groups without mistakes that rejects a larger risk."""
    return math.ceil(math.log(error) / math.log1p(-risk) - 1e-9)


def _needed(curve: RiskCoverage, risk: float, error: float | None) -> int | None:
    """Return the number of groups that would be enough, if their mistakes were as frequent."""
    if not len(curve.groups):
        return None
    last = int(curve.groups[-1])
    points = _points(curve, min(10, last))
    if error is not None:
        error /= len(_starts(last, risk, error))
    found = []
    for point in points:
        accepted, bad = int(curve.groups[point]), int(curve.bad_groups[point])
        enough = _enough(bad / accepted, risk, error)
        if enough is not None:
            found.append(math.ceil(enough * last / accepted))
    return max(min(found), last + 1) if found else None


def _enough(rate: float, risk: float, error: float | None) -> int | None:
    """Return how many accepted groups with a given rate of mistakes support the risk."""
    from scipy.stats import binom

    if rate >= risk:
        return None
    if error is None:
        return math.ceil((1 - risk) / (risk - rate))
    n = np.ceil(np.geomspace(_fewest(risk, error), MANY, 400))
    supported = np.flatnonzero(binom.cdf(np.ceil(rate * n), n, risk) <= error)
    return int(n[supported[0]]) if len(supported) else None
