"""What the room promises holds for any boxes in any photo."""

from __future__ import annotations

import json
import pickle

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision._photos.preprocessing import CropShape, Preprocessing
from shelfvision.boxes.crops import ROUNDING, crops_of, windows_of
from shelfvision.boxes.orientation import turned
from shelfvision.protocols import Resize

Corners = npt.NDArray[np.float64]
SIZE = (30, 40)
NAMES = ("red", "green")
resizes = st.sampled_from(["stretch", "pad", "crop"])


@st.composite
def boxes_inside(draw: st.DrawFn) -> Corners:
    """Return boxes that have a part of a photo of 40 x 30 pixels in them."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        left, top = draw(st.floats(-9, 39, width=32)), draw(st.floats(-9, 29, width=32))
        width, height = draw(st.floats(0.5, 60, width=32)), draw(st.floats(0.5, 60, width=32))
        found.append([left, top, max(left + width, 2), max(top + height, 2)])
    return np.array(found)


@settings(max_examples=60)
@given(
    boxes_inside(),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.floats(0, 2),
    st.sampled_from(["box", "image"]),
    resizes,
)
def test_what_is_cut_out_lies_in_the_photo_and_holds_every_pixel_of_the_box(
    corners: Corners, image_size: tuple[int, int], context: float, shape: CropShape, resize: Resize
) -> None:
    how = Preprocessing(image_size=image_size, resize=resize, context=context, shape=shape)
    windows = windows_of(shv.Boxes(corners), SIZE, how)
    for (left, top, right, bottom), box in zip(windows, corners, strict=True):
        assert 0 <= left < right <= SIZE[1]
        assert 0 <= top < bottom <= SIZE[0]
        inside = box.clip(0, (SIZE[1], SIZE[0]) * 2)
        assert (np.array([left, top]) <= inside[:2] + ROUNDING).all()
        assert (np.array([right, bottom]) >= inside[2:] - ROUNDING).all()
    photo = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    crops = list(crops_of(photo, windows, how))
    assert all(crop.shape == (*image_size, 3) and crop.dtype == np.uint8 for crop in crops)
    assert len(crops) == len(corners)


@given(boxes_inside(), st.integers(1, 8))
def test_boxes_of_a_photo_as_stored_are_turned_with_its_pixels(
    corners: Corners, orientation: int
) -> None:
    stored = SIZE[::-1] if orientation >= 5 else SIZE
    whole = corners.round().clip(0, (stored[1], stored[0]) * 2)
    whole = whole[(whole[:, 2:] > whole[:, :2]).all(axis=1)]
    numbers = np.arange(stored[0] * stored[1]).reshape(stored)
    upright = {
        1: numbers,
        2: numbers[:, ::-1],
        3: numbers[::-1, ::-1],
        4: numbers[::-1],
        5: numbers.T,
        6: numbers[::-1].T,
        7: numbers[::-1, ::-1].T,
        8: numbers.T[::-1],
    }[orientation]
    after = turned(shv.Boxes(whole, image_size=stored), orientation, SIZE).corners.astype(int)
    for box, other in zip(whole.astype(int), after, strict=True):
        before = numbers[box[1] : box[3], box[0] : box[2]]
        now = upright[other[1] : other[3], other[0] : other[2]]
        assert sorted(before.ravel().tolist()) == sorted(now.ravel().tolist())


@settings(max_examples=50)
@given(boxes_inside(), st.data())
def test_boxes_come_back_from_shares_pickles_and_coco(
    corners: Corners, data: st.DataObject
) -> None:
    n = len(corners)
    labels = [data.draw(st.sampled_from(NAMES)) for _ in range(n)]
    scores = [data.draw(st.floats(0, 1, width=32)) for _ in range(n)]
    boxes = shv.Boxes(corners, labels=labels, scores=scores, image_size=SIZE)
    again: shv.Boxes = pickle.loads(pickle.dumps(boxes))
    np.testing.assert_array_equal(again.corners, corners)
    assert not again.corners.flags.writeable
    inside = corners.clip(0, (SIZE[1], SIZE[0]) * 2)
    shares = shv.Boxes(inside / np.array([40, 30, 40, 30]), relative=True)
    np.testing.assert_allclose(shares.in_pixels(SIZE).corners, inside, atol=1e-9)
    rows = np.full((n, 2), 0.5, np.float32)
    rows[np.arange(n), [NAMES.index(label) for label in labels]] = 0.75
    said = shv.Predictions(rows, NAMES, [str(row) for row in range(n)])
    photo = np.zeros((*SIZE, 3), np.uint8)
    coco = json.loads(json.dumps(shv.Regions(said, boxes, photo).to_coco(file_name="a.jpg")))
    found = shv.Boxes.from_coco(coco, image="a.jpg")
    np.testing.assert_allclose(found.corners, corners, atol=1e-4)
    assert found.labels == tuple(labels)
    assert found.image_size == SIZE
