"""`Run`: what happens around Keras's own training loop, between its steps and epochs."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._validation import listed
from shelfvision.errors import TrainingError, TrainingWarning
from shelfvision.models._backend import load_keras
from shelfvision.training._best import BestEpoch
from shelfvision.training._feed import Batches
from shelfvision.training._interrupt import Interrupt
from shelfvision.training._progress import Reporter, log_epoch
from shelfvision.training._state import Arrays, Json, RunState

if TYPE_CHECKING:
    import keras

    from shelfvision.training._store import Checkpoints


class Run:
    """A training run: it is told of every step and epoch, judges, keeps the best and saves.

    Parameters
    ----------
    model : keras.Model
        The compiled model.
    batches : Batches
        The training photos.
    n_photos, batch_size, epochs : int
        Photos in an epoch, photos in a batch, epochs in all.
    monitor : str
        The metric that decides.
    best : BestEpoch
        The judgement before the first epoch.
    callbacks : sequence of keras.callbacks.Callback
        The caller's.
    identity, environment : mapping
        What goes into the state to recognise the run by.
    checkpoints : Checkpoints, optional
        Where states are saved.
    """

    def __init__(
        self,
        *,
        model: keras.Model,
        batches: Batches,
        n_photos: int,
        batch_size: int,
        epochs: int,
        monitor: str,
        best: BestEpoch,
        callbacks: Sequence[keras.callbacks.Callback],
        identity: Mapping[str, Json],
        environment: Mapping[str, Json],
        checkpoints: Checkpoints | None,
    ) -> None:
        self.model = model
        self.batches = batches
        self.epochs = epochs
        self.monitor = monitor
        self.best = best
        self.callbacks = callbacks
        self.epoch = 0
        self.stopped = False
        self.interrupted = False
        self.history: dict[str, list[float]] = {}
        self.timings: dict[str, list[float]] = {"seconds": [], "images_per_second": []}
        self.interrupt = Interrupt()
        self.reporter: Reporter | None = None
        self._n_photos = n_photos
        self._batch_size = batch_size
        self._identity = identity
        self._environment = environment
        self._checkpoints = checkpoints
        self._best_model: Arrays = ()
        self._callback_states: Sequence[Json] = ()
        self._began = self._speed = 0.0

    # -- going on where a state left off -----------------------------------------------------

    def restore(self, state: RunState) -> None:
        """Put everything back to where the state was taken."""
        assign(self.model.variables, state.model)
        assign(self.model.optimizer.variables, state.optimizer)
        self._best_model = state.best_model
        self.best = self.best.continued(state.best)
        self.epoch = state.epoch
        self.history = {name: list(values) for name, values in state.history.items()}
        self.timings = {name: list(values) for name, values in state.timings.items()}
        self.stopped = state.stopped and self.epochs <= state.planned_epochs
        self._callback_states = state.callbacks

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.stopped or self.epoch >= self.epochs or self.best.out_of_patience

    def restore_callbacks(self) -> None:
        """Give the caller's callbacks their state back, after Keras had them forget it."""
        if self.epoch == 0:
            return
        forgetful = []
        states = [*self._callback_states, *[None] * len(self.callbacks)]
        for callback, state in zip(self.callbacks, states, strict=False):
            if state is not None and hasattr(callback, "set_state"):
                callback.set_state(state)
            else:
                forgetful.append(type(callback).__name__)
        if forgetful:
            warnings.warn(
                f"the run goes on after epoch {self.epoch}, but {listed(forgetful)} starts afresh, "
                "having no state to go on from; give it get_state and set_state if it counts",
                TrainingWarning,
                stacklevel=2,
            )

    # -- what Keras's loop tells --------------------------------------------------------------

    def begin_epoch(self, epoch: int) -> None:
        """Order the photos of `epoch` and start its clock."""
        self.batches.begin_epoch(epoch)
        if self.reporter is not None:
            self.reporter.begin(epoch)
        self._began = time.perf_counter()

    def end_step(self, epoch: int, done: int, metrics: Mapping[str, float]) -> None:
        """Look at the metrics after `done` steps; stop where they are no numbers any more."""
        _require_numbers(metrics)
        loss = metrics.get("loss", 0.0)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} in step {done} of epoch {epoch}; {self._what_is_kept()}; "
                "train with a smaller learning_rate or clip the optimizer's gradients"
            )
        seconds = time.perf_counter() - self._began
        self._speed = min(done * self._batch_size, self._n_photos) / max(seconds, 1e-9)
        if self.reporter is not None:
            self.reporter.step(done, self._speed, metrics)
        self.interrupt.grant()

    def end_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Judge an epoch, note it, and keep its weights if they are the best so far."""
        _require_numbers(metrics)
        self._check_finite(epoch, metrics)
        self.epoch = epoch
        self.best = self.best.after(epoch, metrics[self.monitor])
        for name, value in metrics.items():
            self.history.setdefault(name, []).append(float(value))
        if self.best.epoch == epoch:
            self._best_model = snapshot(self.model.variables)
        if self.best.out_of_patience:
            self.model.stop_training = True

    def close_epoch(self, epoch: int) -> None:
        """Save the run's state, after the caller's callbacks have had their say."""
        self.stopped = bool(self.model.stop_training)
        seconds = time.perf_counter() - self._began
        self.timings["seconds"].append(seconds)
        self.timings["images_per_second"].append(self._speed)
        if self._checkpoints is not None:
            self._checkpoints.save(self._state())
        latest = {name: values[-1] for name, values in self.history.items()}
        log_epoch(epoch, self.epochs, latest, seconds)

    # -- the end --------------------------------------------------------------------------------

    def keep_best(self) -> None:
        """Put the model on the weights of its best epoch, if it has had one."""
        if self._best_model:
            assign(self.model.variables, self._best_model)

    def _what_is_kept(self) -> str:
        if self.best.epoch == 0:
            return "no epoch was finished"
        return f"the model is back on the weights of epoch {self.best.epoch}, the best"

    def _check_finite(self, epoch: int, metrics: Mapping[str, float]) -> None:
        if self.monitor not in metrics:
            raise TrainingError(
                f"monitor is {self.monitor!r}, but the model measures {listed(metrics)}; name one "
                "of these"
            )
        for name in ("loss", "val_loss", self.monitor):
            value = metrics.get(name, 0.0)
            if not math.isfinite(value):
                raise TrainingError(
                    f"{name} is {value} at the end of epoch {epoch}, after its "
                    f"{len(self.batches)} steps; {self._what_is_kept()}; train with a smaller "
                    "learning_rate or clip the optimizer's gradients"
                )

    def _state(self) -> RunState:
        return RunState(
            epoch=self.epoch,
            planned_epochs=self.epochs,
            stopped=self.stopped,
            identity=self._identity,
            environment=self._environment,
            best=self.best.progress(),
            history={name: tuple(values) for name, values in self.history.items()},
            timings={name: tuple(values) for name, values in self.timings.items()},
            callbacks=[_state_of(callback) for callback in self.callbacks],
            model=snapshot(self.model.variables),
            optimizer=snapshot(self.model.optimizer.variables),
            best_model=self._best_model,
        )


def hooks(run: Run) -> tuple[keras.callbacks.Callback, keras.callbacks.Callback]:
    """Return the callbacks that stand before and behind the caller's and tell the run.

    Judging comes first; saving comes last, because a caller's callback may change the optimizer.
    Keras passes some arguments by name, so unused ones keep theirs.
    """
    base = load_keras().callbacks.Callback

    class Before(base):  # type: ignore[misc, valid-type]  # keras has no types
        _epoch = 0

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
            self._epoch = epoch + 1
            run.begin_epoch(epoch + 1)

        def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
            run.end_step(self._epoch, batch + 1, logs or {})

        def on_test_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            run.interrupt.grant()

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            run.end_epoch(epoch + 1, logs or {})

    class Behind(base):  # type: ignore[misc, valid-type]  # keras has no types
        def on_train_begin(self, logs: object = None) -> None:  # noqa: ARG002
            run.restore_callbacks()

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
            run.close_epoch(epoch + 1)

    return Before(), Behind()


def _require_numbers(metrics: Mapping[str, object]) -> None:
    for name, value in metrics.items():
        if not isinstance(value, float | int):
            raise TrainingError(
                f"the metric {name!r} does not give a single number, which a run keeps for every "
                "epoch; compile the model with a metric that averages its values, or without it"
            )


def snapshot(variables: Sequence[keras.Variable]) -> Arrays:
    """Return copies of the values of variables."""
    return tuple(np.array(variable.numpy()) for variable in variables)


def assign(variables: Sequence[keras.Variable], values: Arrays) -> None:
    """Give variables back the values that a snapshot took."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _state_of(callback: keras.callbacks.Callback) -> Json:
    """Return a copy of a callback's state, which it may change while the copy is being saved."""
    get_state = getattr(callback, "get_state", None)
    if get_state is None:
        return None
    try:
        state: Json = json.loads(json.dumps(get_state()))
    except (TypeError, ValueError) as error:
        raise TrainingError(
            f"the state of callback {type(callback).__name__} cannot be saved ({error}); its "
            "get_state must return plain JSON values"
        ) from error
    return state
