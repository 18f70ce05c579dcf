"""Frames in and out: pandas and polars list photos as a manifest does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shelfvision as sv
from shelfvision.errors import DataError, MissingDependencyError, PhotoNotFoundError

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


def test_a_frame_gives_photos_in_its_order(shop: Path, make_frame: MakeFrame) -> None:
    frame = make_frame({"path": [*PATHS], "label": [*LABELS], "store": [1, 2, 1]})
    ds = sv.Dataset.from_frame(frame, root=shop, group_column="store", image_size=(20, 30))
    assert ds.ids.tolist() == PATHS
    assert ds.class_names == ("Juice", "Milk")
    assert ds.labels.tolist() == [1, 0, 1]
    assert ds.groups.tolist() == ["user:1", "user:2", "user:1"]
    assert ds[0][0].shape == (20, 30, 3)


def test_class_names_choose_the_rows(shop: Path, make_frame: MakeFrame) -> None:
    frame = make_frame({"file": [*PATHS], "kind": [*LABELS]})
    ds = sv.Dataset.from_frame(
        frame, root=shop, path_column="file", label_column="kind", class_names=["Milk"]
    )
    assert ds.class_counts == {"Milk": 2}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": PATHS}, "the frame has no column 'label'; its columns are 'path'"),
        ({"path": PATHS, "label": ["Milk", None, "Milk"]}, "row 1 of the frame has no label"),
        ({"path": ["a.png", None], "label": ["x", "x"]}, "row 1 of the frame has the path ''"),
        ({"path": [], "label": []}, "the frame lists no photos"),
        ({"path": [PATHS[0]] * 2, "label": LABELS[:2]}, "twice with a different label"),
    ],
)
def test_a_frame_that_is_not_as_described_is_refused(
    shop: Path, make_frame: MakeFrame, columns: dict[str, list[object]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        sv.Dataset.from_frame(make_frame(columns), root=shop)


def test_missing_photos_are_named_with_their_row_or_skipped(
    shop: Path, make_frame: MakeFrame
) -> None:
    frame = make_frame({"path": [*PATHS, "Milk/gone.jpg"], "label": [*LABELS, "Milk"]})
    with pytest.raises(PhotoNotFoundError, match=r"row 3 of the frame lists .*gone\.jpg"):
        sv.Dataset.from_frame(frame, root=shop)
    ds = sv.Dataset.from_frame(frame, root=shop, on_error="skip")
    assert (len(ds), ds.skipped.counts) == (3, {"not-found": 1})


def test_something_else_is_no_frame() -> None:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    with pytest.raises(DataError, match="not list"):
        sv.Dataset.from_frame([("a.jpg", "Milk")])  # type: ignore[type-var, arg-type, unused-ignore]  # on purpose


def test_a_dataset_goes_to_a_frame_and_back(shop: Path) -> None:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    pytest.importorskip("pandas", reason="needs pandas to make frames")
    (shop / "Milk/copy.jpg").write_bytes((shop / "Milk/b.jpg").read_bytes() + b"\0")
    ds = sv.Dataset.from_directory(shop).group_near_duplicates()
    frame = ds.to_frame()
    assert list(frame.columns) == ["id", "label", "group", "copy"]
    assert frame["label"].tolist() == [ds.class_names[label] for label in ds.labels]
    again = sv.Dataset.from_frame(frame, root=shop, path_column="id", group_column="group")
    assert again.ids.tolist() == ds.ids.tolist()
    assert again.groups.tolist() == ds.groups.tolist()
    assert again.fingerprint == ds.fingerprint


def test_a_frame_of_augmented_photos_tells_the_copies() -> None:
    pytest.importorskip("pandas", reason="needs pandas to make frames")
    images = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    ds = sv.BalancingAugmenter().balance(sv.Dataset.from_arrays(images, ["a", "a", "b"]))
    assert ds.to_frame()["copy"].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(("package", "line"), [("narwhals", "frame"), ("pandas", "pandas")])
def test_a_missing_package_is_named_with_the_pip_line(
    package: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = sv.Dataset.from_arrays(np.zeros((1, 8, 8, 3), dtype=np.uint8), [0])
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=f"pip install .*{line}"):
        ds.to_frame() if package == "pandas" else sv.Dataset.from_frame({})  # type: ignore[type-var, arg-type, unused-ignore]  # on purpose


def test_what_nullable_columns_of_pandas_miss_is_no_group_and_no_label(shop: Path) -> None:
    pytest.importorskip("narwhals", reason="needs narwhals to read frames")
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    stores = pandas.Series([1, pandas.NA, 1], dtype="Int64")
    frame = pandas.DataFrame({"path": PATHS, "label": LABELS, "store": stores})
    groups = sv.Dataset.from_frame(frame, root=shop, group_column="store").groups
    assert groups[[0, 2]].tolist() == ["user:1", "user:1"]
    assert groups[1].startswith("content:")
    frame["label"] = pandas.Series(["Milk", pandas.NA, "Milk"], dtype="string")
    with pytest.raises(DataError, match="row 1 of the frame has no label"):
        sv.Dataset.from_frame(frame, root=shop)
