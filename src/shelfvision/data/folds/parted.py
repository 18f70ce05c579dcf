"""Find related photos in different folds: near-duplicates and bursts that no group joins.

Folds keep groups together. Without named groups, a photo's group is its content, so two photos of
one burst may be in the training set and the test set of a fold. Scores are then too high.

>>> import numpy as np
>>> from shelfvision.data import Dataset
>>> photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
>>> twins = Dataset.from_arrays(np.stack([photo, photo[:, ::-1]]), ["milk", "milk"])
>>> parted_photos(twins, np.array([0, 1])).n_photos
2
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision._warnings import warn_caller
from shelfvision.data._dataset import Dataset
from shelfvision.data._lineage import USER
from shelfvision.errors import LeakageWarning


@dataclass(frozen=True, slots=True, kw_only=True)
class PartedPhotos:
    """Related photos that are in several parts."""

    n_photos: int
    """The number of photos that have related photos in another part."""
    n_groups: int
    """The number of groups that they form."""
    example: tuple[str, str]
    """The ids of two related photos in different parts; empty without any."""


def related_joined(dataset: Dataset) -> Dataset:
    """Return the dataset with near-duplicates and bursts in one group.

    The names of photos in memory are their positions, which say nothing about bursts.
    """
    joined = dataset.group_near_duplicates()
    return joined if all(map(str.isdecimal, dataset.ids)) else joined.group_bursts()


def parted_photos(dataset: Dataset, parts: npt.NDArray[np.int64]) -> PartedPhotos:
    """Return the near-duplicates and bursts that are in several parts.

    Photos in groups that the user named are left out, because the user decided about them.

    Parameters
    ----------
    dataset : Dataset
        The photos.
    parts : ndarray of int64, shape (n,)
        The number of the part of each row, such as its fold.

    Returns
    -------
    PartedPhotos
        Their number, with an example.
    """
    unnamed = np.array([not group.startswith(USER) for group in dataset.groups], dtype=np.bool_)
    photos, parts = dataset[unnamed], parts[unnamed]
    if len(photos) < 2:
        return PartedPhotos(n_photos=0, n_groups=0, example=("", ""))
    _, groups = np.unique(related_joined(photos).groups.astype(str), return_inverse=True)
    pairs = np.unique(np.stack((groups, parts), axis=1), axis=0)
    several = np.bincount(pairs[:, 0]) > 1
    rows = np.flatnonzero(several[groups])
    return PartedPhotos(
        n_photos=len(rows),
        n_groups=int(several.sum()),
        example=_example(photos, rows, groups, parts),
    )


def _example(
    photos: Dataset,
    rows: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    parts: npt.NDArray[np.int64],
) -> tuple[str, str]:
    """Return the first parted photo and one of its group in another part."""
    if not len(rows):
        return "", ""
    first = rows[0]
    other = next(row for row in rows if groups[row] == groups[first] and parts[row] != parts[first])
    return str(photos.ids[first]), str(photos.ids[other])


def warn_of_parted_photos(
    dataset: Dataset, parts: npt.NDArray[np.int64], *, what: str, remedy: str
) -> None:
    """Warn if near-duplicates or bursts are in several parts.

    Parameters
    ----------
    dataset : Dataset
        The photos.
    parts : ndarray of int64, shape (n,)
        The number of the part of each row.
    what : str
        The parts in the message, such as ``"the folds"``.
    remedy : str
        What to do about it.
    """
    found = parted_photos(dataset, parts)
    if not found.n_photos:
        return
    one, other = found.example
    warn_caller(
        LeakageWarning(
            f"{what} part {counted(found.n_photos, 'photo')} in {counted(found.n_groups, 'group')} "
            f"of near-duplicates or bursts (for example {one!r} and {other!r}), so scores will be "
            f"too high (data leakage); {remedy}",
            code="groups-parted",
        )
    )
