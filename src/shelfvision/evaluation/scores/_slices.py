"""Scores of slices of the photos: each store, each session, each value of any column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision.errors import InvalidParameterError
from shelfvision.evaluation.scores._intervals import Interval, accuracy_interval
from shelfvision.evaluation.scores._outcomes import Outcomes
from shelfvision.evaluation.scores._resampling import Bootstrap

Column: TypeAlias = Sequence[object] | npt.NDArray[np.generic] | Callable[[str], object]
"""A value for every row, or a function that maps a photo's id to its value."""

MISSING = "(none)"
"""The name of missing values."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SliceScores:
    """The scores of a slice of the photos."""

    n: int
    """The number of scored photos."""
    n_groups: int
    """The number of their groups."""
    accuracy: float
    """The share of photos that are predicted correctly."""
    accuracy_interval: Interval
    """The confidence interval of the accuracy."""
    macro_f1: float
    """The mean F1 of the classes that have photos in this slice."""


def columns_of(
    slices: Mapping[str, Column], ids: npt.NDArray[np.object_]
) -> dict[str, npt.NDArray[np.object_]]:
    """Return the value of every row as text, for every column."""
    if not hasattr(slices, "items"):
        raise InvalidParameterError(
            "slices must be a mapping from a name to a column, such as {'store': stores}, got "
            f"{type(slices).__name__}",
            code="wrong-type",
            parameter="slices",
        )
    return {str(name): _column(str(name), column, ids) for name, column in slices.items()}


def _column(name: str, column: Column, ids: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    values = [column(photo) for photo in ids] if callable(column) else list(column)
    if len(values) != len(ids):
        raise InvalidParameterError(
            f"the slice {name!r} has {len(values)} values for {len(ids)} photos; give one for "
            "each, in the order of the dataset",
            code="wrong-length",
            parameter="slices",
        )
    texts = np.empty(len(values), dtype=object)
    texts[:] = [_text(value) for value in values]
    texts.flags.writeable = False
    return texts


def _text(value: object) -> str:
    # None, NaN, NaT and pandas' NA do not equal themselves.
    same = value == value  # noqa: PLR0124  (this is the test)
    missing = value is None or not (isinstance(same, bool | np.bool_) and bool(same))
    return MISSING if missing or value == "" else str(value)


def slices_of(
    outcomes: Outcomes, columns: Mapping[str, npt.NDArray[np.object_]], settings: Bootstrap
) -> dict[str, dict[str, SliceScores]]:
    """Return the scores for every value of every column, the values sorted."""
    found: dict[str, dict[str, SliceScores]] = {}
    for name, column in columns.items():
        values = column[outcomes.rows]
        found[name] = {
            value: _scores(outcomes.select(values == value), settings)
            for value in sorted(set(values))
        }
    return found


def _scores(part: Outcomes, settings: Bootstrap) -> SliceScores:
    return SliceScores(
        n=len(part),
        n_groups=part.n_groups,
        accuracy=float(part.correct.mean()),
        accuracy_interval=accuracy_interval(part, settings),
        macro_f1=part.macro_f1,
    )
