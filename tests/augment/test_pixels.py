"""Copies are rendered when read, from originals that are read once."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numpy.testing import assert_array_equal

from shelfvision.augment import BalancingAugmenter
from shelfvision.data import Dataset
from shelfvision.protocols import Image, Images


class Counted:
    """Counts what is read, and has a way of resizing."""

    image_size = (4, 5)
    resize = "pad"

    def __init__(self) -> None:
        self.read_rows: list[int] = []
        self.digested: list[int] = []

    def __len__(self) -> int:
        return 6

    def read(self, row: int) -> Image:
        self.read_rows.append(row)
        return np.full((4, 5, 3), 40 * row, np.uint8)

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        return np.stack([self.read(int(row)) for row in rows])

    def digest(self, row: int) -> str:
        self.digested.append(row)
        return f"{row:032x}" * 2


def _balanced() -> tuple[Counted, Dataset]:
    source = Counted()
    ds = Dataset.from_source(
        source, ids=list("abcdef"), labels=[0, 1, 1, 1, 1, 1], class_names=["few", "many"]
    )
    return source, BalancingAugmenter().balance(ds)


def test_balancing_reads_no_photo() -> None:
    source, balanced = _balanced()
    assert len(balanced) == 10
    assert source.read_rows == source.digested == []


def test_groups_of_copies_are_found_when_asked_from_each_original_once() -> None:
    source, balanced = _balanced()
    assert balanced.groups[0] == balanced.groups[6] == balanced[6:].groups[0]
    assert sorted(source.digested) == [0, 1, 2, 3, 4, 5]
    assert len(set(balanced.groups)) == 6


def test_groups_of_copies_follow_their_originals_through_views_caches_and_pickles() -> None:
    _, balanced = _balanced()
    expected = [f"content:{row:032x}" for row in (0, 1, 2, 3, 4, 5, 0, 0, 0, 0)]
    again = BalancingAugmenter(sampling_strategy="all").balance(balanced.select(["few"]))
    assert set(again.groups) == {expected[0]}
    assert _balanced()[1].cached().groups.tolist() == expected
    assert pickle.loads(pickle.dumps(_balanced()[1])).groups.tolist() == expected
    assert _balanced()[1][::-1].groups.tolist() == expected[::-1]


def test_a_batch_reads_each_original_once() -> None:
    source, balanced = _balanced()
    balanced.read_batch([0, 6, 7, 8, 9])
    assert source.read_rows == [0]


def test_the_way_of_resizing_is_passed_on() -> None:
    assert _balanced()[1].resize == "pad"


def test_digests_need_no_pixels_and_tell_copies_apart() -> None:
    source, balanced = _balanced()
    assert balanced.fingerprint == _balanced()[1].fingerprint
    pixels = balanced.table.source
    digests = [pixels.digest(row) for row in range(10)]
    assert digests[:6] == [source.digest(row) for row in range(6)]
    assert len(set(digests)) == 10
    assert source.read_rows == []


def test_a_view_of_a_balanced_dataset_reads_the_same_copies() -> None:
    _, balanced = _balanced()
    whole = balanced.to_arrays()[0]
    assert_array_equal(balanced[[9, 2, 7]].to_arrays()[0], whole[[9, 2, 7]])
    assert balanced.select(["few"]).class_counts == {"few": 5}
