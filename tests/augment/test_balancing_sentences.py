"""What balancing says, word for word, and how copies are numbered and spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision.augment import BalancingAugmenter, Flip
from shelfvision.augment._labels import class_numbers
from shelfvision.augment._plan import BalancingPlan, copies_to_add
from shelfvision.augment._spread import copy_numbers, spread
from shelfvision.data import Dataset
from shelfvision.data._sources import ArrayPixels
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning


def said(kind: type[Exception], act: Callable[[], object]) -> str:
    """Return the sentence with which something is refused."""
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)


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
def test_what_is_no_strategy_is_told_what_there_are(strategy: object) -> None:
    sentence = said(InvalidParameterError, lambda: planned(strategy, {"a": 1}))
    assert sentence.startswith(
        "sampling_strategy must be one of 'not majority', 'auto', 'minority', 'not minority', "
        "'all', 'median', a number of photos, a "
    )
    assert repr(strategy) in sentence


def test_a_strategy_that_names_a_class_that_is_not_there_is_told_the_classes() -> None:
    assert said(InvalidParameterError, lambda: planned({"x": 4}, {"a": 2, "b": 5})) == (
        "sampling_strategy names the class 'x', which is not there; the classes are 'a', 'b'"
    )
    many = {f"class {number:02}": 1 for number in range(50)}
    assert said(InvalidParameterError, lambda: planned({"x": 4}, many)).endswith("'class 49'")
    answer = "the answer of the sampling_strategy callable"
    assert said(InvalidParameterError, lambda: planned(lambda _: {"x": 4}, {"a": 2})) == (
        f"{answer} names the class 'x', which is not there; the classes are 'a'"
    )
    assert said(InvalidParameterError, lambda: planned(lambda _: [4], {"a": 2})) == (
        "the sampling_strategy callable must return a mapping {class: number of photos}, not [4]"
    )


def test_a_strategy_that_would_remove_or_invent_photos_is_refused() -> None:
    assert said(InvalidParameterError, lambda: planned({"b": 4}, {"a": 2, "b": 5})) == (
        "sampling_strategy asks for 4 photos of class 'b', which has 5 already; nothing is ever "
        "removed, so ask for at least that many"
    )
    assert said(DataError, lambda: planned({"none": 1}, {"a": 2, "none": 0})) == (
        "sampling_strategy asks for 1 photos of class 'none', which has none to copy; add photos "
        "of it or leave it out"
    )
    assert said(InvalidParameterError, lambda: planned(1, {"a": 2, "b": 5, "none": 0})) == (
        "sampling_strategy=1 asks for fewer photos than every class has already (the smallest has "
        "2); nothing is ever removed, so ask for more"
    )
    assert said(DataError, lambda: planned("all", {"none": 0})) == (
        "there are no photos to balance: every class counts 0"
    )
    assert "the number of photos of class 'a' must be" in said(
        InvalidParameterError, lambda: planned({"a": -1}, {"a": 2})
    )
    assert "the count of class 'a' must be" in said(
        InvalidParameterError, lambda: planned("all", {"a": -1})
    )


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
    assert "max_copies must be" in said(
        InvalidParameterError, lambda: BalancingAugmenter(max_copies=-1)
    )


def test_a_class_without_photos_or_originals_is_told() -> None:
    with pytest.warns(ShelfVisionWarning) as caught:
        BalancingAugmenter().balance(photos({"a": 2, "none": 0, "b": 3, "nil": 0}))
    assert str(caught[0].message) == (
        "no photos of 'none', 'nil': a class without photos cannot be balanced and stays empty; "
        "add photos or leave it out with ds.select"
    )
    orphans = photos({"a": 1, "b": 3}, copies=(1, 0, 0, 0))
    assert said(DataError, lambda: BalancingAugmenter().balance(orphans)) == (
        "class 'a' has copies but no originals, so no more can be made; balance the dataset that "
        "holds its originals"
    )
    enough = photos({"a": 3, "b": 3}, copies=(1, 1, 1, 0, 0, 0))
    assert len(BalancingAugmenter().balance(enough)) == 6


@pytest.mark.parametrize(
    ("wrong", "culprit"),
    [
        (3, "3"),
        (Flip, repr(Flip)),
        ({"a": Flip(), "b": "x"}, "'x'"),
        ({"a": Flip}, repr(Flip)),
        ({"a": Flip(), "b": None}, "None"),
    ],
)
def test_what_is_no_augmenter_is_told(wrong: object, culprit: str) -> None:
    assert said(InvalidParameterError, lambda: BalancingAugmenter(wrong)) == (  # type: ignore[arg-type]  # so
        "augmenter must be a callable (image, rng) -> image, a mapping {class: augmenter} or None "
        f"for the default, not {culprit}"
    )


def test_augmenters_of_classes_that_are_not_there_are_told() -> None:
    balancer = BalancingAugmenter({"x": Flip(), "a": Flip(), "y": Flip()})
    assert said(InvalidParameterError, lambda: balancer.balance(photos({"a": 1, "b": 2}))) == (
        "augmenter names the class 'x', 'y', which is not there; the classes are 'a', 'b'"
    )


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


SHAPE = (
    "y must hold one label a row, shape (n,), or one-hot rows, shape (n, classes), not shape (2, "
    "3, 1)"
)
ONE_HOT = "y of two dimensions must be one-hot: exactly one 1 in every row and 0 elsewhere"
KINDS = "y must hold whole numbers, strings or one-hot rows, not "


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (np.ones((2, 3, 1)), SHAPE),
        (np.array([0.5]), f"{KINDS}float64"),
        (np.array(["a", 1], dtype=object), f"{KINDS}object"),
        (np.ones((2, 2)), ONE_HOT),
        (np.array([[1, 2], [0, 1]]), ONE_HOT),
        (np.zeros((1, 2)), ONE_HOT),
    ],
)
def test_labels_that_do_not_fit_are_told(labels: npt.NDArray[np.generic], told: str) -> None:
    assert said(DataError, lambda: class_numbers(labels)) == told
