"""Align a dataset with a classifier: class numbers, image size and resize rule.

A test set often lacks a class, has its classes in another order, or was opened with another image
size. Each of these would change all results. So training, evaluation, prediction, calibration and
galleries align the dataset with these functions before they compute anything.

>>> import numpy as np
>>> from shelfvision.data import Dataset
>>> photos = Dataset.from_arrays(np.zeros((2, 8, 8, 3), np.uint8), ["tea", "milk"])
>>> photos.labels.tolist()
[1, 0]
>>> names = ("juice", "tea", "milk")
>>> aligned(photos, names, parameter="dataset", of="classifier").labels.tolist()
[1, 2]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from shelfvision._identifiers import closest
from shelfvision._photos.centered import CenteredPixels
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._photos.sources import crop_rule_of, has_files, read_as
from shelfvision._validation import listed
from shelfvision._warnings import warn_caller
from shelfvision.data._dataset import Dataset
from shelfvision.data._selecting import renumbered
from shelfvision.errors import DataError, ShelfVisionWarning, SplitError

_SHOWN = 5
"""The number of names in a remedy."""
_ALIKE = 0.8
"""The smallest similarity of two names, 0 to 1, for which the remedy suggests renaming."""

Brought: TypeAlias = Literal["as given", "files", "arrays"]
"""How photos were resized: not at all, read from files again, or from their pixels."""


def aligned(
    dataset: Dataset,
    class_names: tuple[str, ...],
    *,
    parameter: str,
    of: str,
    error: type[DataError | SplitError] = DataError,
    remedy: str = "",
) -> Dataset:
    """Return the dataset with these class names and class numbers; classes may lack photos.

    Parameters
    ----------
    dataset : Dataset
        Photos whose classes are among `class_names`, in any order.
    class_names : tuple of str
        The classes in the order of their numbers.
    parameter : str
        The parameter name of the dataset, for the error message.
    of : str
        The name of the object with these class names: ``"classifier"``, ``"train"``.
    error : type of error, default=DataError
        The error class.
    remedy : str, optional
        Another remedy for photos of unknown classes, which the caller offers.

    Returns
    -------
    Dataset
        The same rows in the same order; the same object if nothing changes.

    Raises
    ------
    DataError
        The dataset has a class that is not in `class_names`.
    """
    if dataset.class_names == class_names:
        return dataset
    known = set(class_names)
    unknown = [name for name in dataset.class_names if name not in known]
    if unknown:
        also = f", or {remedy}" if remedy and len(unknown) < len(dataset.class_names) else ""
        raise error(
            f"{parameter} must have the classes of {of}, got {listed(unknown)}, which {of} does "
            f"not have; {_remedy(dataset, class_names, unknown, parameter, of)}{also}",
            code="unknown-class",
            parameter=parameter,
        )
    return Dataset(renumbered(dataset.table, class_names))


def _remedy(
    dataset: Dataset, class_names: tuple[str, ...], unknown: list[str], parameter: str, of: str
) -> str:
    """Return the remedy: leave out unknown classes, or rename similar names."""
    free = [name for name in class_names if name not in dataset.class_names]
    near = {name: closest(name, free) for name in unknown[:_SHOWN]}
    renamed = {name: other for name, other in near.items() if other and _alike(name, other)}
    rename = f"{parameter}.relabel({renamed!r})" if renamed else ""
    if len(unknown) == len(dataset.class_names):
        also = f", or rename with {rename}" if rename else ""
        return f"give photos of its classes, {listed(class_names)}{also}"
    also = f", or rename with {rename} first" if rename else ""
    return f"leave them out with {parameter}.select(class_names={of}.class_names){also}"


def _alike(name: str, other: str) -> bool:
    """Return whether two names are probably one product; ``"Rice"`` and ``"Juice"`` are not."""
    return SequenceMatcher(None, name.casefold(), other.casefold()).ratio() >= _ALIKE


def _recropped(dataset: Dataset, rule: Preprocessing, wanted: Preprocessing) -> Sized:
    """Return crops with another rule, cut from their photos."""
    if rule == wanted:
        return Sized(dataset=dataset, brought="as given")
    table = dataset.table
    table = replace(table, source=read_as(table.source, wanted))
    return Sized(dataset=Dataset(table), brought="files")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A resized dataset, and how it was resized."""

    dataset: Dataset
    """The same rows at that size."""
    brought: Brought
    """Whether photos were read from files again, or pixels were resized."""


def sized(dataset: Dataset, preprocessing: Preprocessing, *, parameter: str) -> Sized:
    """Return the dataset at the size at which a classifier reads photos, before the test-time crop.

    Photos with files are read again at that size, also in views, cached and augmented datasets.
    Boxes of shelf photos are cropped again by the classifier's crop rule.
    Pixels of arrays are resized, as `Classifier.predict` resizes arrays, with a warning.

    Parameters
    ----------
    dataset : Dataset
        The photos.
    preprocessing : Preprocessing
        The classifier's `read_size` and resize rule.
    parameter : str
        The parameter name of the dataset, for the warning.
    """
    image_size, resize = preprocessing.read_size, preprocessing.resize
    rule = crop_rule_of(dataset.table.source)
    if rule is not None:
        return _recropped(dataset, rule, preprocessing)
    files = has_files(dataset.table.source)
    same_size = dataset.image_size == image_size
    if same_size and (dataset.resize == resize or not files):
        return Sized(dataset=dataset, brought="as given")
    found = dataset.resized(image_size, resize=resize)
    if files:
        return Sized(dataset=found, brought="files")
    height, width = dataset.image_size
    warn_caller(
        ShelfVisionWarning(
            f"resized the arrays of {parameter} from {height} x {width} to {image_size[0]} x "
            f"{image_size[1]} pixels ({resize!r}), the size of the classifier, which is less "
            "sharp than photos read from files at that size; open the files with "
            f"image_size={image_size}, resize={resize!r}",
            code="resized-arrays",
            parameter=parameter,
        )
    )
    return Sized(dataset=found, brought="arrays")


def as_predicted(
    dataset: Dataset, preprocessing: Preprocessing, *, parameter: str = "validation"
) -> Dataset:
    """Return the dataset with the images that a classifier computes its probabilities from.

    Parameters
    ----------
    dataset : Dataset
        The photos.
    preprocessing : Preprocessing
        The classifier's preprocessing.
    parameter : str, default="validation"
        The parameter name of the dataset, for the warning about resized arrays.

    Returns
    -------
    Dataset
        The same rows, read at `Preprocessing.read_size`, with the center that the test-time crop
        keeps; the same object without a test-time crop.
    """
    if preprocessing.test_time_crop == 1:
        return dataset
    table = sized(dataset, preprocessing, parameter=parameter).dataset.table
    return Dataset(replace(table, source=CenteredPixels(table.source, preprocessing)))
