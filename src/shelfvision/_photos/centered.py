"""`CenteredPixels`: the centers of another source's images, as a test-time crop keeps them.

A classifier with a test-time crop of 0.8 and images of 80 pixels resizes photos to 100 pixels and
keeps 80 of them in the middle. Training reads its validation set in the same way, so that the best
epoch is chosen by what the classifier will see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.preprocessing import Preprocessing, center_cropped
from shelfvision._photos.sources import read_rows
from shelfvision.protocols import Image, Images, PixelSource, Resize


@final
class CenteredPixels:
    """The centers of the images of another source.

    Parameters
    ----------
    source : PixelSource
        A source of images of `Preprocessing.read_size`.
    rule : Preprocessing
        The preprocessing, which defines the part that is kept.
    """

    __slots__ = ("_rule", "_source")

    def __init__(self, source: PixelSource, rule: Preprocessing) -> None:
        self._source = source
        self._rule = rule

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every center."""
        return self._rule.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another aspect ratio were resized."""
        return self._rule.resize

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._source)

    def read(self, row: int) -> Image:
        """Return the center of image `row`."""
        center: Image = center_cropped(self._source.read(row), self._rule)
        return center

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return the centers of the images `rows`."""
        wanted = np.asarray(rows, dtype=np.int64)
        return center_cropped(read_rows(self._source, wanted), self._rule)

    def digest(self, row: int) -> str:
        """Return a digest that depends on the content and on the part that is kept."""
        text = f"{self._source.digest(row)} {self._rule.read_size} {self._rule.image_size}"
        return hashlib.sha256(text.encode()).hexdigest()
