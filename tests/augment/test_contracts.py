"""What the room promises holds for any augmenter, any photos and any order of looking at them."""

from __future__ import annotations

import pickle
import random
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import shelfvision as shv
from shelfvision._random import rng_for
from shelfvision.augment import (
    Blur,
    Brightness,
    Compose,
    Contrast,
    Erase,
    Flip,
    Hue,
    Maybe,
    Noise,
    OneOf,
    Operation,
    Perspective,
    Rotate,
    Saturation,
    Shear,
    Shift,
    Zoom,
    default_augmenter,
    from_dict,
    read_epoch,
    to_dict,
)
from shelfvision.errors import AugmenterError
from shelfvision.protocols import Augmenter, Image, Images
from shelfvision.testing import check_augmenter
from support import refuses

seeds = st.integers(0, 2**32 - 1)
strengths = st.floats(0.05, 0.9).map(lambda value: round(value, 3))
single = st.one_of(
    st.sampled_from([Flip(), Flip("vertical"), Maybe(Flip()), default_augmenter()]),
    *(strengths.map(kind) for kind in (Shift, Brightness, Contrast, Saturation)),
    strengths.map(lambda value: Zoom(value / 2)),
    strengths.map(lambda value: Perspective(value / 2)),
    strengths.map(lambda value: Rotate(180 * value)),
    strengths.map(lambda value: Shear(40 * value)),
    strengths.map(lambda value: Hue(180 * value)),
    strengths.map(lambda value: Noise(40 * value)),
    strengths.map(lambda value: Blur(3 * value)),
    strengths.map(lambda value: Erase((0, value))),
)
augmenters: st.SearchStrategy[Operation] = st.recursive(
    single,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(Compose),
        st.lists(inner, min_size=1, max_size=3).map(OneOf),
        st.tuples(inner, strengths).map(lambda pair: Maybe(pair[0], p=pair[1])),
    ),
    max_leaves=5,
)


def photos(seed: int, n: int, height: int = 5, width: int = 6) -> Images:
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


def dataset(seed: int, labels: list[str], groups: list[str] | None = None) -> shv.Dataset:
    return shv.Dataset.from_arrays(photos(seed, len(labels)), labels, groups=groups)


@pytest.mark.slow
@settings(max_examples=60)
@given(augmenters, st.integers(1, 30), st.integers(1, 30), seeds)
def test_any_composition_depends_on_image_and_generator_alone(
    augmenter: Operation, height: int, width: int, seed: int
) -> None:
    image = photos(seed, 1, height, width)[0]
    image.flags.writeable = False
    before = random.getstate(), pickle.dumps(np.random.get_state())
    result = augmenter(image, rng_for(seed, "test"))
    assert result.dtype == np.uint8
    assert result.shape == image.shape
    assert not np.shares_memory(result, image)
    again: Operation = pickle.loads(pickle.dumps(augmenter))
    assert_array_equal(again(image, rng_for(seed, "test")), result)
    assert before == (random.getstate(), pickle.dumps(np.random.get_state()))


@pytest.mark.slow
@settings(max_examples=60)
@given(augmenters, seeds)
def test_any_composition_goes_through_its_recipe(augmenter: Operation, seed: int) -> None:
    image = photos(seed, 1)[0]
    again = from_dict(to_dict(augmenter))
    assert again == augmenter
    assert_array_equal(again(image, rng_for(seed, "t")), augmenter(image, rng_for(seed, "t")))


class Wrapped:
    """An augmenter of ours that something is done to."""

    def __init__(self, inner: Augmenter) -> None:
        self.inner = inner

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        return self.inner(image, rng)


class Halves(Wrapped):
    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        return self.inner(image, rng)[: image.shape[0] // 2]


class Floats(Wrapped):
    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        return self.inner(image, rng) / 255  # type: ignore[return-value]  # wrong on purpose


class Writes(Wrapped):
    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        image[0, 0] ^= 255
        return self.inner(image, rng)


class Global(Wrapped):
    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        return self.inner(image, rng) ^ np.uint8(np.random.randint(256))


class Counts(Wrapped):
    calls = 0

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        self.calls += 1
        return self.inner(image, rng) ^ np.uint8(self.calls % 256)


@pytest.mark.slow
@settings(max_examples=10)
@given(single)
def test_whatever_keeps_the_contract_passes_the_check(augmenter: Operation) -> None:
    check_augmenter(Wrapped(augmenter))


@pytest.mark.slow
@settings(max_examples=15)
@given(single, st.sampled_from([Halves, Floats, Writes, Global, Counts]))
def test_whatever_breaks_the_contract_is_told(augmenter: Operation, kind: type[Wrapped]) -> None:
    with refuses(AugmenterError, "contract", "augmenter"):
        check_augmenter(kind(augmenter))


labelled = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y"])), min_size=1, max_size=10
)


@pytest.mark.slow
@settings(max_examples=50)
@given(labelled, seeds)
def test_a_copy_has_the_id_label_and_group_of_its_original(
    rows: list[tuple[str, str]], seed: int
) -> None:
    ds = dataset(seed, [label for label, _ in rows], [group for _, group in rows])
    balanced = shv.BalancingAugmenter(seed=seed).balance(ds)
    assert len(set(balanced.class_counts.values())) == 1
    assert balanced.ids[: len(ds)].tolist() == ds.ids.tolist()
    original = {name: row for row, name in enumerate(ds.ids)}
    for row, name in enumerate(balanced.ids):
        assert balanced.labels[row] == ds.labels[original[name]]
        assert balanced.groups[row] == ds.groups[original[name]]
        assert (balanced.copies[row] > 0) == (row >= len(ds))


@pytest.mark.slow
@settings(max_examples=50)
@given(labelled, seeds, st.randoms(use_true_random=False), st.integers(1, 5))
def test_a_copy_is_the_same_in_any_order_batch_view_and_process(
    rows: list[tuple[str, str]], seed: int, chance: random.Random, size: int
) -> None:
    ds = dataset(seed, [label for label, _ in rows])
    balanced = shv.BalancingAugmenter(Brightness(0.5), seed=seed).balance(ds)
    whole = balanced.to_arrays()[0]
    order = list(range(len(balanced)))
    chance.shuffle(order)
    elsewhere: shv.Dataset = pickle.loads(pickle.dumps(balanced[order]))
    assert_array_equal(elsewhere.to_arrays()[0], whole[order])
    for start in range(0, len(order), size):
        part = order[start : start + size]
        assert_array_equal(balanced.read_batch(part), whole[part])
        assert_array_equal(balanced[part[-1]][0], whole[part[-1]])


@settings(max_examples=30)
@given(labelled, seeds, st.integers(1, 1000), st.randoms(use_true_random=False))
def test_a_photo_of_an_epoch_does_not_depend_on_those_around_it(
    rows: list[tuple[str, str]], seed: int, epoch: int, chance: random.Random
) -> None:
    ds = dataset(seed, [label for label, _ in rows])
    order = list(range(len(ds)))
    chance.shuffle(order)
    some = np.array(order[: chance.randint(1, len(order))])
    read = partial(read_epoch, ds, epoch=epoch, augmenter=Brightness(0.5), seed=seed)
    assert_array_equal(read(some), read(np.arange(len(ds)))[some])


@settings(max_examples=40)
@given(labelled, seeds)
def test_the_articles_order_can_be_had_from_arrays(rows: list[tuple[str, str]], seed: int) -> None:
    labels = [label for label, _ in rows]
    images = photos(seed, len(labels))
    balancer = shv.BalancingAugmenter(Flip(), seed=seed)
    more, more_labels = balancer.fit_resample(images, labels)
    assert_array_equal(more[: len(images)], images)
    assert [labels[row] for row in balancer.sample_indices_] == more_labels.tolist()
    assert len(set(np.unique(more_labels, return_counts=True)[1])) == 1
    splitter = shv.SeededSplitter(seed=seed, method="shuffled")
    parts = splitter.split_indices(more_labels)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(more)))
