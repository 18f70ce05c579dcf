"""Check and build the columns of a dataset: images, labels, class names and ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._identifiers import (
    clean_name,
    closest,
    is_missing,
    spellings,
    text_of,
    warn_of_twins,
)
from shelfvision._photos.given import remedy_for
from shelfvision._validation import counted, listed
from shelfvision._warnings import warn_caller
from shelfvision.data.finding._classes import accepted_classes
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from shelfvision.protocols import ClassNames, Images

MOST_CLASSES = 65_536
"""The largest number of classes; larger labels are product codes, not class numbers."""

# Labels above this may be PLU codes of fruit and vegetables, which have four digits.
_SEEM_CODES = 1000


def object_array(values: Sequence[str] | npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return strings as a one-dimensional array of objects."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def checked_images(images: object) -> Images:
    """Return images, or refuse anything but one uint8 array of RGB pixels."""
    dtype, shape = getattr(images, "dtype", None), getattr(images, "shape", None)
    if not isinstance(images, np.ndarray) or images.ndim != 4 or images.shape[3] != 3:
        raise DataError(
            "images must be one uint8 array of shape (n, height, width, 3), RGB, got "
            f"{type(images).__name__ if shape is None else f'{dtype} of shape {shape}'}; "
            f"{_remedy(images)}",
            code="wrong-shape",
            parameter="images",
        )
    if images.dtype != np.uint8:
        raise DataError(
            f"images must be uint8 with values 0 to 255, got {dtype}; "
            f"{remedy_for(images, 'images')}",
            code="wrong-dtype",
            parameter="images",
        )
    if 0 in images.shape[1:]:
        raise DataError(
            f"images must have pixels, got shape {shape}", code="empty", parameter="images"
        )
    return images


def _remedy(images: object) -> str:
    """Return the remedy for images that are not one array of RGB pixels."""
    if isinstance(images, list | tuple):
        shapes = {np.shape(one) for one in images if hasattr(one, "shape")}
        equal = (
            len(shapes) == 1 and len(images) > 0 and all(hasattr(one, "shape") for one in images)
        )
        remedy = "pass numpy.stack(images)" if equal else "resize them to one size and stack them"
        return remedy if shapes else "read photos from files with Dataset.from_directory"
    if not isinstance(images, np.ndarray):
        if hasattr(images, "__array__"):
            return remedy_for(images, "images")
        return "read photos from files with Dataset.from_directory"
    if images.ndim == 3 and images.shape[-1] == 3:
        return "pass images[None]"
    if images.ndim == 4 and images.shape[-1] == 4:
        return "pass images[..., :3]"
    return remedy_for(images, "images")


def numbered(
    labels: Sequence[int] | Sequence[str] | npt.NDArray[np.integer] | npt.NDArray[np.str_],
    class_names: ClassNames | None,
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return class numbers and class names of labels that are either."""
    array = label_array(labels)
    if array.ndim != 1:
        raise DataError(
            f"labels must be one class per row, shape (n,), got shape {array.shape}; for one-hot "
            "rows, pass labels.argmax(axis=1)",
            code="wrong-shape",
            parameter="labels",
        )
    if array.dtype.kind in "OUT":
        return _named(array, class_names)
    if array.dtype.kind not in "iu":
        raise DataError(
            f"labels must be integers or names, got {array.dtype}; convert class numbers with "
            "labels.astype(int), and product codes with labels.astype(int).astype(str)",
            code="wrong-dtype",
            parameter="labels",
        )
    names = as_class_names(_digits(array) if class_names is None else class_names)
    return checked_labels(array, names), names


def _named(
    array: npt.NDArray[Any], class_names: ClassNames | None
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return class numbers and names of labels that are names or codes."""
    given = array.tolist()
    _refuse_missing(given)
    # Text is normalized later, so that a warning can show both spellings of a class name.
    texts = [one if isinstance(one, str) else text_of(one, name="labels") for one in given]
    found = spellings(texts)
    warn_of_twins(found, what="labels")
    names = as_class_names(sorted(found) if class_names is None else class_names)
    number = {name: index for index, name in enumerate(names)}
    unknown = sorted(found.keys() - set(names))
    if unknown:
        near = closest(unknown[0], names)
        remedy = f"write {near!r}" if near else "add it to class_names"
        raise DataError(
            f"labels must be among the class_names, got {listed(unknown)}; {remedy}",
            code="unknown-name",
            parameter="labels",
        )
    if found:
        accepted_classes(names, found, of="labels")
    return np.array([number[clean_name(text)] for text in texts], dtype=np.int64), names


def label_array(labels: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return labels as an array, without converting their type."""
    try:
        # NumPy would convert numbers among text to text (4006381333931.0) and strip trailing NULs.
        text = isinstance(labels, list) and any(isinstance(label, str) for label in labels)
        return np.asarray(labels, dtype=object if text else None)
    except (ValueError, OverflowError) as error:
        raise DataError(
            "labels must be one class per row, shape (n,), got entries of different shapes; pass a "
            "number or a name for each row",
            code="wrong-shape",
            parameter="labels",
        ) from error


def _digits(labels: npt.NDArray[np.integer]) -> list[str]:
    """Return the names ``"0"``, ``"1"``, … for labels that are class numbers without names."""
    largest = int(labels.max(initial=0))
    if largest >= MOST_CLASSES:
        raise DataError(
            f"labels must be class numbers from 0 to {MOST_CLASSES - 1} if class_names are not "
            f"given, got {largest}; pass product codes as text: labels.astype(str)",
            code="not-in-range",
            parameter="labels",
        )
    used = len(np.unique(labels))
    if largest >= _SEEM_CODES and largest > 2 * used:
        warn_caller(
            ShelfVisionWarning(
                f"labels are class numbers from 0 to {largest}, of which only {used} have images; "
                "pass product codes as text: labels.astype(str)",
                code="missing-class",
                parameter="labels",
            )
        )
    return [str(index) for index in range(largest + 1)]


def _refuse_missing(labels: Sequence[object]) -> None:
    for row, label in enumerate(labels):
        if is_missing(label) or (isinstance(label, str) and not clean_name(label)):
            raise DataError(
                f"labels must have a class for each row, got {label!r} in row {row}; pass a class "
                "for each row",
                code="needs-labels",
                parameter="labels",
            )


def checked_labels(
    labels: Sequence[int] | npt.NDArray[np.integer], class_names: tuple[str, ...]
) -> npt.NDArray[np.int64]:
    """Return labels as int64, or refuse numbers that are not class numbers."""
    given = np.asarray(labels)
    # Check bounds before the conversion to int64, which the largest uint64 would overflow.
    outside = (given < 0) | (given >= len(class_names))
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise DataError(
            f"labels must be from 0 to {len(class_names) - 1} for "
            f"{counted(len(class_names), 'class')}, got {given[row]} in row {row}",
            code="not-in-range",
            parameter="labels",
        )
    return np.array(given, dtype=np.int64)


def entries_of(name: str, values: Iterable[object]) -> list[object]:
    """Return the entries of a column as a list."""
    try:
        return list(values)
    except TypeError as error:
        raise DataError(
            f"{name} must be a list with one entry per row, got {values!r}",
            code="wrong-type",
            parameter=name,
        ) from error


def distinct_ids(ids: Iterable[object]) -> list[str]:
    """Return ids as unique strings."""
    given = entries_of("ids", ids)
    # Text is not normalized, because it may be the path of a file.
    names = [str(one) if isinstance(one, str) else text_of(one, name="ids") for one in given]
    if "" in names:
        raise DataError(
            f"ids must have an id for each image, got {given[names.index('')]!r} in row "
            f"{names.index('')}; give this image an id",
            code="empty",
            parameter="ids",
        )
    if len(set(names)) != len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise DataError(
            f"ids must be unique, got {twice!r} more than once; give each image another id",
            code="duplicate",
            parameter="ids",
        )
    return names


def as_photo_id(name: object) -> str:
    """Return a photo id, or refuse another value on the left of ``in``."""
    if isinstance(name, str):
        return name
    raise InvalidParameterError(
        f"a photo id must be on the left of `in`, a str, got {type(name).__name__}; write "
        "dataset.ids[0] in dataset",
        code="wrong-type",
        parameter="name",
    )
