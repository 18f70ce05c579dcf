"""`Calibration`: a fitted calibration method, and the expected calibration error.

A network that gives 0.9 to its prediction should be right in nine of ten such cases. `Calibration`
holds a `Calibrator`, which does the arithmetic, and what is common to all methods: the number of
classes, the number of photos, and the calibration error before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._storage.json_values import canonical_json
from shelfvision._validation import as_integer, listed
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._plain import count_of, exact_entries, number_of
from shelfvision.predictions.calibrators._protocol import Calibrator, Rows
from shelfvision.predictions.calibrators._registry import CalibrationMethod, calibrator_class
from shelfvision.predictions.calibrators._temperature import TemperatureScaling
from shelfvision.predictions.columns import TOLERANCE, as_probabilities, judged, winners_of

if TYPE_CHECKING:
    from typing import Self

_SHARED = ("method", "num_classes", "n_photos", "error_before", "error_after")


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
    >>> scores = [[0.99, 0.01], [0.98, 0.02], [0.97, 0.03], [0.02, 0.98]]
    >>> calibration = shv.Calibration.fit(scores, [0, 0, 1, 1])
    >>> calibration.temperature > 1
    True
    >>> calibration.apply(scores).argmax(axis=1).tolist()
    [0, 0, 0, 1]
    """

    calibrator: Calibrator
    """The method with its fitted parameters."""
    num_classes: int
    """The number of classes."""
    n_photos: int
    """How many photos it was fitted on."""
    error_before: float
    """The expected calibration error on these photos before."""
    error_after: float
    """The same after; measured on the photos it was fitted on, so judge it on others."""

    def __post_init__(self) -> None:
        k = as_integer("num_classes", self.num_classes, minimum=2)
        _require_classes(self.calibrator, k)

    @property
    def method(self) -> str:
        """The name of the method: ``"temperature"``, ``"sigmoid"``, ``"isotonic"`` or your own."""
        return self.calibrator.name

    @property
    def temperature(self) -> float | None:
        """What logits are divided by; above 1 the network was overconfident. None by others."""
        own = self.calibrator
        return own.temperature if isinstance(own, TemperatureScaling) else None

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
        method : {"temperature", "sigmoid", "isotonic"}, str or type, default="temperature"
            ``"temperature"`` divides all logits by one number, which keeps every label and does
            with a hundred photos. ``"sigmoid"`` fits a sigmoid to the log-odds of each class;
            ``"isotonic"`` fits each class a rising curve of steps. These two may change labels
            and need tens and hundreds of photos a class; a class without photos stays as it is.
            A name that was registered with ``register_calibrator``, or a class that keeps the
            contract of `Calibrator`, is a method of your own.

        Returns
        -------
        Calibration
            What `apply` needs.

        Raises
        ------
        InvalidParameterError
            The columns do not fit together, there are fewer than two classes, or a method of your
            own breaks the contract.
        DataError
            There are no photos.
        """
        made = calibrator_class(method)
        rows, true = judged(probabilities, labels)
        if rows.shape[1] < 2:
            raise InvalidParameterError(
                f"probabilities must have at least 2 columns, one for each class, "
                f"got {rows.shape[1]}",
                code="wrong-shape",
                parameter="probabilities",
            )
        calibrator = made.fit(rows, true)
        _require_contract(calibrator, rows)
        fitted = cls(
            calibrator=calibrator,
            num_classes=rows.shape[1],
            n_photos=len(rows),
            error_before=expected_calibration_error(rows, true),
            error_after=0.0,
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
        return np.asarray(self.calibrator.apply(rows), dtype=np.float32)

    def to_dict(self) -> dict[str, object]:
        """Return the calibration as plain JSON values."""
        shared: dict[str, object] = {name: getattr(self, name) for name in _SHARED}
        return shared | self.calibrator.to_dict()

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
            An entry is missing, unknown, or of a kind or size that makes no sense, or the method
            is your own and was not registered.
        """
        given: Mapping[str, object] = values if isinstance(values, Mapping) else {}
        shared = {name: given[name] for name in _SHARED if name in given}
        entries = exact_entries(shared if given else values, _SHARED, "a calibration")
        own = {name: value for name, value in given.items() if name not in _SHARED}
        # Only names: a class never comes from a file.
        method = calibrator_class(entries["method"])
        return cls(
            calibrator=method.from_dict(own),
            num_classes=count_of(entries["num_classes"], "num_classes"),
            n_photos=count_of(entries["n_photos"], "n_photos"),
            error_before=number_of(entries["error_before"], "error_before", 0, 1),
            error_after=number_of(entries["error_after"], "error_after", 0, 1),
        )


def _require_classes(calibrator: Calibrator, num_classes: int) -> None:
    """Refuse parameters that were fitted to another number of classes."""
    row = np.full((1, num_classes), 1 / num_classes, np.float32)
    try:
        fits = np.shape(calibrator.apply(row)) == row.shape
    except ValueError:
        fits = False
    if not fits:
        raise InvalidParameterError(
            f"the parameters of a calibration by {calibrator.name!r} must be for {num_classes} "
            "classes, and are for another number; make one with Calibration.fit",
            code="wrong-length",
            parameter="calibrator",
        )


def _are_shares(rows: npt.NDArray[np.generic]) -> bool:
    """Return whether all numbers are from 0 to 1 and every row sums to 1."""
    if rows.dtype.kind != "f":
        return False
    floats = rows.astype(np.float64)
    # Written so that NaN counts as outside.
    inside = ((floats >= 0) & (floats <= 1 + 1e-3)).all()
    return bool(inside and (np.abs(floats.sum(axis=1) - 1) <= 1e-3).all())


def _require_contract(calibrator: Calibrator, rows: Rows) -> None:
    """Refuse what a method of the user's own gives, if a classifier could not use or save it."""
    unread = np.full((1, rows.shape[1]), np.nan, np.float32)
    found = np.asarray(calibrator.apply(np.concatenate([rows, unread])))
    fault = None
    if found.shape != (len(rows) + 1, rows.shape[1]) or not _are_shares(found[:-1]):
        fault = f"apply must return rows of {rows.shape[1]} probabilities that sum to 1"
    elif not np.isnan(found[-1]).all():
        fault = "apply must leave a row of NaN, of a photo that could not be read, as it is"
    own = calibrator.to_dict()
    try:
        canonical_json(own)
    except (TypeError, ValueError) as error:
        fault = f"to_dict must return plain JSON values, but {error}"
    if not isinstance(own, dict) or set(own) & set(_SHARED):
        fault = f"to_dict must return a dict without the names {listed(_SHARED)}"
    if fault is not None:
        raise InvalidParameterError(
            f"the calibration method {calibrator.name!r} breaks its contract: {fault}",
            code="contract",
            parameter="method",
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
    >>> scores = [[0.9, 0.1], [0.9, 0.1], [0.8, 0.2], [0.2, 0.8]]
    >>> round(shv.expected_calibration_error(scores, [0, 1, 0, 1]), 3)
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
