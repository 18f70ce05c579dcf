"""Boxes of many photos, from exports as the tools write them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.boxes.annotated import annotated_photos
from shelfvision.errors import DataError, DatasetNotFoundError, InvalidParameterError
from support import refuses
from support.exports import (
    EXPORTS,
    NAMES,
    SHELVES,
    SIZE,
    cvat_coco,
    cvat_ultralytics,
    cvat_voc,
    cvat_yolo,
    dump,
    label_studio_yolo,
    roboflow_coco,
    roboflow_yolo,
    write_labels,
    write_photos,
)

Export = Callable[[Path], Path]


def plain(boxes: shv.Boxes) -> list[tuple[str | None, tuple[int, ...]]]:
    corners = boxes.in_pixels(SIZE).corners
    assert np.abs(corners - corners.round()).max(initial=0) < 1e-3
    rows = (tuple(map(int, row)) for row in corners.round().tolist())
    return list(zip(boxes.labels, rows, strict=True))


@pytest.mark.parametrize("export", EXPORTS)
def test_an_export_gives_the_boxes_of_each_photo(export: Export, tmp_path: Path) -> None:
    found = shv.read_boxes(export(tmp_path))
    assert [plain(boxes) for boxes in found.values()] == [list(rows) for rows in SHELVES.values()]
    assert all((tmp_path / name).is_file() for name in found)


def test_photos_are_named_by_their_path_below_the_folder_of_images(tmp_path: Path) -> None:
    cvat_coco(tmp_path)
    inside = shv.read_boxes(tmp_path, images=tmp_path / "images/default")
    assert list(inside) == list(SHELVES)
    alone = shv.read_boxes(tmp_path / "annotations/instances_default.json")
    assert list(alone) == [f"images/default/{name}" for name in SHELVES]


def test_photos_may_be_in_another_place(tmp_path: Path) -> None:
    root = cvat_voc(tmp_path / "export")
    (root / "JPEGImages").rename(tmp_path / "photos")
    found = shv.read_boxes(root, images=tmp_path / "photos")
    assert list(found) == list(SHELVES)
    assert list(shv.read_boxes(root)) == list(SHELVES)


def test_photos_that_are_not_found_keep_the_name_of_the_annotations(tmp_path: Path) -> None:
    cvat_coco(tmp_path)
    shutil.rmtree(tmp_path / "images")
    found = annotated_photos(tmp_path, images=None, on_error="raise")
    assert [(photo.name, photo.path) for photo in found.photos] == [(n, None) for n in SHELVES]


def test_equal_names_in_two_folders_are_two_photos(tmp_path: Path) -> None:
    for shop in ("shop_a", "shop_b"):
        write_photos(tmp_path / "images" / shop)
        write_labels(tmp_path / "labels" / shop)
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    found = shv.read_boxes(tmp_path)
    assert list(found) == [f"images/{shop}/{n}" for shop in ("shop_a", "shop_b") for n in SHELVES]


def test_subfolders_of_voc_files_are_those_of_the_photos(tmp_path: Path) -> None:
    cvat_voc(tmp_path, "shop_a")
    write_photos(tmp_path / "JPEGImages/shop_b")
    assert list(shv.read_boxes(tmp_path)) == [f"JPEGImages/shop_a/{name}" for name in SHELVES]


def test_a_voc_file_belongs_to_the_photo_with_its_name_whatever_it_says(tmp_path: Path) -> None:
    root = cvat_voc(tmp_path)
    for name in SHELVES:
        (root / f"JPEGImages/{name}").rename(root / f"JPEGImages/new_{name}")
        xml = root / f"Annotations/{name[:-4]}.xml"
        xml.rename(xml.with_name(f"new_{xml.name}"))
    assert list(shv.read_boxes(root)) == [f"JPEGImages/new_{name}" for name in SHELVES]


def test_a_name_that_fits_two_photos_is_ambiguous(tmp_path: Path) -> None:
    write_photos(tmp_path / "images/shop_a")
    write_photos(tmp_path / "images/shop_b")
    images = [{"id": 1, "file_name": "shelf_1.jpg"}]
    dump({"images": images, "annotations": []}, tmp_path / "a.json")
    with refuses(DataError, "ambiguous", "images"):
        shv.read_boxes(tmp_path / "a.json")
    listed = shv.read_boxes(tmp_path / "a.json", images=tmp_path / "images/shop_b")
    assert list(listed) == ["shelf_1.jpg"]


def test_a_file_per_set_names_the_photos_of_its_set(tmp_path: Path) -> None:
    cvat_coco(tmp_path)
    (tmp_path / "images/default").rename(tmp_path / "images/train")
    write_photos(tmp_path / "images/validation")
    file = tmp_path / "annotations/instances_default.json"
    file.rename(file.with_name("instances_train.json"))
    assert list(shv.read_boxes(tmp_path)) == [f"images/train/{name}" for name in SHELVES]


def test_one_set_of_a_yolo_dataset_is_read_with_the_names_of_all(tmp_path: Path) -> None:
    roboflow_yolo(tmp_path)
    (tmp_path / "valid").mkdir()
    shutil.copytree(tmp_path / "train/images", tmp_path / "valid/images")
    shutil.copytree(tmp_path / "train/labels", tmp_path / "valid/labels")
    both, one = shv.read_boxes(tmp_path / "data.yaml"), shv.read_boxes(tmp_path / "valid")
    assert (len(both), len(one)) == (4, 2)
    assert one.popitem()[1].labels == ("Käse", "juice", "juice")


def test_the_sets_of_a_data_yaml_are_read_and_no_other_photos(tmp_path: Path) -> None:
    cvat_ultralytics(tmp_path)
    write_photos(tmp_path / "images/old")
    write_labels(tmp_path / "labels/old")
    assert list(shv.read_boxes(tmp_path)) == [f"images/train/{name}" for name in SHELVES]


@pytest.mark.parametrize(
    ("names", "found"),
    [("[No, 007, 1.10]", ("No", "007", "1.10")), ("{0: yes, 1: ~, 2: 12e3}", ("yes", "~", "12e3"))],
)
def test_names_in_yaml_stay_text(names: str, found: tuple[str, ...], tmp_path: Path) -> None:
    cvat_ultralytics(tmp_path)
    (tmp_path / "data.yaml").write_text(f"names: {names}\n")
    labels = {label for boxes in shv.read_boxes(tmp_path).values() for label in boxes.labels}
    assert labels == set(found)


def test_a_photo_without_labels_has_no_boxes(tmp_path: Path) -> None:
    label_studio_yolo(tmp_path)
    write_photos(tmp_path / "images", "0a1b2c3d-", ("shelf_1.jpg",))
    found = shv.read_boxes(tmp_path)
    assert [len(boxes) for boxes in found.values()] == [0, 2, 3]


def test_labels_without_names_are_numbers(tmp_path: Path) -> None:
    cvat_yolo(tmp_path)
    for name in ("obj.data", "obj.names"):
        (tmp_path / name).unlink()
    assert shv.read_boxes(tmp_path).popitem()[1].labels == ("1", "0", "0")


def test_keypoints_behind_boxes_are_not_read_where_their_number_is_known(tmp_path: Path) -> None:
    cvat_ultralytics(tmp_path)
    with (tmp_path / "data.yaml").open("a") as file:
        file.write("kpt_shape: [1, 3]\n")
    (tmp_path / "labels/train/shelf_1.txt").write_text("0 0.5 0.5 0.5 0.5 0.4 0.4 1\n")
    boxes = shv.read_boxes(tmp_path)["images/train/shelf_1.jpg"]
    assert boxes.corners.tolist() == [[0.25, 0.25, 0.75, 0.75]]


def test_polygons_become_boxes(tmp_path: Path) -> None:
    cvat_ultralytics(tmp_path)
    (tmp_path / "labels/train/shelf_1.txt").write_text("0 0.1 0.1 0.4 0.1 0.4 0.4 0.2 0.5\n")
    boxes = shv.read_boxes(tmp_path)["images/train/shelf_1.jpg"]
    assert boxes.corners.tolist() == [[0.1, 0.1, 0.4, 0.5]]


def test_boxes_of_a_program_are_taken_as_they_are(tmp_path: Path) -> None:
    write_photos(tmp_path / "photos")
    boxes = shv.Boxes([[1, 2, 3, 4]], labels=["juice"])
    given: dict[str | Path, object] = {
        tmp_path / "photos/shelf_1.jpg": boxes,
        "shelf_2.jpg": [[5, 6, 7, 8]],
    }
    found = shv.read_boxes(given, images=tmp_path / "photos")
    assert list(found) == ["shelf_1.jpg", "shelf_2.jpg"]
    assert found["shelf_1.jpg"] is boxes
    assert found["shelf_2.jpg"].corners.tolist() == [[5, 6, 7, 8]]


@dataclass
class Detections:
    xyxy: np.ndarray
    class_id: np.ndarray
    confidence: None = None
    data: dict[str, object] = field(default_factory=dict)


@dataclass
class DetectionDataset:
    """The attributes of supervision's class."""

    classes: list[str]
    annotations: dict[str, Detections]


def test_the_dataset_of_supervision_is_read(tmp_path: Path) -> None:
    write_photos(tmp_path)
    shelf = Detections(np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]), np.array([1, 0]))
    path = str(tmp_path / "shelf_1.jpg")
    found = shv.read_boxes(DetectionDataset(["juice", "milk"], {path: shelf}))
    assert found[path].labels == ("milk", "juice")
    shelf.class_id = np.array([1, 2])
    with refuses(DataError, "unknown-id", "source"):
        shv.read_boxes(DetectionDataset(["juice", "milk"], {path: shelf}))


def test_numbers_of_boxes_count_those_that_are_left_out(tmp_path: Path) -> None:
    cvat_yolo(tmp_path)
    lines = "0 0.5 0.5 0.1 0.1\n\n0 0.5 0.5 0 0.1\n9 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.2 0.2\n"
    (tmp_path / "obj_train_data/shelf_1.txt").write_text(lines)
    with refuses(DataError, "empty", "path"):
        shv.read_boxes(tmp_path)
    found = annotated_photos(tmp_path, images=None, on_error="skip")
    assert found.photos[0].numbers.tolist() == [0, 3]
    assert [(one.path, one.code) for one in found.skipped] == [
        ("obj_train_data/shelf_1.jpg#1", "empty"),
        ("obj_train_data/shelf_1.jpg#2", "unknown-id"),
    ]


def test_faulty_boxes_of_coco_and_voc_keep_the_numbers_of_the_others(tmp_path: Path) -> None:
    file = cvat_coco(tmp_path / "coco") / "annotations/instances_default.json"
    content = json.loads(file.read_text())
    content["annotations"][2]["bbox"] = [1, 2, 0, 5]
    content["annotations"][3]["iscrowd"] = 1
    dump(content, file)
    xml = cvat_voc(tmp_path / "voc") / "Annotations/shelf_2.xml"
    xml.write_text(xml.read_text().replace("<xmax>64.0</xmax>", "<xmax>wide</xmax>"))
    for source, code in ((file, "empty"), (tmp_path / "voc", "wrong-type")):
        with pytest.raises(DataError):
            shv.read_boxes(source)
        found = annotated_photos(source, images=None, on_error="skip")
        assert found.photos[1].numbers.tolist() == [1, 2]
        assert [(one.path[-13:], one.code) for one in found.skipped] == [("shelf_2.jpg#0", code)]
    crowds = annotated_photos(file, images=None, on_error="skip").photos[1].crowds
    assert crowds == {1}


def test_a_source_of_two_formats_is_refused(tmp_path: Path) -> None:
    cvat_voc(tmp_path)
    cvat_yolo(tmp_path)
    with refuses(DataError, "ambiguous", "source"):
        shv.read_boxes(tmp_path)
    found = shv.read_boxes(tmp_path / "Annotations", images=tmp_path / "JPEGImages")
    assert list(found) == list(SHELVES)


def test_a_folder_of_annotations_alone_has_its_photos_beside_it(tmp_path: Path) -> None:
    cvat_voc(tmp_path)
    found = shv.read_boxes(tmp_path / "Annotations")
    assert list(found) == [f"JPEGImages/{name}" for name in SHELVES]


def test_a_photo_that_is_listed_twice_is_refused_or_skipped(tmp_path: Path) -> None:
    roboflow_coco(tmp_path)
    file = tmp_path / "train/_annotations.coco.json"
    content = json.loads(file.read_text())
    content["images"].append(content["images"][0] | {"id": 77})
    dump(content, file)
    with refuses(DataError, "duplicate", "source"):
        shv.read_boxes(tmp_path)
    found = annotated_photos(tmp_path, images=None, on_error="skip")
    assert [one.code for one in found.skipped] == ["duplicate"]


@pytest.mark.remedy("empty")
def test_a_part_of_the_labels_asks_for_the_folder_of_the_export(tmp_path: Path) -> None:
    write_labels(tmp_path / "labels/train")
    with refuses(DataError, "empty", "source") as caught:
        shv.read_boxes(tmp_path / "labels/train")
    assert str(caught.value).endswith("; pass the folder that contains images/ and labels/")
    assert shv.read_boxes(tmp_path)


def test_what_is_no_source_is_refused(tmp_path: Path) -> None:
    with refuses(DatasetNotFoundError, "not-found", "source"):
        shv.read_boxes(tmp_path / "none.json")
    with refuses(DatasetNotFoundError, "not-found", "images"):
        shv.read_boxes({}, images=tmp_path / "none")
    with refuses(DataError, "empty", "source"):
        shv.read_boxes(tmp_path)
    with refuses(InvalidParameterError, "wrong-type", "source"):
        shv.read_boxes(3)  # type: ignore[arg-type]
    (tmp_path / "shelf.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    with refuses(DataError, "foreign-format", "source"):
        shv.read_boxes(tmp_path / "shelf.txt")


def _repeating(depth: int) -> str:
    """Return YAML whose last line has 9**depth parts, by aliases."""
    lines = [f"l{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, depth + 1)]
    return "l0: &x0 milk\n" + "".join(lines)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("names: [a", "damaged"),
        ("[" * 5000, "damaged"),
        ("- a\n- b\n", "wrong-type"),
        ("names: 3\n", "wrong-type"),
        ("names: {a: 0}\n", "wrong-type"),
        ("names: [a, a]\n", "duplicate"),
        ("names: {0: a, 00: b}\n", "duplicate"),
        ("names:\n  ? " + "1" * 5000 + "\n  : a\n", "wrong-type"),
        (_repeating(12) + "names: *x12\n", "too-large"),
        (_repeating(12) + "names: {*x12 : a}\n", "damaged"),
    ],
)
def test_a_faulty_data_yaml_is_refused(text: str, code: str, tmp_path: Path) -> None:
    cvat_ultralytics(tmp_path)
    (tmp_path / "data.yaml").write_text(text)
    with refuses(DataError, code, "source"):
        shv.read_boxes(tmp_path / "data.yaml")


@pytest.mark.parametrize(
    "line",
    ["kpt_shape: [" + "1" * 5000 + ", 3]", "train: " + "/" * 500_000, "train: " + "./" * 9999],
)
def test_long_entries_of_a_data_yaml_have_no_effect(line: str, tmp_path: Path) -> None:
    cvat_ultralytics(tmp_path)
    (tmp_path / "data.yaml").write_text(f"names: [a, b, c]\n{line}\n")
    assert shv.read_boxes(tmp_path / "data.yaml").popitem()[1].labels == ("b", "a", "a")


def test_a_data_yaml_runs_no_code(tmp_path: Path) -> None:
    cvat_ultralytics(tmp_path)
    (tmp_path / "data.yaml").write_text("names: !!python/object/apply:os.abort [a, b, c]\n")
    assert shv.read_boxes(tmp_path / "data.yaml").popitem()[1].labels == ("b", "a", "a")


def test_names_never_lead_out_of_the_folder_of_photos(tmp_path: Path) -> None:
    write_photos(tmp_path / "secret")
    (tmp_path / "set").mkdir()
    names = ("../secret/shelf_1.jpg", str(tmp_path / "secret/shelf_2.jpg"), "a\0b.jpg", "..")
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    dump({"images": images, "annotations": []}, tmp_path / "set/a.json")
    found = annotated_photos(tmp_path / "set", images=None, on_error="raise")
    assert [photo.path for photo in found.photos] == [None] * 4


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_label_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    cvat_yolo(tmp_path)
    (tmp_path / "obj_train_data/shelf_1.txt").unlink()
    os.mkfifo(tmp_path / "obj_train_data/shelf_1.txt")
    with refuses(DataError, "not-a-file", "path"):
        shv.read_boxes(tmp_path)


def test_a_circle_of_links_is_walked_once(tmp_path: Path) -> None:
    label_studio_yolo(tmp_path)
    (tmp_path / "images/again").symlink_to(tmp_path, target_is_directory=True)
    assert len(shv.read_boxes(tmp_path)) == 2
