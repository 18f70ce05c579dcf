"""`evaluate` asks a classifier about a dataset and refuses what cannot be compared."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses
from support.answers import Says

NAMES = ("juice", "milk", "oats")


def dataset(labels: Sequence[int], class_names: Sequence[str] = NAMES) -> shv.Dataset:
    images = np.zeros((len(labels), 4, 4, 3), dtype=np.uint8)
    return shv.Dataset.from_arrays(images, list(labels), class_names=class_names)


def test_the_answers_are_held_against_the_labels_of_the_dataset() -> None:
    report = shv.evaluate(Says([0, 1, 2, 0], NAMES), dataset([0, 1, 1, 2]))

    assert report.accuracy == 0.5
    assert report.confusion.tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    assert list(report.predictions.ids) == ["0", "1", "2", "3"]
    assert list(report.true_names) == ["juice", "milk", "milk", "oats"]


def test_a_view_of_a_dataset_is_judged_row_by_row() -> None:
    view = dataset([0, 1, 1, 2])[[3, 0]]

    assert shv.evaluate(Says([2, 0], NAMES), view).accuracy == 1.0


def test_a_class_without_photos_is_kept() -> None:
    report = shv.evaluate(Says([0, 1], NAMES), dataset([0, 1]))

    assert report.class_names == NAMES
    assert report.confusion.shape == (3, 3)


@pytest.mark.parametrize(
    "names",
    [
        ["juice", "milk", "oats", "rice"],
        ["juice", "rye"],
    ],
)
def test_a_class_that_the_classifier_lacks_is_refused_by_name(names: list[str]) -> None:
    with refuses(DataError, "unknown-class", "dataset") as caught:
        shv.evaluate(Says([0, 1], NAMES), dataset([0, 1], names))
    assert repr(names[-1]) in str(caught.value)


@pytest.mark.parametrize(
    "names",
    [["juice", "milk"], ["milk", "juice"], ["oats", "milk", "juice"], ["milk", "oats", "juice"]],
)
def test_classes_are_matched_by_name_before_anything_is_computed(names: list[str]) -> None:
    labels = ["milk", "juice", "milk"]
    there = dataset([names.index(name) for name in labels], names)
    white = np.full((2, 4, 4, 3), 255, np.uint8)
    trained_on = shv.Dataset.from_arrays(white, ["milk", "milk"])
    report = shv.evaluate(Says([1, 0, 2], NAMES), there, training=trained_on)

    assert report.class_names == NAMES
    assert list(report.true_names) == labels
    assert report.labels.tolist() == [1, 0, 1]
    assert report.accuracy == pytest.approx(2 / 3)
    assert report.confusion.tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
    assert report.nearest_baseline == pytest.approx(2 / 3)


@pytest.mark.remedy("unknown-class")
def test_the_remedies_that_the_refusal_names_work() -> None:
    photos, classifier = dataset([0, 1, 2], ["milk", "juice", "Oats"]), Says([1, 0], NAMES)
    with refuses(DataError, "unknown-class", "dataset") as caught:
        shv.evaluate(classifier, photos)
    select, rename, apart = str(caught.value).rpartition("; ")[2].split(", or ")
    assert select == "leave them out with dataset.select(class_names=classifier.class_names)"
    assert rename == "rename with dataset.relabel({'Oats': 'oats'}) first"
    assert apart == "score them apart with shelfvision.evaluate(..., unknown='reject')"

    with gives_warning(ShelfVisionWarning, "missing-class", "class_names"):
        left = photos.select(class_names=classifier.class_names)
    assert shv.evaluate(classifier, left).accuracy == 1.0
    renamed = photos.relabel({"Oats": "oats"})
    assert shv.evaluate(Says([1, 0, 2], NAMES), renamed).accuracy == 1.0


def test_every_report_tells_a_class_without_photos_with_dashes_and_without_a_warning(
    tmp_path: Path,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = shv.evaluate(Says([0, 0], NAMES), dataset([0, 0], ["juice"]))
        text, page, card = str(report), tmp_path / "report.html", tmp_path / "card.md"
        report.save(page)
        report.save(card)
        frame = report.to_frame()
    assert report.accuracy == report.macro_f1 == 1.0
    assert report.per_class["milk"].support == 0
    (row,) = [line for line in text.splitlines() if line.startswith("milk")]
    assert row.split() == ["milk", "-", "-", "-", "0"]
    json.dumps(report.to_dict(), allow_nan=False)
    for told in (text, page.read_text(), card.read_text(), str(frame)):
        assert "nan" not in told.lower()


class Sized(Says):
    """A classifier that tells how its photos are preprocessed, and keeps what it was given."""

    preprocessing = shv.data.Preprocessing(image_size=(6, 8), resize="pad")

    def predict(self, photos: shv.Dataset, /) -> shv.Predictions:
        self.given = photos
        return super().predict(photos)


def test_files_are_read_at_the_classifiers_size_and_the_report_says_so(tmp_path: Path) -> None:
    shv.samples.write_products(tmp_path, n_per_class=1, class_names=["juice", "milk"])
    opened = shv.Dataset.from_directory(tmp_path, image_size=(20, 20))
    for photos in (opened, opened.cached(), opened[:]):
        classifier = Sized([0, 1], NAMES)
        report = shv.evaluate(classifier, photos)
        right = shv.Dataset.from_directory(tmp_path, image_size=(6, 8), resize="pad")
        assert classifier.given.to_arrays()[0].tobytes() == right.to_arrays()[0].tobytes()
        told = "6 x 8 pixels (pad), read again from files; the dataset has 20 x 20 pixels (stretch)"
        assert told in str(report)
        report.save(tmp_path / "report.html")
        assert told in (tmp_path / "report.html").read_text()
        data = report.to_dict()["data"] or {}
        assert (data["image_size"], data["resize"], data["brought"]) == ([6, 8], "pad", "files")
        assert data["fingerprint"] == photos.fingerprint


def test_arrays_are_resized_to_the_classifiers_size_with_one_warning() -> None:
    with gives_warning(ShelfVisionWarning, "resized-arrays", "dataset") as said:
        report = shv.evaluate(Sized([0, 1], NAMES), dataset([0, 1]))
    assert len(said) == 1
    assert "6 x 8 pixels (pad), resized from arrays; the dataset has 4 x 4" in str(report)


@pytest.mark.remedy("resized-arrays")
def test_opening_the_files_at_the_classifiers_size_needs_no_resizing(tmp_path: Path) -> None:
    with gives_warning(ShelfVisionWarning, "resized-arrays", "dataset") as said:
        shv.evaluate(Sized([0, 1], NAMES), dataset([0, 1]))
    assert "image_size=(6, 8), resize='pad'" in str(said[0])
    shv.samples.write_products(tmp_path, n_per_class=1, class_names=["juice", "milk"])
    opened = shv.Dataset.from_directory(tmp_path, image_size=(6, 8), resize="pad")
    assert "photos at" not in str(shv.evaluate(Sized([0, 1], NAMES), opened))


def test_an_empty_dataset_is_refused() -> None:
    with refuses(DataError, "empty", "dataset"):
        shv.evaluate(Says([], NAMES), dataset([0])[:0])


def test_predictions_of_other_photos_are_refused() -> None:
    with refuses(DataError, "inconsistent", "classifier"):
        shv.evaluate(Says([0], NAMES, ids=["0"]), dataset([0, 1]))
    with refuses(DataError, "inconsistent", "classifier"):
        shv.evaluate(Says([0, 1], NAMES, ids=["1", "0"]), dataset([0, 1]))


def test_photos_that_failed_are_reported_and_not_scored() -> None:
    stub = Says([0, 0, 2], NAMES, errors=[None, "the file is truncated", None])
    report = shv.evaluate(stub, dataset([0, 1, 2]))

    assert report.n == 2
    assert report.accuracy == 1.0
    assert report.failed == (("1", "the file is truncated"),)
    assert len(report.predictions) == 3
    assert "failed       1, not scored" in str(report)


def test_a_dataset_of_which_nothing_could_be_read_is_refused() -> None:
    with refuses(DataError, "empty", "predictions"):
        shv.evaluate(Says([0, 0], NAMES, errors=["gone", "gone"]), dataset([0, 1]))


@pytest.mark.parametrize("judged", [None, object(), "model"])
def test_what_is_no_classifier_is_refused(judged: object) -> None:
    photos = shv.samples.render_products(1)
    with refuses(InvalidParameterError, "wrong-type", "classifier"):
        shv.evaluate(judged, photos)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("photos", [None, [1, 2], ("images", "labels")])
def test_what_is_no_dataset_is_refused(photos: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "dataset"):
        shv.evaluate(Says([0], NAMES), photos)  # type: ignore[arg-type]  # wrong on purpose


def test_products_on_shelves_are_judged_with_the_photo_as_the_group(tmp_path: Path) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (3, 30, 60, 3), dtype=np.uint8)
    boxes = shv.Boxes([[0, 0, 20, 30], [20, 0, 40, 30], [40, 0, 60, 30]], labels=NAMES)
    shelves: dict[Path, shv.Boxes] = {}
    for number, photo in enumerate(pixels):
        path = tmp_path / f"shelf-{number}.png"
        Image.fromarray(photo).save(path)
        shelves[path] = boxes
    crops = shv.Dataset.from_boxes(shelves, image_size=(8, 8))
    report = shv.evaluate(Says([0, 1, 2] * 2 + [0, 1, 1], NAMES), crops)

    assert (report.n, report.n_groups) == (9, 3)
    assert report.accuracy == pytest.approx(8 / 9)
    (mistake,) = report.top_mistakes(3)
    assert mistake.id.endswith("shelf-2.png#2")
    report.save(tmp_path / "report.html")
    assert "shelf-2.png#2" in (tmp_path / "report.html").read_text(encoding="utf-8")
