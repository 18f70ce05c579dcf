"""`BalancingAugmenter`: oversampling of small classes with augmented copies."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import cast, final

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import in_spelling_of
from shelfvision._photos.sources import ArrayPixels
from shelfvision._validation import as_integer, as_seed, listed
from shelfvision.augment._defaults import default_augmenter
from shelfvision.augment.balancing._labels import class_numbers
from shelfvision.augment.balancing._pixels import AugmentedPixels
from shelfvision.augment.balancing._plan import (
    BalancingPlan,
    ClassName,
    Name,
    Strategy,
    check_strategy,
    copies_to_add,
)
from shelfvision.augment.balancing._spread import copy_numbers, spread
from shelfvision.data import Dataset
from shelfvision.data.table import PhotoTable
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from shelfvision.protocols import Augmenter, Images


@final
class BalancingAugmenter:
    """Correct class imbalance: oversample small classes with augmented copies.

    Balance the training set only, after the split: a copy in the test set is easy for a network
    that was trained on its original (data leakage). The copies of a class are distributed evenly
    over its photos: to get from 100 to 300 photos, each photo gets exactly two copies.

    Parameters
    ----------
    augmenter : Augmenter or mapping of class name to Augmenter, optional
        The augmenter that makes the copies; by default `default_augmenter`. A mapping has one
        augmenter per class; classes that it does not contain get the default.
    sampling_strategy : str, int, mapping or callable, default="not majority"
        The classes that get copies, as in imbalanced-learn. ``"not majority"``, ``"auto"`` and
        ``"all"`` raise all classes to the size of the largest; ``"minority"`` raises the smallest
        class only, ``"not minority"`` all except the smallest. ``"median"`` raises smaller classes
        to the median size, and a number raises smaller classes to this number of photos. A mapping
        ``{class: photos}`` sets the number of photos of each class; a callable returns such a
        mapping from the class counts. Photos are never removed.
    seed : int, default=42
        The seed of the copies.
    max_copies : int, optional
        The largest number of copies of one photo; a class may then stay smaller than requested.
    refresh : bool, default=False
        Whether training gets new copies in each epoch. By default the copies do not change.

    Attributes
    ----------
    sampling_strategy_ : dict
        The number of copies of each class with copies; set by `fit_resample`.
    sample_indices_ : ndarray of int64
        The source row of each row of the result; set by `fit_resample`.

    Examples
    --------
    >>> import shelfvision as shv
    >>> balancer = shv.BalancingAugmenter(seed=42)
    >>> balancer.plan({"juice": 100, "milk": 300})
    {'juice': 200, 'milk': 0}
    """

    sampling_strategy_: dict[ClassName, int]
    sample_indices_: npt.NDArray[np.int64]

    def __init__(
        self,
        augmenter: Augmenter | Mapping[str, Augmenter] | Mapping[int, Augmenter] | None = None,
        *,
        sampling_strategy: Strategy = "not majority",
        seed: int = 42,
        max_copies: int | None = None,
        refresh: bool = False,
    ) -> None:
        check_strategy(sampling_strategy)
        if max_copies is not None:
            as_integer("max_copies", max_copies, minimum=0)
        _check_augmenter(augmenter)
        as_seed(seed)
        # Stored as given: scikit-learn's clone compares them by identity.
        self.augmenter = augmenter
        self.sampling_strategy = sampling_strategy
        self.seed = seed
        self.max_copies = max_copies
        self.refresh = refresh

    def plan(self, class_counts: Mapping[Name, int]) -> BalancingPlan[Name]:
        """Return the number of copies that each class would get.

        Parameters
        ----------
        class_counts : mapping of class name to int
            The number of photos of each class, as in ``dataset.class_counts``.

        Returns
        -------
        BalancingPlan
            A dict ``{class: copies to add}`` that prints as a table. A class without photos gets
            0 copies.

        Raises
        ------
        InvalidParameterError
            `sampling_strategy` names an unknown class or requests fewer photos than a class has,
            or `class_counts` is not a mapping.
        DataError
            `sampling_strategy` requests photos of a class that has none, or no class has photos.
        """
        if not isinstance(class_counts, Mapping):
            raise InvalidParameterError(
                f"class_counts must be a mapping of class name to number of photos, got "
                f"{class_counts!r}; pass dataset.class_counts",
                code="wrong-type",
                parameter="class_counts",
            )
        counts: dict[ClassName, int] = {
            name: as_integer(f"the count of class {name!r}", n, minimum=0, parameter="class_counts")
            for name, n in class_counts.items()
        }
        plan = self._capped(counts, {name: self._room(n, 0) for name, n in counts.items()})
        return cast("BalancingPlan[Name]", plan)

    def balance(self, dataset: Dataset) -> Dataset:
        """Return the dataset with augmented copies, which are rendered when they are read.

        Parameters
        ----------
        dataset : Dataset
            The training set. Existing copies are kept and count. New copies are made from
            originals only, and their numbers continue.

        Returns
        -------
        Dataset
            The unchanged rows of `dataset`, then the copies. Each copy has the id, label and group
            of its original and a number in ``copies``.

        Raises
        ------
        AugmenterError
            The augmenter broke its contract; raised when a copy is read, with the photo id.
        InvalidParameterError, DataError
            As for `plan`; also if a class that needs copies has no originals.

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as shv
        >>> photos = shv.Dataset.from_arrays(
        ...     np.zeros((6, 8, 8, 3), dtype=np.uint8), ["can"] * 4 + ["carton"] * 2
        ... )
        >>> shv.BalancingAugmenter(seed=42).balance(photos).class_counts
        {'can': 4, 'carton': 4}
        """
        added = self._plan_for(dataset)
        chosen, augmenters = self._augmenters_for(dataset.class_names)
        origins = spread(dataset, list(added.values()), self.seed)
        ids = np.concatenate([dataset.ids, dataset.ids[origins]])
        labels = np.concatenate([dataset.labels, dataset.labels[origins]])
        numbers = copy_numbers(dataset, origins)
        # `Dataset` has no method for copies, so the table is made here.
        table = dataset.table
        rows = np.concatenate([table.rows, table.rows[origins]])
        pixels = AugmentedPixels(
            source=table.source,
            rows=rows,
            ids=ids,
            copies=np.concatenate([np.zeros(len(table), np.int32), numbers]),
            augmenters=tuple(augmenters),
            chosen=None if len(augmenters) == 1 else chosen[labels],
            seed=as_seed(self.seed),
            own_refresh=self.refresh,
        )
        return Dataset(
            PhotoTable(
                source=pixels,
                rows=np.arange(len(rows), dtype=np.int64),
                ids=ids,
                labels=labels,
                copies=np.concatenate([table.copies, numbers]),
                lineage=table.lineage.following(rows),
                class_names=table.class_names,
                skipped=table.skipped,
                product_codes=table.product_codes,
            )
        )

    def fit_resample(
        self,
        X: Images,  # noqa: N803  (imbalanced-learn's name)
        y: npt.ArrayLike,
    ) -> tuple[Images, npt.NDArray[np.generic]]:
        """Return images and labels with copies added, in imbalanced-learn's convention.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, height, width, 3)
            RGB images, 0 to 255.
        y : array-like, shape (n,) or (n, classes)
            Labels as whole numbers, as strings or one-hot.

        Returns
        -------
        X_resampled : ndarray of uint8, shape (m, height, width, 3)
            The images first, in their order, then the copies.
        y_resampled : ndarray, shape (m,) or (m, classes)
            The labels in the form of `y`.

        Raises
        ------
        DataError
            `X` is not such an array, or `y` does not fit it.

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as shv
        >>> X = np.zeros((4, 8, 8, 3), dtype=np.uint8)
        >>> balancer = shv.BalancingAugmenter(seed=42)
        >>> X_more, y_more = balancer.fit_resample(X, ["can", "can", "can", "jar"])
        >>> y_more.tolist()
        ['can', 'can', 'can', 'jar', 'jar', 'jar']
        >>> balancer.sample_indices_.tolist()
        [0, 1, 2, 3, 3, 3]
        """
        labels = np.asarray(y)
        numbers, classes = class_numbers(labels)
        dataset = Dataset.from_arrays(X, numbers, class_names=[str(name) for name in classes])
        added = self._plan_for(dataset, classes)
        chosen, augmenters = self._augmenters_for(classes)
        origins = spread(dataset, list(added.values()), self.seed)
        indices = np.concatenate([np.arange(len(dataset)), origins])
        pixels = AugmentedPixels(
            source=ArrayPixels(X),
            rows=indices,
            ids=dataset.ids[indices],
            copies=np.concatenate([dataset.copies, copy_numbers(dataset, origins)]),
            augmenters=tuple(augmenters),
            chosen=chosen[numbers[indices]],
            seed=as_seed(self.seed),
        )
        images = np.empty((len(indices), *X.shape[1:]), dtype=np.uint8)
        images[: len(dataset)] = X
        for row in range(len(dataset), len(indices)):
            images[row] = pixels.read(row)
        self.sampling_strategy_ = {name: n for name, n in added.items() if n}
        self.sample_indices_ = indices
        return images, labels[indices]

    def get_params(self, deep: bool = True) -> dict[str, object]:  # noqa: ARG002, FBT001, FBT002  (scikit-learn's)
        """Return the settings by name, as scikit-learn's tools ask for them."""
        names = ("augmenter", "sampling_strategy", "seed", "max_copies", "refresh")
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        """Return the code that makes this balancer, without settings that are the default."""
        defaults = (None, "not majority", 42, None, False)
        settings = [
            f"{name}={value!r}"
            for (name, value), default in zip(self.get_params().items(), defaults, strict=True)
            if value != default
        ]
        return f"BalancingAugmenter({', '.join(settings)})"

    def _plan_for(
        self, dataset: Dataset, classes: Sequence[ClassName] | None = None
    ) -> BalancingPlan[ClassName]:
        names = dataset.class_names if classes is None else classes
        counts = dict(zip(names, dataset.class_counts.values(), strict=True))
        copies = np.bincount(dataset.labels[dataset.copies > 0], minlength=len(names)).tolist()
        room = {
            name: self._room(n - made, made)
            for (name, n), made in zip(counts.items(), copies, strict=True)
        }
        added = self._capped(counts, room)
        for (name, n), made in zip(added.items(), copies, strict=True):
            if n and counts[name] == made:
                raise DataError(
                    f"class {name!r} has copies but no originals, so no more can be made; balance "
                    "the dataset that holds its originals",
                    code="no-originals",
                )
        empty = [str(name) for name, n in counts.items() if n == 0]
        if empty:
            warnings.warn(
                ShelfVisionWarning(
                    f"no photos of {listed(empty)}: a class without photos cannot be balanced and "
                    "stays empty; add photos or leave it out with dataset.select",
                    code="missing-class",
                ),
                stacklevel=3,
            )
        return added

    def _room(self, originals: int, made: int) -> int | None:
        return None if self.max_copies is None else max(0, int(self.max_copies) * originals - made)

    def _capped(
        self, counts: dict[ClassName, int], room: Mapping[ClassName, int | None]
    ) -> BalancingPlan[ClassName]:
        added = {}
        for name, n in copies_to_add(counts, self.sampling_strategy).items():
            limit = room[name]
            added[name] = n if limit is None else min(n, limit)
        return BalancingPlan(added, counts=counts)

    def _augmenters_for(
        self, classes: Sequence[ClassName]
    ) -> tuple[npt.NDArray[np.int64], list[Augmenter]]:
        """Return which augmenter each class uses, and the augmenters."""
        if not isinstance(self.augmenter, Mapping):
            only = default_augmenter() if self.augmenter is None else self.augmenter
            return np.zeros(len(classes), np.int64), [only]
        own = in_spelling_of(classes, cast("Mapping[ClassName, Augmenter]", self.augmenter))
        unknown = [str(name) for name in own if name not in classes]
        if unknown:
            raise InvalidParameterError(
                f"augmenter names the class {listed(unknown)}, which is not there; the classes "
                f"are {listed(map(str, classes), limit=50)}",
                code="unknown-name",
                parameter="augmenter",
            )
        augmenters = [own.get(name, default_augmenter()) for name in classes]
        return np.arange(len(classes)), augmenters


def _check_augmenter(augmenter: object) -> None:
    if augmenter is None:
        return
    several = augmenter.values() if isinstance(augmenter, Mapping) else (augmenter,)
    for one in several:
        if not callable(one) or isinstance(one, type):
            raise InvalidParameterError(
                "augmenter must be a callable (image, rng) -> image, a mapping {class: augmenter} "
                f"or None for the default, not {one!r}",
                code="wrong-type",
                parameter="augmenter",
            )
