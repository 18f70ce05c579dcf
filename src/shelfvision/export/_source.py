"""`Source`: the parts of a classifier that an export needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._runtime.card import Card
from shelfvision._runtime.formats.format import Scores
from shelfvision.models import ModelSpec
from shelfvision.protocols import Images

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """The parts of a classifier that an export needs."""

    card: Card
    """The description that the exported file contains."""
    model: keras.Model
    """The network; its current weights may differ from `values`."""
    values: Sequence[npt.NDArray[np.generic]]
    """The weights to export, in the model's order."""
    spec: ModelSpec | None
    """The specification to rebuild the network from; None for a custom architecture."""
    probabilities: Callable[[Images], Scores]
    """Returns the classifier's calibrated probabilities, to compare the file with."""
