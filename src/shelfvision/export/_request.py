"""What is asked of an export, checked before anything heavy is loaded."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from shelfvision._runtime import ExportFormat, Quantize
from shelfvision._runtime.card import Card
from shelfvision._runtime.formats.format import Format
from shelfvision._storage.writing import require_writable
from shelfvision._validation import as_number, as_path, one_of
from shelfvision.data import Dataset
from shelfvision.data.aligning import aligned
from shelfvision.data.reading import Photos, Reader
from shelfvision.errors import InvalidParameterError, MissingDependencyError
from shelfvision.export._formats import FORMATS
from shelfvision.export._synthetic import synthetic_images
from shelfvision.protocols import Images

MOST_PHOTOS = 512
"""How many photos, evenly spaced, are used of many."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """What is asked for, checked."""

    path: str
    """Where the file goes."""
    name: ExportFormat
    """The name of the format."""
    quantize: Quantize | None
    """How weights become whole numbers."""
    tolerance: float | None
    """How much the file may differ."""
    images: Images
    """What the file is verified on, and what ranges are measured on."""
    labels: npt.NDArray[np.int64] | None
    """The classes of these images, where known."""
    photos_given: bool
    """Whether these images are the caller's."""

    @property
    def format(self) -> Format:
        """The format."""
        return FORMATS[self.name]


def checked_request(
    path: str | os.PathLike[str],
    card: Card,
    *,
    format: ExportFormat,  # noqa: A002  (the public name)
    quantize: Quantize | None,
    photos: Photos | None,
    tolerance: float | None,
) -> Request:
    """Refuse what cannot be done, before anything heavy is loaded."""
    one_of("format", format, FORMATS)
    kind = FORMATS[format]
    _check_quantize(kind, quantize, photos)
    _check_path(path, kind)
    _require_packages(kind)
    images, labels = sample_images(photos, card)
    return Request(
        path=os.fspath(path),
        name=format,
        quantize=quantize,
        tolerance=None if tolerance is None else as_number("tolerance", tolerance, minimum=0),
        images=images,
        labels=labels,
        photos_given=photos is not None,
    )


def _check_quantize(kind: Format, quantize: Quantize | None, photos: Photos | None) -> None:
    if quantize is None:
        return
    one_of("quantize", quantize, get_args(Quantize))
    if quantize not in kind.quantize:
        able = next(name for name, other in FORMATS.items() if quantize in other.quantize)
        raise InvalidParameterError(
            f"quantize={quantize!r} is for format={able!r}, not {kind.name!r}; leave it out",
            code="conflict",
            parameter="quantize",
        )
    if kind.quantize[quantize] and photos is None:
        raise InvalidParameterError(
            f"quantize={quantize!r} measures the range of every layer on photos; pass photos=, "
            "some hundred of those that the classifier was trained on",
            code="missing-photos",
            parameter="photos",
        )


def _check_path(path: str | os.PathLike[str], kind: Format) -> None:
    """Refuse a path that ends otherwise, or that cannot be written to."""
    if not as_path(path).endswith(kind.suffix):
        raise InvalidParameterError(
            f"the path of a file for {kind.name} must end in {kind.suffix!r}, not "
            f"{os.fspath(path)!r}",
            code="wrong-suffix",
            parameter="path",
        )
    require_writable(path)
    if kind.beside is not None:
        require_writable(path_beside(path, kind.beside))


def path_beside(path: str | os.PathLike[str], suffix: str) -> str:
    """Return the path of the second file of a format that has two."""
    return os.path.splitext(os.fspath(path))[0] + suffix


def _require_packages(kind: Format) -> None:
    missing = [name for name in kind.write_packages if not importlib.util.find_spec(name)]
    if missing:
        raise MissingDependencyError(
            f"export to {kind.name} needs what is not installed ({', '.join(missing)}); "
            f'run: pip install "shelfvision[{kind.extra}]"',
            code="missing-dependency",
        )


def sample_images(photos: Photos | None, card: Card) -> tuple[Images, npt.NDArray[np.int64] | None]:
    """Return images to verify a file on, and their classes if known."""
    labels = None
    if photos is None:
        return synthetic_images(card.image_size), None
    if isinstance(photos, Dataset):
        rows = np.unique(np.linspace(0, len(photos) - 1, MOST_PHOTOS).astype(np.int64))
        photos = photos[rows[: len(photos)]]
        if set(photos.class_names) <= set(card.class_names):
            photos = aligned(photos, card.class_names, parameter="photos", of="classifier")
            labels = photos.labels
    reader = Reader(preprocessing=card.preprocessing, on_error="raise")
    batches = [batch.images for batch in reader.batches(photos, MOST_PHOTOS)]
    if not sum(map(len, batches)):
        raise InvalidParameterError(
            "photos is empty; give some, or leave it out", code="empty", parameter="photos"
        )
    return np.concatenate(batches)[:MOST_PHOTOS], labels
