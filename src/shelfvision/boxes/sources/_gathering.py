"""`Gathering`: collects the photos of a source with their boxes, and what cannot be used."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision._skipped import SkippedFile
from shelfvision._validation import listed
from shelfvision.boxes._checking import MAX_BOXES_OF_ALL
from shelfvision.boxes.box_list import Boxes
from shelfvision.boxes.sources._photo_files import PhotoFiles
from shelfvision.errors import DataError
from shelfvision.protocols import OnError


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnnotatedPhoto:
    """A photo with its boxes."""

    name: str
    """Its path below the folder of photos, with forward slashes; a photo that was not found has the
    name that the annotations give it."""
    path: str | None
    """The path of its file; None if it was not found."""
    boxes: Boxes
    """The boxes in the order of their file."""
    numbers: npt.NDArray[np.int64]
    """The position of each box in its file, before any box was left out, shape (n,)."""
    crowds: frozenset[int] = frozenset()
    """The numbers of boxes that cover several objects (``iscrowd`` of COCO)."""


@final
class Gathering:
    """Photos with boxes, in the order in which they are added.

    Parameters
    ----------
    folder : str or None
        The folder of the dataset; None if the boxes are not read from files.
    images : str, optional
        The folder of the photos; by default that of the dataset, else the current folder.
    on_error : {"raise", "skip"}
        Whether what cannot be used raises or is listed in `skipped`.
    """

    def __init__(self, folder: str | None, images: str | None, on_error: OnError) -> None:
        root = images or folder
        self.has_images = images is not None
        self.files = PhotoFiles(os.path.abspath(root or ""), searched=root is not None)
        self.skips = on_error == "skip"
        self.photos: dict[str, AnnotatedPhoto] = {}
        self.skipped: list[SkippedFile] = []
        self._count = 0

    def refuse(self, path: str, error: DataError) -> None:
        """Raise an error, or list what it is about in `skipped`."""
        if not self.skips:
            raise error
        self.skipped.append(SkippedFile(path=path, reason=str(error), code=error.code))

    def place(self, named: str, found: Sequence[str], where: str) -> tuple[str, str | None] | None:
        """Return name and path of a photo among those found; None if several fit.

        Parameters
        ----------
        named : str
            What the annotations call the photo.
        found : sequence of str
            The photos that fit this name, relative to the folder of photos.
        where : str
            The annotation file, for messages.
        """
        if len(found) > 1:
            fault = (
                f"{where} names the photo {named!r}, which fits {listed(found)} below "
                f"{self.files.root!r}; pass as images= the folder of the right ones"
            )
            self.refuse(named, DataError(fault, code="ambiguous", parameter="images"))
            return None
        if not found:
            return named.replace("\\", "/"), None
        return found[0], os.path.join(self.files.root, *found[0].split("/"))

    def add(self, photo: AnnotatedPhoto, where: str) -> None:
        """Add a photo; a second photo of one name is refused."""
        if photo.name in self.photos:
            fault = (
                f"{where} must list each photo once, got the photo {photo.name!r} again; remove one"
            )
            self.refuse(photo.name, DataError(fault, code="duplicate", parameter="source"))
            return
        self._count += len(photo.boxes)
        if self._count > MAX_BOXES_OF_ALL:
            raise DataError(
                f"source must have at most {MAX_BOXES_OF_ALL:,} boxes, got more; read it in parts",
                code="too-large",
                parameter="source",
            )
        self.photos[photo.name] = photo


def box_numbers(numbers: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return box numbers as an array."""
    return np.array(numbers, dtype=np.int64)
