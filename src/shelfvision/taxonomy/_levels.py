"""The most probable name on every level, and the finest level that is confident enough.

The probability of a name is the sum of the probabilities of its products, so confidence grows from
level to level. A photo with two probable kinds of milk gets the answer "Milk":

>>> import numpy as np
>>> rows = np.array([[0.1, 0.5, 0.4]], dtype=np.float32)  # Oatly, Arla-Mild, Arla-Fresh
>>> products, labels = (np.array([0, 1, 2]), 3), (np.array([1, 0, 0]), 2)
>>> winners = winners_of_levels(rows, [products, labels])
>>> finest_confident(winners, 0.8)
array([1])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name
from shelfvision._validation import counted
from shelfvision.errors import DataError
from shelfvision.predictions import Predictions
from shelfvision.predictions.columns import Floats, Integers
from shelfvision.taxonomy._answers import Answers
from shelfvision.taxonomy._hierarchy import (
    Columns,
    Paths,
    columns_of_levels,
    finest_level,
    numbered_parents,
    parents,
    place_of,
)
from shelfvision.taxonomy._sums import sum_columns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelWinners:
    """The most probable name of every photo on one level."""

    names: Integers
    """The number of the most probable name, shape (n,)."""
    confidences: Floats
    """Its probability, at least that of a finer level; NaN for a photo that failed."""


def winners_of_levels(
    rows: npt.NDArray[np.float32], levels: Sequence[Columns]
) -> list[LevelWinners]:
    """Return the most probable names on each level, finest first."""
    found: list[LevelWinners] = []
    for columns in levels:
        sums = np.minimum(sum_columns(rows, columns), 1)
        names = np.nan_to_num(sums, nan=-1.0).argmax(axis=1).astype(np.int64)
        confidences = sums[np.arange(len(sums)), names]
        if found:
            # Rounding may make a sum of many small numbers less than one of its terms.
            confidences = np.maximum(confidences, found[-1].confidences)
        found.append(LevelWinners(names=names, confidences=confidences))
    return found


def finest_confident(levels: Sequence[LevelWinners], limit: float) -> Integers:
    """Return the index of the finest level that reaches the limit for each photo; -1 for none."""
    place = np.full(len(levels[0].names), -1, dtype=np.int64)
    for number, level in reversed(list(enumerate(levels))):
        place[level.confidences >= limit] = number
    return place


def finest_answers(
    levels: tuple[str, ...], paths: Paths, predictions: Predictions, limit: float
) -> Answers:
    """Return the finest name of every photo whose confidence reaches the limit."""
    class_names = predictions.class_names
    low = finest_level(levels, paths, class_names)
    winners = winners_of_levels(
        predictions.probabilities, columns_of_levels(paths, class_names, low)
    )
    place = finest_confident(winners, limit)
    failed = np.array([reason is not None for reason in predictions.errors], dtype=np.bool_)
    # Without enough confidence on any level, the best name of the coarsest level is shown.
    shown = np.where(place < 0, len(winners) - 1, place)
    names, on_levels = (np.full(len(predictions), None, dtype=object) for _ in range(2))
    confidences = np.full(len(predictions), np.nan)
    for number, level in enumerate(winners):
        here = (shown == number) & ~failed
        above, _ = numbered_parents(class_names, parents(paths, low, low + number))
        names[here] = np.array(above, dtype=object)[level.names[here]]
        on_levels[here] = levels[low + number]
        confidences[here] = level.confidences[here]
    return Answers(
        level_names=levels[low:],
        ids=predictions.ids,
        names=names,
        levels=on_levels,
        confidences=confidences,
        decisions=np.where((place >= 0) & ~failed, "accept", "review").astype(object),
        errors=predictions.errors,
    )


def correct_answers(
    levels: tuple[str, ...],
    paths: Paths,
    answers: Answers,
    products: Sequence[str] | npt.NDArray[np.object_],
) -> npt.NDArray[np.bool_]:
    """Return which answers are the true product or, on coarser levels, its parent."""
    names = [clean_name(name) for name in products]
    if len(names) != len(answers):
        raise DataError(
            f"products must have a name for each of {counted(len(answers), 'answer')}, got "
            f"{len(names)}; give the true product of each",
            code="wrong-length",
            parameter="products",
        )
    finest = place_of(levels, answers.level_names[0])
    low = finest_level(levels, paths, sorted(set(names)), at=finest)
    above = {name: parents(paths, low, place_of(levels, name)) for name in answers.level_names}
    pairs = zip(names, answers.names, answers.levels, strict=True)
    right = [level is not None and above[level][true] == name for true, name, level in pairs]
    return np.array(right, dtype=np.bool_)
