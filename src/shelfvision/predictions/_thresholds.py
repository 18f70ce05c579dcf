"""`Thresholds`: from which confidence on a prediction is accepted, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_number
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._plain import count_of, exact_entries, list_of, optional_number
from shelfvision.predictions.columns import (
    TOLERANCE,
    Groups,
    as_groups,
    as_probabilities,
    judged,
    winners_of,
)
from shelfvision.predictions.threshold_search import Choice, by_cost, by_precision

if TYPE_CHECKING:
    from typing import Self

_COUNTS = ("n_photos", "n_groups", "n_accepted", "n_mistakes")
_SETTINGS = ("precision", "confidence_level", "mistake_cost", "review_cost")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which confidence on a prediction is accepted; all others are to review.

    Make them with `for_precision` or `for_cost`, or let ``Classifier.with_threshold`` do it.

    Examples
    --------
    >>> import shelfvision as shv
    >>> thresholds = shv.Thresholds(values=(0.8,))
    >>> thresholds.decide([[0.9, 0.1], [0.6, 0.4]]).tolist()
    ['accept', 'review']
    """

    values: tuple[float | None, ...]
    """The smallest confidence that is accepted: one for all classes, or one for each, chosen by
    the predicted class. None accepts nothing."""
    precision: float | None = None
    """The share of accepted photos that were asked to be right."""
    confidence_level: float | None = None
    """How probable it is that the precision is reached; None if it is reached on average only."""
    mistake_cost: float | None = None
    """What an accepted mistake costs, where costs decided."""
    review_cost: float | None = None
    """What a review costs, where costs decided."""
    n_photos: int = 0
    """How many photos the thresholds were chosen on."""
    n_groups: int = 0
    """In how many groups these were taken; photos of one group count once."""
    n_accepted: int = 0
    """How many of these photos are accepted."""
    n_mistakes: int = 0
    """How many of the accepted ones are wrong."""
    needed: tuple[int | None, ...] = ()
    """Where a value is None: how many groups of such photos would do, by rough estimate; None
    where no number would, or where there is a value."""

    def __post_init__(self) -> None:
        if not isinstance(self.values, Iterable):
            raise InvalidParameterError(
                f"values must be a tuple of thresholds, not {self.values!r}; write (0.8,)",
                code="wrong-type",
                parameter="values",
            )
        object.__setattr__(self, "values", tuple(self.values))
        for value in self.values:
            optional_number(value, "a threshold", 0, 1)
        if not self.values:
            raise InvalidParameterError(
                "values is empty; give one threshold, or one a class",
                code="empty",
                parameter="values",
            )
        if self.needed and len(self.needed) != len(self.values):
            raise InvalidParameterError(
                f"needed has {len(self.needed)} entries for {len(self.values)} values; give one "
                "for each",
                code="wrong-length",
                parameter="needed",
            )

    @property
    def per_class(self) -> bool:
        """Whether every class has a threshold of its own."""
        return len(self.values) > 1

    @classmethod
    def for_precision(
        cls,
        probabilities: npt.ArrayLike,
        labels: npt.ArrayLike,
        groups: Groups | None = None,
        *,
        precision: float = 0.98,
        confidence_level: float | None = 0.95,
        per_class: bool = False,
    ) -> Self:
        """Choose the smallest thresholds above which enough predictions are right.

        A group counts once, however many photos it has, and as a mistake if any of its accepted
        photos is wrong. With probability `confidence_level`, over the draw of the groups, at least
        `precision` of the groups with accepted photos are right, among photos that come from where
        these came from. Tests are exact binomial ones (the Clopper-Pearson bound), and go from few
        accepted to more until one fails, so that choosing costs no more than a division of the
        error among a few starts. This supposes that a higher threshold does not make predictions
        worse. Nothing is promised for products or places that these photos do not show.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            What is said of photos that the network was not trained on; calibrated, if that is
            what will be decided on.
        labels : array_like of int, shape (n,)
            The true class of each.
        groups : sequence, length n, optional
            What was taken together: photos of one burst, shelf or day are not independent. By
            default every photo is taken for a group of its own.
        precision : float, default=0.98
            The share of accepted predictions that shall be right, above 0 and below 1.
        confidence_level : float or None, default=0.95
            How probable it shall be that the precision is reached. None asks for it on average
            over such draws only, by the share of mistakes with one more imagined, which takes
            fewer photos and promises less.
        per_class : bool, default=False
            Whether every predicted class gets a threshold of its own, each with this promise for
            itself; it takes as many photos of each class as a global one takes in all.

        Returns
        -------
        Thresholds
            The thresholds. Where the photos do not support the precision, nothing is accepted, and
            `needed` says how many would do.

        Raises
        ------
        InvalidParameterError
            The columns do not fit together, or a number is out of range.
        DataError
            There are no photos.

        References
        ----------
        C. Clopper, E. Pearson, "The use of confidence or fiducial limits illustrated in the case
        of the binomial", Biometrika 26 (1934) 404-413. A. Angelopoulos, S. Bates, E. Candes,
        M. Jordan, L. Lei, "Learn then test: calibrating predictive algorithms to achieve risk
        control", arXiv:2110.01052 (2021). Y. Geifman, R. El-Yaniv, "Selective classification for
        deep neural networks", NeurIPS 2017. For ``confidence_level=None``: Y. Jin, E. Candes,
        "Selection by prediction with conformal p-values", JMLR 24 (2023).

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as shv
        >>> scores = np.tile([[0.9, 0.1], [0.55, 0.45]], (200, 1))
        >>> thresholds = shv.Thresholds.for_precision(scores, np.tile([0, 1], 200), precision=0.98)
        >>> round(thresholds.values[0], 2), thresholds.n_accepted
        (0.9, 200)
        """
        precision = as_number("precision", precision, minimum=0, maximum=1, exclusive=True)
        if confidence_level is not None:
            confidence_level = as_number(
                "confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True
            )
        scores = _Scores(probabilities, labels, groups)
        choices = [
            by_precision(
                scores.confidences[part],
                scores.wrong[part],
                scores.groups[part],
                precision=precision,
                confidence_level=confidence_level,
            )
            for part in scores.parts(per_class=per_class)
        ]
        return cls(
            precision=precision, confidence_level=confidence_level, **scores.summary(choices)
        )

    @classmethod
    def for_cost(
        cls,
        probabilities: npt.ArrayLike,
        labels: npt.ArrayLike,
        groups: Groups | None = None,
        *,
        mistake_cost: float,
        review_cost: float,
        per_class: bool = False,
    ) -> Self:
        """Choose the thresholds under which these photos would have cost least.

        Nothing is promised: what is cheapest here is a little dearer on other photos.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            What is said of photos that the network was not trained on.
        labels : array_like of int, shape (n,)
            The true class of each.
        groups : sequence, length n, optional
            What was taken together; only counted, for `n_groups`.
        mistake_cost : float
            What a wrong prediction costs that was accepted, above 0, in any currency.
        review_cost : float
            What it costs to have a person look at a photo, above 0, in the same.
        per_class : bool, default=False
            Whether every predicted class gets a threshold of its own.

        Returns
        -------
        Thresholds
            The thresholds; None where reviewing all was cheaper.

        Raises
        ------
        InvalidParameterError
            The columns do not fit together, or a cost is out of range.
        DataError
            There are no photos.

        References
        ----------
        C. Chow, "On optimum recognition error and reject tradeoff", IEEE Transactions on
        Information Theory 16 (1970) 41-46.
        """
        costs = {
            "mistake_cost": as_number("mistake_cost", mistake_cost, minimum=1e-9, maximum=1e12),
            "review_cost": as_number("review_cost", review_cost, minimum=1e-9, maximum=1e12),
        }
        scores = _Scores(probabilities, labels, groups)
        choices = [
            by_cost(scores.confidences[part], scores.wrong[part], **costs)
            for part in scores.parts(per_class=per_class)
        ]
        return cls(**costs, **scores.summary(choices))

    def decide(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.object_]:
        """Return what to do with each photo.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            Probabilities as they were when the thresholds were chosen: calibrated, if they were.
            Rows of NaN, of photos that could not be read, are to review.

        Returns
        -------
        ndarray of str, shape (n,)
            ``"accept"`` or ``"review"``. A confidence reaches a threshold within 1e-6, because the
            last bits of a probability depend on the processor.

        Raises
        ------
        InvalidParameterError
            There is a threshold for each class, but another number of classes.
        """
        rows = as_probabilities(probabilities, failed=True)
        if self.per_class and rows.shape[1] != len(self.values):
            raise InvalidParameterError(
                f"probabilities has {rows.shape[1]} columns, but there are {len(self.values)} "
                "thresholds, one a class; choose thresholds for this classifier",
                code="wrong-shape",
                parameter="probabilities",
            )
        # A row of NaN has the confidence NaN, which reaches no limit.
        winners, confidences = winners_of(rows)
        limits = np.array([np.inf if value is None else value for value in self.values])
        limit = limits[winners] if self.per_class else limits[0]
        decisions = np.full(len(rows), "review", dtype=object)
        decisions[confidences.astype(np.float64) >= limit - TOLERANCE] = "accept"
        return decisions

    def to_dict(self) -> dict[str, object]:
        """Return the thresholds as plain JSON values."""
        plain: dict[str, object] = {name: getattr(self, name) for name in (*_SETTINGS, *_COUNTS)}
        return plain | {"values": list(self.values), "needed": list(self.needed)}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the thresholds that `to_dict` gave; anything else is refused.

        Parameters
        ----------
        values : mapping
            Plain JSON values.

        Returns
        -------
        Thresholds
            The thresholds.

        Raises
        ------
        InvalidParameterError
            An entry is missing, unknown, or of a kind or size that makes no sense.
        """
        keys = ("values", "needed", *_SETTINGS, *_COUNTS)
        entries = exact_entries(_with_current_names(values), keys, "a set of thresholds")
        limits = list_of(entries["values"], "values")
        needed = list_of(entries["needed"], "needed")
        return cls(
            values=tuple(optional_number(value, "a threshold", 0, 1) for value in limits),
            needed=tuple(None if n is None else count_of(n, "needed") for n in needed),
            precision=optional_number(entries["precision"], "precision", 0, 1),
            confidence_level=optional_number(entries["confidence_level"], "confidence_level", 0, 1),
            mistake_cost=optional_number(entries["mistake_cost"], "mistake_cost", 0, 1e300),
            review_cost=optional_number(entries["review_cost"], "review_cost", 0, 1e300),
            n_photos=count_of(entries["n_photos"], "n_photos"),
            n_groups=count_of(entries["n_groups"], "n_groups"),
            n_accepted=count_of(entries["n_accepted"], "n_accepted"),
            n_mistakes=count_of(entries["n_mistakes"], "n_mistakes"),
        )


def _with_current_names(values: Mapping[str, object]) -> Mapping[str, object]:
    """Return the entries by today's names; older bundles call the confidence level confidence."""
    if not isinstance(values, Mapping) or "confidence_level" in values:
        return values
    return {{"confidence": "confidence_level"}.get(key, key): one for key, one in values.items()}


class _Summary(TypedDict):
    values: tuple[float | None, ...]
    needed: tuple[int | None, ...]
    n_photos: int
    n_groups: int
    n_accepted: int
    n_mistakes: int


class _Scores:
    """Photos to choose on, column by column."""

    def __init__(
        self, probabilities: npt.ArrayLike, labels: npt.ArrayLike, groups: Groups | None
    ) -> None:
        rows, true = judged(probabilities, labels)
        self._winners, self.confidences = winners_of(rows)
        self._n_classes = rows.shape[1]
        self.wrong = self._winners != true
        self.groups = as_groups(groups, len(rows))

    def parts(self, *, per_class: bool) -> list[npt.NDArray[np.bool_]]:
        """Return which photos share a threshold: all, or those predicted as each class."""
        if not per_class:
            return [np.ones(len(self.wrong), np.bool_)]
        return [self._winners == c for c in range(self._n_classes)]

    def summary(self, choices: Sequence[Choice]) -> _Summary:
        """Return the fields that tell what was chosen on these photos."""
        return {
            "values": tuple(choice.value for choice in choices),
            "needed": tuple(choice.needed for choice in choices),
            "n_photos": len(self.wrong),
            "n_groups": int(self.groups.max()) + 1,
            "n_accepted": sum(choice.n_accepted for choice in choices),
            "n_mistakes": sum(choice.n_mistakes for choice in choices),
        }
