"""`FineTuning`: which part of a model a run trains, and what that part learns from."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shelfvision._progress import Verbose, progress
from shelfvision._storage.json_values import Json
from shelfvision.data import Dataset
from shelfvision.models import spec_of
from shelfvision.models.spec import set_spec
from shelfvision.training.transfer._activations import Activations
from shelfvision.training.transfer._cut import parts_of
from shelfvision.training.transfer._frozen_layers import FrozenLayers
from shelfvision.training.transfer._trainable_layers import set_trainable
from shelfvision.training.transfer._views import Views

if TYPE_CHECKING:
    import keras

_logger = logging.getLogger("shelfvision.training")


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """What of a model learns, and from what."""

    learner: keras.Model
    """What Keras trains: the whole model, or its upper part, which shares the model's layers."""
    train: Activations | None = None
    """What the upper part learns from; None where the whole model learns from photos."""
    validation: Activations | None = None
    """What it is judged on."""
    frozen: FrozenLayers | None = None
    """The part below, which is run once."""

    @property
    def identity(self) -> dict[str, Json]:
        """What must not change of the frozen part for a run to go on."""
        return {} if self.frozen is None else {"weights of the frozen part": self.frozen.digest}

    @contextmanager
    def opened(self, cache_dir: str | os.PathLike[str] | None, verbose: Verbose) -> Iterator[None]:
        """Have everything that the frozen part gives at hand, computing what is not kept."""
        with ExitStack() as stack:
            directory = _directory(cache_dir, stack) if self.frozen is not None else Path()
            for activations in (self.train, self.validation):
                if activations is not None:
                    _logger.info("computing up to %d images' activations", activations.images)
                    with progress(
                        "Frozen layers",
                        activations.images,
                        verbose=verbose,
                    ) as advance:
                        activations.open(directory, advance)
                    stack.callback(activations.close)
            yield


def fine_tuning_for(
    model: keras.Model, place: str | None, train: Dataset, validation: Dataset | None, views: Views
) -> FineTuning:
    """Set which layers learn, and cut the model in two where that saves time."""
    if place is None:
        return FineTuning(learner=model)
    if place == "full":
        set_trainable(model, model)
        return FineTuning(learner=model)
    below, above = parts_of(model, place)
    set_trainable(model, above)
    spec = spec_of(model)
    if spec is not None:
        # It is trained with the loss of the model that it is the upper part of.
        set_spec(above, spec)
    frozen = FrozenLayers(below)
    return FineTuning(
        learner=above,
        frozen=frozen,
        train=Activations(frozen, train, views),
        validation=None if validation is None else Activations(frozen, validation, Views()),
    )


def _directory(cache_dir: str | os.PathLike[str] | None, stack: ExitStack) -> Path:
    if cache_dir is not None:
        return Path(cache_dir)
    # Windows does not delete a file that is still mapped.
    folder = TemporaryDirectory(prefix="shelfvision-", ignore_cleanup_errors=True)
    return Path(stack.enter_context(folder))
