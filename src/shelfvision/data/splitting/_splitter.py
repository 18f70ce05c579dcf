"""`SeededSplitter`: deterministic splits by methods that never change between versions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from typing import Literal, TypeAlias, final, get_args

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer, as_number, as_seed, one_of
from shelfvision.data._dataset import Dataset
from shelfvision.data._lineage import USER
from shelfvision.data.arguments import require_dataset
from shelfvision.data.folds._seeded_folds import SeededFolds
from shelfvision.data.splitting._columns import (
    Labels,
    Names,
    factorized,
    numbered_classes,
    row_keys,
    warn_of_parted,
)
from shelfvision.data.splitting._methods import (
    fold_numbers,
    hashed_states,
    rows_per_part,
    shuffled_rows,
    stratified_states,
)
from shelfvision.data.splitting._origin import SplitOrigin
from shelfvision.data.splitting._pins import DROPPED, NEW, UNLISTED, UNPLACED, Pins, read_pins
from shelfvision.data.splitting._splits import Splits, assemble
from shelfvision.data.splitting.leaks import ON_LEAK, PARTS, OnLeak
from shelfvision.errors import InvalidParameterError, LeakageError, SplitError

Method: TypeAlias = Literal["stratified", "hashed", "shuffled"]
"""How photos are divided."""

_METHODS: tuple[Method, ...] = get_args(Method)
_ROUGHLY = "The shares are met approximately (hashed)."


@final
@dataclass(frozen=True, slots=True)
class SeededSplitter:
    """Split photos into reproducible training, validation and test sets.

    The methods never change between versions. The result depends neither on the process nor on
    global random state, and for ``"stratified"`` and ``"hashed"`` not on the order of the rows.
    These two methods keep each group in one set.

    Parameters
    ----------
    train, validation, test : float
        The share of each set, 0 to 1, and above 0 for `train`. They must sum to 1. Shares are
        treated as exact decimals: 0.7 + 0.2 cuts exactly at 9 of 10. A set with share 0 is None in
        the result.
    seed : int, default=42
        Another seed gives another split.
    method : {"stratified", "hashed", "shuffled"}, default="stratified"
        ``"stratified"`` gives each set its quota of each class: the share of the class's photos,
        rounded by largest remainders (ties go to the earlier set), at least one. Photos without
        groups meet the quotas exactly. Groups of each size are distributed over the sets in
        proportion, over all classes together, so that the validation and test sets contain bursts
        as the training set does [1]_. Groups change the quota of a class by at most the size of
        its largest group, unless they contain several classes or are too few; `Splits.describe`
        shows the deviation.
        ``"hashed"`` places each group by its hash, so that adding photos moves no other photo;
        the shares are met approximately.
        ``"shuffled"`` ignores classes and groups: it is the permutation of
        ``numpy.random.RandomState(seed).shuffle`` for arrays of this length, cut at
        ``floor(n * train)`` and ``floor(n * (train + validation))``. Groups in several sets cause
        a warning and are listed in `Splits.leaks`.
    on_leak : {"raise", "drop", "allow"}, default="raise"
        What to do if the result has leaks (see `Splits`): the dataset contains augmented copies,
        or the split `previous` has a group in two sets.

    Raises
    ------
    InvalidParameterError
        A share is out of range, or the shares do not sum to 1.

    References
    ----------
    .. [1] W. G. Madow, "On the theory of systematic sampling, II", Annals of Mathematical
       Statistics 20 (1949) 333-354; the choice among parts follows K. Sechidis, G. Tsoumakas and
       I. Vlahavas, "On the stratification of multi-label data", ECML PKDD (2011) 145-158.

    Examples
    --------
    >>> import shelfvision as shv
    >>> splitter = shv.SeededSplitter(train=0.5, validation=0.25, test=0.25)
    >>> train, validation, test = splitter.split_indices(["milk", "juice"] * 4)
    >>> len(train), len(validation), len(test)
    (4, 2, 2)
    """

    train: float = 0.7
    """The share of the training set."""
    validation: float = 0.2
    """The share of the validation set."""
    test: float = 0.1
    """The share of the test set."""
    _: KW_ONLY
    seed: int = 42
    """The seed; another seed gives another split."""
    method: Method = "stratified"
    """How photos are divided: ``"stratified"``, ``"hashed"`` or ``"shuffled"``."""
    on_leak: OnLeak = "raise"
    """What to do if the result has leaks."""

    def __post_init__(self) -> None:
        shares = [_exact(name, getattr(self, name)) for name in PARTS]
        if abs(sum(shares, Fraction(-1))) > Fraction(1, 10**9):
            terms = " + ".join(str(getattr(self, name)) for name in PARTS)
            raise InvalidParameterError(
                f"train, validation and test must sum to 1, got {terms} = {float(sum(shares)):g}; "
                "give all three, for instance train=0.7, validation=0.2, test=0.1",
                code="sum-not-one",
            )
        if not shares[0]:
            raise InvalidParameterError(
                "train must be above 0, got 0; give the training set a share, for instance 0.7",
                code="not-in-range",
                parameter="train",
            )
        one_of("method", self.method, _METHODS)
        one_of("on_leak", self.on_leak, ON_LEAK)
        object.__setattr__(self, "seed", as_seed(self.seed))

    def split(self, dataset: Dataset, previous: str | os.PathLike[str] | None = None) -> Splits:
        """Split a dataset into training, validation and test sets.

        Parameters
        ----------
        dataset : Dataset
            The photos. Balance the training set after the split, not before.
        previous : path-like, optional
            A manifest that `Splits.save` wrote. Its photos keep their set. A new photo joins the
            set of its group; without one the method places it: to fill the quotas, by hash, or
            shuffled. A new photo whose group is in two sets is left out and listed in
            `Splits.unplaced`, with a warning.

        Returns
        -------
        Splits
            The sets, in the order of `dataset`, or for ``"shuffled"`` of the permutation.

        Raises
        ------
        SplitError
            A class has fewer groups than there are sets (``"stratified"``), a set is empty, or
            `previous` does not match the dataset.
        LeakageError
            The dataset contains augmented copies, or `previous` has a group in two sets, and
            `on_leak` is ``"raise"``.

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as shv
        >>> images = np.arange(20, dtype=np.uint8).reshape(20, 1, 1, 1).repeat(3, axis=3)
        >>> dataset = shv.Dataset.from_arrays(images, ["milk", "juice"] * 10)
        >>> print(shv.SeededSplitter(seed=42).split(dataset).describe())
        class  train  validation  test  total
        juice      7           2     1     10
        milk       7           2     1     10
        all       14           4     2     20
        Every class has its exact quota in every set.
        """
        self._refuse_copies(dataset)
        pins = Pins.none(len(dataset)) if previous is None else read_pins(previous, dataset)
        if self.method == "shuffled":
            left, note = pins.state, "Groups were ignored (shuffled)."
            rows = shuffled_rows(self.seed, self._shares, left)
        else:
            left, note = self._placed(
                dataset.groups, dataset.labels, dataset.class_names, pins.state
            )
            rows = rows_per_part(left)
        wanted = [
            len(chosen) > 0 or share > 0 for chosen, share in zip(rows, self._shares, strict=True)
        ]
        origin = SplitOrigin(
            left_out={
                "dropped": dataset[left == DROPPED],
                "unlisted": dataset[left == UNLISTED],
                "unplaced": dataset[left == UNPLACED],
            },
            notes=(note,),
            gone=pins.gone,
            groups_ignored=self.method == "shuffled",
            disjoint=previous is None and self.method != "shuffled" and not dataset.copies.any(),
        )
        parts = zip(PARTS, rows, wanted, strict=True)
        return assemble({name: dataset[r] for name, r, want in parts if want}, self.on_leak, origin)

    def split_indices(
        self,
        labels: Labels,
        *,
        groups: Names | None = None,
        ids: Names | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Split row numbers by labels alone, without a `Dataset`.

        Parameters
        ----------
        labels : sequence of int or str, shape (n,), or one-hot rows, shape (n, k)
            The class of each row.
        groups : sequence of str, optional
            The group of each row; rows of one group stay in one set. By default each row is one
            group, named by its id. ``split_indices(dataset.labels, groups=dataset.groups)`` gives
            the same split as ``split(dataset)``.
        ids : sequence of str, optional
            An id for each row; by default ``"0"``, ``"1"`` and so on.

        Returns
        -------
        train, validation, test : ndarray of int64
            Row numbers, ascending, or for ``"shuffled"`` in the order of the permutation.

        Raises
        ------
        DataError
            The columns differ in length, or `labels` has another shape or type than described.
        SplitError
            A class has fewer groups than there are sets (``"stratified"``).
        """
        numbers, names = numbered_classes(labels)
        keys = row_keys(len(numbers), groups, ids)
        state = np.full(len(numbers), NEW, dtype=np.int64)
        if self.method == "shuffled":
            rows = shuffled_rows(self.seed, self._shares, state)
            if groups is not None:
                warn_of_parted(keys, rows)
        else:
            placed, _ = self._placed(keys, numbers, names, state)
            rows = rows_per_part(placed)
        return rows[0], rows[1], rows[2]

    def folds(self, dataset: Dataset, n_folds: int = 5) -> Iterator[Splits]:
        """Yield the splits of a k-fold cross-validation; each photo is in one test set.

        Each group stays in one fold, and each fold has its quota of each class as closely as the
        groups allow. Only the seed of this splitter has an effect; its shares and method do not.

        Parameters
        ----------
        dataset : Dataset
            The photos.
        n_folds : int, default=5
            The number of folds, at least 2.

        Returns
        -------
        iterator of Splits
            Splits with `train` and `test`; `validation` is None.

        Raises
        ------
        SplitError
            There are fewer groups than folds, or a class has one group only, so that one fold
            would test it without training on it.
        LeakageError
            The dataset contains augmented copies and `on_leak` is ``"raise"``.
        """
        n_folds = as_integer("n_folds", n_folds, minimum=2)
        self._refuse_copies(dataset)
        fold_of = fold_numbers(
            self.seed, n_folds, dataset.groups, dataset.labels, dataset.class_names
        )
        return (
            self._fold(dataset, fold_of == fold, f"Fold {fold + 1} of {n_folds}.")
            for fold in range(n_folds)
        )

    def cv(self, n_folds: int = 5) -> SeededFolds:
        """Return the folds of `folds` as a cross-validator, for scikit-learn's ``cv=``.

        Parameters
        ----------
        n_folds : int, default=5
            The number of folds, at least 2.

        Returns
        -------
        SeededFolds
            An object with ``split(X, y, groups)``. ``split(dataset)`` yields the rows of
            ``folds(dataset)``.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products({"juice": 6, "milk": 6})
        >>> folds = shv.SeededSplitter(seed=42).cv(n_folds=3)
        >>> [len(test) for _, test in folds.split(photos)]
        [4, 4, 4]
        """
        return SeededFolds(n_folds, seed=self.seed)

    def leave_one_group_out(self, dataset: Dataset) -> Iterator[Splits]:
        """Yield one split per named group (a store, a session), with that group as the test set.

        Parameters
        ----------
        dataset : Dataset
            Photos that all have a named group.

        Returns
        -------
        iterator of Splits
            Splits with `test` (one group) and `train` (all other groups), sorted by group name.

        Raises
        ------
        SplitError
            Some photos have no named group, or all photos have the same group.
        LeakageError
            The dataset contains augmented copies and `on_leak` is ``"raise"``.
        """
        self._refuse_copies(dataset)
        codes, groups = factorized(dataset.groups)
        unnamed = sum(not group.startswith(USER) for group in groups)
        if unnamed or len(groups) < 2:
            got = f"{unnamed} of {len(groups)} groups without a name" if unnamed else "one group"
            raise SplitError(
                f"dataset must have at least two groups, all of them named, got {got}; name groups "
                "with groups= (from_arrays) or group_column= (from_manifest)",
                code="no-groups",
                parameter="dataset",
            )
        order = sorted(range(len(groups)), key=groups.__getitem__)
        return (
            self._fold(dataset, codes == code, f"Tested on {groups[code].removeprefix(USER)!r}.")
            for code in order
        )

    def _fold(self, dataset: Dataset, tested: npt.NDArray[np.bool_], note: str) -> Splits:
        return assemble(
            {"train": dataset[~tested], "test": dataset[tested]},
            self.on_leak,
            SplitOrigin(notes=(note,)),
        )

    def _placed(
        self,
        keys: npt.NDArray[np.object_],
        labels: npt.NDArray[np.int64],
        class_names: Sequence[str],
        state: npt.NDArray[np.int64],
    ) -> tuple[npt.NDArray[np.int64], str]:
        """Return the state of each row after placing new rows, and a note for `describe`."""
        if self.method == "hashed":
            return hashed_states(self.seed, self._shares, keys, state), _ROUGHLY
        return stratified_states(
            self.seed, self._shares, keys, labels, class_names=class_names, state=state
        )

    @property
    def _shares(self) -> list[Fraction]:
        shares = [_exact(name, getattr(self, name)) for name in PARTS]
        return [share / sum(shares) for share in shares]

    def _refuse_copies(self, dataset: Dataset) -> None:
        copies = np.flatnonzero(require_dataset("dataset", dataset).copies > 0)
        if len(copies) and self.on_leak == "raise":
            raise LeakageError(
                "dataset must have no augmented copies, which would leak into the validation and "
                f"test sets, got {len(copies)}, for example of {dataset.ids[copies[0]]!r}; split "
                "first, then balance the training set (to balance before the split, as the article "
                "does, use fit_resample and split_indices on arrays)",
                code="augmented-copies",
                parameter="dataset",
            )


def _exact(name: str, value: float) -> Fraction:
    number = as_number(name, value, minimum=0, maximum=1)
    try:
        return Fraction(str(value))
    except ValueError:
        return Fraction(str(number))
