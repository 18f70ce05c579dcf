"""`evaluate_regions`: compare predicted boxes and labels with annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer, as_number, as_seed, one_of
from shelfvision.evaluation.scores._intervals import Interval, score_interval
from shelfvision.evaluation.scores._resampling import Bootstrap, group_counts, share_of
from shelfvision.evaluation.scores._unknown import UNKNOWN, Unknown
from shelfvision.evaluation.shelves._matching import (
    PhotoMatches,
    Predicted,
    Truth,
    by_photo,
    class_names_of,
    matches_of,
    require_true_labels,
)
from shelfvision.evaluation.shelves._report_of_regions import (
    ProductScores,
    RegionIntervals,
    RegionsReport,
)

Counts: TypeAlias = npt.NDArray[np.int64]


def evaluate_regions(
    regions: Predicted,
    truth: Truth,
    *,
    iou: SupportsFloat = 0.5,
    unknown: Unknown = "raise",
    confidence_level: SupportsFloat = 0.95,
    resamples: SupportsIndex = 1000,
    seed: SupportsIndex = 42,
) -> RegionsReport:
    """Compare predicted boxes and labels of shelf photos with annotated boxes.

    Precision and recall measure the boxes of the detector; label accuracy measures the classifier
    on boxes that match; counts and their errors measure both together.

    Parameters
    ----------
    regions : Regions, Boxes, or mapping of photo name to these
        The predictions of ``Classifier.predict_regions``, or labelled boxes of another tool. A
        region with the decision ``"review"`` and a box without a label are rejected: they count
        under no class.
    truth : Boxes, or mapping of photo name to Boxes
        The annotations of the same photos, with labels for all boxes or for none. Without labels
        only the boxes are evaluated.
    iou : float, default=0.5
        The smallest intersection over union of a matched pair, above 0 and at most 1.
    unknown : {"raise", "reject"}, default="raise"
        For annotated products that the classifier does not know: raise an error, or expect that the
        box is rejected.
    confidence_level : float, default=0.95
        The level of the confidence intervals, strictly between 0 and 1.
    resamples : int, default=1000
        The number of bootstrap resamples of the photos.
    seed : int, default=42
        The seed of the bootstrap.

    Returns
    -------
    RegionsReport
        Precision and recall of boxes, label accuracy, counts, and the matched boxes of each photo.

    Raises
    ------
    DataError
        A photo is missing on one side, or a true label is unknown (code ``"unknown-class"``).
    InvalidParameterError
        ``regions`` or ``truth`` has the wrong type, a number is out of range, or the boxes of a
        photo belong to photos of different sizes.

    Notes
    -----
    Boxes are matched one to one, as COCO's evaluation and torchmetrics do without regard to
    classes. The detection with the highest score comes first and takes the free annotation with the
    highest IoU. Detections with equal scores, or without scores, are matched in descending order of
    IoU, as in the confusion matrix of supervision, and pairs with equal IoUs in the order of the
    boxes. Labels do not influence the matching. Crowds (``iscrowd``) are ordinary boxes here.
    Intervals come from a cluster bootstrap: whole photos are resampled.

    References
    ----------
    T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014, 740-755.

    Examples
    --------
    >>> import shelfvision as shv
    >>> truth = shv.Boxes([[0, 0, 10, 20], [10, 0, 20, 20]], labels=["Can", "Jar"])
    >>> found = shv.Boxes([[1, 0, 10, 20], [30, 0, 40, 20]], labels=["Can", "Jar"])
    >>> report = shv.evaluate_regions(found, truth)
    >>> report.precision, report.recall, report.label_accuracy
    (0.5, 0.5, 1.0)
    >>> report.per_class["Jar"].true, report.per_class["Jar"].correct
    (1, 0)
    """
    least = as_number("iou", iou, minimum=1e-9, maximum=1)
    one_of("unknown", unknown, UNKNOWN)
    bootstrap = Bootstrap(
        confidence_level=as_number(
            "confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True
        ),
        resamples=as_integer("resamples", resamples, minimum=1),
        seed=as_seed(seed),
    )
    pairs = by_photo(regions, truth)
    names = class_names_of(pairs)
    require_true_labels(pairs, names, reject=unknown == "reject")
    labelled = any(boxes.labels and boxes.labels[0] is not None for _, boxes in pairs.values())
    names = names if labelled or not any(len(boxes) for _, boxes in pairs.values()) else ()
    photos = {name: matches_of(one, boxes, iou=least) for name, (one, boxes) in pairs.items()}
    return _report_of(photos, names, least, bootstrap)


def _report_of(
    photos: Mapping[str, PhotoMatches], names: tuple[str, ...], iou: float, bootstrap: Bootstrap
) -> RegionsReport:
    confusions = [_confusion(photo, names) for photo in photos.values()]
    confusion = np.sum(confusions, axis=0)
    confusion.flags.writeable = False
    k = len(names)
    scores = {
        name: ProductScores(
            true=int(confusion[row].sum()),
            predicted=int(confusion[:, row].sum()),
            correct=int(confusion[row, row]),
        )
        for row, name in enumerate(names)
    }
    return RegionsReport(
        class_names=names,
        iou=iou,
        photos=MappingProxyType(dict(photos)),
        confusion=confusion,
        per_class=MappingProxyType(scores),
        count_error=_count_error(confusions, k),
        intervals=None if len(photos) < 2 else _intervals(photos, confusions, bootstrap),
        bootstrap=bootstrap,
    )


def _confusion(photo: PhotoMatches, names: tuple[str, ...]) -> Counts:
    """Return the confusion matrix of one photo, shape (k + 2, k + 2)."""
    k = len(names)
    number = {name: row for row, name in enumerate(names)}
    found = np.zeros((k + 2, k + 2), dtype=np.int64)
    if not names:
        return found

    # Unknown products and rejected boxes have the number k.
    def numbered(label: str | None) -> int:
        return k if label is None else number.get(label, k)

    true = [numbered(label) for label in photo.true_labels]
    predicted = [numbered(label) for label in photo.predicted_labels]
    for row, column in zip(photo.true_rows.tolist(), photo.predicted_rows.tolist(), strict=True):
        found[true[row], predicted[column]] += 1
    for row, n in Counter(true[row] for row in photo.missed).items():
        found[row, k + 1] += n
    for column, n in Counter(predicted[row] for row in photo.false_detections).items():
        found[k + 1, column] += n
    return found


def _count_error(confusions: list[Counts], k: int) -> float:
    errors = []
    for one in confusions:
        true, predicted = one.sum(axis=1)[:k], one.sum(axis=0)[:k]
        errors += np.abs(true - predicted)[(true > 0) | (predicted > 0)].tolist()
    return float(np.mean(errors)) if errors else float("nan")


def _intervals(
    photos: Mapping[str, PhotoMatches], confusions: list[Counts], bootstrap: Bootstrap
) -> RegionIntervals:
    columns = [
        (photo.n_matched, photo.n_predicted, photo.n_true, int(np.trace(confusion)))
        for photo, confusion in zip(photos.values(), confusions, strict=True)
    ]
    table = np.array(columns, dtype=np.float64)
    draws = np.concatenate([counts @ table for counts in group_counts(len(table), bootstrap)])

    def interval(part: int, whole: int) -> Interval:
        total = table[:, whole]
        if not total.sum():
            return 0.0, 1.0
        return score_interval(
            share_of(draws[:, part], draws[:, whole]),
            float(table[:, part].sum() / total.sum()),
            n=int(total.sum()),
            n_groups=int((total > 0).sum()),
            confidence_level=bootstrap.confidence_level,
        )

    return RegionIntervals(
        precision=interval(0, 1), recall=interval(0, 2), label_accuracy=interval(3, 0)
    )
