"""Augmenters of other libraries, taken in without importing those libraries."""

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

# Other libraries keep their randomness in one place for all threads: one caller at a time.
_LOCK = threading.Lock()


def from_keras_layer(layer: Callable[..., object]) -> Augmenter:
    """Return an augmenter that calls a Keras preprocessing layer.

    Parameters
    ----------
    layer : keras.layers.Layer
        An augmentation layer such as ``keras.layers.RandomRotation(0.05)``, or a model or
        pipeline of them, on pixels from 0 to 255. It is copied; yours stays as it is.

    Returns
    -------
    Augmenter
        It sets the layer's seed from the generator before every call, so that the same
        generator gives the same image.

    Raises
    ------
    AugmenterError
        `layer` is not a Keras layer.

    Notes
    -----
    A layer called on one image at a time is many times slower than our own operations.

    Examples
    --------
    >>> import keras  # doctest: +SKIP
    >>> from shelfvision.augment import from_keras_layer
    >>> augmenter = from_keras_layer(keras.layers.RandomContrast(0.2))  # doctest: +SKIP
    """
    if not hasattr(type(layer), "from_config"):
        raise AugmenterError(
            f"from_keras_layer takes a Keras layer, not {layer!r}",
            code="wrong-type",
            parameter="layer",
        )
    return _KerasLayer(layer)


def from_albumentations(transform: Callable[..., object]) -> Augmenter:
    """Return an augmenter that calls a transform as albumentations has them.

    Parameters
    ----------
    transform : callable
        Takes ``image=`` and gives a dict with ``"image"``; seeded by ``set_random_seed(int)``.

    Returns
    -------
    Augmenter
        It seeds a copy of the transform from the generator for every call.

    Raises
    ------
    AugmenterError
        The transform has no ``set_random_seed``, so its results could not be repeated.
    """
    if not hasattr(transform, "set_random_seed"):
        raise AugmenterError(
            "from_albumentations takes a transform with set_random_seed (albumentations 2 or "
            f"later), not {transform!r}",
            code="wrong-type",
            parameter="transform",
        )
    return _Albumentations(transform)


def from_torchvision(transform: Callable[..., object]) -> Augmenter:
    """Return an augmenter that calls a transform as torchvision has them.

    Parameters
    ----------
    transform : callable
        Takes a Pillow image and gives a Pillow image, or an array or tensor of ``uint8`` with
        the channels first or last. Its randomness is torch's, numpy's or Python's own generator.

    Returns
    -------
    Augmenter
        It seeds those global generators for every call and puts them back afterwards; one
        thread calls at a time. A thread that draws from them meanwhile is disturbed.

    Raises
    ------
    AugmenterError
        The transform cannot be called.
    """
    given: object = transform
    if not callable(given) or isinstance(given, type):
        raise AugmenterError(
            f"from_torchvision takes a transform, not {transform!r}",
            code="wrong-type",
            parameter="transform",
        )
    return _Torchvision(transform)


def _seed_from(rng: np.random.Generator) -> int:
    return int.from_bytes(rng.bytes(4), "little") >> 1


@final
class _KerasLayer:
    """A Keras layer whose seed generators are set before every call."""

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
                # Some layers make their seed generators when they are first called.
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
    """Return a layer's settings in plain containers; Keras's own lists cannot be pickled."""
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
    """Yield the seed generators of a layer and of the layers in it, in a fixed order."""
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
    """A transform that is seeded and called with keywords."""

    transform: Any

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        transform = copy.deepcopy(self.transform)
        transform.set_random_seed(_seed_from(rng))
        answer = transform(image=image)
        if not isinstance(answer, Mapping) or "image" not in answer:
            raise AugmenterError(
                f"an albumentations-like transform must give a dict with 'image', not {answer!r}",
                code="contract",
            )
        result: Image = np.asarray(answer["image"])
        return result

    def __repr__(self) -> str:
        return f"from_albumentations({self.transform!r})"


@final
@dataclass(frozen=True, slots=True)
class _Torchvision:
    """A transform that draws from global generators."""

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
    """Seed the generators that transforms draw from, and put them back as they were."""
    torch = sys.modules.get("torch")
    python = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002  (the transform's generator, not ours)
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
