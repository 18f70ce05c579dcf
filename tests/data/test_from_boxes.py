"""Datasets of crops: a row per annotated box, cut as `predict_regions` cuts it."""

from __future__ import annotations

import io
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

import shelfvision as shv
from shelfvision import protocols
from shelfvision._photos import sources
from shelfvision._photos.file_pixels import FilePixels
from shelfvision._photos.preprocessing import CropShape, Preprocessing
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    LeakageError,
    PhotoError,
    PhotoNotFoundError,
)
from shelfvision.predictions import Predictions
from shelfvision.regions.predicting import regions_of
from support import refuses
from support.exports import (
    EXPORTS,
    NAMES,
    SHELVES,
    coco,
    cvat_coco,
    cvat_ultralytics,
    cvat_voc,
    dump,
    photo,
    write_photos,
)

Export = Callable[[Path], Path]
LABELS = [label for boxes in SHELVES.values() for label, _ in boxes]


@pytest.fixture
def shelves(tmp_path: Path) -> Path:
    return cvat_coco(tmp_path / "shelves")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every decoded whole photo is appended."""
    found: list[int] = []
    whole = FilePixels.whole

    def counting(self: FilePixels, row: int) -> Pictures.Image:
        found.append(row)
        return whole(self, row)

    monkeypatch.setattr(FilePixels, "whole", counting)
    return found


def images_of(folder: Path) -> Path:
    return folder / "images/default"


@pytest.mark.parametrize("export", EXPORTS)
def test_every_box_of_an_export_is_a_row(export: Export, tmp_path: Path) -> None:
    found = shv.Dataset.from_boxes(export(tmp_path))
    assert [found.class_names[label] for label in found.labels] == LABELS
    assert found.class_names == tuple(sorted(NAMES))
    assert [name.rpartition("#")[2] for name in found.ids] == ["0", "1", "0", "1", "2"]
    assert len(set(found.groups[:2])) == len(set(found.groups[2:])) == 1
    assert len(set(found.groups)) == 2
    assert not found.skipped


def test_coco_voc_and_yolo_give_the_same_dataset(tmp_path: Path) -> None:
    """Boxes are whole pixels; VOC counts from 0, and YOLO has six decimals."""
    photos = write_photos(tmp_path / "photos")
    for export in (cvat_coco, cvat_voc, cvat_ultralytics):
        export(tmp_path / export.__name__)
    sets = [
        shv.Dataset.from_boxes(tmp_path / export.__name__, images=photos, context=0.1)
        for export in (cvat_coco, cvat_voc, cvat_ultralytics)
    ]
    for found in sets[1:]:
        assert found.ids.tolist() == sets[0].ids.tolist()
        assert found.labels.tolist() == sets[0].labels.tolist()
        assert found.groups.tolist() == sets[0].groups.tolist()
        assert np.array_equal(found.to_arrays()[0], sets[0].to_arrays()[0])
        assert found.fingerprint == sets[0].fingerprint


def crops_of_regions(
    path: Path, boxes: shv.Boxes, rule: Preprocessing, *, as_stored: bool | None = None
) -> protocols.Images:
    """Return what a classifier with this preprocessing gets from `predict_regions`."""
    seen: list[protocols.Image] = []

    def predict(images: Any) -> Predictions:
        seen.extend(images)
        rows = np.full((len(seen), 2), 0.5, np.float32)
        return Predictions(rows, ("a", "b"), [str(row) for row in range(len(seen))])

    regions_of(str(path), boxes, rule, predict, as_stored=as_stored)
    return np.stack(seen)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("shape", ["box", "image"])
@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_crops_are_those_of_predict_regions_to_the_bit(
    orientation: int, shape: CropShape, resize: protocols.Resize, tmp_path: Path
) -> None:
    exif = Pictures.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "shelf.jpg"
    photo(3).resize((97, 61)).save(path, quality=90, exif=exif)
    corners = np.array(
        [[3.3, 4.1, 30.7, 41.2], [-5, 20, 22, 70], [40, 30, 44.004, 60.996], [0, 0, 61, 61]]
    )
    boxes = shv.Boxes(corners, labels=["a", "b", "a", "b"])
    for context, size in ((0.0, (32, 20)), (0.17, (24, 24)), (1.5, (9, 40))):
        found = shv.Dataset.from_boxes(
            {path: boxes}, context=context, shape=shape, image_size=size, resize=resize
        )
        rule = Preprocessing(image_size=size, resize=resize, context=context, shape=shape)
        assert found.preprocessing == rule
        wanted = crops_of_regions(path, boxes, rule)
        assert np.array_equal(found.to_arrays()[0], wanted)
        assert all(np.array_equal(found[row][0], wanted[row]) for row in range(4))


def test_boxes_of_the_stored_pixels_are_turned_where_asked(tmp_path: Path) -> None:
    exif = Pictures.Exif()
    exif[0x0112] = 6
    path = tmp_path / "shelf.jpg"
    photo(3).save(path, exif=exif)
    boxes = shv.Boxes([[2, 3, 30, 20]], labels=["a"])
    stored = shv.Dataset.from_boxes({path: boxes}, as_stored=True)
    upright = shv.Dataset.from_boxes({path: boxes})
    assert not np.array_equal(stored[0][0], upright[0][0])
    assert np.array_equal(
        stored.to_arrays()[0], crops_of_regions(path, boxes, stored.preprocessing, as_stored=True)
    )


def test_in_order_every_photo_is_decoded_once(shelves: Path, decoded: list[int]) -> None:
    found = shv.Dataset.from_boxes(shelves)
    assert decoded == []
    for _ in found:
        pass
    assert decoded == [0, 1]
    found.read_batch(slice(0, 3))
    found.read_batch(slice(3, 5))
    assert decoded == [0, 1, 0]


def test_kept_crops_are_cut_once_whatever_the_order(
    shelves: Path, decoded: list[int], tmp_path: Path
) -> None:
    found = shv.Dataset.from_boxes(shelves)
    wanted = found.to_arrays()[0]
    decoded.clear()
    balanced = shv.BalancingAugmenter(seed=1).balance(found)
    for directory in (None, str(tmp_path / "cache")):
        for part in (found, found[[4, 2, 0]], balanced, shv.Dataset.concat([found])):
            decoded.clear()
            table = part.table
            source = sources.kept(table.source, table.rows, directory)
            plain = part.to_arrays()[0]
            decoded.clear()
            for row in reversed(range(len(part))):
                assert np.array_equal(source.read(int(table.rows[row])), plain[row])
            assert len(decoded) <= 2
            assert source.digest(int(table.rows[0])) == table.source.digest(int(table.rows[0]))
            again = pickle.loads(pickle.dumps(source))
            assert np.array_equal(again.read(int(table.rows[0])), plain[0])
    assert np.array_equal(found.to_arrays()[0], wanted)
    assert list((tmp_path / "cache").glob("crops-*.npy"))


def test_copies_of_a_photo_in_other_folders_are_one_group(tmp_path: Path) -> None:
    write_photos(tmp_path / "a")
    write_photos(tmp_path / "b")
    (tmp_path / "b/shelf_1.jpg").rename(tmp_path / "b/renamed.jpg")
    boxes = shv.Boxes([[1, 1, 20, 20]], labels=["juice"])
    names = ("a/shelf_1.jpg", "b/renamed.jpg", "b/shelf_2.jpg")
    found = shv.Dataset.from_boxes(dict.fromkeys(names, boxes), images=tmp_path)
    assert found.ids.tolist() == [f"{name}#0" for name in names]
    assert found.groups[0] == found.groups[1] != found.groups[2]


def test_augmented_versions_of_roboflow_are_one_group(tmp_path: Path) -> None:
    boxes, given = shv.Boxes([[1, 1, 20, 20]], labels=["juice"]), {}
    names = ("a_jpg.rf." + "0a" * 16, "a_jpg.rf." + "1b" * 16, "b_jpg.rf." + "2c" * 16, "c")
    for seed, name in enumerate(names):
        photo(seed).save(tmp_path / f"{name}.jpg")
        given[f"{name}.jpg"] = boxes
    found = shv.Dataset.from_boxes(given, images=tmp_path).groups.tolist()
    assert found[0] == found[1]
    assert len(set(found)) == 3


def shop(folder: Path, n: int, per_photo: int = 6) -> dict[str, shv.Boxes]:
    """Write photos of different shelves, and return boxes of two classes in each."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {}
    for number in range(n):
        rng = np.random.default_rng(number)
        small = Pictures.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8))
        small.resize((140, 100)).save(folder / f"shelf_{number}.png")
        corners = [[20 * k, 10, 20 * k + 18, 60] for k in range(per_photo)]
        labels = ["juice" if k % 2 else "milk" for k in range(per_photo)]
        given[f"shelf_{number}.png"] = shv.Boxes(corners, labels=labels)
    return given


def test_a_split_never_parts_the_boxes_of_a_photo(tmp_path: Path) -> None:
    found = shv.Dataset.from_boxes(shop(tmp_path, 10), images=tmp_path)
    splits = shv.SeededSplitter(seed=1).split(found)
    photos = [{name.partition("#")[0] for name in part.ids} for part in splits if part is not None]
    assert sum(map(len, photos)) == 10
    assert sum(len(part) for part in splits if part is not None) == 60
    with refuses(LeakageError, "leakage"):
        shv.Splits(train=found[::2], validation=found[1::2])


def test_near_duplicates_are_looked_for_among_whole_photos(tmp_path: Path) -> None:
    given = shop(tmp_path, 4)
    Pictures.open(tmp_path / "shelf_0.png").save(tmp_path / "copy.jpg", quality=80)
    given["copy.jpg"] = given["shelf_0.png"]
    found = shv.Dataset.from_boxes(given, images=tmp_path)
    for dataset in (found, found.cached(), shv.Dataset.concat([found])):
        joined = dataset.group_near_duplicates()
        assert len(set(found.groups)) == 5
        assert len(set(joined.groups)) == 4
        assert len(set(joined.groups[[*range(6), *range(24, 30)]])) == 1


def test_the_same_product_on_two_shelves_is_no_near_duplicate(tmp_path: Path) -> None:
    given = shop(tmp_path, 4)
    product = Pictures.fromarray(np.random.default_rng(9).integers(0, 256, (5, 2, 3), np.uint8))
    for name in given:
        shelf = Pictures.open(tmp_path / name)
        shelf.paste(product.resize((18, 50)), (0, 10))
        shelf.save(tmp_path / name)
    found = shv.Dataset.from_boxes(given, images=tmp_path)
    assert np.array_equal(found[0][0], found[6][0])
    assert len(set(found.group_near_duplicates().groups)) == 4
    assert {finding.code for finding in shv.audit(found, few=0)} == set()


def test_bursts_are_looked_for_among_whole_photos(tmp_path: Path) -> None:
    given = shop(tmp_path, 1)
    for number in (1, 2):
        shutil.copy(tmp_path / "shelf_0.png", tmp_path / f"shelf_{number}.png")
        with (tmp_path / f"shelf_{number}.png").open("ab") as file:
            file.write(bytes(number))
        given[f"shelf_{number}.png"] = given["shelf_0.png"]
    found = shv.Dataset.from_boxes(given, images=tmp_path)
    assert len(set(found.groups)) == 3
    assert len(set(found.group_bursts().groups)) == 1


def test_an_audit_looks_at_whole_photos_and_counts_boxes(tmp_path: Path) -> None:
    given = shop(tmp_path, 4)
    shutil.copy(tmp_path / "shelf_0.png", tmp_path / "copy.png")
    given["copy.png"] = given["shelf_0.png"]
    found = shv.Dataset.from_boxes(given, images=tmp_path)
    report = shv.audit(found, few=0)
    assert (report.n, report.class_counts) == (5, {"juice": 15, "milk": 15})
    sets = {finding.code: finding.sets for finding in report}
    assert sets == {"duplicate": (("shelf_0.png", "copy.png"),)}


def test_labels_are_renamed_or_left_out(shelves: Path) -> None:
    found = shv.Dataset.from_boxes(shelves, label_map={"juice": "drink", "007": None})
    assert found.class_counts == {"Käse": 1, "drink": 3}
    assert [name.rpartition("#")[2] for name in found.ids] == ["0", "0", "1", "2"]
    chosen = shv.Dataset.from_boxes(shelves, class_names=["juice", "007"])
    assert chosen.class_counts == {"juice": 3, "007": 1}
    with refuses(InvalidParameterError, "unknown-name", "label_map"):
        shv.Dataset.from_boxes(shelves, label_map={"juices": "drink"})
    with refuses(InvalidParameterError, "wrong-type", "label_map"):
        shv.Dataset.from_boxes(shelves, label_map={"juice": 3})  # type: ignore[dict-item]
    with refuses(DataError, "empty", "label_map"):
        shv.Dataset.from_boxes(shelves, label_map=dict.fromkeys(NAMES))


def test_a_blank_label_is_none(shelves: Path) -> None:
    boxes = shv.Boxes([[1, 1, 9, 9], [2, 2, 9, 9], [3, 3, 9, 9]], labels=["tea", " ", ""])
    found = shv.Dataset.from_boxes({str(images_of(shelves) / "shelf_1.jpg"): boxes})
    assert found.class_counts == {"tea": 1}
    assert [one.code for one in found.skipped] == ["no-label", "no-label"]


def test_small_boxes_and_boxes_at_the_border_are_listed(shelves: Path) -> None:
    found = shv.Dataset.from_boxes(shelves, min_box_size=5, at_border="skip")
    assert found.class_counts == {"007": 1, "juice": 2}
    name = "images/default/shelf_2.jpg"
    assert [(one.path, one.code) for one in found.skipped] == [
        (f"{name}#2", "too-small"),
        (f"{name}#0", "at-border"),
    ]
    with refuses(InvalidParameterError, "not-in-range", "min_box_size"):
        shv.Dataset.from_boxes(shelves, min_box_size=-1)


def test_what_cannot_be_used_raises_or_is_listed(shelves: Path) -> None:
    file = shelves / "annotations/instances_default.json"
    content = json.loads(file.read_text())
    content["annotations"][1]["bbox"] = [500, 5, 10, 10]
    content["annotations"][2]["iscrowd"] = 1
    del content["annotations"][3]["category_id"]
    content["images"].append({"id": 9, "file_name": "gone.jpg", "width": 5, "height": 5})
    content["images"].append({"id": 10, "file_name": "empty.jpg", "width": 5, "height": 5})
    content["annotations"].append({"image_id": 9, "category_id": 1, "bbox": [0, 0, 2, 2]})
    dump(content, file)
    with refuses(DataError, "outside", "source"):
        shv.Dataset.from_boxes(shelves)
    found = shv.Dataset.from_boxes(shelves, on_error="skip")
    assert [name.rpartition("/")[2] for name in found.ids] == ["shelf_1.jpg#0", "shelf_2.jpg#2"]
    assert [(one.path.rpartition("/")[2], one.code) for one in found.skipped] == [
        ("shelf_1.jpg#1", "outside"),
        ("shelf_2.jpg#0", "crowd"),
        ("shelf_2.jpg#1", "no-label"),
        ("gone.jpg", "not-found"),
        ("empty.jpg", "no-boxes"),
    ]


def test_a_box_that_barely_touches_its_photo_is_cropped(tmp_path: Path) -> None:
    Pictures.new("RGB", (64, 48), (200, 10, 10)).save(tmp_path / "a.png")
    boxes = shv.Boxes([[63.9999, 1, 70, 9]], labels=["can"])
    dataset = shv.Dataset.from_boxes({str(tmp_path / "a.png"): boxes}, image_size=(4, 4))
    assert dataset[0][0][0, 0].tolist() == [200, 10, 10]


def test_a_missing_photo_or_one_of_another_size_is_an_error(shelves: Path) -> None:
    photo(1).resize((30, 30)).save(images_of(shelves) / "shelf_1.jpg")
    with refuses(DataError, "sizes-differ", "source"):
        shv.Dataset.from_boxes(shelves)
    (images_of(shelves) / "shelf_1.jpg").unlink()
    with refuses(PhotoNotFoundError, "not-found", "images"):
        shv.Dataset.from_boxes(shelves)
    assert len(shv.Dataset.from_boxes(shelves, on_error="skip")) == 3


def test_a_corrupted_photo_is_an_error_when_it_is_read_or_is_listed(shelves: Path) -> None:
    path = images_of(shelves) / "shelf_1.jpg"
    photo(0).save(path.with_suffix(".png"))
    data = bytearray(path.with_suffix(".png").read_bytes())
    path.with_suffix(".png").unlink()
    # The pixels of a PNG, which the header does not show.
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(PhotoError):
        shv.Dataset.from_boxes(shelves).to_arrays()
    found = shv.Dataset.from_boxes(shelves, on_error="skip")
    assert [one.path.rpartition("/")[2] for one in found.skipped] == ["shelf_1.jpg"]


def test_a_photo_that_changes_afterwards_is_an_error(shelves: Path) -> None:
    found = shv.Dataset.from_boxes(shelves)
    photo(7).save(images_of(shelves) / "shelf_1.jpg")
    with refuses(PhotoError, "changed"):
        found.to_arrays()


def test_crops_are_cut_again_at_another_size_in_views_caches_and_copies(shelves: Path) -> None:
    found = shv.Dataset.from_boxes(shelves, context=0.2, shape="image", image_size=(20, 30))
    wanted = shv.Dataset.from_boxes(shelves, context=0.2, shape="image", image_size=(31, 17))
    balanced = shv.BalancingAugmenter(seed=1).balance(found)
    for part in (found, found.cached(), found[1:], balanced, shv.Dataset.concat([found])):
        resized = part.resized((31, 17))
        assert resized.preprocessing == wanted.preprocessing
        rows = np.flatnonzero(part.copies == 0)
        order = [wanted.ids.tolist().index(part.ids[row]) for row in rows]
        assert np.array_equal(resized.read_batch(rows), wanted.read_batch(order))


def test_everything_that_a_dataset_can_do_works(shelves: Path, tmp_path: Path) -> None:
    found = shv.Dataset.from_boxes(shelves, image_size=(16, 16))
    images = found.to_arrays()[0]
    assert np.array_equal(pickle.loads(pickle.dumps(found)).to_arrays()[0], images)
    assert np.array_equal(found.cached(tmp_path / "cache").to_arrays()[0], images)
    assert found.cached().fingerprint == found.fingerprint
    assert found.select(["juice"]).class_counts == {"juice": 3}
    assert found.relabel({"juice": "drink"}).class_names == ("007", "Käse", "drink")
    assert found.to_frame()["id"].tolist() == found.ids.tolist()
    assert "images/default/shelf_1.jpg#0" in found
    with refuses(DataError, "inconsistent", "datasets"):
        other = shv.Dataset.from_boxes(shelves, image_size=(16, 16), context=0.1)
        shv.Dataset.concat({"a": found, "b": other})


def test_the_fingerprint_depends_on_the_crop_rule(shelves: Path) -> None:
    plain = shv.Dataset.from_boxes(shelves).fingerprint
    assert plain == shv.Dataset.from_boxes(shelves).fingerprint
    assert plain != shv.Dataset.from_boxes(shelves, context=0.1).fingerprint
    assert plain != shv.Dataset.from_boxes(shelves, shape="image").fingerprint


def test_parsed_coco_needs_the_folder_of_the_photos(tmp_path: Path) -> None:
    write_photos(tmp_path)
    content = coco(first=1, names={name: name for name in SHELVES})
    assert len(shv.Dataset.from_boxes(content, images=tmp_path)) == 5
    with refuses(PhotoNotFoundError, "not-found", "images"):
        shv.Dataset.from_boxes(content)


def test_a_photo_in_memory_is_no_key(tmp_path: Path) -> None:
    file = io.BytesIO()
    photo(0).save(file, "PNG")
    with refuses(InvalidParameterError, "wrong-type", "source"):
        shv.Dataset.from_boxes({file.getvalue(): [[1, 2, 3, 4]]})  # type: ignore[arg-type]


@pytest.mark.slow
def test_rendered_shelves_in_three_formats_give_the_same_dataset(tmp_path: Path) -> None:
    """Photos whose sides are no powers of 2, so that YOLO's six decimals round."""
    photos = tmp_path / "photos"
    photos.mkdir()
    names = ("Can", "Jar", "Pouch")
    coco_file: dict[str, list[object]] = {"images": [], "annotations": [], "categories": []}
    coco_file["categories"] = [{"id": number, "name": name} for number, name in enumerate(names)]
    (tmp_path / "voc/Annotations").mkdir(parents=True)
    (tmp_path / "yolo/labels").mkdir(parents=True)
    (tmp_path / "yolo/classes.txt").write_text("\n".join(names))
    height, width = 700, 1100
    for seed in range(3):
        shelf = shv.samples.render_shelf(
            2, 7, class_names=names, image_size=(height, width), seed=seed
        )
        Pictures.fromarray(shelf.photo).save(photos / f"shelf_{seed}.png")
        size = {"height": height, "width": width}
        coco_file["images"].append({"id": seed, "file_name": f"shelf_{seed}.png", **size})
        objects, lines = "", []
        rows = zip(shelf.labels, shelf.boxes.round().tolist(), strict=True)
        for label, (left, top, right, bottom) in rows:
            number, box = names.index(label), [left, top, right - left, bottom - top]
            annotation = {"image_id": seed, "category_id": number, "bbox": box}
            coco_file["annotations"].append(annotation)
            objects += (
                f"<object><name>{label}</name><bndbox><xmin>{left:.0f}</xmin><ymin>{top:.0f}</ymin>"
                f"<xmax>{right:.0f}</xmax><ymax>{bottom:.0f}</ymax></bndbox></object>"
            )
            x, y, w, h = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
            shares = (x / width, y / height, w / width, h / height)
            lines.append(" ".join([str(number), *(f"{share:.6f}" for share in shares)]))
        (tmp_path / f"voc/Annotations/shelf_{seed}.xml").write_text(
            f"<annotation><size><width>{width}</width><height>{height}</height></size>"
            f"{objects}</annotation>"
        )
        (tmp_path / f"yolo/labels/shelf_{seed}.txt").write_text("\n".join(lines))
    dump(coco_file, tmp_path / "coco.json")
    sources = (tmp_path / "coco.json", tmp_path / "voc", tmp_path / "yolo")
    one, *others = (shv.Dataset.from_boxes(source, images=photos) for source in sources)
    assert len(one) > 30
    for other in others:
        assert other.ids.tolist() == one.ids.tolist()
        assert other.fingerprint == one.fingerprint
        assert np.array_equal(other.to_arrays()[0], one.to_arrays()[0])
