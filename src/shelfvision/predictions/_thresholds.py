"""`Thresholds`: the lowest confidence for accepting a prediction, and how it was chosen.

Predictions below the threshold need review. The literature calls this selective classification, or
classification with a reject option.
"""

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
    """The lowest confidence for accepting a prediction; predictions below it need review.

    Choose thresholds with `for_precision` or `for_cost`, or use ``Classifier.with_threshold``.

    Examples
    --------
    >>> import shelfvision as shv
    >>> thresholds = shv.Thresholds(values=(0.8,))
    >>> thresholds.decide([[0.9, 0.1], [0.6, 0.4]]).tolist()
    ['accept', 'review']
    """

    values: tuple[float | None, ...]
    """The lowest accepted confidence: one for all classes, or one per predicted class. None
    accepts nothing."""
    precision: float | None = None
    """The requested share of correct predictions among accepted photos."""
    confidence_level: float | None = None
    """The probability that the precision is reached; None if it is only reached on average."""
    mistake_cost: float | None = None
    """The cost of an accepted mistake, if the thresholds were chosen by cost."""
    review_cost: float | None = None
    """The cost of a review, if the thresholds were chosen by cost."""
    n_photos: int = 0
    """The number of photos that the thresholds were chosen on."""
    n_groups: int = 0
    """The number of groups of these photos; photos of one group count once."""
    n_accepted: int = 0
    """The number of these photos that are accepted."""
    n_mistakes: int = 0
    """The number of accepted photos with a wrong prediction."""
    needed: tuple[int | None, ...] = ()
    """For values of None, a rough estimate of the number of groups that would be enough; None if
    no number is enough, or if there is a value."""

    def __post_init__(self) -> None:
        if not isinstance(self.values, Iterable):
            raise InvalidParameterError(
                f"values must be a tuple of thresholds, got {self.values!r}; write (0.8,)",
                code="wrong-type",
                parameter="values",
            )
        object.__setattr__(self, "values", tuple(self.values))
        for value in self.values:
            optional_number(value, "a threshold", 0, 1)
        if not self.values:
            raise InvalidParameterError(
                "values must contain at least 1 threshold, got none; pass one, or one per class",
                code="empty",
                parameter="values",
            )
        if self.needed and len(self.needed) != len(self.values):
            raise InvalidParameterError(
                f"needed must have {len(self.values)} entries, one per value, got "
                f"{len(self.needed)}; pass one for each",
                code="wrong-length",
                parameter="needed",
            )

    @property
    def per_class(self) -> bool:
        """Whether there is one threshold per class."""
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
        """Choose the lowest thresholds whose accepted predictions reach a precision.

        Each group counts once, and as a mistake if any of its accepted photos is wrong. With
        probability `confidence_level`, over random samples of groups, at least `precision` of the
        groups with accepted photos are correct, for photos from the same source. The method uses
        exact binomial tests (the Clopper-Pearson bound) in a fixed sequence from few accepted
        photos to many, and stops at the first test that fails. Therefore the error is only divided
        among a few starts of sequences, not among all thresholds. It assumes that a higher
        threshold does not increase the share of mistakes. The guarantee does not cover products or
        places that these photos do not show.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            The probabilities for photos that the network was not trained on; calibrated if the
            thresholds will be applied to calibrated probabilities.
        labels : array_like of int, shape (n,)
            The true class of each photo.
        groups : sequence, length n, optional
            The group of each photo: photos of one burst, shelf or day are not independent. By
            default each photo is one group.
        precision : float, default=0.98
            The required share of correct predictions among accepted ones, above 0 and below 1.
        confidence_level : float or None, default=0.95
            The required probability that the precision is reached. None requires it only on
            average over random samples, with one mistake added to the observed ones. This needs
            fewer photos and guarantees less.
        per_class : bool, default=False
            Whether each predicted class gets its own threshold, with this guarantee for each. Every
            class then needs as many photos as one global threshold needs in total.

        Returns
        -------
        Thresholds
            The thresholds. If the photos do not support the precision, nothing is accepted, and
            `needed` estimates how many groups would be enough.

        Raises
        ------
        InvalidParameterError
            The arrays have inconsistent shapes, or a number is out of range.
        DataError
            `probabilities` has no rows.

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
        """Choose the thresholds with the lowest total cost of mistakes and reviews.

        The cost is not guaranteed: on other photos it is usually a little higher.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            The probabilities for photos that the network was not trained on.
        labels : array_like of int, shape (n,)
            The true class of each photo.
        groups : sequence, length n, optional
            The group of each photo, only used for `n_groups`.
        mistake_cost : float
            The cost of a wrong prediction that is accepted, above 0, in any currency.
        review_cost : float
            The cost of reviewing one photo, above 0, in the same currency.
        per_class : bool, default=False
            Whether each predicted class gets its own threshold.

        Returns
        -------
        Thresholds
            The thresholds; None if reviewing all photos is cheaper.

        Raises
        ------
        InvalidParameterError
            The arrays have inconsistent shapes, or a cost is out of range.
        DataError
            `probabilities` has no rows.

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
        """Return the decision for each photo.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            The probabilities, calibrated if the thresholds were chosen on calibrated ones. Rows of
            NaN, for photos that could not be read, get ``"review"``.

        Returns
        -------
        ndarray of str, shape (n,)
            ``"accept"`` or ``"review"``. Confidences up to 1e-6 below a threshold are accepted,
            because the last bits of a probability depend on the processor.

        Raises
        ------
        InvalidParameterError
            There is one threshold per class, and the number of columns differs.
        """
        rows = as_probabilities(probabilities, failed=True)
        if self.per_class and rows.shape[1] != len(self.values):
            raise InvalidParameterError(
                f"probabilities must have {len(self.values)} columns, one per threshold, got "
                f"{rows.shape[1]}; choose thresholds for this classifier",
                code="wrong-shape",
                parameter="probabilities",
            )
        # The confidence of a row of NaN is NaN, which is never >= the limit.
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
        """Return the thresholds from the values of `to_dict`.

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
            An entry is missing, unknown or invalid.
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
    """Return entries under their current names; older bundles have the key ``confidence``."""
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
    """The columns of the photos that thresholds are chosen on."""

    def __init__(
        self, probabilities: npt.ArrayLike, labels: npt.ArrayLike, groups: Groups | None
    ) -> None:
        rows, true = judged(probabilities, labels)
        self._winners, self.confidences = winners_of(rows)
        self._n_classes = rows.shape[1]
        self.wrong = self._winners != true
        self.groups = as_groups(groups, len(rows))

    def parts(self, *, per_class: bool) -> list[npt.NDArray[np.bool_]]:
        """Return one mask per threshold: all photos, or those of each predicted class."""
        if not per_class:
            return [np.ones(len(self.wrong), np.bool_)]
        return [self._winners == c for c in range(self._n_classes)]

    def summary(self, choices: Sequence[Choice]) -> _Summary:
        """Return the fields of `Thresholds` for these choices."""
        return {
            "values": tuple(choice.value for choice in choices),
            "needed": tuple(choice.needed for choice in choices),
            "n_photos": len(self.wrong),
            "n_groups": int(self.groups.max()) + 1,
            "n_accepted": sum(choice.n_accepted for choice in choices),
            "n_mistakes": sum(choice.n_mistakes for choice in choices),
        }
