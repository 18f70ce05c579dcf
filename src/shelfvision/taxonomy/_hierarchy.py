"""Relations between names of different levels, and between their class numbers.

Levels are finest first, and a path has the name of a product on each of them:

>>> paths = (("Arla", "Milk", "Dairy"), ("Oatly", "Oat milk", "Dairy"))
>>> parents(paths, 0, 2)
{'Arla': 'Dairy', 'Oatly': 'Dairy'}
>>> numbered_parents(["Oatly", "Arla"], parents(paths, 0, 1))
(('Milk', 'Oat milk'), array([1, 0]))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from shelfvision._identifiers import closest
from shelfvision._validation import listed
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions.columns import Integers
from shelfvision.taxonomy._checks import NamePath

Paths: TypeAlias = tuple[NamePath, ...]
Parents: TypeAlias = Mapping[str, str]
"""The name above each name."""
Columns: TypeAlias = tuple[Integers, int]
"""The number of each class on a level, and the number of names of the level."""


def place_of(levels: NamePath, level: str) -> int:
    """Return the index of a level, 0 for the finest."""
    if level not in levels:
        raise InvalidParameterError(
            f"level must be one of {listed(levels)}, got {level!r}; pass one of these",
            code="unknown-name",
            parameter="level",
        )
    return levels.index(level)


def names_on(paths: Paths, place: int) -> NamePath:
    """Return the names of a level, sorted."""
    return tuple(sorted({path[place] for path in paths}))


def parents(paths: Paths, low: int, high: int) -> dict[str, str]:
    """Return the name on a coarser level for every name of a finer level."""
    return {path[low]: path[high] for path in paths}


def numbered_parents(names: Sequence[str], above: Parents) -> tuple[NamePath, Integers]:
    """Return the parent names, sorted, and the number of each name's parent."""
    found = tuple(sorted({above[name] for name in names}))
    number = {name: place for place, name in enumerate(found)}
    return found, np.array([number[above[name]] for name in names], dtype=np.int64)


def columns_of_levels(paths: Paths, class_names: Sequence[str], low: int) -> list[Columns]:
    """Return the target column of every class, on the level of the classes and each level above."""
    columns = []
    for high in range(low, len(paths[0])):
        above, numbers = numbered_parents(class_names, parents(paths, low, high))
        columns.append((numbers, len(above)))
    return columns


def finest_level(
    levels: NamePath, paths: Paths, names: Sequence[str], *, at: int | None = None
) -> int:
    """Return the index of the finest level that has all of these names, or raise `DataError`."""
    places = range(len(levels)) if at is None else [at]
    known = [{path[place] for path in paths} for place in places]
    for place, there in zip(places, known, strict=True):
        if there.issuperset(names):
            return place
    missing = [name for name in names if name not in known[0]]
    near = closest(missing[0], sorted(known[0]))
    hint = f" (is {near!r} meant?)" if near else ""
    raise DataError(
        f"the taxonomy has no {levels[places[0]]} {listed(missing)}{hint}; add "
        f"{'it' if len(missing) == 1 else 'them'} to the taxonomy",
        code="missing-class",
    )
