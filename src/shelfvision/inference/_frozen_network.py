"""`FrozenNetwork`: a snapshot of a network for inference.

The weights are copied into read-only arrays. The network becomes a pure function of weights and
images, which is compiled once per batch size and is thread-safe because it has no state. Images are
padded to one of a few batch sizes, so that few programs are compiled.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._keras.backend import load_keras
from shelfvision._keras.compiled import compiled, fast_batch
from shelfvision._keras.dtype_policy import float32_policy
from shelfvision._keras.weights import weight_names
from shelfvision.errors import ModelError
from shelfvision.protocols import Images

if TYPE_CHECKING:
    import keras

Scores: TypeAlias = npt.NDArray[np.float32]
Weights: TypeAlias = Mapping[str, npt.NDArray[np.generic]]

BATCHES = (32, 8, 1)
"""The batch sizes. Batches are padded to one of them, and a program is compiled for each. Of large
images, `fast_batch` takes the place of the first two.

Larger batches have no higher throughput on a CPU, because the system allocates their memory again
for each batch: 128 photos in one batch took a third longer with the ``grocery_cnn`` network.
"""
PIXELS_AT_ONCE = 128 * 100 * 100
"""The largest number of pixels in a batch, which limits the peak memory for large images."""


class FrozenNetwork:
    """A snapshot of a model's weights and compiled programs that compute with them.

    A frozen network is thread-safe. Further training of the model does not change it.

    Parameters
    ----------
    model : keras.Model
        A model with one input, RGB pixels of a fixed size, and one output, probabilities.
    """

    image_size: tuple[int, int]
    num_classes: int

    def __init__(self, model: keras.Model) -> None:
        self.image_size, self.num_classes = _interface(model)
        self._model = _in_float32(model)
        self._weights = _snapshot(model, self._model)
        self._programs: dict[str, Callable[[Images], Scores]] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._batches = _batch_sizes(math.prod(self.image_size))

    @property
    def weights(self) -> Weights:
        """The frozen weights by unique name, in the order of the model."""
        return self._weights

    @property
    def model(self) -> keras.Model:
        """The model that defines the graph; its current weights can differ from the frozen ones."""
        return self._model

    @property
    def batch_size(self) -> int:
        """The largest number of images in a batch."""
        return self._batches[0]

    def probabilities(self, images: Images) -> Scores:
        """Return the probabilities for each image, shape (n, k)."""
        scores = self._run("probabilities", images)
        if scores.size:
            _check_rows(scores)
        return scores

    def embed(self, images: Images) -> Scores:
        """Return the embedding of each image: the input of the last dense layer, shape (n, d)."""
        rows = self._run("embedding", images)
        return rows.reshape(len(rows), math.prod(rows.shape[1:]))

    def _run(self, what: str, images: Images) -> Scores:
        self.require_own_process()
        program = self._programs.get(what) or self._compile(what)
        if not len(images):
            # The prediction for one black image has the number of columns.
            return program(np.zeros((1, *self.image_size, 3), np.uint8))[:0]
        parts = [
            program(_padded(images[start : start + length], size))[:length]
            for start, length, size in _plan(len(images), self._batches)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _compile(self, what: str) -> Callable[[Images], Scores]:
        with self._lock:
            if what not in self._programs:
                model = self._model if what == "probabilities" else _body(self._model)
                pairs = list(zip(self._model.weights, self._weights.values(), strict=True))
                self._programs[what] = compiled(model, pairs)
            return self._programs[what]

    def require_own_process(self) -> None:
        """Raise ModelError in a process that was forked from the one that created the network."""
        if os.getpid() != self._process:
            raise ModelError(
                f"this classifier was made in process {self._process} and came here through a "
                "fork, which the threads of its backend do not survive; load it from its file in "
                "this process, or start workers with the 'spawn' method",
                code="forked",
            )


def _interface(model: keras.Model) -> tuple[tuple[int, int], int]:
    """Return the image size and the number of classes of a valid model."""
    if not isinstance(model, load_keras().Model):
        raise ModelError(
            f"model must be a keras.Model, not {type(model).__name__}; build one with build_model",
            code="wrong-type",
            parameter="model",
        )
    got = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    shape, out = got
    if not (isinstance(shape, tuple) and len(shape) == 4 and shape[3] == 3) or None in shape[1:]:
        raise ModelError(
            "a classifier needs a model with one input of shape (None, height, width, 3) of fixed "
            f"size, but this one takes {shape}; give its Input the size of your images",
            code="wrong-shape",
            parameter="model",
        )
    if not (isinstance(out, tuple) and len(out) == 2 and out[1] is not None and out[1] >= 2):
        raise ModelError(
            "a classifier needs a model with one output of shape (None, number of classes), two "
            f"classes at least, but this one gives {out}; end it in a dense softmax layer",
            code="wrong-shape",
            parameter="model",
        )
    return (int(shape[1]), int(shape[2])), int(out[1])


def _snapshot(model: keras.Model, served: keras.Model) -> dict[str, npt.NDArray[np.generic]]:
    """Return a read-only copy of each weight by unique name, in the dtype of the served model."""
    weights: dict[str, npt.NDArray[np.generic]] = {}
    names = weight_names(variable.path for variable in model.weights)
    for name, variable, own in zip(names, model.weights, served.weights, strict=True):
        value = np.array(load_keras().ops.convert_to_numpy(variable.value))
        if own is not variable:
            value = value.astype(np.dtype(own.dtype))
        value.flags.writeable = False
        weights[name] = value
    return weights


def _body(model: keras.Model) -> keras.Model:
    """Return the model up to its last dense layer, with shared layers."""
    keras = load_keras()
    layers = model.layers if hasattr(model, "operations") else []
    last = next((x for x in reversed(layers) if isinstance(x, keras.layers.Dense)), None)
    if last is None:
        raise ModelError(
            "embed gives what goes into the last dense layer of a functional or sequential "
            f"model, but {model.name!r} has none that can be seen; build it with keras.Model("
            "inputs, outputs) and a Dense layer at the end",
            code="no-dense-layer",
        )
    with float32_policy():
        return keras.Model(model.inputs, last.input)


def _in_float32(model: keras.Model) -> keras.Model:
    """Return the model, or a float32 copy if it computes with lower precision.

    A bundle contains weights and no dtype policies. Without the copy, a model that was created
    under a mixed-precision policy would predict differently after saving and loading.
    """
    keras = load_keras()
    if all(layer.compute_dtype == "float32" for layer in _floating(model)):
        return model
    try:
        with float32_policy():
            return keras.models.clone_model(model, clone_function=_remade)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ModelError(
            f"the layers of {model.name!r} compute in less than float32 and cannot be copied: "
            f"{error}; call keras.config.set_dtype_policy('float32') before the model is built, "
            "or give its layers a get_config",
            code="wrong-dtype",
            parameter="model",
        ) from error


def _remade(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Return a new layer with the same settings and the dtype float32."""
    if hasattr(layer, "layers"):
        return _in_float32(layer)
    settings = layer.get_config()
    if "float" in layer.compute_dtype:
        settings["dtype"] = "float32"
    return type(layer).from_config(settings)


def _floating(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of a model and its nested models that compute with floating point."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        if hasattr(layer, "layers"):
            found += _floating(layer)
        elif "float" in layer.compute_dtype:
            found.append(layer)
    return found


def _batch_sizes(pixels: int) -> tuple[int, ...]:
    """Return the batch sizes for images of that many pixels, largest first."""
    fast = fast_batch(pixels)
    sizes = BATCHES if fast in BATCHES else (fast, 1)
    return tuple(size for size in sizes if size * pixels <= PIXELS_AT_ONCE) or (1,)


def _plan(n: int, sizes: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Return (start, length, padded size) of each batch for `n` images."""
    plan = []
    start = 0
    while start < n:
        rest = n - start
        # Half-full batches are padded: one call with twice the work is faster than many calls.
        size = next(size for size in sizes if size <= 2 * rest - (rest == 1))
        length = min(size, rest)
        plan.append((start, length, size))
        start += length
    return plan


def _padded(images: Images, size: int) -> Images:
    if len(images) == size:
        return images
    padded = np.zeros((size, *images.shape[1:]), dtype=np.uint8)
    padded[: len(images)] = images
    return padded


def _check_rows(scores: Scores) -> None:
    """Raise ModelError if the outputs are not rows of probabilities."""
    if not np.isfinite(scores).all():
        raise ModelError(
            "the model gives probabilities that are not finite numbers; its weights are broken, "
            "so train it again or go back to an earlier checkpoint",
            code="not-finite",
        )
    if scores.min() < 0 or not np.allclose(scores.sum(axis=1), 1, atol=1e-2):
        raise ModelError(
            "the model's outputs are not probabilities that sum to 1, "
            f"the first row is {scores[0, :5].tolist()}; end it in a softmax",
            code="not-probabilities",
        )
