"""`Source`: the classifier that is exported, as the writers need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision.export._card import Card
from shelfvision.export._runtimes import Scores
from shelfvision.protocols import Images

if TYPE_CHECKING:
    import keras

Pairs: TypeAlias = "Sequence[tuple[keras.Variable, npt.NDArray[np.generic]]]"
"""The variables of a model, each with the value that it is exported with."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A classifier that is exported."""

    card: Card
    """What the file will say about itself."""
    model: keras.Model
    """The network; its own weights may have moved on."""
    pairs: Pairs
    """Its variables and their frozen values."""
    answers: Callable[[Images], Scores]
    """What the classifier says, calibrated: what the file is held against."""
