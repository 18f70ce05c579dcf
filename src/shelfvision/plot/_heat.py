"""Charts of heat maps over photos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, SupportsIndex, runtime_checkable

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer
from shelfvision.errors import InvalidParameterError
from shelfvision.plot._axes import DARK, cut, panels_for, require_same_length, show_photo
from shelfvision.protocols import Image, Images

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From dark violet to pale yellow, monotonically lighter: safe for every kind of colour vision.
_RAMP = np.array([[13, 8, 60], [110, 20, 120], [200, 60, 90], [250, 140, 60], [252, 250, 170]])
_WEIGHT = 0.6


@runtime_checkable
class HasHeatMaps(Protocol):
    """The interface of explanations that this chart reads."""

    @property
    def images(self) -> Images:
        """The photos."""
        ...

    @property
    def heat_maps(self) -> npt.NDArray[np.float32]:
        """A map for every photo."""
        ...

    @property
    def labels(self) -> Sequence[str]:
        """The class of each map."""
        ...


def heat_overlay(image: Image, heat: npt.NDArray[np.floating]) -> Image:
    """Return a photo with a heat map over it, in the colours of `heat_maps`.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        The photo, RGB, 0 to 255.
    heat : ndarray of float, shape (height, width)
        The heat map, 0 to 1.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The photo, blended with a colour from dark violet (0) to pale yellow (1).

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> black = np.zeros((2, 2, 3), np.uint8)
    >>> shv.plot.heat_overlay(black, np.ones((2, 2)))[0, 0].tolist()
    [151, 150, 102]
    """
    at = np.clip(np.asarray(heat, dtype=np.float64), 0, 1) * (len(_RAMP) - 1)
    low = np.minimum(at.astype(np.int64), len(_RAMP) - 2)
    part = (at - low)[..., None]
    colours = _RAMP[low] * (1 - part) + _RAMP[low + 1] * part
    mixed = np.asarray(image) * (1 - _WEIGHT) + colours * _WEIGHT
    return np.asarray(mixed.round(), dtype=np.uint8)


def heat_maps(
    images_or_explanations: Images | Sequence[Image] | HasHeatMaps,
    maps: npt.NDArray[np.floating] | None = None,
    labels: Sequence[str] | None = None,
    *,
    n_columns: SupportsIndex = 3,
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
) -> npt.NDArray[np.object_]:
    """Draw photos beside their heat maps.

    Parameters
    ----------
    images_or_explanations : ndarray of uint8, shape (n, height, width, 3), or explanations
        The photos, RGB, 0 to 255; or the result of `explain`, which has photos, maps and labels.
    maps : ndarray of float, shape (n, height, width)
        A heat map for every photo, 0 to 1.
    labels : sequence of str, length n, optional
        The class of each map.
    n_columns : int, default=3
        The number of photos in a row, each with its map.
    ax : Axes or sequence of Axes, optional
        One axes for every picture, two per photo, or a single axes that the grid replaces. By
        default a new figure.

    Returns
    -------
    ndarray of Axes, shape (n, 2)
        The axes of each photo, and of the photo with its map.

    Raises
    ------
    InvalidParameterError
        The shapes of the arrays do not match.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> images, _ = shv.samples.render_products({"Can": 2}).to_arrays()
    >>> shv.plot.heat_maps(images, np.full((2, 100, 100), 0.5), ["Can", "Can"]).shape
    (2, 2)
    """
    found = images_or_explanations
    if isinstance(found, HasHeatMaps):
        maps = found.heat_maps if maps is None else maps
        labels = found.labels if labels is None else labels
    images = found.images if isinstance(found, HasHeatMaps) else found
    n, shape = len(images), (len(images), *np.shape(images)[1:3])
    if maps is None or np.shape(maps) != shape:
        raise InvalidParameterError(
            f"maps must be one map for every photo, of shape {shape}, not "
            f"{'missing' if maps is None else np.shape(maps)}; explain(classifier, photos) makes "
            "them",
            code="wrong-shape",
            parameter="maps",
        )
    require_same_length({} if labels is None else {"labels": len(labels)}, n)
    across = min(as_integer("n_columns", n_columns, minimum=1), n)
    down = math.ceil(n / across)
    grid = panels_for(ax, down, 2 * across, size=(3.4 * across, 1.95 * down), n=2 * n).ravel()
    for place in range(n):
        show_photo(grid[2 * place], images[place])
        show_photo(grid[2 * place + 1], heat_overlay(images[place], maps[place]))
        if labels is not None:
            grid[2 * place + 1].set_title(
                cut(labels[place], 20), fontsize=8, color=DARK, parse_math=False
            )
    for panel in grid[2 * n :]:
        panel.set_axis_off()
    return np.asarray(grid[: 2 * n].reshape(n, 2))
