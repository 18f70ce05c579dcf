"""`EvaluationReport`: how good a classifier's predictions are."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted, import_package
from shelfvision.errors import DataError
from shelfvision.evaluation._render import as_html, as_text
from shelfvision.evaluation._scores import (
    ClassScores,
    ReportDict,
    class_scores_of,
    confusion_of,
    plain_scores,
)
from shelfvision.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd


@final
class EvaluationReport:
    """How good predictions are: scores, confusion and the mistakes themselves; immutable.

    `evaluate` makes one from a classifier and a dataset; this makes one from predictions at hand.

    Parameters
    ----------
    predictions : Predictions
        What was predicted. Rows with an error are listed in `failed` and left out of the scores.
    labels : array_like of int, shape (n,)
        The true class number of every row.

    Raises
    ------
    DataError
        There is no row to judge, or the labels do not fit the predictions.

    Notes
    -----
    A precision, recall or F1 that would divide by zero is 0. `macro_f1` is the mean over the
    classes that have photos here, so a class without any neither helps nor hurts.

    Examples
    --------
    >>> import shelfvision as sv
    >>> found = sv.Predictions([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], ["can", "jar"], "abc")
    >>> print(sv.EvaluationReport(found, [0, 1, 1]))
    accuracy  0.667  (always 'jar': 0.667)
    macro F1  0.667
    photos    3
    <BLANKLINE>
    class  precision  recall     f1  photos
    can        0.500   1.000  0.667       1
    jar        1.000   0.500  0.667       2
    """

    __slots__ = ("_confusion", "_failed", "_labels", "_per_class", "_predictions")

    def __init__(
        self, predictions: Predictions, labels: npt.NDArray[np.integer] | list[int]
    ) -> None:
        names = predictions.class_names
        self._labels = _checked(labels, n=len(predictions), n_classes=len(names))
        self._predictions = predictions
        self._failed = tuple(
            (str(name), reason)
            for name, reason in zip(predictions.ids, predictions.errors, strict=True)
            if reason is not None
        )
        judged = self._judged()
        if not judged.any():
            raise DataError(
                f"none of the {len(predictions)} photos could be judged; give at least one that "
                "can be read"
            )
        true, predicted = self._labels[judged], self._numbers()[judged]
        self._confusion = _frozen(confusion_of(true, predicted, len(names)))
        scores = class_scores_of(true, predicted, len(names))
        self._per_class = dict(zip(names, scores, strict=True))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle what it is made of; made anew, its arrays are read-only again."""
        return type(self), (self._predictions, self._labels)

    @property
    def predictions(self) -> Predictions:
        """What was predicted for every photo, failed ones included."""
        return self._predictions

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The true class number of every row of `predictions`, shape (n,), read-only."""
        return self._labels

    @property
    def true_names(self) -> npt.NDArray[np.object_]:
        """The true class name of every row of `predictions`, ``str``, shape (n,)."""
        return np.array(self.class_names, dtype=object)[self._labels]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their numbers."""
        return self._predictions.class_names

    @property
    def n(self) -> int:
        """How many photos the scores are about; failed ones are not among them."""
        return int(self._confusion.sum())

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        """The id of every photo that could not be judged, with the reason."""
        return self._failed

    @property
    def accuracy(self) -> float:
        """The share of photos whose class was predicted, 0 to 1."""
        return float(np.trace(self._confusion)) / self.n

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have photos here, 0 to 1."""
        return float(np.mean([s.f1 for s in self._per_class.values() if s.support]))

    @property
    def per_class(self) -> dict[str, ClassScores]:
        """Precision, recall, F1 and support of every class, by name, in the order of classes."""
        return dict(self._per_class)

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Counts, shape (k, k), read-only: a row for every true class, a column for predicted."""
        return self._confusion

    @property
    def majority_class(self) -> str:
        """The class with the most photos here; of several, the first."""
        return self.class_names[int(self._confusion.sum(axis=1).argmax())]

    @property
    def baseline(self) -> float:
        """The accuracy of always answering `majority_class`: what a classifier has to beat."""
        return int(self._confusion.sum(axis=1).max()) / self.n

    def mistakes(self) -> npt.NDArray[np.int64]:
        """Return the rows that were predicted wrong, the most confident first.

        Returns
        -------
        ndarray of int64
            Row numbers in `predictions`, and in the dataset that was evaluated. Failed photos
            are not among them.
        """
        wrong = np.flatnonzero(self._judged() & (self._numbers() != self._labels))
        order = np.argsort(-self._predictions.confidences[wrong], kind="stable")
        return wrong[order].astype(np.int64)

    def to_dict(self) -> ReportDict:
        """Return every number in plain types that ``json.dumps`` takes.

        Returns
        -------
        dict
            ``n``, ``accuracy``, ``macro_f1``, ``baseline``, ``majority_class``, ``class_names``,
            ``per_class`` (a dictionary by class name), ``confusion`` (a list of rows) and
            ``failed`` (a list with ``id`` and ``error``).
        """
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "baseline": self.baseline,
            "majority_class": self.majority_class,
            "class_names": list(self.class_names),
            "per_class": {name: plain_scores(scores) for name, scores in self._per_class.items()},
            "confusion": self._confusion.tolist(),
            "failed": [{"id": name, "error": reason} for name, reason in self._failed],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the scores per class as a pandas table.

        Returns
        -------
        pandas.DataFrame
            A row for every class; columns ``precision``, ``recall``, ``f1`` and ``support``.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        rows = [plain_scores(scores) for scores in self._per_class.values()]
        return pd.DataFrame(rows, index=pd.Index(self.class_names, name="class"))

    def _judged(self) -> npt.NDArray[np.bool_]:
        return np.array([reason is None for reason in self._predictions.errors], dtype=np.bool_)

    def _numbers(self) -> npt.NDArray[np.int64]:
        """Return the predicted class numbers; -1 for failed rows."""
        number: dict[str | None, int] = {name: i for i, name in enumerate(self.class_names)}
        return np.array([number.get(name, -1) for name in self._predictions.labels], dtype=np.int64)

    def __str__(self) -> str:
        """Return the report as an aligned table."""
        return as_text(self.to_dict())

    def __repr__(self) -> str:
        """Return the report in one line."""
        return (
            f"<EvaluationReport: accuracy {self.accuracy:.3f}, macro F1 {self.macro_f1:.3f}, "
            f"{counted(self.n, 'photo')} of {counted(len(self.class_names), 'class')}>"
        )

    def _repr_html_(self) -> str:
        return as_html(self.to_dict())


def _frozen(array: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    array.flags.writeable = False
    return array


def _checked(
    labels: npt.NDArray[np.integer] | list[int], *, n: int, n_classes: int
) -> npt.NDArray[np.int64]:
    array = np.array(labels)
    if array.shape != (n,) or (n and array.dtype.kind not in "iu"):
        raise DataError(
            f"labels must be one class number for each of the {n} predictions, not {array.dtype} "
            f"of shape {array.shape}"
        )
    outside = np.flatnonzero((array < 0) | (array >= n_classes))
    if len(outside):
        raise DataError(
            f"label {array[outside[0]]} of row {outside[0]} is not the number of a class; with "
            f"{n_classes} classes, labels go from 0 to {n_classes - 1}"
        )
    return _frozen(array.astype(np.int64))
