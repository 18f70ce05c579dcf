"""Reads every photo once and keeps its measures and a thumbnail."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import decode_photo, read_bytes, resize_image
from shelfvision._photos.file_pixels import FilePixels
from shelfvision._photos.headers import read_header
from shelfvision._photos.sources import crop_rule_of, whole_photos
from shelfvision._photos.threads import in_threads
from shelfvision._progress import progress
from shelfvision.auditing._measures import Measures, measures_of, spread_of
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
    tiny: npt.NDArray[np.uint8]
    """Every photo stretched to 32 x 32 pixels."""
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
    looks = Looks(
        errors={},
        readable=np.zeros(n, dtype=np.bool_),
        sizes=np.zeros((n, 2), dtype=np.int32),
        digests=[b""] * n,
        tiny=np.zeros((n, TINY, TINY, 3), dtype=np.uint8),
        spread=np.zeros(n),
        measures=np.full((n, len(Measures._fields)), np.nan),
    )
    with progress("Auditing photos", n) as advance:

        def look(photo: int) -> None:
            try:
                _look(photos, photo, looks)
            except PhotoError as error:
                looks.errors[photo] = error
            advance()

        in_threads(look, n)
    return looks


def _look(photos: AuditedPhotos, photo: int, looks: Looks) -> None:
    source, row = photos.sources[int(photos.parts[photo])], int(photos.rows[photo])
    image, looks.sizes[photo], looks.digests[photo] = _read(source, row, _SIDE)
    looks.tiny[photo] = resize_image(image, image_size=(TINY, TINY))
    looks.spread[photo] = spread_of(looks.tiny[photo])
    looks.measures[photo] = measures_of(image)
    looks.readable[photo] = True


def _read(source: PixelSource, row: int, side: int) -> tuple[Image, tuple[int, int], bytes]:
    """Return a photo with its own aspect ratio, its size (0 without a file), and its digest."""
    if not isinstance(source, FilePixels):
        image = source.read(row)
        small = resize_image(image, image_size=_within(image.shape[:2], side))
        return small, (0, 0), source.digest(row).encode()
    path = source.path(row)
    data, _ = read_bytes(path, limits=source.limits)
    header = read_header(data, limits=source.limits, where=path)
    size = header.height, header.width
    if header.orientation >= 5:
        size = size[1], size[0]
    image = decode_photo(data, image_size=_within(size, side), limits=source.limits, where=path)
    return image, size, hashlib.sha256(data).digest()


def _within(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return a size with the same aspect ratio whose longer side is at most `side`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
