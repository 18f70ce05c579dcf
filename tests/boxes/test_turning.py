"""Boxes of photos that are stored on their side: what they refer to is proven, or asked for."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pictures

import shelfvision as shv
from shelfvision import protocols
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.boxes.orientation import turned, upright
from shelfvision.errors import InvalidParameterError
from shelfvision.regions.predicting import regions_of
from support import refuses

UPRIGHT = (400, 300)
STORED = (300, 400)
LOW = [50, 310, 150, 390]
"""Fits into the upright photo only."""
WIDE = [320, 50, 390, 150]
"""Fits into the stored photo only."""
MIDDLE = [50, 60, 150, 200]
"""Fits into both."""


def boxes(*corners: list[int], size: tuple[int, int] | None = STORED) -> shv.Boxes:
    return shv.Boxes(list(corners), image_size=size)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_box_that_fits_the_upright_photo_only_is_a_proof(orientation: int) -> None:
    found = upright(boxes(MIDDLE, LOW), orientation, UPRIGHT, as_stored=None)
    assert found.corners.tolist() == [MIDDLE, LOW]
    assert found.image_size == UPRIGHT


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_box_that_fits_the_stored_photo_only_is_a_proof(orientation: int) -> None:
    given_boxes = boxes(MIDDLE, WIDE)
    found = upright(given_boxes, orientation, UPRIGHT, as_stored=None)
    assert found.corners.tolist() == turned(given_boxes, orientation, UPRIGHT).corners.tolist()
    assert (found.corners[:, 2:] <= (300, 400)).all()


@pytest.mark.remedy("ambiguous")
@pytest.mark.parametrize("corners", [[MIDDLE], [LOW, WIDE]])
def test_otherwise_it_is_asked_for_and_both_answers_work(corners: list[list[int]]) -> None:
    given_boxes = boxes(*corners)
    with refuses(InvalidParameterError, "ambiguous", "as_stored"):
        upright(given_boxes, 6, UPRIGHT, as_stored=None)
    as_seen = upright(given_boxes, 6, UPRIGHT, as_stored=False)
    assert as_seen.corners.tolist() == corners
    as_kept = upright(given_boxes, 6, UPRIGHT, as_stored=True)
    assert as_kept.corners.tolist() == turned(given_boxes, 6, UPRIGHT).corners.tolist()
    assert as_seen.image_size == as_kept.image_size == UPRIGHT


def test_a_photo_without_boxes_asks_nothing() -> None:
    for as_stored in (None, True, False):
        for orientation in (1, 6):
            none = upright(
                shv.Boxes([], image_size=STORED), orientation, UPRIGHT, as_stored=as_stored
            )
            assert len(none) == 0
            assert none.image_size == UPRIGHT


@pytest.mark.remedy("inconsistent")
@pytest.mark.parametrize(("corners", "wrong"), [(LOW, True), (WIDE, False)])
def test_what_a_box_disproves_is_refused(corners: list[int], wrong: bool) -> None:
    with refuses(InvalidParameterError, "inconsistent", "as_stored"):
        upright(boxes(corners), 6, UPRIGHT, as_stored=wrong)
    assert len(upright(boxes(corners), 6, UPRIGHT, as_stored=None)) == 1


@pytest.mark.parametrize("beyond", [300, 301, 305])
def test_a_box_that_sticks_out_a_little_proves_nothing(beyond: int) -> None:
    with refuses(InvalidParameterError, "ambiguous", "as_stored"):
        upright(boxes([50, 200, 150, beyond]), 6, UPRIGHT, as_stored=None)


@pytest.mark.remedy("sizes-differ")
@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_a_size_on_its_side_without_such_an_orientation_is_asked_for(orientation: int) -> None:
    for as_stored in (None, True):
        with refuses(InvalidParameterError, "sizes-differ", "boxes"):
            upright(boxes(LOW), orientation, UPRIGHT, as_stored=as_stored)
    assert upright(boxes(LOW), orientation, UPRIGHT, as_stored=False).corners.tolist() == [LOW]


@pytest.mark.parametrize("as_stored", [None, True, False])
def test_any_other_size_is_another_photo(as_stored: bool | None) -> None:
    with refuses(InvalidParameterError, "sizes-differ", "boxes"):
        upright(boxes(MIDDLE, size=(301, 400)), 6, UPRIGHT, as_stored=as_stored)


@pytest.mark.parametrize("size", [None, UPRIGHT])
def test_boxes_of_the_upright_photo_are_taken_as_they_are(size: tuple[int, int] | None) -> None:
    for as_stored in (None, False):
        found = upright(boxes(MIDDLE, size=size), 6, UPRIGHT, as_stored=as_stored)
        assert found.corners.tolist() == [MIDDLE]
    kept = upright(boxes(MIDDLE, size=size), 6, UPRIGHT, as_stored=True)
    assert kept.corners.tolist() == [[100, 50, 240, 150]]


def test_relative_boxes_are_turned_where_that_is_said() -> None:
    shares = shv.Boxes([[0.25, 0.5, 0.5, 1.0]], relative=True)
    assert upright(shares, 6, UPRIGHT, as_stored=None).corners.tolist() == [[75, 200, 150, 400]]
    assert upright(shares, 6, UPRIGHT, as_stored=True).corners.tolist() == [[0, 100, 150, 200]]


@given(
    st.lists(
        st.tuples(*[st.integers(0, 360)] * 2, *[st.integers(1, 40)] * 2), min_size=1, max_size=4
    ),
    st.sampled_from([5, 6, 7, 8]),
)
def test_detection_never_contradicts_the_truth(
    places: list[tuple[int, ...]], orientation: int
) -> None:
    """Boxes drawn inside one of both photos are never taken for boxes of the other."""
    corners = np.array([[x, y, x + w, y + h] for x, y, w, h in places])
    for height, width in (UPRIGHT, STORED):
        inside = corners[(corners[:, 2] <= width) & (corners[:, 3] <= height)]
        given_boxes = shv.Boxes(inside.reshape(-1, 4), image_size=STORED)
        truth = upright(given_boxes, orientation, UPRIGHT, as_stored=(height, width) == STORED)
        try:
            found = upright(given_boxes, orientation, UPRIGHT, as_stored=None)
        except InvalidParameterError:
            continue
        assert found.corners.tolist() == truth.corners.tolist()


# -- the whole way -------------------------------------------------------------------------


def taken(crops: Iterator[protocols.Image]) -> shv.Predictions:
    """Answer with the strongest channel."""
    seen = np.array([crop.reshape(-1, 3).mean(axis=0) for crop in crops]).reshape(-1, 3)
    rows = (seen + 1) / (seen + 1).sum(axis=1, keepdims=True)
    return shv.Predictions(rows, ["red", "green", "blue"], [str(n) for n in range(len(rows))])


def phone_photo(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return a file that stores an upright photo on its side, as phones do."""
    file, exif = io.BytesIO(), Pictures.Exif()
    exif[0x0112] = 6
    Pictures.fromarray(np.ascontiguousarray(np.rot90(pixels))).save(file, "PNG", exif=exif)
    return file.getvalue()


def test_label_studio_boxes_of_a_phone_photo_cut_out_what_they_were_drawn_around() -> None:
    pixels = np.full((400, 300, 3), (200, 0, 0), np.uint8)
    pixels[310:390, 50:150] = (0, 200, 0)
    content = {
        "images": [{"id": 1, "file_name": "p.jpg", "width": 400, "height": 300}],
        "categories": [{"id": 1, "name": "milk"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [50, 310, 100, 80]}],
    }
    how = Preprocessing(image_size=(8, 8))
    data = phone_photo(pixels)
    found = regions_of(data, shv.Boxes.from_coco(content), how, taken, as_stored=None)
    assert list(found.labels) == ["green"]
    assert found.boxes.corners.tolist() == [LOW]
