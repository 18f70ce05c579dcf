"""Find products that may be counted twice: overlapping boxes, and repeated photos of one bay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import resize_image
from shelfvision._random import rng_for
from shelfvision._text import printable
from shelfvision._validation import counted
from shelfvision._warnings import warn_caller
from shelfvision.boxes.overlaps import overlapping_pairs
from shelfvision.data.duplicates.near import near_pairs
from shelfvision.errors import PhotoError, ShelfVisionWarning
from shelfvision.inventory._counted_regions import CountedRegions
from shelfvision.protocols import Image
from shelfvision.regions import Regions

DoubleCountKind: TypeAlias = Literal["overlapping boxes", "box inside another", "repeated photo"]
"""Why two boxes or photos may show the same products."""

_IOU = 0.5
"""From this intersection over union, two boxes overlap."""
_INSIDE = 0.9
"""From this share of its area, a box is inside another one."""
_SIMILAR = 0.9
"""From this structural similarity, two photos show the same bay."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleCount:
    """Two boxes or two photos that may show the same products."""

    kind: DoubleCountKind
    """The reason: ``"overlapping boxes"``, ``"box inside another"`` or ``"repeated photo"``."""
    ids: tuple[str, str]
    """The ids of the two boxes, or the names of the two photos."""
    similarity: float
    """The intersection over union, the share of the smaller box inside the other one, or the
    structural similarity of the photos, 0 to 1."""

    def __str__(self) -> str:
        """Return the finding as a line of text."""
        first, second = (printable(one) for one in self.ids)
        return f"{self.kind}: {first} and {second} ({self.similarity:.2f})"


def double_counts(
    photos: CountedRegions | None, rejected: npt.NDArray[np.bool_] | None
) -> tuple[DoubleCount, ...]:
    """Return what may be counted twice, and warn if there is anything; rejected boxes are not."""
    if photos is None:
        return ()
    found = (*_repeated(photos), *_overlapping(photos, rejected))
    if found:
        warn_caller(
            ShelfVisionWarning(
                f"{counted(len(found), 'pair')} of boxes or photos may be counted twice, such as "
                f"{found[0]}; see Inventory.double_counts, and leave one of each pair out",
                code="counted-twice",
                parameter="photos",
            )
        )
    return found


def _overlapping(
    photos: CountedRegions, rejected: npt.NDArray[np.bool_] | None
) -> list[DoubleCount]:
    found, first = [], 0
    kept = np.ones(len(photos.predictions), np.bool_) if rejected is None else ~rejected
    for name, regions in zip(photos.names, photos.regions, strict=True):
        rows = np.flatnonzero(kept[first : first + len(regions)])
        first += len(regions)
        corners = regions.boxes.corners[rows]
        pairs = overlapping_pairs(corners, corners)
        pairs = pairs[pairs.first < pairs.second]
        pairs = pairs[(pairs.iou >= _IOU) | (pairs.contained >= _INSIDE)]
        columns = zip(pairs.first, pairs.second, pairs.iou, pairs.contained, strict=True)
        for one, other, iou, contained in columns:
            inside = iou < _IOU
            found.append(
                DoubleCount(
                    kind="box inside another" if inside else "overlapping boxes",
                    ids=(f"{name}#{rows[one]}", f"{name}#{rows[other]}"),
                    similarity=float(contained if inside else iou),
                )
            )
    return found


class _ShelfPhotos:
    """The shelf photos as a pixel source; a photo that cannot be read again is random noise."""

    image_size = (32, 32)

    def __init__(self, regions: tuple[Regions, ...]) -> None:
        self._regions = regions

    def __len__(self) -> int:
        return len(self._regions)

    def read(self, row: int) -> Image:
        try:
            return resize_image(self._regions[row].photo(), image_size=self.image_size)
        except PhotoError:
            noise = rng_for(row, "unreadable shelf photo")
            return noise.integers(0, 256, (*self.image_size, 3), dtype=np.uint8)

    def digest(self, row: int) -> str:
        return str(row)


def _repeated(photos: CountedRegions) -> list[DoubleCount]:
    if len(photos.regions) < 2:
        return []
    rows = np.arange(len(photos.regions))
    pairs, similarity = near_pairs(_ShelfPhotos(photos.regions), rows, _SIMILAR)
    return [
        DoubleCount(
            kind="repeated photo",
            ids=(photos.names[one], photos.names[other]),
            similarity=min(float(share), 1.0),
        )
        for (one, other), share in zip(pairs.tolist(), similarity, strict=True)
    ]
