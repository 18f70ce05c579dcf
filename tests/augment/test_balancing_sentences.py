"""What balancing refuses, and how copies are numbered and spread."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision._photos.sources import ArrayPixels
from shelfvision.augment import BalancingAugmenter, Flip
from shelfvision.augment.balancing._labels import class_numbers
from shelfvision.augment.balancing._plan import BalancingPlan, copies_to_add
from shelfvision.augment.balancing._spread import copy_numbers, spread
from shelfvision.data import Dataset
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses


def photos(counts: Mapping[str, int], *, ids: str = "", copies: tuple[int, ...] = ()) -> Dataset:
    """Return different photos, those of a class one after the other."""
    labels = [number for number, n in enumerate(counts.values()) for _ in range(n)]
    n = len(labels)
    images = np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1).repeat(3, axis=3)
    return Dataset.from_source(
        ArrayPixels(images),
        ids=list(ids) or [f"p{row}" for row in range(n)],
        labels=labels,
        class_names=list(counts),
        copies=copies or [0] * n,
    )


def planned(strategy: object, counts: Mapping[str, int]) -> dict[str, int]:
    """Return how many copies a strategy adds."""
    return BalancingAugmenter(sampling_strategy=strategy).plan(counts)  # type: ignore[arg-type]  # some are wrong


# -- strategies ----------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["majority", "", 0, -3, True, None, 2.5, ["all"]])
def test_what_is_no_strategy_is_refused(strategy: object) -> None:
    with refuses(InvalidParameterError, "not-an-option", "sampling_strategy"):
        planned(strategy, {"a": 1})


def test_counts_below_nought_are_refused() -> None:
    with refuses(InvalidParameterError, "not-in-range", "class_counts"):
        planned("all", {"a": -1})


def test_a_strategy_may_ask_for_what_is_there() -> None:
    assert planned({"a": 2, "none": 0}, {"a": 2, "b": 5, "none": 0}) == dict.fromkeys(
        ("a", "b", "none"), 0
    )
    assert planned(2, {"a": 2, "b": 5}) == {"a": 0, "b": 0}
    assert planned(lambda counts: counts, {"a": 2, "b": 5}) == {"a": 0, "b": 0}
    assert planned("median", {"a": 1, "b": 4}) == {"a": 2, "b": 0}
    assert planned("minority", {"b": 3, "a": 3, "c": 9}) == {"b": 6, "a": 0, "c": 0}
    assert planned("not minority", {"b": 3, "a": 3, "c": 9}) == {"b": 0, "a": 6, "c": 0}


def test_a_callable_cannot_change_the_counts_it_is_given() -> None:
    def emptying(counts: dict[str, int]) -> dict[str, int]:
        given = dict(counts)
        counts.clear()
        return {name: n + 1 for name, n in given.items()}

    assert planned(emptying, {"a": 2, "none": 0, "b": 1} | {"none": 3}) == {
        "a": 1,
        "none": 1,
        "b": 1,
    }


def test_a_plan_is_a_table_that_lines_up() -> None:
    plan = BalancingPlan({"oat milk": 12, "tea": 0}, counts={"oat milk": 3, "tea": 1500})
    assert str(plan).splitlines() == [
        "class     photos  copies  together",
        "oat milk       3     +12        15",
        "tea         1500      +0      1500",
    ]
    assert plan == {"oat milk": 12, "tea": 0}
    assert plan.counts == {"oat milk": 3, "tea": 1500}


def test_numbers_that_numpy_gives_are_counted_as_ints() -> None:
    added = copies_to_add({"a": int(np.int64(2)), "b": 5}, {"a": int(np.int8(4))})
    assert added == {"a": 2, "b": 0}
    assert {type(n) for n in added.values()} == {int}


# -- caps, warnings, refusals --------------------------------------------------------------


def test_caps_count_what_was_made_before() -> None:
    assert BalancingAugmenter(max_copies=0).plan({"a": 1, "b": 9}) == {"a": 0, "b": 0}
    ds = photos({"a": 3, "b": 9}, ids="xyxpqrstuvwz", copies=(0, 0, 1, *[0] * 9))
    assert BalancingAugmenter(max_copies=2).balance(ds).class_counts == {"a": 6, "b": 9}
    with refuses(InvalidParameterError, "not-in-range", "max_copies"):
        BalancingAugmenter(max_copies=-1)


def test_a_class_without_photos_or_originals_is_told() -> None:
    with gives_warning(ShelfVisionWarning, "missing-class") as told:
        BalancingAugmenter().balance(photos({"a": 2, "none": 0, "b": 3, "nil": 0}))
    assert "'none', 'nil'" in str(told[0])
    orphans = photos({"a": 1, "b": 3}, copies=(1, 0, 0, 0))
    with refuses(DataError, "no-originals"):
        BalancingAugmenter().balance(orphans)
    enough = photos({"a": 3, "b": 3}, copies=(1, 1, 1, 0, 0, 0))
    assert len(BalancingAugmenter().balance(enough)) == 6


def test_augmenters_of_classes_that_are_not_there_are_told() -> None:
    balancer = BalancingAugmenter({"x": Flip(), "a": Flip(), "y": Flip()})
    with refuses(InvalidParameterError, "unknown-name", "augmenter") as caught:
        balancer.balance(photos({"a": 1, "b": 2}))
    assert "'x', 'y'" in str(caught.value)


def test_a_balancer_tells_its_settings_as_scikit_learn_asks() -> None:
    flip = Flip()
    balancer = BalancingAugmenter(flip, sampling_strategy="all", seed=7, max_copies=3, refresh=True)
    assert balancer.get_params() == {
        "augmenter": flip,
        "sampling_strategy": "all",
        "seed": 7,
        "max_copies": 3,
        "refresh": True,
    }
    assert repr(balancer) == (
        "BalancingAugmenter(augmenter=Flip(), sampling_strategy='all', seed=7, max_copies=3, "
        "refresh=True)"
    )


# -- copies --------------------------------------------------------------------------------


def test_copies_are_spread_over_those_that_have_fewest() -> None:
    ds = photos({"a": 5, "b": 1}, ids="xyzxxb", copies=(0, 0, 0, 1, 2, 0))
    origins = spread(ds, [4, 0], 42)
    assert origins.tolist() == [1, 1, 2, 2]
    assert spread(ds, [2, 0], 42).tolist() == [1, 2]
    assert spread(ds, [7, 1], 42).tolist() == [0, 1, 1, 1, 2, 2, 2, 5]
    one_more = {tuple(spread(ds, [5, 0], seed).tolist()) for seed in range(30)}
    assert one_more == {(0, 1, 1, 2, 2), (1, 1, 1, 2, 2), (1, 1, 2, 2, 2)}
    assert spread(ds, [0, 0], 42).tolist() == []


def test_the_remainder_goes_to_the_photos_that_it_always_went_to() -> None:
    ds = photos({"a": 12})
    assert spread(ds, [5], 42).tolist() == [1, 5, 7, 8, 11]
    assert spread(ds, [5], 7).tolist() == [2, 4, 7, 8, 10]
    twice = [row for row in range(12) for _ in range(2)]
    assert spread(ds, [29], 42).tolist() == sorted([*twice, 1, 5, 7, 8, 11])


def test_copies_are_numbered_on_for_each_photo() -> None:
    ds = photos({"a": 3})
    assert copy_numbers(ds, np.array([0, 0, 2, 2, 2])).tolist() == [1, 2, 1, 2, 3]
    assert copy_numbers(ds, np.array([], dtype=np.int64)).tolist() == []
    going_on = photos({"a": 4}, ids="xyxx", copies=(0, 0, 5, 2))
    numbers = copy_numbers(going_on, np.array([0, 0, 1]))
    assert numbers.tolist() == [6, 7, 1]
    twice = photos({"a": 3}, ids="xxy")
    assert copy_numbers(twice, np.array([0, 1, 1, 2])).tolist() == [1, 2, 3, 1]
    assert numbers.dtype == np.int32


def test_labels_of_every_form_become_numbers() -> None:
    numbers, classes = class_numbers(np.array([9, 5, 9]))
    assert (numbers.tolist(), classes) == ([1, 0, 1], (5, 9))
    assert numbers.dtype == np.int64
    numbers, classes = class_numbers(np.array(["b", "a"], dtype=object))
    assert (numbers.tolist(), classes) == ([1, 0], ("a", "b"))
    numbers, classes = class_numbers(np.eye(3)[[2, 0]])
    assert (numbers.tolist(), classes) == ([2, 0], (0, 1, 2))
    assert numbers.dtype == np.int64


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        (np.ones((2, 3, 1)), "wrong-shape"),
        (np.array([0.5]), "wrong-type"),
        (np.array(["a", 1], dtype=object), "wrong-type"),
        (np.ones((2, 2)), "not-one-hot"),
        (np.array([[1, 2], [0, 1]]), "not-one-hot"),
        (np.zeros((1, 2)), "not-one-hot"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: npt.NDArray[np.generic], code: str) -> None:
    with refuses(DataError, code, "y"):
        class_numbers(labels)
