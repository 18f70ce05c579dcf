"""Convert boxes to the upright photo, if its EXIF orientation rotates the stored pixels.

Cameras store photos sideways, with an EXIF orientation that says how to rotate them. Boxes may
refer to the stored pixels (detectors that ignore EXIF) or to the upright photo (annotation tools).
The photo size in an annotation file does not decide this: Label Studio writes the stored size with
boxes of the upright photo. Only boxes that fit into one of the two sizes decide it.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from shelfvision.boxes._checking import Corners
from shelfvision.boxes.box_list import Boxes
from shelfvision.errors import InvalidParameterError

_SLACK = 0.02
"""How far a box that fits may extend beyond the photo, as a share of the photo's side."""


def upright(
    boxes: Boxes, orientation: int, photo_size: tuple[int, int], *, as_stored: bool | None
) -> Boxes:
    """Return boxes in pixels of the upright photo.

    Parameters
    ----------
    boxes : Boxes
        The boxes, in pixels or relative.
    orientation : int
        The EXIF orientation of the photo's file, 1 to 8.
    photo_size : tuple of int
        Height and width of the upright photo.
    as_stored : bool or None
        Whether the boxes refer to the stored pixels. None means the upright photo, unless their
        `image_size` and corners show that they refer to the stored pixels.

    Raises
    ------
    InvalidParameterError
        The boxes belong to a photo of another size, or their `image_size` is that of the stored
        pixels and the corners fit both or neither.
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
    """Return whether boxes with the stored photo's size refer to the stored pixels."""
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
        fitting = "the stored pixels" if fits_stored else "the upright photo"
        raise InvalidParameterError(
            f"as_stored must fit the boxes, got {as_stored}, but they only fit into {fitting}; "
            "leave as_stored out",
            code="inconsistent",
            parameter="as_stored",
        )
    return fits_stored


def _asked_for(stored: tuple[int, int], as_stored: bool | None, *, fit: str) -> bool:  # noqa: FBT001  (a choice that is passed on)
    if as_stored is not None:
        return as_stored
    raise InvalidParameterError(
        f"the boxes are for a photo of {stored[1]} x {stored[0]} pixels, the size before the EXIF "
        f"orientation is applied, and fit {fit} of stored pixels and upright photo; pass "
        "as_stored=False if they refer to the upright photo (Label Studio), as_stored=True if to "
        "the stored pixels (a detector that ignores EXIF)",
        code="ambiguous",
        parameter="as_stored",
    )


def _fit(corners: Corners, size: tuple[int, int]) -> bool:
    """Return whether all boxes fit into a photo of a given height and width."""
    far = np.array(size[::-1]) * (1 + _SLACK)
    return bool((corners[:, 2:] <= np.maximum(far, np.array(size[::-1]) + 1)).all())


def _refuse_sideways(made_for: tuple[int, int], got: tuple[int, int]) -> NoReturn:
    raise InvalidParameterError(
        f"the boxes are for a photo of {made_for[1]} x {made_for[0]} pixels, got one of "
        f"{got[1]} x {got[0]} without an EXIF orientation that rotates it; pass as_stored=False "
        "if they refer to these pixels, or pass the file that they are for",
        code="sizes-differ",
        parameter="boxes",
    )


def _in(boxes: Boxes, corners: Corners, photo_size: tuple[int, int]) -> Boxes:
    return Boxes(corners, labels=boxes.labels, scores=boxes.scores, image_size=photo_size)


def turned(boxes: Boxes, orientation: int, photo_size: tuple[int, int]) -> Boxes:
    """Convert boxes from the stored pixels to the upright photo.

    Parameters
    ----------
    boxes : Boxes
        The boxes in stored pixels, or relative to the stored photo.
    orientation : int
        The EXIF orientation of the photo, 1 to 8.
    photo_size : tuple of int
        Height and width of the upright photo.

    Returns
    -------
    Boxes
        The boxes in pixels of the upright photo.
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
