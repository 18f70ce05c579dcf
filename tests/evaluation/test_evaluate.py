"""`evaluate` asks a classifier about a dataset and refuses what cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import shelfvision as sv
from shelfvision.errors import DataError, InvalidParameterError
from support import refuses

NAMES = ("juice", "milk", "oats")


class Stub:
    """A classifier that knows its answers beforehand."""

    def __init__(
        self,
        answers: Sequence[int],
        class_names: tuple[str, ...] = NAMES,
        *,
        ids: Sequence[str] | None = None,
        errors: Sequence[str | None] | None = None,
    ) -> None:
        self.class_names = class_names
        self._answers = answers
        self._ids = ids
        self._errors = errors

    def predict(self, photos: sv.Dataset, /) -> sv.Predictions:
        probabilities = np.eye(len(self.class_names), dtype=np.float32)[list(self._answers)]
        ids = list(photos.ids) if self._ids is None else self._ids
        return sv.Predictions(probabilities, self.class_names, ids, self._errors)


def dataset(labels: Sequence[int], class_names: Sequence[str] = NAMES) -> sv.Dataset:
    images = np.zeros((len(labels), 4, 4, 3), dtype=np.uint8)
    return sv.Dataset.from_arrays(images, list(labels), class_names=class_names)


def test_the_answers_are_held_against_the_labels_of_the_dataset() -> None:
    report = sv.evaluate(Stub([0, 1, 2, 0]), dataset([0, 1, 1, 2]))

    assert report.accuracy == 0.5
    assert report.confusion.tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    assert list(report.predictions.ids) == ["0", "1", "2", "3"]
    assert list(report.true_names) == ["juice", "milk", "milk", "oats"]


def test_a_view_of_a_dataset_is_judged_row_by_row() -> None:
    view = dataset([0, 1, 1, 2])[[3, 0]]

    assert sv.evaluate(Stub([2, 0]), view).accuracy == 1.0


def test_a_class_without_photos_is_kept() -> None:
    report = sv.evaluate(Stub([0, 1]), dataset([0, 1]))

    assert report.class_names == NAMES
    assert report.confusion.shape == (3, 3)


@pytest.mark.parametrize(
    "names",
    [
        ["juice", "milk"],
        ["juice", "milk", "oats", "rice"],
        ["juice", "milk", "rye"],
        ["milk", "juice", "oats"],
    ],
)
def test_other_classes_are_refused_and_the_difference_is_named(names: list[str]) -> None:
    with refuses(DataError, "classes-differ", "dataset"):
        sv.evaluate(Stub([0, 1]), dataset([0, 1], names))


def test_the_remedy_that_the_refusal_names_works() -> None:
    photos = dataset([0, 1], ["milk", "juice", "oats"])

    report = sv.evaluate(Stub([1, 0]), photos.select(class_names=NAMES))
    assert report.accuracy == 1.0


def test_an_empty_dataset_is_refused() -> None:
    with refuses(DataError, "empty", "dataset"):
        sv.evaluate(Stub([]), dataset([0])[:0])


def test_predictions_of_other_photos_are_refused() -> None:
    with refuses(DataError, "inconsistent", "classifier"):
        sv.evaluate(Stub([0], ids=["0"]), dataset([0, 1]))
    with refuses(DataError, "inconsistent", "classifier"):
        sv.evaluate(Stub([0, 1], ids=["1", "0"]), dataset([0, 1]))


def test_photos_that_failed_are_reported_and_not_scored() -> None:
    stub = Stub([0, 0, 2], errors=[None, "the file is truncated", None])
    report = sv.evaluate(stub, dataset([0, 1, 2]))

    assert report.n == 2
    assert report.accuracy == 1.0
    assert report.failed == (("1", "the file is truncated"),)
    assert len(report.predictions) == 3
    assert "failed       1, not in the scores" in str(report)


def test_a_dataset_of_which_nothing_could_be_read_is_refused() -> None:
    with refuses(DataError, "empty", "predictions"):
        sv.evaluate(Stub([0, 0], errors=["gone", "gone"]), dataset([0, 1]))


@pytest.mark.parametrize("judged", [None, object(), "model"])
def test_what_is_no_classifier_is_refused(judged: object) -> None:
    photos = sv.samples.render_products(1)
    with refuses(InvalidParameterError, "wrong-type", "classifier"):
        sv.evaluate(judged, photos)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("photos", [None, [1, 2], ("images", "labels")])
def test_what_is_no_dataset_is_refused(photos: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "dataset"):
        sv.evaluate(Stub([0]), photos)  # type: ignore[arg-type]  # wrong on purpose
