"""`build_model`: an uncompiled Keras model by the name of its architecture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shelfvision.models._registry import architecture_for
from shelfvision.models._spec import ModelSpec, remember
from shelfvision.models._weights import load_weights

if TYPE_CHECKING:
    import keras


def build_model(
    num_classes: int,
    *,
    image_size: tuple[int, int] = (100, 100),
    architecture: str = "grocery_cnn",
    weights: str | os.PathLike[str] | None = None,
    dropout: float | None = None,
    seed: int = 42,
) -> keras.Model:
    """Build an uncompiled Keras model that takes RGB pixels as they are and gives probabilities.

    Parameters
    ----------
    num_classes : int
        Number of classes, at least 2.
    image_size : (int, int), default=(100, 100)
        Height and width of the images, in pixels.
    architecture : str, default="grocery_cnn"
        The network: ``"grocery_cnn"`` is five convolutions of 32 channels and a dense layer of 64,
        40,453 parameters for five classes of 100 x 100 pixels.
    weights : path-like, optional
        A bundle, or a safetensors file, whose tensors have the names and shapes of the model's
        weights. By default the initial weights are drawn from `seed`.
    dropout : float, optional
        One rate, from 0 to below 1, for all dropout layers. By default the architecture's own
        rates; grocery_cnn's are 0.1 after each convolution and 0.25 before the last layer.
    seed : int, default=42
        What initial weights and dropout are derived from, layer by layer. No global generator
        is touched.

    Returns
    -------
    keras.Model
        The model: input ``image``, ``uint8`` of shape (n, height, width, 3), 0 to 255; output
        ``float32`` of shape (n, num_classes), rows that sum to 1.

    Raises
    ------
    InvalidParameterError
        A setting has a value that no model can have.
    ModelError
        There is no such architecture, the images are too small for it, or the weights do not fit.
    MissingBackendError
        Keras has no backend installed.

    Examples
    --------
    >>> import shelfvision as sv
    >>> model = sv.build_model(5)
    >>> model.count_params()
    40453
    """
    spec = ModelSpec(
        architecture=architecture,
        num_classes=num_classes,
        image_size=image_size,
        dropout=dropout,
        seed=seed,
    )
    model = model_from_spec(spec)
    if weights is not None:
        load_weights(model, weights)
    return model


def model_from_spec(spec: ModelSpec) -> keras.Model:
    """Build the model of a spec, and remember the spec."""
    model = architecture_for(spec).build(spec)
    remember(model, spec)
    return model
