"""`FrozenLayers`: the frozen part of a model, compiled to compute its outputs."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._keras.backend import backend_name, load_keras
from shelfvision._keras.compiled import ARITHMETIC, compiled, fast_batch
from shelfvision.errors import ModelError
from shelfvision.protocols import Images
from shelfvision.training.run._identity import model_digest

if TYPE_CHECKING:
    import keras

LARGEST = float(np.finfo(np.float16).max)


class FrozenLayers:
    """A frozen model whose outputs are stored in half precision.

    Parameters
    ----------
    model : keras.Model
        A model with one input (RGB pixels of a fixed size) and one output of a fixed shape.
    """

    def __init__(self, model: keras.Model) -> None:
        to_numpy = load_keras().ops.convert_to_numpy
        self._values = [np.array(to_numpy(weight.value)) for weight in model.weights]
        self._model = model
        self.shape: tuple[int, ...] = tuple(int(side) for side in model.output_shape[1:])
        """Shape of the output for one image."""
        self.digest = self._digest()
        """Digest of the backend, the arithmetic, the layers and their weights."""
        # Smaller batches are padded, so that one compiled function is enough.
        self._batch = fast_batch(math.prod(model.input_shape[1:3]))
        self._program = compiled(model, list(zip(model.weights, self._values, strict=True)))

    def __call__(self, images: Images) -> npt.NDArray[np.float16]:
        """Return the outputs for images, ``float16`` of shape (n, *shape)."""
        starts = range(0, len(images), self._batch)
        rows = [self._computed(images[start : start + self._batch]) for start in starts]
        return np.concatenate(rows)

    def _computed(self, images: Images) -> npt.NDArray[np.float16]:
        padded = np.zeros((self._batch, *images.shape[1:]), np.uint8)
        padded[: len(images)] = images
        rows = self._program(padded)[: len(images)]
        if not np.isfinite(rows).all():
            raise ModelError(
                f"the frozen part of the model {self._model.name!r} gives numbers that are not "
                "finite; its weights are broken, so build the model again with good ones",
                code="not-finite",
                parameter="model",
            )
        return np.clip(rows, -LARGEST, LARGEST).astype(np.float16)

    def _digest(self) -> str:
        facts = [backend_name(), ARITHMETIC, model_digest(self._model)]
        description = json.dumps(facts, sort_keys=True)
        digest = hashlib.sha256(description.encode())
        for value in self._values:
            digest.update(np.ascontiguousarray(value).data)
        return digest.hexdigest()
