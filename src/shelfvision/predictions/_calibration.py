"""`Calibration`: makes probabilities mean what they say, and measures how far they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer, one_of
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._curves import (
    TEMPERATURES,
    Curve,
    Line,
    bent,
    cooled,
    curves_from,
    curves_of,
    lines_from,
    lines_of,
    straightened,
    temperature_of,
)
from shelfvision.predictions._plain import count_of, entries_of, number_of
from shelfvision.predictions.columns import TOLERANCE, as_probabilities, judged, winners_of

if TYPE_CHECKING:
    from typing import Self

CalibrationMethod: TypeAlias = Literal["temperature", "sigmoid", "isotonic"]
"""How probabilities are calibrated."""

METHODS: tuple[CalibrationMethod, ...] = ("temperature", "sigmoid", "isotonic")
_SHARED = ("method", "num_classes", "n_photos", "error_before", "error_after")
_OWN = {"temperature": "temperature", "sigmoid": "lines", "isotonic": "curves"}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What turns a network's probabilities into calibrated ones.

    Of photos with a calibrated confidence of 0.9, nine in ten are right. Networks tend to say more
    than that. Make one with `fit`, on photos that the network was not trained on.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017
    (``"temperature"``). J. Platt, "Probabilistic outputs for support vector machines", 1999
    (``"sigmoid"``). B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate multiclass
    probability estimates", KDD 2002 (``"isotonic"``, and one class against the rest).

    Examples
    --------
    >>> import shelfvision as shv
    >>> said = [[0.99, 0.01], [0.98, 0.02], [0.97, 0.03], [0.02, 0.98]]
    >>> calibration = shv.Calibration.fit(said, [0, 0, 1, 1])
    >>> calibration.temperature > 1
    True
    >>> calibration.apply(said).argmax(axis=1).tolist()
    [0, 0, 0, 1]
    """

    method: CalibrationMethod
    """``"temperature"``, ``"sigmoid"`` or ``"isotonic"``."""
    num_classes: int
    """The number of classes."""
    n_photos: int
    """How many photos it was fitted on."""
    error_before: float
    """The expected calibration error on these photos before."""
    error_after: float
    """The same after; measured on the photos it was fitted on, so judge it on others."""
    temperature: float | None = None
    """What logits are divided by; above 1 the network claimed too much. None for other methods."""
    lines: tuple[Line, ...] = ()
    """For ``"sigmoid"``: slope and intercept, on the log-odds, of every class."""
    curves: tuple[Curve, ...] = ()
    """For ``"isotonic"``: probabilities said and probabilities meant, of every class."""

    def __post_init__(self) -> None:
        one_of("method", self.method, METHODS)
        k = as_integer("num_classes", self.num_classes, minimum=2)
        given = {"temperature": self.temperature is not None}
        given |= {"sigmoid": bool(self.lines), "isotonic": bool(self.curves)}
        if [name for name in METHODS if given[name]] != [self.method]:
            raise InvalidParameterError(
                f"a calibration by {self.method!r} has {_OWN[self.method]!r} and nothing else; "
                "make one with Calibration.fit",
                code="inconsistent",
                parameter=_OWN[self.method],
            )
        if self.method != "temperature" and len(self.lines or self.curves) != k:
            raise InvalidParameterError(
                f"{_OWN[self.method]} must have one entry for each of {k} classes, not "
                f"{len(self.lines or self.curves)}",
                code="wrong-length",
                parameter=_OWN[self.method],
            )

    @classmethod
    def fit(
        cls,
        probabilities: npt.ArrayLike,
        labels: npt.ArrayLike,
        *,
        method: CalibrationMethod = "temperature",
    ) -> Self:
        """Learn from photos whose true class is known.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            What the network says of photos that it was not trained on; rows that sum to 1.
        labels : array_like of int, shape (n,)
            The true class of each.
        method : {"temperature", "sigmoid", "isotonic"}, default="temperature"
            ``"temperature"`` divides all logits by one number, which keeps every label and does
            with a hundred photos. ``"sigmoid"`` bends the log-odds of each class with two numbers;
            ``"isotonic"`` fits each class a rising curve of steps. These two may change labels
            and want tens and hundreds of photos a class; a class without photos stays as it is.

        Returns
        -------
        Calibration
            What `apply` needs.

        Raises
        ------
        InvalidParameterError
            The columns do not fit together, or there are fewer than two classes.
        DataError
            There are no photos.
        """
        one_of("method", method, METHODS)
        rows, true = judged(probabilities, labels)
        if rows.shape[1] < 2:
            raise InvalidParameterError(
                f"probabilities must have at least 2 columns, one for each class, "
                f"got {rows.shape[1]}",
                code="wrong-shape",
                parameter="probabilities",
            )
        fitted = cls(
            method=method,
            num_classes=rows.shape[1],
            n_photos=len(rows),
            error_before=expected_calibration_error(rows, true),
            error_after=0.0,
            temperature=temperature_of(rows, true) if method == "temperature" else None,
            lines=lines_of(rows, true) if method == "sigmoid" else (),
            curves=curves_of(rows, true) if method == "isotonic" else (),
        )
        after = expected_calibration_error(fitted.apply(rows), true)
        return replace(fitted, error_after=after)

    def apply(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            What the network says. Rows of NaN, of photos that could not be read, stay so.

        Returns
        -------
        ndarray of float32, shape (n, k)
            Rows that sum to 1.

        Raises
        ------
        InvalidParameterError
            The rows are not of `num_classes` probabilities.
        """
        rows = as_probabilities(probabilities, failed=True)
        if rows.shape[1] != self.num_classes:
            raise InvalidParameterError(
                f"probabilities has {rows.shape[1]} columns, but the calibration was made for "
                f"{self.num_classes} classes; fit one for this classifier",
                code="wrong-shape",
                parameter="probabilities",
            )
        if self.temperature is not None:
            return cooled(rows, self.temperature)
        return straightened(rows, self.lines) if self.lines else bent(rows, self.curves)

    def to_dict(self) -> dict[str, object]:
        """Return the calibration as plain JSON values."""
        shared = {name: getattr(self, name) for name in _SHARED}
        if self.method == "sigmoid":
            return shared | {"lines": [list(line) for line in self.lines]}
        if self.method == "isotonic":
            return shared | {"curves": [[list(said), list(meant)] for said, meant in self.curves]}
        return shared | {"temperature": self.temperature}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the calibration that `to_dict` gave; anything else is refused.

        Parameters
        ----------
        values : mapping
            Plain JSON values.

        Returns
        -------
        Calibration
            The calibration.

        Raises
        ------
        InvalidParameterError
            An entry is missing, unknown, or of a kind or size that makes no sense.
        """
        method = values.get("method") if isinstance(values, Mapping) else None
        own = _OWN.get(method if isinstance(method, str) else "", "temperature")
        entries = entries_of(values, (*_SHARED, own), "a calibration")
        return cls(
            method=cast("CalibrationMethod", one_of("method", cast("str", method), METHODS)),
            num_classes=count_of(entries["num_classes"], "num_classes"),
            n_photos=count_of(entries["n_photos"], "n_photos"),
            error_before=number_of(entries["error_before"], "error_before", 0, 1),
            error_after=number_of(entries["error_after"], "error_after", 0, 1),
            temperature=_temperature(entries[own]) if own == "temperature" else None,
            lines=lines_from(entries[own]) if own == "lines" else (),
            curves=curves_from(entries[own]) if own == "curves" else (),
        )


def expected_calibration_error(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, *, n_bins: int = 15
) -> float:
    """Return how far confidence and accuracy are apart, on average over photos.

    Photos are sorted into bins by confidence, the probability of the most probable class; in each
    bin, mean confidence is held against the share of right predictions, and the distances are
    averaged, each bin weighing as much as it has photos.

    Parameters
    ----------
    probabilities : array_like of float32, shape (n, k)
        A row of probabilities for every photo.
    labels : array_like of int, shape (n,)
        The true class of each.
    n_bins : int, default=15
        How many bins of equal width the range from 0 to 1 is cut into.

    Returns
    -------
    float
        From 0, where confidence says exactly how often it is right, to 1. A few hundred photos give
        some hundredths even then, by chance alone.

    Raises
    ------
    InvalidParameterError
        The columns do not fit together.
    DataError
        There are no photos.

    References
    ----------
    M. Naeini, G. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
    binning", AAAI 2015; C. Guo et al., "On calibration of modern neural networks", ICML 2017.

    Examples
    --------
    >>> import shelfvision as shv
    >>> said = [[0.9, 0.1], [0.9, 0.1], [0.8, 0.2], [0.2, 0.8]]
    >>> round(shv.expected_calibration_error(said, [0, 1, 0, 1]), 3)
    0.3
    """
    rows, true = judged(probabilities, labels)
    bins = as_integer("n_bins", n_bins, minimum=1, maximum=10_000)
    winners, confidences = winners_of(rows)
    # A bin holds its upper edge, as in the papers, also where float32 is a little above it.
    places = np.clip(
        np.ceil(confidences.astype(np.float64) * bins - TOLERANCE).astype(np.int64) - 1,
        0,
        bins - 1,
    )
    surplus = confidences.astype(np.float64) - (winners == true)
    return float(np.abs(np.bincount(places, weights=surplus, minlength=bins)).sum() / len(rows))


def _temperature(value: object) -> float:
    return number_of(value, "temperature", *TEMPERATURES)
