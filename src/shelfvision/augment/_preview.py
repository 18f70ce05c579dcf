"""`preview`: the augmented copies of a few photos, as a plot or an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, SupportsIndex

import numpy as np
import numpy.typing as npt

from shelfvision import plot
from shelfvision._random import rng_for
from shelfvision._validation import as_integer, as_seed
from shelfvision.augment._compose import AlwaysChange, Compose
from shelfvision.augment.contract import apply_augmenter, name_of
from shelfvision.errors import DataError
from shelfvision.protocols import Augmenter, Image, Images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


def preview(
    augmenter: Augmenter,
    images: Image | Images,
    *,
    n: SupportsIndex = 6,
    seed: SupportsIndex = 42,
    stages: bool = False,
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
) -> npt.NDArray[np.object_]:
    """Plot photos and their augmented copies.

    Parameters
    ----------
    augmenter : Augmenter
        The augmenter.
    images : ndarray of uint8, shape (height, width, 3) or (photos, height, width, 3)
        RGB pixels, 0 to 255.
    n : int, default=6
        The number of copies per photo.
    seed : int, default=42
        The seed of the copies.
    stages : bool, default=False
        Plot the steps of one copy instead: the result after each augmenter of a `Compose`.
    ax : Axes or array of Axes, optional
        The axes to plot on, as for `shelfvision.plot.augmentations`.

    Returns
    -------
    ndarray of Axes
        The axes.

    Raises
    ------
    AugmenterError
        The augmenter broke its contract.
    DataError
        `images` are not RGB images of ``uint8``.

    See Also
    --------
    preview_array : The same copies as an array.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> image = np.zeros((8, 8, 3), dtype=np.uint8)
    >>> axes = shv.augment.preview(shv.augment.default_augmenter(), image, n=3)
    """
    originals = _several(images)
    copies = preview_array(augmenter, originals, n=n, seed=seed, stages=stages)
    names = [name_of(step).partition("(")[0] for step in _steps(augmenter)] if stages else None
    return plot.augmentations(originals, copies, names=names, ax=ax)


def preview_array(
    augmenter: Augmenter,
    images: Image | Images,
    *,
    n: SupportsIndex = 6,
    seed: SupportsIndex = 42,
    stages: bool = False,
) -> npt.NDArray[np.uint8]:
    """Return the augmented copies that `preview` plots.

    Parameters
    ----------
    augmenter : Augmenter
        The augmenter.
    images : ndarray of uint8, shape (height, width, 3) or (photos, height, width, 3)
        RGB pixels, 0 to 255.
    n : int, default=6
        The number of copies per photo.
    seed : int, default=42
        The seed of the copies.
    stages : bool, default=False
        Return the steps of one copy instead: after the first augmenter of a `Compose`, after the
        first two, and so on.

    Returns
    -------
    ndarray of uint8, shape (photos, copies, height, width, 3)
        The copies of each photo.

    Raises
    ------
    AugmenterError
        The augmenter broke its contract.
    DataError
        `images` are not RGB images of ``uint8``.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> image = np.zeros((8, 8, 3), dtype=np.uint8)
    >>> shv.augment.preview_array(shv.augment.Rotate(10), image, n=3).shape
    (1, 3, 8, 8, 3)
    """
    originals, seed = _several(images), as_seed(seed)
    count = as_integer("n", n, minimum=1)
    # Each prefix gets the same random numbers, because augmenters draw them in sequence.
    prefixes: list[Augmenter] = [augmenter] * count
    numbers = range(1, count + 1)
    if stages:
        steps = _steps(augmenter)
        prefixes = [Compose(steps[: end + 1]) for end in range(len(steps))]
        numbers = range(1, 2)
    return np.stack(
        [
            [
                apply_augmenter(
                    prefix,
                    image,
                    rng_for(seed, "augment", str(row), copy),
                    where=f"image {row}",
                )
                for prefix, copy in _paired(prefixes, numbers)
            ]
            for row, image in enumerate(originals)
        ]
    )


def _paired(prefixes: list[Augmenter], numbers: range) -> list[tuple[Augmenter, int]]:
    return [(prefix, numbers[place % len(numbers)]) for place, prefix in enumerate(prefixes)]


def _steps(augmenter: Augmenter) -> tuple[Augmenter, ...]:
    inner = augmenter.augmenter if isinstance(augmenter, AlwaysChange) else augmenter
    return tuple(inner.augmenters) if isinstance(inner, Compose) else (augmenter,)


def _several(images: Image | Images) -> Images:
    several = images[None] if getattr(images, "ndim", 0) == 3 else images
    shape: tuple[int, ...] = getattr(several, "shape", ())
    if len(shape) != 4 or shape[3] != 3 or 0 in shape or several.dtype != np.uint8:
        raise DataError(
            "images must be uint8 of shape (height, width, 3) or (n, height, width, 3), got "
            f"{getattr(images, 'dtype', type(images).__name__)} of shape "
            f"{getattr(images, 'shape', None)}",
            code="wrong-shape",
            parameter="images",
        )
    return several
