"""Recognize the devices that a model trains on, and refuse those that would not train it."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from shelfvision._keras.backend import backend_name, load_keras
from shelfvision._storage.json_values import Json
from shelfvision.errors import ModelError, TrainingError

if TYPE_CHECKING:
    import keras

Strategy: TypeAlias = Any
"""A ``tf.distribute.Strategy``; tensorflow has no types."""
ONE_DEVICE: Final[dict[str, Json]] = {"replicas": 1}
"""What a run that does not record its devices was trained on."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """The devices that a model trains on."""

    replicas: int = 1
    """Number of replicas of the model, among which each batch is divided."""
    strategy: Strategy = None
    """The strategy of tensorflow; None without one, and on other backends."""

    @property
    def identity(self) -> dict[str, Json]:
        """What must be unchanged to resume a run.

        On tensorflow, replicas normalize their own share of a batch and have their own dropout.
        """
        return {} if self.strategy is None else {"replicas": self.replicas}

    @property
    def environment(self) -> dict[str, Json]:
        """What may change the last bits of a result, because sums are computed in parts."""
        return {"replicas": self.replicas} if self.strategy is None else {}


@contextlib.contextmanager
def scope_of(model: object) -> Iterator[None]:
    """Enter the scope of the strategy that a model was built in, if there is one.

    Keras trains a model with the strategy of the scope in which it was built. What ``fit`` creates,
    such as the optimizer, must belong to the same strategy, or each replica would update it once
    per step.
    """
    strategy = _strategy_of(model)
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        yield


def devices_of(model: keras.Model) -> Devices:
    """Return the devices that a model trains on.

    Raises
    ------
    ModelError
        The model was built for other devices.
    TrainingError
        Keras would train in several processes, or ignore the devices.
    """
    if backend_name() == "jax":
        return _devices_of_jax(model)
    _refuse_distribution()
    if backend_name() == "torch":
        _refuse_torch_processes()
    strategy = _strategy_of(model)
    if strategy is None:
        return Devices()
    created = strategy.extended.variable_created_in_scope
    if not all(created(variable.value) for variable in _variables_of(model)):
        raise _outside("tf.distribute strategy", "within `with strategy.scope():`")
    return Devices(replicas=int(strategy.num_replicas_in_sync), strategy=strategy)


def require_supported(devices: Devices, model: keras.Model) -> None:
    """Refuse compiled settings that tensorflow cannot run on several replicas."""
    if devices.strategy is None or devices.replicas == 1:
        return
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    found = {
        "steps_per_execution": None if model.steps_per_execution == 1 else model.steps_per_execution
    }
    for name in ("gradient_accumulation_steps", "ema_overwrite_frequency"):
        found[name] = getattr(optimizer, name, None)
    for name, value in found.items():
        if value:
            raise TrainingError(
                f"{name} is {value}, which Keras cannot compute on {devices.replicas} replicas of "
                "tensorflow; leave it out, or set KERAS_BACKEND=jax",
                code="not-supported",
                parameter=name if name == "steps_per_execution" else "optimizer",
            )


def _variables_of(model: keras.Model) -> list[keras.Variable]:
    """Return the variables of a model, and of its optimizer if it is compiled."""
    optimizer = getattr(model, "optimizer", None)
    return [*model.variables, *getattr(optimizer, "variables", ())]


def _outside(devices: str, place: str) -> ModelError:
    return ModelError(
        f"the model or its optimizer must be on the devices of the {devices}, got one that was "
        f"made outside its scope; build and compile the model {place}",
        code="outside-scope",
        parameter="model",
    )


def _strategy_of(model: object) -> Strategy:
    """Return the strategy of the scope that a model was built in, else the current one, or None."""
    if backend_name() != "tensorflow" or not isinstance(model, load_keras().Model):
        return None
    distribute = importlib.import_module("tensorflow").distribute
    # A model that was built without a strategy has the current one.
    current, strategy = distribute.get_strategy(), model.distribute_strategy
    if not distribute.has_strategy() and strategy is current:
        return None
    if distribute.has_strategy() and strategy is not current:
        raise ModelError(
            "the model must be trained with the strategy that it was built with, got the scope of "
            "another strategy; call fit outside that scope",
            code="outside-scope",
            parameter="model",
        )
    if not isinstance(strategy, distribute.MirroredStrategy | distribute.OneDeviceStrategy):
        raise TrainingError(
            "the strategy of the model must be a tf.distribute.MirroredStrategy, got "
            f"{type(strategy).__name__}; train in one process with a MirroredStrategy over its "
            "devices",
            code="not-supported",
            parameter="model",
        )
    return strategy


def _devices_of_jax(model: keras.Model) -> Devices:
    processes = int(importlib.import_module("jax").process_count())
    if processes > 1:
        raise _several_processes(processes, "jax.distributed")
    distribution = load_keras().distribution.distribution()
    if distribution is not None:
        _refuse_nnx()
        wanted = int(distribution.device_mesh.devices.size)
        if any(len(_placed_on(variable)) != wanted for variable in _variables_of(model)):
            raise _outside("keras.distribution", "after keras.distribution.set_distribution")
        return Devices(replicas=_replicas_of(distribution))
    for variable in model.variables:
        if len(_placed_on(variable)) > 1:
            raise ModelError(
                f"the model was built for {len(_placed_on(variable))} devices, but no "
                "keras.distribution is set, so fit would use one; call fit within "
                "`with distribution.scope():`, or after keras.distribution.set_distribution",
                code="outside-scope",
                parameter="model",
            )
    return Devices()


def _refuse_nnx() -> None:
    """Refuse the flax mode of Keras, whose steps cannot be replaced for the length of a run."""
    enabled = getattr(load_keras().config, "is_nnx_enabled", None)
    if enabled is not None and enabled():
        raise TrainingError(
            "a keras.distribution is set, which fit does not support together with NNX; set "
            "KERAS_NNX_ENABLED=false before Python starts, or train on one device",
            code="not-supported",
        )


def _replicas_of(distribution: Any) -> int:
    """Return the number of parts into which a distribution of Keras divides a batch."""
    mesh = distribution.device_mesh
    sizes = dict(zip(mesh.axis_names, mesh.shape, strict=True))
    axis = distribution.get_data_layout((1,)).axes[0]
    return int(sizes.get(axis, 1))


def _placed_on(variable: keras.Variable) -> set[object]:
    """Return the devices of jax that hold a variable."""
    return set(variable.value.sharding.device_set)


def _refuse_distribution() -> None:
    if load_keras().distribution.distribution() is None:
        return
    ways = {"tensorflow": "build the model within the scope of a tf.distribute.MirroredStrategy"}
    raise TrainingError(
        f"a keras.distribution is set, which Keras ignores on {backend_name()}; "
        + ways.get(backend_name(), "call keras.distribution.set_distribution(None)")
        + ", or set KERAS_BACKEND=jax",
        code="not-supported",
    )


def _refuse_torch_processes() -> None:
    distributed = importlib.import_module("torch").distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return
    processes = int(distributed.get_world_size())
    if processes > 1:
        raise _several_processes(processes, "torch.distributed")


def _several_processes(processes: int, maker: str) -> TrainingError:
    return TrainingError(
        f"fit trains in one process, got {processes} processes of {maker}; start one process, and "
        "let it use all devices of its machine with KERAS_BACKEND=jax or tensorflow",
        code="not-supported",
    )
