"""Read the photos in the cells of a column; whatever is wrong with a cell is a `PhotoError`.

An engine repeats a task that raises, so one bad cell would stop the whole job. Therefore every cell
gives either pixels or an error for its row: missing values, values of another type, files that do
not exist, and files that are not photos.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from shelfvision._identifiers import is_missing
from shelfvision._photos.decode import decode_photo, read_bytes
from shelfvision._photos.preprocessing import Preprocessing, center_cropped
from shelfvision._photos.refusals import refuse
from shelfvision._photos.threads import in_threads
from shelfvision.errors import PhotoError
from shelfvision.protocols import Image, Images
from shelfvision.scale._settings import PhotoKind

Pixels = Image | PhotoError

_UNREAD: Final = PhotoError("the photo was not read", code="unreadable")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoBatch:
    """The photos of a few rows, preprocessed for the network."""

    images: Images
    """The pixels of the photos that were read, in order."""
    errors: Sequence[PhotoError | None]
    """The error of each row; None for photos that were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellReader:
    """Reads the cells of a photo column."""

    kind: PhotoKind
    column: str
    """The name of the photo column, for messages."""
    preprocessing: Preprocessing
    threads: int
    _content: Callable[[object, str, str], bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_content", _CONTENTS[self.kind])

    def read(self, cells: Sequence[object], names: Sequence[str]) -> PhotoBatch:
        """Return the photos in the cells; `names` are the names of the rows in messages."""
        found: list[Pixels] = [_UNREAD] * len(cells)

        def fill(row: int) -> None:
            found[row] = self._pixels(cells[row], names[row])

        in_threads(fill, len(cells), workers=min(self.threads, len(cells)))
        return _batch_of(found, self.preprocessing)

    def _pixels(self, cell: object, where: str) -> Pixels:
        rule = self.preprocessing
        try:
            data = self._content(cell, where, self.column)
            return decode_photo(data, image_size=rule.read_size, resize=rule.resize, where=where)
        except PhotoError as error:
            return error


def _batch_of(found: Sequence[Pixels], rule: Preprocessing) -> PhotoBatch:
    good = [one for one in found if not isinstance(one, PhotoError)]
    errors = [one if isinstance(one, PhotoError) else None for one in found]
    if not good:
        return PhotoBatch(images=np.empty((0, *rule.image_size, 3), np.uint8), errors=errors)
    return PhotoBatch(images=center_cropped(np.stack(good), rule), errors=errors)


def _given_bytes(cell: object, where: str, column: str) -> bytes:
    """Return the content of a cell of encoded photos."""
    if isinstance(cell, bytes):
        return cell
    if isinstance(cell, bytearray | memoryview):
        return bytes(cell)
    if isinstance(cell, np.ndarray) and cell.dtype == np.uint8 and cell.ndim == 1:
        return cell.tobytes()
    _require_present(cell, where, column)
    remedy = "store the bytes of the encoded file in it"
    if isinstance(cell, str):
        remedy = 'pass photo_kind="path" for paths'
    raise _wrong_type(cell, where, column, "bytes", remedy)


def _file_bytes(cell: object, where: str, column: str) -> bytes:
    """Return the content of the file that a cell names."""
    if isinstance(cell, str | os.PathLike):
        path = os.fspath(cell)
        if path and isinstance(path, str):
            return read_bytes(path)[0]
    _require_present(cell, where, column)
    remedy = 'pass photo_kind="bytes" for encoded files'
    raise _wrong_type(cell, where, column, "a path", remedy)


def _require_present(cell: object, where: str, column: str) -> None:
    empty = isinstance(cell, str) and not cell
    if empty or (not hasattr(cell, "__len__") and is_missing(cell)):
        refuse(
            where,
            "missing",
            f"has no photo: its cell in the column {column!r} is empty",
            "add its photo to the table, or remove the row",
        )


def _wrong_type(cell: object, where: str, column: str, wanted: str, remedy: str) -> PhotoError:
    return PhotoError(
        f"{where!r} must have {wanted} in the column {column!r}, got {type(cell).__name__}; "
        f"{remedy}",
        path=where,
        code="wrong-type",
    )


_CONTENTS: Final[dict[PhotoKind, Callable[[object, str, str], bytes]]] = {
    "bytes": _given_bytes,
    "path": _file_bytes,
}
