"""A few sentences of datasets, word for word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import DataError, ShelfVisionWarning
from support import gives_warning, refuses


def test_a_root_above_the_parts_of_a_split(shop: Path) -> None:
    for part in ("train", "val"):
        (shop / part).mkdir()
        (shop / part / "Milk").mkdir()
        (shop / part / "Milk" / "1.jpg").write_bytes(b"")
    with refuses(DataError, "split-folders", "directory") as caught:
        shv.Dataset.from_directory(shop)
    assert str(caught.value) == (
        f"directory must have one folder per class, got 'train', 'val' in {str(shop)!r}, which are "
        f"the sets of a split; open each by itself, as in "
        f"Dataset.from_directory({str(shop / 'train')!r}), or pass class_names=['train', 'val'] "
        "if they are classes"
    )


def test_a_class_that_has_no_folder(shop: Path) -> None:
    with gives_warning(ShelfVisionWarning, "missing-class", "class_names") as said:
        shv.Dataset.from_directory(shop, class_names=["Juice", "Mlik"])
    assert str(said[0]) == (
        f"class_names has 1 class without photos in {str(shop)!r}, which count 0: 'Mlik' (did "
        "you mean 'Milk'?); correct the names if they are wrong"
    )


def test_a_class_folder_without_a_photo(shop: Path) -> None:
    (shop / "Tea").mkdir()
    (shop / "Tea/notes.txt").write_text("x")
    with gives_warning(ShelfVisionWarning, "empty-class", "directory") as said:
        shv.Dataset.from_directory(shop)
    assert str(said[0]) == (
        f"1 class folder of {str(shop)!r} without a usable photo: 'Tea' (such as "
        "'Tea/notes.txt': the file does not have a JPEG, PNG, WebP or HEIC suffix); add photos to "
        "each, or leave the class out with class_names="
    )


@pytest.mark.backend
def test_arrays_of_another_size_than_the_classifiers() -> None:
    model = shv.build_model(2, architecture="shelf_cnn", image_size=(32, 32), seed=1)
    classifier = shv.Classifier.from_model(model, class_names=["a", "b"])
    photos = shv.Dataset.from_arrays(np.zeros((1, 8, 9, 3), np.uint8), ["a"])
    with gives_warning(ShelfVisionWarning, "resized-arrays", "photos") as said:
        classifier.predict(photos)
    assert str(said[0]) == (
        "resized the arrays of photos from 8 x 9 to 32 x 32 pixels ('stretch'), the size of the "
        "classifier, which is less sharp than photos read from files at that size; open the files "
        "with image_size=(32, 32), resize='stretch'"
    )
