"""Keras's own `fit` over a `Run`: from wherever the run stands to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision._keras.weights import assign
from shelfvision.training.loop._batches import Batches, as_keras_data
from shelfvision.training.run._run import Run

if TYPE_CHECKING:
    import keras


def train(run: Run, held_out: Batches | None, *, class_weight: dict[int, float] | None) -> None:
    """Train until the run is finished, in one `fit`, or two where it goes on in mid-epoch.

    Keras gives every epoch of one `fit` the same number of steps, so the rest of a broken epoch
    is a `fit` of its own; callbacks are told of both as of one.
    """
    callbacks = _callbacks(run, held_out)
    if run.step:
        run.build_metrics()
        _keras_fit(run, held_out, callbacks, until=run.epoch + 1, class_weight=class_weight)
        if run.saved is not None:
            # Where an optimizer averages weights, Keras has just made these the model's own.
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
    """Return the run's callbacks between our hooks, as Keras takes them."""

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
        [_reading(run.batches, held_out), before, *run.callbacks, behind],
        add_history=True,
        model=run.model,
        verbose=0,
        epochs=run.epochs,
        steps=run.batches.steps,
    )


def _reading(train: Batches, held_out: Batches | None) -> keras.callbacks.Callback:
    """Return a callback that raises what went wrong in a thread that reads photos ahead.

    It comes first, so that nothing looks at the step that was taken with a stand-in. It asks
    before a step, and after it, because a batch may be read within its step.
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
    """Return the callbacks that stand before and behind the caller's and tell the run.

    Judging comes first; saving comes last, because a caller's callback may change the optimizer.
    Restoring comes last too: what callbacks do at the begin of training, and of an epoch that is
    resumed, they have done before the state was taken. Keras passes some arguments by name, so
    unused ones keep theirs.
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
