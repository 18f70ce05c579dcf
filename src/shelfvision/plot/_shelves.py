"""Charts of shelf photos with their regions or maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, SupportsIndex

from shelfvision.plot._axes import axes_for
from shelfvision.protocols import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Drawable(Protocol):
    """The interface of `Regions` and `ShelfMap` that this chart uses."""

    def draw(self, *, width: SupportsIndex | None = None) -> Image:
        """Return a picture of the object."""
        ...


def regions(
    regions_or_map: Drawable, *, width: SupportsIndex | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a shelf photo with its regions, or with a map of the products on it.

    Parameters
    ----------
    regions_or_map : Regions or ShelfMap
        The result of `Classifier.predict_regions` or `Classifier.scan`.
    width : int, optional
        The width of the picture in pixels, as for `Regions.draw`. Text is legible if the picture is
        shown at this width.
    ax : Axes, optional
        Where to draw. By default a new figure.

    Returns
    -------
    Axes
        The axes.

    Raises
    ------
    PhotoError
        The photo's file no longer exists or cannot be read.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> shelf = shv.samples.render_shelf(1, 3, image_size=(100, 200), gaps=0)
    >>> found = shv.Predictions(np.eye(3), ["Can", "Jar", "Pouch"], ["0", "1", "2"])
    >>> boxes = shv.Boxes(shelf.boxes).in_pixels((100, 200))
    >>> axes = shv.plot.regions(shv.Regions(found, boxes, shelf.photo))
    >>> len(axes.get_images())
    1
    """
    picture = regions_or_map.draw(width=width)
    height, across = picture.shape[:2]
    # At 100 dots per inch, a pixel of the picture is a pixel of the figure.
    axes = axes_for(ax, size=(across / 100, height / 100))
    axes.imshow(picture)
    axes.set_axis_off()
    return axes
