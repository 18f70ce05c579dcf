"""`Source`: the classifier that is exported."""

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
    """A classifier that is exported."""

    card: Card
    """What the file will say about itself."""
    model: keras.Model
    """The network; its own weights may have changed since."""
    values: Sequence[npt.NDArray[np.generic]]
    """The weights that are exported, in the model's order."""
    spec: ModelSpec | None
    """What the network is built from; None where only its user's code can build it."""
    probabilities: Callable[[Images], Scores]
    """The classifier's calibrated probabilities, which the file is compared with."""
