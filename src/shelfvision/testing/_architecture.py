"""`check_architecture`: check that an architecture works with training, bundles and export."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from shelfvision._random import rng_for
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.inference import Classifier
from shelfvision.models import ModelSpec, cut_points
from shelfvision.models.architecture import Architecture
from shelfvision.models.backbone import single_tensor_layers
from shelfvision.models.building import model_from_spec
from shelfvision.models.registry import architecture_named
from shelfvision.testing._faults import described_error, listed_faults
from shelfvision.testing._global_generators import drawn_from, generators_kept

if TYPE_CHECKING:
    import keras

_Values = dict[str, npt.NDArray[np.generic]]


def check_architecture(name: str) -> None:
    """Check the contract of a registered architecture: its layers, seeds, weights and bundles.

    The check builds a few models of two sizes, and saves and loads a classifier. It trains none.

    Parameters
    ----------
    name : str
        The name of the registered architecture.

    Raises
    ------
    InvalidParameterError
        `name` is not a text.
    ModelError
        The architecture is unknown, or it breaks the contract. The message has one line per fault.
        Faults are: the builder fails at its default or smallest image size; it does not return a
        functional model from ``uint8`` pixels to ``float32`` probabilities; the same spec gives
        other layers, weights or dropout; another seed gives the same initial weights; the builder
        uses or seeds a global generator; ``tensors`` does not return the names and shapes of all
        weights in order; a branch of the model bypasses a cut point; or a loaded classifier
        differs from the saved one.

    Notes
    -----
    The state of the global random generators does not change.

    Examples
    --------
    >>> import shelfvision as shv
    >>> from shelfvision.testing import check_architecture
    >>> check_architecture("grocery_cnn")
    >>> def careless(spec):
    ...     import keras
    ...
    ...     image = keras.Input((*spec.image_size, 3), dtype="uint8")
    ...     x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    ...     return keras.Model(image, keras.layers.Dense(spec.num_classes, "softmax")(x))
    >>> shv.register_architecture("careless", careless, image_size=(8, 8))
    >>> check_architecture("careless")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    shelfvision.errors.ModelError: architecture 'careless' breaks its contract:
    - the same spec gives other initial weights...
    """
    if not isinstance(name, str):
        raise InvalidParameterError(
            f"name must be the name of a registered architecture, got {name!r:.100}; register it "
            "with register_architecture, and pass its name",
            code="wrong-type",
            parameter="name",
        )
    architecture = architecture_named(name)
    with generators_kept():
        faults = listed_faults(_faults(name, architecture))
    if faults:
        raise ModelError(
            f"architecture {name!r} breaks its contract:{faults}",
            code="contract",
            parameter="name",
        )


def _faults(name: str, architecture: Architecture) -> Iterator[str]:
    spec = ModelSpec(architecture=name, num_classes=3, image_size=architecture.image_size, seed=1)
    small = architecture.smallest
    # Not square, and with another number of classes.
    other = replace(spec, num_classes=5, image_size=(small, small + 8))
    built: list[keras.Model] = []
    for one in (spec, other):
        try:
            built.append(model_from_spec(one))
        except Exception as error:  # noqa: BLE001  (user code may raise any error)
            yield f"with {one} it fails with {described_error(error)}"
            return
    basic = [
        fault
        for one, model in zip((spec, other), built, strict=True)
        for fault in _model_faults(one, model)
    ]
    yield from basic
    if basic:
        return
    yield from _seed_faults(spec, built[0])
    yield from _global_faults(other)
    yield from _tensor_faults(other, built[1], architecture)
    yield from _cut_faults(built[0], architecture)
    yield from _bundle_faults(spec, built[0])


def _model_faults(spec: ModelSpec, model: keras.Model) -> Iterator[str]:
    if not hasattr(model, "operations"):
        yield (
            "the model is not functional, so that it cannot be cut, frozen or exported; build it "
            "with keras.Model(inputs, outputs)"
        )
        return
    if str(model.inputs[0].dtype) != "uint8":
        yield (
            f"the input is of type {model.inputs[0].dtype}, not uint8; write "
            'keras.Input((*spec.image_size, 3), dtype="uint8")'
        )
    rows = _rows(model, _photos(spec))
    if rows.dtype != np.float32 or rows.shape != (2, spec.num_classes):
        yield (
            f"for 2 photos and {spec.num_classes} classes it returns {rows.dtype} of shape "
            f"{rows.shape}, not float32 of shape {(2, spec.num_classes)}"
        )
    elif not ((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3)):
        yield "its rows are not probabilities that sum to 1; end the model in a softmax"


def _photos(spec: ModelSpec) -> npt.NDArray[np.uint8]:
    shape = (2, *spec.image_size, 3)
    return rng_for(0, "check_architecture").integers(0, 256, shape, dtype=np.uint8)


def _rows(model: keras.Model, photos: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    return np.asarray(model.predict_on_batch(photos))


def _values(model: keras.Model) -> _Values:
    """Return all variables by number and name, including the states of dropout."""
    return {
        f"{number} {variable.path.rpartition('/')[2]}": np.array(variable.numpy())
        for number, variable in enumerate(model.variables)
    }


def _weights(model: keras.Model) -> list[npt.NDArray[np.generic]]:
    return [np.array(weight) for weight in model.get_weights()]


def _seed_faults(spec: ModelSpec, model: keras.Model) -> Iterator[str]:
    first, again = _values(model), _values(model_from_spec(spec))
    if {n: v.shape for n, v in first.items()} != {n: v.shape for n, v in again.items()}:
        yield "the same spec gives other layers; build them from the spec alone"
        return
    changed = [name for name in first if not np.array_equal(first[name], again[name])]
    if changed:
        what = "dropout" if all("seed_generator" in name for name in changed) else "initial weights"
        yield (
            f"the same spec gives other {what} each time ({len(changed)} variables differ); derive "
            "the seeds of initializers and dropout from spec.seed"
        )
        return
    other = _weights(model_from_spec(replace(spec, seed=spec.seed + 1)))
    mine = _weights(model)
    if all(np.array_equal(one, two) for one, two in zip(mine, other, strict=True)):
        yield "another seed gives the same initial weights; derive them from spec.seed"


def _global_faults(spec: ModelSpec) -> Iterator[str]:
    for name in drawn_from(lambda: model_from_spec(spec)):
        yield (
            f"the builder draws from or seeds the global generator of {name}; give every "
            "initializer and dropout layer a seed derived from spec.seed"
        )


def _tensor_faults(
    spec: ModelSpec, model: keras.Model, architecture: Architecture
) -> Iterator[str]:
    if architecture.tensors is None:
        return
    try:
        given = {name: tuple(shape) for name, shape in architecture.tensors(spec).items()}
    except Exception as error:  # noqa: BLE001  (user code may raise any error)
        yield f"tensors fails with {described_error(error)}"
        return
    wanted = {weight.path: tuple(weight.shape) for weight in model.weights}
    if list(given.items()) != list(wanted.items()):
        pairs = zip([*given.items(), None], [*wanted.items(), None], strict=False)
        theirs, ours = next((one, two) for one, two in pairs if one != two)
        yield (
            f"tensors must give the path and shape of every weight in the model's order: it has "
            f"{theirs} where the model has {ours}"
        )


def _cut_faults(model: keras.Model, architecture: Architecture) -> Iterator[str]:
    if architecture.cuts is None:
        return
    missing = set(cut_points(model)) - set(single_tensor_layers(model))
    if missing:
        yield (
            f"the model cannot be cut in two behind {min(missing)!r}, which its cut points "
            "name: it is not a layer after which the graph is one tensor wide"
        )


def _bundle_faults(spec: ModelSpec, model: keras.Model) -> Iterator[str]:
    names = [f"class {number}" for number in range(spec.num_classes)]
    photos = _photos(spec)
    file = io.BytesIO()
    try:
        saved = Classifier.from_model(model, class_names=names)
        saved.save(file)
        file.seek(0)
        loaded = Classifier.load(file)
    except Exception as error:  # noqa: BLE001  (user code may raise any error)
        yield f"a classifier of it cannot be saved and loaded again: {described_error(error)}"
        return
    if not np.array_equal(saved.predict_proba(photos), loaded.predict_proba(photos)):
        yield "a classifier of it predicts other probabilities once it is saved and loaded"
