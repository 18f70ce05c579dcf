"""What the errors of datasets say to do works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.data.reading import Reader
from shelfvision.errors import DataError, InvalidParameterError
from support import refuses

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 5, 6, 3), dtype=np.uint8)


def seen(photos: object) -> list[str]:
    """Return the ids of what a classifier of 5 x 6 pixels would read."""
    reader = Reader(preprocessing=Preprocessing(image_size=(5, 6)), on_error="raise")
    return [name for batch in reader.batches(photos, 8) for name in batch.ids]  # type: ignore[arg-type]  # on purpose


@pytest.mark.remedy("wrong-dtype")
def test_images_of_floats_are_multiplied_and_converted() -> None:
    floats = PIXELS / 255
    with refuses(DataError, "wrong-dtype", "images"):
        shv.Dataset.from_arrays(floats, ["a", "b"])  # type: ignore[arg-type]  # on purpose
    images = (floats * 255).astype(np.uint8)
    assert len(shv.Dataset.from_arrays(images, ["a", "b"])) == 2
    with refuses(InvalidParameterError, "wrong-dtype", "photos"):
        seen(floats)
    assert seen(images) == ["0", "1"]


@pytest.mark.remedy("wrong-dtype")
def test_labels_of_floats_are_converted() -> None:
    numbers, codes = np.array([0.0, 1.0]), np.array([4006381333931.0, 4006381333948.0])
    for labels in (numbers, codes):
        with refuses(DataError, "wrong-dtype", "labels"):
            shv.Dataset.from_arrays(PIXELS, labels)
    assert shv.Dataset.from_arrays(PIXELS, numbers.astype(int)).labels.tolist() == [0, 1]
    names = shv.Dataset.from_arrays(PIXELS, codes.astype(int).astype(str)).class_names
    assert names == ("4006381333931", "4006381333948")


@pytest.mark.remedy("not-in-range")
def test_codes_of_products_are_given_as_text() -> None:
    labels = np.array([4006381333931, 4006381333948])
    with refuses(DataError, "not-in-range", "labels"):
        shv.Dataset.from_arrays(PIXELS, labels)
    names = shv.Dataset.from_arrays(PIXELS, labels.astype(str)).class_names
    assert names == ("4006381333931", "4006381333948")


@pytest.mark.remedy("wrong-shape")
def test_rows_that_are_one_hot_become_numbers() -> None:
    labels = np.eye(2)[::-1]
    with refuses(DataError, "wrong-shape", "labels"):
        shv.Dataset.from_arrays(PIXELS, labels)  # type: ignore[arg-type]  # on purpose
    assert shv.Dataset.from_arrays(PIXELS, labels.argmax(axis=1)).labels.tolist() == [1, 0]


@pytest.mark.remedy("not-a-file")
def test_a_folder_is_opened_as_a_dataset_or_as_a_list_of_paths(shop: Path) -> None:
    with refuses(InvalidParameterError, "not-a-file", "photos"):
        seen(shop)
    assert len(seen(shv.Dataset.from_directory(str(shop)))) == 5
    assert len(seen(sorted((shop / "Juice").iterdir()))) == 3


@pytest.mark.remedy("no-classes")
def test_photos_without_class_folders_are_listed_in_a_manifest(shop: Path) -> None:
    with refuses(DataError, "no-classes", "directory"):
        shv.Dataset.from_directory(shop / "Juice")
    (shop / "Juice/list.csv").write_text("path,label\n10.jpeg,Juice\n")
    assert len(shv.Dataset.from_manifest(shop / "Juice/list.csv")) == 1
    assert len(shv.Dataset.from_directory(shop)) == 5
