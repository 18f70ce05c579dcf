"""Contact sheets: the photos of a finding, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision.auditing._look import Photos
from shelfvision.auditing._text import cut
from shelfvision.errors import PhotoError
from shelfvision.plot._axes import DARK, panels_for, show_photo

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 256
_NAME = 28


def draw_sets(
    photos: Photos,
    sets: Sequence[Sequence[int]],
    details: Sequence[str],
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None,
) -> npt.NDArray[np.object_]:
    """Draw every set of photos as a row, with what is to be said of it on the left."""
    down, across = len(sets), max(map(len, sets))
    grid = panels_for(ax, down, across, size=(2.2 * across, 2.4 * down))
    for number, members in enumerate(sets):
        for place, panel in enumerate(grid[number]):
            if place < len(members):
                _draw(panel, photos, members[place])
            else:
                panel.set_axis_off()
        if details:
            grid[number, 0].set_ylabel(details[number].partition(":")[0], color=DARK)
    return grid


def _draw(panel: Axes, photos: Photos, photo: int) -> None:
    try:
        show_photo(panel, photos.picture(photo, _SIDE))
    except PhotoError:
        panel.set(xticks=[], yticks=[])
        panel.text(0.5, 0.5, "cannot be read", ha="center", va="center", color=DARK)
    part = photos.part(photo)
    where = f"{photos.label(photo)}, {part}" if part else photos.label(photo)
    # A dollar sign would start a formula.
    title = f"{cut(photos.ids[photo].rpartition('/')[2], _NAME)}\n{cut(where, _NAME)}"
    panel.set_title(title.replace("$", r"\$"), fontsize="small", color=DARK)
