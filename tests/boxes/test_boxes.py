"""Boxes are checked when they are made: what is wrong is told with the row and its values."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision.boxes.box_list import as_boxes
from shelfvision.errors import InvalidParameterError
from support import refuses

GOOD = [[10.0, 20.0, 60.0, 90.0], [70.0, 20.0, 118.5, 92.0]]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ([np.nan, 0, 5, 5], "not-finite"),
        ([0, 0, np.inf, 5], "not-finite"),
        ([0, 0, 1e300, 5], "not-in-range"),
        ([-2e9, 0, 4, 5], "not-in-range"),
        ([9, 0, 5, 5], "swapped"),
        ([0, 9, 5, 5], "swapped"),
        ([5, 0, 5, 5], "empty"),
        ([0, 5, 5, 5], "empty"),
    ],
)
def test_a_box_that_is_none_is_named_with_its_row_and_values(bad: list[float], code: str) -> None:
    with refuses(InvalidParameterError, code, "corners") as caught:
        shv.Boxes([*GOOD, bad])
    assert f"box 2, {[float(side) for side in bad]}, " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ([1, 2, 3, 4], "wrong-shape"),
        ([[1, 2, 3]], "wrong-shape"),
        (np.zeros((2, 2, 4)), "wrong-shape"),
        ([[1, 2, 3, 4], [1, 2]], "wrong-type"),
        ([["a", "b", "c", "d"]], "wrong-type"),
        ([["1", "2", "3", "4"]], "wrong-type"),
        ([[True, False, True, True]], "wrong-type"),
        ([[1j, 2, 3, 4]], "wrong-type"),
        ([[10**400, 2, 3, 4]], "wrong-type"),
        (7, "wrong-shape"),
        (None, "wrong-type"),
    ],
)
def test_what_is_no_array_of_boxes_is_refused_in_one_sentence(wrong: object, code: str) -> None:
    with refuses(InvalidParameterError, code, "corners") as caught:
        shv.Boxes(wrong)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@given(corners=st.lists(st.tuples(*[st.floats(-1e5, 1e5, width=32)] * 4), max_size=5))
def test_boxes_are_taken_as_they_are_or_refused_never_changed(
    corners: list[tuple[float, ...]],
) -> None:
    try:
        boxes = shv.Boxes(np.array(corners).reshape(-1, 4))
    except InvalidParameterError:
        assert any(not (right > left and bottom > top) for left, top, right, bottom in corners)
    else:
        assert list(boxes) == corners


def test_no_boxes_are_boxes_too() -> None:
    nones: list[npt.ArrayLike] = [[], np.zeros((0, 4)), np.zeros((0,))]
    for none in nones:
        assert len(shv.Boxes(none)) == 0
        assert shv.Boxes(none).corners.shape == (0, 4)


def test_too_many_boxes_for_one_photo_are_refused() -> None:
    with refuses(InvalidParameterError, "too-large", "corners"):
        shv.Boxes(np.tile([0, 0, 1, 1], (100_001, 1)))


def test_boxes_do_not_change() -> None:
    given_corners = np.array(GOOD)
    boxes = shv.Boxes(given_corners, scores=[0.5, 0.6])
    given_corners[0, 0] = -7
    assert boxes.corners[0, 0] == 10
    assert boxes.scores is not None
    for column in (boxes.corners, boxes.scores):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0
    with pytest.raises(AttributeError):
        boxes.corners = GOOD  # type: ignore[misc, assignment]


def test_rows_are_chosen_with_all_that_is_known_of_them() -> None:
    boxes = shv.Boxes(GOOD, labels=["juice", None], scores=[0.5, 0.25], image_size=(200, 300))
    last = boxes[[1]]
    assert last.corners.tolist() == GOOD[1:]
    assert last.labels == (None,)
    assert last.scores is not None
    assert last.scores.tolist() == [0.25]
    assert last.image_size == (200, 300)
    assert len(boxes[np.array([True, False])]) == 1


def test_a_pickle_brings_everything_back() -> None:
    boxes = shv.Boxes(GOOD, labels=["juice", None], scores=[0.5, 0.25], image_size=(200, 300))
    again = pickle.loads(pickle.dumps(boxes))
    assert repr(again) == repr(boxes) == "<Boxes: 2 boxes in 200 x 300 pixels>"
    assert again.corners.tolist() == GOOD
    assert again.labels == boxes.labels
    assert not again.corners.flags.writeable


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"labels": ["a"]}, "wrong-length"),
        ({"labels": ["a", 3]}, "wrong-type"),
        ({"scores": [0.1]}, "wrong-length"),
        ({"scores": [0.1, 1.5]}, "not-in-range"),
        ({"scores": [np.nan, 0.5]}, "not-in-range"),
        ({"scores": ["x", 0.5]}, "wrong-type"),
        ({"image_size": (0, 5)}, "not-in-range"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, object], code: str) -> None:
    with refuses(InvalidParameterError, code, next(iter(columns))):
        shv.Boxes(GOOD, **columns)  # type: ignore[arg-type]


def test_relative_boxes_become_pixels_of_the_photo() -> None:
    boxes = shv.Boxes([[0.1, 0.2, 0.5, 1.0]], relative=True, labels=["juice"])
    found = boxes.in_pixels((100, 200))
    assert found.corners.tolist() == [[20, 20, 100, 100]]
    assert found.labels == ("juice",)
    assert not found.relative


def test_relative_boxes_in_pixels_are_refused() -> None:
    with refuses(InvalidParameterError, "not-in-range", "corners"):
        shv.Boxes(GOOD, relative=True)


def test_boxes_of_another_photo_are_refused() -> None:
    boxes = shv.Boxes(GOOD, image_size=(200, 300))
    for size in ((201, 300), (300, 200)):
        with refuses(InvalidParameterError, "sizes-differ", "boxes"):
            boxes.in_pixels(size)


@dataclass
class Detections:
    """What `supervision.Detections` looks like."""

    xyxy: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32] | None = None
    data: dict[str, npt.NDArray[np.str_]] = field(default_factory=dict)


def test_detections_bring_their_boxes_scores_and_names() -> None:
    found = as_boxes(
        Detections(
            xyxy=np.array(GOOD, np.float32),
            confidence=np.array([0.5, 0.75], np.float32),
            data={"class_name": np.array(["bottle", "box"])},
        )
    )
    assert found.corners.tolist() == GOOD
    assert found.labels == ("bottle", "box")
    assert found.scores is not None
    assert found.scores.tolist() == [0.5, 0.75]


def test_detections_without_anything_else_are_boxes() -> None:
    assert len(as_boxes(Detections(xyxy=np.zeros((0, 4), np.float32)))) == 0


def test_a_file_in_place_of_boxes_is_told_how_to_read_it() -> None:
    files: list[object] = ["boxes.json", b"{}", {"annotations": []}]
    for wrong in files:
        with refuses(InvalidParameterError, "wrong-type", "boxes"):
            as_boxes(wrong)
