"""The review page as a file: what is in it, in which order, and how large it is."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

import shelfvision as shv
from shelfvision._photos.given import Photo
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    PhotoError,
    PhotoNotFoundError,
    StorageError,
)
from shelfvision.protocols import Image
from shelfvision.review.page import ReviewPhoto, review_page
from support import refuses

NAMES = ["can", "jar"]


def noise(height: int, width: int) -> Image:
    """Return a photo that a JPEG file can hardly compress."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def predictions(*shares: float, ids: list[str] | None = None) -> shv.Predictions:
    """Return predictions with these probabilities of the first class."""
    rows = [[share, 1 - share] for share in shares]
    return shv.Predictions(rows, NAMES, ids or [f"{row}.jpg" for row in range(len(rows))])


def content(path: Path) -> dict[str, Any]:
    """Return the data of a page."""
    page = path.read_text(encoding="utf-8")
    (data,) = re.findall(r'<script type="application/json" id="review">(.*?)</script>', page)
    found: dict[str, Any] = json.loads(data)
    return found


def picture(item: dict[str, Any]) -> PillowImage.Image:
    return PillowImage.open(io.BytesIO(base64.b64decode(item["p"])))


def test_the_least_confident_prediction_comes_first(tmp_path: Path) -> None:
    found = predictions(0.9, 0.55, 0.2)
    found.save_review(tmp_path / "new" / "review.html", [noise(8, 8)] * 3)
    items = content(tmp_path / "new" / "review.html")["items"]
    assert [item["n"] for item in items] == ["1.jpg", "2.jpg", "0.jpg"]
    assert [item["g"] for item in items] == [
        [[0, 0.55], [1, 0.45]], [[1, 0.8], [0, 0.2]], [[0, 0.9], [1, 0.1]],
    ]  # fmt: skip


def test_top_limits_the_number_of_classes_to_choose_from(tmp_path: Path) -> None:
    predictions(0.9).save_review(tmp_path / "review.html", [noise(8, 8)], top=1)
    assert content(tmp_path / "review.html")["items"][0]["g"] == [[0, 0.9]]


def photo_files(folder: Path) -> list[Path]:
    """Return files of photos of 30 x 60 pixels, of which one is turned by its EXIF data."""
    paths = [folder / f"{row}.jpg" for row in range(3)]
    for path in paths[:2]:
        PillowImage.fromarray(noise(60, 30)).save(path)
    turned = PillowImage.fromarray(noise(30, 60))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(paths[2], exif=exif)
    return paths


KINDS: dict[str, Callable[[list[Path]], Any]] = {
    "paths": lambda paths: paths,
    "texts": lambda paths: [str(path) for path in paths],
    "bytes": lambda paths: [path.read_bytes() for path in paths],
    "PIL images": lambda paths: [PillowImage.open(path) for path in paths],
    "arrays": lambda paths: [noise(60, 30) for _ in paths],
    "an iterator": iter,
    "a dataset": lambda paths: shv.Dataset.from_arrays(
        np.stack([noise(60, 30) for _ in paths]), [0, 0, 1], class_names=NAMES
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_photos_of_every_kind_keep_their_shape(kind: str, tmp_path: Path) -> None:
    photos = KINDS[kind](photo_files(tmp_path))
    predictions(0.9, 0.8, 0.7, ids=["0", "1", "2"]).save_review(tmp_path / "r.html", photos)
    items = content(tmp_path / "r.html")["items"]
    assert [picture(item).size for item in items] == [(30, 60)] * 3
    assert [(item["w"], item["h"]) for item in items] == [(30, 60)] * 3


def test_photos_of_a_folder_are_read_larger_than_the_input_of_the_network(tmp_path: Path) -> None:
    (tmp_path / "can").mkdir()
    PillowImage.fromarray(np.full((400, 800, 3), 90, np.uint8)).save(tmp_path / "can" / "a.jpg")
    photos = shv.Dataset.from_directory(tmp_path, image_size=(32, 32))
    found = shv.Predictions([[0.6, 0.4]], NAMES, photos.ids)
    for dataset in (photos, photos.cached()):
        found.save_review(tmp_path / "r.html", dataset)
        (item,) = content(tmp_path / "r.html")["items"]
        assert (item["w"], item["h"]) == (640, 320)


def test_crops_of_annotated_photos_keep_the_shape_of_their_boxes(tmp_path: Path) -> None:
    PillowImage.fromarray(noise(200, 300)).save(tmp_path / "shelf.png")
    boxes = shv.Boxes([[10, 10, 50, 90], [100, 20, 260, 60]], labels=["can", "jar"])
    crops = shv.Dataset.from_boxes({str(tmp_path / "shelf.png"): boxes}, image_size=(32, 32))
    found = shv.Predictions([[0.6, 0.4], [0.3, 0.7]], NAMES, crops.ids)
    for dataset in (crops, crops[[0, 1]], crops.cached()):
        found.save_review(tmp_path / "r.html", dataset)
        sizes = [(item["w"], item["h"]) for item in content(tmp_path / "r.html")["items"]]
        assert [width / height for width, height in sizes] == pytest.approx([0.5, 4], rel=0.05)


def test_a_photo_that_cannot_be_read_is_listed_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_bytes(b"no photo")
    photos: list[Photo] = [tmp_path / "0.jpg", noise(8, 8), noise(8, 8)]
    rows = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]
    found = shv.Predictions(rows, NAMES, ["a", "b", "c"], [None, "was broken", None])
    found.save_review(tmp_path / "r.html", photos)
    items = {item["n"]: item for item in content(tmp_path / "r.html")["items"]}
    assert "0.jpg" in items["a"]["e"]
    assert (items["b"]["e"], items["b"]["g"]) == ("was broken", [])
    assert "p" in items["c"]
    # There is nothing to see, so it is last.
    assert list(items)[-1] == "b"


def test_a_white_photo_is_shown(tmp_path: Path) -> None:
    (tmp_path / "can").mkdir()
    PillowImage.fromarray(np.full((60, 60, 3), 255, np.uint8)).save(tmp_path / "can" / "a.png")
    photos = shv.Dataset.from_directory(tmp_path, image_size=(32, 32)).cached()
    found = shv.Predictions([[0.6, 0.4]], NAMES, photos.ids)
    found.save_review(tmp_path / "r.html", photos)
    (item,) = content(tmp_path / "r.html")["items"]
    assert (item["w"], item["h"]) == (640, 640)


def test_a_page_without_any_photo_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PhotoNotFoundError):
        predictions(0.9, 0.8).save_review(tmp_path / "r.html", ["no.jpg", "none.jpg"])
    assert not (tmp_path / "r.html").exists()


def test_a_page_that_is_written_again_is_the_same_review(tmp_path: Path) -> None:
    digests = []
    for number, share in enumerate((0.9, 0.9, 0.8)):
        predictions(share).save_review(tmp_path / "r.html", [noise(8, 8 + number)])
        digests.append(content(tmp_path / "r.html")["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_more_or_fewer_photos_than_predictions_are_refused(tmp_path: Path) -> None:
    for count in (1, 3):
        with refuses(InvalidParameterError, "wrong-length", "photos"):
            predictions(0.9, 0.8).save_review(tmp_path / "r.html", [noise(8, 8)] * count)


def test_photos_in_another_order_are_refused(tmp_path: Path) -> None:
    paths = photo_files(tmp_path)
    found = predictions(0.9, 0.8, 0.7, ids=[str(path) for path in paths])
    with refuses(InvalidParameterError, "inconsistent", "photos"):
        found.save_review(tmp_path / "r.html", paths[::-1])


def test_a_selection_is_reviewed_with_the_same_selection_of_photos(tmp_path: Path) -> None:
    photos = shv.samples.render_products({"can": 2, "jar": 2}, image_size=(32, 32))
    found = shv.Predictions([[0.9, 0.1], [0.4, 0.6]] * 2, NAMES, photos.ids)
    unsure = found.confidences < 0.7
    found[unsure].save_review(tmp_path / "r.html", photos[unsure])
    assert len(content(tmp_path / "r.html")["items"]) == 2
    with refuses(InvalidParameterError, "inconsistent", "photos"):
        found[unsure].save_review(tmp_path / "r.html", photos[~unsure])


def test_ids_that_corrections_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    for ids in (["a", "a"], ["K\u00e4se", "Ka\u0308se"]):
        with refuses(DataError, "duplicate"):
            predictions(0.9, 0.8, ids=ids).save_review(tmp_path / "r.html", [noise(8, 8)] * 2)


def test_no_predictions_and_too_many_are_refused(tmp_path: Path) -> None:
    with refuses(DataError, "empty"):
        predictions(0.9)[:0].save_review(tmp_path / "r.html", [])
    many = shv.Predictions(np.full((10_001, 2), 0.5), NAMES, list(map(str, range(10_001))))
    with refuses(DataError, "too-large"):
        many.save_review(tmp_path / "r.html", [noise(2, 2)] * len(many))


@pytest.mark.parametrize("top", [0, 21, 2.5, True])
def test_top_must_be_a_count(top: Any, tmp_path: Path) -> None:
    with refuses(InvalidParameterError, "not-in-range", "top"):
        predictions(0.9).save_review(tmp_path / "r.html", [noise(8, 8)], top=top)


def test_a_folder_cannot_become_the_page(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        predictions(0.9).save_review(tmp_path, [noise(8, 8)])


@pytest.mark.parametrize(("count", "most"), [(3, 48_000), (2000, 12_000)])
def test_the_bytes_of_an_item_are_bounded(count: int, most: int) -> None:
    photo = ReviewPhoto(pixels=noise(640, 480))
    page = review_page(
        [f"photo-{row:05}.jpg" for row in range(count)],
        NAMES,
        np.full((count, 2), 0.5),
        # Compressing 2,000 photos takes long; what decides the size is the number of rows.
        lambda row, _: photo if row < 3 else ReviewPhoto(error="not needed"),
    )
    found = re.findall(r'"p": ?"([^"]*)"', page)
    assert [len(one) <= most for one in found] == [True] * 3
    assert max(map(len, found)) > most / 2


def test_boxes_are_shown_in_their_surroundings(tmp_path: Path) -> None:
    photo = np.full((100, 200, 3), 20, np.uint8)
    photo[40:60, 90:110] = 250
    boxes = shv.Boxes([[90, 40, 110, 60], [0, 0, 20, 100]], image_size=(100, 200))
    found = predictions(0.9, 0.6, ids=["shelf#0", "shelf#1"])
    shv.Regions(found, boxes, photo).save_review(tmp_path / "r.html")
    second, first = content(tmp_path / "r.html")["items"]
    # 20 pixels and 15 on each side; the box is the bright part.
    assert (first["w"], first["h"]) == (50, 50)
    assert first["b"] == [0.3, 0.3, 0.7, 0.7]
    pixels = np.asarray(picture(first))
    assert pixels[20:30, 20:30].min() > 200
    assert pixels[:10].max() < 60
    # At the edge of the photo there is less to see.
    assert (second["w"], second["h"]) == (95, 100)


def test_boxes_of_several_photos_share_a_page(tmp_path: Path) -> None:
    parts = []
    for name in "ab":
        PillowImage.fromarray(noise(60, 80)).save(tmp_path / f"{name}.png")
        found = predictions(0.9, 0.6, ids=[f"{name}#0", f"{name}#1"])
        boxes = shv.Boxes([[1, 1, 20, 20], [30, 30, 50, 50]], image_size=(60, 80))
        parts.append(shv.Regions(found, boxes, str(tmp_path / f"{name}.png")))
    parts[0].save_review(tmp_path / "r.html", others=parts[1:])
    items = content(tmp_path / "r.html")["items"]
    assert sorted(item["n"] for item in items) == ["a#0", "a#1", "b#0", "b#1"]
    (tmp_path / "a.png").unlink()
    parts[0].save_review(tmp_path / "r.html", others=parts[1:])
    items = content(tmp_path / "r.html")["items"]
    assert sorted(item["n"] for item in items if "e" in item) == ["a#0", "a#1"]
    with pytest.raises(PhotoError):
        parts[0].save_review(tmp_path / "r.html")
