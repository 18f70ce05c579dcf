"""`SeededFolds`: the folds of `SeededSplitter` as a cross-validator of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer, as_seed
from shelfvision.data._columns import entries_of
from shelfvision.data._dataset import Dataset
from shelfvision.data._lineage import named_groups
from shelfvision.data.folds.parted import warn_of_parted_photos
from shelfvision.data.folds.photo_columns import dataset_of_photos, seem_photos
from shelfvision.data.splitting._columns import Labels, numbered_classes, row_keys
from shelfvision.data.splitting._methods import fold_numbers
from shelfvision.errors import InvalidParameterError, LeakageError

if TYPE_CHECKING:
    from sklearn.utils.metadata_routing import MetadataRequest

Fold: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""The row numbers of the training set and of the test set of one fold, ascending."""


@final
@dataclass(frozen=True, slots=True)
class SeededFolds:
    """Folds for scikit-learn's ``cv=`` parameter.

    `shelfvision.SeededSplitter.cv` returns it, and its folds are equal to those of
    `shelfvision.SeededSplitter.folds`. Each group stays in one fold, and each fold has its quota
    of each class as closely as the groups allow. Folds do not depend on the order of the rows.

    Parameters
    ----------
    n_folds : int, default=5
        The number of folds, at least 2.
    seed : int, default=42
        Another seed gives other folds.

    Raises
    ------
    InvalidParameterError
        A parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> import shelfvision as shv
    >>> photos = shv.samples.render_products({"juice": 6, "milk": 6})
    >>> embeddings = np.stack([image.mean(axis=(0, 1)) for image, _ in photos])
    >>> folds = shv.SeededSplitter(seed=42).cv(n_folds=3)
    >>> scores = cross_val_score(
    ...     LogisticRegression(), embeddings, photos.labels, groups=photos.groups, cv=folds
    ... )
    >>> scores.shape
    (3,)
    """

    n_folds: int = 5
    """The number of folds."""
    _: KW_ONLY
    seed: int = 42
    """The seed; another seed gives other folds."""

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "n_folds", as_integer("n_folds", self.n_folds, minimum=2))
        object.__setattr__(self, "seed", as_seed(self.seed))

    def split(
        self,
        X: object,  # noqa: N803  (scikit-learn's name)
        y: Labels | None = None,
        groups: Iterable[object] | None = None,
    ) -> Iterator[Fold]:
        """Yield the rows of the training set and of the test set of each fold.

        Parameters
        ----------
        X : Dataset, photos or array_like, length n
            A dataset; photos as `shelfvision.sklearn.PhotoClassifier` takes them; or anything else
            with one row per photo, such as embeddings.
        y : sequence of int or str, shape (n,), or one-hot rows, shape (n, k)
            The class of each row. A dataset has its own labels.
        groups : sequence of str, optional
            The group of each row, by name or as `shelfvision.Dataset.groups` has it. By default
            the groups of the dataset, the content of each photo, or each row by itself if `X` has
            no photos.

        Yields
        ------
        train, test : ndarray of int64
            Row numbers, ascending.

        Raises
        ------
        InvalidParameterError
            `y` is missing.
        DataError
            The columns differ in length, or `y` has another shape or type than described.
        SplitError
            There are fewer groups than folds, or a class has one group only.
        LeakageError
            A dataset contains augmented copies.

        Warns
        -----
        LeakageWarning
            No groups are given, and the folds part near-duplicates or bursts (code
            ``"groups-parted"``).
        """
        fold_of = _fold_of_rows(self, X, y, groups)
        for fold in range(self.n_folds):
            yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)

    def get_n_splits(
        self,
        X: object = None,  # noqa: ARG002, N803  (scikit-learn's signature)
        y: object = None,  # noqa: ARG002
        groups: object = None,  # noqa: ARG002
    ) -> int:
        """Return the number of folds; the arguments have no effect.

        Parameters
        ----------
        X : object, optional
            Ignored.
        y : object, optional
            Ignored.
        groups : object, optional
            Ignored.

        Returns
        -------
        int
            The number of folds.
        """
        return self.n_folds

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what scikit-learn's metadata routing passes to `split`: the groups.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRequest
            A request for ``groups``.
        """
        from sklearn.utils.metadata_routing import MetadataRequest

        request = MetadataRequest(owner=type(self).__name__)
        request.split.add_request(param="groups", alias=True)
        return request


def _fold_of_rows(
    folds: SeededFolds, rows: object, y: Labels | None, groups: Iterable[object] | None
) -> npt.NDArray[np.int64]:
    """Return the fold whose test set has each row; warn if folds part related photos."""
    if isinstance(rows, Dataset) and y is None:
        labels, names = rows.labels, list(rows.class_names)
    else:
        labels, names = numbered_classes(_required(y))
    photos = _photos_of(rows, labels, names) if groups is None else None
    keys = _keys(len(labels), groups) if photos is None else photos.groups
    fold_of = fold_numbers(folds.seed, folds.n_folds, keys, labels, names)
    if photos is not None:
        warn_of_parted_photos(photos, fold_of, what="the folds", remedy=_REMEDY)
    return fold_of


_REMEDY = (
    "group the photos with group_near_duplicates() and group_bursts() of Dataset, or pass the "
    "session of each photo as groups="
)


def _required(y: Labels | None) -> Labels:
    if y is None:
        raise InvalidParameterError(
            "y must have the class of each row, because folds are stratified, got None; pass the "
            "labels",
            code="missing",
            parameter="y",
        )
    return y


def _photos_of(
    rows: object, labels: npt.NDArray[np.int64], class_names: Sequence[str]
) -> Dataset | None:
    """Return the dataset of the rows; None if they are not photos."""
    if not isinstance(rows, Dataset):
        photos = seem_photos(rows)
        return dataset_of_photos(rows, labels, class_names=class_names) if photos else None
    copies = np.flatnonzero(rows.copies > 0)
    if len(copies):
        raise LeakageError(
            "X must have no augmented copies, which would leak into the test sets, got "
            f"{len(copies)}, for example of {rows.ids[copies[0]]!r}; pass the originals, and "
            "balance the training set of each fold",
            code="augmented-copies",
            parameter="X",
        )
    return rows


def _keys(length: int, groups: Iterable[object] | None) -> npt.NDArray[np.object_]:
    """Return the group of each row with its namespace; a row without a name is its own group."""
    if groups is None:
        return row_keys(length, None, None)
    names: list[Any] = [
        str(row) if name is None else name
        for row, name in enumerate(named_groups(entries_of("groups", groups)))
    ]
    return row_keys(length, names, None)
