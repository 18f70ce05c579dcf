"""Detections and their labels are compared with annotations, box by box and count by count."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions import Decision
from support import refuses
from support.shelf_boxes import NAMES, Shelf, shelves

CORNERS = [[0, 0, 10, 20], [10, 0, 20, 20], [20, 0, 30, 20]]


def boxes(labels: Sequence[str | None], corners: Sequence[Sequence[float]] = CORNERS) -> shv.Boxes:
    return shv.Boxes(corners, labels=labels)


def regions(
    labels: Sequence[str], decisions: Sequence[Decision | None], names: Sequence[str] = NAMES
) -> shv.Regions:
    rows = np.full((len(labels), len(names)), 0.1, np.float32)
    rows[np.arange(len(labels)), [names.index(label) for label in labels]] = 0.8
    ids = [f"shelf#{row}" for row in range(len(labels))]
    predictions = shv.Predictions(rows, names, ids, decisions=decisions)
    placed = shv.Boxes(CORNERS[: len(labels)], image_size=(20, 30))
    return shv.Regions(predictions, placed, np.zeros((20, 30, 3), np.uint8))


def as_boxes(one: Shelf) -> tuple[shv.Boxes, shv.Boxes]:
    found = shv.Boxes(one["boxes"], labels=[NAMES[k] for k in one["classes"]], scores=one["scores"])
    return found, shv.Boxes(one["true"], labels=[NAMES[k] for k in one["true_classes"]])


def report_on(made: list[Shelf], iou: float) -> shv.RegionsReport:
    pairs = [as_boxes(one) for one in made]
    return shv.evaluate_regions(
        {str(photo): found for photo, (found, _) in enumerate(pairs)},
        {str(photo): truth for photo, (_, truth) in enumerate(pairs)},
        iou=iou,
        resamples=50,
    )


@pytest.mark.parametrize(
    ("crowded", "iou", "matched", "digest"),
    [
        (False, 0.5, 60, 10341),
        (False, 0.75, 17, 2626),
        (True, 0.5, 71, 23042),
        (True, 0.75, 21, 4375),
    ],
)
def test_boxes_are_matched_as_by_pycocotools(
    crowded: bool, iou: float, matched: int, digest: int
) -> None:
    """The figures are those of pycocotools 2.0.11, which torchmetrics uses."""
    report = report_on(shelves(crowded=crowded), iou)
    assert report.n_matched == matched
    assert report.precision == matched / report.n_predicted
    assert report.recall == matched / 72
    assert digest == sum(
        (1 + int(name)) * (1 + int(detection)) * (1 + int(annotation))
        for name, photo in report.photos.items()
        for detection, annotation in zip(photo.predicted_rows, photo.true_rows, strict=True)
    )


def test_the_confusion_matrix_is_that_of_supervision() -> None:
    """The figures are those of supervision 0.31.2, with the background as last row and column."""
    confusion = report_on(shelves(crowded=False), 0.5).confusion
    assert confusion[[0, 1, 2, 4]][:, [0, 1, 2, 4]].tolist() == [
        [14, 3, 0, 4],
        [2, 17, 4, 5],
        [1, 4, 15, 3],
        [0, 2, 0, 0],
    ]
    assert not confusion[3].any()
    assert not confusion[:, 3].any()


def test_counts_are_compared_class_by_class() -> None:
    truth = {"a": boxes(["Can", "Can", "Jar"]), "b": boxes(["Jar"], CORNERS[:1])}
    found = {"a": boxes(["Can", "Jar", "Jar"]), "b": boxes(["Jar", "Milk"], CORNERS[:2])}
    report = shv.evaluate_regions(found, truth, resamples=50)
    assert (report.precision, report.recall, report.label_accuracy) == (4 / 5, 1.0, 3 / 4)
    assert {name: (one.true, one.predicted) for name, one in report.per_class.items()} == {
        "Can": (2, 1),
        "Jar": (2, 3),
        "Milk": (0, 1),
    }
    # Cans and jars on the first shelf are 1 off, milk on the second, and its jars are right.
    assert report.count_error == 3 / 4


def test_rejected_regions_count_under_no_class() -> None:
    found = regions(["Can", "Jar", "Milk"], ["accept", "review", "review"])
    report = shv.evaluate_regions(found, boxes(["Can", "Jar", "Price tag"]), unknown="reject")
    assert [one.predicted for one in report.per_class.values()] == [1, 0, 0]
    assert report.confusion[1, 3] == 1  # a jar that was rejected
    assert report.confusion[3, 3] == 1  # the price tag
    assert report.label_accuracy == 2 / 3


@pytest.mark.remedy("unknown-class", "unknown-name")
def test_a_label_that_the_classifier_lacks_is_refused() -> None:
    found = regions(["Can", "Jar"], [None, None])
    with refuses(DataError, "unknown-class", "truth"):
        shv.evaluate_regions(found, boxes(["Can", "Price tag"], CORNERS[:2]))
    with refuses(DataError, "unknown-name", "truth"):
        shv.evaluate_regions(found, boxes(["can", "Jar"], CORNERS[:2]), unknown="reject")
    assert shv.evaluate_regions(found, boxes(["Can", "Jar"], CORNERS[:2])).label_accuracy == 1


def test_boxes_without_labels_are_evaluated_as_boxes() -> None:
    report = shv.evaluate_regions(shv.Boxes(CORNERS), shv.Boxes(CORNERS[:2]))
    assert (report.precision, report.recall) == (2 / 3, 1.0)
    assert np.isnan(report.label_accuracy)
    assert report.to_dict()["label_accuracy"] is None
    assert "label" not in str(report)


def test_labels_are_compared_in_one_unicode_form() -> None:
    composed, apart = boxes(["K\u00e4se"] * 3), boxes(["Ka\u0308se "] * 3)
    report = shv.evaluate_regions(composed, apart)
    assert report.label_accuracy == 1
    assert report.class_names == ("K\u00e4se",)


def test_a_report_goes_through_a_pickle() -> None:
    report = shv.evaluate_regions(boxes(["Can"] * 3), boxes(["Can", "Jar", "Can"]))
    again = pickle.loads(pickle.dumps(report))
    assert again.to_dict() == report.to_dict()
    assert list(again.photos) == list(report.photos)


def test_relative_annotations_are_compared_in_pixels() -> None:
    relative = shv.Boxes(np.array(CORNERS) / [30, 20, 30, 20], labels=NAMES, relative=True)
    report = shv.evaluate_regions(regions(["Can", "Jar", "Milk"], [None] * 3), relative)
    assert report.mean_iou == pytest.approx(1)
    with refuses(InvalidParameterError, "relative", "truth"):
        shv.evaluate_regions(boxes(["Can"] * 3), relative)


@pytest.mark.remedy("missing-photos", "labels-differ", "duplicate", "empty")
def test_photos_and_labels_must_be_complete() -> None:
    one = boxes(["Can"] * 3)
    none = shv.Boxes(np.empty((0, 4)))
    for found, truth, parameter in (({"a": one}, {"b": one}, "regions"),):
        with refuses(DataError, "missing-photos", parameter):
            shv.evaluate_regions(found, truth)
    with refuses(DataError, "missing-photos", "truth"):
        shv.evaluate_regions({"a": one, "b": one}, {"a": one})
    assert shv.evaluate_regions({"a": one, "b": none}, {"a": one, "b": one}).recall == 0.5
    with refuses(DataError, "labels-differ", "truth"):
        shv.evaluate_regions(one, boxes(["Can", None, "Jar"]))
    with refuses(InvalidParameterError, "wrong-type", "truth"):
        shv.evaluate_regions({"a": one}, one)
    with refuses(InvalidParameterError, "wrong-type", "regions"):
        shv.evaluate_regions({"a": CORNERS}, {"a": one})  # type: ignore[arg-type]
    with refuses(InvalidParameterError, "duplicate", "regions"):
        shv.evaluate_regions({"a": one, "a ": one}, {"a": one})
    with refuses(InvalidParameterError, "empty", "regions"):
        shv.evaluate_regions({}, {})
    with refuses(InvalidParameterError, "not-in-range", "iou"):
        shv.evaluate_regions(one, one, iou=0)


def test_photos_that_two_classifiers_predicted_are_refused() -> None:
    first, second = (regions(["Can"], [None], names) for names in (NAMES, ("Can", "Oats")))
    truth = boxes(["Can"], CORNERS[:1])
    with refuses(DataError, "inconsistent", "regions"):
        shv.evaluate_regions({"a": first, "b": second}, {"a": truth, "b": truth})


def test_intervals_contain_the_scores_and_need_several_photos() -> None:
    report = report_on(shelves(crowded=False), 0.5)
    assert report.intervals is not None
    for name in ("precision", "recall", "label_accuracy"):
        low, high = getattr(report.intervals, name)
        assert 0 < low < getattr(report, name) < high <= 1
    single = shv.evaluate_regions(boxes(["Can"] * 3), boxes(["Can"] * 3))
    assert single.intervals is None


def test_photos_that_differ_make_intervals_wider() -> None:
    truth = {str(photo): boxes(["Can"] * 3) for photo in range(12)}
    mixed = {
        name: boxes(["Can"] * (3 - int(name) % 3) + ["Jar"] * (int(name) % 3)) for name in truth
    }
    apart = {name: boxes(["Jar" if int(name) % 3 == 0 else "Can"] * 3) for name in truth}
    widths = []
    for found in (mixed, apart):
        report = shv.evaluate_regions(found, truth)
        assert report.label_accuracy == 2 / 3
        assert report.intervals is not None
        widths.append(np.ptp(report.intervals.label_accuracy))
    assert widths[1] > 1.2 * widths[0]


def test_each_photo_lists_its_missed_boxes_and_false_detections() -> None:
    truth = boxes(["Can", "Jar"], [CORNERS[0], [50, 0, 60, 20]])
    photo = shv.evaluate_regions(boxes(["Can", "Jar", "Can"]), truth).photos["photo"]
    assert (photo.missed, photo.false_detections) == ((1,), (1, 2))


def test_a_report_is_saved_without_effect_of_hostile_names(tmp_path: Path) -> None:
    name = "=cmd()<script>\u202e"
    report = shv.evaluate_regions({name: boxes([name] * 3)}, {name: boxes([name] * 3)})
    for suffix in ("html", "json", "csv"):
        report.save(tmp_path / f"report.{suffix}")
    page = (tmp_path / "report.html").read_text()
    assert "<script>" not in page
    assert "\u202e" not in page
    assert json.loads((tmp_path / "report.json").read_text())["precision"] == 1
    assert (tmp_path / "report.csv").read_text().splitlines()[1].startswith("'=cmd()")
    with refuses(InvalidParameterError, "not-an-option", "path"):
        report.save(tmp_path / "report.txt")


def test_a_report_is_a_table_and_a_frame() -> None:
    report = report_on(shelves(crowded=False), 0.5)
    assert repr(report) == (
        "<RegionsReport: precision 0.968, recall 0.833, label accuracy 0.767, 72 boxes in 6 photos>"
    )
    assert "label accuracy  0.767  (95 %:" in str(report)
    assert report.to_frame().loc["Can", "true"] == 21
