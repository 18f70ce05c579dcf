"""`CropPixels`: crops of boxes, cut from photo files on access."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import final

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from shelfvision._photos.cropped import KeptCrops
from shelfvision._photos.file_pixels import FilePixels
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._photos.sources import SourceRows
from shelfvision._photos.threads import in_threads
from shelfvision.boxes.box_list import Corners
from shelfvision.boxes.crops import cropped, windows_in
from shelfvision.protocols import Image, Images, PixelSource, Resize

_MOST_PHOTOS = 4
"""The most whole photos that are in memory at a time while rows are read."""


@final
class CropPixels:
    """Crops of boxes, row by row in the order of their photos.

    The crops of one photo are cut from one decoded photo. The photo that was read last stays in
    memory, so that rows that are read one by one in order decode each photo once.

    Parameters
    ----------
    photos : FilePixels
        The files of the photos.
    photo_of : ndarray of int64, shape (n,)
        The photo of each box.
    corners : ndarray of float64, shape (n, 4)
        The boxes in pixels of the upright photos.
    sizes : ndarray of int64, shape (number of photos, 2)
        Height and width of each upright photo.
    rule : Preprocessing
        How boxes are cropped and resized.
    """

    def __init__(
        self,
        photos: FilePixels,
        photo_of: npt.NDArray[np.int64],
        corners: Corners,
        sizes: npt.NDArray[np.int64],
        rule: Preprocessing,
    ) -> None:
        self._photos = photos
        self._photo_of = photo_of
        self._corners = corners
        self._sizes = sizes
        self._rule = rule
        self._last: tuple[int, PillowImage.Image] | None = None

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._rule.read_size

    @property
    def resize(self) -> Resize:
        """How crops of another aspect ratio are resized."""
        return self._rule.resize

    @property
    def has_files(self) -> bool:
        """Whether the photos can be read from their files again: always True."""
        return True

    @property
    def crop_rule(self) -> Preprocessing:
        """The rule of the crops."""
        return self._rule

    def resized(self, image_size: tuple[int, int], resize: Resize) -> CropPixels:
        """Return the crops at another size, cut from the photos."""
        rule = replace(self._rule, image_size=image_size, resize=resize, test_time_crop=1.0)
        return self.read_as(rule)

    def read_as(self, rule: Preprocessing) -> CropPixels:
        """Return the crops with another rule, cut from the photos."""
        return CropPixels(self._photos, self._photo_of, self._corners, self._sizes, rule)

    def whole_photos(self, rows: SourceRows) -> tuple[PixelSource, SourceRows]:
        """Return a source of the whole photos, and the photo of each row."""
        return self._photos, self._photo_of[rows]

    def kept(self, rows: SourceRows, directory: str | None) -> KeptCrops:
        """Return the same rows, cut once on first use."""
        hasher = hashlib.sha256(repr(self._rule).encode())
        for row in np.unique(rows):
            hasher.update(self.digest(int(row)).encode())
        return KeptCrops(self, rows, directory=directory, key=hasher.hexdigest())

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self._photo_of)

    def read(self, row: int) -> Image:
        """Return the crop of box `row`."""
        image: Image = self.read_many([row])[0]
        return image

    def read_many(self, rows: Sequence[int] | SourceRows) -> Images:
        """Return several crops; each photo is decoded once."""
        wanted = np.asarray(rows, dtype=np.int64)
        images = np.empty((len(wanted), *self.image_size, 3), dtype=np.uint8)
        photos = np.unique(self._photo_of[wanted])
        one = len(photos) == 1
        last = int(self._photo_of[wanted[-1]]) if len(wanted) else -1

        def fill(position: int) -> None:
            photo = int(photos[position])
            places = np.flatnonzero(self._photo_of[wanted] == photo)
            images[places] = self._crops(photo, wanted[places], keep=photo == last, threads=one)

        in_threads(fill, len(photos), workers=min(_MOST_PHOTOS, len(photos)))
        return images

    def digest(self, row: int) -> str:
        """Return a digest of the photo's content, the box and the crop rule."""
        photo = self._photos.digest(int(self._photo_of[row]))
        parts = (photo, self._corners[row].tolist(), self._rule.context, self._rule.shape)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _crops(self, photo: int, rows: SourceRows, *, keep: bool, threads: bool) -> Images:
        last = self._last
        pixels = last[1] if last is not None and last[0] == photo else self._photos.whole(photo)
        if keep:
            # One assignment is atomic, so that several threads may read.
            self._last = (photo, pixels)
        height, width = self._sizes[photo].tolist()
        windows = windows_in(self._corners[rows], (height, width), self._rule)
        return cropped(pixels, windows, self._rule, workers=None if threads else 1)

    def __getstate__(self) -> dict[str, object]:
        """Return what is pickled: not the photo in memory."""
        return {**self.__dict__, "_last": None}
