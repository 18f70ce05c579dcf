"""Golden messages of the room."""

from __future__ import annotations

from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision.boxes.orientation import upright
from shelfvision.errors import ShelfVisionError

ONE = {"image_id": 7, "category_id": 1, "bbox": [1, 1, 5, 5]}
PHOTOS = [{"id": 7, "file_name": "shop_a/IMG_1.jpg"}, {"id": 8, "file_name": "shop_b/IMG_1.jpg"}]


def message(make: object) -> str:
    assert callable(make)
    with pytest.raises(ShelfVisionError) as caught:
        make()
    return str(caught.value)


def test_an_annotation_of_an_unknown_photo() -> None:
    content = {"images": PHOTOS, "annotations": [ONE | {"id": 5, "image_id": 9}]}
    assert message(lambda: shv.Boxes.from_coco(content, image=7)) == (
        "this mapping cannot be read as a COCO JSON file: annotation 5 refers to photo '9', which "
        "is not in 'images'; correct it"
    )


def test_a_name_that_may_mean_two_photos() -> None:
    content = {"images": PHOTOS, "annotations": [ONE]}
    assert message(lambda: shv.Boxes.from_coco(content, image="IMG_1.jpg")) == (
        "this mapping has 2 photos that match 'IMG_1.jpg'; choose with image= one of "
        "'shop_a/IMG_1.jpg', 'shop_b/IMG_1.jpg'"
    )


def test_a_yolo_line_in_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0 0.5 0.5 1 1\n0 50 50 25 25\n")
    assert message(lambda: shv.Boxes.from_yolo(path)) == (
        f"{str(path)!r} cannot be read as a YOLO file: line 2 is '0 50 50 25 25', but "
        "coordinates must be in [0, 1], relative to the photo's size (pixels and keypoints are "
        "not supported); correct it"
    )


def test_boxes_of_a_photo_on_its_side_that_may_be_either() -> None:
    boxes = shv.Boxes([[10, 10, 20, 20]], image_size=(300, 400))
    assert message(lambda: upright(boxes, 6, (400, 300), as_stored=None)) == (
        "the boxes are for a photo of 400 x 300 pixels, the size before the EXIF orientation is "
        "applied, and fit both of stored pixels and upright photo; pass as_stored=False if they "
        "refer to the upright photo (Label Studio), as_stored=True if to the stored pixels (a "
        "detector that ignores EXIF)"
    )
