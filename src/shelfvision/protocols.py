"""The shapes of things that users may bring: augmenters and sources of pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = [
    "RESIZE_RULES",
    "Augmenter",
    "BatchPixelSource",
    "ClassNames",
    "Image",
    "Images",
    "OnError",
    "PixelSource",
    "Resize",
]

Image: TypeAlias = npt.NDArray[np.uint8]
"""One RGB image: ``uint8``, shape (height, width, 3), values 0 to 255."""

Images: TypeAlias = npt.NDArray[np.uint8]
"""A batch of RGB images: ``uint8``, shape (n, height, width, 3), values 0 to 255."""

Resize: TypeAlias = Literal["stretch", "pad", "crop"]
"""How a photo of another shape becomes `image_size`."""

RESIZE_RULES: tuple[Resize, ...] = get_args(Resize)
"""The values of `Resize`."""

ClassNames: TypeAlias = Iterable[str] | Mapping[str, int] | Mapping[int, str]
"""Class names in the order of their numbers; or numbers by name, as Keras's ``class_indices`` has
them; or names by number, as YOLO's ``data.yaml`` has them. Numbers are 0 to n - 1."""

OnError: TypeAlias = Literal["raise", "skip"]
"""What to do with a photo that cannot be read."""


@runtime_checkable
class Augmenter(Protocol):
    """Anything that turns one image into a varied one.

    Its duties: return a new ``uint8`` array of the same shape and leave the input untouched;
    take all randomness from `rng` and none from global state, so that the result depends on
    (image, rng) alone; be picklable, and safe to call from several threads at once. Plain
    functions qualify. `shelfvision.testing.check_augmenter` checks all of it.
    """

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Return a varied copy of `image`, ``uint8`` of the same shape."""
        ...


@runtime_checkable
class PixelSource(Protocol):
    """Random access to the pixels behind a dataset.

    Its duties: row `i` always gives the same bytes, whoever asks, in whatever order, from any
    thread or process; it is picklable; it never changes a file.
    """

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width, in pixels, of every image."""
        ...

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def read(self, row: int) -> Image:
        """Return row `row` as ``uint8`` (height, width, 3); the caller may write into it."""
        ...

    def digest(self, row: int) -> str:
        """Return a hexadecimal digest of what `read` depends on, without decoding if possible."""
        ...


@runtime_checkable
class BatchPixelSource(PixelSource, Protocol):
    """A source that knows a faster way to read many rows at once than one by one."""

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return the rows as ``uint8`` (n, height, width, 3), equal to `read` row by row."""
        ...
