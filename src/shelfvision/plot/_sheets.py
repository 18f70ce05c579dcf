"""Contact sheets: rows of photos with titles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision.errors import InvalidParameterError
from shelfvision.plot._axes import DARK, cut, panels_for, require_same_length, show_photo
from shelfvision.protocols import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def contact_sheet(
    photos: Sequence[Sequence[Image | None]],
    titles: Sequence[Sequence[str]],
    *,
    row_labels: Sequence[str] = (),
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
) -> npt.NDArray[np.object_]:
    """Draw rows of photos, each photo under its title.

    Parameters
    ----------
    photos : sequence of sequences of images
        The photos of every row, RGB ``uint8``; None for a photo that cannot be read. Rows may
        differ in length.
    titles : sequence of sequences of str
        A title for every photo.
    row_labels : sequence of str, optional
        A text on the left of every row.
    ax : Axes or sequence of Axes, optional
        One axes for every panel, row by row, or a single axes that the grid replaces. By default a
        new figure.

    Returns
    -------
    ndarray of Axes, shape (rows, largest row)
        The panels; panels without a photo are empty.

    Raises
    ------
    InvalidParameterError
        The rows have no photos, or the number of titles differs from the number of photos.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import shelfvision as shv
    >>> images, _ = shv.samples.render_products({"Can": 3}).to_arrays()
    >>> shv.plot.contact_sheet([images[:2], images[2:]], [["a", "b"], ["c"]]).shape
    (2, 2)
    """
    counts = [len(row) for row in photos]
    require_same_length({"titles": sum(map(len, titles))}, sum(counts))
    if [len(row) for row in titles] != counts or len(row_labels) not in (0, len(counts)):
        raise InvalidParameterError(
            "titles must have one title for every photo, and row_labels one for every row, row by "
            f"row; got rows of {counts} photos and {[len(row) for row in titles]} titles",
            code="wrong-length",
            parameter="titles",
        )
    down, across = len(counts), max(counts)
    grid = panels_for(ax, down, across, size=(2.2 * across, 2.4 * down))
    for row, (images, names) in enumerate(zip(photos, titles, strict=True)):
        for panel, image, name in zip(grid[row], images, names, strict=False):
            _draw(panel, image, name)
        for panel in grid[row, len(images) :]:
            panel.set_axis_off()
        if row_labels:
            grid[row, 0].set_ylabel(cut(row_labels[row], 40), color=DARK, parse_math=False)
    return grid


def _draw(panel: Axes, image: Image | None, title: str) -> None:
    if image is None:
        panel.set(xticks=[], yticks=[])
        panel.text(0.5, 0.5, "cannot be read", ha="center", va="center", color=DARK)
    else:
        show_photo(panel, image)
    panel.set_title(printable(title, lines=True), fontsize="small", color=DARK, parse_math=False)
