"""`Run`: the state of a training run.

Callbacks in ``loop/_keras_fit.py`` call its methods between the steps and epochs of Keras. At the
end of an epoch, `Run.end_epoch` runs before the caller's callbacks, and `Run.close_epoch` after
them.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._keras.weights import assign
from shelfvision._storage.json_values import Json, require_shallow
from shelfvision._validation import listed
from shelfvision.errors import ResumeError, TrainingError, TrainingWarning
from shelfvision.training.devices._found import Devices
from shelfvision.training.devices._replicas import variables_within_epoch
from shelfvision.training.display._epoch_progress import Reporter, log_epoch
from shelfvision.training.loop._batches import Batches
from shelfvision.training.run._best_epoch import BestEpoch
from shelfvision.training.run._finite_checks import (
    WeightsWatch,
    require_finite_epoch,
    require_finite_step,
    require_numbers,
)
from shelfvision.training.run._interrupt import Interrupt
from shelfvision.training.run._state import Arrays, RunState

if TYPE_CHECKING:
    import keras

    from shelfvision.training.run._checkpoints import Checkpoints


class Run:
    """A training run: checks metrics, keeps the best weights and saves checkpoints.

    Parameters
    ----------
    model : keras.Model
        The compiled model.
    batches : Batches
        The training photos.
    epochs : int
        Maximum number of epochs.
    monitor : str
        The metric that determines the best epoch.
    best : BestEpoch
        The initial state of early stopping.
    callbacks : sequence of keras.callbacks.Callback
        Callbacks of shelfvision and of the caller.
    identity : str
        The digest by which a checkpoint recognizes its run.
    environment : mapping
        Versions and hardware.
    devices : Devices
        The devices that the model trains on.
    checkpoints : Checkpoints, optional
        Where to save checkpoints.
    save_every : int, optional
        Steps between two checkpoints within an epoch.
    """

    def __init__(
        self,
        *,
        model: keras.Model,
        batches: Batches,
        epochs: int,
        monitor: str,
        best: BestEpoch,
        callbacks: Sequence[keras.callbacks.Callback],
        identity: str,
        environment: Mapping[str, Json],
        devices: Devices,
        checkpoints: Checkpoints | None,
        save_every: int | None = None,
    ) -> None:
        self.model = model
        self.batches = batches
        self.epochs = epochs
        self.monitor = monitor
        self.best = best
        self.callbacks = callbacks
        self.epoch = 0
        self.step = 0
        self.stopped = False
        self.interrupted = False
        self.history: dict[str, list[float]] = {}
        self.timings: dict[str, list[float]] = {"seconds": [], "images_per_second": []}
        self.interrupt = Interrupt()
        self.reporter: Reporter | None = None
        self.saved: RunState | None = None
        """The state to resume from, or the latest state while the resumed epoch runs."""
        self.identity = identity
        self.environment = environment
        self.devices = devices
        self.checkpoints = checkpoints
        self._save_every = save_every
        self._watch = WeightsWatch(model.variables)
        self._best_model: Arrays = ()
        self._began = self._speed = 0.0

    def restore(self, state: RunState) -> None:
        """Restore a state, except for values that Keras resets when its loop starts.

        `restore_variables` and `restore_callbacks` restore those after the start.
        """
        self.saved = state
        self._best_model = state.best_model
        self.best = self.best.continued(state.best)
        self.epoch, self.step = state.epoch, state.step
        self.history = {name: list(values) for name, values in state.history.items()}
        self.timings = {name: list(values) for name, values in state.timings.items()}
        self.stopped = state.stopped and self.epochs <= state.planned_epochs
        self.batches.begin_epoch(self.epoch + 1, skip=self.step)

    @property
    def finished(self) -> bool:
        """Whether training has ended: stopped, out of patience or all epochs done."""
        return self.stopped or self.epoch >= self.epochs or self.best.out_of_patience

    def restore_variables(self) -> None:
        """Restore the variables of model and optimizer and, within an epoch, of metrics."""
        if self.saved is None:
            return
        assign(self.model.variables, self.saved.model)
        assign(self.model.optimizer.variables, self.saved.optimizer)
        if self.step:
            assign(variables_within_epoch(self.model, self.devices), self.saved.metrics)

    def restore_callbacks(self) -> None:
        """Restore the state of callbacks, which ``on_train_begin`` may have reset."""
        if self.saved is None:
            return
        forgetful = []
        states = [*self.saved.callbacks, *[None] * len(self.callbacks)]
        for callback, state in zip(self.callbacks, states, strict=False):
            if state is not None and hasattr(callback, "set_state"):
                callback.set_state(state)
            else:
                forgetful.append(type(callback).__name__)
        if forgetful:
            warnings.warn(
                TrainingWarning(
                    f"the run resumes {self._position()}, but these callbacks have no saved state "
                    f"and start from the beginning: {listed(forgetful)}; give them get_state and "
                    "set_state if it matters",
                    code="no-state",
                    parameter="callbacks",
                ),
                stacklevel=2,
            )

    def build_metrics(self) -> None:
        """Create the variables of metrics, which Keras otherwise creates in the first step.

        Raises
        ------
        ResumeError
            They do not match those of the state.
        """
        if self.saved is None or self._fits(self.saved.metrics):
            return
        self.model.test_on_batch(*self.batches[0])
        if not self._fits(self.saved.metrics):
            raise ResumeError(
                "the run cannot be resumed, because the metrics that the model is compiled with "
                'changed; compile it with the same metrics, or start over with resume="never"',
                code="run-changed",
                parameter="model",
            )

    def _fits(self, metrics: Arrays) -> bool:
        variables = variables_within_epoch(self.model, self.devices)
        shapes = [tuple(variable.shape) for variable in variables]
        return shapes == [value.shape for value in metrics]

    def begin_epoch(self, epoch: int) -> None:
        """Prepare the batches of `epoch` and start its timer."""
        self.batches.begin_epoch(epoch, skip=self.step)
        if self.reporter is not None:
            self.reporter.begin(epoch)
        before = self.saved.seconds if self.saved is not None and self.step else 0.0
        self._began = time.perf_counter() - before

    def end_step(self, epoch: int, done: int, metrics: Mapping[str, float]) -> None:
        """Check the metrics after `done` steps; raise an error if the loss is not finite."""
        require_numbers(metrics)
        require_finite_step(metrics, epoch=epoch, step=done, kept=self._what_is_kept())
        seconds = time.perf_counter() - self._began
        self._speed = self.batches.images_in(done) / max(seconds, 1e-9)
        if self.reporter is not None:
            self.reporter.step(done, self._speed, metrics)

    def close_step(self, done: int) -> None:
        """Save a checkpoint if one is due, and handle Ctrl-C. Runs after all callbacks."""
        before, self.step = self.step, done
        if done >= self.batches.steps:
            # The epoch is evaluated and saved next. Ctrl-C takes effect after that.
            return
        every = self._save_every
        if self.interrupt.asked or (every is not None and done // every > before // every):
            self._save()
        self.interrupt.grant()

    def end_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Evaluate an epoch, record it, and keep its weights if it is the best so far."""
        require_numbers(metrics)
        kept, steps = self._what_is_kept(), self.batches.steps
        require_finite_epoch(metrics, monitor=self.monitor, epoch=epoch, steps=steps, kept=kept)
        best = self.best.after(epoch, metrics[self.monitor])
        if best.epoch == epoch:
            weights = snapshot(self.model.variables)
            self._watch.require_finite(weights, epoch=epoch, step=steps, kept=kept)
            self._best_model = weights
        self.best = best
        self.epoch, self.step = epoch, 0
        for name, value in metrics.items():
            self.history.setdefault(name, []).append(float(value))
        if best.out_of_patience:
            self.model.stop_training = True

    def close_epoch(self, epoch: int) -> None:
        """Save a checkpoint of the epoch. Runs after all callbacks."""
        self.stopped = bool(self.model.stop_training)
        seconds = time.perf_counter() - self._began
        self.timings["seconds"].append(seconds)
        self.timings["images_per_second"].append(self._speed)
        self._save()
        latest = {name: values[-1] for name, values in self.history.items()}
        log_epoch(epoch, self.epochs, latest, seconds)
        if self.reporter is not None:
            self.reporter.end(epoch, latest, seconds)
        if not self.finished:
            self.interrupt.grant()

    def keep_best(self) -> None:
        """Restore the weights of the best epoch, if there is one."""
        if self._best_model:
            assign(self.model.variables, self._best_model)

    def _what_is_kept(self) -> str:
        if self.best.epoch == 0:
            return "no epoch was finished"
        return f"the model is back on the weights of epoch {self.best.epoch}, the best"

    def _position(self) -> str:
        return (
            f"after step {self.step} of epoch {self.epoch + 1}"
            if self.step
            else (f"after epoch {self.epoch}")
        )

    def _save(self) -> None:
        if self.checkpoints is None:
            return
        state = self._state()
        epoch, step = (self.epoch + 1, self.step) if self.step else (self.epoch, self.batches.steps)
        self._watch.require_finite(state.model, epoch=epoch, step=step, kept=self._what_is_kept())
        self.checkpoints.save(state)
        if self.saved is not None:
            self.saved = state

    def _state(self) -> RunState:
        # Within an epoch, Keras on JAX updates the variables of a model only on request.
        getattr(self.model, "jax_state_sync", lambda: None)()
        return RunState(
            epoch=self.epoch,
            step=self.step,
            planned_epochs=self.epochs,
            stopped=self.stopped,
            seconds=time.perf_counter() - self._began if self.step else 0.0,
            identity=self.identity,
            environment=self.environment,
            best=self.best.progress(),
            history={name: tuple(values) for name, values in self.history.items()},
            timings={name: tuple(values) for name, values in self.timings.items()},
            callbacks=[_state_of(callback) for callback in self.callbacks],
            model=snapshot(self.model.variables),
            optimizer=snapshot(self.model.optimizer.variables),
            metrics=snapshot(variables_within_epoch(self.model, self.devices)) if self.step else (),
            best_model=self._best_model,
        )


def snapshot(variables: Sequence[keras.Variable]) -> Arrays:
    """Return copies of the values of variables, as NumPy arrays."""
    return tuple(np.array(variable.numpy()) for variable in variables)


def _state_of(callback: keras.callbacks.Callback) -> Json:
    """Return a copy of the state of a callback, so that it may change during the save."""
    get_state = getattr(callback, "get_state", None)
    if get_state is None:
        return None
    try:
        state: Json = json.loads(json.dumps(get_state()))
        require_shallow(state)
    except (TypeError, ValueError, RecursionError) as error:
        raise TrainingError(
            f"the state of callback {type(callback).__name__} cannot be saved ({error}); its "
            "get_state must return plain JSON values",
            code="not-plain",
            parameter="callbacks",
        ) from error
    return state
