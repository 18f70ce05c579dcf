"""What decides between photos is added exactly, so that no processor may add it differently.

BLAS and vector units add products in orders of their own. Each sum here is compared with one of
Python's unbounded integers, or with the same terms in another order: to the last bit.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.auditing.measures import measures_of, outlyingness, spread_of
from shelfvision.data.duplicates import near as _near
from shelfvision.data.duplicates._embedded import embedded_pairs
from shelfvision.data.duplicates.bursts import colours_of, differences

Pixels = npt.NDArray[np.uint8]


def thumbnails(n: int, side: int = 32, seed: int = 0) -> Pixels:
    """Return noise, flat areas, black and white."""
    random = np.random.RandomState(seed)
    found = random.randint(0, 256, (n, side, side, 3)).astype(np.uint8)
    found[1::3, : side // 2] = random.randint(0, 256, 3)
    found[0], found[-1] = 0, 255
    return found


def test_colours_are_shared_out_in_whole_numbers() -> None:
    for thumbnail in thumbnails(4):
        histogram = dict.fromkeys(product(range(10), repeat=3), 0)
        for pixel in thumbnail.reshape(-1, 3).tolist():
            low = [min(level * 9 // 255, 8) for level in pixel]
            for corner in product((0, 1), repeat=3):
                share = 1
                for level, start, upper in zip(pixel, low, corner, strict=True):
                    above = level * 9 - 255 * start
                    share *= above if upper else 255 - above
                red, green, blue = (a + b for a, b in zip(low, corner, strict=True))
                histogram[red, green, blue] += share
        exact = np.rint(2**25 * np.sqrt(np.array([*histogram.values()]) / (255**3 * 1024)))
        assert colours_of(thumbnail).tolist() == exact.tolist()


def test_differences_of_colours_are_exact_in_any_order_of_addition() -> None:
    colours = np.stack([colours_of(thumbnail) for thumbnail in thumbnails(12)])
    found = differences(colours)
    whole = [[int(entry) for entry in row] for row in colours]
    for (row, one), (column, other) in product(enumerate(whole), repeat=2):
        squared = sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
        assert found[row, column] == squared / 2**51
    for seed in range(20):
        order = np.random.RandomState(seed).permutation(colours.shape[1])
        assert differences(colours[:, order]).tolist() == found.tolist()


def test_photos_of_equal_colours_do_not_differ_at_all() -> None:
    # In 35 of 100 such photos, a product of float32 numbers comes out below 1.
    for seed in range(60):
        photo = thumbnails(3, seed=seed)[1]
        colours = np.stack([colours_of(photo), colours_of(photo[:, ::-1])])
        assert not differences(colours).any()
        ids = ["x_1", "x_2"]
        ds = shv.Dataset.from_arrays(np.stack((photo, photo[:, ::-1])), [0, 0], ids=ids)
        assert len(set(ds.group_bursts(threshold=1.0).groups)) == 1


def test_likeness_of_thumbnails_is_made_of_exact_sums() -> None:
    one, other = thumbnails(8, 16), thumbnails(8, 16, seed=1)
    other[3] = one[3][:, ::-1]
    found = _near._similarity(one, other)
    assert found[3] == 1.0
    for row in range(8):
        a = [int(level) for level in one[row].ravel()]
        n, sum_a = len(a), sum(a)
        turned = [other[row], other[row].transpose(1, 0, 2)]
        turned = [side[::y, ::x] for side in turned for y in (1, -1) for x in (1, -1)]
        flat = [[int(level) for level in side.ravel()] for side in turned]
        sum_b = sum(flat[0])
        best = max(sum(x * y for x, y in zip(a, b, strict=True)) for b in flat)
        var_a = (n * sum(x * x for x in a) - sum_a**2) / n**2
        var_b = (n * sum(x * x for x in flat[0]) - sum_b**2) / n**2
        covariance = (n * best - sum_a * sum_b) / n**2
        mean_a, mean_b = sum_a / n, sum_b / n
        c_mean, c_var = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        light = (2 * mean_a * mean_b + c_mean) / (mean_a**2 + mean_b**2 + c_mean)
        assert found[row] == light * ((2 * covariance + c_var) / (var_a + var_b + c_var))


def test_descriptors_of_thumbnails_are_made_of_exact_sums() -> None:
    waves = _near._WAVES.astype(int).astype(object)
    # No entry is near a half, where another cosine might be rounded the other way.
    exact = 2**10 * np.cos(np.pi / 32 * np.outer(np.arange(4), np.arange(32) + 0.5))
    exact[1:] *= np.sqrt(2)
    assert (np.abs(np.abs(exact - np.floor(exact)) - 0.5) > 1e-4).all()
    for thumbnail in thumbnails(5):
        grey = thumbnail.astype(int).astype(object) @ np.array([299, 587, 114], dtype=object)
        magnitude = np.abs(waves @ grey @ waves.T)
        low = [(i, j) for i in range(4) for j in range(i, 4) if i + j < 4]
        sums = [magnitude[i, j] + magnitude[j, i] for i, j in low]
        gaps = [abs(magnitude[i, j] - magnitude[j, i]) for i, j in low if i < j]
        scale = np.sqrt(0.5) / (1000 * 2**20 * 32**2)
        expected = (np.array([*sums, *gaps], dtype=np.float64) * scale).astype(np.float32)
        assert _near.coarse_of(thumbnail).tolist() == expected.tolist()


def test_the_spread_and_light_of_a_photo_are_exact() -> None:
    for photo in thumbnails(5, 48):
        levels = [[int(v) for v in column] for column in photo.reshape(-1, 3).T]
        n = len(levels[0])
        widest = max(n * sum(v * v for v in column) - sum(column) ** 2 for column in levels)
        assert spread_of(photo) == np.sqrt(widest) / n
        thousandths = sum(
            299 * r + 587 * g + 114 * b for r, g, b in photo.reshape(-1, 3).astype(int).tolist()
        )
        assert measures_of(photo).mean == thousandths / n / 1000


@pytest.mark.parametrize("noise", [0.0, 1e-15, -1e-15])
def test_noise_in_the_last_digits_changes_no_decision(noise: float) -> None:
    random = np.random.RandomState(0)
    seen = random.normal(size=(6, 64))
    seen[1], seen[3] = seen[0] * 3, seen[2] * 0.1
    pairs, likeness = embedded_pairs(seen * (1 + noise * random.choice([-1, 1], seen.shape)), 1.0)
    assert pairs.tolist() == [[0, 1], [2, 3]]
    assert likeness.tolist() == [1.0, 1.0]
    # A photo exactly as far off as is allowed is none too far.
    values = np.array([0.0, 0.0, 0.0, 3.5 + noise])
    assert not (outlyingness(values, floor=1.0) > 3.5).any()
