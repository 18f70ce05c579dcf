"""`Dataset.from_manifest`: a CSV file that lists photos."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

import shelfvision as sv
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    PhotoNotFoundError,
)

ROWS = [
    ("Milk/b.jpg", "Milk", "train", "north"),
    ("Juice/1.JPG", "Juice", "train", "north"),
    ("Juice/2.webp", "Juice", "val", "south"),
    ("Milk/a.PNG", "Whole, milk", "test", "south"),
]


@pytest.fixture
def manifest(shop: Path) -> Path:
    return write(shop / "list.csv", ROWS)


def write(
    path: Path, rows: Sequence[tuple[str, ...]], *, header: str = "path,label,split,store"
) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(header + "\n")
        csv.writer(file).writerows(rows)
    return path


def test_rows_keep_the_order_of_the_file(manifest: Path) -> None:
    ds = sv.Dataset.from_manifest(manifest)
    assert ds.ids.tolist() == [row[0] for row in ROWS]
    assert ds.class_names == ("Juice", "Milk", "Whole, milk")
    assert ds.labels.tolist() == [1, 0, 0, 2]
    assert ds[0][0].shape == (100, 100, 3)


def test_where_chooses_rows_but_not_class_names(manifest: Path) -> None:
    train = sv.Dataset.from_manifest(manifest, where={"split": "train"})
    assert train.class_counts == {"Juice": 1, "Milk": 1, "Whole, milk": 0}
    both = sv.Dataset.from_manifest(manifest, where={"split": ["val", "test"], "store": "south"})
    assert both.ids.tolist() == ["Juice/2.webp", "Milk/a.PNG"]


def test_class_names_fix_order_and_subset(manifest: Path) -> None:
    ds = sv.Dataset.from_manifest(manifest, class_names=["Milk", "Juice"])
    assert ds.class_counts == {"Milk": 1, "Juice": 2}


def test_a_group_column_names_hard_groups(manifest: Path) -> None:
    ds = sv.Dataset.from_manifest(manifest, group_column="store")
    assert ds.groups.tolist() == ["user:north", "user:north", "user:south", "user:south"]


def test_paths_start_from_root(manifest: Path, shop: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "list.csv"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(manifest.read_bytes())
    assert len(sv.Dataset.from_manifest(elsewhere, root=shop)) == 4
    with pytest.raises(PhotoNotFoundError, match=r"line 2 .*Milk/b\.jpg.*set root"):
        sv.Dataset.from_manifest(elsewhere)
    with pytest.raises(DatasetNotFoundError, match="nowhere"):
        sv.Dataset.from_manifest(elsewhere, root=tmp_path / "nowhere")


def test_other_names_of_columns_and_a_byte_order_mark_are_fine(shop: Path) -> None:
    path = write(shop / "list.csv", ROWS, header="\ufefffile,product,split,store")
    ds = sv.Dataset.from_manifest(path, path_column="file", label_column="product")
    assert len(ds) == 4


def test_one_photo_written_in_three_ways_is_one_row(shop: Path) -> None:
    rows = [("Milk/b.jpg", "Milk"), ("./Milk//b.jpg", "Milk"), (str(shop / "Milk/b.jpg"), "Milk")]
    ds = sv.Dataset.from_manifest(write(shop / "list.csv", rows, header="path,label"))
    assert ds.ids.tolist() == ["Milk/b.jpg"]


def test_photos_outside_root_keep_their_whole_path(shop: Path) -> None:
    lists = shop / "lists"
    lists.mkdir()
    rows = [("../Milk/b.jpg", "Milk"), (str(shop / "Juice/1.JPG"), "Juice")]
    ds = sv.Dataset.from_manifest(write(lists / "list.csv", rows, header="path,label"))
    assert ds.ids.tolist() == ["../Milk/b.jpg", str(shop / "Juice/1.JPG")]
    assert len(ds.to_arrays()[0]) == 2


def test_one_photo_under_two_labels_is_refused(shop: Path) -> None:
    rows = [("Milk/b.jpg", "Milk"), ("Milk/b.jpg", "Juice")]
    path = write(shop / "list.csv", rows, header="path,label")
    with pytest.raises(DataError, match=r"twice.*'Milk' in line 2, 'Juice' in line 3"):
        sv.Dataset.from_manifest(path)


def test_missing_photos_are_reported_with_their_line(shop: Path) -> None:
    path = write(shop / "list.csv", [*ROWS, ("Milk/gone.jpg", "Milk", "train", "x")])
    with pytest.raises(PhotoNotFoundError, match=r"line 6 .*gone\.jpg.*1 of 5"):
        sv.Dataset.from_manifest(path)
    (shop / "Milk/b.jpg").write_bytes(b"")
    ds = sv.Dataset.from_manifest(path, on_error="skip", group_column="store")
    assert [(file.path, file.code) for file in ds.skipped] == [
        ("Milk/gone.jpg", "not-found"),
        ("Milk/b.jpg", "empty"),
    ]
    assert "line 6" in ds.skipped[0].reason
    assert ds.ids.tolist() == ["Juice/1.JPG", "Juice/2.webp", "Milk/a.PNG"]
    assert ds.groups.tolist() == ["user:north", "user:south", "user:south"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'path'.*the file is empty"),
        ("file,label\na,b\n", "no column 'path'; its columns are 'file', 'label'"),
        ("path,label\n", "lists no photos"),
        ("path,label\n,Milk\n", "line 2 .* path ''"),
        ("path,label\nMilk/b.jpg,\n", "line 2 .* has no label"),
        ("path,label\nMilk/b.jpg\n", "line 2 .*not as many fields"),
        ("path,label\nMilk/b.jpg,Milk,more\n", "line 2 .*not as many fields"),
        ('path,label\n"Milk/b.jpg,Milk\n', "not a well-formed CSV"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(shop: Path, text: str, message: str) -> None:
    (shop / "list.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        sv.Dataset.from_manifest(shop / "list.csv")


def test_a_manifest_that_is_not_there_or_no_text_is_refused(shop: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match="no manifest"):
        sv.Dataset.from_manifest(shop / "nowhere.csv")
    with pytest.raises(DataError, match="cannot be read"):
        sv.Dataset.from_manifest(shop)
    with pytest.raises(DataError, match="not a CSV file in UTF-8"):
        sv.Dataset.from_manifest(shop / "Milk/a.PNG")


def test_names_that_do_not_occur_are_refused(manifest: Path) -> None:
    with pytest.raises(InvalidParameterError, match=r"'split' to be 'tain'.*'test', 'train'"):
        sv.Dataset.from_manifest(manifest, where={"split": "tain"})
    with pytest.raises(DataError, match="no column 'fold'"):
        sv.Dataset.from_manifest(manifest, where={"fold": "1"})
    with pytest.raises(DataError, match=r"'Mlik'.*its labels are"):
        sv.Dataset.from_manifest(manifest, class_names=["Mlik"])
    with pytest.raises(DataError, match="no photo that"):
        sv.Dataset.from_manifest(manifest, where={"split": "val"}, class_names=["Milk"])


@pytest.mark.photos
def test_the_grocery_photos_are_found(photos: Path) -> None:
    train = sv.Dataset.from_manifest(photos / "manifest.csv", where={"split": "train"})
    assert (len(train), len(train.class_names)) == (2640, 43)
    folder = sv.Dataset.from_directory(photos / "photos")
    assert (len(folder), folder.class_names) == (2936, train.class_names)


def test_photos_without_a_named_group_are_groups_of_their_own(shop: Path) -> None:
    rows = [(*row[:3], store) for row, store in zip(ROWS, ("north", "", "", "north"), strict=True)]
    ds = sv.Dataset.from_manifest(write(shop / "list.csv", rows), group_column="store")
    first, second, third, fourth = ds.groups
    assert first == fourth == "user:north"
    assert second.startswith("content:")
    assert third.startswith("content:")
    assert second != third


@pytest.mark.parametrize("value", [1, None, [1, "2"], ["train", 2.0]])
def test_where_refuses_what_is_no_text(manifest: Path, value: object) -> None:
    with pytest.raises(InvalidParameterError, match=r"where asks for 'split' to be .* as text"):
        sv.Dataset.from_manifest(manifest, where={"split": value})  # type: ignore[dict-item]  # what it refuses


def test_where_refuses_what_is_no_mapping(manifest: Path) -> None:
    with pytest.raises(InvalidParameterError, match="where must be a mapping"):
        sv.Dataset.from_manifest(manifest, where=[("split", "train")])  # type: ignore[arg-type]  # what it refuses


def test_a_column_that_stands_twice_in_the_first_line_is_refused(shop: Path) -> None:
    path = write(shop / "list.csv", ROWS, header="path,label,split,label")
    with pytest.raises(DataError, match="several columns called 'label'"):
        sv.Dataset.from_manifest(path)
    assert len(sv.Dataset.from_manifest(path, label_column="split")) == 4
