"""What `SeededSplitter` promises."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision._random import rank_for, ranks_for
from shelfvision.data.splitting._quotas import hashed_parts, largest_remainder
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    LeakageError,
    LeakageWarning,
    SplitError,
)
from support import gives_warning, refuses
from support.datasets import different_images, with_copies

Method: TypeAlias = Literal["stratified", "hashed", "shuffled"]

GOLDEN = Path(__file__).parent / "golden_splits.csv"
METHODS: tuple[Method, ...] = ("stratified", "hashed", "shuffled")


def dataset(
    labels: list[str], *, ids: list[str] | None = None, groups: list[str] | None = None
) -> shv.Dataset:
    """Return a dataset of different images."""
    return shv.Dataset.from_arrays(different_images(len(labels)), labels, ids=ids, groups=groups)


def part_of(splits: shv.Splits) -> dict[str, str]:
    """Return the part of every photo."""
    parts = zip(("train", "validation", "test"), splits, strict=True)
    return {photo: name for name, part in parts if part is not None for photo in part.ids}


# -- the value -----------------------------------------------------------------------------


def test_a_splitter_is_a_frozen_value_that_prints_itself() -> None:
    splitter = shv.SeededSplitter(0.8, 0.1, 0.1, seed=7)
    assert splitter == shv.SeededSplitter(train=0.8, validation=0.1, test=0.1, seed=7)
    assert splitter != shv.SeededSplitter(0.8, 0.1, 0.1, seed=8)
    assert repr(shv.SeededSplitter()) == (
        "SeededSplitter(train=0.7, validation=0.2, test=0.1, seed=42, method='stratified', "
        "on_leak='raise')"
    )
    with pytest.raises(AttributeError):
        splitter.seed = 3  # type: ignore[misc]  # that it is refused is what is tested


def test_shares_that_do_not_sum_to_one_are_refused_with_their_sum() -> None:
    with refuses(InvalidParameterError, "sum-not-one") as caught:
        shv.SeededSplitter(train=0.8)
    assert "0.8 + 0.2 + 0.1 = 1.1" in str(caught.value)


@pytest.mark.parametrize(
    ("shares", "named"),
    [
        ((1.2, -0.2, 0.0), "train"),
        ((float("nan"), 0.5, 0.5), "train"),
        ((1.0, "0", 0), "validation"),
        ((True, 0, 0), "train"),
    ],
)
def test_a_share_out_of_range_is_refused(shares: tuple[float, float, float], named: str) -> None:
    with refuses(InvalidParameterError, "not-in-range", named):
        shv.SeededSplitter(*shares)


def test_a_training_share_of_zero_is_refused() -> None:
    with refuses(InvalidParameterError, "not-in-range", "train"):
        shv.SeededSplitter(train=0, validation=0.5, test=0.5)


def test_an_unknown_method_or_seed_is_refused() -> None:
    with refuses(InvalidParameterError, "not-an-option", "method"):
        shv.SeededSplitter(method="random")  # type: ignore[arg-type]  # the mistake under test
    with refuses(InvalidParameterError, "not-in-range", "seed"):
        shv.SeededSplitter(seed=-1)


def test_thirds_written_as_floats_are_accepted() -> None:
    rows = shv.SeededSplitter(1 / 3, 1 / 3, 1 / 3).split_indices([0] * 9)
    assert [len(part) for part in rows] == [3, 3, 3]


# -- frozen for ever -----------------------------------------------------------------------


def golden() -> list[dict[str, str]]:
    """Return 1,000 photos with the parts they were once put into."""
    with GOLDEN.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("method", METHODS)
def test_a_thousand_photos_go_where_they_always_went(method: Method) -> None:
    rows = golden()
    assert len(rows) == 1000
    groups = None if method == "shuffled" else [row["group"] for row in rows]
    parts = shv.SeededSplitter(method=method).split_indices(
        [row["label"] for row in rows], groups=groups, ids=[row["id"] for row in rows]
    )
    got = np.empty(len(rows), dtype=object)
    for name, part in zip(("train", "validation", "test"), parts, strict=True):
        got[part] = name
    assert got.tolist() == [row[method] for row in rows]


def test_a_thousand_photos_are_tested_in_the_fold_they_always_were() -> None:
    rows = golden()
    ds = shv.Dataset.from_arrays(
        different_images(len(rows)),
        [row["label"] for row in rows],
        ids=[row["id"] for row in rows],
        groups=[row["group"] for row in rows],
    )
    fold_of = {
        photo: str(number)
        for number, fold in enumerate(shv.SeededSplitter().folds(ds))
        if fold.test is not None
        for photo in fold.test.ids
    }
    assert [fold_of[row["id"]] for row in rows] == [row["fold"] for row in rows]


def test_shuffled_is_what_shuffling_images_and_labels_with_one_seed_gives() -> None:
    images, labels = different_images(103), np.arange(103)
    first, second = images.copy(), labels.copy()
    np.random.RandomState(42).shuffle(first)
    np.random.RandomState(42).shuffle(second)
    train, validation, test = shv.SeededSplitter(method="shuffled").split_indices(labels)
    assert (len(train), len(validation), len(test)) == (72, 20, 11)
    order = np.concatenate([train, validation, test])
    assert np.array_equal(images[order], first)
    assert np.array_equal(labels[order], second)


def test_shuffled_parts_of_a_dataset_keep_the_order_of_the_permutation() -> None:
    ds = dataset(["milk", "juice"] * 20)
    splits = shv.SeededSplitter(method="shuffled").split(ds)
    order = np.random.RandomState(42).permutation(40)
    assert list(splits.train.ids) == [str(row) for row in order[:28]]


@pytest.mark.parametrize(("n", "sizes"), [(10, (7, 2, 1)), (1000, (700, 200, 100)), (7, (4, 2, 1))])
def test_shuffled_cuts_at_exact_decimals(n: int, sizes: tuple[int, int, int]) -> None:
    rows = shv.SeededSplitter(method="shuffled").split_indices([0] * n)
    assert tuple(map(len, rows)) == sizes


def test_adding_ten_thousand_photos_moves_none_when_hashed() -> None:
    splitter = shv.SeededSplitter(method="hashed")
    ids = [f"class/{number:06d}.jpg" for number in range(11_000)]
    few = splitter.split_indices([0] * 1000, ids=ids[5000:6000])
    many = splitter.split_indices([0] * 11_000, ids=ids)
    for before, after in zip(few, many, strict=True):
        assert {ids[5000 + row] for row in before} <= {ids[row] for row in after}
    assert [round(len(part) / 110) for part in many] == [70, 20, 10]


def test_a_hash_on_the_boundary_belongs_to_the_later_part() -> None:
    half = 2**63
    ranks = np.array([0, half - 1, half, 2**64 - 1], dtype=np.uint64)
    assert hashed_parts(ranks, [Fraction(1, 2), Fraction(0), Fraction(1, 2)]).tolist() == [
        0,
        0,
        2,
        2,
    ]
    assert hashed_parts(ranks, [Fraction(1), Fraction(0), Fraction(0)]).tolist() == [0] * 4


_PROGRAM = """
import hashlib, numpy as np, shelfvision as shv
labels = ["a b c d e".split()[i % 5] for i in range(500)]
groups = [f"g{i // 3 % 101}" for i in range(500)]
text = []
for method in ("stratified", "hashed"):
    parts = shv.SeededSplitter(method=method).split_indices(labels, groups=groups)
    text += [part.tolist() for part in parts]
images = np.arange(500, dtype="<u4").view(np.uint8).reshape(500, 1, 1, 4)[..., :3].copy()
ds = shv.Dataset.from_arrays(images, labels, groups=groups)
text += [list(fold.test.ids) for fold in shv.SeededSplitter().folds(ds)]
print(hashlib.sha256(repr(text).encode()).hexdigest())
"""


@pytest.mark.slow
def test_processes_with_different_hash_seeds_agree() -> None:
    seen = set()
    for hash_seed in ("0", "1", "4242"):
        run = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(run.stdout)
    assert len(seen) == 1


def test_ranks_of_many_keys_are_those_of_each() -> None:
    keys = ["", "a", "é", "x" * 1000, "\udcff"]
    assert ranks_for(3, "p", keys).tolist() == [rank_for(3, "p", key) for key in keys]


def test_global_generators_are_left_alone() -> None:
    before = repr(np.random.get_state())
    for method in METHODS:
        shv.SeededSplitter(method=method).split(dataset(["milk", "juice"] * 20))
    assert repr(np.random.get_state()) == before


# -- properties ----------------------------------------------------------------------------

shares = st.sampled_from([(0.7, 0.2, 0.1), (0.8, 0.2, 0.0), (0.5, 0.25, 0.25), (1.0, 0.0, 0.0)])
seeds = st.integers(0, 2**32 - 1)


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Return labels and groups, every class with enough groups of its own."""
    labels, groups = [], []
    for name in "abcd"[: draw(st.integers(1, 4))]:
        for group in range(draw(st.integers(3, 15))):
            size = draw(st.sampled_from([1, 1, 1, 2, 5, 12]))
            labels += [name] * size
            groups += [f"{name}{group}"] * size
    for row in range(draw(st.integers(0, 6))):
        labels.append(draw(st.sampled_from(sorted(set(labels)))))
        groups.append(draw(st.sampled_from(sorted(set(groups)))) if row % 2 else "mixed")
    return labels, groups


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(columns(), shares, seeds, st.sampled_from(["stratified", "hashed"]))
def test_parts_hold_every_row_once_and_groups_never_part(
    table: tuple[list[str], list[str]],
    share: tuple[float, float, float],
    seed: int,
    method: Method,
) -> None:
    labels, groups = table
    rows = shv.SeededSplitter(*share, seed=seed, method=method).split_indices(labels, groups=groups)
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(labels)))
    homes = defaultdict(set)
    for part, chosen in enumerate(rows):
        assert chosen.dtype == np.int64
        assert (np.diff(chosen) > 0).all()
        for row in chosen:
            homes[groups[row]].add(part)
    assert all(len(home) == 1 for home in homes.values())
    assert all(len(chosen) == 0 for chosen, part in zip(rows, share, strict=True) if part == 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(3, 200), min_size=1, max_size=6), shares, seeds)
def test_photos_without_groups_meet_their_quotas_exactly(
    counts: list[int], share: tuple[float, float, float], seed: int
) -> None:
    labels = [number for number, count in enumerate(counts) for _ in range(count)]
    rows = shv.SeededSplitter(*share, seed=seed).split_indices(labels)
    exact = [Fraction(str(part)) for part in share]
    for number, count in enumerate(counts):
        got = [sum(labels[row] == number for row in part) for part in rows]
        assert got == largest_remainder(count, exact)
        assert all(
            abs(size - count * part) < 1 or size == 1 or count < 10
            for size, part in zip(got, exact, strict=True)
        )


@settings(max_examples=40, deadline=None)
@given(
    columns(), seeds, st.randoms(use_true_random=False), st.sampled_from(["stratified", "hashed"])
)
def test_the_order_of_rows_does_not_matter(
    table: tuple[list[str], list[str]], seed: int, random: object, method: Method
) -> None:
    labels, groups = table
    order = np.random.RandomState(seed).permutation(len(labels))
    splitter = shv.SeededSplitter(seed=seed, method=method)
    straight = splitter.split_indices(labels, groups=groups)
    turned = splitter.split_indices([labels[i] for i in order], groups=[groups[i] for i in order])
    for before, after in zip(straight, turned, strict=True):
        assert before.tolist() == sorted(order[after].tolist())


def test_largest_remainder_keeps_one_for_every_part() -> None:
    shares = [Fraction(7, 10), Fraction(2, 10), Fraction(1, 10)]
    assert largest_remainder(3, shares) == [1, 1, 1]
    assert largest_remainder(4, shares) == [2, 1, 1]
    assert largest_remainder(100, shares) == [70, 20, 10]
    assert largest_remainder(2, shares) == [2, 0, 0]


def test_another_seed_gives_another_split() -> None:
    for method in METHODS:
        one = shv.SeededSplitter(seed=1, method=method).split_indices([0] * 100)
        two = shv.SeededSplitter(seed=2, method=method).split_indices([0] * 100)
        assert one[0].tolist() != two[0].tolist()


# -- stratified with groups ----------------------------------------------------------------


def test_large_groups_leave_something_for_every_part() -> None:
    groups = ["a"] * 40 + ["b"] * 30 + ["c"] * 30
    rows = shv.SeededSplitter().split_indices(["milk"] * 100, groups=groups)
    assert sorted(map(len, rows)) == [30, 30, 40]


def test_stores_that_sell_everything_are_divided_near_the_quotas() -> None:
    labels = ["milk", "juice", "oats"] * 200
    groups = [f"store {row // 30}" for row in range(600)]
    splits = shv.SeededSplitter().split(dataset(labels, groups=groups))
    assert [len(part) for part in splits if part is not None] == [420, 120, 60]
    assert "exact quota" in splits.describe()


def test_the_table_tells_how_far_groups_moved_the_quotas() -> None:
    groups = ["big"] * 50 + [str(row) for row in range(10)]
    splits = shv.SeededSplitter(0.5, 0.3, 0.2).split(dataset(["milk"] * 60, groups=groups))
    assert (
        "changed the quotas by at most 20 photos of a class: 'milk' has 50 instead of 30 in train"
        in splits.describe()
    )


def test_a_class_too_small_for_the_split_is_named() -> None:
    labels = ["milk"] * 20 + ["oats"] * 2
    with refuses(SplitError, "too-few-groups") as caught:
        shv.SeededSplitter().split(dataset(labels))
    assert "'oats'" in str(caught.value)
    with refuses(SplitError, "too-few-groups"):
        shv.SeededSplitter().split_indices(
            ["milk"] * 9 + ["oats"] * 9, groups=[*map(str, range(9)), *"zzzzzzzzz"]
        )


def test_a_class_without_photos_does_not_matter() -> None:
    ds = shv.Dataset.from_arrays(different_images(10), [1] * 10, class_names=["eggs", "milk"])
    assert [len(part) for part in shv.SeededSplitter().split(ds) if part is not None] == [7, 2, 1]


def test_a_share_of_zero_gives_no_part() -> None:
    train, validation, test = shv.SeededSplitter(0.8, 0.2, 0).split(dataset(["milk"] * 10))
    assert train is not None
    assert validation is not None
    assert (len(train), len(validation), test) == (8, 2, None)


def test_split_keeps_the_order_of_the_dataset_and_equals_split_indices() -> None:
    ds = dataset(["milk", "juice", "oats"] * 20)
    splitter = shv.SeededSplitter()
    rows = splitter.split_indices(ds.labels, groups=ds.groups)
    for part, chosen in zip(splitter.split(ds), rows, strict=True):
        assert part is not None
        assert part.ids.tolist() == ds.ids[chosen].tolist()


# -- split_indices -------------------------------------------------------------------------


def test_numbers_names_and_one_hot_rows_divide_alike() -> None:
    numbers = np.arange(60) % 3
    names = np.array(["a", "b", "c"])[numbers]
    for method in METHODS:
        splitter = shv.SeededSplitter(method=method)
        expected = [part.tolist() for part in splitter.split_indices(numbers)]
        for labels in (names, names.tolist(), names.astype(object), np.eye(3)[numbers]):
            assert [part.tolist() for part in splitter.split_indices(labels)] == expected


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        (np.full((4, 2), 0.5), "not-one-hot"),
        (np.ones((2, 2)), "not-one-hot"),
        (np.zeros((2, 2, 2)), "wrong-shape"),
        (np.array([0.5, 1.0]), "wrong-type"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: npt.NDArray[np.float64], code: str) -> None:
    with refuses(DataError, code, "labels"):
        shv.SeededSplitter().split_indices(labels)


def test_columns_of_other_lengths_are_refused() -> None:
    with refuses(DataError, "wrong-length", "groups"):
        shv.SeededSplitter().split_indices([0, 0, 0], groups=["a", "b"])
    with refuses(DataError, "wrong-length", "ids"):
        shv.SeededSplitter().split_indices([0, 0, 0], ids=["a"])


# -- leaks ---------------------------------------------------------------------------------


def test_exact_duplicates_stay_together() -> None:
    images = np.concatenate([different_images(50), different_images(50)])
    ds = shv.Dataset.from_arrays(images, ["milk", "juice"] * 50)
    part = part_of(shv.SeededSplitter().split(ds))
    assert all(part[str(row)] == part[str(row + 50)] for row in range(50))


def test_shuffled_parts_duplicates_and_says_so() -> None:
    images = np.concatenate([different_images(50), different_images(50)])
    ds = shv.Dataset.from_arrays(images, ["milk", "juice"] * 50)
    with gives_warning(LeakageWarning, "leakage"):
        splits = shv.SeededSplitter(method="shuffled").split(ds)
    assert splits.groups_ignored
    assert splits.on_leak == "allow"
    assert len(splits.leaks) > 10
    assert sum(len(part) for part in splits if part is not None) == 100
    with gives_warning(LeakageWarning, "leakage"):
        dropped = shv.SeededSplitter(method="shuffled", on_leak="drop").split(ds)
    assert len(dropped.train) + len(dropped.dropped) == 70 + sum(
        photo not in set(splits.train.ids) for photo in dropped.dropped
    )


def test_shuffled_indices_warn_of_groups_that_they_part() -> None:
    with gives_warning(LeakageWarning, "groups-parted"):
        shv.SeededSplitter(method="shuffled").split_indices([0] * 10, groups=["g"] * 10)


def test_warnings_of_leaks_point_at_the_line_that_asked() -> None:
    splitter = shv.SeededSplitter(method="shuffled")
    images = np.concatenate([different_images(50), different_images(50)])
    with pytest.warns(LeakageWarning) as split:
        splitter.split(shv.Dataset.from_arrays(images, ["milk"] * 100))
    with pytest.warns(LeakageWarning) as indices:
        splitter.split_indices([0] * 10, groups=["g"] * 10)
    assert {caught[0].filename for caught in (split, indices)} == {__file__}


@pytest.mark.parametrize("method", METHODS)
def test_a_balanced_dataset_is_not_split(method: Method) -> None:
    ds = with_copies(dataset(["milk", "juice"] * 20))
    with refuses(LeakageError, "augmented-copies", "dataset"):
        shv.SeededSplitter(method=method).split(ds)
    with refuses(LeakageError, "augmented-copies", "dataset"):
        shv.SeededSplitter(method=method).folds(ds)


def test_copies_that_are_allowed_stay_with_their_original() -> None:
    ds = with_copies(dataset(["milk", "juice"] * 20))
    with gives_warning(LeakageWarning, "leakage"):
        splits = shv.SeededSplitter(on_leak="allow").split(ds)
    for part in splits:
        assert part is not None
        assert set(Counter(part.ids.tolist()).values()) == {2}
    with gives_warning(LeakageWarning, "leakage"):
        splits = shv.SeededSplitter(on_leak="drop").split(ds)
    assert splits.test is not None
    assert not splits.test.copies.any()


# -- folds ---------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(columns(), st.integers(2, 3), seeds)
def test_folds_test_every_photo_once_and_keep_groups_whole(
    table: tuple[list[str], list[str]], n_folds: int, seed: int
) -> None:
    labels, groups = table
    ds = dataset(labels, groups=groups)
    tested: list[str] = []
    for fold in shv.SeededSplitter(seed=seed).folds(ds, n_folds):
        assert fold.validation is None
        assert fold.test is not None
        assert not set(fold.train.groups) & set(fold.test.groups)
        assert len(fold.train) + len(fold.test) == len(ds)
        tested += fold.test.ids.tolist()
    assert sorted(tested) == sorted(ds.ids)


def test_folds_are_stratified_and_equally_large() -> None:
    ds = dataset([f"class {row % 7}" for row in range(7 * 13)])
    folds = list(shv.SeededSplitter().folds(ds))
    assert len(folds) == 5
    for fold in folds:
        assert fold.test is not None
        assert set(fold.test.class_counts.values()) <= {2, 3}
        assert len(fold.test) in {18, 19}


def test_too_many_folds_or_too_small_a_class_are_refused_at_once() -> None:
    with refuses(SplitError, "too-few-groups", "n_folds"):
        shv.SeededSplitter().folds(dataset(["milk"] * 3))
    with refuses(SplitError, "too-few-groups"):
        shv.SeededSplitter().folds(dataset(["milk"] * 9 + ["oats"]))
    with refuses(InvalidParameterError, "not-in-range", "n_folds"):
        shv.SeededSplitter().folds(dataset(["milk"] * 9), 1)


def test_one_group_after_another_is_left_out() -> None:
    ds = dataset(["milk", "juice"] * 6, groups=["north", "south", "west"] * 4)
    tested = []
    for splits in shv.SeededSplitter().leave_one_group_out(ds):
        assert splits.test is not None
        assert len(splits.train) == 8
        tested.append(set(splits.test.groups))
        assert f"Tested on {next(iter(tested[-1]))[5:]!r}." in splits.describe()
    assert tested == [{"user:north"}, {"user:south"}, {"user:west"}]
    two = dataset(["milk", "juice"] * 2, groups=["north", "south"] * 2)
    assert len(list(shv.SeededSplitter().leave_one_group_out(two))) == 2


def test_leaving_out_groups_needs_named_groups() -> None:
    with refuses(SplitError, "no-groups", "dataset"):
        shv.SeededSplitter().leave_one_group_out(dataset(["milk"] * 4))
    with refuses(SplitError, "no-groups", "dataset"):
        shv.SeededSplitter().leave_one_group_out(dataset(["milk"] * 4, groups=["a"] * 4))


# -- previous ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_saved_split_pins_its_photos(method: Method, tmp_path: Path) -> None:
    labels = ["milk", "juice"] * 60
    all_photos = dataset(labels)
    splitter = shv.SeededSplitter(method=method)
    first = splitter.split(all_photos[:80])
    first.save(tmp_path / "split.csv")
    again = shv.SeededSplitter(method=method, seed=7).split(all_photos, tmp_path / "split.csv")
    before, after = part_of(first), part_of(again)
    assert {photo: after[photo] for photo in before} == before
    assert len(after) == 120
    if method != "hashed":
        assert [len(part) for part in again if part is not None] == [84, 24, 12]


@pytest.mark.parametrize("method", ["stratified", "hashed"])
def test_a_new_photo_follows_its_pinned_group(method: Method, tmp_path: Path) -> None:
    groups = [f"burst {row // 4}" for row in range(120)]
    ds = dataset(["milk"] * 120, groups=groups)
    first = shv.SeededSplitter().split(ds[::2])
    first.save(tmp_path / "split.csv")
    splitter = shv.SeededSplitter(seed=7, method=method)
    part = part_of(splitter.split(ds, tmp_path / "split.csv"))
    assert all(part[str(row)] == part[str(row - row % 4)] for row in range(120))


def test_a_new_photo_that_bridges_two_parts_is_reported_not_placed(tmp_path: Path) -> None:
    ds = dataset(["milk"] * 20)
    first = shv.SeededSplitter().split(ds)
    first.save(tmp_path / "split.csv")
    assert first.test is not None
    linked = {first.train.ids[0], first.test.ids[0], "new"}
    ids = [*ds.ids, "new", "other"]
    later = dataset(
        ["milk"] * 22, ids=ids, groups=["linked" if name in linked else name for name in ids]
    )
    with gives_warning(LeakageWarning, "unplaced"):
        splits = shv.SeededSplitter().split(later, tmp_path / "split.csv")
    part = part_of(splits)
    assert splits.unplaced == ("new",)
    assert "other" in part
    assert {photo: part[photo] for photo in part_of(first)} == part_of(first)
    splits.save(tmp_path / "later.csv")
    with gives_warning(LeakageWarning, "unplaced"):
        loaded = shv.Splits.load(tmp_path / "later.csv", later)
    assert loaded.unplaced == ("new",)


def test_dropping_leaks_leaves_what_a_new_photo_links(tmp_path: Path) -> None:
    ds = dataset(["milk"] * 20)
    first = shv.SeededSplitter().split(ds)
    first.save(tmp_path / "split.csv")
    assert first.test is not None
    ids = [*ds.ids, "new"]
    groups = {name: name for name in ids}
    groups |= dict.fromkeys([first.train.ids[0], first.test.ids[0], "new"], "linked")
    groups |= dict.fromkeys([first.train.ids[1], first.test.ids[1]], "twins")
    later = dataset(["milk"] * 21, ids=ids, groups=[groups[name] for name in ids])
    with gives_warning(LeakageWarning, "unplaced") as told:
        splits = shv.SeededSplitter(on_leak="drop").split(later, tmp_path / "split.csv")
    assert [warning.code for warning in told] == ["leakage", "unplaced"]
    assert splits.dropped == (first.train.ids[1],)
    assert splits.unplaced == ("new",)
    assert first.train.ids[0] in splits.train.ids


def test_pinned_photos_that_share_a_group_are_a_leak(tmp_path: Path) -> None:
    ds = dataset(["milk"] * 20)
    first = shv.SeededSplitter().split(ds)
    first.save(tmp_path / "split.csv")
    assert first.test is not None
    linked = {first.train.ids[0], first.test.ids[0]}
    later = dataset(["milk"] * 20, groups=["linked" if name in linked else name for name in ds.ids])
    with refuses(LeakageError, "leakage"):
        shv.SeededSplitter().split(later, tmp_path / "split.csv")


def test_photos_that_are_gone_are_told(tmp_path: Path) -> None:
    ds = dataset(["milk"] * 20)
    shv.SeededSplitter().split(ds).save(tmp_path / "split.csv")
    splits = shv.SeededSplitter().split(ds[1:], tmp_path / "split.csv")
    assert splits.gone == ("0",)
    assert "The dataset lacks 1 photo of the earlier split: '0'" in splits.describe()


def test_a_photo_pinned_twice_is_refused(tmp_path: Path) -> None:
    ds = dataset(["milk"] * 20)
    path = tmp_path / "split.csv"
    shv.SeededSplitter().split(ds).save(path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1].replace("train", "test")]) + "\n")
    with refuses(SplitError, "duplicate", "previous"):
        shv.SeededSplitter().split(ds, path)


def test_photos_of_copies_that_were_saved_too_are_not_gone(tmp_path: Path) -> None:
    ds = dataset(["milk", "juice"] * 10)
    first = shv.SeededSplitter().split(ds)
    balanced = shv.Splits(with_copies(first.train), first.validation, first.test)
    balanced.save(tmp_path / "split.csv")
    again = shv.SeededSplitter(seed=7).split(ds[1:], tmp_path / "split.csv")
    assert again.gone == ("0",)
    assert part_of(again) == {k: v for k, v in part_of(first).items() if k != "0"}


def test_quotas_that_an_earlier_split_moved_are_not_blamed_on_groups_alone(tmp_path: Path) -> None:
    ds = dataset(["milk", "juice"] * 10)
    shv.SeededSplitter(0.4, 0.4, 0.2).split(ds).save(tmp_path / "split.csv")
    again = shv.SeededSplitter(0.9, 0.1, 0).split(ds, tmp_path / "split.csv")
    assert "Whole groups and the earlier split changed the quotas by at most 5" in again.describe()
