"""`evaluate(unknown="reject")` scores photos of unknown classes apart."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions import Decision
from support import refuses

KNOWN = ("juice", "milk")


class Chooses:
    """A classifier whose decision for each photo is known, by its id."""

    class_names = KNOWN

    def __init__(
        self,
        answers: Mapping[str, tuple[float, Decision | None]],
        errors: Mapping[str, str] | None = None,
    ) -> None:
        self._answers = answers
        self._errors = errors or {}

    def predict(self, photos: shv.Dataset, /) -> shv.Predictions:
        chosen = [self._answers[photo] for photo in photos.ids]
        rows = np.array([[share, 1 - share] for share, _ in chosen], np.float32)
        errors = [self._errors.get(photo) for photo in photos.ids]
        rows[[error is not None for error in errors]] = np.nan
        decisions = [decision for _, decision in chosen]
        return shv.Predictions(rows, KNOWN, photos.ids, errors, decisions=decisions)


def dataset(labels: list[str]) -> shv.Dataset:
    names = sorted(set(labels))
    images = np.zeros((len(labels), 4, 4, 3), dtype=np.uint8)
    numbers = [names.index(label) for label in labels]
    return shv.Dataset.from_arrays(images, numbers, class_names=names)


PHOTOS = dataset(["juice", "cola", "milk", "cola", "tea", "juice"])
CLASSIFIER = Chooses(
    {
        "0": (0.9, "accept"),
        "1": (0.6, "review"),
        "2": (0.2, "accept"),
        "3": (0.95, "accept"),
        "4": (0.55, "review"),
        "5": (0.7, "review"),
    }
)


def test_unknown_photos_are_scored_apart() -> None:
    report = shv.evaluate(CLASSIFIER, PHOTOS, unknown="reject")
    assert (report.n, report.accuracy) == (3, 1.0)
    assert list(report.predictions.ids) == ["0", "2", "5"]
    found = report.unknown
    assert found is not None
    assert (found.n, found.n_review) == (3, 2)
    assert found.rejected == pytest.approx(2 / 3)
    assert found.per_class == {"cola": 0.5, "tea": 1.0}
    assert found.known_rejected == pytest.approx(1 / 3)
    # Pairs whose known photo is the more confident one: 0.9, 0.8 and 0.7 with 0.6, 0.95 and 0.55.
    assert found.auroc == pytest.approx(6 / 9)
    low, high = found.rejected_interval
    assert low < found.rejected < high


def test_without_unknown_photos_there_is_nothing_to_reject() -> None:
    known = PHOTOS.select(KNOWN)
    report = shv.evaluate(CLASSIFIER, known, unknown="reject")
    assert report.unknown is None
    assert report.to_dict() == shv.evaluate(CLASSIFIER, known).to_dict()


def test_a_classifier_without_thresholds_rejects_nothing() -> None:
    classifier = Chooses({str(row): (0.6, None) for row in range(6)})
    found = shv.evaluate(classifier, PHOTOS, unknown="reject").unknown
    assert found is not None
    assert (found.rejected, found.known_rejected) == (0.0, 0.0)
    assert found.auroc == 0.5


def test_unknown_photos_that_cannot_be_read_are_listed() -> None:
    classifier = Chooses(CLASSIFIER._answers, errors={"3": "broken"})
    found = shv.evaluate(classifier, PHOTOS, unknown="reject").unknown
    assert found is not None
    assert (found.n, found.rejected, found.failed) == (2, 1.0, (("3", "broken"),))


def test_unknown_photos_that_can_none_be_read_are_refused() -> None:
    classifier = Chooses(CLASSIFIER._answers, errors=dict.fromkeys("134", "broken"))
    with refuses(DataError, "empty", "dataset"):
        shv.evaluate(classifier, PHOTOS, unknown="reject")


def test_slices_are_those_of_known_photos() -> None:
    stores = ["a", "b", "b", "b", "b", "a"]
    report = shv.evaluate(CLASSIFIER, PHOTOS, unknown="reject", slices={"store": stores})
    assert {name: part.n for name, part in report.slices["store"].items()} == {"a": 2, "b": 1}
    with refuses(InvalidParameterError, "wrong-length", "slices"):
        shv.evaluate(CLASSIFIER, PHOTOS, unknown="reject", slices={"store": stores[:3]})


def test_the_report_shows_unknown_photos_wherever_it_goes(tmp_path: Path) -> None:
    report = shv.evaluate(CLASSIFIER, PHOTOS, unknown="reject")
    assert "3 photos, 0.667 to review" in str(report)
    assert json.loads(json.dumps(report.to_dict()))["unknown"]["n"] == 3
    assert pickle.loads(pickle.dumps(report)).unknown == report.unknown
    report.save(tmp_path / "report.html")
    report.save(tmp_path / "report.md")
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "unknown classes" in text
        assert "tea" in text


@pytest.mark.parametrize("unknown", ["raise", "reject"])
def test_photos_of_unknown_classes_alone_are_refused(unknown: str) -> None:
    photos = PHOTOS.select(["cola", "tea"])
    with refuses(DataError, "unknown-class", "dataset"):
        shv.evaluate(CLASSIFIER, photos, unknown=unknown)  # type: ignore[arg-type]


@pytest.mark.remedy("unknown-class")
def test_the_error_about_an_unknown_class_offers_to_reject_it() -> None:
    with refuses(DataError, "unknown-class", "dataset") as caught:
        shv.evaluate(CLASSIFIER, PHOTOS)
    remedy = "score them apart with shelfvision.evaluate(..., unknown='reject')"
    assert str(caught.value).endswith(f", or {remedy}")
    assert shv.evaluate(CLASSIFIER, PHOTOS, unknown="reject").unknown is not None


def test_an_unknown_class_without_photos_changes_nothing() -> None:
    images = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    photos = shv.Dataset.from_arrays(images, [0, 2], class_names=["juice", "cola", "milk"])
    classifier = Chooses({"0": (0.9, "accept"), "1": (0.2, "accept")})
    report = shv.evaluate(classifier, photos, unknown="reject")
    assert (report.n, report.accuracy, report.unknown) == (2, 1.0, None)


@pytest.mark.remedy("unknown-name")
def test_another_spelling_of_a_known_class_is_not_an_unknown_product() -> None:
    photos = dataset(["juice", "Milk"])
    with refuses(DataError, "unknown-name", "dataset") as caught:
        shv.evaluate(CLASSIFIER, photos, unknown="reject")
    assert str(caught.value).endswith("rename it with dataset.relabel({'Milk': 'milk'})")
    classifier = Chooses({"0": (0.9, "accept"), "1": (0.2, "accept")})
    renamed = photos.relabel({"Milk": "milk"})
    assert shv.evaluate(classifier, renamed, unknown="reject").accuracy == 1.0


def test_other_values_are_refused() -> None:
    with refuses(InvalidParameterError, "not-an-option", "unknown"):
        shv.evaluate(CLASSIFIER, PHOTOS, unknown="review")  # type: ignore[arg-type]
