"""`Dataset.with_labels`: the labels of a review for single photos."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.review import Correction
from support import refuses

IMAGES = np.arange(5 * 8 * 8 * 3, dtype=np.uint8).reshape(5, 8, 8, 3)
NAMES = ["milk", "juice", "milk", "tea", "juice"]
IDS = ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]


@pytest.fixture
def photos() -> shv.Dataset:
    return shv.Dataset.from_arrays(IMAGES, NAMES, ids=IDS, groups=["s1", "s1", "s2", "s2", "s3"])


def label_of(dataset: shv.Dataset) -> dict[str, str]:
    names = [dataset.class_names[label] for label in dataset.labels]
    return dict(zip(dataset.ids.tolist(), names, strict=True))


def test_corrected_photos_have_the_new_label_and_the_others_their_own(photos: shv.Dataset) -> None:
    found = photos.with_labels({"a.jpg": "tea", "e.jpg": "milk"})
    assert label_of(found) == dict(zip(IDS, ["tea", "juice", "milk", "tea", "milk"], strict=True))
    assert found.class_names == photos.class_names
    assert found.groups.tolist() == photos.groups.tolist()
    np.testing.assert_array_equal(found.read_batch(slice(None)), IMAGES)
    assert found.fingerprint != photos.fingerprint
    assert label_of(photos)["a.jpg"] == "milk"


def test_photos_without_a_class_leave_the_dataset_with_their_reason(photos: shv.Dataset) -> None:
    answers = {
        "a.jpg": Correction(status="unusable", comment="blurred"),
        "b.jpg": Correction(status="other product"),
        "c.jpg": Correction(label="milk", status="confirmed"),
    }
    found = photos.with_labels(shv.Corrections(answers))
    assert found.ids.tolist() == ["c.jpg", "d.jpg", "e.jpg"]
    assert found.skipped.counts == {"unusable": 1, "other-product": 1}
    assert "blurred" in str(found.skipped)
    image, _ = found[0]
    np.testing.assert_array_equal(image, IMAGES[2])


def test_a_pile_of_new_photos_becomes_a_dataset_of_the_reviewed_ones() -> None:
    pile = shv.Dataset.from_arrays(IMAGES, ["new"] * 5, ids=IDS)
    found = pile.with_labels(
        {"b.jpg": "tea", "d.jpg": "milk"}, class_names=["milk", "tea"], unreviewed="drop"
    )
    assert label_of(found) == {"b.jpg": "tea", "d.jpg": "milk"}
    assert found.class_names == ("milk", "tea")


def test_new_classes_are_allowed_where_they_are_listed(photos: shv.Dataset) -> None:
    with refuses(DataError, "unknown-class", "labels") as caught:
        photos.with_labels({"a.jpg": "mlik", "b.jpg": "cocoa"})
    assert "'mlik' (did you mean 'milk'?)" in str(caught.value)
    assert "class_names=[*dataset.class_names" in str(caught.value)
    names = [*photos.class_names, "cocoa"]
    found = photos.with_labels({"b.jpg": "cocoa"}, class_names=names)
    assert found.class_counts == {"juice": 1, "milk": 2, "tea": 1, "cocoa": 1}
    with refuses(DataError, "unknown-class", "labels"):
        photos.with_labels({"b.jpg": "cola"}, class_names=names)


def test_class_names_that_lack_the_class_of_an_unreviewed_photo_are_refused(
    photos: shv.Dataset,
) -> None:
    with refuses(DataError, "unknown-class", "class_names") as caught:
        photos.with_labels({"a.jpg": "tea"}, class_names=["juice", "tea"])
    assert "'milk'" in str(caught.value)
    both = photos.with_labels({"a.jpg": "tea", "c.jpg": "tea"}, class_names=["tea", "juice"])
    assert both.class_counts == {"tea": 3, "juice": 2}


def test_unknown_ids_are_listed_with_the_closest_ids(photos: shv.Dataset) -> None:
    with refuses(DataError, "unknown-id", "labels") as caught:
        photos.with_labels({"a.jpeg": "tea", "shop/b.jpg": "tea", "c.jpg": "tea", "zzz": "tea"})
    message = str(caught.value)
    assert "3 ids" in message
    assert "'a.jpeg' (did you mean 'a.jpg'?)" in message
    assert "'shop/b.jpg' (did you mean 'b.jpg'?)" in message
    assert "'c.jpg'" not in message


def test_ids_fit_in_both_unicode_forms_but_never_by_chance() -> None:
    composed, apart = "käse.jpg", unicodedata.normalize("NFD", "käse.jpg")
    of_mac = shv.Dataset.from_arrays(IMAGES[:2], ["milk", "tea"], ids=[apart, "b.jpg"])
    assert label_of(of_mac.with_labels({composed: "tea"})) == {apart: "tea", "b.jpg": "tea"}
    both = shv.Dataset.from_arrays(IMAGES[:2], ["milk", "tea"], ids=[apart, composed])
    found = both.with_labels({composed: "milk"})
    assert label_of(found) == {apart: "milk", composed: "milk"}
    numbers = shv.Dataset.from_arrays(IMAGES[:2], ["milk", "tea"], ids=["7", "007"])
    assert label_of(numbers.with_labels({7: "tea"})) == {"7": "tea", "007": "tea"}  # type: ignore[dict-item]
    assert label_of(numbers.with_labels({"007": "milk"})) == {"7": "milk", "007": "milk"}


def test_views_cached_and_resized_photos_keep_corrected_labels(
    photos: shv.Dataset, tmp_path: Path
) -> None:
    answers = {"b.jpg": "milk"}
    view = photos[[1, 3]].with_labels(answers)
    assert label_of(view) == {"b.jpg": "milk", "d.jpg": "tea"}
    for again in (view.cached(), view.cached(tmp_path), view.resized((4, 4))):
        assert label_of(again) == label_of(view)
    assert label_of(photos.cached().with_labels(answers))["b.jpg"] == "milk"


def test_an_augmented_copy_has_the_label_of_its_original(photos: shv.Dataset) -> None:
    balanced = shv.BalancingAugmenter(seed=1).balance(photos)
    assert (balanced.copies > 0).any()
    name = balanced.ids[np.flatnonzero(balanced.copies > 0)[0]]
    corrected = balanced.with_labels({name: "juice"})
    of_photo = corrected.ids == name
    assert of_photo.sum() > 1
    assert {corrected.class_names[label] for label in corrected.labels[of_photo]} == {"juice"}
    rejected = balanced.with_labels(shv.Corrections({name: Correction(status="unusable")}))
    assert name not in rejected
    assert len(rejected) == len(balanced) - of_photo.sum()


def test_the_same_answers_split_and_train_sets_alike(photos: shv.Dataset) -> None:
    found = photos.with_labels({})
    assert found.fingerprint == photos.fingerprint


@pytest.mark.parametrize(
    ("labels", "options", "parameter", "code"),
    [
        ([("a.jpg", "tea")], {}, "labels", "wrong-type"),
        ({"a.jpg": None}, {}, "answers", "wrong-type"),
        ({}, {"unreviewed": "forget"}, "unreviewed", "not-an-option"),
    ],
)
def test_other_values_are_refused(
    photos: shv.Dataset, labels: object, options: dict[str, str], parameter: str, code: str
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        photos.with_labels(labels, **options)  # type: ignore[arg-type]


def test_the_file_of_a_review_ends_in_a_dataset(photos: shv.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    path.write_text("id,label,status,comment\na.jpg,tea,corrected,\nc.jpg,,unusable,dark\n")
    found = photos.with_labels(shv.Corrections.read(path))
    assert found.class_counts == {"juice": 2, "milk": 0, "tea": 2}
