"""Datasets in the terms of a classifier: its class numbers, its image size and resize rule.

A test set often lacks a class or lists its classes in another order, and is often opened with
another image size. Both change every number that follows, so both are settled here, before
anything is computed, for training, evaluation, prediction, calibration and galleries alike.

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

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from shelfvision._identifiers import closest
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._photos.sources import has_files
from shelfvision._validation import listed
from shelfvision._warnings import warn_caller
from shelfvision.data._dataset import Dataset
from shelfvision.data._selecting import renumbered
from shelfvision.errors import DataError, ShelfVisionWarning, SplitError

_SHOWN = 5
"""How many names a remedy lists."""
_ALIKE = 0.8
"""How like two names must be, 0 to 1, before renaming one to the other is proposed."""

Brought: TypeAlias = Literal["as given", "files", "arrays"]
"""How photos came to their size: they had it, were read from files again, or were resized."""


def aligned(
    dataset: Dataset,
    class_names: tuple[str, ...],
    *,
    parameter: str,
    of: str,
    error: type[DataError | SplitError] = DataError,
) -> Dataset:
    """Return the dataset with these class names and their numbers; classes may lack photos.

    Parameters
    ----------
    dataset : Dataset
        Photos whose classes are among `class_names`, in any order.
    class_names : tuple of str
        The classes in the order of their numbers.
    parameter : str
        What the caller calls the dataset, for the error.
    of : str
        What the caller calls the object that has these class names: ``"classifier"``, ``"train"``.
    error : type of error, default=DataError
        What to raise.

    Returns
    -------
    Dataset
        The same rows in the same order; the dataset itself where nothing changes.

    Raises
    ------
    DataError
        The dataset has a class that `class_names` lack.
    """
    if dataset.class_names == class_names:
        return dataset
    known = set(class_names)
    unknown = [name for name in dataset.class_names if name not in known]
    if unknown:
        raise error(
            f"{parameter} must have classes of {of}, got {listed(unknown)}, which {of} does not "
            f"have; {_remedy(dataset, class_names, unknown, parameter, of)}",
            code="unknown-class",
            parameter=parameter,
        )
    return Dataset(renumbered(dataset.table, class_names))


def _remedy(
    dataset: Dataset, class_names: tuple[str, ...], unknown: list[str], parameter: str, of: str
) -> str:
    """Return what to do: leave out what is not known, or rename what is only spelled otherwise."""
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
    """Tell whether two names are probably one product: ``"Rice"`` is not a typo of ``"Juice"``."""
    return SequenceMatcher(None, name.casefold(), other.casefold()).ratio() >= _ALIKE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A dataset at an image size and resize rule, and how it came to them."""

    dataset: Dataset
    """The same rows at that size."""
    brought: Brought
    """Whether photos were read from their files again, or given pixels resized."""


def sized(dataset: Dataset, preprocessing: Preprocessing, *, parameter: str) -> Sized:
    """Return a dataset at the size, before the test-time crop, that a classifier reads photos at.

    A dataset with files behind it (a view, cached or augmented one too) is read from them at that
    size. Of one that was given as pixels these are resized, as `Classifier.predict` resizes
    arrays, with a warning.

    Parameters
    ----------
    dataset : Dataset
        The photos.
    preprocessing : Preprocessing
        The classifier's `read_size` and resize rule.
    parameter : str
        What the caller calls the dataset, for the warning.
    """
    image_size, resize = preprocessing.read_size, preprocessing.resize
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
            f"{parameter} holds arrays of {height} x {width} pixels, which were resized to "
            f"{image_size[0]} x {image_size[1]} ({resize!r}), the classifier's; photos read from "
            "files at that size are sharper, so open the files with "
            f"image_size={image_size}, resize={resize!r}",
            code="resized-arrays",
            parameter=parameter,
        )
    )
    return Sized(dataset=found, brought="arrays")
