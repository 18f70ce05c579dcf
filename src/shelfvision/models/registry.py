"""The registry of architectures: built-in ones, those of Keras, and those that users register."""

from __future__ import annotations

import threading
from types import MappingProxyType

from shelfvision._validation import as_image_size, as_integer, listed
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.models.architecture import DEFAULT_LOSS, Architecture, Builder, Shapes
from shelfvision.models.architectures import (
    _applications,
    _efficientnet_lite,
    _grocery_cnn,
    _shelf_cnn,
)
from shelfvision.models.spec import MAX_SIDE, ModelSpec

_BUILTIN = MappingProxyType(
    {
        **_grocery_cnn.ARCHITECTURES,
        **_shelf_cnn.ARCHITECTURES,
        **_efficientnet_lite.ARCHITECTURES,
        **_applications.ARCHITECTURES,
    }
)
_PREFIX = _applications.PREFIX
_registered: dict[str, Architecture] = {}
_lock = threading.Lock()


def register_architecture(
    name: str,
    builder: Builder,
    *,
    tensors: Shapes | None = None,
    smallest: int = 1,
    image_size: tuple[int, int] = (100, 100),
) -> None:
    """Register a custom architecture for `build_model` and for loading bundles.

    Register it when your package is imported. Classifiers of this architecture can then be built,
    trained, saved and loaded like built-in ones, in every process that imports your package. A
    bundle never contains code: without the registration, loading it needs ``builder=``.

    Parameters
    ----------
    name : str
        The name for ``build_model(architecture=)``, up to 200 characters.
    builder : callable
        A function that takes a `ModelSpec` and returns an uncompiled ``keras.Model``. The model
        takes RGB pixels of the spec's `image_size`, 0 to 255, scales them itself, and ends in a
        softmax over `num_classes`. Initial weights and dropout must depend on the spec's `seed`,
        and the same spec must always give the same layers.
    tensors : callable, optional
        A function that takes a `ModelSpec` and returns the shape of each weight by its path, in
        the model's order. It allows checking a bundle's tensors before the model is built.
    smallest : int, default=1
        The smallest side of the model input in pixels.
    image_size : (int, int), default=(100, 100)
        The default height and width of the model input.

    Raises
    ------
    InvalidParameterError
        Another architecture has the name, or an argument has the wrong type.

    Examples
    --------
    >>> import shelfvision as shv
    >>> def tiny(spec):
    ...     import keras
    ...
    ...     image = keras.Input((*spec.image_size, 3), dtype="uint8")
    ...     x = keras.layers.Rescaling(1 / 255)(image)
    ...     x = keras.layers.Conv2D(8, 3, strides=4, activation="relu")(x)
    ...     x = keras.layers.GlobalAveragePooling2D()(x)
    ...     return keras.Model(image, keras.layers.Dense(spec.num_classes, "softmax")(x))
    >>> shv.register_architecture("tiny", tiny, smallest=8)
    >>> shv.build_model(3, architecture="tiny").count_params()
    251
    """
    for what, value in (("builder", builder), ("tensors", tensors or builder)):
        if not callable(value):
            raise InvalidParameterError(
                f"{what} must be a function that takes a ModelSpec, not {value!r}",
                code="wrong-type",
                parameter=what,
            )
    side = as_integer("smallest", smallest, minimum=1, maximum=MAX_SIDE)
    made = Architecture(
        build=builder,
        tensors=tensors,
        smallest=side,
        image_size=as_image_size(image_size),
    )
    with _lock:
        _require_free(name, builder)
        _registered[name] = made


def is_registered(name: str) -> bool:
    """Return whether a user has registered an architecture of this name."""
    return name in _registered


def is_builtin(name: str) -> bool:
    """Return whether an architecture is built in or part of Keras."""
    return name in _BUILTIN or name.startswith(_PREFIX)


def available_architectures() -> tuple[str, ...]:
    """Return the names for ``build_model(architecture=)``.

    Returns
    -------
    tuple of str
        The built-in architectures, the registered ones, and those of ``keras.applications``, whose
        names start with ``"keras:"``.

    Examples
    --------
    >>> import shelfvision as shv
    >>> shv.available_architectures()[:3]
    ('grocery_cnn', 'shelf_cnn', 'efficientnet_lite0')
    """
    ours = [name for name in _BUILTIN if not name.startswith(_PREFIX)]
    return (*ours, *_registered, *_applications.ARCHITECTURES)


def architecture_named(name: str) -> Architecture:
    """Return the architecture with a name."""
    found = _BUILTIN.get(name) or _registered.get(name)
    if found is not None:
        return found
    names = available_architectures()
    if name.startswith(_PREFIX):
        keras_names = [known for known in names if known.startswith(_PREFIX)]
        raise ModelError(
            f"architecture must be one of keras.applications, got {name!r}; "
            f"choose one of {listed(keras_names, limit=50)}",
            code="not-an-option",
            parameter="architecture",
        )
    others = [known for known in names if not known.startswith(_PREFIX)]
    raise ModelError(
        f"architecture must be a registered one, got {name!r}; choose one of "
        f"{listed(others, limit=50)}, or one of keras.applications such as "
        f"'{_PREFIX}MobileNetV3Small', or register your own with register_architecture",
        code="not-an-option",
        parameter="architecture",
    )


def loss_for(spec: ModelSpec | None) -> str:
    """Return the Keras loss for a spec; the default one for a custom model."""
    name = "" if spec is None else spec.architecture
    found = _BUILTIN.get(name) or _registered.get(name)
    return DEFAULT_LOSS if found is None else found.loss


def architecture_for(spec: ModelSpec) -> Architecture:
    """Return the architecture of a spec after checking the image size."""
    found = architecture_named(spec.architecture)
    if min(spec.image_size) < found.smallest:
        raise ModelError(
            f"image_size {spec.image_size} is too small for {spec.architecture}, which needs at "
            f"least ({found.smallest}, {found.smallest}) pixels; choose a larger one",
            code="too-small",
            parameter="image_size",
        )
    return found


def _require_free(name: str, builder: Builder) -> None:
    """Raise if a name belongs to another architecture; redefining a function is allowed."""
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        raise InvalidParameterError(
            f"name must be a text of 1 to 200 characters, not {name!r}",
            code="wrong-type",
            parameter="name",
        )
    if is_builtin(name):
        raise InvalidParameterError(
            f"the name {name!r} stands for an architecture of shelfvision; choose another",
            code="duplicate",
            parameter="name",
        )
    known = _registered.get(name)
    if known is not None and _place(known.build) != _place(builder):
        raise InvalidParameterError(
            f"the name {name!r} is taken by {_place(known.build)}; choose another",
            code="duplicate",
            parameter="name",
        )


def _place(builder: object) -> str:
    """Return the qualified name of a function; a new function of the same name may replace it."""
    module = getattr(builder, "__module__", type(builder).__module__)
    return f"{module}.{getattr(builder, '__qualname__', type(builder).__qualname__)}"
