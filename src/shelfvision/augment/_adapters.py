"""Adapters for augmenters of other libraries, without importing these libraries."""

from __future__ import annotations

import copy
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures

from shelfvision.errors import AugmenterError
from shelfvision.protocols import Augmenter, Image

# Other libraries have random state that all threads share, so only one thread may call at a time.
_LOCK = threading.Lock()


def from_keras_layer(layer: Callable[..., object]) -> Augmenter:
    """Return an augmenter that calls a Keras preprocessing layer.

    Parameters
    ----------
    layer : keras.layers.Layer
        An augmentation layer such as ``keras.layers.RandomRotation(0.05)``, or a model or
        pipeline of them, for pixels from 0 to 255. The layer is copied and not changed.

    Returns
    -------
    Augmenter
        It sets the seed of the layer from the generator before each call, so that the same
        generator state gives the same image.

    Raises
    ------
    AugmenterError
        `layer` is not a Keras layer.

    Notes
    -----
    Calling a layer for one image at a time is many times slower than the operations of
    ``shelfvision.augment``.

    Examples
    --------
    >>> import keras  # doctest: +SKIP
    >>> from shelfvision.augment import from_keras_layer
    >>> augmenter = from_keras_layer(keras.layers.RandomContrast(0.2))  # doctest: +SKIP
    """
    if not hasattr(type(layer), "from_config"):
        raise AugmenterError(
            f"layer must be a Keras layer, got {layer!r}",
            code="wrong-type",
            parameter="layer",
        )
    return _KerasLayer(layer)


def from_albumentations(transform: Callable[..., object]) -> Augmenter:
    """Return an augmenter that calls an albumentations transform.

    Parameters
    ----------
    transform : callable
        A callable that takes ``image=`` and returns a dict with ``"image"``; its seed is set by
        ``set_random_seed(int)``.

    Returns
    -------
    Augmenter
        It seeds a copy of the transform from the generator for each call.

    Raises
    ------
    AugmenterError
        The transform has no ``set_random_seed``, so its results would not be reproducible.
    """
    if not hasattr(transform, "set_random_seed"):
        raise AugmenterError(
            "transform must have set_random_seed, as in albumentations 2 or later, got "
            f"{transform!r}",
            code="wrong-type",
            parameter="transform",
        )
    return _Albumentations(transform)


def from_torchvision(transform: Callable[..., object]) -> Augmenter:
    """Return an augmenter that calls a torchvision transform.

    Parameters
    ----------
    transform : callable
        A callable that takes a Pillow image and returns a Pillow image, or a ``uint8`` array or
        tensor with the channels first or last. It may use the global generators of torch, NumPy
        and Python.

    Returns
    -------
    Augmenter
        It seeds these global generators for each call and restores them afterwards. Only one
        thread calls at a time. Other code that uses the global generators at the same time gets
        other random numbers.

    Raises
    ------
    AugmenterError
        `transform` is not callable, or it is a class.
    """
    given: object = transform
    if not callable(given) or isinstance(given, type):
        raise AugmenterError(
            f"transform must be a callable torchvision transform, got {transform!r}",
            code="wrong-type",
            parameter="transform",
        )
    return _Torchvision(transform)


def _seed_from(rng: np.random.Generator) -> int:
    return int.from_bytes(rng.bytes(4), "little") >> 1


@final
class _KerasLayer:
    """A Keras layer whose seed generators are set before each call."""

    __slots__ = ("_config", "_layer", "_seeds")

    def __init__(self, layer: Any) -> None:
        self._config = _untracked(layer.get_config())
        self._layer = type(layer).from_config(self._config)
        self._seeds: list[Any] | None = None

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        seed = _seed_from(rng)
        batch = image[None].astype(np.float32)
        with _LOCK:
            if self._seeds is None:
                # Some layers create their seed generators in the first call.
                self._layer(batch, training=True)
                self._seeds = list(_seed_generators(self._layer, set()))
            for number, generator in enumerate(self._seeds):
                generator.state.assign(np.array([seed, number], dtype=generator.state.dtype))
            values = np.asarray(self._layer(batch, training=True))[0]
        return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)

    def __repr__(self) -> str:
        return f"from_keras_layer({type(self._layer).__name__}({self._config!r}))"

    def __reduce__(self) -> tuple[Callable[..., Augmenter], tuple[type, object]]:
        return _keras_layer_from, (type(self._layer), self._config)


def _untracked(config: Any) -> Any:
    """Return the config of a layer in built-in containers; Keras lists cannot be pickled."""
    if isinstance(config, Mapping):
        return {key: _untracked(value) for key, value in config.items()}
    if isinstance(config, list):
        return [_untracked(value) for value in config]
    if isinstance(config, tuple):
        return tuple(_untracked(value) for value in config)
    return config


def _keras_layer_from(kind: Any, config: object) -> Augmenter:
    return _KerasLayer(kind.from_config(config))


def _seed_generators(layer: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the seed generators of a layer and its inner layers, in a fixed order."""
    for _, value in sorted(vars(layer).items()):
        several = value if isinstance(value, list | tuple) else (value,)
        for one in several:
            if id(one) in seen:
                continue
            seen.add(id(one))
            if type(one).__name__ == "SeedGenerator":
                yield one
            elif hasattr(one, "get_config") and hasattr(one, "call"):
                yield from _seed_generators(one, seen)


@final
@dataclass(frozen=True, slots=True)
class _Albumentations:
    """An albumentations transform that is seeded before each call."""

    transform: Any

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        transform = copy.deepcopy(self.transform)
        transform.set_random_seed(_seed_from(rng))
        answer = transform(image=image)
        if not isinstance(answer, Mapping) or "image" not in answer:
            raise AugmenterError(
                f"an albumentations transform must return a dict with 'image', got {answer!r}",
                code="contract",
            )
        result: Image = np.asarray(answer["image"])
        return result

    def __repr__(self) -> str:
        return f"from_albumentations({self.transform!r})"


@final
@dataclass(frozen=True, slots=True)
class _Torchvision:
    """A transform that uses global random generators."""

    transform: Callable[..., Any]

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        with _LOCK, _seeded_globals(_seed_from(rng)):
            answer = np.asarray(self.transform(Pictures.fromarray(image)))
        if answer.ndim == 3 and answer.shape[0] == 3 and answer.shape != image.shape:
            answer = answer.transpose(1, 2, 0)
        return np.ascontiguousarray(answer)

    def __repr__(self) -> str:
        return f"from_torchvision({self.transform!r})"


@contextmanager
def _seeded_globals(seed: int) -> Iterator[None]:
    """Seed the global random generators, and restore them afterwards."""
    torch = sys.modules.get("torch")
    python = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002  (the transform uses it)
    torch_state: npt.ArrayLike | None = None if torch is None else torch.get_rng_state()
    try:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  (the same)
        if torch is not None:
            torch.default_generator.manual_seed(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)  # noqa: NPY002  (the same)
        if torch is not None:
            torch.set_rng_state(torch_state)
