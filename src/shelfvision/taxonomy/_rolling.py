"""Sums over what lies below a name: of probabilities, and of counts as they may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shelfvision.inventory import Inventory
from shelfvision.predictions import Predictions
from shelfvision.predictions.columns import Floats, Integers

Parents = Mapping[str, str]
"""The name above each name."""


def names_above(names: Sequence[str], parents: Parents) -> tuple[tuple[str, ...], Integers]:
    """Return the names above, sorted, and the number of the one above each name."""
    above = tuple(sorted({parents[name] for name in names}))
    number = {name: place for place, name in enumerate(above)}
    return above, np.array([number[parents[name]] for name in names], dtype=np.int64)


def summed(rows: npt.NDArray[np.float32] | Integers, places: Integers, n: int) -> Floats:
    """Return sums of the columns that go to the same place, shape (rows, n)."""
    sums = np.zeros((len(rows), n), dtype=np.float64)
    for column, place in enumerate(places.tolist()):
        sums[:, place] += rows[:, column]
    return sums


def rolled_predictions(found: Predictions, parents: Parents) -> Predictions:
    """Return predictions of the names above; decisions stay as they are."""
    above, places = names_above(found.class_names, parents)
    shares = found.class_prior
    if shares is not None:
        shares = _added(shares, parents, above)
    return Predictions(
        np.minimum(summed(found.probabilities, places, len(above)), 1),
        above,
        found.ids,
        found.errors,
        decisions=list(found.decisions),
        class_prior=shares,
    )


def rolled_inventory(inventory: Inventory, parents: Parents) -> Inventory:
    """Return the inventory of the names above: each draw is added up, and intervals follow."""
    above, places = names_above(inventory.class_names, parents)
    draws = summed(inventory.draws, places, len(above)).astype(np.int64)
    draws.flags.writeable = False
    measured = {parents[n] for n in inventory.class_names if n not in inventory.unmeasured}
    return replace(
        inventory,
        class_names=above,
        naive={name: int(n) for name, n in _added(inventory.naive, parents, above).items()},
        draws=draws,
        unmeasured=tuple(name for name in above if name not in measured),
        parts={name: rolled_inventory(part, parents) for name, part in inventory.parts.items()},
    )


def _added(values: Mapping[str, float], parents: Parents, above: Sequence[str]) -> dict[str, float]:
    sums = dict.fromkeys(above, 0.0)
    for name, value in values.items():
        sums[parents[name]] += value
    return sums
