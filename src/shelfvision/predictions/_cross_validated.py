"""The calibration error that a method leaves on photos that it was not fitted to.

A method with many parameters can fit the errors of these photos by chance. Its error on them is
then near 0, but not on new photos. In k-fold cross-validation (M. Stone,
"Cross-validatory choice and assessment of statistical predictions", JRSS B 36 (1974) 111-147) each
photo is calibrated by a fit without the photos of its fold. Groups stay together, because photos of
one burst are not new to each other.
"""

from __future__ import annotations

import numpy as np

from shelfvision._validation import as_integer, counted
from shelfvision.errors import DataError
from shelfvision.predictions._calibration import Calibration, expected_calibration_error
from shelfvision.predictions.calibrators._registry import CalibrationMethod
from shelfvision.predictions.validation_scores import ValidationScores


def cross_validated_calibration_error(
    scores: ValidationScores, *, method: CalibrationMethod = "temperature", n_folds: int = 5
) -> float:
    """Return the expected calibration error of a method on photos that it was not fitted to.

    Whole groups are distributed over folds. The photos of each fold are calibrated by the method
    fitted to the other folds. Compare calibration methods by this error:
    `~shelfvision.Calibration.error_after` is measured on the photos of the fit, which flatters
    flexible methods.

    Parameters
    ----------
    scores : ValidationScores
        The scores of photos that the network was not trained on, as in
        ``classifier.validation_scores``.
    method : {"temperature", "sigmoid", "isotonic"}, str or type, default="temperature"
        The calibration method, as in `~shelfvision.Calibration.fit`.
    n_folds : int, default=5
        The number of folds, at least 2.

    Returns
    -------
    float
        The error, from 0 (perfectly calibrated) to 1.

    Raises
    ------
    InvalidParameterError
        `method` or `n_folds` is invalid.
    DataError
        There are fewer groups than folds.

    Examples
    --------
    >>> import shelfvision as shv
    >>> from shelfvision.predictions import cross_validated_calibration_error
    >>> scores = shv.ValidationScores.of([[0.99, 0.01]] * 30, [0, 0, 1] * 10)
    >>> round(shv.expected_calibration_error(scores.probabilities, scores.labels), 2)
    0.32
    >>> round(cross_validated_calibration_error(scores), 2)
    0.01
    """
    folds = as_integer("n_folds", n_folds, minimum=2)
    if scores.n_groups < folds:
        raise DataError(
            f"scores must have at least {folds} groups for {folds} folds, got "
            f"{counted(scores.n_groups, 'group')}; add photos of other groups, or pass a smaller "
            "n_folds",
            code="too-few-groups",
            parameter="scores",
        )
    fold_of = np.unique(scores.groups, return_inverse=True)[1] % folds
    rows = np.empty_like(scores.probabilities)
    for fold in range(folds):
        here = fold_of == fold
        fitted = Calibration.fit(scores.probabilities[~here], scores.labels[~here], method=method)
        rows[here] = fitted.apply(scores.probabilities[here])
    return expected_calibration_error(rows, scores.labels)
