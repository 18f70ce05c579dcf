r"""Confidence intervals of scores: an effective sample size from a cluster bootstrap.

Photos of one session resemble each other, so 1,000 photos of 15 sessions carry less information
about a classifier than 1,000 independent photos. Three steps measure how much less:

1. *Variance.* Whole groups are resampled (`draws_of`), and the variance :math:`v` of the score over
   the resamples is multiplied by :math:`g/(g-1)` for :math:`g` groups (Field and Welsh 2007).
2. *Effective sample size.* A share :math:`p` of :math:`n` independent photos has the variance
   :math:`p(1-p)/n`. So a score with the variance :math:`v` is worth :math:`n^* = p(1-p)/v` photos,
   at most :math:`n`. An estimate of :math:`v` from few groups is imprecise; :math:`n^*` is
   therefore multiplied by :math:`(z_{1-a/2}/t_{1-a/2,\,g-1})^2` (Korn and Graubard 1998).
3. *Interval.* Clopper and Pearson's exact binomial interval (1934) for :math:`p n^*` of
   :math:`n^*`. It has a useful width even if all predictions are correct and a bootstrap has no
   variance.

F1 is not a share of photos, but a function of one: :math:`F_1 = 2J/(1+J)` with the Jaccard index
:math:`J`: among the photos that are of the class or predicted as it, the share that are both.

References
----------
E. Korn, B. Graubard, "Confidence intervals for proportions with small expected number of positive
counts estimated from survey data", Survey Methodology 24 (1998) 193-201. C. Field, A. Welsh,
"Bootstrapping clustered data", Journal of the Royal Statistical Society B 69 (2007) 369-390.
C. Clopper, E. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
binomial", Biometrika 26 (1934) 404-413.

Examples
--------
30 of 30 photos are correct. If they are independent, the lower end is

>>> round(exact_interval(1.0, 30, 0.95)[0], 2)
0.88

but with only 5 groups and no variance between them, each group is one trial:

>>> low, high = score_interval(
...     np.ones(100), 1.0, n=30, n_groups=5, confidence_level=0.95
... )
>>> round(low, 2)
0.48
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision.evaluation.scores._outcomes import Outcomes
from shelfvision.evaluation.scores._resampling import Bootstrap, Draws, draws_of, share_of

Interval = tuple[float, float]
"""The lower and the upper end, both 0 to 1 for a score."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassIntervals:
    """Confidence intervals of the scores of one class."""

    precision: Interval
    """The interval of its precision."""
    recall: Interval
    """The interval of its recall."""
    f1: Interval
    """The interval of its F1."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Confidence intervals of the scores of a report: lower and upper ends."""

    confidence_level: float
    """The share of such intervals that contain the true score, such as 0.95."""
    resamples: int
    """The number of bootstrap resamples of the groups."""
    n_groups: int
    """The number of groups of photos; with fewer groups, the intervals are wider."""
    accuracy: Interval
    """The interval of the accuracy."""
    macro_f1: Interval
    """The interval of the macro F1."""
    per_class: dict[str, ClassIntervals]
    """The intervals of every class, by name."""


def intervals_of(
    outcomes: Outcomes, class_names: tuple[str, ...], settings: Bootstrap
) -> Intervals:
    """Return the intervals of all scores."""
    draws = draws_of(outcomes, settings)
    macro = score_interval(
        draws.macro_f1,
        outcomes.macro_f1,
        n=len(outcomes),
        n_groups=outcomes.n_groups,
        confidence_level=settings.confidence_level,
    )
    return Intervals(
        confidence_level=settings.confidence_level,
        resamples=settings.resamples,
        n_groups=outcomes.n_groups,
        accuracy=_accuracy(outcomes, draws, settings),
        macro_f1=macro,
        per_class={
            name: _of_class(number, outcomes, draws, settings.confidence_level)
            for number, name in enumerate(class_names)
        },
    )


def accuracy_interval(outcomes: Outcomes, settings: Bootstrap) -> Interval:
    """Return the confidence interval of the accuracy."""
    return _accuracy(outcomes, draws_of(outcomes, settings), settings)


def _accuracy(outcomes: Outcomes, draws: Draws, settings: Bootstrap) -> Interval:
    return score_interval(
        draws.accuracy,
        float(outcomes.correct.mean()),
        n=len(outcomes),
        n_groups=outcomes.n_groups,
        confidence_level=settings.confidence_level,
    )


def _of_class(
    number: int, outcomes: Outcomes, draws: Draws, confidence_level: float
) -> ClassIntervals:
    right, support, predicted = (
        x[:, number] for x in (draws.right, draws.support, draws.predicted)
    )
    true, predicted_as = outcomes.true == number, outcomes.predicted == number
    # F1 is a function of the Jaccard index, which is a share of photos.
    low, high = _share_interval(
        right, support + predicted - right, true | predicted_as, outcomes, confidence_level
    )
    return ClassIntervals(
        precision=_share_interval(right, predicted, predicted_as, outcomes, confidence_level),
        recall=_share_interval(right, support, true, outcomes, confidence_level),
        f1=(2 * low / (1 + low), 2 * high / (1 + high)),
    )


def _share_interval(
    right: npt.NDArray[np.float64],
    whole: npt.NDArray[np.float64],
    among: npt.NDArray[np.bool_],
    outcomes: Outcomes,
    confidence_level: float,
) -> Interval:
    """Return the confidence interval of the share of correct photos among some photos."""
    n = int(among.sum())
    if n == 0:
        return 0.0, 1.0
    groups = len(np.unique(outcomes.groups[among]))
    share = float(outcomes.correct[among].mean())
    return score_interval(
        share_of(right, whole), share, n=n, n_groups=groups, confidence_level=confidence_level
    )


def score_interval(
    draws: npt.NDArray[np.float64], score: float, *, n: int, n_groups: int, confidence_level: float
) -> Interval:
    """Return the confidence interval of a score, after Korn and Graubard.

    The score counts as a share of the number of independent photos that have the same variance: at
    most `n`, and the number of groups if the draws do not vary at all.
    """
    from scipy.stats import norm, t

    seen = draws[np.isfinite(draws)]
    spread = float(seen.var()) if len(seen) else 0.0
    if n_groups < 2 or spread < 1e-12:
        return exact_interval(score, min(n, n_groups), confidence_level)
    size = min(score * (1 - score) / (spread * n_groups / (n_groups - 1)), n)
    upper = (1 + confidence_level) / 2
    # The variance itself is estimated from the groups: the fewer, the less precise.
    return exact_interval(
        score, size * float(norm.ppf(upper) / t.ppf(upper, n_groups - 1)) ** 2, confidence_level
    )


def exact_interval(share: float, n: float, confidence_level: float) -> Interval:
    """Return the Clopper-Pearson interval of a share among `n`, which may be fractional."""
    from scipy.stats import beta

    if n <= 0:
        return 0.0, 1.0
    outside, right = (1 - confidence_level) / 2, share * n
    wrong = n - right
    low = float(beta.ppf(outside, right, wrong + 1)) if right > 0 else 0.0
    high = float(beta.ppf(1 - outside, right + 1, wrong)) if wrong > 0 else 1.0
    return low, high
