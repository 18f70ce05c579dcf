"""`Dataset.from_manifest`: a CSV file that lists photos."""

from __future__ import annotations

import csv
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    PhotoError,
    PhotoNotFoundError,
    ShelfVisionWarning,
)
from support import gives_warning, refuses

ROWS = [
    ("Milk/b.jpg", "Milk", "train", "north"),
    ("Juice/1.JPG", "Juice", "train", "north"),
    ("Juice/2.webp", "Juice", "val", "south"),
    ("Milk/a.PNG", "Whole, milk", "test", "south"),
]
NFC, NFD = "K\u00e4se", "Ka\u0308se"


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


def listing(shop: Path, *cells: str) -> shv.Dataset:
    """Return the dataset of a manifest with these paths, all of one label."""
    return shv.Dataset.from_manifest(
        write(shop / "paths.csv", [(cell, "Milk") for cell in cells], header="path,label"),
        root=shop,
    )


def test_rows_keep_the_order_of_the_file(manifest: Path) -> None:
    dataset = shv.Dataset.from_manifest(manifest)
    assert dataset.ids.tolist() == [row[0] for row in ROWS]
    assert dataset.class_names == ("Juice", "Milk", "Whole, milk")
    assert dataset.labels.tolist() == [1, 0, 0, 2]
    assert dataset[0][0].shape == (100, 100, 3)


def test_where_chooses_rows_but_not_class_names(manifest: Path) -> None:
    train = shv.Dataset.from_manifest(manifest, where={"split": "train"})
    assert train.class_counts == {"Juice": 1, "Milk": 1, "Whole, milk": 0}
    both = shv.Dataset.from_manifest(manifest, where={"split": ["val", "test"], "store": "south"})
    assert both.ids.tolist() == ["Juice/2.webp", "Milk/a.PNG"]


@pytest.mark.parametrize(
    "names", [["Milk", "Juice"], {"Juice": 1, "Milk": 0}, {0: "Milk", 1: "Juice"}]
)
def test_class_names_fix_order_and_subset(manifest: Path, names: list[str]) -> None:
    dataset = shv.Dataset.from_manifest(manifest, class_names=names)
    assert dataset.class_names == ("Milk", "Juice")
    assert dataset.class_counts == {"Milk": 1, "Juice": 2}


def test_a_group_column_names_hard_groups(manifest: Path) -> None:
    dataset = shv.Dataset.from_manifest(manifest, group_column="store")
    assert dataset.groups.tolist() == ["user:north", "user:north", "user:south", "user:south"]


@pytest.mark.remedy("not-found")
def test_paths_start_from_root(manifest: Path, shop: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "list.csv"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(manifest.read_bytes())
    assert len(shv.Dataset.from_manifest(elsewhere, root=shop)) == 4
    with refuses(PhotoNotFoundError, "not-found", "root") as caught:
        shv.Dataset.from_manifest(elsewhere)
    assert "line 2 " in str(caught.value)
    assert "Milk/b.jpg" in str(caught.value)
    with pytest.raises(DatasetNotFoundError) as gone:
        shv.Dataset.from_manifest(elsewhere, root=tmp_path / "nowhere")
    assert gone.value.code == "not-found"


def test_other_names_of_columns_and_a_byte_order_mark_are_fine(shop: Path) -> None:
    path = write(shop / "list.csv", ROWS, header="\ufefffile,product,split,store")
    dataset = shv.Dataset.from_manifest(path, path_column="file", label_column="product")
    assert len(dataset) == 4


@pytest.mark.parametrize(
    "text",
    [
        "path;label\nMilk/b.jpg;Milk\nJuice/1.JPG;Juice\n",
        "path\tlabel\r\nMilk/b.jpg\tMilk\r\nJuice/1.JPG\tJuice\r\n",
        "sep=;\npath;label\nMilk/b.jpg;Milk\nJuice/1.JPG;Juice\n",
        ",path,label\n0,Milk/b.jpg,Milk\n1,Juice/1.JPG,Juice\n",
        "path,label,\nMilk/b.jpg,Milk,\nJuice/1.JPG,Juice,\n,,\n",
    ],
)
def test_spreadsheets_and_frames_write_tables_in_their_ways(shop: Path, text: str) -> None:
    (shop / "list.csv").write_text(text, newline="")
    dataset = shv.Dataset.from_manifest(shop / "list.csv")
    assert dataset.class_counts == {"Juice": 1, "Milk": 1}


@pytest.mark.remedy("wrong-encoding")
def test_a_manifest_in_another_encoding_is_read_when_it_is_named(shop: Path) -> None:
    (shop / "list.csv").write_text(f"path,label\nMilk/b.jpg,{NFC}\n", encoding="cp1252")
    with refuses(DataError, "wrong-encoding", "encoding") as caught:
        shv.Dataset.from_manifest(shop / "list.csv")
    assert "encoding='cp1252'" in str(caught.value)
    dataset = shv.Dataset.from_manifest(shop / "list.csv", encoding="cp1252")
    assert dataset.class_names == (NFC,)
    (shop / "list.csv").write_text(f"path,label\nMilk/b.jpg,{NFC}\n", encoding="utf-16")
    assert shv.Dataset.from_manifest(shop / "list.csv").class_names == (NFC,)


def test_one_photo_written_in_three_ways_is_one_row(shop: Path) -> None:
    assert listing(
        shop, "Milk/b.jpg", "./Milk//b.jpg", str(shop / "Milk/b.jpg"), r"Milk\b.jpg"
    ).ids.tolist() == ["Milk/b.jpg"]


def test_photos_outside_root_keep_their_whole_path(shop: Path) -> None:
    lists = shop / "lists"
    lists.mkdir()
    rows = [("../Milk/b.jpg", "Milk"), (str(shop / "Juice/1.JPG"), "Juice")]
    dataset = shv.Dataset.from_manifest(write(lists / "list.csv", rows, header="path,label"))
    assert dataset.ids.tolist() == ["../Milk/b.jpg", str(shop / "Juice/1.JPG")]
    assert len(dataset.to_arrays()[0]) == 2


@pytest.mark.parametrize(
    "cell",
    [
        r"Milk\b.jpg",
        r".\Milk\b.jpg",
        r"Milk/sub\..\b.jpg",
        " Milk/b.jpg ",
        "\ufeffMilk/b.jpg",
        "Milk/b.jpg\u00a0",
        "Mil%6B%2Fb.jpg",
    ],
)
def test_paths_whose_meaning_is_clear_are_found(shop: Path, cell: str) -> None:
    assert listing(shop, cell).ids.tolist() == ["Milk/b.jpg"]


def test_addresses_of_files_are_found(shop: Path) -> None:
    (shop / "Milk" / "ö 1.jpg").write_bytes((shop / "Milk/b.jpg").read_bytes())
    for uri in ((shop / "Milk/ö 1.jpg").as_uri(), f"file://localhost{shop}/Milk/ö%201.jpg"):
        assert listing(shop, uri).ids.tolist() == ["Milk/ö 1.jpg"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_of_files_in_the_other_unicode_form_are_found(
    shop: Path, form: Literal["NFC", "NFD"]
) -> None:
    folder, name = shop / NFD, f"{NFC} 1.jpg"
    folder.mkdir()
    (folder / name).write_bytes((shop / "Milk/b.jpg").read_bytes())
    dataset = listing(shop, unicodedata.normalize(form, f"{NFC}/{NFC} 1.jpg"))
    assert dataset.ids.tolist() == [f"{NFD}/{name}"]
    assert dataset[0][0].shape == (100, 100, 3)


def test_the_literal_path_goes_first(shop: Path) -> None:
    data = (shop / "Milk/b.jpg").read_bytes()
    (shop / r"Milk\b.jpg").write_bytes(data)
    (shop / "'=1.jpg").write_bytes(data)
    cells = [r"Milk\b.jpg", "'=1.jpg"]
    assert listing(shop, *cells).ids.tolist() == cells


@pytest.mark.remedy("not-found")
@pytest.mark.parametrize(
    ("cell", "head"),
    [
        (r"C:\photos\Milk\b.jpg", "C:\\photos\\"),
        ("D:/Milk/b.jpg", "D:/"),
        ("D:Milk/b.jpg", "D:"),
        ("/home/other/upload/Milk/b.jpg", "/home/other/upload/"),
        (r"\\server\share\Milk\b.jpg", "\\\\server\\share\\"),
        ("/data/local-files/?d=Milk/b.jpg", "/data/local-files/?d="),
        ("file:///C:/photos/Milk/b.jpg", "file:///C:/photos/"),
        ("upload/Milk/b.jpg", "upload/"),
    ],
)
def test_a_path_of_another_computer_says_which_part_to_remove(
    shop: Path, cell: str, head: str
) -> None:
    with refuses(PhotoNotFoundError, "not-found") as caught:
        listing(shop, cell)
    assert f"remove {head!r} from the start of the paths" in str(caught.value)
    assert listing(shop, cell.removeprefix(head)).ids.tolist() == ["Milk/b.jpg"]


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("https://cdn.example/Milk/b.jpg", "download the photos"),
        ("s3://bucket/b.jpg", "download the photos"),
        ("https:/cdn.example/Milk/b.jpg", "download the photos"),
        ("data:image/png;base64,iVBORw0KGgo=", "save the photos as files"),
        ("gs://bucket/Milk/b.jpg?size=2", "download the photos"),
        ("/data/upload/1/ab12-1.jpg", "copy the photos to this computer"),
        (r"C:\photos\gone.jpg", "copy the photos to this computer"),
        ("D:1.jpg", "copy the photos to this computer"),
        (r"\\server\share\gone.jpg", "copy the photos to this computer"),
        ("milk/B.JPG", "write 'Milk/b.jpg', the name of the file"),
        ("~/gone.jpg", "set root"),
        ("gone.jpg", "set root"),
    ],
)
def test_what_cannot_be_resolved_gets_the_remedy_of_its_kind(
    shop: Path, cell: str, remedy: str
) -> None:
    with pytest.raises(PhotoNotFoundError) as caught:
        listing(shop, cell)
    assert caught.value.code == "not-found"
    assert (caught.value.parameter == "root") == (remedy == "set root")
    assert remedy in str(caught.value)
    assert "on_error" not in str(caught.value)


def test_a_photo_outside_of_root_is_told_by_its_id_and_not_shown(shop: Path) -> None:
    outside = shop.parent / "secret.txt"
    outside.write_text("twelve bytesSECRET")
    dataset = listing(shop, "../secret.txt", str(outside), "Milk/b.jpg")
    assert dataset.ids.tolist() == ["../secret.txt", str(outside), "Milk/b.jpg"]
    with pytest.raises(PhotoError) as caught:
        dataset[0]
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("part", ["a/", "../", "a\\"])
def test_a_path_of_many_folders_is_refused_at_once(shop: Path, part: str) -> None:
    began = time.process_time()
    with refuses(PhotoNotFoundError, "not-found", "root"):
        listing(shop, part * 40_000 + "b.jpg")
    assert time.process_time() - began < 5


@pytest.mark.parametrize("url", ["https://me:SECRET@shop/1.jpg", "https://shop/1.jpg?SECRET"])
def test_a_url_that_is_not_read_is_shown_without_its_credentials(shop: Path, url: str) -> None:
    with pytest.raises(PhotoNotFoundError) as caught:
        listing(shop, url)
    assert "https://shop/1.jpg" in str(caught.value)
    assert "SECRET" not in f"{caught.value} {caught.value.path}"
    rows = [(url, "Milk"), ("Milk/b.jpg", "Milk"), (url, "Juice")]
    path = write(shop / "list.csv", rows[:2], header="path,label")
    skipped = shv.Dataset.from_manifest(path, on_error="skip").skipped
    assert "SECRET" not in skipped.to_json_lines()
    with refuses(DataError, "conflict", "label_column") as conflict:
        shv.Dataset.from_manifest(write(shop / "list.csv", rows, header="path,label"))
    assert "SECRET" not in str(conflict.value)


def test_one_photo_under_two_labels_is_refused(shop: Path) -> None:
    rows = [("Milk/b.jpg", "Milk"), (r"Milk\b.jpg", "Juice")]
    path = write(shop / "list.csv", rows, header="path,label")
    with refuses(DataError, "conflict", "label_column") as caught:
        shv.Dataset.from_manifest(path)
    assert "'Milk' in line 2 and 'Juice' in line 3" in str(caught.value)


def test_one_photo_in_two_groups_is_refused(shop: Path) -> None:
    rows = [("Milk/b.jpg", "Milk", "train", "north"), ("Milk/b.jpg", "Milk", "train", "south")]
    with refuses(DataError, "conflict", "group_column"):
        shv.Dataset.from_manifest(write(shop / "list.csv", rows), group_column="store")


@pytest.mark.remedy("not-found")
def test_missing_photos_are_reported_with_their_line_or_skipped(shop: Path) -> None:
    path = write(shop / "list.csv", [*ROWS, ("Milk/gone.jpg", "Milk", "train", "x")])
    with refuses(PhotoNotFoundError, "not-found", "root") as caught:
        shv.Dataset.from_manifest(path)
    for fact in ("line 6 ", "gone.jpg", "1 of 5", "on_error='skip'"):
        assert fact in str(caught.value)
    (shop / "Milk/b.jpg").write_bytes(b"")
    dataset = shv.Dataset.from_manifest(path, on_error="skip", group_column="store")
    assert [(file.path, file.code) for file in dataset.skipped] == [
        ("Milk/gone.jpg", "not-found"),
        ("Milk/b.jpg", "empty"),
    ]
    assert "line 6" in dataset.skipped[0].reason
    assert dataset.ids.tolist() == ["Juice/1.JPG", "Juice/2.webp", "Milk/a.PNG"]
    assert dataset.groups.tolist() == ["user:north", "user:south", "user:south"]


@pytest.mark.parametrize(
    ("text", "code", "parameter"),
    [
        ("", "missing-column", "path_column"),
        ("file,label\na,b\n", "missing-column", "path_column"),
        ("path,Label\na,b\n", "missing-column", "label_column"),
        ("path,label\n", "empty", "path"),
        ("path,label\n,Milk\n", "empty", "path_column"),
        ("path,label\nMilk/b.jpg,\n", "empty", "label_column"),
        ("path,label\nMilk/b.jpg,\u200b\n", "empty", "label_column"),
        ("path,label\nMilk/b.jpg\n", "not-csv", "path"),
        ("path,label\nMilk/b.jpg,Milk,more\n", "not-csv", "path"),
        ('path,label\n"Milk/b.jpg,Milk\n', "not-csv", "path"),
        ("path,label,label\nMilk/b.jpg,Milk,Juice\n", "duplicate", "label_column"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(
    shop: Path, text: str, code: str, parameter: str
) -> None:
    (shop / "list.csv").write_text(text, encoding="utf-8")
    with refuses(DataError, code, parameter):
        shv.Dataset.from_manifest(shop / "list.csv")


def test_a_manifest_that_is_not_there_or_no_text_is_refused(shop: Path) -> None:
    with refuses(DatasetNotFoundError, "not-found", "path"):
        shv.Dataset.from_manifest(shop / "nowhere.csv")
    with refuses(DataError, "not-a-file", "path"):
        shv.Dataset.from_manifest(shop)
    with refuses(DataError, "wrong-encoding", "encoding"):
        shv.Dataset.from_manifest(shop / "Milk/a.PNG")


@pytest.mark.remedy("unknown-name")
def test_names_that_do_not_occur_are_refused(manifest: Path) -> None:
    with refuses(InvalidParameterError, "unknown-name", "where") as caught:
        shv.Dataset.from_manifest(manifest, where={"split": "Train"})
    assert "write where={'split': 'train'}" in str(caught.value)
    assert len(shv.Dataset.from_manifest(manifest, where={"split": "train"})) == 2
    with refuses(DataError, "missing-column", "where"):
        shv.Dataset.from_manifest(manifest, where={"fold": "1"})
    with refuses(DataError, "empty", "where"):
        shv.Dataset.from_manifest(manifest, where={"split": "val"}, class_names=["Milk"])


def test_classes_without_photos_are_kept_and_told_with_the_closest_name(manifest: Path) -> None:
    with gives_warning(ShelfVisionWarning, "missing-class", "class_names") as told:
        dataset = shv.Dataset.from_manifest(manifest, class_names=["juice", "Bread", "Milk"])
    assert dataset.class_counts == {"juice": 0, "Bread": 0, "Milk": 1}
    assert len(told) == 1
    assert "2 classes without photos" in str(told[0])
    assert "'juice' (did you mean 'Juice'?), 'Bread'" in str(told[0])
    with (
        gives_warning(ShelfVisionWarning, "missing-class", "class_names"),
        pytest.raises(DataError) as caught,
    ):
        shv.Dataset.from_manifest(manifest, class_names=["Mlik"])
    assert caught.value.code == "empty"


def test_spellings_of_one_name_are_one_class(shop: Path) -> None:
    rows = [
        ("Milk/b.jpg", NFC, "train", NFC),
        ("Milk/a.PNG", f"{NFD} ", "train", NFD),
        ("Juice/1.JPG", "Juice", "train", f"{NFC}\u00a0"),
    ]
    path = write(shop / "list.csv", rows)
    with gives_warning(ShelfVisionWarning, "twin-names") as told:
        dataset = shv.Dataset.from_manifest(path, group_column="store", where={"store": NFD})
    assert len(told) == 1
    assert r"'K\xe4se' and 'Ka\u0308se '" in str(told[0])
    assert dataset.class_counts == {"Juice": 1, NFC: 2}
    assert set(dataset.groups) == {f"user:{NFC}"}
    with gives_warning(ShelfVisionWarning, "twin-names"):
        chosen = shv.Dataset.from_manifest(path, class_names=[NFD])
    assert chosen.class_counts == {NFC: 2}


def test_a_saved_split_lists_photos_as_a_manifest_does(shop: Path) -> None:
    data = (shop / "Milk/b.jpg").read_bytes()
    for number, name in enumerate(["=1+1.jpg", "-2.jpg", "@3.jpg", "a;=4.jpg", "ä, 5.jpg"]):
        (shop / "Milk" / name).write_bytes(data + bytes([number]))
        (shop / name).write_bytes(data + bytes([9, number]))
    path = write(
        shop / "list.csv",
        [(p.relative_to(shop).as_posix(), "=Milk") for p in sorted(shop.rglob("*.jpg"))],
        header="path,label",
    )
    dataset = shv.Dataset.from_manifest(path)
    splits = shv.SeededSplitter(train=0.5, validation=0, test=0.5).split(dataset)
    splits.save(shop / "split.csv")
    back = shv.Dataset.from_manifest(shop / "split.csv", where={"split": "train"}, root=shop)
    assert sorted(back.ids) == sorted(splits.train.ids)
    assert back.class_names == dataset.class_names == ("=Milk",)


@pytest.mark.photos
def test_the_grocery_photos_are_found(photos: Path) -> None:
    train = shv.Dataset.from_manifest(photos / "manifest.csv", where={"split": "train"})
    assert (len(train), len(train.class_names)) == (2640, 43)
    folder = shv.Dataset.from_directory(photos / "photos")
    assert (len(folder), folder.class_names) == (2936, train.class_names)


def test_photos_without_a_named_group_are_groups_of_their_own(shop: Path) -> None:
    rows = [(*row[:3], store) for row, store in zip(ROWS, ("north", "", " ", "north"), strict=True)]
    dataset = shv.Dataset.from_manifest(write(shop / "list.csv", rows), group_column="store")
    first, second, third, fourth = dataset.groups
    assert first == fourth == "user:north"
    assert second.startswith("content:")
    assert third.startswith("content:")
    assert second != third


@pytest.mark.parametrize("value", [1, None, [1, "2"], ["train", 2.0]])
def test_where_refuses_what_is_no_text(manifest: Path, value: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "where"):
        shv.Dataset.from_manifest(manifest, where={"split": value})  # type: ignore[dict-item]  # what it refuses


@pytest.mark.remedy("wrong-type")
def test_a_number_in_where_is_written_as_text(shop: Path) -> None:
    path = write(shop / "list.csv", [("Milk/b.jpg", "Milk", "1")], header="path,label,fold")
    with refuses(InvalidParameterError, "wrong-type", "where") as caught:
        shv.Dataset.from_manifest(path, where={"fold": 1})  # type: ignore[dict-item]  # on purpose
    assert "write where={'fold': '1'}" in str(caught.value)
    assert len(shv.Dataset.from_manifest(path, where={"fold": "1"})) == 1


def test_where_refuses_what_is_no_mapping(manifest: Path) -> None:
    with refuses(InvalidParameterError, "wrong-type", "where"):
        shv.Dataset.from_manifest(manifest, where=[("split", "train")])  # type: ignore[arg-type]  # what it refuses


def test_a_column_that_is_there_twice_is_refused_only_if_it_is_needed(shop: Path) -> None:
    path = write(shop / "list.csv", ROWS, header="path,label,split,label")
    with refuses(DataError, "duplicate", "label_column"):
        shv.Dataset.from_manifest(path)
    assert len(shv.Dataset.from_manifest(path, label_column="split")) == 4


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array([4006381333931.0, 7.0], dtype=object), ("4006381333931", "7")),
        ([4006381333931.0, "milk"], ("4006381333931", "milk")),
        ([7, "007"], ("007", "7")),
        ([f"{NFD} ", "milk"], (NFC, "milk")),
    ],
)
def test_labels_of_arrays_are_read_as_those_of_files(
    labels: Sequence[str], names: tuple[str, ...]
) -> None:
    images = np.zeros((2, 8, 8, 3), np.uint8)
    assert sorted(shv.Dataset.from_arrays(images, labels).class_names) == sorted(names)


@pytest.mark.remedy("wrong-dtype")
def test_floats_are_made_numbers_or_codes() -> None:
    images = np.zeros((2, 8, 8, 3), np.uint8)
    labels = np.array([1.0, 0.0])
    with refuses(DataError, "wrong-dtype", "labels"):
        shv.Dataset.from_arrays(images, labels)
    assert shv.Dataset.from_arrays(images, labels.astype(int)).labels.tolist() == [1, 0]
    codes = np.array([4006381333931.0, 7.0])
    found = shv.Dataset.from_arrays(images, codes.astype(int).astype(str))
    assert found.class_names == ("4006381333931", "7")
    scaled = images.astype(np.float32) / 255
    with refuses(DataError, "wrong-dtype", "images"):
        shv.Dataset.from_arrays(scaled, [0, 1])  # type: ignore[arg-type]  # what it refuses
    again = (scaled * 255).astype(np.uint8)
    assert len(shv.Dataset.from_arrays(again, [0, 1])) == 2


@pytest.mark.remedy("not-in-range")
def test_codes_as_numbers_of_classes_are_given_as_text() -> None:
    images = np.zeros((2, 8, 8, 3), np.uint8)
    labels = np.array([4006381333931, 7])
    with refuses(DataError, "not-in-range", "labels"):
        shv.Dataset.from_arrays(images, labels)
    found = shv.Dataset.from_arrays(images, labels.astype(str))
    assert found.class_names == ("4006381333931", "7")


def test_twins_among_labels_of_arrays_are_one_class_with_a_warning() -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    with gives_warning(ShelfVisionWarning, "twin-names"):
        dataset = shv.Dataset.from_arrays(images, [NFC, NFD, "milk"], groups=[7, 7.0, "7"])  # type: ignore[list-item]
    assert dataset.class_counts == {NFC: 2, "milk": 1}
    assert set(dataset.groups) == {"user:7"}


def test_ids_that_are_one_number_are_duplicates() -> None:
    images = np.zeros((2, 8, 8, 3), np.uint8)
    with refuses(DataError, "duplicate", "ids"):
        shv.Dataset.from_arrays(images, [0, 0], ids=[7.0, "7"])  # type: ignore[list-item]
    with refuses(DataError, "empty", "ids"):
        shv.Dataset.from_arrays(images, [0, 0], ids=["1", None])  # type: ignore[list-item]


@pytest.mark.parametrize("code", ["4.00638E+12", "4,00638E+12", "4.006381e+12", "4006381333931.0"])
def test_codes_in_which_a_spreadsheet_lost_digits_are_refused(shop: Path, code: str) -> None:
    path = write(
        shop / "list.csv", [("Milk/b.jpg", "4011"), ("Milk/a.PNG", code)], header="path,label"
    )
    with refuses(DataError, "lost-digits", "label_column") as caught:
        shv.Dataset.from_manifest(path)
    assert "line 3" in str(caught.value)
    named = ["4011", code]
    assert shv.Dataset.from_manifest(path, class_names=named).class_names == tuple(named)


def test_codes_that_a_formula_keeps_as_text_keep_their_zeros(shop: Path) -> None:
    rows = [("Milk/b.jpg", '="0041"'), ("Milk/a.PNG", '="4011"')]
    path = write(shop / "list.csv", rows, header="path,label")
    assert shv.Dataset.from_manifest(path).class_names == ("0041", "4011")
