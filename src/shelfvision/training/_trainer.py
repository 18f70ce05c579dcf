"""`Trainer`: how a model is trained, as a value."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shelfvision._validation import as_integer, as_number, as_seed, one_of
from shelfvision.data import Dataset
from shelfvision.data.splitting._leaks import ON_LEAK, OnLeak
from shelfvision.protocols import Augmenter
from shelfvision.training._fit import fit
from shelfvision.training._result import TrainingResult
from shelfvision.training._settings import (
    RESUME,
    Resume,
    Verbose,
    checked_callable,
    checked_callbacks,
    checked_learning_rate,
    checked_monitor,
    checked_part,
    checked_path,
    checked_verbose,
    described,
)
from shelfvision.training._state import Json

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """Trains a Keras model on photos, reproducibly, and can go on where it was stopped.

    It is a value: it prints, compares, and can train any number of models. Training goes through
    Keras's own ``fit``; the trainer owns the order of the photos, the choice of the best epoch
    and the state of the run on disk. The same model, photos, settings and seed give the same
    result, to the bit on one machine with one CPU thread; no global generator is touched.

    Raises
    ------
    InvalidParameterError
        A setting has a value that no run can have.

    Examples
    --------
    >>> import shelfvision as sv
    >>> trainer = sv.Trainer(epochs=20, batch_size=16)
    >>> trainer == sv.Trainer(epochs=20, batch_size=16)
    True
    >>> trainer.to_dict()["optimizer"]
    'adam'
    """

    epochs: int = 200
    """How often, at most, every photo is seen."""
    batch_size: int = 32
    """Photos in a step; an epoch's last step takes what is left."""
    optimizer: str | keras.optimizers.Optimizer = "adam"
    """A name that Keras knows or an instance, which serves as a pattern."""
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | None = None
    """The optimizer's step size, or its schedule; None for the optimizer's own."""
    loss: str | keras.losses.Loss | Callable[..., object] = "auto"
    """What is minimized; ``"auto"`` is binary cross-entropy for the architecture grocery_cnn,
    as in its article, and categorical cross-entropy for all others. Labels are one-hot rows, or
    class numbers where the loss is a sparse one."""
    patience: int | None = 20
    """Epochs without improvement after which training stops; None never stops early."""
    augmenter: Augmenter | None = None
    """Varies every photo anew in every epoch."""
    checkpoint_dir: str | os.PathLike[str] | None = None
    """Folder of the run's state, its history as CSV and JSON and, at the end, its classifier
    ``best.shelf``; None keeps nothing."""
    callbacks: Sequence[keras.callbacks.Callback] = ()
    """Keras callbacks, called as in ``fit``. One that has ``get_state()`` (plain JSON values) and
    ``set_state(state)`` goes on where it was when a run is resumed."""
    seed: int = 42
    """What order and augmentation are derived from. Initial weights and dropout have the model's
    own seed."""
    verbose: Verbose = "auto"
    """Whether to show a live line; ``"auto"`` shows it on a terminal."""
    monitor: str = "auto"
    """The metric that decides which epoch is best; ``"auto"`` is the validation loss, or the
    training loss where there is no validation part."""
    mode: Literal["auto", "min", "max"] = "auto"
    """Whether less or more of `monitor` is better; ``"auto"`` tells by its name."""
    min_delta: float = 0.0
    """By how much an epoch has to be better to be worth more patience."""
    on_leak: OnLeak = "raise"
    """What to do when train and validation share photos, as in `Splits`."""

    def __post_init__(self) -> None:
        checked: dict[str, object] = {
            "epochs": as_integer("epochs", self.epochs, minimum=1),
            "batch_size": as_integer("batch_size", self.batch_size, minimum=1),
            "seed": as_seed(self.seed),
            "min_delta": as_number("min_delta", self.min_delta, minimum=0.0),
            "learning_rate": checked_learning_rate(self.learning_rate),
            "callbacks": checked_callbacks(self.callbacks),
            "mode": one_of("mode", self.mode, ("auto", "min", "max")),
            "on_leak": one_of("on_leak", self.on_leak, ON_LEAK),
        }
        if self.patience is not None:
            checked["patience"] = as_integer("patience", self.patience, minimum=1)
        if self.checkpoint_dir is not None:
            checked["checkpoint_dir"] = checked_path(self.checkpoint_dir)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        checked_callable("augmenter", self.augmenter)
        checked_part("optimizer", self.optimizer)
        checked_part("loss", self.loss)
        checked_monitor(self.monitor)
        checked_verbose(self.verbose)

    def fit(
        self,
        model: keras.Model,
        train: Dataset,
        validation: Dataset | None = None,
        *,
        resume: Resume = "auto",
    ) -> TrainingResult:
        """Train a model; it ends on the weights of its best epoch.

        Parameters
        ----------
        model : keras.Model
            Takes RGB pixels from 0 to 255 of the photos' size and gives one probability a class.
            It is compiled with this trainer's settings and top-1 accuracy unless the caller has
            compiled it; then it is used as it is.
        train : Dataset
            The photos to learn from.
        validation : Dataset, optional
            The photos that choose the best epoch. Without them the training loss does, with a
            warning.
        resume : {"auto", "never", "must"}, default="auto"
            ``"auto"`` goes on with the run in `checkpoint_dir` if there is one: it ends as if it
            had never stopped, a finished run just gives its result, and more `epochs` continue
            it. ``"never"`` starts over, ``"must"`` refuses to start a new run.

        Returns
        -------
        TrainingResult
            The model, a classifier, the history and the best epoch. Ctrl-C stops after the
            current step and returns the best so far, once an epoch is finished.

        Raises
        ------
        DataError
            The photos cannot be trained on, or the parts do not fit each other.
        LeakageError
            The parts share photos and `on_leak` is ``"raise"``.
        ModelError
            The model does not fit the photos.
        ResumeError
            The run on disk is of other photos, settings, model or backend, or cannot be read.
        TrainingError
            The loss became infinite or not a number; the model is back on its best weights.
        StorageError
            The run's state could not be written.

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as sv
        >>> images = np.random.default_rng(0).integers(0, 256, (8, 90, 90, 3), dtype=np.uint8)
        >>> photos = sv.Dataset.from_arrays(images, ["juice", "milk"] * 4)
        >>> model = sv.build_model(2, image_size=(90, 90))
        >>> result = sv.Trainer(epochs=2, monitor="loss").fit(model, photos)
        >>> result.stopped_epoch, len(result.history["accuracy"])
        (2, 2)
        """
        one_of("resume", resume, RESUME)
        return fit(self, model, train, validation, resume)

    def to_dict(self) -> dict[str, Json]:
        """Return the settings as plain JSON values; objects are told by their configuration."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if self.checkpoint_dir is not None:
            values["checkpoint_dir"] = os.fspath(self.checkpoint_dir)
        return {name: described(value) for name, value in values.items()}
