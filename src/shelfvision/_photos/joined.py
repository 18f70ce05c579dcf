"""`JoinedPixels`: the rows of several sources, one source after the other.

>>> import numpy as np
>>> from shelfvision._photos.sources import ArrayPixels
>>> parts = [ArrayPixels(np.full((n, 4, 4, 3), n, np.uint8)) for n in (1, 2)]
>>> joined = joined_source(parts)
>>> len(joined), int(joined.read(2)[0, 0, 0])
(3, 2)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast, final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import resize_image
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._photos.sources import (
    SourceRows,
    content_sizes_of,
    crop_rule_of,
    file_of,
    has_files,
    kept,
    read_as,
    read_rows,
    resize_of,
    resized_source,
    whole_photos,
)
from shelfvision.protocols import Image, Images, PixelSource, Resize


@final
class JoinedPixels:
    """The rows of several sources of one image size and resize rule.

    Parameters
    ----------
    sources : sequence of PixelSource
        The sources, at least one.
    """

    __slots__ = ("_sources", "_starts")

    def __init__(self, sources: Sequence[PixelSource]) -> None:
        self._sources = tuple(sources)
        # The first row of each source, and the number of all rows.
        self._starts = np.cumsum([0, *map(len, self._sources)])

    @property
    def sources(self) -> tuple[PixelSource, ...]:
        """The joined sources."""
        return self._sources

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._sources[0].image_size

    @property
    def resize(self) -> Resize:
        """How photos of another aspect ratio are resized to `image_size`."""
        return resize_of(self._sources[0])

    @property
    def has_files(self) -> bool:
        """Whether all photos can be read again at another size."""
        return all(map(has_files, self._sources))

    def resized(self, image_size: tuple[int, int], resize: Resize) -> JoinedPixels:
        """Return the same rows at another size."""
        return JoinedPixels([resized_source(one, image_size, resize) for one in self._sources])

    @property
    def crop_rule(self) -> Preprocessing | None:
        """The rule of the crops; None if no source has crops."""
        return next(filter(None, map(crop_rule_of, self._sources)), None)

    def read_as(self, rule: Preprocessing) -> JoinedPixels:
        """Return the same rows as a classifier with this preprocessing reads them."""
        return JoinedPixels([read_as(one, rule) for one in self._sources])

    def whole_photos(self, rows: SourceRows) -> tuple[PixelSource, SourceRows]:
        """Return a source of the whole photos, and the photo of each row."""
        found = np.empty(len(rows), dtype=np.int64)
        photos: list[PixelSource] = []
        for source, places, inner in self._by_source(rows):
            whole, of_source = whole_photos(source, inner)
            found[places] = of_source + sum(map(len, photos))
            photos.append(whole)
        return JoinedPixels(photos), found

    def kept(self, rows: SourceRows, directory: str | None) -> JoinedPixels:
        """Return the same rows, whose crops are cut once."""
        used = {id(source): inner for source, _, inner in self._by_source(rows)}
        none = np.empty(0, dtype=np.int64)
        return JoinedPixels(
            [kept(one, used.get(id(one), none), directory) for one in self._sources]
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self._starts[-1])

    def read(self, row: int) -> Image:
        """Return row `row`."""
        source, inner = self._at(row)
        return source.read(inner)

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return several rows, with `read_many` of each source that has it."""
        wanted = np.asarray(rows, dtype=np.int64)
        images = np.empty((len(wanted), *self.image_size, 3), dtype=np.uint8)
        for source, places, inner in self._by_source(wanted):
            images[places] = read_rows(source, inner)
        return images

    def thumbnail(self, row: int, image_size: tuple[int, int]) -> Image:
        """Return row `row` stretched to another size."""
        source, inner = self._at(row)
        own = getattr(source, "thumbnail", None)
        if own is not None:
            return cast("Image", own(inner, image_size))
        return resize_image(source.read(inner), image_size=image_size)

    def digest(self, row: int) -> str:
        """Return the digest of row `row`."""
        source, inner = self._at(row)
        return source.digest(inner)

    def file_of(self, row: int) -> str | None:
        """Return the path of the photo of row `row`, or None without one."""
        source, inner = self._at(row)
        return file_of(source, inner)

    def sizes(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
        """Return the size of each row's content; None if a source does not know it."""
        found = np.zeros(len(rows), dtype=np.int64)
        for source, places, inner in self._by_source(rows):
            sizes = content_sizes_of(source, inner)
            if sizes is None:
                return None
            found[places] = sizes
        return found

    def _at(self, row: int) -> tuple[PixelSource, int]:
        place = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._sources[place], row - int(self._starts[place])

    def _by_source(
        self, rows: npt.NDArray[np.int64]
    ) -> Iterable[tuple[PixelSource, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Yield each source with the positions in `rows`, and its own rows, that belong to it."""
        places = np.searchsorted(self._starts, rows, side="right") - 1
        for place in np.unique(places).tolist():
            here = np.flatnonzero(places == place)
            yield self._sources[place], here, rows[here] - self._starts[place]


def joined_source(sources: Iterable[PixelSource]) -> JoinedPixels:
    """Return the rows of all sources; sources that are joined themselves are not nested."""
    flat: list[PixelSource] = []
    for source in sources:
        flat += source.sources if isinstance(source, JoinedPixels) else (source,)
    return JoinedPixels(flat)
