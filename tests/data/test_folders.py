"""Folders that are no classes are skipped, refused or warned of, with what to do."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from data.conftest import MakePhoto
from shelfvision.errors import DataError, ShelfVisionWarning
from support import gives_warning, refuses
from support.datasets import skipped_codes

NFC, NFD = unicodedata.normalize("NFC", "Käse"), unicodedata.normalize("NFD", "Käse")


def written(root: Path, make_photo: MakePhoto, *names: str) -> Path:
    for seed, name in enumerate(names):
        make_photo(root / name, seed)
    return root


# -- folders of a system's own ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX", "lost+found", ".ipynb_checkpoints"),
        *("System Volume Information", "Thumbnails", "thumbs", ".thumbnails", ".AppleDouble"),
        *("FOUND.000", "found.017"),
        *("@EADIR", "#Recycle", "$Recycle.Bin", "LOST+FOUND", ".Trash-1000", ".@__thumb", "@tmp"),
    ],
)
def test_folders_of_a_system_are_skipped_at_every_level(
    name: str, shop: Path, make_photo: MakePhoto
) -> None:
    written(shop, make_photo, f"{name}/x.jpg", f"Milk/{name}/y.jpg", f"Milk/2024/{name}/a/z.jpg")
    ds = shv.Dataset.from_directory(shop)
    assert ds.class_counts == {"Juice": 3, "Milk": 2}
    found = {path for path, code in skipped_codes(ds).items() if code == "system-folder"}
    assert found == {name, f"Milk/{name}", f"Milk/2024/{name}"}


def test_a_class_that_is_called_like_such_a_folder_can_be_asked_for(
    shop: Path, make_photo: MakePhoto
) -> None:
    written(shop, make_photo, "thumbs/1.jpg")
    ds = shv.Dataset.from_directory(shop, class_names=["Milk", "thumbs"])
    assert ds.class_counts == {"Milk": 2, "thumbs": 1}


def test_what_a_finder_leaves_beside_each_photo_is_hidden(shop: Path) -> None:
    (shop / "Milk/._a.jpg").write_bytes(b"\0\5\x16\7")
    ds = shv.Dataset.from_directory(shop)
    assert skipped_codes(ds) == {"Milk/._a.jpg": "hidden"}


def test_a_folder_without_a_visible_name_is_no_class(shop: Path, make_photo: MakePhoto) -> None:
    written(shop, make_photo, " /1.jpg", "\u200b/1.jpg")
    ds = shv.Dataset.from_directory(shop)
    assert ds.class_names == ("Juice", "Milk")
    assert skipped_codes(ds) == {" ": "no-name", "\u200b": "no-name"}


# -- formats ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".jpe", ".jfif", ".jfi", ".JPE", ".Jfif"])
def test_every_suffix_of_jpeg_is_a_photo(suffix: str, shop: Path, make_photo: MakePhoto) -> None:
    make_photo(shop / f"Milk/c{suffix}", 9)
    ds = shv.Dataset.from_directory(shop)
    assert f"Milk/c{suffix}" in ds
    assert ds.to_arrays()[0].shape == (6, 100, 100, 3)


@pytest.mark.remedy("needs-conversion")
@pytest.mark.parametrize("suffix", [".bmp", ".tif", ".TIFF", ".gif"])
def test_other_formats_are_listed_with_a_command_that_converts_them(
    suffix: str, tmp_path: Path
) -> None:
    for name in ("it's 1", "2 $x"):
        (tmp_path / "Milk").mkdir(exist_ok=True)
        Image.new("RGB", (9, 9), "red").save(tmp_path / "Milk" / f"{name}{suffix}")
    Image.new("RGB", (9, 9), "red").save(tmp_path / "Milk" / "3.png")
    ds = shv.Dataset.from_directory(tmp_path)
    assert ds.skipped.counts == {"needs-conversion": 2}
    for file in ds.skipped:
        command = file.reason.partition("convert it with: ")[2]
        assert command.startswith("python ")
        run = command.replace("python ", f"{sys.executable} ", 1)
        subprocess.run(run, shell=True, check=True)
    assert len(shv.Dataset.from_directory(tmp_path)) == 3


def test_avif_is_listed_with_its_conversion(shop: Path) -> None:
    (shop / "Milk/c.avif").write_bytes(b"\0\0\0\x1cftypavif")
    (file,) = shv.Dataset.from_directory(shop).skipped
    assert file.code == "needs-conversion"
    assert "AVIF is not supported; convert it with: python -c" in file.reason


# -- parts of a split ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        ("train", "valid", "test"),
        ("train", "val"),
        ("Training", "Validation"),
        ("TRAIN", "Test"),
        ("train2017", "val2017"),
        ("train_set", "test-set"),
        ("valid", "test"),
        ("dev", "eval"),
        ("fold_1", "fold_2"),
        ("Fold0", "Fold1", "Fold2"),
    ],
)
@pytest.mark.remedy("split-folders")
def test_a_root_above_the_parts_of_a_split_is_refused_with_the_path_to_pass(
    parts: tuple[str, ...], tmp_path: Path, make_photo: MakePhoto
) -> None:
    for part in parts:
        written(tmp_path, make_photo, f"{part}/Milk/1.jpg", f"{part}/Juice/1.jpg")
    (tmp_path / "README.roboflow.txt").write_text("x")
    with refuses(DataError, "split-folders", "directory") as caught:
        shv.Dataset.from_directory(tmp_path)
    path = str(tmp_path / parts[0]) if parts[0].lower().startswith("train") else None
    if path is not None:
        assert f"Dataset.from_directory({path!r})" in str(caught.value)
        assert shv.Dataset.from_directory(path).class_counts == {"Juice": 1, "Milk": 1}
    # The other remedy, for someone who does sell toys.
    ds = shv.Dataset.from_directory(tmp_path, class_names=sorted(parts))
    assert ds.class_counts == dict.fromkeys(sorted(parts), 2)


def test_class_names_below_the_parts_of_a_split_are_told_so(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    written(tmp_path, make_photo, "train/Milk/1.jpg", "test/Milk/2.jpg")
    with refuses(DataError, "split-folders", "directory"):
        shv.Dataset.from_directory(tmp_path, class_names=["Milk"])


def test_parts_without_class_folders_get_another_remedy(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    written(tmp_path, make_photo, "train/1.jpg", "test/2.jpg")
    with refuses(DataError, "split-folders", "directory") as caught:
        shv.Dataset.from_directory(tmp_path)
    assert "Dataset.from_manifest" in str(caught.value)


YOLO = "0 0.5 0.5 0.4 0.4"
VOC = (
    "<annotation><filename>1.jpg</filename><object><name>Milk</name><bndbox><xmin>2</xmin>"
    "<ymin>2</ymin><xmax>30</xmax><ymax>30</ymax></bndbox></object></annotation>"
)
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "categories": [{"id": 1, "name": "Milk"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 2, 28, 28]}],
    }
)


@pytest.mark.parametrize(
    ("photos", "annotations", "text"),
    [
        ("images", "labels/1.txt", YOLO),
        ("images/train", "labels/train/1.txt", YOLO),
        ("JPEGImages", "Annotations/1.xml", VOC),
        ("images", "annotations/instances.json", COCO),
        ("Images", "annotations/2026/all.json", COCO),
    ],
)
@pytest.mark.remedy("annotation-folders")
def test_photos_and_annotations_of_boxes_are_no_classes(
    photos: str, annotations: str, text: str, tmp_path: Path, make_photo: MakePhoto
) -> None:
    written(tmp_path, make_photo, f"{photos}/1.jpg")
    (tmp_path / annotations).parent.mkdir(parents=True)
    (tmp_path / annotations).write_text(text)
    with refuses(DataError, "annotation-folders", "directory") as caught:
        shv.Dataset.from_directory(tmp_path)
    call = re.search(
        r"Dataset\.from_boxes\((.*?)\), or pass class_names=(.*?) if", str(caught.value)
    )
    assert call is not None
    source, *images = ast.literal_eval(f"({call[1].replace('images=', '')},)")
    assert len(shv.Dataset.from_boxes(source, images=images[0] if images else None)) == 1
    with pytest.warns(ShelfVisionWarning):
        ds = shv.Dataset.from_directory(tmp_path, class_names=ast.literal_eval(call[2]))
    assert sorted(ds.class_counts.values()) == [0, 1]


def test_a_complete_root_of_pascal_voc_is_recognized(tmp_path: Path, make_photo: MakePhoto) -> None:
    written(tmp_path, make_photo, "JPEGImages/1.jpg", "SegmentationClass/1.png")
    for name, text in (("Annotations/1.xml", VOC), ("ImageSets/Main/train.txt", "1")):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    with refuses(DataError, "annotation-folders", "directory") as caught:
        shv.Dataset.from_directory(tmp_path)
    assert f"Dataset.from_boxes({str(tmp_path / 'Annotations')!r}, " in str(caught.value)


@pytest.mark.parametrize(
    "names",
    [
        ("images/1.jpg", "masks/1.png"),
        ("Images/train/1.jpg", "Masks/train/1.png"),
        ("imgs/1.jpg", "segmentation/1.png"),
        ("images/1.jpg", "labels/1.png", "masks/1.png"),
    ],
)
@pytest.mark.remedy("annotation-folders")
def test_photos_and_masks_of_segmentation_are_no_classes(
    names: tuple[str, ...], tmp_path: Path, make_photo: MakePhoto
) -> None:
    written(tmp_path, make_photo, *names)
    with refuses(DataError, "annotation-folders", "directory") as caught:
        shv.Dataset.from_directory(tmp_path)
    assert "masks of segmentation" in str(caught.value)
    call = re.search(r"or pass class_names=(.*?) if", str(caught.value))
    assert call is not None
    assert len(shv.Dataset.from_directory(tmp_path, class_names=ast.literal_eval(call[1]))) > 1
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"path,label\n{names[0]},Milk\n")
    assert len(shv.Dataset.from_manifest(manifest)) == 1


def test_masks_may_be_a_product(tmp_path: Path, make_photo: MakePhoto) -> None:
    written(tmp_path, make_photo, "masks/1.jpg", "gloves/1.jpg")
    assert shv.Dataset.from_directory(tmp_path).class_names == ("gloves", "masks")


def test_classes_with_the_names_of_such_folders_stay_classes(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    written(tmp_path, make_photo, "images/1.jpg", "labels/1.jpg")
    assert shv.Dataset.from_directory(tmp_path).class_names == ("images", "labels")


@pytest.mark.parametrize(
    "names", [("Train", "Plane"), ("train", "training"), ("test", "Milk"), ("Fold", "Split")]
)
def test_one_class_that_is_called_like_a_part_is_a_class(
    names: tuple[str, ...], tmp_path: Path, make_photo: MakePhoto
) -> None:
    written(tmp_path, make_photo, *(f"{name}/1.jpg" for name in names))
    assert shv.Dataset.from_directory(tmp_path).class_names == tuple(sorted(names))


# -- one folder too many ---------------------------------------------------------------------------


@pytest.mark.remedy("nested-folders")
@pytest.mark.parametrize(
    ("names", "inner"),
    [
        (("photos/Milk/1.jpg", "photos/Juice/1.jpg"), "photos"),
        (("shop/Milk/1.jpg", "shop/Juice/1.jpg"), "shop"),
        (("a/b/c/Milk/1.jpg", "a/b/c/Juice/x/2.jpg"), "a/b/c"),
        (("photos/photos/Milk/1.jpg", "photos/photos/Juice/1.jpg"), "photos/photos"),
        (("images/train/Milk/1.jpg", "images/val/Milk/2.jpg"), "images/train"),
        (("images/Milk/1.jpg", "images/Milk/2.jpg"), "images"),
        (("Images/Milk/old/1.jpg", "Images/Milk/2.jpg"), "Images"),
    ],
)
def test_a_single_folder_around_class_folders_is_warned_of_with_the_path_to_pass(
    names: tuple[str, ...], inner: str, tmp_path: Path, make_photo: MakePhoto
) -> None:
    root = written(tmp_path / "shop", make_photo, *names)
    with gives_warning(ShelfVisionWarning, "nested-folders", "directory") as said:
        ds = shv.Dataset.from_directory(root)
    assert len(ds.class_names) == 1
    path = str(root.joinpath(*inner.split("/")))
    assert str(said[0]).endswith(f"pass {path!r}")
    found = shv.Dataset.from_directory(path)
    assert set(found.class_names) <= {"Milk", "Juice"}


@pytest.mark.parametrize(
    "names",
    [
        ("Milk/1.jpg", "Milk/2.jpg"),
        ("Milk/1.jpg", "Milk/old/2.jpg"),
        ("Milk/2024/1.jpg", "Milk/2024/2.jpg"),
        ("Milk/Milk/1.jpg", "Juice/Juice/2.jpg"),
    ],
)
def test_class_folders_with_folders_in_them_are_nothing_special(
    names: tuple[str, ...], tmp_path: Path, make_photo: MakePhoto
) -> None:
    ds = shv.Dataset.from_directory(written(tmp_path, make_photo, *names))
    assert len(ds) == 2


def test_a_single_class_that_was_asked_for_by_name_is_not_warned_of(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    root = written(tmp_path, make_photo, "photos/a/1.jpg", "photos/b/1.jpg")
    assert shv.Dataset.from_directory(root, class_names=["photos"]).class_counts == {"photos": 2}


@pytest.mark.remedy("missing-class")
def test_class_names_that_lie_one_folder_deeper_are_found(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    root = written(tmp_path, make_photo, "photos/Milk/1.jpg", "photos/Tea/1.jpg", "other/2.jpg")
    with refuses(DataError, "missing-class", "class_names") as caught:
        shv.Dataset.from_directory(root, class_names=["Milk", "Tea"])
    assert f"pass {str(root / 'photos')!r}" in str(caught.value)
    found = shv.Dataset.from_directory(root / "photos", class_names=["Milk", "Tea"])
    assert found.class_counts == {"Milk": 1, "Tea": 1}


# -- classes without photos ------------------------------------------------------------------------


@pytest.mark.remedy("empty-class")
def test_class_folders_without_a_usable_photo_are_warned_of_once_with_the_reason(
    shop: Path,
) -> None:
    (shop / "Empty").mkdir()
    (shop / "Bread").mkdir()
    (shop / "Bread/1.bmp").write_bytes(b"BM")
    (shop / "Eggs").mkdir()
    (shop / "Eggs/1.jpg").write_bytes(b"")
    with gives_warning(ShelfVisionWarning, "empty-class", "directory") as said:
        ds = shv.Dataset.from_directory(shop, on_error="skip")
    assert len(said) == 1
    assert ds.class_counts == {"Bread": 0, "Eggs": 0, "Empty": 0, "Juice": 3, "Milk": 2}
    for told in ("'Bread/1.bmp': BMP", "'Eggs/1.jpg'", "'Empty' (empty)"):
        assert told in str(said[0])
    # Nothing is warned of, and so nothing raised, once the class is left out.
    filled = [name for name, count in ds.class_counts.items() if count]
    assert len(shv.Dataset.from_directory(shop, on_error="skip", class_names=filled)) == 5
    assert "empty-class" in {finding.code for finding in shv.audit(ds)}


def test_many_classes_without_photos_make_one_short_warning(shop: Path) -> None:
    names = [f"class {number}" for number in range(40)]
    with gives_warning(ShelfVisionWarning, "missing-class", "class_names") as said:
        ds = shv.Dataset.from_directory(shop, class_names=["Milk", *names])
    assert len(said) == 1
    assert "and 30 more" in str(said[0])
    assert sum(ds.class_counts.values()) == 2


def test_class_names_may_be_a_mapping_with_classes_that_lack_photos(shop: Path) -> None:
    with gives_warning(ShelfVisionWarning, "missing-class", "class_names"):
        ds = shv.Dataset.from_directory(shop, class_names={"Tea": 0, "Milk": 1, "Juice": 2})
    assert ds.class_names == ("Tea", "Milk", "Juice")
    assert ds.class_counts == {"Tea": 0, "Milk": 2, "Juice": 3}


@pytest.mark.parametrize("labels", [["Milk", "Juice"], ["Milk", "MILK"]])
def test_labels_of_arrays_may_lack_a_class(labels: list[str]) -> None:
    pixels = np.zeros((2, 4, 4, 3), np.uint8)
    names = ["Milk", "Juice", "MILK", "Mlik"]
    with gives_warning(ShelfVisionWarning, "missing-class", "class_names") as said:
        ds = shv.Dataset.from_arrays(pixels, labels, class_names=names)
    assert len(said) == 1
    assert "'Mlik' (did you mean 'Milk'?)" in str(said[0])
    assert ds.class_counts == {name: labels.count(name) for name in names}


# -- spellings -------------------------------------------------------------------------------------


def test_folders_that_look_the_same_are_one_class_with_one_warning(
    shop: Path, make_photo: MakePhoto
) -> None:
    written(shop, make_photo, f"{NFC}/1.jpg", f"{NFD}/1.jpg", f"{NFD}/2.jpg", "Milk /3.jpg")
    with gives_warning(ShelfVisionWarning, "twin-names") as said:
        ds = shv.Dataset.from_directory(shop)
    assert len(said) == 2
    assert ascii(NFC) in str(said[0])
    assert ascii(NFD) in str(said[0])
    assert ds.class_counts == {"Juice": 3, NFC: 3, "Milk": 3}
    # Ids are paths, which stay as they are on the disk.
    assert {f"{NFC}/1.jpg", f"{NFD}/1.jpg", f"{NFD}/2.jpg"} <= set(ds.ids)
    assert ds.to_arrays()[0].shape[0] == 9


@pytest.mark.parametrize("there", [NFC, NFD])
@pytest.mark.parametrize("asked", [NFC, NFD, f"{NFD} "])
def test_class_names_find_their_folder_in_either_form(
    there: str, asked: str, tmp_path: Path, make_photo: MakePhoto
) -> None:
    root = written(tmp_path, make_photo, f"{there}/1.jpg", "Milk/1.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = shv.Dataset.from_directory(root, class_names=[asked, "Milk"])
    assert ds.class_counts == {NFC: 1, "Milk": 1}
    assert sorted(ds.ids) == sorted([f"{there}/1.jpg", "Milk/1.jpg"])
