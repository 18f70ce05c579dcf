"""Read annotated photos: the boxes of many photos, from the files of annotation tools.

`read_boxes` returns boxes by photo. `annotated_photos` also returns the path of each photo, the
position of each box in its file, and what cannot be used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, cast, final

from shelfvision._skipped import SkippedFile
from shelfvision._validation import as_path, received
from shelfvision.boxes.box_list import Boxes, HasCorners
from shelfvision.boxes.files._coco.entries import Coco
from shelfvision.boxes.sources._coco_dataset import folder_of_coco, gather_coco
from shelfvision.boxes.sources._gathering import AnnotatedPhoto, Gathering
from shelfvision.boxes.sources._given import gather_detections, gather_mapping
from shelfvision.boxes.sources._kinds import FoundSource, kind_of_source
from shelfvision.boxes.sources._photo_files import COUNTERPARTS
from shelfvision.boxes.sources._voc_folder import gather_voc
from shelfvision.boxes.sources._yolo_config import config_of
from shelfvision.boxes.sources._yolo_dataset import gather_yolo
from shelfvision.errors import DatasetNotFoundError, InvalidParameterError
from shelfvision.protocols import OnError

__all__ = ["AnnotatedPhoto", "AnnotatedPhotos", "BoxSource", "annotated_photos", "read_boxes"]


class HasAnnotations(Protocol):
    """An object with the boxes of many photos, such as `supervision.DetectionDataset`."""

    @property
    def classes(self) -> list[str]:
        """The class names in the order of their numbers."""
        ...

    @property
    def annotations(self) -> Mapping[str, HasCorners]:
        """The boxes of each photo, by its path."""
        ...


BoxSource: TypeAlias = (
    str
    | os.PathLike[str]
    | Mapping[str, object]
    | Mapping[Path, object]
    | Mapping[str | Path, object]
    | HasAnnotations
)
"""A file or folder of annotations, a mapping of photo to boxes, or supervision's dataset."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnnotatedPhotos:
    """The photos of a source."""

    photos: tuple[AnnotatedPhoto, ...]
    """The photos with their boxes, in the order of the source."""
    root: str
    """The absolute path of the folder of photos."""
    skipped: tuple[SkippedFile, ...]
    """What cannot be used."""


def read_boxes(
    source: BoxSource, *, images: str | os.PathLike[str] | None = None
) -> dict[str, Boxes]:
    """Return the boxes of all photos of a dataset, by photo.

    Parameters
    ----------
    source : path-like, mapping or DetectionDataset
        The annotations: a COCO JSON file or a folder of such files, a folder of PASCAL VOC XML, a
        YOLO ``data.yaml`` or a folder with ``images`` and ``labels``, a mapping of the path of a
        photo to its boxes, or supervision's ``DetectionDataset``. Exports of CVAT, Roboflow and
        Label Studio are read without conversion, after unpacking.
    images : path-like, optional
        The folder of the photos; by default the folder of the annotations.

    Returns
    -------
    dict of str to Boxes
        The boxes of each photo. The key is the path of the photo below `images`, with forward
        slashes, or the name in the annotations if the photo is not found. Photos without boxes are
        included.

    Raises
    ------
    DatasetNotFoundError
        `source` or `images` does not exist.
    DataError
        The annotations are of no known format or of several, a box is invalid, a photo is listed
        twice, or a name fits several photos.
    MissingDependencyError
        `source` is a ``data.yaml`` and PyYAML is not installed.

    Notes
    -----
    No photo is opened. PASCAL VOC coordinates are used as box edges, so the first pixel has
    coordinate 0. YOLO coordinates are relative to the size of the photo; with six decimals they are
    exact to 0.01 pixels for photos of up to 10,000 pixels.

    Examples
    --------
    >>> import shelfvision as shv
    >>> coco = {
    ...     "images": [{"id": 1, "file_name": "shelf.jpg"}, {"id": 2, "file_name": "empty.jpg"}],
    ...     "categories": [{"id": 1, "name": "juice"}],
    ...     "annotations": [{"image_id": 1, "category_id": 1, "bbox": [10, 20, 50, 70]}],
    ... }
    >>> shv.read_boxes(coco)
    {'shelf.jpg': <Boxes: 1 box>, 'empty.jpg': <Boxes: 0 boxes>}
    """
    found = annotated_photos(source, images=images, on_error="raise")
    return {photo.name: photo.boxes for photo in found.photos}


def annotated_photos(
    source: BoxSource, *, images: str | os.PathLike[str] | None, on_error: OnError
) -> AnnotatedPhotos:
    """Return the photos of a source with their boxes; arguments are those of `read_boxes`.

    With ``on_error="skip"``, invalid boxes and files are listed in `AnnotatedPhotos.skipped`.
    """
    folder_of_images = None if images is None else _existing_folder(images)
    if isinstance(source, str | os.PathLike):
        gathering = _of_files(as_path(source, "source"), folder_of_images, on_error)
    else:
        gathering = Gathering(None, folder_of_images, on_error)
        _gather_given(source, gathering)
    return AnnotatedPhotos(
        photos=tuple(gathering.photos.values()),
        root=gathering.files.root,
        skipped=tuple(gathering.skipped),
    )


def _of_files(path: str, images: str | None, on_error: OnError) -> Gathering:
    found = kind_of_source(path)
    if found.kind == "YOLO":
        config = config_of(path)
        gathering = Gathering(config.folder, images, on_error)
        gather_yolo(config, gathering)
        return gathering
    gathering = Gathering(_folder_of(path, found), images, on_error)
    if found.kind == "VOC":
        gather_voc(path, gathering)
    else:
        for file in found.files:
            gather_coco(file, gathering)
    return gathering


def _folder_of(path: str, found: FoundSource) -> str:
    """Return the folder of a dataset."""
    if os.path.isdir(path):
        above, name = os.path.split(os.path.abspath(path))
        return above if name.casefold() in COUNTERPARTS else path
    return folder_of_coco(path) if found.kind == "COCO" else os.path.dirname(os.path.abspath(path))


def _gather_given(source: object, gathering: Gathering) -> None:
    if isinstance(source, Mapping):
        if isinstance(source.get("annotations"), list | tuple):
            gather_coco(source, gathering)
        else:
            gather_mapping(source, gathering)
    elif isinstance(source, list | tuple):
        gather_coco(cast("Coco", source), gathering)
    elif isinstance(getattr(source, "annotations", None), Mapping) and hasattr(source, "classes"):
        gather_detections(source, gathering)
    else:
        raise InvalidParameterError(
            "source must be a file or folder of annotations, a mapping of photo to boxes, or "
            f"supervision's DetectionDataset, got {received(source)}; pass one of them",
            code="wrong-type",
            parameter="source",
        )


def _existing_folder(images: str | os.PathLike[str]) -> str:
    folder = os.path.abspath(as_path(images, "images"))
    if not os.path.isdir(folder):
        raise DatasetNotFoundError(
            f"images must be an existing folder, got {folder!r}; check the path",
            code="not-found",
            parameter="images",
        )
    return folder
