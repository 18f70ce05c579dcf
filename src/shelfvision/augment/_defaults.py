"""The augmenter that is used where nobody chose one."""

from __future__ import annotations

from shelfvision.augment._compose import AlwaysChange, Compose
from shelfvision.augment.operations._colour import (
    Brightness,
    ColorTemperature,
    Contrast,
    Saturation,
)
from shelfvision.augment.operations._geometry import Perspective, Rotate, Shear, Shift, Zoom
from shelfvision.augment.operations._operation import Operation


def default_augmenter() -> Operation:
    """Return an augmenter for photos of packaged goods.

    It turns, shifts, zooms, slants and tilts a little, and changes light and colour a little, in
    one sampling and one pass of colour. It never mirrors: text and logos stay readable. For
    fruit and vegetables add ``Maybe(Flip())``.

    Returns
    -------
    Operation
        It always changes something, whatever the image.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> augmenter = shv.augment.default_augmenter()
    >>> black = np.zeros((2, 2, 3), dtype=np.uint8)
    >>> bool((augmenter(black, np.random.default_rng(0)) != black).any())
    True
    """
    return AlwaysChange(
        Compose(
            [
                Rotate(8),
                Zoom((-0.1, 0.15)),
                Shift(0.06),
                Shear(4),
                Perspective(0.12),
                Brightness(0.2),
                Contrast(0.2),
                Saturation(0.25),
                ColorTemperature(0.08),
            ]
        )
    )
