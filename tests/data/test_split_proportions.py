"""Groups of every size are spread over the parts in proportion, and classes stay near quotas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision.data.splitting._quotas import largest_remainder
from shelfvision.data.splitting._seats import even_sequence, rounded_seats
from shelfvision.data.splitting._singles import fill
from support.datasets import different_images

SHARES = (0.7, 0.2, 0.1)
EXACT = [Fraction(7, 10), Fraction(2, 10), Fraction(1, 10)]
_Ints = npt.NDArray[np.int64]


class Photos:
    """Rows known by class and group: so many groups of each size in every class."""

    def __init__(self, *classes: dict[int, int]) -> None:
        self.labels: list[int] = []
        self.groups: list[str] = []
        for label, sizes in enumerate(classes):
            for size, count in sizes.items():
                for number in range(count):
                    self.labels += [label] * size
                    self.groups += [f"{label}/{size}/{number}"] * size
        self.n_classes = len(classes)

    def parts(self, seed: int, shares: Sequence[float] = SHARES) -> _Ints:
        """Return the part of every row."""
        rows = shv.SeededSplitter(*shares, seed=seed).split_indices(self.labels, groups=self.groups)
        parts = np.empty(len(self.labels), dtype=np.int64)
        for part, chosen in enumerate(rows):
            parts[chosen] = part
        return parts

    def of_size(self, parts: _Ints, size: int) -> _Ints:
        """Return how many groups of a size every part has."""
        home = dict(zip(self.groups, parts.tolist(), strict=True))
        chosen = [part for group, part in home.items() if group.split("/")[1] == str(size)]
        return np.bincount(chosen, minlength=3)

    def of_class(self, parts: _Ints, label: int) -> _Ints:
        """Return how many rows of a class every part has."""
        return np.bincount(parts[np.array(self.labels) == label], minlength=3)


def means(photos: Photos, size: int, seeds: int) -> tuple[_Ints, npt.NDArray[np.float64]]:
    """Return counts of groups of a size by seed and part, and their shares on average."""
    counts = np.array([photos.of_size(photos.parts(seed), size) for seed in range(seeds)])
    return counts, counts.mean(axis=0) / counts[0].sum()


def test_bursts_are_dealt_out_as_single_photos_are() -> None:
    photos = Photos(*[{1: 100, 4: 20}] * 3)
    for seed in range(20):
        parts = photos.parts(seed)
        assert photos.of_size(parts, 4).tolist() == [42, 12, 6]
        assert photos.of_size(parts, 1).tolist() == [210, 60, 30]


def test_one_burst_in_each_of_many_classes_is_shared_out_with_less_chance_than_by_lot() -> None:
    photos = Photos(*[{12: 1, 1: 18}] * 43)
    counts, share = means(photos, 12, 60)
    np.testing.assert_allclose(share, SHARES, atol=0.01)
    binomial = np.sqrt(43 * np.array(SHARES) * (1 - np.array(SHARES)))
    assert (counts.std(axis=0) < 0.4 * binomial).all()
    # And not always the same classes.
    tested = Counter(
        label
        for seed in range(60)
        for label in np.flatnonzero(photos.parts(seed)[::30] == 2).tolist()
    )
    assert len(tested) > 35
    assert max(tested.values()) < 20


@pytest.mark.slow
def test_a_lonely_burst_goes_to_each_part_as_often_as_its_share_says() -> None:
    _, share = means(Photos({5: 1, 1: 40}), 5, 600)
    np.testing.assert_allclose(share, SHARES, atol=0.06)


def test_bursts_of_many_sizes_are_in_proportion_at_each() -> None:
    random = np.random.RandomState(3)
    classes = [{size: int(random.randint(0, 5)) for size in range(2, 12)} for _ in range(10)]
    photos = Photos(*({1: 20} | sizes for sizes in classes))
    seeds = [photos.parts(seed) for seed in range(80)]
    for size in range(1, 12):
        counts = np.array([photos.of_size(parts, size) for parts in seeds])
        np.testing.assert_allclose(counts.mean(axis=0) / counts[0].sum(), SHARES, atol=0.035)
        # Single photos vary more, because they meet what groups left open.
        most = 10 if size == 1 else 6
        assert np.abs(counts - counts[0].sum() * np.array(SHARES)).max() < most


def test_stores_of_all_sizes_are_in_proportion() -> None:
    random = np.random.RandomState(0)
    stores, labels = random.randint(0, 40, 2000), random.randint(0, 8, 2000)
    large = np.bincount(stores) > np.median(np.bincount(stores))
    seen = np.zeros(3)
    for seed in range(60):
        rows = shv.SeededSplitter(seed=seed).split_indices(labels, groups=stores)
        homes = [np.unique(stores[part]) for part in rows]
        assert np.abs(np.array([len(home) for home in homes]) - [28, 8, 4]).max() <= 1
        seen += [large[home].sum() for home in homes]
    np.testing.assert_allclose(seen / seen.sum(), SHARES, atol=0.04)


sizes = st.dictionaries(st.integers(2, 15), st.integers(1, 12), max_size=4)
singles = st.integers(0, 60)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(sizes, singles), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_no_class_misses_its_quota_by_more_than_its_largest_group(
    given_classes: list[tuple[dict[int, int], int]], seed: int
) -> None:
    classes = [{1: few} | groups for groups, few in given_classes]
    # With fewer groups, that every part gets one may decide.
    classes = [groups for groups in classes if sum(groups.values()) >= 12]
    if not classes:
        return
    photos = Photos(*classes)
    parts = photos.parts(seed)
    for label, groups in enumerate(classes):
        rows = photos.of_class(parts, label)
        largest = max(size for size, count in groups.items() if count)
        quota = largest_remainder(int(rows.sum()), EXACT)
        miss = np.abs(rows - quota).max()
        assert miss <= (largest if largest > 1 else 0)
        assert rows.min() > 0


def test_the_parts_are_as_large_as_asked_where_single_photos_can_see_to_it() -> None:
    photos = Photos(*[{12: 1, 1: 18}] * 43)
    for seed in range(10):
        assert np.bincount(photos.parts(seed)).tolist() == [903, 258, 129]


def test_classes_without_groups_keep_exact_quotas_beside_others() -> None:
    photos = Photos({12: 3, 1: 10}, {1: 33}, {7: 2, 1: 20})
    for seed in range(20):
        assert photos.of_class(photos.parts(seed), 1).tolist() == largest_remainder(33, EXACT)


def dataset(photos: Photos) -> shv.Dataset:
    return shv.Dataset.from_arrays(
        different_images(len(photos.labels)), photos.labels, groups=photos.groups, class_names=None
    )


def groups_by_part(splits: shv.Splits) -> list[Counter[int]]:
    """Return how many groups of each size every part has."""
    return [Counter(Counter(part.groups.tolist()).values()) for part in splits if part is not None]


def test_folds_hold_groups_of_every_size_alike() -> None:
    ds = dataset(Photos(*[{1: 30, 4: 10, 9: 5}] * 3))
    for seed in range(5):
        tested = [
            Counter(Counter(fold.test.groups.tolist()).values())
            for fold in shv.SeededSplitter(seed=seed).folds(ds)
            if fold.test is not None
        ]
        for size, count in ((4, 6), (9, 3), (1, 18)):
            assert all(abs(fold[size] - count) <= 1 for fold in tested)


def test_new_bursts_are_dealt_out_beside_an_earlier_split(tmp_path: Path) -> None:
    photos = Photos(*[{1: 60, 5: 20}] * 3)
    ds = dataset(photos)
    old = np.array([int(group.rsplit("/", 1)[1]) % 2 == 0 for group in photos.groups])
    total = Counter[int]()
    for seed in range(10):
        shv.SeededSplitter(seed=seed).split(ds[old]).save(tmp_path / "split.csv")
        splits = shv.SeededSplitter(seed=seed + 100).split(ds, tmp_path / "split.csv")
        for part, counts in enumerate(groups_by_part(splits)):
            total[part] += counts[5]
            assert abs(counts[5] - 60 * SHARES[part]) <= 1
            assert abs(counts[1] - 180 * SHARES[part]) <= 5
    assert abs(total[0] - 420) <= 3


def test_an_earlier_split_with_all_bursts_in_training_is_evened_out(tmp_path: Path) -> None:
    photos = Photos(*[{1: 60, 5: 20}] * 3)
    ds = dataset(photos)
    number = np.array([int(group.rsplit("/", 1)[1]) for group in photos.groups])
    burst = np.array(["/5/" in group for group in photos.groups])
    first, later = burst & (number < 10), ~burst & (number % 10 < 1)
    shv.Splits(train=ds[first], test=ds[later]).save(tmp_path / "split.csv")
    splits = shv.SeededSplitter().split(ds, tmp_path / "split.csv")
    train, validation, test = groups_by_part(splits)
    assert train[5] > 38
    assert validation[5] > 9
    assert test[5] > 4


# -- the pieces ----------------------------------------------------------------------------


@given(
    st.lists(st.fractions(0, 30, max_denominator=50), min_size=1, max_size=5),
    st.integers(0, 2**64 - 1),
)
def test_rounded_seats_keep_the_sum_and_are_floor_or_ceiling(
    target: list[Fraction], start: int
) -> None:
    target.append(Fraction(-sum(target) % 1))
    seats = rounded_seats(target, start)
    assert sum(seats) == sum(target)
    assert all(abs(got - wanted) < 1 for got, wanted in zip(seats, target, strict=True))


def starts(n: int) -> Iterator[int]:
    """Yield starts spread evenly over all there are."""
    return ((2 * number + 1) * 2**64 // (2 * n) for number in range(n))


def test_seats_are_rounded_up_as_often_as_their_fraction_says() -> None:
    target = [Fraction(301, 10), Fraction(86, 10), Fraction(43, 10)]
    mean = np.mean([rounded_seats(target, start) for start in starts(1000)], axis=0)
    np.testing.assert_allclose(mean, [30.1, 8.6, 4.3], atol=0.002)


def test_a_sequence_is_even_in_every_run_and_every_place_gets_every_part() -> None:
    seats = [70, 20, 10]
    sequence = even_sequence(seats, 17)
    assert np.bincount(sequence).tolist() == seats
    for first in range(0, 80, 7):
        counts = np.bincount(sequence[first : first + 20], minlength=3)
        assert (np.abs(counts - [14, 4, 2]) <= 2).all()
    turned = np.array([even_sequence(seats, start) for start in range(100)])
    for part, held in enumerate(seats):
        assert ((turned == part).sum(axis=0) == held).all()


@settings(max_examples=200)
@given(
    st.lists(st.integers(-10, 40), min_size=2, max_size=5),
    st.integers(0, 100),
    st.integers(1, 12),
    st.data(),
)
def test_single_photos_fill_what_is_lacking(
    need: list[int], n: int, largest: int, data: st.DataObject
) -> None:
    lacking = [max(wanted, 0) for wanted in need]
    n = min(n, sum(lacking))
    empty = set(data.draw(st.lists(st.integers(0, len(need) - 1), unique=True)))
    got = fill(need, n, empty, largest)
    assert sum(got) == n
    assert all(0 <= rows <= wanted for rows, wanted in zip(got, lacking, strict=True))
    if n == sum(lacking):
        assert got == lacking
    wanting = [part for part in empty if need[part] > 0]
    if n >= len(wanting):
        assert all(got[part] > 0 for part in wanting)
    if sum(lacking) - n <= largest:
        assert max(a - b for a, b in zip(lacking, got, strict=True)) <= largest


# -- real photos ---------------------------------------------------------------------------


@pytest.mark.photos
def test_real_bursts_and_near_duplicates_reach_every_part_in_proportion(photos: Path) -> None:
    manifest = shv.Dataset.from_manifest(photos / "manifest.csv", image_size=(32, 32))
    ds = manifest[::2].group_near_duplicates().group_bursts()
    sizes_of = Counter(ds.groups.tolist())
    large = {group for group, size in sizes_of.items() if size >= 4}
    assert len(large) > 60
    seen = np.zeros(3)
    for seed in range(15):
        parts = [
            np.unique(ds.groups[rows])
            for rows in shv.SeededSplitter(seed=seed).split_indices(ds.labels, groups=ds.groups)
        ]
        counts = np.array([sum(group in large for group in part.tolist()) for part in parts])
        assert (np.abs(counts - len(large) * np.array(SHARES)) < 5).all()
        seen += counts
    np.testing.assert_allclose(seen / seen.sum(), SHARES, atol=0.02)
