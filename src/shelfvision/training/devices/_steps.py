"""Training and test steps without padding, and sums over replicas.

Keras calls `train_step`, `test_step` and `compute_loss` of a model, and some methods of its
optimizer. While a run trains, attributes of the instances replace these methods and call them. So
the steps of custom models work, too.

On jax, a step sees the whole batch. Without its padding, it computes what one device would compute.

On tensorflow, each replica runs the step with its share of the batch. Keras averages the losses of
the replicas, which would give photos of smaller shares more weight. Therefore the gradient of a
replica is multiplied by its share of the photos, times the number of replicas; the value of the
loss remains. A replica without any photo computes a copy of one with a factor of 0, because batch
normalization of an empty batch is NaN, and restores its metrics.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from shelfvision.training.devices._division import Division
from shelfvision.training.devices._found import Devices

if TYPE_CHECKING:
    import keras

# Tensors and data of the backends, which share no type.
Tensor: TypeAlias = Any
Step: TypeAlias = Callable[..., Tensor]


@contextlib.contextmanager
def steps_on(
    devices: Devices, model: keras.Model, train: Division, held_out: Division
) -> Iterator[None]:
    """Make the steps of a model equal to those on one device, until the end of the context."""
    with contextlib.ExitStack() as stack:
        if devices.strategy is not None and devices.replicas > 1:
            _sum_gradients_first(stack, devices, model.optimizer)
        if train.padded or held_out.padded:
            _replace_steps(stack, devices, model, train, held_out)
        yield


def _replace_steps(
    stack: contextlib.ExitStack,
    devices: Devices,
    model: keras.Model,
    train: Division,
    held_out: Division,
) -> None:
    without_padding = _without_padding_on_jax
    if devices.strategy is not None:
        factor = _Factor()
        _replace(stack, model, "compute_loss", _with_factor(model.compute_loss, factor))
        without_padding = partial(_without_padding_on_tensorflow, model, factor)
    _replace(stack, model, "train_step", without_padding(model.train_step, train))
    _replace(stack, model, "test_step", without_padding(model.test_step, held_out))

    def forget() -> None:
        # The functions that Keras has compiled call the replaced steps.
        model.train_function = model.test_function = None

    forget()
    stack.callback(forget)


def _replace(stack: contextlib.ExitStack, owner: object, name: str, value: object) -> None:
    setattr(owner, name, value)
    stack.callback(delattr, owner, name)


def _without_padding_on_jax(step: Step, division: Division) -> Step:
    """Return a step of jax that gets the rows of a batch without padding."""
    photos_of = {size: photos for photos, size in division.padded.items()}

    def step_without_padding(state: Tensor, data: Tensor) -> Tensor:
        photos = photos_of.get(len(data[0]))
        if photos is not None:
            rows = division.real(photos)
            data = tuple(None if part is None else part[rows] for part in data)
        return step(state, data)

    return step_without_padding


class _Factor(threading.local):
    """The factor of the gradients of the current replica.

    Tensorflow traces each replica in a separate thread.
    """

    value: Tensor = None


def _with_factor(compute_loss: Step, factor: _Factor) -> Step:
    """Return a `compute_loss` with the same value, whose gradient is multiplied by the factor."""
    tf = importlib.import_module("tensorflow")

    def compute_loss_of_share(*arguments: object, **named: object) -> Tensor:
        loss = compute_loss(*arguments, **named)
        if factor.value is None:
            return loss
        return loss + (tf.cast(factor.value, loss.dtype) - 1) * (loss - tf.stop_gradient(loss))

    return compute_loss_of_share


def _without_padding_on_tensorflow(
    model: keras.Model, factor: _Factor, step: Step, division: Division
) -> Step:
    """Return a step of a replica that gets its share of a batch without padding."""
    tf = importlib.import_module("tensorflow")
    may_be_empty = any(0 in division.shares(photos) for photos in division.padded)

    def step_without_padding(data: Tensor) -> Tensor:
        rows, factor.value = _share(tf, division, tf.shape(data[0])[0])
        before = [tf.identity(variable.value) for variable in model.metrics_variables]
        try:
            logs = step(tuple(None if part is None else part[:rows] for part in data))
        finally:
            has_photos, factor.value = factor.value > 0, None
        if may_be_empty:
            for variable, value in zip(model.metrics_variables, before, strict=True):
                variable.assign(tf.where(has_photos, variable.value, value))
        return logs

    return step_without_padding


def _share(tf: Any, division: Division, size: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows that a replica computes, at least one, and the factor of its gradients."""
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    rows, factor = size, tf.constant(1.0)
    for photos, padded in division.padded.items():
        share = tf.gather(division.shares(photos), replica)
        here = tf.equal(size, padded // division.replicas)
        rows = tf.where(here, tf.maximum(share, 1), rows)
        part = tf.cast(share, tf.float32) * (division.replicas / photos)
        factor = tf.where(here, part, factor)
    return rows, factor


def _sum_gradients_first(
    stack: contextlib.ExitStack, devices: Devices, optimizer: keras.optimizers.Optimizer
) -> None:
    """Make an optimizer clip and check the sum of the gradients of all replicas, not each part."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if inner.clipnorm or inner.global_clipnorm or inner.clipvalue:
        _replace(stack, inner, "_clip_gradients", _clipping_sum(inner, devices.replicas))
    if inner is not optimizer:
        _replace(stack, optimizer, "check_finite", _finite_everywhere(optimizer))


def _clipping_sum(optimizer: keras.optimizers.Optimizer, replicas: int) -> Step:
    distribute = importlib.import_module("tensorflow").distribute
    clip = optimizer._clip_gradients  # noqa: SLF001  # Keras has no public hook for it

    def clip_sum(gradients: list[Tensor]) -> list[Tensor]:
        context = distribute.get_replica_context()
        total = context.all_reduce(distribute.ReduceOp.SUM, gradients)
        # The optimizer adds the gradients of all replicas after this.
        return [gradient / replicas for gradient in clip(total)]

    return clip_sum


def _finite_everywhere(optimizer: keras.optimizers.Optimizer) -> Step:
    tf = importlib.import_module("tensorflow")
    check = optimizer.check_finite

    def check_everywhere(gradients: list[Tensor]) -> Tensor:
        bad = tf.cast(tf.logical_not(check(gradients)), tf.float32)
        context = tf.distribute.get_replica_context()
        return tf.equal(context.all_reduce(tf.distribute.ReduceOp.SUM, bad), 0.0)

    return check_everywhere
