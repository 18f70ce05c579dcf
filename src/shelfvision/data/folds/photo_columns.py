"""Datasets of the columns of photos and labels that scikit-learn's functions pass around.

A column of photos is an array of pixels, or a sequence of paths, PIL images, encoded files or
arrays. `column_of_photos` returns it in one of two forms, and `dataset_of_photos` makes a dataset.
Files are read when their pixels are needed, all other photos are read once now.

>>> import numpy as np
>>> photos = [np.zeros((8, 9, 3), np.uint8), np.ones((6, 6, 3), np.uint8)]
>>> dataset = dataset_of_photos(photos, [1, 0], class_names=["juice", "milk"], image_size=(4, 4))
>>> dataset.image_size, dataset.labels.tolist()
((4, 4), [1, 0])
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from shelfvision._class_names import as_class_names
from shelfvision._photos.file_pixels import FilePixels
from shelfvision._photos.given import Photo, remedy_for
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._photos.sources import ArrayPixels, resized_source
from shelfvision._urls import is_url, shown_url
from shelfvision._validation import counted
from shelfvision.data._columns import entries_of, object_array
from shelfvision.data._dataset import Dataset
from shelfvision.data._given import table_of_source
from shelfvision.data._lineage import named_groups
from shelfvision.data.reading import Reader
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import ClassNames, Images, PixelSource, Resize

PhotoColumn: TypeAlias = Images | Iterable[Photo]
"""Several photos: pixels of shape (n, height, width, 3), or paths, PIL images or arrays."""

_ONE_PHOTO = (str, os.PathLike, bytes, bytearray, memoryview, PillowImage.Image)
_BLOCK = 256


def column_of_photos(photos: object, *, parameter: str = "X") -> Images | list[Photo]:
    """Return photos as one array of pixels, or as a list of single photos.

    Parameters
    ----------
    photos : object
        An array of pixels, or a sequence, a pandas column, or a table with one column of photos.
    parameter : str, default="X"
        The name of the parameter in error messages.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, 3), or list
        The photos.

    Raises
    ------
    InvalidParameterError
        It is a single photo, or has another shape.
    """
    if isinstance(photos, np.ndarray) and photos.dtype.kind not in "OUT":
        return _checked_pixels(photos, parameter)
    if isinstance(photos, _ONE_PHOTO) or not isinstance(photos, Iterable | np.ndarray):
        raise InvalidParameterError(
            f"{parameter} must be an array of photos, shape (n, height, width, 3), or a sequence "
            f"of paths, PIL images or arrays, got {type(photos).__name__}; pass [{parameter}] for "
            "one photo",
            code="wrong-type",
            parameter=parameter,
        )
    shape: tuple[int, ...] = getattr(photos, "shape", (0,))
    if len(shape) == 2 and shape[1] == 1:
        # scikit-learn's samplers and column selectors keep one column as a table.
        photos = np.asarray(photos, dtype=object)[:, 0]
    elif len(shape) > 1 or isinstance(photos, Mapping):
        raise InvalidParameterError(
            f"{parameter} must have one photo per row, got shape {shape}; pass one column of paths",
            code="wrong-shape",
            parameter=parameter,
        )
    found = list(cast("Iterable[Photo]", photos))
    return [str(one) if isinstance(one, np.str_) else one for one in found]


def _checked_pixels(photos: npt.NDArray[Any], parameter: str) -> Images:
    if seem_photos(photos) and 0 not in photos.shape[1:]:
        return photos
    raise InvalidParameterError(
        f"{parameter} must be a uint8 array of shape (n, height, width, 3), got {photos.dtype} of "
        f"shape {photos.shape}; {remedy_for(photos, parameter)}",
        code="wrong-shape",
        parameter=parameter,
    )


def is_file_path(photo: object) -> bool:
    """Return whether a photo is the path of a file on this computer."""
    return isinstance(photo, str | os.PathLike) and not is_url(photo)


def seem_photos(column: object) -> bool:
    """Return whether a column has photos, not features of another kind; no photo is read."""
    if isinstance(column, np.ndarray) and column.dtype.kind not in "OUT":
        return column.dtype == np.uint8 and column.ndim == 4 and column.shape[-1] == 3
    if isinstance(column, _ONE_PHOTO) or len(getattr(column, "shape", (0,))) > 1:
        return False
    if not isinstance(column, Sequence | np.ndarray):
        column = getattr(column, "tolist", list)()
    return len(column) > 0 and all(map(_seems_photo, cast("Sequence[object]", column)))


def _seems_photo(one: object) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == np.uint8 and one.ndim == 3
    if isinstance(one, str | os.PathLike):
        return os.path.isfile(one)
    return isinstance(one, bytes | PillowImage.Image)


def dataset_of_photos(
    photos: object,
    labels: npt.ArrayLike,
    *,
    class_names: ClassNames,
    groups: Iterable[object] | None = None,
    image_size: tuple[int, int] | None = None,
    resize: Resize = "stretch",
    parameter: str = "X",
) -> Dataset:
    """Return a dataset of a column of photos.

    Parameters
    ----------
    photos : ndarray or sequence
        As for `column_of_photos`. The id of a file is its path, of any other photo its position.
    labels : array_like of int, shape (n,)
        The class number of each photo.
    class_names : iterable of str
        The classes, in the order of their numbers.
    groups : iterable of str, optional
        The group of each photo, as in `Dataset.from_arrays`.
    image_size, resize : optional
        The size of the images. By default that of an array, and (100, 100) for other photos.
    parameter : str, default="X"
        The name of `photos` in error messages.

    Returns
    -------
    Dataset
        The photos in their order.
    """
    listed = column_of_photos(photos, parameter=parameter)
    numbers = np.asarray(labels, dtype=np.int64)
    names = None if groups is None else named_groups(entries_of("groups", groups))
    for name, column in (("y", numbers), ("groups", names)):
        if column is not None and len(column) != len(listed):
            raise InvalidParameterError(
                f"{name} must have one entry per photo, got {len(column)} for "
                f"{counted(len(listed), 'photo')}; pass one for each",
                code="wrong-length",
                parameter=name,
            )
    source, ids = _source_of(listed, image_size, resize, parameter)
    table = table_of_source(
        source, ids=ids, labels=numbers, class_names=as_class_names(class_names), groups=names
    )
    return Dataset(table)


def _source_of(
    photos: Images | list[Photo],
    image_size: tuple[int, int] | None,
    resize: Resize,
    parameter: str,
) -> tuple[PixelSource, npt.NDArray[np.object_]]:
    if isinstance(photos, np.ndarray):
        source: PixelSource = ArrayPixels(photos)
        if image_size is not None and image_size != photos.shape[1:3]:
            source = resized_source(source, image_size, resize)
        return source, _numbers(len(photos))
    _require_no_urls(photos, parameter)
    size = (100, 100) if image_size is None else image_size
    if photos and all(map(is_file_path, photos)):
        return _files(cast("list[str | os.PathLike[str]]", photos), size, resize)
    reader = Reader(preprocessing=Preprocessing(image_size=size, resize=resize), on_error="raise")
    images = [batch.images for batch in reader.batches(photos, _BLOCK)]
    pixels = np.concatenate(images) if images else np.empty((0, *size, 3), dtype=np.uint8)
    return ArrayPixels(pixels, resize=resize), _numbers(len(photos))


def _require_no_urls(photos: Iterable[object], parameter: str) -> None:
    urls = [photo for photo in photos if isinstance(photo, str) and is_url(photo)]
    if urls:
        raise InvalidParameterError(
            f"{parameter} must not have URLs as text, got {shown_url(urls[0])!r}; pass a UPath of "
            "universal_pathlib for each, or download the files",
            code="not-supported",
            parameter=parameter,
        )


def _numbers(length: int) -> npt.NDArray[np.object_]:
    return object_array([str(number) for number in range(length)])


def _files(
    paths: list[str | os.PathLike[str]], size: tuple[int, int], resize: Resize
) -> tuple[PixelSource, npt.NDArray[np.object_]]:
    """Return a source of files, and their ids; a file that is listed twice has two ids."""
    names = [os.fsdecode(path) for path in paths]
    times: Counter[str] = Counter()
    ids: list[Any] = []
    for name in names:
        times[name] += 1
        ids.append(name if times[name] == 1 else f"{name} ({times[name]})")
    absolute = object_array([os.path.abspath(name) for name in names])
    return FilePixels(os.getcwd(), absolute, image_size=size, resize=resize), object_array(ids)
