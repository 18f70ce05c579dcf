"""Variables that differ between the replicas of tensorflow.

Within an epoch, each replica has its own metrics and its own moving statistics of batch
normalization. At the end of an epoch, the statistics become their mean over the replicas, so that
the validated model is the saved one. On jax, all devices share all variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._keras.backend import load_keras
from shelfvision.training.devices._found import Devices

if TYPE_CHECKING:
    import keras


def variables_within_epoch(model: keras.Model, devices: Devices) -> Sequence[keras.Variable]:
    """Return what a checkpoint within an epoch needs besides the model and its optimizer.

    These are the variables of metrics and, on several replicas of tensorflow, the parts of each
    replica, which have the same methods as variables of Keras.
    """
    if devices.strategy is None or devices.replicas == 1:
        found: Sequence[keras.Variable] = model.metrics_variables
        return found
    own = [*model.metrics_variables, *model.non_trainable_variables]
    return [part for variable in own for part in _parts(variable, devices)]


def unifying_callback(devices: Devices) -> keras.callbacks.Callback:
    """Return a callback that unifies the replicas before the model is evaluated and saved."""

    class UnifyReplicas(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def unify(self, *_: object, logs: object = None) -> None:  # noqa: ARG002
            if devices.strategy is not None and devices.replicas > 1:
                _unify(self.model, devices)

        on_test_begin = on_epoch_end = unify

    return UnifyReplicas()


def _unify(model: keras.Model, devices: Devices) -> None:
    """Set the variables that differ between replicas to their mean."""
    for variable in model.non_trainable_variables:
        values = [part.numpy() for part in _parts(variable, devices)]
        if any(not np.array_equal(value, values[0]) for value in values):
            variable.assign(np.mean(values, axis=0, dtype=np.float64).astype(values[0].dtype))


def _parts(variable: keras.Variable, devices: Devices) -> Sequence[keras.Variable]:
    found: Sequence[keras.Variable] = devices.strategy.experimental_local_results(variable.value)
    return found
