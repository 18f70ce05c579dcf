"""`check_augmenter` tells an author, in one sentence each, how an augmenter breaks its contract."""

from __future__ import annotations

import pickle
import random
import threading
import time
from typing import Any

import numpy as np
import pytest

from shelfvision.augment import Compose, Flip, Maybe, default_augmenter
from shelfvision.errors import AugmenterError, ShelfVisionWarning
from shelfvision.protocols import Image
from shelfvision.testing import check_augmenter
from support import gives_warning, refuses

Rng = np.random.Generator


def good(image: Image, rng: Rng) -> Image:
    return np.asarray(np.clip(image + rng.random() * 40, 0, 255), np.uint8)


class Good:
    def __init__(self, change: int) -> None:
        self.change = change

    def __call__(self, image: Image, rng: Rng) -> Image:
        return (image // 2 + int(self.change * rng.random())).astype(np.uint8)


def draws_from_children(image: Image, rng: Rng) -> Image:
    darker, lighter = rng.spawn(2)
    return (image // 2 + int(60 * darker.random()) + int(60 * lighter.random())).astype(np.uint8)


@pytest.mark.parametrize(
    "augmenter",
    [good, Good(40), draws_from_children, default_augmenter(), Compose([Flip(), Maybe(good)])],
)
def test_augmenters_that_keep_the_contract_pass(augmenter: object) -> None:
    check_augmenter(augmenter)  # type: ignore[arg-type]  # parametrized as objects


def half_size(image: Image, rng: Rng) -> Image:
    return image[: max(1, image.shape[0] // 2)].copy()


def grey(image: Image, rng: Rng) -> Image:
    return image[:, :, :1].copy()


def as_float(image: Image, rng: Rng) -> object:
    return image / 255


def forgets_to_return(image: Image, rng: Rng) -> None:
    image.mean()


def gives_a_list(image: Image, rng: Rng) -> object:
    return image.tolist()


def writes(image: Image, rng: Rng) -> Image:
    image[0, 0] = 255 - image[0, 0]
    return image.copy()


def own_generator(image: Image, rng: Rng) -> Image:
    return (image // 2 + np.random.default_rng().integers(100)).astype(np.uint8)


def numpy_global(image: Image, rng: Rng) -> Image:
    return (image // 2 + np.random.randint(100)).astype(np.uint8)


def python_global(image: Image, rng: Rng) -> Image:
    return (image // 2 + random.randrange(100)).astype(np.uint8)


def seeds_the_global(image: Image, rng: Rng) -> Image:
    np.random.seed(0)
    return (image // 2 + np.random.randint(100)).astype(np.uint8)


class Counting:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, image: Image, rng: Rng) -> Image:
        self.calls += 1
        return (image // 2 + self.calls % 100).astype(np.uint8)


class Remembering:
    """Scales by the largest value that it has seen so far."""

    def __init__(self) -> None:
        self.largest = 0

    def __call__(self, image: Image, rng: Rng) -> Image:
        if self.largest == 0:
            self.largest = int(image[0, 0, 0]) + 1
        return (image // 2 + self.largest // 4).astype(np.uint8)


class Locked:
    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __call__(self, image: Image, rng: Rng) -> Image:
        return image.copy()


class Scratch:
    """Keeps its result in one place for all threads."""

    def __call__(self, image: Image, rng: Rng) -> Image:
        self.result = image // 2
        time.sleep(0.002)
        return self.result


def divides_by_the_spread(image: Image, rng: Rng) -> Image:
    low, high = int(image.min()), int(image.max())
    if low == high:
        raise ZeroDivisionError("division by zero")
    return ((image - low) * (255 / (high - low))).astype(np.uint8)


def needs_two_rows(image: Image, rng: Rng) -> Image:
    if image.shape[0] < 2:
        raise IndexError("index 1 is out of bounds")
    return image.copy()


def crops_a_square(image: Image, rng: Rng) -> Image:
    side = min(image.shape[:2])
    return image[:side, :side].copy()


class ForgetsWhenPickled:
    def __init__(self) -> None:
        self.change = 40

    def __call__(self, image: Image, rng: Rng) -> Image:
        return (image // 2 + self.change).astype(np.uint8)

    def __setstate__(self, state: object) -> None:
        self.change = 0


class ForgettingCopies(ForgetsWhenPickled):
    def __deepcopy__(self, memo: object) -> ForgettingCopies:
        return self


BROKEN = [
    (half_size, "returned shape (50, 100, 3) for an image of shape (100, 100, 3)"),
    (grey, "returned shape (100, 100, 1)"),
    (as_float, "returned dtype float64 instead of uint8"),
    (forgets_to_return, "returned None instead of an array"),
    (gives_a_list, "returned list instead of an array"),
    (writes, "it writes into the image that it is given"),
    (own_generator, "it has hidden state"),
    (numpy_global, "the global generator of numpy.random"),
    (python_global, "the global generator of the random module"),
    (seeds_the_global, "the global generator of numpy.random"),
    (Counting(), "it has hidden state"),
    (Remembering(), "its results depend on the order of calls"),
    (Locked(), "it cannot be pickled"),
    (lambda image, rng: image.copy(), "it cannot be pickled"),
    (Scratch(), "called from several threads at once"),
    (divides_by_the_spread, "it fails on an image of one grey with ZeroDivisionError"),
    (needs_two_rows, "it fails on a wide image of 1 x 300 with IndexError"),
    (crops_a_square, "on a tall image of 300 x 1 it returned shape (1, 1, 3)"),
    (ForgettingCopies(), "pickled and loaded again it gives another result"),
]


@pytest.mark.parametrize(("augmenter", "sentence"), BROKEN)
def test_a_broken_augmenter_is_told_what_is_wrong(augmenter: object, sentence: str) -> None:
    with refuses(AugmenterError, "contract", "augmenter") as caught:
        check_augmenter(augmenter)  # type: ignore[arg-type]  # wrong on purpose
    assert sentence in str(caught.value)


def test_only_what_is_wrong_is_told() -> None:
    with refuses(AugmenterError, "contract", "augmenter") as caught:
        check_augmenter(writes)
    assert str(caught.value).splitlines() == [
        "augmenter writes breaks its contract:",
        "- it writes into the image that it is given; work on image.copy()",
    ]


def test_all_faults_are_told_at_once() -> None:
    broken: list[Any] = [lambda image, rng: image[:0] + np.random.rand()]
    with refuses(AugmenterError, "contract", "augmenter") as caught:
        check_augmenter(broken[0])
    text = str(caught.value)
    for sentence in ("returned dtype float64", "numpy.random", "pickled"):
        assert sentence in text


def test_global_generators_are_left_as_they_were() -> None:
    before = random.getstate(), pickle.dumps(np.random.get_state())
    with refuses(AugmenterError, "contract", "augmenter"):
        check_augmenter(seeds_the_global)
    assert before == (random.getstate(), pickle.dumps(np.random.get_state()))


def slow(image: Image, rng: Rng) -> Image:
    if image.shape == (100, 100, 3):
        time.sleep(0.11)
    return image.copy()


def test_a_slow_augmenter_is_warned_about_only() -> None:
    with gives_warning(ShelfVisionWarning, "slow"):
        check_augmenter(slow)


@pytest.mark.parametrize(("thing", "code"), [(Flip, "is-a-class"), ("flip", "wrong-type")])
def test_what_is_no_augmenter_is_refused(thing: object, code: str) -> None:
    with refuses(AugmenterError, code, "augmenter"):
        check_augmenter(thing)  # type: ignore[arg-type]  # wrong on purpose


class AlbumentationsLike:
    def set_random_seed(self, seed: int) -> None: ...

    def available_keys(self) -> set[str]:
        return {"image"}

    def __call__(self, image: Image) -> dict[str, Image]:
        return {"image": image}


class KerasLike:
    def get_config(self) -> dict[str, object]:
        return {}

    def call(self, image: Image) -> Image:
        return image

    __call__ = call


class TorchvisionLike:
    __module__ = "torchvision.transforms.v2"

    def __call__(self, image: Image) -> Image:
        return image


@pytest.mark.parametrize("kind", [AlbumentationsLike, KerasLike, TorchvisionLike])
def test_a_transform_of_another_library_is_sent_to_its_adapter(kind: type) -> None:
    adapter = {"A": "from_albumentations", "K": "from_keras_layer", "T": "from_torchvision"}
    with refuses(AugmenterError, "foreign-augmenter", "augmenter") as caught:
        check_augmenter(kind())
    assert adapter[kind.__name__[0]] in str(caught.value)
