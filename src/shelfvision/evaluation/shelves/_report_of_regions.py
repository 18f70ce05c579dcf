"""`RegionsReport`: predicted boxes and labels compared with annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted, import_package
from shelfvision.evaluation.scores._intervals import Interval
from shelfvision.evaluation.scores._resampling import Bootstrap
from shelfvision.evaluation.shelves._matching import PhotoMatches
from shelfvision.evaluation.shelves._saving import regions_dict, regions_text, save_regions_report
from shelfvision.protocols import Location

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ProductScores:
    """The boxes of one class in all photos."""

    true: int
    """The number of annotated boxes: the true count."""
    predicted: int
    """The number of predicted boxes with this label, without rejected ones: the predicted count."""
    correct: int
    """The number of predicted boxes that match an annotated box of this class."""

    @property
    def precision(self) -> float:
        """The share of predicted boxes of this class that are correct; NaN without any."""
        return share(self.correct, self.predicted)

    @property
    def recall(self) -> float:
        """The share of annotated boxes of this class that are found and named; NaN without any."""
        return share(self.correct, self.true)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RegionIntervals:
    """Confidence intervals of a `shelfvision.RegionsReport`: lower and upper ends."""

    precision: Interval
    """The interval of the precision of boxes."""
    recall: Interval
    """The interval of the recall of boxes."""
    label_accuracy: Interval
    """The interval of the label accuracy."""


# Compared by identity, because comparing arrays returns an array.
@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RegionsReport:
    """Predicted boxes and labels compared with annotations; `evaluate_regions` returns it."""

    class_names: tuple[str, ...]
    """The classes; empty if the annotations have no labels."""
    iou: float
    """The smallest intersection over union of a matched pair."""
    photos: Mapping[str, PhotoMatches]
    """The matched boxes of each photo, by name."""
    confusion: npt.NDArray[np.int64]
    """Counts of boxes, shape (k + 2, k + 2), read-only. True classes are in rows: the classes,
    ``"unknown"`` (annotated products that the classifier does not know), ``"false detection"``.
    Predicted classes are in columns: the classes, ``"unknown"`` (rejected boxes), ``"missed"``."""
    per_class: Mapping[str, ProductScores]
    """True and predicted counts, precision and recall of each class."""
    count_error: float
    """The mean absolute error of the counts of one class in one photo, over all pairs of photo and
    class with an annotated or a predicted box; NaN without any."""
    intervals: RegionIntervals | None
    """Confidence intervals from a cluster bootstrap over photos; None for a single photo."""
    bootstrap: Bootstrap
    """How the intervals are computed: confidence level, resamples and seed."""

    @property
    def n_photos(self) -> int:
        """The number of photos."""
        return len(self.photos)

    @property
    def n_true(self) -> int:
        """The number of annotated boxes."""
        return sum(photo.n_true for photo in self.photos.values())

    @property
    def n_predicted(self) -> int:
        """The number of predicted boxes."""
        return sum(photo.n_predicted for photo in self.photos.values())

    @property
    def n_matched(self) -> int:
        """The number of matched pairs: true positives."""
        return sum(photo.n_matched for photo in self.photos.values())

    @property
    def precision(self) -> float:
        """The share of predicted boxes that match an annotated box, whatever their labels."""
        return share(self.n_matched, self.n_predicted)

    @property
    def recall(self) -> float:
        """The share of annotated boxes that match a predicted box, whatever their labels."""
        return share(self.n_matched, self.n_true)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return share(2 * self.n_matched, self.n_predicted + self.n_true)

    @property
    def mean_iou(self) -> float:
        """The mean intersection over union of matched pairs; NaN without any."""
        ious = [one for photo in self.photos.values() for one in photo.ious.tolist()]
        return float(np.mean(ious)) if ious else float("nan")

    @property
    def label_accuracy(self) -> float:
        """The share of matched pairs with the correct label; NaN without labels.

        A rejected box is correct if the classifier does not know the annotated product.
        """
        if not self.class_names:
            return float("nan")
        return share(int(np.trace(self.confusion)), self.n_matched)

    def to_dict(self) -> dict[str, object]:
        """Return the report in plain types for ``json.dumps``; NaN becomes None.

        Returns
        -------
        dict
            All scores, the classes, the confusion matrix as a list of rows, and for each photo the
            number of boxes and the rows of missed boxes and false detections.
        """
        return regions_dict(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the classes as a pandas table.

        Returns
        -------
        pandas.DataFrame
            A row for each class, with the columns ``true``, ``predicted``, ``correct``,
            ``precision`` and ``recall``.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        columns = ("true", "predicted", "correct", "precision", "recall")
        rows = [[getattr(one, name) for name in columns] for one in self.per_class.values()]
        index = pd.Index(list(self.per_class), name="class")
        return pd.DataFrame(rows, columns=list(columns), index=index)

    def save(self, path: Location) -> None:
        """Save the report as a self-contained HTML page, as JSON, or its classes as CSV.

        Parameters
        ----------
        path : path-like or URL
            The path of the file, with the suffix ``.html``, ``.json`` or ``.csv``.

        Raises
        ------
        InvalidParameterError
            The file has another suffix.
        StorageError
            The file cannot be written; an existing file is unchanged.
        """
        save_regions_report(self, path)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the fields; read-only mappings cannot be pickled, so they are copied."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return _remade, (
            {**fields, "photos": dict(self.photos), "per_class": dict(self.per_class)},
        )

    def __str__(self) -> str:
        """Return the report as an aligned table."""
        return regions_text(self)

    def __repr__(self) -> str:
        """Return the report in one line."""
        label = "" if not self.class_names else f", label accuracy {self.label_accuracy:.3f}"
        return (
            f"<RegionsReport: precision {self.precision:.3f}, recall {self.recall:.3f}{label}, "
            f"{counted(self.n_true, 'box')} in {counted(self.n_photos, 'photo')}>"
        )


def _remade(fields: dict[str, Any]) -> RegionsReport:
    photos, scores = MappingProxyType(fields["photos"]), MappingProxyType(fields["per_class"])
    return RegionsReport(**{**fields, "photos": photos, "per_class": scores})


def share(part: float, whole: float) -> float:
    """Return a part divided by its total; NaN if the total is zero."""
    return part / whole if whole else float("nan")
