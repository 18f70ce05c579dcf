r"""`compare`: a paired test of two classifiers on the same photos.

Only photos on which the two disagree carry information. The first classifier alone is right on
:math:`b` photos, the second alone on :math:`c`. McNemar's exact test (1947) returns the probability
of a split at least as uneven as :math:`b : c` in :math:`b + c` tosses of a fair coin.

Photos of one group are not independent tosses. If a group has several such photos, the test gives
each group's sum of gains a random sign, 9,999 times. It counts how often the total is at least as
far from 0 as the observed one: :math:`p = (1 + \#)/(1 + 9999)` (Davison and Hinkley 1997, section
4.3).

The confidence interval of the difference resamples the *same* groups for both classifiers and takes
percentiles of the differences. It is widened if there are few groups: the ends are the quantiles
:math:`\Phi(\pm t_{1-a/2,\,g-1} \sqrt{g/(g-1)})` (Hesterberg 2015).

Examples
--------
The second classifier alone is right on 4 photos, the first alone on none:

>>> _mcnemar(0, 4)
0.125
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._random import rng_for
from shelfvision._validation import counted
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation.report._report import EvaluationReport
from shelfvision.evaluation.scores._intervals import Interval, exact_interval
from shelfvision.evaluation.scores._outcomes import Outcomes, outcomes_of
from shelfvision.evaluation.scores._resampling import Bootstrap, Draws, draws_of

_FLIPS = 9_999
_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Differences between two reports on the same photos; prints as a short table."""

    n: int
    """The number of photos that both classifiers could read."""
    n_groups: int
    """The number of groups of these photos."""
    accuracies: tuple[float, float]
    """The accuracy of the first and of the second classifier on these photos."""
    macro_f1s: tuple[float, float]
    """Their macro F1."""
    difference: float
    """The accuracy of the second minus that of the first."""
    interval: Interval
    """The confidence interval of the difference, from a cluster bootstrap that resamples the same
    groups for both. It is widened if there are few groups."""
    macro_f1_difference: float
    """The macro F1 of the second minus that of the first."""
    macro_f1_interval: Interval
    """The confidence interval of the difference in macro F1."""
    only_first: int
    """The number of photos on which only the first is right."""
    only_second: int
    """The number of photos on which only the second is right."""
    p_value: float
    """The probability of a difference at least this large if both are equally good. If no group has
    two photos on which the two disagree, McNemar's exact test. Otherwise a permutation test that
    swaps whole groups, with 9,999 permutations."""
    mcnemar_p_value: float
    """The p-value of McNemar's exact test, which assumes independent photos. It is too small if
    photos come in bursts."""
    confidence_level: float
    """The confidence level of the intervals, such as 0.95."""

    def __str__(self) -> str:
        """Return the comparison in a few lines."""
        level = f"{100 * self.confidence_level:g} %"
        rows = (
            ("accuracy", self.accuracies, self.difference, self.interval),
            ("macro F1", self.macro_f1s, self.macro_f1_difference, self.macro_f1_interval),
        )
        lines = [
            f"{name}  {a:.3f} and {b:.3f}: {change:+.3f}  ({level}: {low:+.3f} to {high:+.3f})"
            for name, (a, b), change, (low, high) in rows
        ]
        photos = (
            f"photos    {self.n:,} in {counted(self.n_groups, 'group')}; only the first right "
            f"{self.only_first:,}, only the second {self.only_second:,}"
        )
        return "\n".join([*lines, photos, f"p-value   {self.p_value:.3g}"])


def compare(first: EvaluationReport, second: EvaluationReport) -> Comparison:
    """Compare two classifiers on the same photos, with confidence intervals and a p-value.

    Two classifiers whose intervals overlap may still differ significantly: photos that are hard for
    one are mostly hard for the other, and only photos on which they disagree count.

    Parameters
    ----------
    first, second : EvaluationReport
        Reports on the same photos in the same order. The order of their class names may differ, and
        either may have classes without photos here. Confidence level, resamples, seed and groups
        are those of the first.

    Returns
    -------
    Comparison
        The differences, with confidence intervals and a p-value.

    Raises
    ------
    InvalidParameterError
        An argument is not an `EvaluationReport`.
    DataError
        Photos or labels of the reports differ, or no photo could be read by both.

    References
    ----------
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947) 153-157. A. Davison, D. Hinkley, "Bootstrap methods and
    their application", 1997 (swapping whole groups). T. Hesterberg, "What teachers should know
    about the bootstrap", American Statistician 69 (2015) 371-386 (wider percentiles).

    Examples
    --------
    >>> import shelfvision as shv
    >>> names, true = ["can", "jar"], [0, 0, 0, 0, 1, 1, 1, 1]
    >>> old = shv.Predictions([[0.9, 0.1]] * 8, names, list("abcdefgh"))
    >>> new = shv.Predictions([[0.9, 0.1]] * 4 + [[0.2, 0.8]] * 4, names, list("abcdefgh"))
    >>> found = shv.compare(shv.EvaluationReport(old, true), shv.EvaluationReport(new, true))
    >>> found.difference, found.p_value
    (0.5, 0.125)
    """
    _require_same(first, second)
    a, b = _both(first, second)
    settings = first.bootstrap
    draws = draws_of(a, settings), draws_of(b, settings)
    accuracies = float(a.correct.mean()), float(b.correct.mean())
    macros = a.macro_f1, b.macro_f1
    only_first, only_second = (
        int((a.correct & ~b.correct).sum()),
        int((b.correct & ~a.correct).sum()),
    )
    return Comparison(
        n=len(a),
        n_groups=a.n_groups,
        accuracies=accuracies,
        macro_f1s=macros,
        difference=accuracies[1] - accuracies[0],
        interval=_between(draws, "accuracy", a.n_groups, settings),
        macro_f1_difference=macros[1] - macros[0],
        macro_f1_interval=_between(draws, "macro_f1", a.n_groups, settings),
        only_first=only_first,
        only_second=only_second,
        p_value=_p_value(a, b, settings.seed),
        mcnemar_p_value=_mcnemar(only_first, only_second),
        confidence_level=settings.confidence_level,
    )


def _require_same(first: EvaluationReport, second: EvaluationReport) -> None:
    for name, report in (("first", first), ("second", second)):
        if not isinstance(report, EvaluationReport):
            raise InvalidParameterError(
                f"compare takes two reports of evaluate, got {type(report).__name__}",
                code="wrong-type",
                parameter=name,
            )
    same = {
        "photos": list(first.predictions.ids) == list(second.predictions.ids),
        "labels": np.array_equal(first.true_names, second.true_names),
    }
    other = [name for name, equal in same.items() if not equal]
    if other:
        raise DataError(
            f"the two reports have different {other[0]}; evaluate both classifiers on the same "
            "dataset",
            code="inconsistent",
            parameter="second",
        )


def _both(first: EvaluationReport, second: EvaluationReport) -> tuple[Outcomes, Outcomes]:
    """Return the photos that both could read, with the groups of the first."""
    a = outcomes_of(first.predictions, first.labels, first.groups)
    b = outcomes_of(second.predictions, second.labels, second.groups)
    rows = np.intersect1d(a.rows, b.rows)
    if not len(rows):
        raise DataError(
            "compare needs a photo that both classifiers could read, got none",
            code="no-common-photos",
        )
    a, b = a.select(np.isin(a.rows, rows)), b.select(np.isin(b.rows, rows))
    return a, b.with_groups(a.groups)


def _between(
    draws: tuple[Draws, Draws], score: str, n_groups: int, settings: Bootstrap
) -> Interval:
    """Return percentiles of the differences, widened for few groups."""
    from scipy.stats import norm, t

    a, b = (getattr(one, score) for one in draws)
    upper = (1 + settings.confidence_level) / 2
    if n_groups < 2:
        return -1.0, 1.0
    if not np.ptp(b - a):
        # The two agree on every group: the upper limit of the share of groups on which they differ.
        most = exact_interval(0.0, n_groups, settings.confidence_level)[1]
        return -most, most
    far = float(norm.cdf(t.ppf(upper, n_groups - 1) * np.sqrt(n_groups / (n_groups - 1))))
    low, high = np.quantile(b - a, [1 - far, far])
    return float(low), float(high)


def _mcnemar(only_first: int, only_second: int) -> float:
    from scipy.stats import binomtest

    different = only_first + only_second
    return float(binomtest(only_first, different).pvalue) if different else 1.0


def _p_value(a: Outcomes, b: Outcomes, seed: int) -> float:
    gains = b.correct.astype(np.int64) - a.correct
    per_group = np.bincount(a.groups, weights=gains, minlength=a.n_groups)
    telling = np.bincount(a.groups, weights=np.abs(gains), minlength=a.n_groups)
    if telling.max(initial=0) <= 1:
        return _mcnemar(int((gains < 0).sum()), int((gains > 0).sum()))
    return _flipped(per_group[per_group != 0], seed)


def _flipped(gains: npt.NDArray[np.float64], seed: int) -> float:
    """Return the p-value of the sum of gains if the sign of every group's gain is random."""
    if not len(gains):
        return 1.0
    rng = rng_for(seed, "sign flips")
    step = max(1, _AT_ONCE // len(gains))
    as_far = 0
    for start in range(0, _FLIPS, step):
        signs = rng.integers(2, size=(min(step, _FLIPS - start), len(gains))) * 2 - 1
        as_far += int((np.abs(signs @ gains) >= np.abs(gains.sum()) - 1e-9).sum())
    return (1 + as_far) / (1 + _FLIPS)
