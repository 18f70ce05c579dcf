"""A batch of any size is divided among replicas, and its padding can be removed again."""

from __future__ import annotations

import numpy as np
import pytest

from shelfvision.training.devices._division import division_of


@pytest.mark.parametrize("replicas", [1, 2, 3, 8])
@pytest.mark.parametrize("batch_size", [1, 2, 5, 8, 9])
def test_each_photo_of_an_epoch_is_computed_once(replicas: int, batch_size: int) -> None:
    for photos in range(1, 30):
        division = division_of(photos, batch_size, replicas)
        for count in {min(photos, batch_size), photos % batch_size} - {0}:
            if count not in division.padded:
                assert count % replicas == 0
                continue
            rows = division.rows(count)
            assert len(rows) == division.padded[count]
            assert len(rows) % replicas == 0
            assert rows[division.real(count)].tolist() == list(range(count))


@pytest.mark.parametrize("replicas", [2, 3, 8])
def test_each_replica_gets_its_share_first(replicas: int) -> None:
    division = division_of(7, 7, replicas)
    parts = np.split(division.rows(7), replicas) if 7 in division.padded else []
    for part, share in zip(parts, division.shares(7), strict=True):
        assert len(set(part[:share].tolist())) == share
        assert set(part[share:].tolist()) <= {6}
    assert max(division.shares(7)) - min(division.shares(7)) <= 1


def test_the_size_of_a_batch_tells_how_many_photos_it_has() -> None:
    # 31 photos, padded to 32, would have the size of a whole batch of 32.
    division = division_of(32 + 31, 32, 2)
    assert division.padded == {31: 34}
    for photos in range(1, 60):
        for batch_size in range(1, 20):
            found = division_of(photos, batch_size, 4)
            sizes = {min(photos, batch_size), photos % batch_size} - {0}
            padded = [found.padded.get(size, size) for size in sizes]
            assert len(set(padded)) == len(padded)


def test_one_device_needs_no_padding() -> None:
    assert division_of(13, 4, 1).padded == {}
