"""Rendered product photos: deterministic, lazy, labelled, and not to be guessed by colour."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import shelfvision as shv
from shelfvision.errors import InvalidParameterError, StorageError
from shelfvision.samples import CLASS_NAMES, UNEVEN_COUNTS, render_products, write_products
from shelfvision.samples._products import designs_for
from support import refuses

SCRIPT = """
import hashlib
from shelfvision.samples import render_products
photos = render_products(3, seed=7)
rows = range(len(photos) - 1, -1, -1)
print(hashlib.sha256(b"".join(sorted(photos[row][0].tobytes() for row in rows))).hexdigest())
"""


def test_a_number_gives_every_class_exactly_that_many() -> None:
    photos = render_products(4)

    assert photos.class_names == CLASS_NAMES == ("Bottle", "Can", "Carton", "Jar", "Pouch")
    assert photos.class_counts == dict.fromkeys(CLASS_NAMES, 4)
    assert photos.image_size == (100, 100)


def test_a_mapping_gives_every_class_its_own_number() -> None:
    photos = render_products({"Jar": 1, "Can": 3})

    assert photos.class_counts == {"Jar": 1, "Can": 3}
    assert list(photos.ids) == ["Jar/0000", "Can/0000", "Can/0001", "Can/0002"]


def test_a_class_that_the_mapping_leaves_out_keeps_its_number_without_photos() -> None:
    photos = render_products({"Jar": 2}, class_names=CLASS_NAMES)

    assert photos.class_counts == {"Bottle": 0, "Can": 0, "Carton": 0, "Jar": 2, "Pouch": 0}
    assert list(photos.labels) == [3, 3]


def test_the_uneven_counts_are_uneven_and_name_the_default_classes() -> None:
    assert tuple(UNEVEN_COUNTS) == CLASS_NAMES
    assert len(set(UNEVEN_COUNTS.values())) == len(UNEVEN_COUNTS)
    assert render_products(UNEVEN_COUNTS).class_counts == UNEVEN_COUNTS


def test_a_photo_is_rgb_and_shows_something() -> None:
    for image, _ in render_products(2, image_size=(60, 80)):
        assert image.shape == (60, 80, 3)
        assert image.dtype == np.uint8
        assert image.std() > 8


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 90), width=st.integers(1, 90), seed=st.integers(0, 2**32 - 1))
def test_any_image_size_and_seed_can_be_rendered(height: int, width: int, seed: int) -> None:
    images, _ = render_products(1, image_size=(height, width), seed=seed).to_arrays()

    assert images.shape == (5, height, width, 3)


def test_a_photo_does_not_depend_on_order_on_threads_or_on_the_number_of_photos() -> None:
    few, many = render_products(2, seed=5), render_products(6, seed=5)
    images, _ = many.to_arrays()

    with ThreadPoolExecutor(4) as pool:
        rows = list(range(len(many)))[::-1]
        threaded = list(pool.map(lambda row: many[row][0], rows))

    assert np.array_equal(np.stack(threaded[::-1]), images)
    assert np.array_equal(few[2][0], many[6][0])  # Can/0000 in both
    assert np.array_equal(pickle.loads(pickle.dumps(many)).to_arrays()[0], images)


def test_another_process_with_another_hash_seed_renders_the_same_bytes() -> None:
    images = [image.tobytes() for image, _ in render_products(3, seed=7)]
    here = hashlib.sha256(b"".join(sorted(images))).hexdigest()

    for hash_seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == here


def test_every_photo_is_another_one_and_another_seed_gives_new_ones() -> None:
    first, second = render_products(8, seed=0), render_products(8, seed=1)
    seen = {image.tobytes() for photos in (first, second) for image, _ in photos}

    assert len(seen) == 80
    assert len({*first.groups, *second.groups}) == 80
    assert first.fingerprint != second.fingerprint
    assert first.fingerprint == render_products(8, seed=0).fingerprint
    assert first.fingerprint != render_products(8, seed=0, image_size=(50, 50)).fingerprint


def test_nothing_is_rendered_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def render(*recipe: object) -> npt.NDArray[np.uint8]:
        asked.append(recipe)
        return np.zeros((100, 100, 3), np.uint8)

    monkeypatch.setattr("shelfvision.samples._products.render_photo", render)
    photos = render_products(10_000)
    photos.groups[:3]

    assert asked == []
    photos[77]
    assert len(asked) == 1


def test_named_packagings_keep_their_shape_wherever_they_stand() -> None:
    whole, part = render_products(2, seed=3), render_products(2, class_names=["Jar", "Can"], seed=3)

    assert np.array_equal(part[0][0], whole[6][0])
    assert np.array_equal(part[2][0], whole[2][0])


@given(st.lists(st.text(min_size=1), min_size=1, max_size=120, unique=True))
def test_no_two_classes_share_a_design(names: list[str]) -> None:
    designs = designs_for(names)

    assert len(set(designs)) == len(names)


def test_many_class_names_of_ones_own_can_be_rendered() -> None:
    names = [f"Product {number}" for number in range(40)]
    photos = render_products(1, class_names=names, image_size=(32, 32))

    assert photos.class_names == tuple(names)
    assert len({image.tobytes() for image, _ in photos}) == 40


def test_a_guess_by_colour_fails() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import NearestCentroid
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    size = (50, 50)
    train = render_products(60, seed=0, image_size=size)
    test = render_products(40, seed=1, image_size=size)
    majority = max(test.class_counts.values()) / len(test)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))

    assert majority == pytest.approx(0.2)
    for guess in (NearestCentroid(), logistic):
        guess.fit(_colours(train), train.labels)
        assert guess.score(_colours(test), test.labels) < 0.45


def _colours(photos: shv.Dataset) -> npt.NDArray[np.float64]:
    images, _ = photos.to_arrays()
    pixels = images.reshape(len(images), -1, 3)
    return np.concatenate([pixels.mean(axis=1), pixels.std(axis=1)], axis=1)


def test_the_shape_of_a_product_tells_its_class() -> None:
    from shelfvision._random import rng_for
    from shelfvision.samples._product_shapes import Design, draw_product

    for form in range(5):
        shares = []
        for item in range(10):
            tile = draw_product(rng_for(0, "test", form, item), Design(form=form), 150)
            shares.append(tile.width / tile.height)
        # A bottle is slim, a pouch broad: the silhouettes keep their proportions.
        assert min(shares) > 0.2
        assert max(shares) < 1.0
        assert (max(shares) < 0.45) == (form == 0)


@pytest.mark.parametrize(("kind", "suffix"), [("jpeg", ".jpg"), ("png", ".png"), ("webp", ".webp")])
def test_photos_are_written_as_a_folder_per_class(tmp_path: Path, kind: str, suffix: str) -> None:
    folder = write_products(
        tmp_path / "new" / "photos", {"Can": 2, "Jar": 0}, image_size=(40, 30), format=kind
    )

    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "Can", f"Can/0000{suffix}", f"Can/0001{suffix}", "Jar",
    ]  # fmt: skip
    with Image.open(folder / f"Can/0000{suffix}") as photo:
        assert photo.format == kind.upper()
        assert photo.size == (30, 40)


def test_png_photos_have_the_very_pixels_that_are_rendered(tmp_path: Path) -> None:
    folder = write_products(tmp_path, {"Pouch": 2}, seed=4, format="png")
    rendered = render_products({"Pouch": 2}, seed=4)

    for row in range(2):
        with Image.open(folder / f"{rendered.ids[row]}.png") as photo:
            assert np.array_equal(np.asarray(photo), rendered[row][0])


def test_a_folder_that_holds_something_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with refuses(StorageError, "not-empty", "directory"):
        write_products(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with refuses(StorageError, "not-writable", "directory"):
        write_products(tmp_path / "file", 1)


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a\\b", "a\0b", "C:", "\ud800"])
def test_a_class_name_that_would_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with refuses(InvalidParameterError, "unusable-name", "class_names"):
        write_products(tmp_path / "photos", 1, class_names=[name])
    assert not (tmp_path / "photos").exists()


def test_bad_numbers_names_and_formats_are_named(tmp_path: Path) -> None:
    with refuses(InvalidParameterError, "not-in-range", "n_per_class"):
        render_products(0)
    with refuses(InvalidParameterError, "not-in-range", "n_per_class"):
        render_products({"Can": -1})
    with refuses(InvalidParameterError, "unknown-name", "n_per_class"):
        render_products({"Tin": 1}, class_names=["Can"])
    with refuses(InvalidParameterError, "not-in-range", "image_size"):
        render_products(1, image_size=(0, 10))
    with refuses(InvalidParameterError, "not-in-range", "seed"):
        render_products(1, seed=-1)
    with refuses(InvalidParameterError, "not-an-option", "format"):
        write_products(tmp_path / "photos", 1, format="bmp")


def test_counts_by_name_find_their_class_in_any_spelling() -> None:
    photos = render_products({"Milk ": 2, "Ka\u0308se": 1}, image_size=(20, 20))
    assert photos.class_counts == {"Milk": 2, "K\u00e4se": 1}
    assert render_products({"tea ": 1}, class_names=["tea"], image_size=(20, 20)).class_counts == {
        "tea": 1
    }
