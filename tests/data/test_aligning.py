"""Datasets are matched to a classifier by class name, and read at its size and resize rule."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision._photos.decode import resize_image
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.data.aligning import aligned, sized
from shelfvision.data.reading import Reader
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning, SplitError
from shelfvision.protocols import Image, Images
from support import gives_warning, refuses
from support.augmenters import flip

NOISE = np.random.default_rng(0).integers(0, 256, (9, 12, 10, 3), dtype=np.uint8)


def at(height: int, width: int) -> Preprocessing:
    return Preprocessing(image_size=(height, width), resize="pad")


def photos(labels: list[str]) -> shv.Dataset:
    return shv.Dataset.from_arrays(NOISE[: len(labels)], labels)


@given(st.permutations("abcdef"), st.sets(st.sampled_from("abcdef"), min_size=1), st.data())
def test_a_subset_in_any_order_gets_the_numbers_of_the_other_side(
    names: list[str], there: set[str], data: st.DataObject
) -> None:
    labels = data.draw(st.lists(st.sampled_from(sorted(there)), min_size=1, max_size=9))
    order = data.draw(st.permutations(sorted(set(labels))))
    dataset = photos(labels).select(class_names=order)
    found = aligned(dataset, tuple(names), parameter="test", of="train")
    assert found.class_names == tuple(names)
    assert [names[label] for label in found.labels] == [order[label] for label in dataset.labels]
    assert found.ids.tolist() == dataset.ids.tolist()


def test_what_is_aligned_already_stays_the_same_object() -> None:
    dataset = photos(["a", "b"])
    assert aligned(dataset, ("a", "b"), parameter="test", of="train") is dataset


def test_only_names_that_the_other_side_lacks_are_refused() -> None:
    with refuses(DataError, "unknown-class", "test") as caught:
        aligned(photos(["a", "x", "y"]), ("a", "b"), parameter="test", of="train")
    assert "'x', 'y'" in str(caught.value)
    with refuses(SplitError, "unknown-class", "test"):
        aligned(photos(["x"]), ("a",), parameter="test", of="train", error=SplitError)


@pytest.mark.remedy("unknown-class")
def test_unknown_classes_are_left_out_or_renamed_as_the_error_says() -> None:
    train, test = photos(["Juice", "Milk", "Tea"]), photos(["Juice", "Rice"])
    with refuses(SplitError, "unknown-class", "test") as caught:
        shv.Splits(train=train, test=test, on_leak="allow")
    assert str(caught.value).endswith("test.select(class_names=train.class_names)")
    with gives_warning(ShelfVisionWarning, "missing-class", "class_names"):
        test = test.select(class_names=train.class_names)
    assert len(shv.Splits(train=train[1:], test=test).test or ()) == 1

    test = photos(["Juice", "MILK"])
    with refuses(SplitError, "unknown-class", "test") as caught:
        shv.Splits(train=train, test=test, on_leak="allow")
    assert str(caught.value).endswith("test.relabel({'MILK': 'Milk'}) first")
    other = shv.Dataset.from_arrays(255 - NOISE[:2], ["Juice", "MILK"])
    other = other.relabel({"MILK": "Milk"})
    splits = shv.Splits(train=train, test=other)
    assert splits.test is not None
    assert splits.test.class_counts == {"Juice": 1, "Milk": 1, "Tea": 0}


@pytest.mark.parametrize(("name", "renamed"), [("Rice", False), ("juice", True), ("Juices", True)])
def test_renaming_is_proposed_only_for_names_that_are_nearly_the_same(
    name: str, renamed: bool
) -> None:
    with refuses(DataError, "unknown-class", "test") as caught:
        aligned(photos([name]), ("Juice", "Milk"), parameter="test", of="train")
    assert ("relabel" in str(caught.value)) == renamed


def test_where_no_class_is_known_the_error_lists_those_that_are() -> None:
    with refuses(DataError, "unknown-class", "test") as caught:
        aligned(photos(["quux"]), ("Juice", "Milk"), parameter="test", of="train")
    assert "'Juice', 'Milk'" in str(caught.value)


# -- another size ----------------------------------------------------------------------------------


@pytest.fixture
def kinds(shop: Path, tmp_path: Path) -> dict[str, shv.Dataset]:
    """Return the same photos as files, views, caches and balanced copies, at 40 x 40."""
    files = shv.Dataset.from_directory(shop, image_size=(40, 40), resize="stretch")
    balanced = shv.BalancingAugmenter(flip, seed=1).balance(files)
    return {
        "files": files,
        "view": files[[4, 0, 2]],
        "selected": files.select(class_names=["Milk"]),
        "in memory": files.cached(),
        "on disk": files[1:].cached(tmp_path / "cache"),
        "view of a cache": files.cached()[[3, 1]],
        "balanced": balanced,
        "cache of balanced": balanced.cached(),
        "balanced cache": shv.BalancingAugmenter(flip, seed=1).balance(files.cached()),
    }


def test_every_dataset_with_files_behind_it_is_read_from_them(
    kinds: dict[str, shv.Dataset], shop: Path
) -> None:
    original = shv.Dataset.from_directory(shop, image_size=(30, 50), resize="pad")
    fresh = dict(zip(original.ids, original.to_arrays()[0], strict=True))
    for kind, dataset in kinds.items():
        found = dataset.resized((30, 50), resize="pad")
        assert (found.image_size, found.resize) == ((30, 50), "pad"), kind
        for column in ("ids", "labels", "groups", "copies"):
            assert getattr(found, column).tolist() == getattr(dataset, column).tolist(), kind
        assert found.class_names == dataset.class_names
        for (image, _), name, copy in zip(found, found.ids, found.copies, strict=True):
            right = fresh[name][:, ::-1] if copy else fresh[name]
            assert (image == right).all(), (kind, name, copy)
        assert (found.read_batch(slice(None)) == np.stack([image for image, _ in found])).all()
        assert found.cached().to_arrays()[0].tobytes() == found.to_arrays()[0].tobytes()


def test_a_resized_dataset_travels_to_other_processes(kinds: dict[str, shv.Dataset]) -> None:
    for kind, dataset in kinds.items():
        found = dataset.resized((30, 50))
        other = pickle.loads(pickle.dumps(dataset)).resized((30, 50))
        again = pickle.loads(pickle.dumps(found))
        assert again.fingerprint == found.fingerprint == other.fingerprint, kind
        assert again.to_arrays()[0].tobytes() == found.to_arrays()[0].tobytes(), kind
        assert other.to_arrays()[0].tobytes() == found.to_arrays()[0].tobytes(), kind


def test_a_photo_that_changed_after_it_was_cached_is_not_mixed_in(shop: Path) -> None:
    cached = shv.Dataset.from_directory(shop, image_size=(40, 40)).cached()
    (shop / "Juice/1.JPG").write_bytes((shop / "Juice/10.jpeg").read_bytes())
    with refuses(shv.errors.PhotoError, "changed"):
        cached.resized((30, 30)).to_arrays()


def test_arrays_are_resized_as_predict_resizes_arrays() -> None:
    dataset = photos(list("abcabcabc"))
    wanted = np.stack([resize_image(one, image_size=(6, 8), resize="crop") for one in NOISE])
    found = dataset.resized((6, 8), resize="crop")
    assert (found.to_arrays()[0] == wanted).all()
    assert (found[4][0] == wanted[4]).all()
    assert (found[::2].to_arrays()[0] == wanted[::2]).all()
    assert found.groups.tolist() == dataset.groups.tolist()
    # Made of the first pixels, never of pixels that were resized before.
    again = dataset.resized((3, 3)).resized((6, 8), resize="crop")
    assert (again.to_arrays()[0] == wanted).all()


class Stripes:
    """A source of a user's own that can only read."""

    image_size = (4, 4)

    def __len__(self) -> int:
        return 2

    def read(self, row: int) -> Image:
        return np.full((4, 4, 3), row, dtype=np.uint8)

    def digest(self, row: int) -> str:
        return str(row)


class Drawn(Stripes):
    """A source that can draw its images at another size."""

    def __init__(self, image_size: tuple[int, int] = (4, 4)) -> None:
        self.image_size = image_size

    def resized(self, image_size: tuple[int, int], resize: str) -> Drawn:
        assert resize == "stretch"
        return Drawn(image_size)

    def read(self, row: int) -> Image:
        return np.full((*self.image_size, 3), self.image_size[0], dtype=np.uint8)


@pytest.mark.parametrize(("source", "value"), [(Stripes(), 1), (Drawn(), 9)])
def test_a_source_of_ones_own_is_asked_or_its_pixels_resized(source: Stripes, value: int) -> None:
    dataset = shv.Dataset.from_source(source, ids=["x", "y"], labels=[0, 0], class_names=["a"])
    found = dataset.resized((9, 7))
    assert found.to_arrays()[0].shape == (2, 9, 7, 3)
    assert (found[1][0] == value).all()


def test_a_dataset_of_the_size_asked_for_is_returned_as_it_is() -> None:
    dataset = photos(["a"])
    assert dataset.resized((12, 10)) is dataset
    assert dataset.resized((12, 10), resize="stretch") is dataset


@pytest.mark.parametrize(
    ("name", "code", "arguments"),
    [
        ("image_size", "not-in-range", {"image_size": (0, 3)}),
        ("resize", "not-an-option", {"image_size": (3, 3), "resize": "squash"}),
    ],
)
def test_a_size_or_rule_that_is_none_is_refused(
    name: str, code: str, arguments: dict[str, object]
) -> None:
    with refuses(InvalidParameterError, code, name):
        photos(["a"]).resized(**arguments)  # type: ignore[arg-type]  # on purpose


def read(dataset: shv.Dataset, image_size: tuple[int, int] = (30, 50)) -> Images:
    """Return the pixels that a classifier of this size would see."""
    reader = Reader(
        preprocessing=Preprocessing(image_size=image_size, resize="pad"), on_error="raise"
    )
    return np.concatenate([batch.images for batch in reader.batches(dataset, 2)])


def test_a_classifier_sees_files_at_its_own_size_without_a_word(
    kinds: dict[str, shv.Dataset],
) -> None:
    for kind, dataset in kinds.items():
        wanted = dataset.resized((30, 50), resize="pad")
        assert (read(dataset) == wanted.to_arrays()[0]).all(), kind
        assert sized(dataset, at(30, 50), parameter="x").brought == "files", kind


def test_a_classifier_sees_resized_arrays_with_one_warning() -> None:
    dataset = photos(list("abcabc"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read(dataset, (6, 8))
    assert [getattr(one.message, "code", None) for one in caught] == ["resized-arrays"]
    assert caught[0].filename == __file__
    wanted = [resize_image(one, image_size=(6, 8), resize="pad") for one in NOISE[:6]]
    assert (found == np.stack(wanted)).all()


def test_arrays_of_the_right_size_are_taken_as_they_are() -> None:
    dataset = photos(["a", "b"])
    # The rule says what to do with another shape; there is none.
    assert sized(dataset, at(12, 10), parameter="x").dataset is dataset
    assert (read(dataset, (12, 10)) == NOISE[:2]).all()


def test_files_of_the_right_size_but_another_rule_are_read_again(shop: Path) -> None:
    dataset = shv.Dataset.from_directory(shop, image_size=(30, 30), resize="stretch")
    found = sized(dataset, at(30, 30), parameter="x")
    assert found.brought == "files"
    assert (read(dataset, (30, 30)) == dataset.resized((30, 30), resize="pad").to_arrays()[0]).all()


# -- ids -------------------------------------------------------------------------------------------


class Unread(Stripes):
    """A source that must not be read."""

    def read(self, row: int) -> Image:
        raise AssertionError(row)

    def digest(self, row: int) -> str:
        raise AssertionError(row)


def test_a_dataset_is_asked_for_an_id_without_reading_a_photo() -> None:
    dataset = shv.Dataset.from_source(Unread(), ids=["x", "y"], labels=[0, 0], class_names=["a"])
    assert "x" in dataset
    assert "z" not in dataset
    assert "y" not in dataset[:1]
    assert "x" not in dataset[:0]


@pytest.mark.remedy("wrong-type")
@pytest.mark.parametrize("asked", [0, None, ("x", 0), b"x", np.zeros((4, 4, 3), np.uint8)])
def test_what_is_no_id_is_refused_with_the_remedy(asked: object) -> None:
    dataset = photos(["a"])
    with refuses(InvalidParameterError, "wrong-type", "name") as caught:
        assert asked in dataset
    assert str(caught.value).endswith("write dataset.ids[0] in dataset")
    assert dataset.ids[0] in dataset
