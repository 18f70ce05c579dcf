"""`Scorer` for photos of shelves: a list of predicted boxes for each photo."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision._runtime.sessions import load_session
from shelfvision.boxes import Boxes
from shelfvision.errors import InvalidParameterError
from shelfvision.export import Detector, Predictor
from shelfvision.scale import Scorer, _opening
from support import refuses

from .conftest import EXPORT

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
pytest.importorskip("onnxruntime")

BOXES = [[[0.0, 0.0, 20.0, 30.0], [10.5, 5.0, 50.0, 40.0]], [], [[1.0, 1.0, 9.0, 9.0]]]


class Halves:
    """A detector that finds the left and the right half of a photo."""

    def detect(self, photo: npt.NDArray[np.uint8]) -> Boxes:
        height, width = photo.shape[:2]
        corners = [[0, 0, width // 2, height], [width // 2, 0, width, height]]
        return Boxes(corners, scores=[0.75, 0.5], image_size=(height, width))


@pytest.fixture
def table(photos: list[bytes], ids: list[str]) -> Any:
    return pa.table({"path": ids[:3], "bytes": photos[:3], "boxes": BOXES})


def test_boxes_of_a_column_get_the_predictions_of_predict_regions(
    table: Any, photos: list[bytes]
) -> None:
    scorer = Scorer(EXPORT, boxes_column="boxes", probabilities=True)
    found = scorer(table)
    assert found.schema == scorer.schema
    assert found.column_names == ["path", "regions", "error", "error_code"]
    predictor = Predictor(EXPORT)
    for photo, boxes, regions in zip(photos, BOXES, found["regions"].to_pylist(), strict=False):
        expected = predictor.predict_regions(photo, np.array(boxes).reshape(-1, 4))
        assert [
            [one[side] for side in ("left", "top", "right", "bottom")] for one in regions
        ] == boxes
        assert [one["label"] for one in regions] == list(expected.labels)
        assert [one["decision"] for one in regions] == list(expected.decisions)
        confidences = np.array([one["confidence"] for one in regions], np.float32)
        assert np.array_equal(confidences, expected.confidences)
        rows = np.array([one["probabilities"] for one in regions], np.float32)
        assert np.array_equal(rows.reshape(-1, 3), expected.probabilities)


@pytest.mark.parametrize("kind", ["dict", "pandas", "polars"])
def test_boxes_come_in_every_kind_of_batch(kind: str, table: Any) -> None:
    scorer = Scorer(EXPORT, boxes_column="boxes")
    expected = scorer(table)["regions"].to_pylist()
    if kind == "dict":
        batch = {name: table[name].to_pylist() for name in table.column_names}
        result: Any = scorer(batch)
        assert result["regions"].tolist() == expected
        return
    frame = (
        table.to_pandas() if kind == "pandas" else pytest.importorskip("polars").from_arrow(table)
    )
    found = scorer(frame)
    assert isinstance(found, type(frame))
    rows = [list(one) for one in found["regions"].to_list()]
    assert rows == expected


def test_regions_are_boxes_for_another_scorer(table: Any) -> None:
    """What one job finds is the input of the next, for example with another classifier."""
    first = Scorer(EXPORT, detector=Halves())(table)
    again = first.append_column("bytes", table["bytes"])
    second = Scorer(EXPORT, boxes_column="regions")(again)
    for one, other in zip(first["regions"].to_pylist(), second["regions"].to_pylist(), strict=True):
        assert [box.pop("score") for box in one] == [0.75, 0.5]
        assert one == other


def test_a_detector_finds_the_boxes(table: Any, photos: list[bytes]) -> None:
    scorer = pickle.loads(pickle.dumps(Scorer(EXPORT, detector=Halves(), columns=["label"])))
    found = scorer(table)["regions"].to_pylist()
    assert list(found[0][0]) == ["left", "top", "right", "bottom", "score", "label"]
    expected = Predictor(EXPORT).predict_regions(photos[0], Halves())
    assert [one["label"] for one in found[0]] == list(expected.labels)
    assert [one["right"] for one in found[0]] == [26.0, 52.0]


class Left(Halves):
    """A detector that finds the left half only."""

    def detect(self, photo: npt.NDArray[np.uint8]) -> Boxes:
        return super().detect(photo)[:1]


def test_detectors_are_not_confused_and_do_not_open_the_classifier_again(
    monkeypatch: pytest.MonkeyPatch, table: Any
) -> None:
    opened: list[object] = []
    load = load_session

    def counted(*arguments: Any, **settings: Any) -> Any:
        opened.append(arguments)
        return load(*arguments, **settings)

    monkeypatch.setattr(Halves, "__repr__", lambda _self: "<a detector>")
    monkeypatch.setattr("shelfvision.scale._opening.load_session", counted)
    monkeypatch.setattr(_opening, "_models", type(_opening._models)())
    both, left = (pickle.dumps(Scorer(EXPORT, detector=one)) for one in (Halves(), Left()))
    numbers = [
        len(pickle.loads(data)(table)["regions"][0].as_py()) for data in (both, left, both, left)
    ]
    assert numbers == [2, 1, 2, 1]
    assert len(opened) == 1


def test_a_detector_of_a_file_is_sent_as_its_path(
    monkeypatch: pytest.MonkeyPatch, table: Any
) -> None:
    from shelfvision._runtime.detecting import _detector

    opened: list[dict[str, Any]] = []

    def opening(self: Detector, path: str, **settings: Any) -> None:
        opened.append({"path": path, **settings})

    detector = Detector.__new__(Detector)
    monkeypatch.setattr(_detector.Detector, "__init__", opening)
    monkeypatch.setattr(_detector.Detector, "detect", lambda _self, photo: Halves().detect(photo))
    detector._path = "/models/detector.onnx"
    detector._arguments = {"threads": None, "tile": 640, "expected_sha256": "0" * 64}
    scorer = Scorer(EXPORT, detector=detector, threads=2)
    data = pickle.dumps(scorer)
    assert len(data) < 1000
    assert opened == []
    pickle.loads(data)(table)
    pickle.loads(data)(table)
    assert opened == [
        {"path": "/models/detector.onnx", "threads": 2, "tile": 640, "expected_sha256": "0" * 64}
    ]


@pytest.mark.parametrize(
    ("boxes", "code"),
    [
        (None, "missing"),
        ([[900.0, 0.0, 950.0, 20.0]], None),
        ([[20.0, 0.0, 10.0, 20.0]], None),
        ([[float("nan"), 0.0, 10.0, 20.0]], None),
        ([[1.0, 2.0, 3.0]], "wrong-type"),
        (7, "wrong-type"),
        ("box", "wrong-type"),
        ([{"left": 1.0}], "wrong-type"),
    ],
)
def test_boxes_that_cannot_be_used_are_a_row_with_an_error(
    boxes: object, code: str | None, photos: list[bytes]
) -> None:
    cells = np.empty(2, dtype=object)
    cells[:] = [boxes, BOXES[0]]
    batch = {"bytes": photos[:2], "path": ["a", "b"], "boxes": cells}
    found: Any = Scorer(EXPORT, boxes_column="boxes")(batch)
    assert found["error"][0].startswith("'a' ")
    assert found["error"][1] == ""
    assert found["regions"][0] is None
    assert len(found["regions"][1]) == 2
    if code in ("missing", "wrong-type"):
        assert found["error_code"][0] == code


def test_a_shelf_photo_that_cannot_be_read_is_a_row_with_its_error(table: Any) -> None:
    scorer = Scorer(EXPORT, boxes_column="boxes")
    broken = table.set_column(1, "bytes", pa.array([None, b"x", b""], pa.binary()))
    found = scorer(broken)
    assert found.schema == scorer.schema
    assert found["error_code"].to_pylist() == ["missing", "not-an-image", "empty"]
    assert found["regions"].to_pylist() == [None] * 3


def test_the_schema_of_regions_does_not_depend_on_the_rows(table: Any) -> None:
    scorer = Scorer(EXPORT, boxes_column="boxes", probabilities=True, keep={"store": "int32"})
    table = table.append_column("store", pa.array([1, 2, None]))
    assert scorer(table.slice(1, 1)).schema == scorer(table).schema == scorer.schema
    assert scorer(table.slice(0, 0)).schema == scorer.schema
    assert list(scorer.meta.columns) == ["path", "store", "regions", "error", "error_code"]


def test_the_ddl_describes_regions() -> None:
    scorer = Scorer(EXPORT, detector=Halves(), columns=["label", "confidence"], id_column=None)
    assert scorer.ddl == (
        "`regions` ARRAY<STRUCT<`left`: FLOAT, `top`: FLOAT, `right`: FLOAT, `bottom`: FLOAT, "
        "`score`: FLOAT, `label`: STRING, `confidence`: FLOAT>>, `error` STRING, "
        "`error_code` STRING"
    )


@pytest.mark.parametrize(
    ("settings", "code", "parameter"),
    [
        ({"boxes_column": "boxes", "detector": Halves()}, "conflict", "boxes_column"),
        ({"boxes_column": 3}, "wrong-type", "boxes_column"),
        ({"detector": "detector.onnx"}, "wrong-type", "detector"),
        ({"detector": Halves}, "wrong-type", "detector"),
        ({"boxes_column": "boxes", "id_column": "regions"}, "duplicate", "id_column"),
    ],
)
def test_settings_for_shelves_are_checked(
    settings: dict[str, Any], code: str, parameter: str
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        Scorer(EXPORT, **settings)
