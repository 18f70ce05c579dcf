"""Reads every photo once and keeps its measures and a thumbnail."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import DecodeLimits, decode_photo, resize_image
from shelfvision._photos.file_pixels import FilePixels
from shelfvision._photos.headers import read_header
from shelfvision._photos.sources import crop_rule_of, whole_photos
from shelfvision._photos.threads import in_threads
from shelfvision._progress import progress
from shelfvision.auditing.measures import Measures, measures_of, spread_of
from shelfvision.data import Dataset, SkippedFile
from shelfvision.errors import PhotoError
from shelfvision.protocols import Image, PixelSource

TINY = 32
"""The side of the thumbnail of every photo, in pixels."""

# Photos are measured at this length of their longer side: enough to detect blur, fast to decode.
_SIDE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedPhotos:
    """The original photos of all sets as columns, with their pixel sources.

    A dataset of crops is audited by its whole photos, which show many classes. Its classes are
    counted by boxes.
    """

    ids: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    """The class of each photo; -1 for photos with boxes of many classes."""
    parts: npt.NDArray[np.int64]
    part_names: tuple[str, ...]
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    skipped: tuple[SkippedFile, ...]
    sources: tuple[PixelSource, ...]
    rows: npt.NDArray[np.int64]
    box_labels: npt.NDArray[np.int64]
    """The class of each row of the datasets."""
    box_photos: npt.NDArray[np.int64]
    """The photo of each row of the datasets."""

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.ids)

    def label(self, photo: int) -> str:
        """Return the class name of a photo."""
        number = int(self.labels[photo])
        return self.class_names[number] if number >= 0 else "shelf"

    def part(self, photo: int) -> str:
        """Return the set of the split that a photo is in; empty without a split."""
        return self.part_names[int(self.parts[photo])]

    def counts(self) -> dict[str, int]:
        """Return the number of photos, or boxes, of each class."""
        numbers = np.bincount(self.box_labels, minlength=len(self.class_names))
        return dict(zip(self.class_names, numbers.tolist(), strict=True))

    def picture(self, photo: int, side: int) -> Image:
        """Return a photo with its own aspect ratio, its longer side at most `side`."""
        source, row = self.sources[int(self.parts[photo])], int(self.rows[photo])
        return _read(source, row, side)[0]


def photos_of(parts: Mapping[str, Dataset]) -> AuditedPhotos:
    """Return the original photos of all sets, without augmented copies."""
    originals = {name: part[np.flatnonzero(part.copies == 0)] for name, part in parts.items()}
    blocks = list(originals.values())
    photos = [_block_of(block) for block in blocks]
    starts = np.cumsum([0, *(len(block.ids) for block in photos)])
    return AuditedPhotos(
        ids=tuple(name for block in photos for name in block.ids),
        labels=np.concatenate([block.labels for block in photos]),
        parts=np.repeat(np.arange(len(blocks)), [len(block.ids) for block in photos]),
        part_names=tuple(originals),
        class_names=blocks[0].class_names,
        image_size=blocks[0].image_size,
        skipped=tuple(dict.fromkeys(file for block in blocks for file in block.skipped)),
        sources=tuple(block.source for block in photos),
        rows=np.concatenate([block.rows for block in photos]),
        box_labels=np.concatenate([block.labels for block in blocks]),
        box_photos=np.concatenate(
            [start + block.photo_of for start, block in zip(starts[:-1], photos, strict=True)]
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """The photos of one set, and the photo of each of its rows."""

    source: PixelSource
    rows: npt.NDArray[np.int64]
    ids: list[str]
    labels: npt.NDArray[np.int64]
    photo_of: npt.NDArray[np.int64]


def _block_of(part: Dataset) -> _Block:
    table = part.table
    if crop_rule_of(table.source) is None:
        return _Block(
            source=table.source,
            rows=table.rows,
            ids=part.ids.tolist(),
            labels=part.labels,
            photo_of=np.arange(len(part)),
        )
    source, photos = whole_photos(table.source, table.rows)
    rows, first, photo_of = np.unique(photos, return_index=True, return_inverse=True)
    return _Block(
        source=source,
        rows=rows,
        ids=[part.ids[row].rpartition("#")[0] for row in first.tolist()],
        labels=np.full(len(rows), -1, dtype=np.int64),
        photo_of=photo_of,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Measures of every photo, in columns; about 4 KB per photo."""

    errors: dict[int, PhotoError]
    """The error of every photo that cannot be read."""
    readable: npt.NDArray[np.bool_]
    sizes: npt.NDArray[np.int32]
    """Height and width of the file's upright image; 0 without a file."""
    digests: list[bytes]
    """A digest of the content; empty if a photo cannot be read."""
    tiny: npt.NDArray[np.uint8] | None
    """Every photo stretched to 32 x 32 pixels; None if no thumbnails were kept."""
    spread: npt.NDArray[np.float64]
    """The standard deviation of the colour that varies most, in levels, on the thumbnail."""
    measures: npt.NDArray[np.float64]
    """A column for every field of `Measures`."""

    def measure(self, name: str) -> npt.NDArray[np.float64]:
        """Return one column of the measures."""
        column: npt.NDArray[np.float64] = self.measures[:, Measures._fields.index(name)]
        return column


def look_at(photos: AuditedPhotos) -> Looks:
    """Read every photo once, in several threads."""
    n = len(photos)
    tiny = np.zeros((n, TINY, TINY, 3), dtype=np.uint8)
    looks = Looks(
        errors={},
        readable=np.zeros(n, dtype=np.bool_),
        sizes=np.zeros((n, 2), dtype=np.int32),
        digests=[b""] * n,
        tiny=tiny,
        spread=np.zeros(n),
        measures=np.full((n, len(Measures._fields)), np.nan),
    )
    with progress("Auditing photos", n) as advance:

        def look(photo: int) -> None:
            source, row = photos.sources[int(photos.parts[photo])], int(photos.rows[photo])
            try:
                image, looks.sizes[photo], looks.digests[photo] = _read(source, row, _SIDE)
            except PhotoError as error:
                looks.errors[photo] = error
            else:
                seen = look_of(image)
                tiny[photo], looks.spread[photo], looks.measures[photo] = seen
                looks.readable[photo] = True
            advance()

        in_threads(look, n)
    return looks


class Look(NamedTuple):
    """The thumbnail and the measures of one photo."""

    tiny: Image
    """The photo stretched to 32 x 32 pixels."""
    spread: float
    """The standard deviation of the colour that varies most, in levels, on the thumbnail."""
    measures: Measures
    """Blur and light, of 256 pixels on the longer side."""


def look_of(image: Image) -> Look:
    """Measure a photo that `audited_image` returned."""
    tiny = resize_image(image, image_size=(TINY, TINY))
    return Look(tiny, spread_of(tiny), measures_of(image))


def audited_image(
    data: bytes, *, limits: DecodeLimits, where: str, side: int = _SIDE
) -> tuple[Image, tuple[int, int]]:
    """Return an encoded photo at the size at which audits measure it, and its own upright size.

    Parameters
    ----------
    data : bytes
        The whole file.
    limits : DecodeLimits
        The limits, which are checked in the header.
    where : str
        The photo's path or another name for it, for error messages.
    side : int
        The longer side of the image is at most this many pixels; its aspect ratio is kept.

    Returns
    -------
    tuple of (ndarray of uint8, tuple of int)
        RGB pixels of shape (height, width, 3), and height and width of the upright photo.

    Raises
    ------
    PhotoError
        The photo cannot be decoded.
    """
    header = read_header(data, limits=limits, where=where)
    size = header.height, header.width
    if header.orientation >= 5:
        size = size[1], size[0]
    image = decode_photo(data, image_size=_within(size, side), limits=limits, where=where)
    return image, size


def _read(source: PixelSource, row: int, side: int) -> tuple[Image, tuple[int, int], bytes]:
    """Return a photo with its own aspect ratio, its size (0 without a file), and its digest."""
    if not isinstance(source, FilePixels):
        image = source.read(row)
        small = resize_image(image, image_size=_within(image.shape[:2], side))
        return small, (0, 0), source.digest(row).encode()
    path = source.path(row)
    data = source.content(row)
    image, size = audited_image(data, limits=source.limits, where=path, side=side)
    return image, size, hashlib.sha256(data).digest()


def _within(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return a size with the same aspect ratio whose longer side is at most `side`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
