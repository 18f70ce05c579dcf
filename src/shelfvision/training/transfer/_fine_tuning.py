"""`FineTuning`: the trainable part of a model, and its training data."""

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
    """The trainable part of a model, and its training and validation data."""

    learner: keras.Model
    """The model that Keras trains: the whole model, or its upper part, which shares its layers."""
    train: Activations | None = None
    """Training data of the upper part; None if the whole model trains on photos."""
    validation: Activations | None = None
    """Validation data of the upper part."""
    frozen: FrozenLayers | None = None
    """The frozen layers below the cut; None without a cut."""

    @property
    def identity(self) -> dict[str, Json]:
        """What must be unchanged in the frozen layers to resume a run."""
        return {} if self.frozen is None else {"weights of the frozen part": self.frozen.digest}

    @contextmanager
    def opened(self, cache_dir: str | os.PathLike[str] | None, verbose: Verbose) -> Iterator[None]:
        """Open the outputs of the frozen layers; compute those that are not stored."""
        with ExitStack() as stack:
            directory = _directory(cache_dir, stack) if self.frozen is not None else Path()
            for activations in (self.train, self.validation):
                if activations is not None:
                    _logger.info(
                        "computing the frozen layers for up to %d images", activations.images
                    )
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
    """Set the trainable layers, and cut the model in two unless all layers train."""
    if place is None:
        return FineTuning(learner=model)
    if place == "full":
        set_trainable(model, model)
        return FineTuning(learner=model)
    below, above = parts_of(model, place)
    set_trainable(model, above)
    spec = spec_of(model)
    if spec is not None:
        # The upper part uses the same loss as the whole model.
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
