"""Read folders of PASCAL VOC XML, such as exports of CVAT, Roboflow, Label Studio and labelImg.

The photo of a file has its base name, in the same folder (Roboflow, labelImg) or in ``JPEGImages``
or ``images`` beside ``Annotations`` (CVAT, Label Studio), with the same sub-folders. Only if there
is none, the ``filename`` in the XML decides, because tools that rename files leave it unchanged.
"""

from __future__ import annotations

import os

from shelfvision._photos.formats import suffix_of
from shelfvision.boxes.box_list import Boxes
from shelfvision.boxes.files._voc import VocFile, read_voc_file
from shelfvision.boxes.sources._gathering import AnnotatedPhoto, Gathering, box_numbers
from shelfvision.boxes.sources._photo_files import COUNTERPARTS, files_below, without_suffix
from shelfvision.errors import DataError

VOC_SUFFIX = ".xml"


def gather_voc(source: str, gathering: Gathering) -> None:
    """Add the photos of a file, or of all files below a folder in the order of their paths."""
    if os.path.isfile(source):
        _gather(source, (os.path.basename(source),), gathering)
        return
    for path in sorted(files_below(source)):
        if suffix_of(path) == VOC_SUFFIX:
            _gather(os.path.join(source, path), tuple(path.split("/")), gathering)


def _gather(path: str, parts: tuple[str, ...], gathering: Gathering) -> None:
    faults: list[tuple[int, DataError]] = []
    on_fault = (lambda *fault: faults.append(fault)) if gathering.skips else None
    try:
        file = read_voc_file(path, on_fault)
    except DataError as error:
        gathering.refuse("/".join(parts), error)
        return
    stem = without_suffix(parts)
    found = gathering.files.find_stem(stem)
    if not found and file.file_name:
        found = gathering.files.find(file.file_name)
    placed = gathering.place(_named(stem, file), found, repr(path))
    if placed is None:
        return
    for number, fault in faults:
        gathering.refuse(f"{placed[0]}#{number}", fault)
    boxes, numbers = Boxes(**file.boxes), box_numbers(file.numbers)
    gathering.add(
        AnnotatedPhoto(name=placed[0], path=placed[1], boxes=boxes, numbers=numbers), repr(path)
    )


def _named(stem: tuple[str, ...], file: VocFile) -> str:
    """Return the name of a photo that was not found."""
    folders = [part for part in stem[:-1] if part.casefold() not in COUNTERPARTS]
    base = file.file_name.replace("\\", "/").rpartition("/")[2] or stem[-1]
    return "/".join((*folders, base))
