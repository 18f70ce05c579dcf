"""Implement learning-rate schedules and layer-wise decay with Keras.

- **Cosine schedule** (Loshchilov and Hutter 2017, equation 5, without restarts): after a fraction t
  of all steps the rate is ``last + (top - last) (1 + cos(pi t)) / 2``. It falls slowly, then fast,
  then slowly. Before that, the rate rises linearly to `top` (Goyal et al. 2017, section 2.2).
- **Plateau schedule**: the rate is multiplied by a factor after epochs without improvement.
- **Layer-wise decay** (Howard and Ruder 2018, section 3.2): lower layers of a pretrained network
  see general features and should change little. Each layer has `decay` times the rate of the layer
  above it. With three layers and a decay of 0.5, the rates are 0.25, 0.5 and 1 times that of the
  optimizer.

References
----------
I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", arXiv:1706.02677.
J. Howard, S. Ruder, "Universal language model fine-tuning for text classification", ACL 2018.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

from shelfvision._keras.backend import backend_name, load_keras
from shelfvision._storage.json_values import Json
from shelfvision.training.settings._schedules import CosineSchedule, PlateauSchedule

if TYPE_CHECKING:
    import keras


def with_layer_decay(
    optimizer: keras.optimizers.Optimizer, model: keras.Model, decay: float
) -> keras.optimizers.Optimizer:
    """Return an optimizer with layer-wise learning-rate decay.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        The original optimizer, which is not changed.
    model : keras.Model
        The model to train. Layers with trainable weights count, from the output down.
    decay : float
        Factor from each layer to the one below, in (0, 1]. 1 returns the optimizer itself.
    """
    if decay == 1.0:
        return optimizer
    shares = layer_shares(model, decay)
    kind: type[keras.optimizers.Optimizer] = type(optimizer)

    class LayerwiseOptimizer(kind):  # type: ignore[misc]  # keras has no types
        def update_step(
            self, gradient: object, variable: keras.Variable, learning_rate: float
        ) -> None:
            # Keras optimizers index their state of each variable by this number.
            share = shares[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * share)

        def _backend_update_step(
            self, grads: list[object], trainable_variables: list[keras.Variable], rate: float
        ) -> None:
            if backend_name() != "torch":
                super()._backend_update_step(grads, trainable_variables, rate)
                return
            # On torch, Keras updates all variables together and does not call `update_step`.
            for gradient, variable in zip(grads, trainable_variables, strict=True):
                self.update_step(gradient, variable, rate)

        def get_config(self) -> dict[str, object]:
            return {**super().get_config(), "layer_decay": decay}

        @classmethod
        def from_config(
            cls, config: Mapping[str, object], custom_objects: object = None
        ) -> keras.optimizers.Optimizer:
            plain = {name: value for name, value in config.items() if name != "layer_decay"}
            return super().from_config(plain, custom_objects)

    LayerwiseOptimizer.__name__ = f"Layerwise{kind.__name__}"
    return LayerwiseOptimizer.from_config(optimizer.get_config())


def layer_shares(model: keras.Model, decay: float) -> list[float]:
    """Return the factor of the learning rate for each trainable variable, in their order."""
    learning = [layer for layer in model.layers if layer.trainable_variables]
    shares = {
        id(variable): decay**distance
        for distance, layer in enumerate(reversed(learning))
        for variable in layer.trainable_variables
    }
    return [shares[id(variable)] for variable in model.trainable_variables]


def cosine(
    schedule: CosineSchedule, *, top: float, epochs: int, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the Keras schedule for a run of `epochs` epochs with `steps` steps each."""
    whole = (schedule.epochs or epochs) * steps
    warmup = round(schedule.warmup_epochs * steps)
    decay = load_keras().optimizers.schedules.CosineDecay
    if warmup == 0:
        return decay(top, whole, alpha=schedule.final)
    # The warm-up starts above 0, because a step with a rate of 0 has no effect.
    return decay(
        top / (warmup + 1),
        max(whole - warmup, 1),
        alpha=schedule.final,
        warmup_target=top,
        warmup_steps=warmup,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau:
    """State of a plateau schedule. Checkpoints include it."""

    schedule: PlateauSchedule
    """The settings of the schedule."""
    mode: Literal["min", "max"]
    """Whether a smaller or a larger metric is better."""
    reference: float = math.nan
    """The value that an improvement must exceed by `PlateauSchedule.min_delta`."""
    waited: int = 0
    """Epochs since the last improvement."""
    cooling: int = 0
    """Remaining epochs of the cooldown."""

    def after(self, value: float) -> Self:
        """Return the state after an epoch with this value of the metric."""
        gain = self.reference - value if self.mode == "min" else value - self.reference
        if math.isnan(self.reference) or gain > self.schedule.min_delta:
            return replace(self, reference=value, waited=0, cooling=max(self.cooling - 1, 0))
        if self.cooling > 0:
            return replace(self, waited=0, cooling=self.cooling - 1)
        return replace(self, waited=self.waited + 1)

    @property
    def reached(self) -> bool:
        """Whether the rate must be reduced now."""
        return self.waited >= self.schedule.patience

    def left(self) -> Self:
        """Return the state after a reduction of the rate."""
        return replace(self, waited=0, cooling=self.schedule.cooldown)


def plateau_callback(
    schedule: PlateauSchedule, *, monitor: str, mode: Literal["min", "max"]
) -> keras.callbacks.Callback:
    """Return a callback that reduces the learning rate on a plateau.

    The rate is a variable of the optimizer, so checkpoints include it.
    """

    class ShrinkOnPlateau(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.plateau = Plateau(schedule=schedule, mode=mode)

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002  # Keras gives it
            self.plateau = self.plateau.after(float((logs or {})[monitor]))
            if self.plateau.reached:
                optimizer = self.model.optimizer
                rate = float(load_keras().ops.convert_to_numpy(optimizer.learning_rate))
                optimizer.learning_rate = max(rate * schedule.factor, min(rate, schedule.minimum))
                self.plateau = self.plateau.left()

        def get_state(self) -> Json:
            now = self.plateau
            return {"reference": now.reference, "waited": now.waited, "cooling": now.cooling}

        def set_state(self, state: Mapping[str, float]) -> None:
            self.plateau = Plateau(
                schedule=schedule,
                mode=mode,
                reference=float(state["reference"]),
                waited=int(state["waited"]),
                cooling=int(state["cooling"]),
            )

    return ShrinkOnPlateau()
