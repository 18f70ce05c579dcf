"""`FineTuning`: which part of a model a run trains, and what that part learns from."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shelfvision._progress import progress
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError
from shelfvision.models import spec_of
from shelfvision.models.spec import set_spec
from shelfvision.training.loop._compile import compiled_by_caller
from shelfvision.training.run._state import Json
from shelfvision.training.settings._settings import Settings
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
    body: FrozenLayers | None = None
    """The part below, which is run once."""

    @property
    def identity(self) -> dict[str, Json]:
        """What must not change of the frozen part for a run to go on."""
        return {} if self.body is None else {"weights of the frozen part": self.body.digest}

    @contextmanager
    def opened(self, settings: Settings) -> Iterator[None]:
        """Have everything that the frozen part gives at hand, computing what is not kept."""
        with ExitStack() as stack:
            directory = _directory(settings, stack) if self.body is not None else Path()
            for activations in (self.train, self.validation):
                if activations is not None:
                    _logger.info("computing up to %d images' activations", activations.images)
                    with progress(
                        "Frozen layers",
                        activations.images,
                        verbose=settings.verbose,
                    ) as advance:
                        activations.open(directory, advance)
                    stack.callback(activations.close)
            yield


def fine_tuning_for(
    settings: Settings, model: keras.Model, train: Dataset, validation: Dataset | None
) -> FineTuning:
    """Set which layers learn, and cut the model in two where that saves time."""
    if settings.fine_tune is None:
        return FineTuning(learner=model)
    if compiled_by_caller(model):
        raise InvalidParameterError(
            f"the model is already compiled, which fixes what learns, so fine_tune="
            f"{settings.fine_tune!r} would have no effect; pass the model uncompiled, or leave "
            "fine_tune out",
            code="already-compiled",
            parameter="fine_tune",
        )
    if settings.fine_tune == "full":
        set_trainable(model, model)
        return FineTuning(learner=model)
    below, above = parts_of(model, settings.fine_tune)
    set_trainable(model, above)
    spec = spec_of(model)
    if spec is not None:
        # It is trained with the loss of the model that it is the upper part of.
        set_spec(above, spec)
    body = FrozenLayers(below)
    return FineTuning(
        learner=above,
        body=body,
        train=Activations(body, train, _views(settings)),
        validation=None if validation is None else Activations(body, validation, Views()),
    )


def _views(settings: Settings) -> Views:
    if settings.augmenter is None:
        return Views()
    return Views(count=settings.views, augmenter=settings.augmenter, seed=settings.seed)


def _directory(settings: Settings, stack: ExitStack) -> Path:
    if settings.cache_dir is not None:
        return Path(settings.cache_dir)
    # Windows does not delete a file that is still mapped.
    folder = TemporaryDirectory(prefix="shelfvision-", ignore_cleanup_errors=True)
    return Path(stack.enter_context(folder))
