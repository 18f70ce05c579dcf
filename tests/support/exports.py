"""Exports of annotation tools, written field by field as the tools write them.

`SHELVES` are two photos with boxes in whole pixels. Each function writes one export of them into a
folder, with the photos, and returns what a user passes to `read_boxes`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image as Pictures

Box = tuple[str, tuple[int, int, int, int]]

NAMES = ("juice", "Käse", "007")
SIZE = (40, 64)
"""Height and width of every photo."""
SHELVES: Mapping[str, tuple[Box, ...]] = {
    "shelf_1.jpg": (("juice", (4, 5, 24, 30)), ("007", (30, 6, 50, 38))),
    "shelf_2.jpg": (("Käse", (0, 0, 64, 40)), ("juice", (10, 11, 21, 33)), ("juice", (5, 5, 9, 9))),
}


def photo(seed: int) -> Pictures.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    return Pictures.fromarray(pixels)


def write_photos(folder: Path, prefix: str = "", names: tuple[str, ...] = tuple(SHELVES)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(SHELVES):
        if name in names:
            photo(seed).save(folder / f"{prefix}{name}", quality=95)
    return folder


def coco(*, first: int, names: Mapping[str, str], **more: object) -> dict[str, object]:
    """Return COCO JSON with ids from `first`; `names` are the file names of the photos."""
    numbers = {name: first + place for place, name in enumerate(NAMES)}
    annotations: list[dict[str, object]] = []
    for place, boxes in enumerate(SHELVES.values()):
        for label, (left, top, right, bottom) in boxes:
            width, height = right - left, bottom - top
            annotations.append(
                {
                    "id": first + len(annotations),
                    "image_id": first + place,
                    "category_id": numbers[label],
                    "segmentation": [],
                    "area": float(width * height),
                    "bbox": [float(left), float(top), float(width), float(height)],
                    "iscrowd": 0,
                }
            )
    height, width = SIZE
    images = [
        {"id": first + place, "width": width, "height": height, "file_name": names[name]}
        for place, name in enumerate(SHELVES)
    ]
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    return {"images": images, "categories": categories, "annotations": annotations, **more}


def dump(content: object, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def cvat_coco(root: Path) -> Path:
    """COCO 1.0: ``annotations/instances_default.json``, the photos in ``images/default``."""
    write_photos(root / "images/default")
    content = coco(first=1, names={name: name for name in SHELVES})
    content["licenses"] = [{"name": "", "id": 0, "url": ""}]
    content["info"] = dict.fromkeys(
        ("contributor", "date_created", "description", "url", "version", "year"), ""
    )
    for one in content["images"]:  # type: ignore[attr-defined]
        one |= {"license": 0, "flickr_url": "", "coco_url": "", "date_captured": 0}
    for one in content["categories"]:  # type: ignore[attr-defined]
        one["supercategory"] = ""
    for one in content["annotations"]:  # type: ignore[attr-defined]
        one["attributes"] = {"occluded": False, "rotation": 0.0}
    dump(content, root / "annotations/instances_default.json")
    return root


def roboflow_name(name: str) -> str:
    return f"{name.replace('.jpg', '_jpg')}.rf.0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg"


def roboflow_coco(root: Path) -> Path:
    """COCO: one folder per split, with ``_annotations.coco.json`` beside the photos.

    Category 0 is the supercategory of all others, and no box has it.
    """
    folder = root / "train"
    folder.mkdir(parents=True)
    for seed, name in enumerate(SHELVES):
        photo(seed).save(folder / roboflow_name(name), quality=95)
    content = coco(first=0, names={name: roboflow_name(name) for name in SHELVES})
    categories = [
        {"id": number, "name": name, "supercategory": "products"}
        for number, name in enumerate(NAMES, 1)
    ]
    content["categories"] = [{"id": 0, "name": "products", "supercategory": "none"}, *categories]
    for one in content["annotations"]:  # type: ignore[attr-defined]
        one["category_id"] += 1
    for one, name in zip(content["images"], SHELVES, strict=True):  # type: ignore[call-overload]
        one |= {"license": 1, "date_captured": "2026-11-29T10:00:00+00:00", "extra": {"name": name}}
    content["info"] = {"year": "2026", "version": "1", "description": "Exported from roboflow.com"}
    content["licenses"] = [{"id": 1, "url": "https://creativecommons.org/", "name": "CC BY 4.0"}]
    dump(content, folder / "_annotations.coco.json")
    empty = {"images": [], "annotations": [], "categories": content["categories"]}
    dump(empty, root / "valid/_annotations.coco.json")
    (root / "README.dataset.txt").write_text("shelves > 2026-11-29\n", encoding="utf-8")
    return root


def label_studio_coco(root: Path) -> Path:
    r"""COCO: ``result.json`` and ``images``; names with an upload prefix and ``\``."""
    prefix = "3f2a9c1e-"
    write_photos(root / "images", prefix)
    names = {name: f"images\\{prefix}{name}" for name in SHELVES}
    content = coco(first=0, names=names, info={"contributor": "Label Studio", "version": "1.0"})
    for one in content["annotations"]:  # type: ignore[attr-defined]
        one["ignore"] = 0
    dump(content, root / "result.json")
    return root


def voc(name: str, *, objects: str, folder: str = "") -> str:
    height, width = SIZE
    return (
        f"<annotation>\n  <folder>{folder}</folder>\n  <filename>{escape(name)}</filename>\n"
        "  <source><database>Unknown</database></source>\n"
        f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>\n"
        f"  <segmented>0</segmented>\n{objects}</annotation>\n"
    )


def cvat_voc(root: Path, subfolder: str = "") -> Path:
    """PASCAL VOC 1.1: ``Annotations`` and ``JPEGImages`` with equal sub-folders, and attributes."""
    write_photos(root / "JPEGImages" / subfolder)
    for name, boxes in SHELVES.items():
        objects = ""
        for label, (left, top, right, bottom) in boxes:
            objects += (
                f"  <object>\n    <name>{escape(label)}</name>\n    <pose>Unspecified</pose>\n"
                "    <truncated>0</truncated><difficult>0</difficult><occluded>0</occluded>\n"
                f"    <bndbox><xmin>{left}.0</xmin><ymin>{top}.0</ymin>"
                f"<xmax>{right}.0</xmax><ymax>{bottom}.0</ymax></bndbox>\n"
                "    <attributes><attribute><name>rotation</name><value>0.0</value></attribute>"
                "</attributes>\n  </object>\n"
            )
        path = root / "Annotations" / subfolder / name.replace(".jpg", ".xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(voc(str(Path(subfolder, name)), objects=objects), encoding="utf-8")
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/default.txt").write_text("\n".join(n[:-4] for n in SHELVES))
    (root / "labelmap.txt").write_text("# label:color_rgb:parts:actions\njuice:10,2,3::\n")
    return root


def roboflow_voc(root: Path) -> Path:
    """PASCAL VOC: XML beside the photos of each split, corners as xmin, xmax, ymin, ymax."""
    folder = root / "train"
    folder.mkdir(parents=True)
    for seed, (name, boxes) in enumerate(SHELVES.items()):
        photo(seed).save(folder / roboflow_name(name), quality=95)
        objects = "".join(
            f"<object><name>{escape(label)}</name><bndbox><xmin>{left}</xmin><xmax>{right}</xmax>"
            f"<ymin>{top}</ymin><ymax>{bottom}</ymax></bndbox></object>"
            for label, (left, top, right, bottom) in boxes
        )
        text = voc(roboflow_name(name), objects=objects)
        (folder / roboflow_name(name).replace(".jpg", ".xml")).write_text(text, encoding="utf-8")
    return root


def yolo_lines(name: str) -> str:
    height, width = SIZE
    rows = []
    for label, (left, top, right, bottom) in SHELVES[name]:
        values = (
            (left + right) / 2 / width, (top + bottom) / 2 / height,
            (right - left) / width, (bottom - top) / height,
        )  # fmt: skip
        rows.append(" ".join([str(NAMES.index(label)), *(f"{value:.6f}" for value in values)]))
    return "\n".join(rows) + "\n"


def write_labels(folder: Path, rename: Mapping[str, str] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHELVES:
        base = (rename or {}).get(name, name)
        (folder / base.replace(".jpg", ".txt")).write_text(yolo_lines(name), encoding="utf-8")


def cvat_yolo(root: Path) -> Path:
    """YOLO 1.1: ``obj.data``, ``obj.names``, and lists with a folder ``data`` that is not there."""
    write_photos(root / "obj_train_data")
    write_labels(root / "obj_train_data")
    (root / "obj.names").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    (root / "obj.data").write_text(
        "classes = 3\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n"
    )
    listed = "".join(f"data/obj_train_data/{name}\n" for name in SHELVES)
    (root / "train.txt").write_text(listed)
    return root


def cvat_ultralytics(root: Path) -> Path:
    """Ultralytics YOLO 1.0: ``data.yaml`` with a mapping of names, and ``train.txt``."""
    write_photos(root / "images/train")
    write_labels(root / "labels/train")
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES))
    (root / "data.yaml").write_text(f"names:\n{names}path: .\ntrain: train.txt\n", encoding="utf-8")
    listed = "".join(f"data/images/train/{name}\n" for name in SHELVES)
    (root / "train.txt").write_text(listed)
    return root


def roboflow_yolo(root: Path) -> Path:
    """YOLO: ``data.yaml`` with ``../train/images``, which is a folder beside the file."""
    folder = root / "train/images"
    folder.mkdir(parents=True)
    for seed, name in enumerate(SHELVES):
        photo(seed).save(folder / roboflow_name(name), quality=95)
    write_labels(root / "train/labels", {name: roboflow_name(name) for name in SHELVES})
    (root / "data.yaml").write_text(
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 3\n"
        "names: ['juice', 'Käse', '007']\n\nroboflow:\n  workspace: shop\n  version: 1\n",
        encoding="utf-8",
    )
    (root / "README.roboflow.txt").write_text("\nshelves - v1\n", encoding="utf-8")
    return root


def label_studio_yolo(root: Path) -> Path:
    """YOLO: ``classes.txt``, ``notes.json``, ``images`` and ``labels`` with upload prefixes."""
    prefix = "3f2a9c1e-"
    write_photos(root / "images", prefix)
    write_labels(root / "labels", {name: f"{prefix}{name}" for name in SHELVES})
    (root / "classes.txt").write_text("\n".join(NAMES), encoding="utf-8")
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES)]
    dump({"categories": categories, "info": {"year": 2026, "version": "1.0"}}, root / "notes.json")
    return root


def label_studio_voc(root: Path) -> Path:
    """PASCAL VOC: ``Annotations`` and ``images``."""
    cvat_voc(root)
    (root / "JPEGImages").rename(root / "images")
    return root


EXPORTS = (
    cvat_coco, cvat_voc, cvat_yolo, cvat_ultralytics, roboflow_coco, roboflow_voc, roboflow_yolo,
    label_studio_coco, label_studio_voc, label_studio_yolo,
)  # fmt: skip
"""All exports, in no order."""
