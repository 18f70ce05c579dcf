"""The architectures that a name stands for: ours, those of Keras, and what a user registers."""

from __future__ import annotations

import threading
from types import MappingProxyType

from shelfvision._validation import as_image_size, as_integer, listed
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.models.architecture import Architecture, Builder, Shapes
from shelfvision.models.architectures._applications import PREFIX, application
from shelfvision.models.architectures._efficientnet_lite import (
    FAMILY,
    SMALLEST,
    build_efficientnet_lite,
    efficientnet_lite_cuts,
    efficientnet_lite_tensors,
)
from shelfvision.models.architectures._grocery_cnn import (
    build_grocery_cnn,
    grocery_cnn_smallest,
    grocery_cnn_tensors,
)
from shelfvision.models.architectures._shelf_cnn import build_shelf_cnn, shelf_cnn_tensors
from shelfvision.models.pretrained._pretrained import set_imagenet
from shelfvision.models.spec import MAX_SIDE, ModelSpec


def _efficientnet_lite(name: str) -> Architecture:
    side = FAMILY[name].side
    return Architecture(
        build=build_efficientnet_lite,
        tensors=efficientnet_lite_tensors,
        smallest=lambda: SMALLEST,
        image_size=(side, side),
        cuts=efficientnet_lite_cuts,
        imagenet=set_imagenet,
    )


_OURS = MappingProxyType(
    {
        "grocery_cnn": Architecture(
            build=build_grocery_cnn, tensors=grocery_cnn_tensors, smallest=grocery_cnn_smallest
        ),
        "shelf_cnn": Architecture(build=build_shelf_cnn, tensors=shelf_cnn_tensors),
        **{name: _efficientnet_lite(name) for name in FAMILY},
    }
)
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
    """Make `build_model` know an architecture of your own, and files that hold it loadable.

    Do this when your package is imported: a classifier of this architecture is then built,
    trained, saved and loaded as those of ours are, in any process that imports your package.
    A bundle never brings code: without the registration it asks for ``builder=``.

    Parameters
    ----------
    name : str
        What `build_model` shall call it, up to 200 characters.
    builder : callable
        A function that takes a `ModelSpec` and returns an uncompiled ``keras.Model``. Its input
        is RGB pixels of the spec's `image_size`, 0 to 255, which it scales itself; its output
        a softmax over `num_classes`. It should take initial weights and dropout from the
        spec's `seed`, and the same spec must give the same layers, always.
    tensors : callable, optional
        A function that takes a `ModelSpec` and returns the shape of every weight by its path,
        in the model's order. With it a bundle's tensors are checked before the model is built.
    smallest : int, default=1
        The smallest side of an image that the network can take, in pixels.
    image_size : (int, int), default=(100, 100)
        Height and width of the images, for callers who name none.

    Raises
    ------
    InvalidParameterError
        The name is taken by another architecture, or an argument is no such thing.

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
        smallest=lambda: side,
        image_size=as_image_size(image_size),
    )
    with _lock:
        _require_free(name, builder)
        _registered[name] = made


def is_registered(name: str) -> bool:
    """Return whether a user has registered an architecture of this name."""
    return name in _registered


def is_ours(name: str) -> bool:
    """Return whether a name stands for an architecture that needs no code of the user's."""
    return name in _OURS or name.startswith(PREFIX)


def architecture_named(name: str) -> Architecture:
    """Return the architecture of a name."""
    if name.startswith(PREFIX):
        return application(name)
    found = _OURS.get(name) or _registered.get(name)
    if found is None:
        raise ModelError(
            f"there is no architecture {name!r}; choose one of "
            f"{listed((*_OURS, *_registered), limit=50)}, or one of keras.applications such as "
            f"'{PREFIX}MobileNetV3Small', or make your own known with register_architecture",
            code="not-an-option",
            parameter="architecture",
        )
    return found


def architecture_for(spec: ModelSpec) -> Architecture:
    """Return the architecture that a spec names, once the spec is known to fit it."""
    found = architecture_named(spec.architecture)
    smallest = 1 if found.smallest is None else found.smallest()
    if min(spec.image_size) < smallest:
        raise ModelError(
            f"image_size {spec.image_size} is too small for {spec.architecture}, which needs at "
            f"least ({smallest}, {smallest}) pixels; choose a larger one",
            code="too-small",
            parameter="image_size",
        )
    return found


def _require_free(name: str, builder: Builder) -> None:
    """Refuse a name that stands for something else; a function may be defined anew."""
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        raise InvalidParameterError(
            f"name must be a text of 1 to 200 characters, not {name!r}",
            code="wrong-type",
            parameter="name",
        )
    if is_ours(name):
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
    """Return where a function is defined; one that is defined there again is its successor."""
    module = getattr(builder, "__module__", type(builder).__module__)
    return f"{module}.{getattr(builder, '__qualname__', type(builder).__qualname__)}"
