"""`Splits`: training, validation and test sets without data leakage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Self, final

import numpy as np

from shelfvision._storage import as_location
from shelfvision._validation import counted, listed, one_of
from shelfvision._warnings import warn_caller
from shelfvision.data._dataset import Dataset
from shelfvision.data.splitting._checks import (
    alike,
    check_complete,
    check_filled,
    count_table,
    given_parts,
)
from shelfvision.data.splitting._files import (
    LEFT_OUT,
    find_rows,
    read_split,
    rows_by_id,
    rows_of_list,
    write_split,
)
from shelfvision.data.splitting._notebook import splits_view
from shelfvision.data.splitting._origin import SplitOrigin
from shelfvision.data.splitting.leaks import (
    ON_LEAK,
    PARTS,
    Leak,
    OnLeak,
    find_leaks,
    leak_refusal,
    leak_sentence,
    without_leaks,
)
from shelfvision.errors import LeakageError, LeakageWarning
from shelfvision.protocols import Location


@final
class Splits:
    """Training, validation and test sets that are checked for data leakage.

    It unpacks into three: ``train, validation, test = splits``.

    Parameters
    ----------
    train : Dataset
        The training set. Only this set may contain augmented copies. The other sets get its class
        names and class numbers; they may have fewer classes in another order.
    validation : Dataset, optional
        The validation set, which selects the best epoch and the thresholds.
    test : Dataset, optional
        The test set, which measures the final score once.
    on_leak : {"raise", "drop", "allow"}, default="raise"
        What to do if two sets share a group, or if the validation or test set contains augmented
        copies. ``"raise"`` raises an error with three examples. ``"drop"`` removes shared photos
        from the earlier set (from `train`, or from `validation` if `test` has them too) and copies
        from the set that contains them. ``"allow"`` keeps them. ``"drop"`` and ``"allow"`` warn
        and list the leaks in `leaks`.

    Raises
    ------
    LeakageError
        The sets share photos and `on_leak` is ``"raise"``.
    SplitError
        A set is empty, has another image size, or has a class that `train` lacks.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1).repeat(3, axis=3)
    >>> dataset = shv.Dataset.from_arrays(images, ["milk", "juice"] * 3)
    >>> train, validation, test = shv.Splits(train=dataset[:4], test=dataset[4:])
    >>> len(train), validation, len(test)
    (4, None, 2)
    """

    __slots__ = ("_leaks", "_left_out", "_on_leak", "_origin", "_parts")

    _parts: Mapping[str, Dataset]
    _on_leak: OnLeak
    _leaks: tuple[Leak, ...]
    _left_out: Mapping[str, tuple[Dataset, ...]]
    _origin: SplitOrigin

    def __init__(
        self,
        train: Dataset,
        validation: Dataset | None = None,
        test: Dataset | None = None,
        *,
        on_leak: OnLeak = "raise",
    ) -> None:
        given = {"train": train, "validation": validation, "test": test}
        self._fill(given_parts(given), on_leak, SplitOrigin())

    @classmethod
    def _of(cls, parts: Mapping[str, Dataset], on_leak: OnLeak, origin: SplitOrigin) -> Self:
        """Return splits with a record of how they were made."""
        self = cls.__new__(cls)
        self._fill(parts, on_leak, origin)
        return self

    def _fill(self, parts: Mapping[str, Dataset], on_leak: OnLeak, origin: SplitOrigin) -> None:
        one_of("on_leak", on_leak, ON_LEAK)
        parts = alike(parts)
        left = {name: (part,) for name, part in origin.left_out.items() if len(part)}
        # The earlier split separated the photos that an unplaced photo links: warn, do not raise.
        spared = {group for part in left.get("unplaced", ()) for group in part.groups}
        leaks = () if origin.disjoint else find_leaks(parts)
        asked = [leak for leak in leaks if leak.group not in spared or leak.reason == "copy"]
        if asked and on_leak == "raise" and not origin.groups_ignored:
            raise LeakageError(leak_refusal(asked), code="leakage")
        if asked and on_leak == "drop":
            parts, dropped = without_leaks(parts, spared)
            left["dropped"] = (*left.get("dropped", ()), *dropped)
        check_filled(parts)
        self._parts = dict(parts)
        self._on_leak = "allow" if origin.groups_ignored and on_leak == "raise" else on_leak
        self._leaks, self._left_out, self._origin = leaks, left, origin
        _warn(self, asked)

    @classmethod
    def from_files(
        cls,
        dataset: Dataset,
        *,
        train: Location,
        validation: Location | None = None,
        test: Location | None = None,
        encoding: str | None = None,
        on_leak: OnLeak = "raise",
    ) -> Splits:
        """Split a dataset by published text lists of photo ids.

        Each line starts with a photo id; text after a space, tab, comma or semicolon is ignored,
        and so are blank lines. A photo that is listed twice in a file counts once. Each set keeps
        the order of the dataset. Photos on no list are in `unlisted`.

        Parameters
        ----------
        dataset : Dataset
            The photos that the lists name.
        train, validation, test : path-like or URL
            The lists. `validation` and `test` are optional.
        encoding : str, optional
            The encoding of the lists. By default the encoding of their byte order mark, or UTF-8.
        on_leak : {"raise", "drop", "allow"}, default="raise"
            As for `Splits`; published lists often contain duplicates across sets.

        Returns
        -------
        Splits
            The sets.

        Raises
        ------
        DatasetNotFoundError
            A list does not exist.
        SplitError
            A list is empty, or names a photo that the dataset does not have.
        LeakageError
            The lists share photos and `on_leak` is ``"raise"``.
        """
        known = rows_by_id(dataset)
        given = zip(PARTS, (as_location(train, "train"), validation, test), strict=True)
        rows = {
            name: rows_of_list(path, known, parameter=name, encoding=encoding)
            for name, path in given
            if path is not None
        }
        rest = np.ones(len(dataset), dtype=np.bool_)
        for chosen in rows.values():
            rest[chosen] = False
        return assemble(
            {name: dataset[chosen] for name, chosen in rows.items()},
            on_leak,
            SplitOrigin(left_out={"unlisted": dataset[rest]}),
        )

    @classmethod
    def load(cls, path: Location, dataset: Dataset, *, on_leak: OnLeak = "raise") -> Splits:
        """Load a split that `save` wrote, with the same photos in the same order.

        Parameters
        ----------
        path : path-like or URL
            The manifest, a CSV file.
        dataset : Dataset
            The dataset that was split; its rows may be in another order.
        on_leak : {"raise", "drop", "allow"}, default="raise"
            As for `Splits`. Use ``"allow"`` to load a split that was saved with leaks.

        Returns
        -------
        Splits
            The sets.

        Raises
        ------
        DatasetNotFoundError
            The file does not exist.
        SplitError
            The file is not a saved split, or it does not match the dataset: one of them lacks
            photos of the other, or labels have changed.
        """
        saved = read_split(path, parameter="path")
        rows = find_rows(saved, dataset)
        check_complete(saved, rows, dataset)
        names = np.array(saved.splits, dtype=object)
        blocks = {name: dataset[rows[names == name]] for name in PARTS + LEFT_OUT}
        return assemble(
            {name: blocks[name] for name in PARTS if name == "train" or len(blocks[name])},
            on_leak,
            SplitOrigin(left_out={name: blocks[name] for name in LEFT_OUT}),
        )

    def save(self, path: Location) -> None:
        """Save the split atomically as a CSV manifest.

        Its columns are path (the photo id), label, group, split and copy. Photos in no set have
        the split ``dropped``, ``unlisted`` or ``unplaced``. `Dataset.from_manifest` reads one set
        with ``where={"split": "train"}``.

        Parameters
        ----------
        path : path-like or URL
            The file to write. Its folder is created if it does not exist.

        Raises
        ------
        StorageError
            The file cannot be written; an existing file is unchanged.
        """
        left = [(name, block) for name in LEFT_OUT for block in self._left_out.get(name, ())]
        write_split(path, [*self._parts.items(), *left])

    @property
    def train(self) -> Dataset:
        """The training set."""
        return self._parts["train"]

    @property
    def validation(self) -> Dataset | None:
        """The validation set, or None."""
        return self._parts.get("validation")

    @property
    def test(self) -> Dataset | None:
        """The test set, or None."""
        return self._parts.get("test")

    @property
    def on_leak(self) -> OnLeak:
        """How leaks were handled; with ``"raise"`` each leak caused an error or a warning."""
        return self._on_leak

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """The leaks that were found, including those that ``on_leak="drop"`` removed."""
        return self._leaks

    @property
    def groups_ignored(self) -> bool:
        """Whether the split ignores groups, as ``method="shuffled"`` does."""
        return self._origin.groups_ignored

    @property
    def dropped(self) -> tuple[str, ...]:
        """The ids of photos that ``on_leak="drop"`` removed."""
        return self._ids_of("dropped")

    @property
    def unlisted(self) -> tuple[str, ...]:
        """The ids of photos that are on no list."""
        return self._ids_of("unlisted")

    @property
    def unplaced(self) -> tuple[str, ...]:
        """The ids of new photos whose group is in two sets of the earlier split."""
        return self._ids_of("unplaced")

    @property
    def gone(self) -> tuple[str, ...]:
        """The ids of photos of the earlier split that the dataset no longer has."""
        return self._origin.gone

    def _ids_of(self, reason: str) -> tuple[str, ...]:
        return tuple(name for block in self._left_out.get(reason, ()) for name in block.ids)

    def __iter__(self) -> Iterator[Dataset | None]:
        """Yield the training, validation and test sets; None for a set that does not exist."""
        return (self._parts.get(name) for name in PARTS)

    def describe(self) -> str:
        """Return a table of photo counts by class and set, with remarks about quotas and leaks.

        Returns
        -------
        str
            Several lines of text.
        """
        return "\n".join([*count_table(self._parts), *self._remarks()])

    def _repr_html_(self) -> str:
        """Return a few photos of each set and the number of photos by class, for notebooks."""
        return splits_view(self._parts)

    def __repr__(self) -> str:
        """Return a heading and the table of `describe`."""
        height, width = self.train.image_size
        return f"<Splits: {height} x {width} photos>\n{self.describe()}"

    def _remarks(self) -> list[str]:
        left = {name: self._ids_of(name) for name in LEFT_OUT}
        gone = self._origin.gone
        remarks = [
            *self._origin.notes,
            f"on_leak={self._on_leak!r}: {leak_sentence(self._leaks)}." if self._leaks else "",
            *(
                f"{counted(len(ids), 'photo')} {name}: {listed(ids, limit=3)}."
                for name, ids in left.items()
                if ids
            ),
            f"The dataset lacks {counted(len(gone), 'photo')} of the earlier split: "
            f"{listed(gone, limit=3)}."
            if gone
            else "",
        ]
        return [remark for remark in remarks if remark]


def assemble(parts: Mapping[str, Dataset], on_leak: OnLeak, origin: SplitOrigin) -> Splits:
    """Return splits with a record of how they were made."""
    cls = Splits
    return cls._of(parts, on_leak, origin)


def _warn(splits: Splits, asked: Sequence[Leak]) -> None:
    if asked:
        done = {
            "drop": f"dropped {counted(len(splits.dropped), 'photo')}",
            "allow": "they were kept, so the validation and test scores are too high",
        }.get(splits.on_leak, "")
        cause = "method 'shuffled' ignores groups: " if splits.groups_ignored else ""
        warn_caller(LeakageWarning(f"{cause}{leak_sentence(asked)}; {done}", code="leakage"))
    if splits.unplaced:
        warn_caller(
            LeakageWarning(
                f"left out {counted(len(splits.unplaced), 'new photo')}, related to photos in two "
                f"sets of the earlier split: {listed(splits.unplaced, limit=3)}; check the ids in "
                "splits.unplaced",
                code="unplaced",
            )
        )
