"""Read COCO JSON over many photos, such as exports of CVAT, Roboflow and Label Studio.

The photos are beside the file (Roboflow: ``train/_annotations.coco.json``), below the folder that
contains ``annotations`` (CVAT: ``annotations/instances_default.json`` and ``images/default``), or
in ``images`` (Label Studio: ``result.json``).
"""

from __future__ import annotations

import os
from functools import partial

from shelfvision.boxes.box_list import Boxes
from shelfvision.boxes.files._coco import CocoPhoto, named_source, read_coco_photos
from shelfvision.boxes.files._coco.entries import Coco
from shelfvision.boxes.sources._gathering import AnnotatedPhoto, Gathering, box_numbers
from shelfvision.errors import DataError

_ANNOTATIONS = "annotations"


def folder_of_coco(path: str) -> str:
    """Return the folder of the dataset of a file: its own, or the one above ``annotations``."""
    folder = os.path.dirname(os.path.abspath(path))
    above, name = os.path.split(folder)
    return above if name.casefold() == _ANNOTATIONS else folder


def gather_coco(source: Coco, gathering: Gathering) -> None:
    """Add the photos of a file, or of its parsed content."""
    where, near, subset = named_source(source), "", ""
    if isinstance(source, str | os.PathLike):
        path = os.path.abspath(os.fspath(source))
        near = _relative(os.path.dirname(path), gathering.files.root)
        subset = os.path.basename(path).rpartition(".")[0].rpartition("_")[2]
    on_fault = partial(_refuse_box, gathering) if gathering.skips else None
    for photo in read_coco_photos(source, on_fault):
        _add(photo, gathering, where, near=near, subset=subset)


def _refuse_box(gathering: Gathering, name: str, number: int, error: DataError) -> None:
    gathering.refuse(f"{name}#{number}", error)


def _add(photo: CocoPhoto, gathering: Gathering, where: str, *, near: str, subset: str) -> None:
    found = gathering.files.find(photo.name, near=near)
    if len(found) > 1 and subset:
        # CVAT has images/train and images/validation beside instances_train.json.
        found = [path for path in found if subset in path.split("/")[:-1]] or found
    placed = gathering.place(photo.name, found, where)
    if placed is None:
        return
    gathering.add(
        AnnotatedPhoto(
            name=placed[0],
            path=placed[1],
            boxes=Boxes(**photo.boxes),
            numbers=box_numbers(photo.numbers),
            crowds=frozenset(photo.crowds),
        ),
        where,
    )


def _relative(folder: str, root: str) -> str:
    """Return a folder relative to the root, with forward slashes; empty outside of it."""
    if folder == root or not folder.startswith(os.path.join(root, "")):
        return ""
    return os.path.relpath(folder, root).replace(os.sep, "/")
