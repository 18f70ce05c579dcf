"""Read the photos in the cells of a column; whatever is wrong with a cell is a `PhotoError`.

An engine repeats a task that raises, so one bad cell would stop the whole job. Therefore every cell
gives either pixels or an error for its row: missing values, values of another type, files that do
not exist, and files that are not photos.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, cast

import numpy as np

from shelfvision._identifiers import is_missing
from shelfvision._photos.decode import decode_photo, read_bytes
from shelfvision._photos.preprocessing import Preprocessing, center_cropped
from shelfvision._photos.refusals import refuse
from shelfvision._photos.threads import in_threads
from shelfvision._urls import is_url, shown_url
from shelfvision.errors import PhotoError
from shelfvision.protocols import Image, Images, StorageOptions, UniversalPath
from shelfvision.scale._fetching import Step, fetched, url_content
from shelfvision.scale._settings import PhotoKind

UNREAD: Final = PhotoError("the photo was not read", code="unreadable")
"""What stands for a row before its photo was read."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoBatch:
    """The photos of a few rows, preprocessed for the network."""

    images: Images
    """The pixels of the photos that were read, in order."""
    errors: Sequence[PhotoError | None]
    """The error of each row; None for photos that were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoCells:
    """Where the photos of a table are."""

    kind: PhotoKind
    column: str
    """The name of the photo column, for messages."""
    storage_options: StorageOptions | None = None
    """The options for URLs."""

    def content(self, cell: object, where: str) -> bytes:
        """Return the bytes of the file of a photo, or raise `PhotoError`."""
        if isinstance(cell, Future):
            return cast("bytes", cell.result())
        if self.kind == "bytes":
            return _given_bytes(cell, where, self.column)
        if self.kind == "path":
            return _file_bytes(cell, where, self.column)
        return self._url_bytes(cell, where)

    def ahead(
        self,
        steps: Sequence[Step],
        cells: Callable[[int, int], Sequence[object]],
        names: Callable[[int, int], Sequence[str]],
    ) -> Iterator[Sequence[object]]:
        """Yield the cells of each step; URLs are fetched one step ahead."""
        if self.kind == "url":
            return fetched(steps, cells, names, self._url_bytes)
        return (cells(start, stop) for start, stop in steps)

    def _url_bytes(self, cell: object, where: str) -> bytes:
        if isinstance(cell, str | os.PathLike | UniversalPath) and cell != "":
            return url_content(cell, where, self.storage_options)
        require_present(cell, where, self.column)
        remedy = 'pass photo_kind="bytes" for encoded files'
        raise wrong_type(cell, where, self.column, "a URL", remedy)


def read_cells(
    photos: PhotoCells,
    cells: Sequence[object],
    names: Sequence[str],
    preprocessing: Preprocessing,
    threads: int,
) -> PhotoBatch:
    """Return the photos in some cells; `names` are the names of the rows in messages."""
    rule = preprocessing
    found: list[Image | PhotoError] = [UNREAD] * len(cells)

    def fill(row: int) -> None:
        try:
            data = photos.content(cells[row], names[row])
            found[row] = decode_photo(
                data, image_size=rule.read_size, resize=rule.resize, where=names[row]
            )
        except PhotoError as error:
            found[row] = error

    in_threads(fill, len(cells), workers=min(threads, len(cells)))
    good = [one for one in found if not isinstance(one, PhotoError)]
    images = np.stack(good) if good else np.empty((0, *rule.read_size, 3), np.uint8)
    errors = [one if isinstance(one, PhotoError) else None for one in found]
    return PhotoBatch(images=center_cropped(images, rule), errors=errors)


def require_present(cell: object, where: str, column: str, what: str = "photo") -> None:
    """Refuse a missing value: None, NaN, pandas' NA or an empty text."""
    empty = isinstance(cell, str) and not cell
    if empty or (not hasattr(cell, "__len__") and is_missing(cell)):
        refuse(
            where,
            "missing",
            f"has no {what}: its cell in the column {column!r} is empty",
            "fill the cell, or remove the row",
        )


def wrong_type(cell: object, where: str, column: str, wanted: str, remedy: str) -> PhotoError:
    """Return the error for a cell of another type."""
    return PhotoError(
        f"{where!r} must have {wanted} in the column {column!r}, got {type(cell).__name__}; "
        f"{remedy}",
        path=where,
        code="wrong-type",
    )


def _given_bytes(cell: object, where: str, column: str) -> bytes:
    """Return the content of a cell of encoded photos."""
    if isinstance(cell, bytes):
        return cell
    if isinstance(cell, bytearray | memoryview):
        return bytes(cell)
    if isinstance(cell, np.ndarray) and cell.dtype == np.uint8 and cell.ndim == 1:
        return cell.tobytes()
    require_present(cell, where, column)
    remedy = "store the bytes of the encoded file in it"
    if isinstance(cell, str):
        remedy = 'pass photo_kind="path" for paths, or photo_kind="url" for URLs'
    raise wrong_type(cell, where, column, "bytes", remedy)


def _file_bytes(cell: object, where: str, column: str) -> bytes:
    """Return the content of the file that a cell names."""
    if isinstance(cell, str | os.PathLike):
        path = os.fspath(cell)
        if is_url(path):
            raise PhotoError(
                f"{where!r} must have a path in the column {column!r}, got the URL "
                f'{shown_url(path)!r}; pass photo_kind="url"',
                path=where,
                code="not-supported",
            )
        if path and isinstance(path, str):
            return read_bytes(path)[0]
    require_present(cell, where, column)
    remedy = 'pass photo_kind="bytes" for encoded files'
    raise wrong_type(cell, where, column, "a path", remedy)
