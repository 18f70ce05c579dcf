"""Enroll photos of products in the index of a gallery, and remove products.

Each function returns another `ProductIndex`; the given one does not change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name
from shelfvision._validation import counted, listed
from shelfvision._warnings import warn_caller
from shelfvision.data import Dataset
from shelfvision.data.arguments import require_dataset
from shelfvision.data.reading import Photos
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from shelfvision.gallery._enrolled import EnrolledPhotos, group_codes
from shelfvision.gallery._file import checked_share
from shelfvision.gallery._index import ProductIndex, require_classifier
from shelfvision.inference import Classifier
from shelfvision.inference.digest import classifier_digest


def index_of_dataset(
    classifier: Classifier, dataset: Dataset, unknown: float | None
) -> ProductIndex:
    """Return an index of labelled photos."""
    require_classifier(classifier)
    photos = _with_photos(require_dataset("dataset", dataset))
    enrolled = EnrolledPhotos(
        names=photos.class_names,
        embeddings=classifier.embed(photos),
        labels=photos.labels.astype(np.int32),
        groups=group_codes(photos.groups),
    )
    return ProductIndex(
        classifier=classifier,
        digest=classifier_digest(classifier.served),
        photos=enrolled,
        unknown=checked_share(unknown),
    )


def with_unknown(index: ProductIndex, unknown: float | None) -> ProductIndex:
    """Return the index with another share of photos that may be sent to review."""
    return replace(index, unknown=checked_share(unknown), held_out="similar groups")


def with_product(
    index: ProductIndex,
    name: str,
    photos: Photos,
    groups: Sequence[str] | npt.NDArray[np.object_] | None,
) -> ProductIndex:
    """Return the index with more photos of a new or known product."""
    if not isinstance(name, str) or not clean_name(name):
        raise InvalidParameterError(
            f"name must be the name of a product, not {name!r}",
            code="wrong-type",
            parameter="name",
        )
    embeddings = index.classifier.embed(photos)
    n = len(embeddings)
    if not n:
        raise DataError(
            f"{name!r} needs at least one photo, got none; give one or more",
            code="empty",
            parameter="photos",
        )
    if groups is None and isinstance(photos, Dataset):
        groups = photos.groups
    if groups is None:
        # A hash of the photos: enrolling them twice does not create a second group.
        groups = [hashlib.sha256(embeddings.tobytes()).hexdigest()] * n
    if isinstance(groups, str) or len(groups) != n:
        raise InvalidParameterError(
            f"groups has {len(groups)} entries for {counted(n, 'photo')}; give a name for each",
            code="wrong-length",
            parameter="groups",
        )
    codes = group_codes(list(groups))
    return replace(index, photos=index.photos.added(clean_name(name), embeddings, codes))


def without_product(index: ProductIndex, name: str) -> ProductIndex:
    """Return the index without a product."""
    return replace(index, photos=index.photos.removed(clean_name(str(name))))


def _with_photos(dataset: Dataset) -> Dataset:
    """Return the dataset without empty classes, which cannot have a prototype."""
    if not len(dataset):
        raise DataError(
            "dataset must hold at least one photo, got none; give photos of each product",
            code="empty",
            parameter="dataset",
        )
    filled = [name for name, n in dataset.class_counts.items() if n]
    empty = [name for name in dataset.class_names if name not in filled]
    if not empty:
        return dataset
    warn_caller(
        ShelfVisionWarning(
            f"dataset has none of {listed(empty)}, so the gallery will not know "
            f"{'it' if len(empty) == 1 else 'them'}; enroll photos later with "
            "with_product(name, photos)",
            code="missing-class",
            parameter="dataset",
        )
    )
    return dataset.select(class_names=filled)
