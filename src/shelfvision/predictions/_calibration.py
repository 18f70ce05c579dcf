"""`Calibration`: a fitted calibration method, and the expected calibration error.

Confidences are calibrated if they agree with accuracy: of the photos with a confidence of 0.9, 90 %
are correct. `Calibration` contains a `Calibrator`, which implements the method, and the values that
all methods share: number of classes, number of photos, calibration error before and after.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import MAX_CLASSES
from shelfvision._storage.json_values import canonical_json, require_shallow
from shelfvision._validation import as_integer, listed
from shelfvision.data.table import frozen
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._plain import count_of, exact_entries, number_of
from shelfvision.predictions.calibrators._protocol import Calibrator, Rows
from shelfvision.predictions.calibrators._registry import CalibrationMethod, calibrator_class
from shelfvision.predictions.calibrators._temperature import TemperatureScaling
from shelfvision.predictions.columns import (
    TOLERANCE,
    Integers,
    as_probabilities,
    judged,
    winners_of,
)

if TYPE_CHECKING:
    from typing import Self

_SHARED = ("method", "num_classes", "n_photos", "error_before", "error_after")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A function that maps the probabilities of a network to calibrated probabilities.

    Of the photos with a calibrated confidence of 0.9, 90 % are correct. Networks are usually
    overconfident. Fit a calibration with `fit`, on photos that the network was not trained on.

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
    """The number of photos that it was fitted on."""
    error_before: float
    """The expected calibration error on these photos without calibration."""
    error_after: float
    """The expected calibration error with calibration. It is measured on the photos that the
    calibration was fitted on; measure it on a test set to compare methods."""

    def __post_init__(self) -> None:
        k = as_integer("num_classes", self.num_classes, minimum=2, maximum=MAX_CLASSES)
        _require_classes(self.calibrator, k)

    @property
    def method(self) -> str:
        """The method: ``"temperature"``, ``"sigmoid"``, ``"isotonic"`` or a custom name."""
        return self.calibrator.name

    @property
    def temperature(self) -> float | None:
        """The divisor of the logits, above 1 if overconfident; None for other methods."""
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
        """Fit a calibration to photos with known true labels.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            The network's probabilities for photos that it was not trained on; rows sum to 1.
        labels : array_like of int, shape (n,)
            The true class of each photo.
        method : {"temperature", "sigmoid", "isotonic"}, str or type, default="temperature"
            ``"temperature"`` divides all logits by one number. It never changes labels and needs
            about a hundred photos. ``"sigmoid"`` (Platt scaling) fits a sigmoid to the log-odds of
            each class, ``"isotonic"`` a rising step function to the probabilities of each class.
            Both may change labels, and need tens or hundreds of photos per class. Classes
            without photos are not calibrated. Other values are custom methods: a name registered
            with ``register_calibrator``, or a class that implements `Calibrator`.

        Returns
        -------
        Calibration
            The fitted calibration.

        Raises
        ------
        InvalidParameterError
            The arrays have inconsistent shapes, there are fewer than two classes, or a custom
            method violates the contract.
        DataError
            `probabilities` has no rows.
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
        calibrator, calibrated = _fitted_by_contract(made, rows, true)
        return cls(
            calibrator=calibrator,
            num_classes=rows.shape[1],
            n_photos=len(rows),
            error_before=expected_calibration_error(rows, true),
            error_after=expected_calibration_error(calibrated, true),
        )

    def apply(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            The network's probabilities. Rows of NaN, for photos that could not be read, stay NaN.

        Returns
        -------
        ndarray of float32, shape (n, k)
            Rows that sum to 1.

        Raises
        ------
        InvalidParameterError
            The number of columns is not `num_classes`.
        """
        rows = as_probabilities(probabilities, failed=True)
        if rows.shape[1] != self.num_classes:
            raise InvalidParameterError(
                f"probabilities must have {self.num_classes} columns for this calibration, got "
                f"{rows.shape[1]}; fit one for this classifier",
                code="wrong-shape",
                parameter="probabilities",
            )
        return np.asarray(self.calibrator.apply(frozen(rows)), dtype=np.float32)

    def to_dict(self) -> dict[str, object]:
        """Return the calibration as plain JSON values."""
        shared: dict[str, object] = {name: getattr(self, name) for name in _SHARED}
        return shared | self.calibrator.to_dict()

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the calibration from the values of `to_dict`.

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
            An entry is missing, unknown or invalid, or the method is a custom one that is not
            registered.
        """
        given: Mapping[str, object] = values if isinstance(values, Mapping) else {}
        shared = {name: given[name] for name in _SHARED if name in given}
        entries = exact_entries(shared if given else values, _SHARED, "a calibration")
        own = {name: value for name, value in given.items() if name not in _SHARED}
        # A file contains only the name of the method, so loading it never runs its code.
        method = calibrator_class(entries["method"])
        return cls(
            calibrator=_restored(method, own),
            num_classes=count_of(entries["num_classes"], "num_classes"),
            n_photos=count_of(entries["n_photos"], "n_photos"),
            error_before=number_of(entries["error_before"], "error_before", 0, 1),
            error_after=number_of(entries["error_after"], "error_after", 0, 1),
        )


def _require_classes(calibrator: Calibrator, num_classes: int) -> None:
    """Raise if the calibrator does not calibrate rows of this number of classes."""
    row = np.full((1, num_classes), 1 / num_classes, np.float32)
    try:
        found = np.asarray(calibrator.apply(row))
        fits = found.shape == row.shape and _are_shares(found)
    except Exception:  # noqa: BLE001  (a custom method raises of every kind)
        fits = False
    if not fits:
        raise InvalidParameterError(
            f"calibrator {calibrator.name!r} must return probabilities for {num_classes} classes, "
            "got something else; create one with Calibration.fit",
            code="wrong-length",
            parameter="calibrator",
        )


def _restored(method: type[Calibrator], values: Mapping[str, object]) -> Calibrator:
    """Return the calibrator of a file, whose values may be corrupted."""
    try:
        found = method.from_dict(values)
    except InvalidParameterError:
        raise
    except Exception as error:
        raise _contract_error(method, f"from_dict refused the values: {error!r:.200}") from error
    if not isinstance(found, method):
        raise _contract_error(method, f"from_dict returned a {type(found).__name__}")
    return found


def _are_shares(rows: npt.NDArray[np.generic]) -> bool:
    """Return whether all values are from 0 to 1 and all rows sum to 1."""
    if rows.dtype.kind != "f":
        return False
    floats = rows.astype(np.float64)
    # Comparisons with NaN are false, so NaN counts as outside.
    inside = ((floats >= 0) & (floats <= 1 + 1e-3)).all()
    return bool(inside and (np.abs(floats.sum(axis=1) - 1) <= 1e-3).all())


def _fitted_by_contract(
    method: type[Calibrator], rows: Rows, labels: Integers
) -> tuple[Calibrator, Rows]:
    """Return the fitted calibrator and the calibrated rows.

    Raise if a custom method fails, or returns what a classifier cannot use, save and load.
    """
    try:
        calibrator = method.fit(frozen(rows), frozen(labels))
        calibrated, fault = _applied(calibrator, rows)
        fault = fault or _fault_of_values(method, calibrator, rows, calibrated)
    except InvalidParameterError:
        raise
    except Exception as error:
        raise _contract_error(method, f"it raised {error!r:.200}") from error
    if fault is not None:
        raise _contract_error(method, fault)
    return calibrator, calibrated


def _applied(calibrator: Calibrator, rows: Rows) -> tuple[Rows, str | None]:
    """Return calibrated rows, and what is wrong with them."""
    unread = np.full((1, rows.shape[1]), np.nan, np.float32)
    found = np.asarray(calibrator.apply(frozen(np.concatenate([rows, unread]))))
    if found.shape != (len(rows) + 1, rows.shape[1]) or not _are_shares(found[:-1]):
        return rows, f"apply must return rows of {rows.shape[1]} probabilities that sum to 1"
    if not np.isnan(found[-1]).all():
        return rows, "apply must keep rows of NaN, for photos that could not be read"
    return found[:-1], None


def _fault_of_values(
    method: type[Calibrator], calibrator: Calibrator, rows: Rows, calibrated: Rows
) -> str | None:
    """Return why a saved calibrator would not be the same after loading."""
    own = calibrator.to_dict()
    if calibrator.name != str(method.name):
        return f"name must be that of its class, got {calibrator.name!r:.100}"
    if not isinstance(own, dict) or set(own) & set(_SHARED):
        return f"to_dict must return a dict without the names {listed(_SHARED)}"
    try:
        require_shallow(own)
        written = json.loads(canonical_json(own))
    except (TypeError, ValueError, RecursionError) as error:
        return f"to_dict must return plain JSON values, but {error!s:.200}"
    again = np.asarray(method.from_dict(written).apply(frozen(rows)))
    if not np.array_equal(again, calibrated):
        return "from_dict(to_dict()) must return a calibrator that gives the same rows"
    return None


def _contract_error(method: type[Calibrator], fault: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"the calibration method {str(method.name)!r} violates its contract: {fault}; correct the "
        "class, which shelfvision.predictions.Calibrator describes",
        code="contract",
        parameter="method",
    )


def expected_calibration_error(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, *, n_bins: int = 15
) -> float:
    """Return the expected calibration error (ECE): the mean difference of confidence and accuracy.

    Photos are grouped into bins by confidence, the probability of the predicted class. The result
    is the mean over bins of the absolute difference between mean confidence and accuracy, weighted
    by the number of photos in each bin.

    Parameters
    ----------
    probabilities : array_like of float32, shape (n, k)
        One row of probabilities per photo.
    labels : array_like of int, shape (n,)
        The true class of each photo.
    n_bins : int, default=15
        The number of bins of equal width between 0 and 1.

    Returns
    -------
    float
        The error, from 0 (perfectly calibrated) to 1. With a few hundred photos, even perfectly
        calibrated confidences have an error of some hundredths by chance.

    Raises
    ------
    InvalidParameterError
        The arrays have inconsistent shapes.
    DataError
        `probabilities` has no rows.

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
    # A bin includes its upper edge, as in the papers; the tolerance absorbs float32 rounding.
    places = np.clip(
        np.ceil(confidences.astype(np.float64) * bins - TOLERANCE).astype(np.int64) - 1,
        0,
        bins - 1,
    )
    surplus = confidences.astype(np.float64) - (winners == true)
    return float(np.abs(np.bincount(places, weights=surplus, minlength=bins)).sum() / len(rows))
