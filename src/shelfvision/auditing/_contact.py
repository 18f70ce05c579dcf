"""Contact sheets of a finding: the pixels and titles of its photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision import plot
from shelfvision.auditing._text import short_id
from shelfvision.auditing.looks import AuditedPhotos
from shelfvision.errors import PhotoError
from shelfvision.protocols import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 256
_NAME = 28


def draw_sets(
    photos: AuditedPhotos,
    sets: Sequence[Sequence[int]],
    details: Sequence[str],
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None,
) -> npt.NDArray[np.object_]:
    """Draw every set of photos as a row, its detail on the left."""
    return plot.contact_sheet(
        [[_picture(photos, photo) for photo in members] for members in sets],
        [[_title(photos, photo) for photo in members] for members in sets],
        row_labels=[detail.partition(":")[0] for detail in details[: len(sets)]],
        ax=ax,
    )


def _picture(photos: AuditedPhotos, photo: int) -> Image | None:
    try:
        return photos.picture(photo, _SIDE)
    except PhotoError:
        return None


def _title(photos: AuditedPhotos, photo: int) -> str:
    part = photos.part(photo)
    where = f"{photos.label(photo)}, {part}" if part else photos.label(photo)
    return f"{short_id(photos.ids[photo].rpartition('/')[2], _NAME)}\n{short_id(where, _NAME)}"
