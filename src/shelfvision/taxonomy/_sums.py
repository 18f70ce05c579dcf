"""Rolls up predictions and inventories: sums over the names below each name.

>>> import numpy as np
>>> rows = np.array([[0.1, 0.5, 0.4]], dtype=np.float32)  # Oatly, Arla-Mild, Arla-Fresh
>>> sum_columns(rows, (np.array([1, 0, 0]), 2)).round(2)  # Milk, Oat milk
array([[0.9, 0.1]])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shelfvision._validation import listed
from shelfvision.data import Dataset
from shelfvision.data.table import frozen
from shelfvision.errors import InvalidParameterError
from shelfvision.inventory import Inventory
from shelfvision.predictions import Predictions
from shelfvision.predictions.columns import Floats, Integers
from shelfvision.taxonomy._checks import NamePath
from shelfvision.taxonomy._hierarchy import (
    Columns,
    Parents,
    Paths,
    finest_level,
    numbered_parents,
    parents,
    place_of,
)


def rolled_up(
    levels: NamePath, paths: Paths, what: object, level: str | None
) -> Predictions | Inventory | Dataset:
    """Return the object on a coarser level; by default the next level above its names."""
    if not isinstance(what, Predictions | Inventory | Dataset):
        raise InvalidParameterError(
            f"what must be Predictions, an Inventory or a Dataset, got {type(what).__name__}; "
            "pass what a classifier predicted",
            code="wrong-type",
            parameter="what",
        )
    low = finest_level(levels, paths, what.class_names)
    high = low + 1 if level is None else place_of(levels, level)
    if not low <= high < len(levels):
        raise InvalidParameterError(
            f"names of the level {levels[low]!r} cannot be rolled up to "
            f"{level or 'a coarser one'!r}; the levels are {listed(levels)}, finest first",
            code="not-in-range",
            parameter="level",
        )
    above = parents(paths, low, high)
    if isinstance(what, Predictions):
        return sum_predictions(what, above)
    if isinstance(what, Inventory):
        return sum_inventory(what, above)
    return what.relabel({name: above[name] for name in what.class_names})


def sum_columns(rows: npt.NDArray[np.float32] | Integers, columns: Columns) -> Floats:
    """Return the sums of the columns with the same number, shape (rows, names of the level)."""
    numbers, n = columns
    sums = np.zeros((len(rows), n), dtype=np.float64)
    for column, number in enumerate(numbers.tolist()):
        sums[:, number] += rows[:, column]
    return sums


def sum_predictions(found: Predictions, above_of: Parents) -> Predictions:
    """Return predictions of the parent names; decisions are unchanged."""
    above, numbers = numbered_parents(found.class_names, above_of)
    prior = found.class_prior
    if prior is not None:
        prior = _sum_by_name(prior, above_of, above)
    return Predictions(
        np.minimum(sum_columns(found.probabilities, (numbers, len(above))), 1),
        above,
        found.ids,
        found.errors,
        decisions=list(found.decisions),
        class_prior=prior,
    )


def sum_inventory(inventory: Inventory, above_of: Parents) -> Inventory:
    """Return the inventory of the parent names, with the sums of each draw."""
    above, numbers = numbered_parents(inventory.class_names, above_of)
    draws = sum_columns(inventory.draws, (numbers, len(above))).astype(np.int64)
    draws.flags.writeable = False
    measured = {above_of[n] for n in inventory.class_names if n not in inventory.unmeasured}
    naive = _sum_by_name(inventory.naive, above_of, above)
    return replace(
        inventory,
        class_names=above,
        naive={name: int(n) for name, n in naive.items()},
        draws=draws,
        estimates=None
        if inventory.estimates is None
        else frozen(np.bincount(numbers, inventory.estimates, len(above)).astype(np.float64)),
        unmeasured=tuple(name for name in above if name not in measured),
        parts={name: sum_inventory(part, above_of) for name, part in inventory.parts.items()},
    )


def _sum_by_name(
    values: Mapping[str, float], above_of: Parents, above: Sequence[str]
) -> dict[str, float]:
    sums = dict.fromkeys(above, 0.0)
    for name, value in values.items():
        sums[above_of[name]] += value
    return sums
