"""Compile a model with frozen weights to a function from pixels to scores, for each backend."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._keras.backend import backend_name, load_keras
from shelfvision._keras.dtype_policy import float32_policy
from shelfvision._keras.folding import Pairs, with_folded_norms
from shelfvision.protocols import Images

if TYPE_CHECKING:
    import keras

Program: TypeAlias = Callable[[Images], npt.NDArray[np.float32]]
# Arrays of the backends, which share no type.
Tensor: TypeAlias = Any

ARITHMETIC = "folded batch normalization"
"""The name of the arithmetic. Rename it when a change moves results, so that stored results of
frozen layers are computed again and runs with other ones are not resumed."""
_SMALL = 200 * 200


def fast_batch(pixels: int) -> int:
    """Return a number of images at once that is fast on a CPU, for images of that many pixels.

    Of larger batches, the C library returns the largest arrays to the system after each use, and
    new memory costs more than the computation.
    """
    return 8 if pixels <= _SMALL else 4


def compiled(model: keras.Model, pairs: Pairs) -> Program:
    """Return a thread-safe function from ``uint8`` images to ``float32`` rows.

    The function runs the model in inference mode with the values of `pairs` instead of its
    variables, with batch normalization folded into convolutions. Later changes of the variables do
    not affect the function.
    """
    makers = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
    return makers.get(backend_name(), _plain)(model, with_folded_norms(model, pairs))


def _call(model: keras.Model, state: list[tuple[keras.Variable, Tensor]], images: Tensor) -> Tensor:
    """Run the model with given values for its variables; discard updates of its state."""
    keras = load_keras()
    # Custom layers may read the global dtype policy when they are called.
    with float32_policy(), keras.StatelessScope(state_mapping=state):
        rows = model(images, training=False)
    return keras.ops.cast(rows, "float32")


def _tensorflow(model: keras.Model, pairs: Pairs) -> Program:
    tf = importlib.import_module("tensorflow")

    def traced(images: Tensor) -> Tensor:
        # With constants, the graph fuses additions and activations and packs kernels once.
        return _call(model, [(v, tf.constant(value)) for v, value in pairs], images)

    function = tf.function(traced, autograph=False)
    made: dict[tuple[int, ...], Callable[[Tensor], Tensor]] = {}
    lock = threading.Lock()

    def make(shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
        # Without the lock, several threads would trace at once, and tensorflow would warn.
        with lock:
            if shape not in made:
                made[shape] = function.get_concrete_function(tf.TensorSpec(shape, tf.uint8))
            return made[shape]

    def program(images: Images) -> npt.NDArray[np.float32]:
        graph = made.get(images.shape) or make(images.shape)
        rows: npt.NDArray[np.float32] = graph(tf.constant(images)).numpy()
        return rows

    return program


def _jax(model: keras.Model, pairs: Pairs) -> Program:
    jax = importlib.import_module("jax")
    variables = [variable for variable, _ in pairs]
    values = [jax.numpy.asarray(value) for _, value in pairs]

    def traced(values: list[Tensor], images: Tensor) -> Tensor:
        return _call(model, list(zip(variables, values, strict=True)), images)

    function = jax.jit(traced)

    def program(images: Images) -> npt.NDArray[np.float32]:
        return np.asarray(function(values, images))

    return program


def _torch(model: keras.Model, pairs: Pairs) -> Program:
    torch = importlib.import_module("torch")
    plain = _plain(model, pairs)

    def program(images: Images) -> npt.NDArray[np.float32]:
        with torch.no_grad():
            return plain(images)

    return program


def _plain(model: keras.Model, pairs: Pairs) -> Program:
    ops = load_keras().ops
    # Copied, because torch would share memory with arrays that must stay read-only.
    state = [(v, ops.convert_to_tensor(np.array(value))) for v, value in pairs]

    def program(images: Images) -> npt.NDArray[np.float32]:
        rows = _call(model, state, ops.convert_to_tensor(np.array(images)))
        return np.array(ops.convert_to_numpy(rows), dtype=np.float32)

    return program
