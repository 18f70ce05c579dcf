"""`RawBoxes`: boxes as a file has them, before they are checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shelfvision.data import SkippedFiles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawBoxes:
    """Boxes as a file has them."""

    corners: npt.NDArray[np.float64]
    """Left, top, right, bottom, shape (n, 4)."""
    labels: Sequence[str | None] | None = None
    """What stands in each."""
    scores: npt.ArrayLike | None = None
    """How sure a detector was of each."""
    image_size: tuple[int, int] | None = None
    """Height and width of the photo, where the file tells."""
    relative: bool = False
    """Whether corners are shares of the photo's width and height."""
    skipped: SkippedFiles = field(default_factory=SkippedFiles)
    """Lines that were left out."""
