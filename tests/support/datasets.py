"""Datasets of tiny images, and what tests of several files look up in a dataset."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import shelfvision as shv
from shelfvision._photos.sources import ArrayPixels


def different_images(n: int) -> npt.NDArray[np.uint8]:
    """Return n different images of one pixel."""
    numbers = np.arange(n, dtype="<u4").view(np.uint8).reshape(n, 4)
    return np.ascontiguousarray(numbers[:, :3].reshape(n, 1, 1, 3))


def two_classes(n: int, **columns: list[str]) -> shv.Dataset:
    """Return n different images, of milk and juice in turn."""
    return shv.Dataset.from_arrays(different_images(n), (["milk", "juice"] * n)[:n], **columns)


def with_copies(ds: shv.Dataset) -> shv.Dataset:
    """Return the dataset with one copy of every photo."""
    return shv.Dataset.from_source(
        ArrayPixels(np.concatenate([ds.to_arrays()[0]] * 2)),
        ids=[*ds.ids, *ds.ids],
        labels=[*ds.labels, *ds.labels],
        class_names=ds.class_names,
        groups=[*ds.groups, *ds.groups],
        copies=[0] * len(ds) + [1] * len(ds),
    )


def skipped_codes(ds: shv.Dataset) -> dict[str, str]:
    """Return why each file was skipped, by path."""
    return {file.path: file.code for file in ds.skipped}
