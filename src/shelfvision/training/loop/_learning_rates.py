"""Learning rates that shrink layer by layer from the head down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shelfvision._keras.backend import backend_name

if TYPE_CHECKING:
    import keras


def with_layer_decay(
    optimizer: keras.optimizers.Optimizer, model: keras.Model, decay: float
) -> keras.optimizers.Optimizer:
    """Return an optimizer whose rate is `decay` times smaller with every layer further down.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        What is made slower; it is left as it is.
    model : keras.Model
        What it will train. Its layers with weights that learn count, from its output down.
    decay : float
        From above 0 to 1, which leaves the optimizer alone.

    References
    ----------
    J. Howard, S. Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018.
    """
    if decay == 1.0:
        return optimizer
    shares = layer_shares(model, decay)
    kind: type[keras.optimizers.Optimizer] = type(optimizer)

    class LayerwiseOptimizer(kind):  # type: ignore[misc]  # keras has no types
        def update_step(
            self, gradient: object, variable: keras.Variable, learning_rate: float
        ) -> None:
            # Every optimizer of Keras's finds its own state of a variable by this number.
            share = shares[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * share)

        def _backend_update_step(
            self, grads: list[object], trainable_variables: list[keras.Variable], rate: float
        ) -> None:
            if backend_name() != "torch":
                super()._backend_update_step(grads, trainable_variables, rate)
                return
            # On torch, Keras updates all variables at once, past `update_step`.
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
    """Return the share of the rate that each variable gets, in the order of those that learn."""
    learning = [layer for layer in model.layers if layer.trainable_variables]
    shares = {
        id(variable): decay**distance
        for distance, layer in enumerate(reversed(learning))
        for variable in layer.trainable_variables
    }
    return [shares[id(variable)] for variable in model.trainable_variables]
