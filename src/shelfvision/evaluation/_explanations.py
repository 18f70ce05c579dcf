r"""`explain`: Grad-CAM heat maps of the image regions that raise the score of a class.

A convolutional layer computes maps :math:`A^k`, one for each channel :math:`k`, with few cells,
such as 6 x 6. The score :math:`y^c` of class :math:`c` before the softmax depends on every cell.
Grad-CAM (Selvaraju et al. 2017) weights each channel by its mean gradient (equation 1) and keeps
the positive part of the sum (equation 2):

.. math:: a_k = \frac{1}{Z} \sum_{i,j} \frac{\partial y^c}{\partial A^k_{ij}}, \qquad
          L = \max\bigl(0, \sum_k a_k A^k\bigr).

:math:`L` is resized to the photo and divided by its maximum. The network is split at the layer: the
body maps photos to :math:`A`, the head maps :math:`A` to :math:`y`. The derivatives are the
gradient of the head, which the backend computes.

Examples
--------
One photo, two cells, two channels. The first channel is active in the left cell and raises the
score, the second is active in the right cell and lowers it, so only the left cell remains:

>>> features = np.array([[[[2.0, 0.0], [0.0, 3.0]]]], np.float32)
>>> slopes = np.array([[[[1.0, -1.0], [1.0, -1.0]]]], np.float32)
>>> _weighed(features, slopes).tolist()
[[[2.0, 0.0]]]
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from shelfvision._identifiers import clean_name, closest
from shelfvision._keras.backend import backend_name, load_keras
from shelfvision._keras.layers import require_one_input
from shelfvision._validation import listed
from shelfvision.data.reading import Photos, Reader
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.inference import Classifier
from shelfvision.inference.served import class_probabilities
from shelfvision.protocols import Images

if TYPE_CHECKING:
    import keras

# The backends' own arrays, which have different types.
Tensor: TypeAlias = Any
Program: TypeAlias = Callable[[Tensor], Tensor]
Pair: TypeAlias = "tuple[keras.Variable, Tensor]"

HeatMaps: TypeAlias = npt.NDArray[np.float32]

_BATCH = 32
# Coarser maps show little more than the quarter of the photo.
_LEAST_SIDE = 4


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanations:
    """Heat maps of photos, one class each; `explain` returns it."""

    ids: tuple[str, ...]
    """The ids of the photos."""
    images: Images
    """The photos at the network's input size, ``uint8``, shape (n, height, width, 3)."""
    labels: tuple[str, ...]
    """The class of each heat map."""
    heat_maps: npt.NDArray[np.float32]
    """Heat maps, shape (n, height, width), from 0 to 1, the maximum of each photo."""
    layer: str
    """The layer whose channels were weighted."""

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.ids)

    def __repr__(self) -> str:
        """Return the number of photos and the layer."""
        return f"<Explanations: {len(self)} heat maps of layer {self.layer!r}>"


def explain(
    classifier: Classifier,
    photos: Photos,
    *,
    labels: str | Sequence[str] | None = None,
    layer: str | None = None,
) -> Explanations:
    """Return Grad-CAM heat maps: which regions of each photo raise the score of a class.

    The channels of a layer are weighted by the gradient of the class score before the softmax. The
    positive part of their sum is resized to the photo. The map has the resolution of the layer.
    It shows which regions the score depends on, not why. It does not prove that the
    classifier used the right features.

    Parameters
    ----------
    classifier : Classifier
        A classifier with a functional or sequential model, of any architecture.
    photos : path, bytes, ndarray, Dataset, or iterable of these
        As `Classifier.predict` takes them. All are held in memory, so pass a few at a time.
    labels : str or sequence of str, optional
        The class to explain, or one for every photo. By default the predicted class.
    layer : str, optional
        The name of a layer whose output has a height and a width. By default the last layer with
        an output of at least 4 x 4, or if there is none the last with height and width.

    Returns
    -------
    Explanations
        A heat map for every photo; all 0 if no region raises the score of the class.

    Raises
    ------
    ModelError
        The model has no such layer, has no layer with height and width, or is neither functional
        nor sequential.
    InvalidParameterError
        A label is not a class of the classifier, or the number of labels and photos differs.
    PhotoError
        A photo cannot be read.

    References
    ----------
    R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
    localization", ICCV 2017, 618-626.

    Examples
    --------
    >>> import shelfvision as shv
    >>> model = shv.build_model(2)
    >>> classifier = shv.Classifier.from_model(model, class_names=["Can", "Jar"])
    >>> photos = shv.samples.render_products({"Can": 1, "Jar": 1})
    >>> shv.explain(classifier, photos, labels="Can").heat_maps.shape
    (2, 100, 100)
    """
    if not isinstance(classifier, Classifier):
        raise InvalidParameterError(
            f"classifier must be a Classifier, got {type(classifier).__name__}; wrap a Keras model "
            "in Classifier.from_model(...)",
            code="wrong-type",
            parameter="classifier",
        )
    classifier.served.network.require_own_process()
    reader = Reader(preprocessing=classifier.preprocessing, on_error="raise")
    batches = list(reader.batches(photos, _BATCH))
    ids = tuple(name for batch in batches for name in batch.ids)
    images = [batch.images for batch in batches]
    images = images or [np.empty((0, *classifier.image_size, 3), np.uint8)]
    wanted = _labels(classifier, images, labels, len(ids))
    found = _SplitNetwork(classifier, layer)
    number = {name: place for place, name in enumerate(classifier.class_names)}
    numbers = np.array([number[name] for name in wanted], dtype=np.int32)
    maps, start = [], 0
    for part in images:
        maps.append(found.heat_maps(part, numbers[start : start + len(part)]))
        start += len(part)
    return Explanations(
        ids=ids,
        images=np.concatenate(images),
        labels=wanted,
        heat_maps=np.concatenate(maps),
        layer=found.layer,
    )


def _labels(
    classifier: Classifier, images: Sequence[Images], labels: str | Sequence[str] | None, n: int
) -> tuple[str, ...]:
    """Return the class to explain for every photo."""
    if labels is None:
        best = [
            class_probabilities(classifier.served, part).argmax(axis=1)
            for part in images
            if len(part)
        ]
        return tuple(classifier.class_names[row] for part in best for row in part)
    given = (labels,) * n if isinstance(labels, str) else tuple(labels)
    names = tuple(clean_name(str(name)) for name in given)
    known = classifier.class_names
    # A single name is checked even without photos.
    alone = (clean_name(labels),) if isinstance(labels, str) else ()
    unknown = [name for name in (*names, *alone) if name not in known]
    if unknown:
        near = closest(unknown[0], known)
        remedy = f"write {near!r}" if near else "name one of these"
        raise InvalidParameterError(
            f"labels must be classes of the classifier, {listed(known, limit=50)}, got "
            f"{unknown[0]!r}; {remedy}",
            code="unknown-name",
            parameter="labels",
        )
    if len(names) != n:
        raise InvalidParameterError(
            f"labels has {len(names)} entries for {n} photos; give one each",
            code="wrong-length",
            parameter="labels",
        )
    return names


class _SplitNetwork:
    """A network that is split at a layer: photos to features, features to scores."""

    def __init__(self, classifier: Classifier, layer: str | None) -> None:
        network = classifier.served.network
        keras, model = load_keras(), network.model
        chosen = _layer_named(model, layer) if layer is not None else _last_with_map(model)
        self.layer = str(chosen.name)
        self._n_classes, self._size = network.num_classes, classifier.image_size
        self._first = _is_channels_first(model, chosen)
        end, self._finish = _ending(model)
        try:
            self._body = keras.Model(model.inputs[0], chosen.output)
            self._head = keras.Model(chosen.output, end)
            require_one_input(self._head)
        except ValueError as error:
            raise ModelError(
                f"the model {model.name!r} cannot be split at {self.layer!r}, because another "
                "branch bypasses it; pass layer= with a layer after the branches merge",
                code="branch",
                parameter="layer",
            ) from error
        values = zip(model.weights, network.weights.values(), strict=True)
        self._state: list[Pair] = [
            (variable, keras.ops.convert_to_tensor(np.array(value))) for variable, value in values
        ]

    def heat_maps(self, images: Images, classes: npt.NDArray[np.int32]) -> HeatMaps:
        """Return a map for every image, shape (n, height, width)."""
        if not len(images):
            return np.empty((0, *self._size), np.float32)
        keras = load_keras()
        chosen = keras.ops.one_hot(classes, self._n_classes)

        def score(features: Tensor) -> Tensor:
            with keras.StatelessScope(state_mapping=self._state):
                rows = self._finish(self._head(features, training=False))
            return keras.ops.sum(keras.ops.cast(rows, "float32") * chosen)

        with keras.StatelessScope(state_mapping=self._state):
            features = self._body(keras.ops.convert_to_tensor(images), training=False)
        found = [_as_numpy(x, first=self._first) for x in (features, _gradient(score, features))]
        return np.stack([_fitted(one, self._size) for one in _weighed(*found)])


def _layer_named(model: keras.Model, name: str) -> keras.layers.Layer:
    """Return the layer of this name if its output has height and width."""
    with_map = {layer.name: layer for layer in _layers(model) if _side(layer) > 0}
    if name not in with_map:
        raise ModelError(
            f"the model {model.name!r} has no layer {name!r} whose output has height, width and "
            f"channels; it has {listed(with_map, limit=50) or 'none'}",
            code="unknown-name",
            parameter="layer",
        )
    return with_map[name]


def _last_with_map(model: keras.Model) -> keras.layers.Layer:
    """Return the last layer whose output is large enough, or the last with height and width."""
    layers = _layers(model)
    # Outputs before the first weights are the photo itself, scaled or transposed.
    first = next((place for place, layer in enumerate(layers) if layer.weights), len(layers))
    candidates = [layer for layer in reversed(layers[first:]) if _side(layer) > 1]
    fine = [layer for layer in candidates if _side(layer) >= _LEAST_SIDE]
    if not candidates:
        raise ModelError(
            f"the model {model.name!r} must have a layer after its first weights whose output has "
            "height, width and channels, got none; if it contains the layers in a nested model, "
            "make a classifier of that model",
            code="no-map",
            parameter="classifier",
        )
    return (fine or candidates)[0]


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    if not getattr(model, "inputs", None):
        raise ModelError(
            f"explain supports functional and sequential models, but {model.name!r} is neither; "
            "build it with keras.Model(inputs, outputs)",
            code="not-functional",
            parameter="classifier",
        )
    return [
        layer for layer in model.layers if not isinstance(layer, load_keras().layers.InputLayer)
    ]


def _side(layer: keras.layers.Layer) -> int:
    """Return the shorter side of a layer's output; 0 if it has no height and width."""
    try:
        shape = layer.output.shape
    except (AttributeError, ValueError):
        # The layer has several outputs, or was called several times.
        return 0
    if len(shape) != 4 or None in shape[1:]:
        return 0
    return int(min(shape[2:] if _format_of(layer) == "channels_first" else shape[1:3]))


def _is_channels_first(model: keras.Model, layer: keras.layers.Layer) -> bool:
    layers = _layers(model)
    before = layers[: layers.index(layer) + 1]
    formats = (getattr(one, "data_format", None) for one in reversed(before))
    return next((one for one in formats if one), _format_of(layer)) == "channels_first"


def _format_of(layer: keras.layers.Layer) -> str:
    return getattr(layer, "data_format", None) or str(load_keras().config.image_data_format())


def _ending(model: keras.Model) -> tuple[keras.KerasTensor, Program]:
    """Return the last tensor before a softmax, and the function that computes scores from it."""
    keras = load_keras()
    last = _layers(model)[-1]
    softmax = getattr(last, "activation", None) is keras.activations.softmax
    if last.output is not model.outputs[0]:
        return model.outputs[0], _logarithm
    if isinstance(last, keras.layers.Dense) and softmax:
        return last.input, lambda rows: _dense(last, rows)
    if isinstance(last, keras.layers.Softmax) or softmax:
        return last.input, lambda rows: rows
    return model.outputs[0], _logarithm


def _dense(layer: keras.layers.Dense, rows: Tensor) -> Tensor:
    scores = load_keras().ops.matmul(rows, layer.kernel)
    return scores if layer.bias is None else scores + layer.bias


def _logarithm(probabilities: Tensor) -> Tensor:
    ops = load_keras().ops
    return ops.log(ops.maximum(probabilities, 1e-12))


def _gradient(score: Program, features: Tensor) -> Tensor:
    """Return the gradient of the score with respect to the features."""
    backend = backend_name()
    framework = importlib.import_module(backend)
    if backend == "tensorflow":
        with framework.GradientTape() as tape:
            tape.watch(features)
            value = score(features)
        return tape.gradient(value, features)
    if backend == "jax":
        return framework.grad(score)(features)
    if backend == "torch":
        features = features.detach().requires_grad_()
        with framework.enable_grad():
            return framework.autograd.grad(score(features), features)[0]
    raise ModelError(
        f"heat maps need gradients, which the backend {backend!r} does not compute; use "
        "tensorflow, jax or torch",
        code="backend-not-supported",
    )


def _as_numpy(values: Tensor, *, first: bool) -> npt.NDArray[np.float32]:
    ops = load_keras().ops
    array = np.asarray(ops.convert_to_numpy(ops.cast(values, "float32")), dtype=np.float32)
    return np.moveaxis(array, 1, -1) if first else array


def _weighed(
    features: npt.NDArray[np.float32], slopes: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the positive part of the sum of channels, each weighted by its mean gradient."""
    maps = np.einsum("nhwc,nc->nhw", features, slopes.mean(axis=(1, 2)))
    return np.asarray(np.maximum(maps, 0), dtype=np.float32)


def _fitted(one: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return a map of the photo's size, from 0 to 1."""
    height, width = size
    large = PillowImage.fromarray(one).resize((width, height), PillowImage.Resampling.BILINEAR)
    values: npt.NDArray[np.float32] = np.asarray(large, dtype=np.float32)
    most = float(values.max())
    return values if most == 0 else np.asarray(values / most, dtype=np.float32)
