"""`Splits`: training, validation and test parts that share no photo."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Self, final

import numpy as np

from shelfvision._validation import as_path, listed, one_of
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


@final
class Splits:
    """The parts that a dataset is divided into; it unpacks into three.

    Parameters
    ----------
    train : Dataset
        What the model learns from. Augmented copies belong here only. Its class names and their
        numbers hold for the other parts too, whose classes may be fewer and in another order.
    validation : Dataset, optional
        What chooses the best epoch and the thresholds.
    test : Dataset, optional
        What judges the result, once.
    on_leak : {"raise", "drop", "allow"}, default="raise"
        What to do when two parts share a group, or a part other than `train` holds augmented
        copies. ``"raise"`` names three offenders. ``"drop"`` takes shared photos out of the
        earlier part (out of `train`; between validation and test, out of validation) and copies
        out of the part they are in. ``"allow"`` keeps them. The last two warn, and record what
        they found in `leaks`.

    Raises
    ------
    LeakageError
        The parts share photos and `on_leak` is ``"raise"``.
    SplitError
        A part is empty or has another image size, or a class that `train` lacks.

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
        """Return splits that also say how they were made."""
        self = cls.__new__(cls)
        self._fill(parts, on_leak, origin)
        return self

    def _fill(self, parts: Mapping[str, Dataset], on_leak: OnLeak, origin: SplitOrigin) -> None:
        one_of("on_leak", on_leak, ON_LEAK)
        parts = alike(parts)
        left = {name: (part,) for name, part in origin.left_out.items() if len(part)}
        # What an unplaced photo links was saved apart on purpose: reported below, not refused.
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
        train: str | os.PathLike[str],
        validation: str | os.PathLike[str] | None = None,
        test: str | os.PathLike[str] | None = None,
        encoding: str | None = None,
        on_leak: OnLeak = "raise",
    ) -> Splits:
        """Divide a dataset as published text lists say.

        A line starts with the id of a photo; what follows after a space, tab, comma or semicolon
        is ignored, as are blank lines. A photo that is listed twice in a file counts once. Every
        part is in the order of the dataset. Photos on no list are in `unlisted`.

        Parameters
        ----------
        dataset : Dataset
            The photos that the lists name.
        train, validation, test : path-like
            The lists. `validation` and `test` may be left out.
        encoding : str, optional
            The encoding of the lists. By default that of their byte order mark, or UTF-8.
        on_leak : {"raise", "drop", "allow"}, default="raise"
            As for `Splits`: published lists often contain twins.

        Returns
        -------
        Splits
            The parts.

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
        given = zip(PARTS, (as_path(train, "train"), validation, test), strict=True)
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
    def load(
        cls, path: str | os.PathLike[str], dataset: Dataset, *, on_leak: OnLeak = "raise"
    ) -> Splits:
        """Load a split that `save` wrote: the same photos in the same order.

        Parameters
        ----------
        path : path-like
            The manifest.
        dataset : Dataset
            The dataset that was split; its rows may come in any order.
        on_leak : {"raise", "drop", "allow"}, default="raise"
            As for `Splits`. A split that was saved with leaks is loaded with ``"allow"``.

        Returns
        -------
        Splits
            The parts.

        Raises
        ------
        DatasetNotFoundError
            There is no such file.
        SplitError
            The file is not a saved split, or does not fit the dataset: photos are missing on
            either side, or labels have changed.
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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save which photo is where, atomically, as a CSV manifest.

        Its columns are path (the photo's id), label, group, split and copy; photos in no part are
        listed as ``dropped``, ``unlisted`` or ``unplaced``. `Dataset.from_manifest` reads one
        part with ``where={"split": "train"}``.

        Parameters
        ----------
        path : path-like
            Where the manifest shall stand. Its folder is made if need be.

        Raises
        ------
        StorageError
            The file could not be written; whatever stood there before is unchanged.
        """
        left = [(name, block) for name in LEFT_OUT for block in self._left_out.get(name, ())]
        write_split(path, [*self._parts.items(), *left])

    @property
    def train(self) -> Dataset:
        """What the model learns from."""
        return self._parts["train"]

    @property
    def validation(self) -> Dataset | None:
        """What chooses the best epoch, or None."""
        return self._parts.get("validation")

    @property
    def test(self) -> Dataset | None:
        """What judges the result, or None."""
        return self._parts.get("test")

    @property
    def on_leak(self) -> OnLeak:
        """What was done about leaks: ``"raise"`` means that there are none that were not told."""
        return self._on_leak

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What the parts shared when they were given, before anything was dropped."""
        return self._leaks

    @property
    def groups_ignored(self) -> bool:
        """Whether the split was made without regard to groups, as ``method="shuffled"`` does."""
        return self._origin.groups_ignored

    @property
    def dropped(self) -> tuple[str, ...]:
        """The ids of photos that ``on_leak="drop"`` took out."""
        return self._ids_of("dropped")

    @property
    def unlisted(self) -> tuple[str, ...]:
        """The ids of photos that stand on no list."""
        return self._ids_of("unlisted")

    @property
    def unplaced(self) -> tuple[str, ...]:
        """The ids of new photos that link photos which an earlier split had put into two parts."""
        return self._ids_of("unplaced")

    @property
    def gone(self) -> tuple[str, ...]:
        """The ids of photos of an earlier split that the dataset does not have any more."""
        return self._origin.gone

    def _ids_of(self, reason: str) -> tuple[str, ...]:
        return tuple(name for block in self._left_out.get(reason, ()) for name in block.ids)

    def __iter__(self) -> Iterator[Dataset | None]:
        """Yield train, validation and test; a part that there is not is None."""
        return (self._parts.get(name) for name in PARTS)

    def describe(self) -> str:
        """Return a table of the photos of every class in every part, and what is worth knowing.

        Returns
        -------
        str
            Several lines of text.
        """
        return "\n".join([*count_table(self._parts), *self._remarks()])

    def __repr__(self) -> str:
        """Return the table that `describe` gives, under a heading."""
        height, width = self.train.image_size
        return f"<Splits: {height} x {width} photos>\n{self.describe()}"

    def _remarks(self) -> list[str]:
        left = {name: self._ids_of(name) for name in LEFT_OUT}
        gone = self._origin.gone
        remarks = [
            *self._origin.notes,
            f"on_leak={self._on_leak!r}: {leak_sentence(self._leaks)}." if self._leaks else "",
            *(
                f"{len(ids)} photos {name}: {listed(ids, limit=3)}."
                for name, ids in left.items()
                if ids
            ),
            f"{len(gone)} photos of the earlier split are gone: {listed(gone, limit=3)}."
            if gone
            else "",
        ]
        return [remark for remark in remarks if remark]


def assemble(parts: Mapping[str, Dataset], on_leak: OnLeak, origin: SplitOrigin) -> Splits:
    """Return splits that also say how they were made."""
    cls = Splits
    return cls._of(parts, on_leak, origin)


def _warn(splits: Splits, asked: Sequence[Leak]) -> None:
    if asked:
        done = {
            "drop": f"{len(splits.dropped)} photos were dropped",
            "allow": "they were kept, so scores on the later parts flatter the model",
        }.get(splits.on_leak, "")
        cause = "method 'shuffled' ignores groups: " if splits.groups_ignored else ""
        warn_caller(LeakageWarning(f"{cause}{leak_sentence(asked)}; {done}", code="leakage"))
    if splits.unplaced:
        warn_caller(
            LeakageWarning(
                f"{len(splits.unplaced)} new photos link photos that the earlier split has in two "
                f"parts, so they were not placed: {listed(splits.unplaced, limit=3)}; look at "
                "them, they are in splits.unplaced",
                code="unplaced",
            )
        )
