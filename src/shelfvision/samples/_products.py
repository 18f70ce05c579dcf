"""`render_products` and `write_products`: rendered photos as a dataset and as a folder."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import SupportsIndex, final

import numpy as np
from PIL import Image

from shelfvision import protocols
from shelfvision._class_names import as_class_names
from shelfvision._identifiers import clean_name
from shelfvision._random import rng_for
from shelfvision._storage import write_atomically
from shelfvision._urls import COPY_LATER
from shelfvision._validation import as_image_size, as_integer, as_path, as_seed, listed, one_of
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError, StorageError
from shelfvision.protocols import ClassNames
from shelfvision.samples._label_art import MOTIFS
from shelfvision.samples._photo_scene import render_photo
from shelfvision.samples._product_shapes import FORMS, Design

CLASS_NAMES: tuple[str, ...] = ("Bottle", "Can", "Carton", "Jar", "Pouch")
"""The default classes: five kinds of packaging."""

UNEVEN_COUNTS: Mapping[str, int] = {
    "Bottle": 150, "Can": 220, "Carton": 180, "Jar": 75, "Pouch": 110
}  # fmt: skip
"""Photo counts per class with a class imbalance, as in photos of a shop."""

_SCHEME = "1"  # part of every digest: raise it when the same seed renders other pixels
_GOLDEN = 0.6180339887498949  # steps around the colour circle that never meet again


def render_products(
    n_per_class: SupportsIndex | Mapping[str, int],
    *,
    class_names: ClassNames | None = None,
    image_size: tuple[int, int] = (100, 100),
    seed: int = 0,
) -> Dataset:
    """Render labelled product photos: bottles, cans, cartons, jars and pouches on a shelf.

    The packaging shows the class; labels, colours, light, angle and neighbours vary at random. So a
    network must learn shapes, not colours. Photos are rendered on access and deterministic: the
    same seed, class and number give bit-identical photos in any order and process. Another `seed`
    gives other photos.

    Parameters
    ----------
    n_per_class : int or mapping of str to int
        The number of photos per class; a mapping sets it for each class.
    class_names : iterable of str, optional
        The classes, in the order of their numbers; by default the keys of `n_per_class`, or
        `CLASS_NAMES`. Each of these five names has its packaging. Other names get a design by
        position: a packaging with a motif on its label, and beyond 30 names also a hue.
    image_size : tuple of int, default=(100, 100)
        Height and width of the photos, in pixels.
    seed : int, default=0
        The seed of the photos.

    Returns
    -------
    Dataset
        The photos, sorted by class, with ids like ``"Bottle/0003"``.

    Raises
    ------
    InvalidParameterError
        A number, name or size is out of range.

    Examples
    --------
    >>> import shelfvision as shv
    >>> photos = shv.samples.render_products(2)
    >>> photos
    <Dataset: 10 photos of 5 classes, 100 x 100>
    >>> shv.samples.render_products({"Can": 3, "Jar": 1}).class_counts
    {'Can': 3, 'Jar': 1}
    """
    names, counts = _counted(n_per_class, class_names)
    numbers = [(label, item) for label, count in enumerate(counts) for item in range(count)]
    source = RenderedPixels(
        [(names[label], item) for label, item in numbers],
        designs=dict(zip(names, designs_for(names), strict=True)),
        image_size=as_image_size(image_size),
        seed=as_seed(seed),
    )
    return Dataset.from_source(
        source,
        ids=[f"{names[label]}/{item:04d}" for label, item in numbers],
        labels=[label for label, _ in numbers],
        class_names=names,
    )


def write_products(
    directory: str | PathLike[str],
    n_per_class: SupportsIndex | Mapping[str, int],
    *,
    class_names: ClassNames | None = None,
    image_size: tuple[int, int] = (100, 100),
    seed: int = 0,
    format: str = "jpeg",  # noqa: A002  (the word that Pillow and the user's file manager use)
) -> Path:
    """Write the photos of `render_products` to disk, with one folder per class.

    Parameters
    ----------
    directory : path-like
        The folder to write to; it must be empty or not exist.
    n_per_class : int or mapping of str to int
        The number of photos per class; a mapping sets it for each class.
    class_names : iterable of str, optional
        The classes; each name must be a valid folder name. See `render_products`.
    image_size : tuple of int, default=(100, 100)
        Height and width of the photos, in pixels.
    seed : int, default=0
        The seed of the photos.
    format : {"jpeg", "png", "webp"}, default="jpeg"
        The file format. PNG is lossless, the others are lossy.

    Returns
    -------
    Path
        The directory.

    Raises
    ------
    InvalidParameterError
        A number, name, size or format is out of range.
    StorageError
        The directory is not empty or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import shelfvision as shv
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     folder = shv.samples.write_products(empty, {"Can": 2, "Jar": 1}, format="png")
    ...     sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    ['Can/0000.png', 'Can/0001.png', 'Jar/0000.png']
    """
    kind = one_of("format", format, tuple(_SUFFIXES))
    photos = render_products(n_per_class, class_names=class_names, image_size=image_size, seed=seed)
    for name in photos.class_names:
        _require_folder_name(name)
    target = Path(as_path(directory, "directory", remedy=COPY_LATER))
    _require_empty(target)
    for name in photos.class_names:
        _make_folder(target / name)
    for name, (image, _) in zip(photos.ids, photos, strict=True):
        write_atomically(target / f"{name}{_SUFFIXES[kind]}", _encoded(image, kind))
    return target


@final
class RenderedPixels:
    """A pixel source that renders photos on access.

    Parameters
    ----------
    items : sequence of (str, int)
        The class and number of every row.
    designs : mapping of str to Design
        How the products of each class look.
    image_size : tuple of int
        Height and width, in pixels.
    seed : int
        Chooses the photos.
    """

    __slots__ = ("_designs", "_image_size", "_items", "_seed")

    def __init__(
        self,
        items: Sequence[tuple[str, int]],
        *,
        designs: Mapping[str, Design],
        image_size: tuple[int, int],
        seed: int,
    ) -> None:
        self._items = tuple(items)
        self._designs = dict(designs)
        self._image_size = image_size
        self._seed = seed

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the photos."""
        return self._image_size

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self._items)

    def read(self, row: int) -> protocols.Image:
        """Return photo `row`, ``uint8`` (height, width, 3)."""
        name, item = self._items[row]
        rng = rng_for(self._seed, "sample", name, item)
        return render_photo(rng, self._designs[name], self._image_size)

    def digest(self, row: int) -> str:
        """Return a digest of all inputs of the rendering."""
        name, item = self._items[row]
        recipe = (_SCHEME, self._seed, name, item, self._designs[name], self._image_size)
        return hashlib.sha256(repr(recipe).encode("utf-8", "surrogatepass")).hexdigest()


def designs_for(class_names: Sequence[str]) -> list[Design]:
    """Return a unique design for each class."""
    designs = {
        name: Design(form=CLASS_NAMES.index(name)) for name in class_names if name in CLASS_NAMES
    }
    others = [name for name in class_names if name not in designs]
    # Without a motif, the first designs would equal those of `CLASS_NAMES`.
    plain = not designs and len(others) <= len(FORMS)
    for position, name in enumerate(others):
        form, motif, hues = position % len(FORMS), position // len(FORMS), position
        designs[name] = Design(
            form=form,
            motif=None if plain else motif % len(MOTIFS),
            hue=(hues * _GOLDEN) % 1.0 if motif >= len(MOTIFS) else None,
        )
    return [designs[name] for name in class_names]


_SUFFIXES = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}


def _counted(
    n_per_class: SupportsIndex | Mapping[str, int], class_names: ClassNames | None
) -> tuple[tuple[str, ...], list[int]]:
    """Return the class names and the number of photos of each."""
    if not isinstance(n_per_class, Mapping):
        count = as_integer("n_per_class", n_per_class, minimum=1)
        names = CLASS_NAMES if class_names is None else as_class_names(class_names)
        return names, [count] * len(names)
    names = as_class_names(tuple(n_per_class) if class_names is None else class_names)
    asked = {clean_name(str(name)): count for name, count in n_per_class.items()}
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise InvalidParameterError(
            f"n_per_class must have classes of class_names, got {listed(unknown)}; the classes are "
            f"{listed(names, limit=50)}",
            code="unknown-name",
            parameter="n_per_class",
        )
    return names, [
        as_integer(f"n_per_class[{name!r}]", asked.get(name, 0), minimum=0, parameter="n_per_class")
        for name in names
    ]


def _require_folder_name(name: str) -> None:
    if _leads_away(name) or not _is_encodable(name) or len(name) > 100:
        raise InvalidParameterError(
            f"a class name must be a valid folder name, got {name!r}; use a short name of letters, "
            "digits, spaces and hyphens",
            code="unusable-name",
            parameter="class_names",
        )


def _leads_away(name: str) -> bool:
    return name in {".", ".."} or any(sign in name for sign in '/\\\0:*?"<>|')


def _is_encodable(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def _require_empty(directory: Path) -> None:
    try:
        occupied = directory.exists() and next(directory.iterdir(), None) is not None
    except OSError as error:
        raise StorageError(
            f"cannot write photos to {str(directory)!r}: {error.strerror}; choose another "
            "directory",
            code="not-writable",
            parameter="directory",
        ) from error
    if occupied:
        raise StorageError(
            f"directory must be empty or not exist, got {str(directory)!r}, which has files; pass "
            "another folder",
            code="not-empty",
            parameter="directory",
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot create the folder {str(folder)!r}: {error.strerror}; choose another directory",
            code="not-writable",
            parameter="directory",
        ) from error


def _encoded(image: protocols.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, kind, quality=92)
    return buffer.getvalue()
