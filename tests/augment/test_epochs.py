"""An epoch's images are fresh where they should be, and the same whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal

from shelfvision._random import rng_for
from shelfvision.augment import BalancingAugmenter, default_augmenter, read_epoch
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Image
from support import refuses


def _dataset(counts: Mapping[str, int]) -> Dataset:
    labels = [name for name, n in counts.items() for _ in range(n)]
    images = rng_for(0, "test").integers(0, 256, (len(labels), 6, 7, 3), dtype=np.uint8)
    return Dataset.from_arrays(images, labels, class_names=list(counts))


def _noted(image: Image, rng: np.random.Generator) -> Image:
    """Write down what is drawn."""
    return np.full_like(image, rng.integers(256))


def test_refreshed_copies_differ_between_epochs_and_repeat_within_one() -> None:
    ds = BalancingAugmenter(refresh=True).balance(_dataset({"a": 2, "b": 4}))
    rows = np.arange(len(ds))
    first, second = (read_epoch(ds, rows, epoch=epoch) for epoch in (1, 2))
    assert_array_equal(first[:6], second[:6])
    assert all((first[row] != second[row]).any() for row in (6, 7))
    assert_array_equal(read_epoch(ds, rows[::-1], epoch=1)[::-1], first)
    steady = BalancingAugmenter().balance(_dataset({"a": 2, "b": 4}))
    assert_array_equal(read_epoch(steady, rows, epoch=1), read_epoch(steady, rows, epoch=2))


def test_refreshed_copies_stay_fresh_when_more_are_added_on_top() -> None:
    once = BalancingAugmenter(refresh=True).balance(_dataset({"a": 2, "b": 4}))
    more = BalancingAugmenter(sampling_strategy={"a": 6}).balance(once)
    rows = np.arange(len(more))
    first, second = (read_epoch(more, rows, epoch=epoch) for epoch in (1, 2))
    differ = [bool((first[row] != second[row]).any()) for row in rows]
    assert differ == [False] * 6 + [True] * 2 + [False] * 2


def test_refreshed_copies_are_varied_anew_by_a_trainer_of_the_same_seed() -> None:
    ds = BalancingAugmenter(_noted, refresh=True).balance(_dataset({"a": 1, "b": 2}))
    copy = read_epoch(ds, np.array([3]), epoch=7)[0]
    twice = read_epoch(ds, np.array([3]), epoch=7, augmenter=_noted)[0]
    assert copy[0, 0, 0] != twice[0, 0, 0]


def test_copies_that_are_made_anew_cannot_be_frozen_in_a_cache(tmp_path: Path) -> None:
    ds = _dataset({"a": 2, "b": 4})
    fresh = BalancingAugmenter(refresh=True).balance(ds)
    for directory in (None, tmp_path):
        with refuses(InvalidParameterError, "conflict"):
            fresh[:7].cached(directory)
    assert BalancingAugmenter(refresh=True).balance(ds.cached()).fingerprint == fresh.fingerprint


def test_an_epoch_is_the_same_one_image_at_a_time_or_all_at_once() -> None:
    ds = BalancingAugmenter(refresh=True).balance(_dataset({"a": 3, "b": 40}))
    rows = np.random.RandomState(0).permutation(len(ds))
    augmenter = default_augmenter()
    whole = read_epoch(ds, rows, epoch=3, augmenter=augmenter)
    for position, row in enumerate(rows):
        alone = read_epoch(ds, np.array([row]), epoch=3, augmenter=augmenter)[0]
        assert_array_equal(alone, whole[position])
        rng = rng_for(42, "augment", ds.ids[row], int(ds.copies[row]), 3)
        plain = read_epoch(ds, np.array([row]), epoch=3)[0]
        assert_array_equal(augmenter(plain, rng), whole[position])


def test_an_epoch_can_be_augmented_as_a_whole() -> None:
    ds = _dataset({"a": 2, "b": 4})
    images = read_epoch(ds, np.array([3, 1]), epoch=5, augmenter=default_augmenter(), seed=9)
    rng = rng_for(9, "augment", ds.ids[3], 0, 5)
    assert_array_equal(images[0], default_augmenter()(ds[3][0], rng))


def test_numpys_integers_give_what_ints_give() -> None:
    ds = _dataset({"juice": 2})
    rows, augmenter = np.arange(2), default_augmenter()
    expected = read_epoch(ds, rows, epoch=3, augmenter=augmenter, seed=7)
    epoch, seed = np.int64(3), np.int64(7)
    got = read_epoch(ds, rows, epoch=epoch, augmenter=augmenter, seed=seed)  # type: ignore[arg-type]  # as loops over arrays give them
    assert_array_equal(got, expected)
