"""Read YOLO datasets: a label file for each photo, and the class names in another file.

The label files are in a folder ``labels`` beside or below ``images`` (Ultralytics, Roboflow, Label
Studio), or beside their photos in ``obj_train_data`` (CVAT, darknet). A photo of the dataset
without a label file has no boxes, as Ultralytics reads it.
"""

from __future__ import annotations

import os

from shelfvision.boxes.box_list import Boxes
from shelfvision.boxes.files._photo_names import Parts
from shelfvision.boxes.files._yolo import YoloFault, read_yolo_file
from shelfvision.boxes.sources._gathering import AnnotatedPhoto, Gathering, box_numbers
from shelfvision.boxes.sources._photo_files import (
    COUNTERPARTS,
    counterparts,
    files_below,
    without_suffix,
)
from shelfvision.boxes.sources._yolo_config import YoloConfig, is_label_file
from shelfvision.errors import DataError


def gather_yolo(config: YoloConfig, gathering: Gathering) -> None:
    """Add the photos of a dataset in the order of their paths."""
    photos: list[tuple[AnnotatedPhoto, str]] = []
    labels = sorted(filter(is_label_file, files_below(config.folder)))
    if not labels:
        raise DataError(
            f"source must have label files below a folder 'labels', got none in {config.folder!r}; "
            "pass the folder that contains images/ and labels/",
            code="empty",
            parameter="source",
        )
    for label in labels:
        found = _photo_of(label, config, gathering)
        if found is not None:
            photos.append((found, label))
    known = {photo.path for photo, _ in photos}
    photos += [(photo, "the folder of photos") for photo in _empty(config, gathering, known)]
    for photo, where in sorted(photos, key=lambda pair: pair[0].name):
        gathering.add(photo, where)


def _photo_of(label: str, config: YoloConfig, gathering: Gathering) -> AnnotatedPhoto | None:
    """Return the photo of a label file with its boxes; None if it is left out."""
    path = os.path.join(config.folder, *label.split("/"))
    parts = without_suffix(tuple(label.split("/")))
    named = "/".join(part for part in parts if part.casefold() not in COUNTERPARTS)
    placed = gathering.place(named, gathering.files.find_stem(parts), repr(path))
    if placed is None or not any(_is_used(one, config) for one in _photo_stems(parts, config)):
        return None
    faults: list[YoloFault] = []
    try:
        file = read_yolo_file(
            path,
            config.names,
            faults.append if gathering.skips else None,
            keypoints=config.keypoints,
        )
    except DataError as error:
        gathering.refuse(label, error)
        return None
    for fault in faults:
        reason = f"{path!r}: {fault.reason}"
        gathering.refuse(f"{placed[0]}#{fault.number}", DataError(reason, code=fault.code))
    boxes, numbers = Boxes(**file.boxes), box_numbers(file.numbers)
    return AnnotatedPhoto(name=placed[0], path=placed[1], boxes=boxes, numbers=numbers)


def _empty(
    config: YoloConfig, gathering: Gathering, known: set[str | None]
) -> list[AnnotatedPhoto]:
    """Return the photos of the dataset without a label file."""
    if gathering.has_images:
        # Photos in another folder may not be annotated yet.
        return []
    found = []
    for name in gathering.files.below(""):
        path = os.path.join(gathering.files.root, *name.split("/"))
        used = _is_used(os.path.splitext(path)[0], config)
        if path not in known and used and _is_photo_folder(name):
            boxes = Boxes([], relative=True)
            found.append(AnnotatedPhoto(name=name, path=path, boxes=boxes, numbers=box_numbers([])))
    return found


def _is_photo_folder(name: str) -> bool:
    """Return whether a photo is in a folder for photos of the dataset."""
    folders = name.casefold().split("/")[:-1]
    return "images" in folders or any(one.startswith("obj_") for one in folders)


def _photo_stems(parts: Parts, config: YoloConfig) -> list[str]:
    """Return where the photo of a label file may be in the dataset, without suffix."""
    return [os.path.join(config.folder, *one) for one in counterparts(parts)]


def _is_used(stem: str, config: YoloConfig) -> bool:
    """Return whether a photo, without suffix, is in one of the sets; without sets all are."""
    if not (config.folders or config.photos):
        return True
    return stem in config.photos or any(
        stem.startswith(os.path.join(folder, "")) for folder in config.folders
    )
