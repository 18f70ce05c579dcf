"""Compute the number of copies of each class from an imbalanced-learn sampling strategy.

>>> copies_to_add({"can": 5, "jar": 2}, "not majority")
{'can': 0, 'jar': 3}
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar, cast, final

import numpy as np

from shelfvision import plot
from shelfvision._identifiers import in_spelling_of
from shelfvision._text import printable
from shelfvision._validation import as_integer, listed
from shelfvision.errors import DataError, InvalidParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Name = TypeVar("Name", bound=str | int)

ClassName: TypeAlias = str | int
"""A class name or, for arrays, a label."""

Strategy: TypeAlias = (
    Literal["not majority", "auto", "minority", "not minority", "all", "median"]
    | int
    | Mapping[str, int]
    | Mapping[int, int]
    | Callable[[dict[ClassName, int]], Mapping[ClassName, int]]
)
"""The classes that get copies, and their number of photos afterwards."""

WORDS = ("not majority", "auto", "minority", "not minority", "all", "median")


def check_strategy(strategy: object) -> None:
    """Raise an error unless this is a sampling strategy."""
    if isinstance(strategy, str) and strategy in WORDS:
        return
    if isinstance(strategy, Mapping) or callable(strategy):
        return
    if isinstance(strategy, int | np.integer) and not isinstance(strategy, bool) and strategy > 0:
        return
    raise InvalidParameterError(
        f"sampling_strategy must be one of {listed(WORDS, limit=9)}, a number of photos, a "
        f"mapping {{class: number of photos}} or a callable that returns one, got {strategy!r}",
        code="not-an-option",
        parameter="sampling_strategy",
    )


def copies_to_add(counts: Mapping[ClassName, int], strategy: Strategy) -> dict[ClassName, int]:
    """Return the number of copies to add to each class, 0 for classes without copies."""
    present = {name: int(n) for name, n in counts.items() if n > 0}
    if not present:
        raise DataError("at least one class must have photos, got counts of 0", code="empty")
    targets = _targets(dict(counts), present, strategy)
    return {name: max(0, int(targets.get(name, n)) - int(n)) for name, n in counts.items()}


def _targets(
    counts: dict[ClassName, int], present: dict[ClassName, int], strategy: Strategy
) -> Mapping[ClassName, int]:
    if isinstance(strategy, Mapping):
        return _asked_for(counts, cast("Mapping[ClassName, int]", strategy), "sampling_strategy")
    if callable(strategy):
        answer = strategy(dict(counts))
        if not isinstance(answer, Mapping):
            raise InvalidParameterError(
                "the sampling_strategy callable must return a mapping {class: number of photos}, "
                f"got {answer!r}",
                code="wrong-answer",
                parameter="sampling_strategy",
            )
        return _asked_for(counts, answer, "the result of the sampling_strategy callable")
    if isinstance(strategy, int | np.integer):
        if strategy < min(present.values()):
            raise InvalidParameterError(
                f"sampling_strategy must be at least {min(present.values())}, the size of the "
                f"smallest class, got {strategy}; photos are never removed, so use a larger number",
                code="not-in-range",
                parameter="sampling_strategy",
            )
        return dict.fromkeys(present, int(strategy))
    if strategy == "median":
        return dict.fromkeys(present, math.ceil(statistics.median(present.values())))
    return dict.fromkeys(_chosen(present, strategy), max(present.values()))


def _chosen(present: dict[ClassName, int], word: str) -> list[ClassName]:
    smallest = min(present, key=lambda name: present[name])
    if word == "minority":
        return [smallest]
    return [name for name in present if word != "not minority" or name != smallest]


def _asked_for(
    counts: dict[ClassName, int], targets: Mapping[ClassName, int], source: str
) -> Mapping[ClassName, int]:
    targets = in_spelling_of(counts, targets)
    for name, target in targets.items():
        if name not in counts:
            raise InvalidParameterError(
                f"{source} must have known classes, got {name!r}; the classes are "
                f"{listed(map(str, counts), limit=50)}",
                code="unknown-name",
                parameter="sampling_strategy",
            )
        as_integer(
            f"{source}: the number of photos of class {name!r}",
            target,
            minimum=0,
            parameter="sampling_strategy",
        )
        if target < counts[name]:
            raise InvalidParameterError(
                f"{source} must be at least {counts[name]} for class {name!r}, its number of "
                f"photos, got {target}; photos are never removed, so use a larger number",
                code="not-in-range",
                parameter="sampling_strategy",
            )
        if counts[name] == 0 and target > 0:
            raise DataError(
                f"{source} must be 0 for class {name!r}, which has no photos, got {target}; add "
                "photos of this class or leave it out",
                code="missing-class",
                parameter="sampling_strategy",
            )
    return targets


@final
class BalancingPlan(dict[Name, int], Generic[Name]):
    """The number of copies to add to each class: a dict that prints as a table.

    Parameters
    ----------
    added : mapping of class name to int
        The copies to add.
    counts : mapping of class name to int
        The photos of each class before balancing.
    """

    __slots__ = ("counts",)

    counts: dict[Name, int]
    """The number of photos of each class before balancing."""

    def __init__(self, added: Mapping[Name, int], *, counts: Mapping[Name, int]) -> None:
        super().__init__(added)
        self.counts = dict(counts)

    def __str__(self) -> str:
        """Return a table of photos, copies and their sum."""
        rows = [("class", "photos", "copies", "together")]
        for name, n in self.items():
            before = self.counts[name]
            rows.append((printable(str(name)), str(before), f"+{n}", str(before + n)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Plot the number of photos of each class before and after balancing.

        Parameters
        ----------
        ax : Axes, optional
            The axes to plot on; by default a new figure.

        Returns
        -------
        Axes
            The axes.
        """
        before = {str(name): n for name, n in self.counts.items()}
        after = {str(name): self.counts[name] + n for name, n in self.items()}
        return plot.class_balance(before, after, ax=ax)
