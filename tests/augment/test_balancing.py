"""Classes of different sizes become equal, and nothing else changes."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image as Picture

from shelfvision._random import rng_for
from shelfvision.augment import (
    BalancingAugmenter,
    Brightness,
    Flip,
    apply_augmenter,
    default_augmenter,
)
from shelfvision.augment.copies import describe_copies
from shelfvision.data import Dataset
from shelfvision.errors import (
    AugmenterError,
    DataError,
    InvalidParameterError,
    ShelfVisionError,
    ShelfVisionWarning,
)
from shelfvision.protocols import Image, Images
from support import gives_warning, refuses
from support.augmenters import invert


def _images(n: int) -> Images:
    return rng_for(0, "test", n).integers(0, 256, (n, 6, 7, 3), dtype=np.uint8)


def _dataset(counts: Mapping[str, int]) -> Dataset:
    labels = [name for name, n in counts.items() for _ in range(n)]
    order = np.random.RandomState(0).permutation(len(labels))
    return Dataset.from_arrays(
        _images(len(labels)), [labels[i] for i in order], class_names=list(counts)
    )


def test_a_hundred_against_three_hundred_gives_two_copies_of_each() -> None:
    ds = _dataset({"juice": 100, "milk": 300})
    balancer = BalancingAugmenter(seed=42)
    assert balancer.plan(ds.class_counts) == {"juice": 200, "milk": 0}
    balanced = balancer.balance(ds)
    assert balanced.class_counts == {"juice": 300, "milk": 300}
    ids, times = np.unique(balanced.ids[len(ds) :].astype(str), return_counts=True)
    assert len(ids) == 100
    assert set(times) == {2}
    assert set(balanced.copies[len(ds) :]) == {1, 2}


def test_files_that_were_left_out_are_still_told(tmp_path: Path) -> None:
    for label, n in (("juice", 1), ("milk", 2)):
        (tmp_path / label).mkdir()
        for number in range(n):
            Picture.fromarray(_images(3)[number]).save(tmp_path / label / f"{number}.png")
    (tmp_path / "milk" / "note.txt").write_text("two left")
    ds = Dataset.from_directory(tmp_path, image_size=(6, 7))
    assert [file.path for file in ds.skipped] == ["milk/note.txt"]
    assert BalancingAugmenter().balance(ds).skipped == ds.skipped


def test_five_uneven_classes_end_equal_and_evenly_spread() -> None:
    ds = _dataset({"a": 31, "b": 7, "c": 1, "d": 18, "e": 29})
    balanced = BalancingAugmenter().balance(ds)
    assert set(balanced.class_counts.values()) == {31}
    for label in range(5):
        ids = balanced.ids[balanced.labels == label].astype(str)
        times = np.unique(ids, return_counts=True)[1]
        assert np.ptp(times) <= 1


def test_originals_come_first_and_untouched() -> None:
    ds = _dataset({"a": 2, "b": 5})
    balanced = BalancingAugmenter().balance(ds)
    images, labels = balanced.to_arrays()
    assert_array_equal(images[: len(ds)], ds.to_arrays()[0])
    assert_array_equal(labels[: len(ds)], ds.labels)
    assert not balanced.copies[: len(ds)].any()
    assert balanced.copies[len(ds) :].all()


def test_copies_keep_id_label_and_group_of_their_original_but_not_its_pixels() -> None:
    ds = _dataset({"a": 3, "b": 10})
    balanced = BalancingAugmenter().balance(ds)
    row_of = {photo: row for row, photo in enumerate(ds.ids)}
    for row in range(len(ds), len(balanced)):
        original = row_of[balanced.ids[row]]
        assert balanced.labels[row] == ds.labels[original]
        assert balanced.groups[row] == ds.groups[original]
        assert not np.array_equal(balanced[row][0], ds[original][0])


def test_a_copy_is_the_same_in_whatever_order_and_batch_it_is_read() -> None:
    balanced = BalancingAugmenter().balance(_dataset({"a": 3, "b": 10}))
    whole = balanced.to_arrays()[0]
    shuffled = np.random.RandomState(1).permutation(len(balanced))
    assert_array_equal(balanced.read_batch(shuffled), whole[shuffled])
    for row in shuffled:
        assert_array_equal(balanced[int(row)][0], whole[row])
    again = pickle.loads(pickle.dumps(balanced))
    assert_array_equal(again.to_arrays()[0], whole)
    assert again.fingerprint == balanced.fingerprint


def test_a_copy_does_not_depend_on_the_photos_around_it() -> None:
    ds = _dataset({"a": 3, "b": 9})
    balanced = BalancingAugmenter().balance(ds)
    reversed_too = BalancingAugmenter().balance(ds[::-1])
    key = {(p, c): r for r, (p, c) in enumerate(zip(balanced.ids, balanced.copies, strict=True))}
    for row, name in enumerate(zip(reversed_too.ids, reversed_too.copies, strict=True)):
        assert_array_equal(reversed_too[row][0], balanced[key[name]][0])


def test_no_two_copies_of_a_photo_are_alike() -> None:
    balanced = BalancingAugmenter().balance(_dataset({"a": 1, "b": 8}))
    images = balanced.to_arrays()[0][balanced.labels == 0]
    assert len({image.tobytes() for image in images}) == 8


def test_the_remainder_goes_to_the_same_photos_whatever_their_order() -> None:
    ds = _dataset({"a": 4, "b": 10})
    chosen = set(BalancingAugmenter().balance(ds[np.arange(len(ds))[::-1]]).ids[14:])
    assert chosen == set(BalancingAugmenter().balance(ds).ids[14:])
    times = [
        sorted(np.unique(BalancingAugmenter(seed=s).balance(ds).ids[14:].astype(str)))
        for s in range(3)
    ]
    assert all(len(names) == 4 for names in times)


def test_another_seed_or_augmenter_gives_other_copies_and_another_fingerprint() -> None:
    ds = _dataset({"a": 2, "b": 4})
    ways = [
        BalancingAugmenter(),
        BalancingAugmenter(seed=1),
        BalancingAugmenter(Brightness(0.3)),
        BalancingAugmenter(invert),
    ]
    balanced = [way.balance(ds) for way in ways]
    assert len({ds.fingerprint for ds in balanced}) == len(ways)
    assert len({ds.to_arrays()[0].tobytes() for ds in balanced}) == len(ways)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_balancing_any_counts_makes_them_equal_and_removes_nothing(counts: list[int]) -> None:
    ds = _dataset({f"class {i}": n for i, n in enumerate(counts)})
    balanced = BalancingAugmenter().balance(ds)
    assert set(balanced.class_counts.values()) == {max(counts)}
    keys = set(zip(balanced.ids, balanced.copies.tolist(), strict=True))
    assert len(keys) == len(balanced)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("not majority", {"a": 8, "b": 5, "c": 0}),
        ("auto", {"a": 8, "b": 5, "c": 0}),
        ("all", {"a": 8, "b": 5, "c": 0}),
        ("minority", {"a": 8, "b": 0, "c": 0}),
        ("not minority", {"a": 0, "b": 5, "c": 0}),
        ("median", {"a": 3, "b": 0, "c": 0}),
        (7, {"a": 5, "b": 2, "c": 0}),
        (12, {"a": 10, "b": 7, "c": 2}),
        ({"a": 4}, {"a": 2, "b": 0, "c": 0}),
        (lambda counts: {name: n + 1 for name, n in counts.items()}, {"a": 1, "b": 1, "c": 1}),
    ],
)
def test_every_strategy_means_what_imbalanced_learn_means(
    strategy: object, expected: dict[str, int]
) -> None:
    balancer = BalancingAugmenter(sampling_strategy=strategy)  # type: ignore[arg-type]  # of many
    assert balancer.plan({"a": 2, "b": 5, "c": 10}) == expected


@pytest.mark.parametrize(
    ("strategy", "error", "code"),
    [
        ({"b": 4}, InvalidParameterError, "not-in-range"),
        ({"x": 4}, InvalidParameterError, "unknown-name"),
        ({"a": 2.5}, InvalidParameterError, "not-in-range"),
        ({"a": -1}, InvalidParameterError, "not-in-range"),
        ({"empty": 4}, DataError, "missing-class"),
        (1, InvalidParameterError, "not-in-range"),
        (lambda counts: None, InvalidParameterError, "wrong-answer"),
        (lambda counts: {"x": 4}, InvalidParameterError, "unknown-name"),
    ],
)
def test_a_strategy_that_cannot_be_is_explained(
    strategy: object, error: type[ShelfVisionError], code: str
) -> None:
    balancer = BalancingAugmenter(sampling_strategy=strategy)  # type: ignore[arg-type]  # so
    with refuses(error, code, "sampling_strategy"):
        balancer.plan({"a": 2, "b": 5, "empty": 0})


@pytest.mark.parametrize("strategy", ["majority", 0, True, None, 2.5])
def test_an_unknown_strategy_is_refused_at_once(strategy: object) -> None:
    with refuses(InvalidParameterError, "not-an-option", "sampling_strategy"):
        BalancingAugmenter(sampling_strategy=strategy)  # type: ignore[arg-type]  # on purpose


def test_a_cap_on_copies_is_kept() -> None:
    balancer = BalancingAugmenter(max_copies=2)
    assert balancer.plan({"a": 2, "b": 50, "c": 30}) == {"a": 4, "b": 0, "c": 20}
    balanced = balancer.balance(_dataset({"a": 2, "b": 9}))
    assert balanced.copies.max() == 2
    assert balancer.balance(balanced).class_counts == {"a": 6, "b": 9}


def test_a_class_without_photos_is_left_empty_with_a_warning() -> None:
    with gives_warning(ShelfVisionWarning, "missing-class", "class_names"):
        ds = _dataset({"a": 2, "none": 0, "b": 3})
    with gives_warning(ShelfVisionWarning, "missing-class") as told:
        balanced = BalancingAugmenter().balance(ds)
    assert balanced.class_counts == {"a": 3, "none": 0, "b": 3}
    assert "'none'" in str(told[0])


def test_nothing_at_all_cannot_be_balanced() -> None:
    with refuses(DataError, "empty"):
        BalancingAugmenter().plan({"a": 0})


def test_balancing_again_numbers_on_and_copies_originals_only() -> None:
    once = BalancingAugmenter(sampling_strategy={"a": 4}).balance(_dataset({"a": 2, "b": 10}))
    twice = BalancingAugmenter().balance(once)
    assert twice.class_counts == {"a": 10, "b": 10}
    assert_array_equal(twice.read_batch(slice(0, 14)), once.to_arrays()[0])
    keys = set(zip(twice.ids, twice.copies.tolist(), strict=True))
    assert len(keys) == len(twice)
    at_once = BalancingAugmenter().balance(_dataset({"a": 2, "b": 10}))
    row = {(p, c): r for r, (p, c) in enumerate(zip(at_once.ids, at_once.copies, strict=True))}
    for index in range(len(twice)):
        key = (twice.ids[index], int(twice.copies[index]))
        assert_array_equal(twice[index][0], at_once[row[key]][0])


def test_a_class_of_copies_only_is_refused() -> None:
    balanced = BalancingAugmenter().balance(_dataset({"a": 2, "b": 10}))
    orphans = balanced[(balanced.labels == 1) | (balanced.copies == 1)]
    with refuses(DataError, "no-originals"):
        BalancingAugmenter().balance(orphans)


def test_rows_that_repeat_a_photo_get_copies_of_different_numbers() -> None:
    ds = _dataset({"a": 2, "b": 6})
    rows = [*np.flatnonzero(ds.labels == 0).repeat(2), *np.flatnonzero(ds.labels == 1)]
    balanced = BalancingAugmenter(sampling_strategy={"a": 8}).balance(ds[rows])
    made = balanced.copies > 0
    keys = list(zip(balanced.ids[made], balanced.copies[made].tolist(), strict=True))
    assert len(set(keys)) == len(keys) == 4


def test_classes_can_have_augmenters_of_their_own() -> None:
    ds = _dataset({"a": 1, "b": 3, "c": 1})
    balancer = BalancingAugmenter({"a": invert})
    balanced = balancer.balance(ds)
    original = ds[int(np.flatnonzero(ds.labels == 0)[0])][0]
    for row in np.flatnonzero((balanced.labels == 0) & (balanced.copies > 0)):
        assert_array_equal(balanced[int(row)][0], 255 - original)
    first = int(np.flatnonzero((balanced.labels == 2) & (balanced.copies == 1))[0])
    rng = rng_for(42, "augment", balanced.ids[first], 1)
    original = ds[int(np.flatnonzero(ds.labels == 2)[0])][0]
    assert_array_equal(balanced[first][0], default_augmenter()(original, rng))
    with refuses(InvalidParameterError, "unknown-name", "augmenter"):
        BalancingAugmenter({"x": Flip()}).balance(ds)


def test_classes_may_be_written_in_the_other_unicode_form() -> None:
    ds = _dataset({"K\u00e4se": 1, "Milk": 3})
    named = "Ka\u0308se "
    balanced = BalancingAugmenter({named: invert}, sampling_strategy={named: 2}).balance(ds)
    assert balanced.class_counts == {"K\u00e4se": 2, "Milk": 3}


def _as_float(image: Image, rng: np.random.Generator) -> object:
    return image / 255


def _nothing(image: Image, rng: np.random.Generator) -> None:
    return None


def _smaller(image: Image, rng: np.random.Generator) -> Image:
    return image[1:]


def _writing(image: Image, rng: np.random.Generator) -> Image:
    image[0] = 7
    return image


def _raising(image: Image, rng: np.random.Generator) -> Image:
    raise KeyError("brightness")


@pytest.mark.parametrize(
    ("augmenter", "code", "fact"),
    [
        (_as_float, "contract", "float64"),
        (_nothing, "contract", "None"),
        (_smaller, "contract", "(5, 7, 3)"),
        (_writing, "contract", "wrote into"),
        (_raising, "raised", "KeyError: 'brightness'"),
    ],
)
def test_an_augmenter_that_breaks_its_word_is_caught_and_named(
    augmenter: object, code: str, fact: str
) -> None:
    ds = BalancingAugmenter(augmenter).balance(_dataset({"a": 1, "b": 2}))  # type: ignore[arg-type]  # so
    with refuses(AugmenterError, code) as caught:
        ds.to_arrays()
    for told in (augmenter.__name__, "(copy 1)", fact):  # type: ignore[attr-defined]  # a function
        assert told in str(caught.value)


def test_an_augmenter_that_answers_with_its_input_does_not_share_memory() -> None:
    image = _images(1)[0]
    answer = apply_augmenter(lambda image, rng: image[::1], image, rng_for(0, "t"))
    assert_array_equal(answer, image)
    assert not np.may_share_memory(answer, image)


@pytest.mark.parametrize(
    "augmenter", ["flip", 3, Flip, {"a": 3}, {"a": Flip}, {"a": Flip(), "b": None}]
)
def test_what_is_no_augmenter_is_refused_at_once(augmenter: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "augmenter"):
        BalancingAugmenter(augmenter)  # type: ignore[arg-type]  # wrong on purpose


def test_a_plan_prints_as_a_table() -> None:
    table = str(BalancingAugmenter().plan({"juice": 100, "milk": 300})).splitlines()
    assert table[0].split() == ["class", "photos", "copies", "together"]
    assert table[1].split() == ["juice", "100", "+200", "300"]


def test_a_plan_can_be_drawn() -> None:
    pytest.importorskip("matplotlib")
    axes = BalancingAugmenter().plan({"juice": 100, "milk": 300}).plot()
    assert {text.get_text() for text in axes.texts} == {"100", "300"}


def test_a_balancer_prints_as_the_code_that_makes_it() -> None:
    assert repr(BalancingAugmenter()) == "BalancingAugmenter()"
    code = "BalancingAugmenter(augmenter=Flip(), sampling_strategy='all', max_copies=3)"
    assert repr(eval(code)) == code


def test_settings_given_by_numpy_count_as_ints() -> None:
    ds = _dataset({"juice": 2, "milk": 9})
    plain = BalancingAugmenter(sampling_strategy=7, seed=5, max_copies=2).balance(ds)
    balancer = BalancingAugmenter(
        sampling_strategy=np.int64(7),  # type: ignore[arg-type]  # as arrays give them
        seed=np.int64(5),  # type: ignore[arg-type]  # the same
        max_copies=np.int64(2),  # type: ignore[arg-type]  # the same
    )
    balanced = balancer.balance(ds)
    assert balanced.fingerprint == plain.fingerprint
    assert_array_equal(balanced.to_arrays()[0], plain.to_arrays()[0])
    assert json.dumps(balancer.plan(ds.class_counts)) == '{"juice": 4, "milk": 0}'
    assert json.dumps(describe_copies(balanced)) == json.dumps(describe_copies(plain))


def test_no_photo_gets_more_than_max_copies_when_balanced_again() -> None:
    first = BalancingAugmenter(sampling_strategy={"juice": 16}, seed=0).balance(
        _dataset({"juice": 12, "milk": 40})
    )
    again = BalancingAugmenter(max_copies=2, seed=3).balance(first)
    made = Counter(again.ids[again.copies > 0].tolist())
    assert again.class_counts == {"juice": 36, "milk": 40}
    assert set(made.values()) == {2}
