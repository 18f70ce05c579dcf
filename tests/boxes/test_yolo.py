"""Boxes from YOLO text: boxes, polygons and oriented boxes; rounding is clipped, the rest named."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision.boxes.files._yolo import TOLERANCE
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "shelf.txt"
        path.write_bytes(text.encode(encoding, "surrogateescape"))
        return path

    return written


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_yolo_gives_boxes_relative_to_the_photo(write: Write, encoding: str, end: str) -> None:
    path = write(f"1 0.5 0.5 0.25 0.5{end}{end}0\t0.125 0.25 0.25  0.5 {end}", encoding)
    boxes = shv.Boxes.from_yolo(path, class_names=["juice", "milk"])
    assert boxes.relative
    assert boxes.labels == ("milk", "juice")
    assert boxes.in_pixels((80, 160)).corners.tolist() == [[60, 20, 100, 60], [0, 0, 40, 40]]
    assert shv.Boxes.from_yolo(path).labels == ("1", "0")


@pytest.mark.parametrize(
    "names",
    [
        ["juice", "milk"],
        {0: "juice", 1: "milk"},
        {"1": "milk", "0": "juice"},
        {"milk": 1, "juice": 0},
    ],
)
def test_class_names_are_taken_by_their_numbers(write: Write, names: object) -> None:
    path = write("1 0.5 0.5 0.25 0.5\n0 0.5 0.5 0.25 0.5")
    assert shv.Boxes.from_yolo(path, class_names=names).labels == ("milk", "juice")  # type: ignore[arg-type]  # several kinds


def test_class_names_that_lack_a_number_are_refused(write: Write) -> None:
    with refuses(InvalidParameterError, "inconsistent", "class_names"):
        shv.Boxes.from_yolo(write("1 0.5 0.5 0.25 0.5"), class_names={0: "juice", 2: "milk"})


def test_confidences_are_kept_where_every_line_has_one(write: Write) -> None:
    boxes = shv.Boxes.from_yolo(write("0 0.5 0.5 1 1 0.75\n0 0.5 0.5 0.5 0.5 0.5"))
    assert boxes.scores is not None
    assert boxes.scores.tolist() == [0.75, 0.5]
    assert shv.Boxes.from_yolo(write("0 0.5 0.5 1 1 0.75\n0 0.5 0.5 0.5 0.5")).scores is None
    assert len(shv.Boxes.from_yolo(write("\n"))) == 0


@pytest.mark.parametrize(
    ("line", "box", "score"),
    [
        ("0 0.1 0.2 0.4 0.2 0.4 0.5", [0.1, 0.2, 0.4, 0.5], None),
        ("0 0.1 0.2 0.4 0.2 0.4 0.5 0.9", [0.1, 0.2, 0.4, 0.5], 0.9),
        ("0 0.3 0.1 0.5 0.3 0.3 0.5 0.1 0.3", [0.1, 0.1, 0.5, 0.5], None),
        ("0 0.3 0.1 0.5 0.3 0.3 0.5 0.1 0.3 0.25", [0.1, 0.1, 0.5, 0.5], 0.25),
        ("0 0.2 0.2 0.3 0.1 0.6 0.4 0.5 0.7 0.2 0.6", [0.2, 0.1, 0.6, 0.7], None),
        ("0 0.2 0.2 1.0001 0.1 0.6 -0.0011 0.5 1.0", [0.2, 0.0, 1.0, 1.0], None),
        ("0 " + "0.1 0.1 0.9 0.1 0.9 0.9 " * 500, [0.1, 0.1, 0.9, 0.9], None),
    ],
)
def test_polygons_and_oriented_boxes_become_their_bounding_boxes(
    write: Write, line: str, box: list[float], score: float | None
) -> None:
    boxes = shv.Boxes.from_yolo(write(line))
    assert boxes.corners.tolist() == [box]
    assert (None if boxes.scores is None else boxes.scores.tolist()) == (
        None if score is None else pytest.approx([score])
    )


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("4 0.304017 0.500281 0.608034 1.000437", [0, 0.0000625, 0.608034, 1]),
        ("0 -0.0004 0.5 0.1 0.1", [0, 0.45, 0.0496, 0.55]),
        ("0 0.5 1.0021 0.1 0.1", [0.45, 0.9521, 0.55, 1]),
        ("0 0.976042 0.705556 0.047917 0.096296", [0.9520835, 0.657408, 1, 0.753704]),
        ("0 0.99 0.5 0.1 0.1", [0.94, 0.45, 1, 0.55]),
        ("0 0.5 0.5 1.01 1.01", [0, 0, 1, 1]),
        ("0 1e-1 5E-1 .1 +0.1", [0.05, 0.45, 0.15, 0.55]),
    ],
)
def test_rounding_beyond_the_edge_is_clipped(write: Write, line: str, box: list[float]) -> None:
    assert shv.Boxes.from_yolo(write(line)).corners[0] == pytest.approx(box)


BAD = [
    ("0 0.5 0.5 0.25", "wrong-length"),
    ("0", "wrong-length"),
    ("0 a 0.5 0.25 0.5", "wrong-type"),
    ("milk 0.5 0.5 0.25 0.5", "wrong-type"),
    ("0 nan 0.5 0.25 0.5", "wrong-type"),
    ("0 inf 0.5 0.25 0.5", "wrong-type"),
    ("0 1e999 0.5 0.25 0.5", "wrong-type"),
    ("0 0,5 0,5 0,25 0,5", "wrong-type"),
    ("0 0.5 0.5 0.2_5 0.5", "wrong-type"),
    ("0 0.5 0.5 \u0661 0.5", "wrong-type"),
    (f"0 0.5 0.5 0.25 {'9' * 5000}", "wrong-type"),
    ("0 50 50 25 25", "not-in-range"),
    ("0 0.5 0.5 1.02 0.5", "not-in-range"),
    ("0 -0.02 0.5 0.1 0.1", "not-in-range"),
    ("0 0.1 0.1 0.4 0.1 0.4 1.02", "not-in-range"),
    ("0 0.5 0.5 0.25 0.5 0.4 0.4 2 0.3 0.3 2", "not-in-range"),
    ("0 0.5 0.5 -0.005 0.5", "empty"),
    ("0 0.5 0.5 0 0.5", "empty"),
    ("0 -0.005 0.5 0.001 0.5", "empty"),
    ("0 0.1 0.1 0.1 0.2 0.1 0.3", "empty"),
    ("0 0.5 0.5 0.25 0.5 0.9 1", "ambiguous"),
    ("0 0.5 0.5 0.25 0.5 0.9 17", "ambiguous"),
    ("0.5 0.5 0.5 0.25 0.5", "unknown-id"),
    ("2 0.5 0.5 0.25 0.5", "unknown-id"),
    ("-1 0.5 0.5 0.25 0.5", "unknown-id"),
    ("0 0.5 0.5 0.25 0.5 1.5", "not-in-range"),
    ("0 0.5 0.5 0.25 0.5 -0.5", "not-in-range"),
]


@pytest.mark.parametrize(("line", "code"), BAD)
def test_a_line_that_is_off_is_named_with_its_file_and_number(
    write: Write, line: str, code: str
) -> None:
    path = write(f"0 0.5 0.5 0.1 0.1\r\n\r\n{line}\n1 0.5 0.5 0.1 0.1\n")
    with refuses(DataError, code, "path") as caught:
        shv.Boxes.from_yolo(path, class_names=["juice", "milk"])
    for fact in (repr(str(path)), "line 3"):
        assert fact in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(("line", "code"), BAD)
def test_a_line_that_is_off_can_be_skipped_and_is_listed(
    write: Write, line: str, code: str
) -> None:
    path = write(f"0 0.5 0.5 0.1 0.1\n\n{line}\n1 0.5 0.5 0.1 0.1\nx\n")
    with gives_warning(ShelfVisionWarning, "skipped-lines", "path") as told:
        boxes = shv.Boxes.from_yolo(path, class_names=["juice", "milk"], on_error="skip")
    assert len(told) == 1
    assert boxes.labels == ("juice", "milk")
    assert [(one.path, one.code) for one in boxes.skipped] == [
        (f"{path}:3", code),
        (f"{path}:5", "wrong-type"),
    ]
    assert boxes.in_pixels((100, 100)).skipped == boxes.skipped
    assert pickle.loads(pickle.dumps(boxes)).skipped == boxes.skipped


def test_nothing_is_skipped_in_a_good_file(write: Write) -> None:
    assert shv.Boxes.from_yolo(write("0 0.5 0.5 1 1"), on_error="skip").skipped == ()


def test_on_error_is_checked(write: Write) -> None:
    with refuses(InvalidParameterError, "not-an-option", "on_error"):
        shv.Boxes.from_yolo(write("0 0.5 0.5 1 1"), on_error="ignore")  # type: ignore[arg-type]  # wrong on purpose


def test_without_class_names_a_class_is_any_whole_number(write: Write) -> None:
    assert shv.Boxes.from_yolo(write("79 0.5 0.5 1 1\n3.0 0.5 0.5 1 1")).labels == ("79", "3")
    with refuses(DataError, "not-in-range", "path"):
        shv.Boxes.from_yolo(write("1.5 0.5 0.5 1 1"))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(-0.02, 1.02), min_size=2, max_size=6).map(lambda x: x * 2))
def test_every_box_lies_in_the_photo_and_far_values_are_refused(
    write: Write, values: list[float]
) -> None:
    path = write("0 " + " ".join(f"{value:.9f}" for value in values))
    far = any(not -TOLERANCE <= float(f"{value:.9f}") <= 1 + TOLERANCE for value in values)
    refused = None
    try:
        corners = shv.Boxes.from_yolo(path).corners
    except DataError as error:
        refused = error.code
    assert (refused == "not-in-range") == far
    if refused is None:
        assert ((corners >= 0) & (corners <= 1)).all()


def test_more_lines_than_anyone_has_are_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shelfvision.boxes.files._yolo.MAX_BOXES", 2)
    for line in ("0 0.5 0.5 1 1\n", "x\n"):
        with refuses(DataError, "too-large", "path"):
            shv.Boxes.from_yolo(write(line * 3), on_error="skip")


def test_bytes_that_are_no_text_are_refused(write: Write) -> None:
    with refuses(DataError, "wrong-encoding", "path"):
        shv.Boxes.from_yolo(write("0 0.5 0.5 1 1 \udcff"))


@pytest.mark.remedy("ambiguous")
@pytest.mark.parametrize(
    "keypoints", ["0.5 0.4 1", "0.5 0.4 1 0.6 0.5 0", "0.5 0.4 0 0.6 0.5 0 0.5 0.6 1.0"]
)
def test_a_box_with_keypoints_is_not_taken_for_a_polygon(write: Write, keypoints: str) -> None:
    line = f"0 0.5 0.5 0.25 0.5 {keypoints}"
    with refuses(DataError, "ambiguous", "path") as caught:
        shv.Boxes.from_yolo(write(f"{line}\n"))
    assert "keep the first five numbers" in str(caught.value)
    boxes = shv.Boxes.from_yolo(write(" ".join(line.split()[:5])))
    assert boxes.corners.tolist() == [[0.375, 0.25, 0.625, 0.75]]


def test_a_polygon_at_the_edge_of_the_photo_is_moved_inward_where_it_may_be_keypoints(
    write: Write,
) -> None:
    polygon = "0 0.1 0.1 0.5 0.1 0.9 0.5 {} 0.9 0.5 1"
    with refuses(DataError, "ambiguous", "path"):
        shv.Boxes.from_yolo(write(polygon.format("1")))
    assert len(shv.Boxes.from_yolo(write(polygon.format("0.999")))) == 1
