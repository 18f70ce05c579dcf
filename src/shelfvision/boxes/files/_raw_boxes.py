"""`RawBoxes`: the boxes of a file before `Boxes` checks them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import numpy as np
import numpy.typing as npt

from shelfvision._skipped import SkippedFiles


class RawBoxes(TypedDict):
    """The arguments of the constructor of `Boxes`."""

    corners: npt.NDArray[np.float64]
    """Left, top, right and bottom, shape (n, 4)."""
    labels: Sequence[str | None]
    """The class in each box."""
    scores: NotRequired[npt.ArrayLike | None]
    """The detector's scores."""
    image_size: NotRequired[tuple[int, int] | None]
    """Height and width of the photo, if the file has them."""
    relative: NotRequired[bool]
    """Whether the corners are shares of the photo's width and height."""
    skipped: NotRequired[SkippedFiles]
    """The lines that were skipped."""
