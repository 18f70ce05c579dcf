"""Interfaces that users can implement: augmenters, pixel sources and paths of storage."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = [
    "RESIZE_RULES",
    "Augmenter",
    "BatchPixelSource",
    "ClassNames",
    "Image",
    "Images",
    "Location",
    "OnError",
    "PixelSource",
    "Resize",
    "StorageOptions",
    "UniversalPath",
]

Image: TypeAlias = npt.NDArray[np.uint8]
"""One RGB image: ``uint8``, shape (height, width, 3), values 0 to 255."""

Images: TypeAlias = npt.NDArray[np.uint8]
"""A batch of RGB images: ``uint8``, shape (n, height, width, 3), values 0 to 255."""

Resize: TypeAlias = Literal["stretch", "pad", "crop"]
"""How photos of another shape are resized to `image_size`."""

RESIZE_RULES: tuple[Resize, ...] = get_args(Resize)
"""The values of `Resize`."""

ClassNames: TypeAlias = Iterable[str] | Mapping[str, int] | Mapping[int, str]
"""Class names in the order of their numbers; or numbers by name, such as ``class_indices`` of
Keras; or names by number, such as ``data.yaml`` of YOLO. Numbers are 0 to n - 1."""

OnError: TypeAlias = Literal["raise", "skip"]
"""What to do with a photo that cannot be read."""

StorageOptions: TypeAlias = Mapping[str, Any]
"""Options of an fsspec file system, such as ``{"profile": "shop"}`` or ``{"anon": True}``."""


@runtime_checkable
class UniversalPath(Protocol):
    """The interface of paths of remote storage: a ``UPath`` of universal_pathlib.

    ``str(path)`` returns the URL. A path of this computer is an `os.PathLike` instead.
    """

    @property
    def protocol(self) -> str:
        """The scheme of the URL, such as ``"s3"``."""
        ...

    @property
    def path(self) -> str:
        """The URL without its scheme."""
        ...

    @property
    def storage_options(self) -> StorageOptions:
        """The options of the file system."""
        ...


Location: TypeAlias = str | os.PathLike[str] | UniversalPath
"""A path of this computer, or a URL of remote storage as text or ``UPath``."""


@runtime_checkable
class Augmenter(Protocol):
    """The interface of augmenters: callables that return a random variation of an image.

    An augmenter returns a new ``uint8`` array of the same shape and does not change its input. It
    takes all randomness from `rng` and none from global state, so that the result depends on
    (image, rng) only. It is picklable and thread-safe. Plain functions qualify.
    `shelfvision.testing.check_augmenter` checks all of this.
    """

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Return an augmented copy of `image`, ``uint8`` of the same shape."""
        ...


@runtime_checkable
class PixelSource(Protocol):
    """The interface of pixel sources: random access to the photos of a dataset.

    A row always returns the same bytes, in any order of access and from any thread or process. A
    source is picklable and never changes a file.
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
        """Return a hexadecimal digest of the content of a row, without decoding if possible."""
        ...


@runtime_checkable
class BatchPixelSource(PixelSource, Protocol):
    """The interface of pixel sources that read many rows faster than one by one."""

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return the rows as ``uint8`` (n, height, width, 3), equal to `read` row by row."""
        ...
