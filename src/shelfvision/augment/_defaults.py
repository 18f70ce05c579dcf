"""The default augmenter."""

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

    It rotates, shifts, zooms, shears and tilts the image slightly, and changes brightness and
    colours slightly, with one resampling and one colour pass. It does not flip images, so that text
    and logos stay readable; add ``Maybe(Flip())`` for fruit and vegetables.

    Returns
    -------
    Operation
        The augmenter. Its result always differs from the image.

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
