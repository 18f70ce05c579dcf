"""Make Label Studio tasks of predictions and their photos."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._photos.given import Photo
from shelfvision._photos.sources import file_of
from shelfvision.data import Dataset
from shelfvision.data.reading import Photos, one_by_one
from shelfvision.errors import DataError, PhotoError
from shelfvision.predictions._reviewing import picture_of, pictures_of, require_same_order
from shelfvision.review.label_studio import LARGEST_SIDE, image_source, photo_task

if TYPE_CHECKING:
    from shelfvision.predictions._predictions import Predictions


def label_studio_tasks(
    predictions: Predictions, photos: Photos, root: str | None
) -> Iterator[dict[str, object]]:
    """Yield a task for each photo that could be read."""
    _require_distinct(predictions.ids.tolist())
    image_of = _images_of(predictions, photos, root)
    return _tasks(predictions, image_of)


def _tasks(predictions: Predictions, image_of: Callable[[int], str]) -> Iterator[dict[str, object]]:
    for row, one in enumerate(predictions):
        if one.label is not None:
            yield photo_task(one.id, image_of(row), one.label, one.confidence)


def _images_of(predictions: Predictions, photos: Photos, root: str | None) -> Callable[[int], str]:
    """Return a function that returns the image of a row for Label Studio."""
    if isinstance(photos, Dataset):
        read = pictures_of(photos, predictions.ids, predictions.errors)
        source, rows = photos.table.source, photos.table.rows

        def of_dataset(row: int) -> str:
            path = file_of(source, int(rows[row]))
            if path is not None:
                return image_source(path, root=root)
            picture = read(row, LARGEST_SIDE)
            if picture.pixels is None:
                raise PhotoError(f"photo {row} cannot be read: {picture.error}", code="unreadable")
            return image_source(picture.pixels, root=root)

        return of_dataset
    batch = isinstance(photos, np.ndarray) and photos.ndim == 4
    given: list[Photo] = list(photos) if batch else list(one_by_one(photos))  # type: ignore[arg-type]  # rows of a batch
    names = [os.fsdecode(one) if isinstance(one, str | os.PathLike) else None for one in given]
    require_same_order(names, predictions.ids, strict=False)

    def of_photo(row: int) -> str:
        photo = given[row]
        if isinstance(photo, str | os.PathLike):
            return image_source(photo, root=root)
        return image_source(picture_of(photo, f"photo {row}", LARGEST_SIDE), root=root)

    return of_photo


def _require_distinct(ids: Sequence[str]) -> None:
    name, count = Counter(ids).most_common(1)[0] if ids else ("", 1)
    if count > 1:
        raise DataError(
            f"predictions must have distinct ids, got {name!r} {count} times; predict each photo "
            "once",
            code="duplicate",
            parameter="ids",
        )
