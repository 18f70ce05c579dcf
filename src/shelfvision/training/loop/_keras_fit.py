"""Run ``keras.Model.fit`` from the current position of a `Run` to its end.

Two callbacks connect Keras to the run: one before the caller's callbacks, and one after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision._keras.weights import assign
from shelfvision.training.devices._division import Division
from shelfvision.training.devices._replicas import unifying_callback
from shelfvision.training.devices._steps import steps_on
from shelfvision.training.loop._batches import Batches, as_keras_data
from shelfvision.training.run._run import Run

if TYPE_CHECKING:
    import keras


def train(run: Run, held_out: Batches | None, *, class_weight: dict[int, float] | None) -> None:
    """Train until the run is finished.

    All epochs of one call of ``keras.Model.fit`` have the same number of steps. A run that resumes
    within an epoch therefore needs two calls: one for the rest of that epoch, and one for the
    other epochs. Callbacks see both calls as one training.
    """
    callbacks = _callbacks(run, held_out)
    divisions = run.batches.division, Division() if held_out is None else held_out.division
    with steps_on(run.devices, run.model, *divisions):
        if run.step:
            run.build_metrics()
            _keras_fit(run, held_out, callbacks, until=run.epoch + 1, class_weight=class_weight)
            if run.saved is not None:
                # Keras has just replaced the weights by their average, if the optimizer averages.
                assign(run.model.variables, run.saved.model)
                run.saved = None
        if not run.finished:
            run.batches.begin_epoch(run.epoch + 1)
            _keras_fit(run, held_out, callbacks, until=run.epochs, class_weight=class_weight)


def _keras_fit(
    run: Run,
    held_out: Batches | None,
    callbacks: keras.callbacks.CallbackList,
    *,
    until: int,
    class_weight: dict[int, float] | None,
) -> None:
    run.model.fit(
        as_keras_data(run.batches),
        validation_data=None if held_out is None else as_keras_data(held_out),
        initial_epoch=run.epoch,
        epochs=until,
        shuffle=False,
        class_weight=class_weight,
        verbose=0,
        callbacks=callbacks,
    )


def _callbacks(run: Run, held_out: Batches | None) -> keras.callbacks.CallbackList:
    """Return the callbacks of the run, with the hooks of the run before and after them."""

    class Callbacks(load_keras().callbacks.CallbackList):  # type: ignore[misc]  # keras has no types
        _begun = False
        _skipped = 0

        def on_train_begin(self, logs: object = None) -> None:
            self._skipped = run.step
            if not self._begun:
                self._begun = True
                super().on_train_begin(logs)

        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            super().on_train_batch_begin(batch + self._skipped, logs)

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            super().on_train_batch_end(batch + self._skipped, logs)

        def on_train_end(self, logs: object = None) -> None:
            if run.finished:
                super().on_train_end(logs)

    before, behind = _hooks(run)
    return Callbacks(
        [
            _reading(run.batches, held_out),
            unifying_callback(run.devices),
            before,
            *run.callbacks,
            behind,
        ],
        add_history=True,
        model=run.model,
        verbose=0,
        epochs=run.epochs,
        steps=run.batches.steps,
    )


def _reading(train: Batches, held_out: Batches | None) -> keras.callbacks.Callback:
    """Return a callback that raises the error of a thread that prefetches photos.

    After an error, a step uses a substitute batch (see `as_keras_data`). This callback is the
    first, so that no other callback uses the metrics of that step. It checks before and after each
    step, because a batch may be read during its step.
    """

    class Reading(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def require_read(self, *_: object, logs: object = None) -> None:  # noqa: ARG002
            train.require_read()
            if held_out is not None:
                held_out.require_read()

        on_train_batch_begin = on_train_batch_end = require_read
        on_test_batch_begin = on_test_batch_end = require_read
        on_epoch_end = require_read

    return Reading()


def _hooks(run: Run) -> tuple[keras.callbacks.Callback, keras.callbacks.Callback]:
    """Return the callbacks that notify the run, before and after the caller's callbacks.

    ``Before`` evaluates steps and epochs. ``Behind`` saves, because the caller's callbacks may
    change the optimizer. It also restores the state: the caller's callbacks did their work at the
    start of training, and of the resumed epoch, before the checkpoint was made. Keras passes some
    arguments by name, so unused parameters keep their names.
    """
    base = load_keras().callbacks.Callback

    class Before(base):  # type: ignore[misc, valid-type]  # keras has no types
        _epoch = 0

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
            self._epoch = epoch + 1
            run.begin_epoch(epoch + 1)

        def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
            run.end_step(self._epoch, min(batch + 1, run.batches.steps), logs or {})

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            run.end_epoch(epoch + 1, logs or {})

    class Behind(base):  # type: ignore[misc, valid-type]  # keras has no types
        def on_train_begin(self, logs: object = None) -> None:  # noqa: ARG002
            if not run.step:
                run.restore_variables()
                run.restore_callbacks()
                run.saved = None

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
            if run.step:
                run.restore_variables()
                run.restore_callbacks()

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            run.close_step(batch + 1)

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
            run.close_epoch(epoch + 1)

    return Before(), Behind()
