"""Frames in and out: pandas and polars list photos as a manifest does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import (
    DataError,
    MissingDependencyError,
    PhotoNotFoundError,
    ShelfVisionWarning,
)
from support import gives_warning, refuses

if TYPE_CHECKING:
    from narwhals.typing import IntoDataFrame

PATHS = ["Milk/a.PNG", "Juice/1.JPG", "Milk/b.jpg"]
LABELS = ["Milk", "Juice", "Milk"]
MakeFrame = Callable[[dict[str, list[object]]], "IntoDataFrame"]


@pytest.fixture(params=["pandas", "polars"])
def make_frame(request: pytest.FixtureRequest) -> MakeFrame:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    library = pytest.importorskip(request.param, reason=f"needs {request.param}")
    make: MakeFrame = library.DataFrame
    return make


@pytest.mark.slow
def test_a_frame_gives_photos_in_its_order(shop: Path, make_frame: MakeFrame) -> None:
    frame = make_frame({"path": [*PATHS], "label": [*LABELS], "store": [1, 2, 1]})
    ds = shv.Dataset.from_frame(frame, root=shop, group_column="store", image_size=(20, 30))
    assert ds.ids.tolist() == PATHS
    assert ds.class_names == ("Juice", "Milk")
    assert ds.labels.tolist() == [1, 0, 1]
    assert ds.groups.tolist() == ["user:1", "user:2", "user:1"]
    assert ds[0][0].shape == (20, 30, 3)


def test_class_names_choose_the_rows(shop: Path, make_frame: MakeFrame) -> None:
    frame = make_frame({"file": [*PATHS], "kind": [*LABELS]})
    ds = shv.Dataset.from_frame(
        frame, root=shop, path_column="file", label_column="kind", class_names=["Milk"]
    )
    assert ds.class_counts == {"Milk": 2}


@pytest.mark.parametrize(
    ("columns", "code", "parameter"),
    [
        ({"path": PATHS}, "missing-column", "label_column"),
        ({"path": PATHS, "Label": LABELS}, "missing-column", "label_column"),
        ({"path": PATHS, "label": ["Milk", None, "Milk"]}, "empty", "label_column"),
        ({"path": ["a.png", None], "label": ["x", "x"]}, "empty", "path_column"),
        ({"path": [], "label": []}, "empty", "frame"),
        ({"path": [PATHS[0]] * 2, "label": LABELS[:2]}, "conflict", "label_column"),
        ({"path": PATHS, "label": [1e17, 2.0, 3.0]}, "lost-digits", "label_column"),
    ],
)
def test_a_frame_that_is_not_as_described_is_refused(
    shop: Path,
    make_frame: MakeFrame,
    columns: dict[str, list[object]],
    code: str,
    parameter: str,
) -> None:
    with refuses(DataError, code, parameter):
        shv.Dataset.from_frame(make_frame(columns), root=shop)


@pytest.mark.remedy("missing-column")
def test_a_column_of_another_case_is_suggested(shop: Path, make_frame: MakeFrame) -> None:
    frame = make_frame({"path": [*PATHS], "Label": [*LABELS]})
    with refuses(DataError, "missing-column", "label_column") as caught:
        shv.Dataset.from_frame(frame, root=shop)
    assert "pass label_column='Label'" in str(caught.value)
    assert len(shv.Dataset.from_frame(frame, root=shop, label_column="Label")) == 3


def test_codes_keep_every_digit_and_their_leading_zeros(shop: Path, make_frame: MakeFrame) -> None:
    codes = [4006381333931.0, 7.0, 4006381333931.0]
    for values in (codes, [int(code) for code in codes], [f"{code:.0f}" for code in codes]):
        frame = make_frame({"path": [*PATHS], "label": [*values], "store": [7.0, None, 8.0]})
        dataset = shv.Dataset.from_frame(frame, root=shop, group_column="store")
        assert dataset.class_names == ("4006381333931", "7")
        assert dataset.groups[[0, 2]].tolist() == ["user:7", "user:8"]
    frame = make_frame({"path": [*PATHS], "label": ["007", "7", "007"]})
    assert shv.Dataset.from_frame(frame, root=shop).class_counts == {"007": 2, "7": 1}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_codes_in_floats_of_32_bits_have_lost_digits(shop: Path, library: str) -> None:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    frames = pytest.importorskip(library, reason=f"needs {library}")
    codes = np.array([4006381333931, 7, 8], np.float32)
    frame = frames.DataFrame({"path": PATHS, "label": codes})
    with refuses(DataError, "lost-digits", "label_column"):
        shv.Dataset.from_frame(frame, root=shop)
    small = frames.DataFrame({"path": PATHS, "label": codes % 3})
    assert set(shv.Dataset.from_frame(small, root=shop).class_names) <= {"0", "1", "2"}


def test_twins_in_a_frame_are_one_class_with_a_warning(shop: Path, make_frame: MakeFrame) -> None:
    frame = make_frame({"path": [*PATHS], "label": ["Milk ", "Juice", "Milk"]})
    with gives_warning(ShelfVisionWarning, "twin-names"):
        dataset = shv.Dataset.from_frame(frame, root=shop)
    assert dataset.class_counts == {"Juice": 1, "Milk": 2}


def test_classes_without_rows_are_kept_and_told(shop: Path, make_frame: MakeFrame) -> None:
    frame = make_frame({"path": [*PATHS], "label": [*LABELS]})
    with gives_warning(ShelfVisionWarning, "missing-class", "class_names"):
        dataset = shv.Dataset.from_frame(frame, root=shop, class_names=["Tea", "Milk", "Juice"])
    assert dataset.class_counts == {"Tea": 0, "Milk": 2, "Juice": 1}


def test_paths_may_be_path_objects(shop: Path) -> None:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    frame = pandas.DataFrame({"path": [shop / path for path in PATHS], "label": LABELS})
    assert shv.Dataset.from_frame(frame, root=shop).ids.tolist() == PATHS


def test_columns_of_one_name_are_refused(shop: Path) -> None:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    frame = pandas.DataFrame([[PATHS[0], "Milk", "x"]], columns=["path", "label", "label"])
    with refuses(DataError, "duplicate", "frame"):
        shv.Dataset.from_frame(frame, root=shop)


def test_missing_photos_are_named_with_their_row_or_skipped(
    shop: Path, make_frame: MakeFrame
) -> None:
    frame = make_frame({"path": [*PATHS, "Milk/gone.jpg"], "label": [*LABELS, "Milk"]})
    with refuses(PhotoNotFoundError, "not-found", "root") as caught:
        shv.Dataset.from_frame(frame, root=shop)
    assert "row 3 of the frame" in str(caught.value)
    ds = shv.Dataset.from_frame(frame, root=shop, on_error="skip")
    assert (len(ds), ds.skipped.counts) == (3, {"not-found": 1})


def test_something_else_is_no_frame() -> None:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    with refuses(DataError, "wrong-type", "frame"):
        shv.Dataset.from_frame([("a.jpg", "Milk")])  # type: ignore[type-var, arg-type, unused-ignore]  # on purpose


def test_a_dataset_goes_to_a_frame_and_back(shop: Path) -> None:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    pytest.importorskip("pandas", reason="needs pandas to make frames")
    (shop / "Milk/copy.jpg").write_bytes((shop / "Milk/b.jpg").read_bytes() + b"\0")
    ds = shv.Dataset.from_directory(shop).group_near_duplicates()
    frame = ds.to_frame()
    assert list(frame.columns) == ["id", "label", "group", "copy"]
    assert frame["label"].tolist() == [ds.class_names[label] for label in ds.labels]
    again = shv.Dataset.from_frame(frame, root=shop, path_column="id", group_column="group")
    assert again.ids.tolist() == ds.ids.tolist()
    assert again.groups.tolist() == ds.groups.tolist()
    assert again.fingerprint == ds.fingerprint


def test_a_frame_of_augmented_photos_tells_the_copies() -> None:
    pytest.importorskip("pandas", reason="needs pandas to make frames")
    images = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    ds = shv.BalancingAugmenter().balance(shv.Dataset.from_arrays(images, ["a", "a", "b"]))
    assert ds.to_frame()["copy"].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(("package", "line"), [("narwhals", "frame"), ("pandas", "pandas")])
def test_a_missing_package_is_named_with_the_pip_line(
    package: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = shv.Dataset.from_arrays(np.zeros((1, 8, 8, 3), dtype=np.uint8), [0])
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with refuses(MissingDependencyError, "missing-dependency") as caught:
        ds.to_frame() if package == "pandas" else shv.Dataset.from_frame({})  # type: ignore[type-var, arg-type, unused-ignore]  # on purpose
    assert "pip install" in str(caught.value)
    assert line in str(caught.value)


def test_what_nullable_columns_of_pandas_miss_is_no_group_and_no_label(shop: Path) -> None:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    stores = pandas.Series([1, pandas.NA, 1], dtype="Int64")
    frame = pandas.DataFrame({"path": PATHS, "label": LABELS, "store": stores})
    groups = shv.Dataset.from_frame(frame, root=shop, group_column="store").groups
    assert groups[[0, 2]].tolist() == ["user:1", "user:1"]
    assert groups[1].startswith("content:")
    frame["label"] = pandas.Series(["Milk", pandas.NA, "Milk"], dtype="string")
    with refuses(DataError, "empty", "label_column"):
        shv.Dataset.from_frame(frame, root=shop)
