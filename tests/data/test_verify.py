"""`Dataset.verify`: find photos that cannot be read before they are needed."""

from __future__ import annotations

from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError, PhotoError
from support import refuses


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    shv.samples.write_products(tmp_path, n_per_class=3, class_names=["juice", "milk"], seed=1)
    return tmp_path


def cut(shop: Path, class_name: str = "milk") -> str:
    path = min((shop / class_name).iterdir())
    path.write_bytes(path.read_bytes()[:200])
    return path.relative_to(shop).as_posix()


def test_photos_that_can_be_read_stay(shop: Path) -> None:
    photos = shv.Dataset.from_directory(shop, image_size=(16, 16))
    assert photos.verify().fingerprint == photos.fingerprint
    assert len(photos[:0].verify(on_error="skip")) == 0


def test_a_photo_that_cannot_be_read_is_an_error_or_left_out(shop: Path) -> None:
    photos = shv.Dataset.from_directory(shop, image_size=(16, 16))
    name = cut(shop)
    with pytest.raises(PhotoError) as caught:
        photos.verify()
    assert name.rpartition("/")[2] in str(caught.value)
    good = photos.verify(on_error="skip")
    assert name not in good
    assert len(good) == 5
    assert [file.path for file in good.skipped] == [name]
    assert len(photos.select(["juice"]).verify()) == 3


def test_a_dataset_without_any_readable_photo_is_refused(shop: Path) -> None:
    photos = shv.Dataset.from_directory(shop, image_size=(16, 16))
    name = cut(shop)
    with refuses(DataError, "unreadable"):
        photos[photos.ids == name].verify(on_error="skip")
    with refuses(InvalidParameterError, "not-an-option", "on_error"):
        photos.verify(on_error="forget")  # type: ignore[arg-type]
