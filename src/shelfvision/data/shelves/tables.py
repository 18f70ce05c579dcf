"""Tables of crops: a row for each annotated box of shelf photos.

Each file is read once when the table is made. Its digest is the group of all boxes in it, and its
size and EXIF orientation place the boxes in the upright photo, as `predict_regions` does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import DecodeLimits
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._skipped import SkippedFile, SkippedFiles
from shelfvision._validation import counted, one_of
from shelfvision.boxes.annotated import AnnotatedPhoto, BoxSource, annotated_photos
from shelfvision.boxes.box_list import Boxes, Corners
from shelfvision.boxes.crops import is_inside, require_inside, settled
from shelfvision.boxes.orientation import upright
from shelfvision.data._columns import object_array
from shelfvision.data._given import table_of_source
from shelfvision.data._lineage import CONTENT, NEAR
from shelfvision.data.shelves._choosing import BoxFilter, LabelMap, left_out, numbers_of_labels
from shelfvision.data.shelves._crop_pixels import CropPixels
from shelfvision.data.shelves._photo_headers import PhotoHeader, opened_photos
from shelfvision.data.table import PhotoTable
from shelfvision.errors import DataError, ShelfVisionError
from shelfvision.protocols import ClassNames, OnError

_ROBOFLOW = re.compile(r"(.+)\.rf\.[0-9A-Za-z_-]{8,64}\.\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxOptions:
    """How boxes become rows."""

    rule: Preprocessing
    """How boxes are cropped and resized."""
    boxes: BoxFilter
    """Which boxes are left out."""
    as_stored: bool | None
    """Whether boxes refer to the stored pixels of photos that EXIF rotates."""
    limits: DecodeLimits
    """The largest size and memory of a photo."""
    on_error: OnError
    """Whether what cannot be used raises or is left out."""

    def __post_init__(self) -> None:
        """Check `on_error`."""
        one_of("on_error", self.on_error, ("raise", "skip"))


@dataclass(slots=True)
class _Rows:
    """The chosen boxes as columns."""

    ids: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    photo_of: list[int] = field(default_factory=list)
    corners: list[Corners] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)


def table_of_boxes(
    source: BoxSource,
    images: str | os.PathLike[str] | None,
    label_map: LabelMap | None,
    class_names: ClassNames | None,
    options: BoxOptions,
) -> PhotoTable:
    """Return a table with a row for each box of annotated photos."""
    found = annotated_photos(source, images=images, on_error=options.on_error)
    skips = options.on_error == "skip"
    opened = opened_photos(found.root, found.photos, options.limits, decode=skips)
    rows = _Rows(skipped=list(found.skipped))
    for number, (photo, header) in enumerate(zip(found.photos, opened.headers, strict=True)):
        _take(rows, number, photo, header, options)
    _require_boxes(rows, found.photos)
    numbers, names = numbers_of_labels(rows.labels, label_map, class_names)
    kept = np.flatnonzero(numbers >= 0)
    photo_of = np.array(rows.photo_of, dtype=np.int64)[kept]
    corners = np.concatenate(rows.corners)[kept]
    sizes = np.array(rows.sizes, dtype=np.int64)
    used = np.unique(photo_of).tolist()
    digests = {photo: opened.source.digest(photo)[:32] for photo in used}
    group_of = _groups({found.photos[photo].name: digests[photo] for photo in used})
    table = table_of_source(
        CropPixels(opened.source, photo_of, corners, sizes, options.rule),
        ids=object_array([rows.ids[row] for row in kept]),
        labels=numbers[kept],
        class_names=names,
        groups=[group_of[found.photos[photo].name] for photo in photo_of.tolist()],
    )
    return replace(table, skipped=SkippedFiles(rows.skipped))


def _groups(digests: dict[str, str]) -> dict[str, str]:
    """Return the group of each photo by its name: its content.

    Roboflow exports several augmented versions of a photo, which have its name before ``.rf.`` and
    a digest. They are one group, so that a split keeps them together.
    """
    versions: dict[str, list[str]] = {}
    for name in digests:
        found = _ROBOFLOW.fullmatch(name.rpartition("/")[2])
        if found is not None:
            versions.setdefault(found[1], []).append(name)
    groups = {name: CONTENT + digest for name, digest in digests.items()}
    for names in versions.values():
        if len({digests[name] for name in names}) > 1:
            groups |= dict.fromkeys(names, NEAR + min(digests[name] for name in names))
    return groups


def _take(
    rows: _Rows,
    number: int,
    photo: AnnotatedPhoto,
    header: PhotoHeader | ShelfVisionError,
    options: BoxOptions,
) -> None:
    """Add the boxes of one photo."""
    rows.sizes.append((0, 0) if isinstance(header, ShelfVisionError) else header.image_size)
    if not len(photo.boxes):
        reason = "the photo has no boxes"
        rows.skipped.append(SkippedFile(path=photo.name, reason=reason, code="no-boxes"))
        return
    try:
        if isinstance(header, ShelfVisionError):
            raise header
        boxes = _placed(rows, photo, header, options)
    except ShelfVisionError as error:
        if options.on_error == "raise":
            raise
        rows.skipped.append(SkippedFile(path=photo.name, reason=str(error), code=error.code))
        return
    corners = settled(boxes.corners, header.image_size)
    used, skipped = left_out(photo, corners, header.image_size, options.boxes)
    used &= is_inside(boxes, header.image_size)
    rows.skipped += skipped
    for row in np.flatnonzero(used).tolist():
        rows.ids.append(f"{photo.name}#{photo.numbers[row]}")
        rows.labels.append(photo.boxes.labels[row] or "")
        rows.photo_of.append(number)
    rows.corners.append(corners[used])


def _placed(rows: _Rows, photo: AnnotatedPhoto, header: PhotoHeader, options: BoxOptions) -> Boxes:
    """Return the boxes in pixels of the upright photo; boxes outside are refused or listed."""
    size = header.image_size
    try:
        boxes = upright(photo.boxes, header.orientation, size, as_stored=options.as_stored)
        inside = is_inside(boxes, size)
        require_inside(boxes if options.on_error == "raise" else boxes[inside], size)
    except ShelfVisionError as error:
        fault = f"the boxes of {photo.name!r} cannot be used: {error}"
        raise DataError(fault, code=error.code, parameter="source") from error
    _list_outside(rows, photo, inside)
    return boxes


def _list_outside(rows: _Rows, photo: AnnotatedPhoto, inside: npt.NDArray[np.bool_]) -> None:
    for row in np.flatnonzero(~inside).tolist():
        path, reason = f"{photo.name}#{photo.numbers[row]}", "the box does not overlap the photo"
        rows.skipped.append(SkippedFile(path=path, reason=reason, code="outside"))


def _require_boxes(rows: _Rows, photos: Sequence[AnnotatedPhoto]) -> None:
    if rows.ids:
        return
    first = f", the first because {rows.skipped[0].reason}" if rows.skipped else ""
    raise DataError(
        f"source must have a box that can be used, got {counted(len(photos), 'photo')} with "
        f"none{first}; correct the annotations, or pass the folder of the photos as images=",
        code="empty",
        parameter="source",
    )
