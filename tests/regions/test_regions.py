"""Regions of a photo: what is cut out, how it is named, counted, drawn and passed on."""

from __future__ import annotations

import io
import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Pictures

import shelfvision as shv
from shelfvision import protocols
from shelfvision._photos.decode import decode_photo
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.boxes.crops import crops_of, windows_of
from shelfvision.boxes.orientation import turned
from shelfvision.boxes.whole_photo import whole_photo
from shelfvision.errors import (
    InvalidParameterError,
    MissingDependencyError,
    PhotoError,
    PhotoNotFoundError,
)
from shelfvision.regions.predicting import regions_of, with_crop_rule
from support import refuses

NAMES = ("red", "green", "blue")


def by_colour(crops: Iterator[protocols.Image]) -> shv.Predictions:
    """Answer with the strongest channel; what is not sure of it is to review."""
    seen = np.array([crop.reshape(-1, 3).mean(axis=0) for crop in crops]).reshape(-1, 3)
    rows = (seen + 1) / (seen + 1).sum(axis=1, keepdims=True)
    decisions = ["accept" if row.max() > 0.6 else "review" for row in rows]
    ids = [str(row) for row in range(len(rows))]
    return shv.Predictions(rows, NAMES, ids, decisions=decisions)  # type: ignore[arg-type]


def painted() -> protocols.Image:
    """Return a photo of 60 x 100: red at the left, green in the middle, violet at the right."""
    photo = np.zeros((60, 100, 3), np.uint8)
    photo[:, :30] = (200, 0, 0)
    photo[:, 30:70] = (0, 200, 0)
    photo[:, 70:] = (150, 0, 160)
    return photo


BOXES = [[72.0, 5.0, 98.0, 55.0], [2.0, 5.0, 28.0, 55.0], [-5.0, 10.0, 20.5, 70.0]]


def found(photo: object = None, boxes: object = None, **settings: object) -> shv.Regions:
    how = Preprocessing(image_size=(8, 8))
    photo = painted() if photo is None else photo
    boxes = BOXES if boxes is None else boxes
    return regions_of(photo, boxes, how, by_colour, as_stored=settings.get("as_stored"))  # type: ignore[arg-type]


def test_regions_keep_the_order_of_the_boxes() -> None:
    regions = found()
    assert list(regions.labels) == ["blue", "red", "red"]
    assert list(regions.decisions) == ["review", "accept", "accept"]
    assert regions.counts == {"red": 2, "green": 0, "blue": 0}
    assert list(regions.boxes) == [tuple(box) for box in BOXES]
    assert repr(regions) == "<Regions: 3 boxes, 1 to review: 2 red>"


def test_a_region_has_everything_that_is_known_of_one_box() -> None:
    first, *_ = found()
    assert first.id == "photo#0"
    assert first.label == "blue"
    assert first.box == tuple(BOXES[0])
    assert first.decision == "review"
    assert first.confidence == pytest.approx(first.probabilities.max())


def test_rows_of_regions_are_regions() -> None:
    regions = found()
    sure = regions[regions.decisions == "accept"]
    assert isinstance(sure, shv.Regions)
    assert list(sure.ids) == ["photo#1", "photo#2"]
    assert list(sure.boxes) == [tuple(box) for box in BOXES[1:]]
    assert regions[-1].id == "photo#2"


def test_no_boxes_make_no_regions() -> None:
    regions = found(boxes=[])
    assert len(regions) == 0
    assert regions.counts == dict.fromkeys(NAMES, 0)
    assert regions.draw().shape == (60, 100, 3)
    assert regions.to_coco()["annotations"] == []


@pytest.mark.parametrize("box", [[100, 0, 120, 20], [-9, 0, 0, 20], [0, 60, 5, 70], [0, -7, 5, 0]])
def test_a_box_outside_the_photo_is_named(box: list[float]) -> None:
    with refuses(InvalidParameterError, "outside", "boxes") as caught:
        found(boxes=[*BOXES, box])
    assert str(caught.value).startswith(f"box 3, {[float(side) for side in box]}, ")


@pytest.mark.remedy("relative")
def test_shares_given_as_pixels_are_told_from_boxes_of_one_pixel() -> None:
    with refuses(InvalidParameterError, "relative", "boxes"):
        found(boxes=[[0.1, 0.2, 0.5, 0.6]])
    assert len(found(boxes=shv.Boxes([[0.1, 0.2, 0.5, 0.6]], relative=True))) == 1


def windows(boxes: npt.ArrayLike, **settings: object) -> list[list[int]]:
    how = Preprocessing(image_size=(10, 10), **settings)  # type: ignore[arg-type]
    made = shv.Boxes(boxes).in_pixels((60, 100))
    return windows_of(made, (60, 100), how).tolist()  # type: ignore[no-any-return]


def test_what_is_cut_out_is_every_pixel_that_a_box_touches() -> None:
    assert windows([[10, 20, 30, 40]]) == [[10, 20, 30, 40]]
    assert windows([[10.2, 20.7, 29.1, 40.01]]) == [[10, 20, 30, 41]]
    assert windows([[10.2, 20.2, 10.4, 20.4]]) == [[10, 20, 11, 21]]
    assert windows([[-5, -5, 5, 5], [95, 50, 300, 300]]) == [[0, 0, 5, 5], [95, 50, 100, 60]]


def test_a_box_that_barely_touches_the_photo_has_the_pixels_at_its_edge() -> None:
    assert windows([[99.9999, 20, 105, 30], [-5, 20, 0.001, 30]]) == [
        [99, 20, 100, 30],
        [0, 20, 1, 30],
    ]
    assert windows([[10, 59.995, 20, 70], [10, -9, 20, 0.005]]) == [
        [10, 59, 20, 60],
        [10, 0, 20, 1],
    ]
    assert len(found(boxes=[[99.9999, 20, 105, 30]])) == 1


def test_context_is_a_share_of_the_box_on_every_side_and_ends_at_the_edge() -> None:
    assert windows([[20, 20, 40, 30]], context=0.5) == [[10, 15, 50, 35]]
    assert windows([[2, 20, 22, 30]], context=0.5) == [[0, 15, 32, 35]]


def test_the_shape_of_the_image_is_kept_and_moved_into_the_photo() -> None:
    assert windows([[20, 20, 30, 40]], shape="image") == [[15, 20, 35, 40]]
    assert windows([[0, 20, 10, 40]], shape="image") == [[0, 20, 20, 40]]
    # A square as wide as the photo is higher than the photo.
    assert windows([[0, 20, 100, 40]], shape="image") == [[0, 0, 100, 60]]


def test_crops_are_brought_to_size_as_photos_are() -> None:
    photo = np.random.default_rng(3).integers(0, 256, (60, 100, 3), np.uint8)
    for resize in ("stretch", "pad", "crop"):
        how = Preprocessing(image_size=(9, 7), resize=resize)
        (crop,) = crops_of(photo, np.array([[10, 20, 40, 50]]), how)
        file = io.BytesIO()
        Pictures.fromarray(photo[20:50, 10:40]).save(file, "PNG")
        single = decode_photo(file.getvalue(), image_size=(9, 7), resize=resize)
        assert np.array_equal(crop, single)


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"context": -0.1}, "not-in-range"),
        ({"context": np.nan}, "not-in-range"),
        ({"shape": "round"}, "not-an-option"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, object], code: str) -> None:
    with refuses(InvalidParameterError, code, next(iter(setting))):
        with_crop_rule(
            Preprocessing(image_size=(8, 8)),
            **{"context": None, "shape": None, **setting},  # type: ignore[arg-type]
        )


ORIENTED = {
    1: np.asarray, 2: np.fliplr, 3: lambda p: np.rot90(p, 2), 4: np.flipud,
    5: lambda p: p.transpose(1, 0, 2), 6: lambda p: np.rot90(p, 1),
    7: lambda p: np.rot90(p, 2).transpose(1, 0, 2), 8: lambda p: np.rot90(p, -1),
}  # fmt: skip
"""How an upright photo is stored under each EXIF orientation."""


def stored(photo: protocols.Image, orientation: int) -> bytes:
    file, exif = io.BytesIO(), Pictures.Exif()
    exif[0x0112] = orientation
    picture = Pictures.fromarray(np.ascontiguousarray(ORIENTED[orientation](photo)))  # type: ignore[operator]
    picture.save(file, "PNG", exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_refer_to_the_photo_upright_whatever_its_exif_orientation(orientation: int) -> None:
    data = stored(painted(), orientation)
    assert np.array_equal(whole_photo(data).pixels, painted())
    regions = found(photo=data)
    assert np.array_equal(regions.probabilities, found().probabilities)
    assert regions.image_size == (60, 100)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_of_the_photo_as_stored_are_turned_with_it(orientation: int) -> None:
    upright = np.zeros((60, 100), dtype=np.uint8)
    upright[5:25, 72:98] = 255
    as_kept = np.asarray(ORIENTED[orientation](np.stack([upright] * 3, axis=-1)))  # type: ignore[operator]
    rows, columns = np.nonzero(as_kept[..., 0])
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert turned(shv.Boxes([box]), orientation, (60, 100)).corners.tolist() == [[72, 5, 98, 25]]


def test_as_stored_answers_for_the_boxes_that_the_detector_saw() -> None:
    data = stored(painted(), 6)
    # The photo lies on its left side: what is at the left when upright is at the bottom.
    regions = found(photo=data, boxes=[[5, 72, 55, 98]], as_stored=True)
    assert list(regions.labels) == ["red"]
    assert regions.boxes.corners.tolist() == [[2, 5, 28, 55]]


def test_a_file_keeps_its_path_and_no_pixels(tmp_path: Path) -> None:
    path = tmp_path / "shelf.png"
    Pictures.fromarray(painted()).save(path)
    regions = found(photo=path)
    assert regions.ids[1] == f"{path}#1"
    assert len(pickle.dumps(regions)) < 4000
    assert np.array_equal(regions.photo(), painted())
    path.unlink()
    with refuses(PhotoNotFoundError, "not-found"):
        regions.draw()


def test_a_photo_that_has_changed_since_is_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "shelf.png"
    Pictures.fromarray(painted()).save(path)
    regions = found(photo=path)
    Pictures.fromarray(painted()[:50]).save(path)
    with refuses(PhotoError, "changed"):
        regions.draw()


@pytest.mark.parametrize(
    ("photo", "code"),
    [
        (np.zeros((60, 100, 3)), "wrong-shape"),
        (np.zeros((2, 60, 100, 3), np.uint8), "wrong-shape"),
        (["a.jpg"], "wrong-type"),
        (7, "wrong-type"),
    ],
)
def test_what_is_no_single_photo_is_refused(photo: object, code: str) -> None:
    with refuses(InvalidParameterError, code, "photo"):
        found(photo=photo)


def test_regions_of_several_photos_are_pooled_to_be_counted_together() -> None:
    pooled = shv.Regions.pooled([found(), found(boxes=BOXES[:1])])
    assert isinstance(pooled, shv.Predictions)
    assert list(pooled.labels) == ["blue", "red", "red", "blue"]
    assert list(pooled.decisions) == ["review", "accept", "accept", "review"]
    with refuses(InvalidParameterError, "inconsistent", "several"):
        shv.Regions.pooled([])


def test_regions_that_different_classifiers_saw_are_not_pooled() -> None:
    other = shv.Predictions([[0.5, 0.5]], ["a", "b"], ["0"])
    one = shv.Regions(other, shv.Boxes([[0, 0, 1, 1]]).in_pixels((60, 100)), painted())
    with refuses(InvalidParameterError, "inconsistent", "several"):
        shv.Regions.pooled([found(), one])


@pytest.mark.parametrize("others", [5, [5], None])
def test_other_photos_are_given_as_their_regions(others: object, tmp_path: Path) -> None:
    regions: Any = found()
    for save in (regions.save_coco, regions.save_review, regions.save_label_studio):
        for given in (others, regions):
            with refuses(InvalidParameterError, "wrong-type", "others"):
                save(tmp_path / "a.json", others=given)
    with refuses(InvalidParameterError, "wrong-type", "several"):
        shv.Regions.pooled(others)  # type: ignore[arg-type]


def test_label_studio_needs_the_numbers_of_the_boxes(tmp_path: Path) -> None:
    named = shv.Predictions([[0.5, 0.5]], ["a", "b"], ["shelf.jpg"])
    regions = shv.Regions(named, shv.Boxes([[0, 0, 9, 9]]).in_pixels((60, 100)), painted())
    with refuses(InvalidParameterError, "inconsistent", "predictions"):
        regions.save_label_studio(tmp_path / "tasks.json")


def test_predictions_and_boxes_have_to_fit() -> None:
    regions = found()
    with refuses(InvalidParameterError, "wrong-length", "predictions"):
        shv.Regions(regions.predictions, regions.boxes[:2], painted())
    with refuses(InvalidParameterError, "not-in-pixels", "boxes"):
        shv.Regions(regions.predictions, shv.Boxes(BOXES), painted())


def test_coco_comes_back_as_the_same_boxes() -> None:
    regions = found()
    coco = json.loads(json.dumps(regions.to_coco(file_name="shelf.jpg")))
    again = shv.Boxes.from_coco(coco, image="shelf.jpg")
    assert again.corners == pytest.approx(regions.boxes.corners)
    assert again.labels == tuple(regions.labels)
    assert again.scores == pytest.approx(regions.confidences)
    assert again.image_size == (60, 100)
    assert [one["decision"] for one in coco["annotations"]] == list(regions.decisions)


def test_supervision_gets_boxes_numbers_names_and_decisions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in = ModuleType("supervision")
    stand_in.Detections = SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "supervision", stand_in)
    detections = found().to_supervision()
    assert isinstance(detections, SimpleNamespace)
    assert detections.xyxy.tolist() == BOXES
    assert detections.class_id.tolist() == [2, 0, 0]
    assert detections.data["class_name"].tolist() == ["blue", "red", "red"]
    assert detections.data["decision"].tolist() == ["review", "accept", "accept"]
    assert detections.confidence == pytest.approx(found().confidences)
    # What came out of one classifier goes into another.
    assert list(found(boxes=detections).labels) == ["blue", "red", "red"]


def test_real_supervision_takes_regions_and_gives_boxes() -> None:
    supervision = pytest.importorskip("supervision")
    regions = found()
    detections = regions.to_supervision()
    assert isinstance(detections, supervision.Detections)
    assert len(detections) == 3
    again = found(boxes=detections[np.array([1, 0])])
    assert list(again.labels) == ["red", "blue"]
    assert again.boxes.labels == ("red", "blue")


def test_without_supervision_the_pip_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with refuses(MissingDependencyError, "missing-dependency"):
        found().to_supervision()


def test_a_frame_has_the_sides_of_every_box() -> None:
    pytest.importorskip("pandas")
    frame = found().to_frame()
    assert list(frame.columns[:6]) == ["id", "left", "top", "right", "bottom", "label"]
    assert frame["right"].tolist() == [98.0, 28.0, 20.5]


def test_a_heic_photo_is_read_upright_at_its_own_size() -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    exif = Pictures.Exif()
    exif[0x0112] = 6
    lying = Pictures.fromarray(np.ascontiguousarray(np.rot90(painted(), 1)))
    heif.from_pillow(lying).save(file, exif=exif.tobytes(), quality=100)
    regions = found(photo=file.getvalue())
    assert regions.image_size == (60, 100)
    assert list(regions.labels) == ["blue", "red", "red"]


def test_without_thresholds_nothing_is_decided_and_every_box_is_drawn_as_sure() -> None:
    found = shv.Predictions(np.eye(len(NAMES))[[0, 1]], NAMES, ["0", "1"])
    regions = shv.Regions(
        found, shv.Boxes([[0, 0, 9, 9], [9, 9, 18, 18]], image_size=(60, 100)), painted()
    )
    assert [one.decision for one in regions] == [None, None]
    coco = regions.to_coco(file_name="a.jpg")
    annotations = coco["annotations"]
    assert isinstance(annotations, list)
    assert [one["decision"] for one in annotations] == [None, None]
