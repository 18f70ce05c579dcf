r"""`compare`: a paired test of two classifiers on the same photos.

Only photos on which the two disagree carry information. The first classifier alone is right on
:math:`b` photos, the second alone on :math:`c`. McNemar's exact test (1947) returns the probability
of a split at least as uneven as :math:`b : c` in :math:`b + c` tosses of a fair coin.

Photos of one group are not independent tosses. If a group has several such photos, the test gives
each group's sum of gains a random sign, and returns the exact probability of a total at least as
far from 0 as the observed one (Davison and Hinkley 1997, section 4.3).

The confidence intervals resample the *same* groups for both classifiers. That of the accuracy
combines the intervals of gains and losses (`shelfvision.evaluation.scores._paired`). That of the
macro F1 takes percentiles of the differences. It is widened if there are few groups: the ends are
the quantiles :math:`\Phi(\pm t_{1-a/2,\,g-1} \sqrt{g/(g-1)})` (Hesterberg 2015).

Examples
--------
The second classifier alone is right on 4 photos, the first alone on none:

>>> mcnemar_p_value(0, 4)
0.125
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from shelfvision._validation import counted
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation.report._report import EvaluationReport
from shelfvision.evaluation.scores._intervals import Interval
from shelfvision.evaluation.scores._outcomes import both_readable, outcomes_of
from shelfvision.evaluation.scores._paired import mcnemar_p_value, paired_shares, widened_interval
from shelfvision.evaluation.scores._resampling import draws_of


@final
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
    """The confidence interval of the difference. It combines exact intervals of gains and losses,
    with effective sample sizes from a cluster bootstrap."""
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
    two photos on which the two disagree, McNemar's exact test. Otherwise an exact permutation
    test that swaps whole groups."""
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
    a, b = both_readable(
        outcomes_of(first.predictions, first.labels, first.groups),
        outcomes_of(second.predictions, second.labels, second.groups),
    )
    settings = first.bootstrap
    everything = np.zeros(len(a), dtype=np.int64)
    found = paired_shares((a.correct, b.correct), a.groups, everything, 1, settings)[0]
    macros = a.macro_f1, b.macro_f1
    draws = draws_of(b, settings).macro_f1 - draws_of(a, settings).macro_f1
    return Comparison(
        n=len(a),
        n_groups=a.n_groups,
        accuracies=found.shares,
        macro_f1s=macros,
        difference=found.difference,
        interval=found.interval,
        macro_f1_difference=macros[1] - macros[0],
        macro_f1_interval=widened_interval(
            draws,
            macros[1] - macros[0],
            n_groups=a.n_groups,
            confidence_level=settings.confidence_level,
        ),
        only_first=found.only_first,
        only_second=found.only_second,
        p_value=found.p_value,
        mcnemar_p_value=mcnemar_p_value(found.only_first, found.only_second),
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
