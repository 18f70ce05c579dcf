"""Augmenters that may give other pixels have another identity, and no address is in it."""

from __future__ import annotations

import functools
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shelfvision.augment import BalancingAugmenter, Brightness, Compose, Rotate
from shelfvision.augment.identity import augmenter_identity
from shelfvision.data import Dataset
from shelfvision.protocols import Augmenter, Image


def nameless(image: Image, rng: np.random.Generator) -> Image:
    return image.copy()


def dimmed(image: Image, rng: np.random.Generator, by: int = 2) -> Image:
    return image // by


class Printed:
    def __init__(self, level: int) -> None:
        self.level = level

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        return image // self.level

    def __repr__(self) -> str:
        return f"Printed({self.level})"


class Plain:
    """Prints as an address."""

    def __init__(self, levels: object) -> None:
        self.levels = levels
        self.itself = self

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        return image.copy()

    def dimmed(self, image: Image, rng: np.random.Generator) -> Image:
        return image // 2


class Slotted:
    __slots__ = ("level",)

    def __init__(self, level: int) -> None:
        self.level = level

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        return image.copy()


def closing_over(level: int) -> Augmenter:
    return lambda image, rng: image // level


def several() -> list[object]:
    return [
        Rotate(10),
        Rotate(11),
        Brightness(0.25),
        nameless,
        Compose([nameless]),
        Printed(1),
        Printed(2),
        Plain(1),
        Plain(2),
        Plain({1: (2, {"juice", "milk"})}),
        Plain(np.zeros(3)),
        Plain(np.ones(3)),
        Plain(np.ones(3, np.uint8)),
        Compose([Plain(1)]),
        Slotted(1),
        Slotted(2),
        Plain(1).dimmed,
        Plain(2).dimmed,
        functools.partial(dimmed, by=2),
        functools.partial(dimmed, by=3),
        closing_over(2),
        closing_over(3),
        lambda image, rng: image // 2,
        lambda image, rng: image // 3,
        lambda image, rng: np.flip(image, 0),
    ]


def test_what_may_give_other_pixels_has_another_identity() -> None:
    identities = [augmenter_identity(one) for one in several()]
    assert len(set(identities)) == len(identities)


def test_equal_augmenters_have_equal_identities_without_addresses() -> None:
    identities = [augmenter_identity(one) for one in several()]
    assert identities == [augmenter_identity(one) for one in several()]
    assert augmenter_identity(Rotate(10)) == augmenter_identity(Rotate(10.0))
    assert augmenter_identity(pickle.loads(pickle.dumps(Plain((1, 2))))) == augmenter_identity(
        Plain((1, 2))
    )
    assert not any("0x" in identity for identity in identities)


@pytest.mark.slow
def test_identities_are_the_same_in_other_processes() -> None:
    code = "import test_identity as t; print([t.augmenter_identity(one) for one in t.several()])"
    answers = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("kind", [Plain, Slotted, closing_over])
def test_a_cache_of_other_copies_is_not_taken_for_this_one(kind: type, tmp_path: Path) -> None:
    images = np.zeros((3, 4, 4, 3), np.uint8)
    ds = Dataset.from_arrays(images, ["can", "can", "jar"])
    for level in (1, 2, 1):
        BalancingAugmenter(kind(level)).balance(ds).cached(tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 2
