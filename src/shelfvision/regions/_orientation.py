"""Boxes in the upright photo, whichever way its file stores the pixels.

Cameras store a photo on its side and note in EXIF how to turn it. A file of boxes may be about the
pixels as they are stored (a detector that ignores EXIF) or about the photo as one sees it (tools
in which people draw). The size that it gives for the photo tells neither: Label Studio writes the
stored size beside boxes of the upright photo. Only a box that fits into one of the two is a proof.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from shelfvision.errors import InvalidParameterError
from shelfvision.regions._boxes import Boxes
from shelfvision.regions._checking import Corners

_SLACK = 0.02
"""How far a box may stick out of a photo that it fits into, as a share of the photo's side."""


def upright(
    boxes: Boxes, orientation: int, photo_size: tuple[int, int], *, as_stored: bool | None
) -> Boxes:
    """Return boxes in pixels of the upright photo.

    Parameters
    ----------
    boxes : Boxes
        In pixels, or relative.
    orientation : int
        The EXIF orientation of the photo's file, 1 to 8.
    photo_size : tuple of int
        Height and width of the upright photo.
    as_stored : bool or None
        Whether the boxes refer to the pixels as stored. None: to the upright photo, unless the
        size that they were made for or a box proves something else.

    Raises
    ------
    InvalidParameterError
        The boxes were made for a photo of another size, or for one that lies on its side and may
        be either.
    """
    sideways = photo_size[::-1]
    if boxes.image_size not in (None, photo_size, sideways):
        return boxes.in_pixels(photo_size)
    if boxes.image_size == sideways != photo_size:
        as_stored = _checked(boxes, orientation, photo_size, as_stored=as_stored)
    if as_stored:
        return turned(boxes, orientation, photo_size)
    if boxes.relative:
        return boxes.in_pixels(photo_size)
    return _in(boxes, boxes.corners, photo_size)


def _checked(
    boxes: Boxes, orientation: int, photo_size: tuple[int, int], *, as_stored: bool | None
) -> bool:
    """Return what boxes for a photo on its side refer to: what is said, or what they prove."""
    sideways = photo_size[::-1]
    if not len(boxes):
        return False
    if orientation < 5:
        if as_stored is False:
            return False
        _refuse_sideways(sideways, photo_size)
    fits_upright, fits_stored = (_fit(boxes.corners, size) for size in (photo_size, sideways))
    if fits_upright == fits_stored:
        return _asked_for(sideways, as_stored, fit="both" if fits_stored else "neither")
    if as_stored is not None and as_stored != fits_stored:
        fitting = "the photo as it is stored" if fits_stored else "the upright photo"
        raise InvalidParameterError(
            f"as_stored must fit the boxes, got {as_stored}, but they fit only {fitting}; leave "
            "as_stored out",
            code="inconsistent",
            parameter="as_stored",
        )
    return fits_stored


def _asked_for(stored: tuple[int, int], as_stored: bool | None, *, fit: str) -> bool:  # noqa: FBT001  (a choice that is passed on)
    if as_stored is not None:
        return as_stored
    raise InvalidParameterError(
        f"the boxes were made for a photo of {stored[1]} x {stored[0]} pixels, as this one is "
        "stored, but tools write that size beside boxes of the upright photo too, and these boxes "
        f"fit {fit}; pass as_stored=False if they refer to the photo as one sees it (Label "
        "Studio), as_stored=True if to the pixels as stored (a detector that ignores EXIF)",
        code="ambiguous",
        parameter="as_stored",
    )


def _fit(corners: Corners, size: tuple[int, int]) -> bool:
    """Return whether all boxes fit into a photo of this height and width."""
    far = np.array(size[::-1]) * (1 + _SLACK)
    return bool((corners[:, 2:] <= np.maximum(far, np.array(size[::-1]) + 1)).all())


def _refuse_sideways(made_for: tuple[int, int], got: tuple[int, int]) -> NoReturn:
    raise InvalidParameterError(
        f"the boxes were made for a photo of {made_for[1]} x {made_for[0]} pixels, but this one is "
        f"{got[1]} x {got[0]} and has no EXIF orientation that turns it; pass as_stored=False if "
        "they refer to the photo as it is here, or give the file that they were made for",
        code="sizes-differ",
        parameter="boxes",
    )


def _in(boxes: Boxes, corners: Corners, photo_size: tuple[int, int]) -> Boxes:
    return Boxes(corners, labels=boxes.labels, scores=boxes.scores, image_size=photo_size)


def turned(boxes: Boxes, orientation: int, photo_size: tuple[int, int]) -> Boxes:
    """Return boxes that refer to a photo as stored in the photo that was turned upright.

    Parameters
    ----------
    boxes : Boxes
        In pixels of the photo as it is stored, or relative to it.
    orientation : int
        Its EXIF orientation, 1 to 8.
    photo_size : tuple of int
        Height and width of the upright photo.

    Returns
    -------
    Boxes
        In pixels of the upright photo.
    """
    stored = photo_size[::-1] if orientation >= 5 else photo_size
    height, width = stored
    scale = (width, height, width, height) if boxes.relative else 1.0
    corners = boxes.corners * scale
    if orientation in (2, 3, 7, 8):
        corners = np.stack(
            [width - corners[:, 2], corners[:, 1], width - corners[:, 0], corners[:, 3]], axis=1
        )
    if orientation in (3, 4, 6, 7):
        corners = np.stack(
            [corners[:, 0], height - corners[:, 3], corners[:, 2], height - corners[:, 1]], axis=1
        )
    if orientation >= 5:
        corners = corners[:, [1, 0, 3, 2]]
    return _in(boxes, corners, photo_size)
