"""Measure the photos of a batch: digests, quality and thumbnails, as `audit` measures them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from shelfvision._photos.decode import DEFAULT_LIMITS
from shelfvision._photos.threads import in_threads
from shelfvision.auditing.looks import Look, audited_image, look_of
from shelfvision.errors import PhotoError
from shelfvision.protocols import Image, StorageOptions
from shelfvision.scale._arrow import arrow
from shelfvision.scale._cells import PhotoCells
from shelfvision.scale._settings import PhotoKind
from shelfvision.scale.preparing._batches import BatchColumns
from shelfvision.scale.preparing._schemas import feature_schema

if TYPE_CHECKING:
    import pyarrow as pa


# URLs of so many photos are fetched while those before them are measured.
_STEP = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """The checked arguments of `PhotoFeatures`, which are also its pickle."""

    photo_column: str
    photo_kind: PhotoKind
    id_column: str | None
    label_column: str | None
    threads: int
    # Storage options may contain passwords, so repr leaves them out.
    storage_options: StorageOptions | None = field(default=None, repr=False)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `PhotoFeatures`; `dataclasses.asdict` would copy the options."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def cells(self) -> PhotoCells:
        """Return where the photos are."""
        return PhotoCells(
            kind=self.photo_kind, column=self.photo_column, storage_options=self.storage_options
        )

    def parameters(self) -> dict[str, str]:
        """Return the argument that names each column."""
        names = {
            "photo_column": self.photo_column,
            "id_column": self.id_column,
            "label_column": self.label_column,
        }
        return {name: parameter for parameter, name in names.items() if name is not None}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measured:
    """What is known about one photo; a photo that cannot be decoded has a digest and an error."""

    digest: str | None = None
    pixel_digest: str | None = None
    size: tuple[int, int] = (0, 0)
    look: Look | None = None
    error: PhotoError | None = None


def measured(columns: BatchColumns, settings: FeatureSettings) -> pa.Table:
    """Return the features of all rows, in order."""
    cells = columns.values(settings.photo_column)
    ids = [None] * len(cells) if settings.id_column is None else columns.texts(settings.id_column)
    names = [name or f"photo {row}" for row, name in enumerate(ids)]
    photos, found = settings.cells(), list[_Measured]()
    steps = [(row, min(row + _STEP, len(cells))) for row in range(0, len(cells), _STEP)]
    ahead = photos.ahead(
        steps, lambda start, stop: cells[start:stop], lambda start, stop: names[start:stop]
    )
    for (start, stop), some in zip(steps, ahead, strict=True):
        found += _some_measured(photos, some, names[start:stop], settings.threads)
    given: dict[str | None, list[str | None]] = {settings.id_column: list(ids)}
    if settings.label_column is not None:
        given[settings.label_column] = columns.texts(settings.label_column)
    return _as_table(found, given, settings)


def _some_measured(
    photos: PhotoCells, cells: Sequence[object], names: Sequence[str], threads: int
) -> list[_Measured]:
    found = [_Measured()] * len(cells)

    def fill(row: int) -> None:
        found[row] = _measured(photos, cells[row], names[row])

    in_threads(fill, len(cells), workers=min(threads, len(cells)))
    return found


def _measured(photos: PhotoCells, cell: object, name: str) -> _Measured:
    digest = None
    try:
        data = photos.content(cell, name)
        digest = hashlib.sha256(data).hexdigest()
        # Errors name a file like those of `audit`.
        where = cell if photos.kind == "path" and isinstance(cell, str) else name
        image, size = audited_image(data, limits=DEFAULT_LIMITS, where=where)
    except PhotoError as error:
        return _Measured(digest=digest, error=error)
    return _Measured(
        digest=digest, pixel_digest=_pixel_digest(image), size=size, look=look_of(image)
    )


def _pixel_digest(image: Image) -> str:
    """Return the digest that a dataset of arrays gives these pixels."""
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()


def _as_table(
    found: Sequence[_Measured],
    given: dict[str | None, list[str | None]],
    settings: FeatureSettings,
) -> pa.Table:
    pa = arrow()
    schema = feature_schema(settings.id_column, settings.label_column)
    looks = [one.look for one in found]
    columns: dict[str | None, object] = {
        **given,
        "digest": [one.digest for one in found],
        "pixel_digest": [one.pixel_digest for one in found],
        "height": [one.size[0] for one in found],
        "width": [one.size[1] for one in found],
        "spread": [look and look.spread for look in looks],
        "thumbnail": [look and look.tiny.tobytes() for look in looks],
        "error": [one.error and str(one.error) for one in found],
        "error_code": [one.error and one.error.code for one in found],
    }
    for name in ("blur", "mean", "dark", "bright"):
        columns[name] = [look and getattr(look.measures, name) for look in looks]
    arrays = [pa.array(columns[field.name], type=field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
