"""Counts are corrected by a model whose every part can be checked by hand or by simulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision.inventory._adjusted_counts import (
    effective_groups,
    maximum_likelihood_counts,
    sample_counts,
)
from shelfvision.inventory._confusion import Confusion
from shelfvision.inventory._confusion_posterior import ConfusionPosterior

Integers = npt.NDArray[np.int64]
WORLD = np.array([[0.9, 0.1, 0.0], [0.4, 0.6, 0.0], [0.05, 0.15, 0.8]])
"""What each product (row) is predicted as, over all photos."""


def confusion(true: list[int], predicted: list[int], groups: list[int], k: int = 2) -> Confusion:
    return Confusion.of(np.array(true), np.array(predicted), np.array(groups), k)


def photos(
    counts: Integers, rng: np.random.Generator, *, burst: int, clustering: float
) -> tuple[Integers, Integers, Integers]:
    """Return true classes, what they are predicted as, and bursts that are confused alike."""
    true = np.repeat(np.arange(3), counts)
    places = np.concatenate([np.arange(n) // burst for n in counts]) + 10_000 * true
    groups, numbers = np.unique(places, return_inverse=True)
    rows = WORLD[groups // 10_000]
    if clustering > 0:
        rows = rng.standard_gamma(np.maximum(rows, 1e-9) * (1 - clustering) / clustering)
    ends = np.cumsum(rows / rows.sum(axis=1, keepdims=True), axis=1)[numbers]
    predicted = (rng.random(len(true))[:, None] > ends[:, :2]).sum(axis=1)
    return true, predicted, places


def test_groups_that_are_confused_as_one_count_as_one_photo() -> None:
    found = confusion([0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1])
    assert found.intraclass_correlation() == 1
    assert found.effective_counts(1.0).tolist() == [[1, 1], [0, 0]]
    assert found.support.tolist() == [4, 0]


def test_clustering_is_what_pairs_of_photos_say() -> None:
    # Of the pairs within groups 1 of 4 agrees, of the 6 between them 3: less than chance.
    assert confusion([0] * 5, [0, 0, 1, 0, 1], [0, 0, 0, 1, 1]).intraclass_correlation() == 0
    # Of the pairs within groups 4 of 6 agree, of the 9 between them 3: (2/3 - 1/3) / (1 - 1/3).
    found = confusion([0] * 6, [0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1])
    assert found.intraclass_correlation() == pytest.approx(1 / 2)


def test_photos_on_their_own_tell_nothing_of_clustering_and_count_in_full() -> None:
    found = confusion([0, 0, 1], [0, 1, 1], [0, 1, 2])
    assert found.intraclass_correlation() == 0
    assert found.effective_counts(0.0).tolist() == [[1, 1], [0, 1]]


@pytest.mark.parametrize("clustering", [0.1, 0.4])
def test_clustering_is_found_again(clustering: float) -> None:
    rng = np.random.default_rng(3)
    counts = np.array([1500, 1500, 1500])
    found = Confusion.of(*photos(counts, rng, burst=5, clustering=clustering), 3)
    assert found.intraclass_correlation() == pytest.approx(clustering, abs=0.06)


def test_shares_lie_where_many_photos_have_them_and_are_narrow() -> None:
    rng = np.random.default_rng(0)
    true, predicted, _ = photos(np.array([3000] * 3), rng, burst=1, clustering=0)
    known = ConfusionPosterior.of(Confusion.of(true, predicted, np.arange(9000), 3))
    shares = known.sample(400, rng)
    assert shares.sum(axis=2) == pytest.approx(1)
    assert np.abs(shares.mean(axis=0) - WORLD).max() < 0.03
    # The spread of a share in 3,000 photos is sqrt(p (1 - p) / n).
    assert shares[:, 1, 0].std() == pytest.approx(np.sqrt(0.4 * 0.6 / 3000), rel=0.3)


def test_a_class_without_photos_is_taken_to_be_as_the_others_are() -> None:
    rng = np.random.default_rng(0)
    many = np.repeat([0, 1], 500)
    wrong = rng.random(1000) < 0.2
    known = ConfusionPosterior.of(
        Confusion.of(many, np.where(wrong, 1 - many, many), np.arange(1000), 3)
    )
    right = known.sample(500, rng)[:, 2, 2]
    assert np.median(right) == pytest.approx(0.8, abs=0.05)
    assert right.std() > 0.02


def test_shares_in_few_groups_scatter_as_whole_groups_do() -> None:
    known = ConfusionPosterior(
        counts=np.eye(2), correlation=0.3, right=np.ones(1), wrong=np.ones(1)
    )
    shares = np.tile([[0.8, 0.2], [0.3, 0.7]], (4000, 1, 1))
    found = known.sample_for_groups(shares, np.array([1.0, 6.0]), np.random.default_rng(0))
    assert found.mean(axis=0) == pytest.approx(shares[0], abs=0.02)
    assert found[:, 0, 0].var() == pytest.approx(0.8 * 0.2 * 0.3, rel=0.1)
    assert found[:, 1, 0].var() == pytest.approx(0.3 * 0.7 * 0.3 / 6, rel=0.1)


def test_groups_are_counted_where_their_photos_belong() -> None:
    perfect = np.eye(2)
    in_groups = np.array([[6, 0], [6, 0], [0, 5]])
    size = np.array([3.0, 1.0])
    found = effective_groups(np.array([12, 5]), perfect, in_groups=in_groups, group_sizes=size)
    assert found == pytest.approx([2, 1])
    guessed = effective_groups(np.array([12, 5]), perfect, in_groups=None, group_sizes=size)
    assert guessed == pytest.approx([4, 5])


def test_a_perfect_classifier_is_believed() -> None:
    assert maximum_likelihood_counts(np.array([7, 0, 5]), np.eye(3)) == pytest.approx(
        [7, 0, 5], abs=0.1
    )
    counts = sample_counts(
        np.array([7, 0, 5]), np.tile(np.eye(3), (50, 1, 1)), np.random.default_rng(0)
    )
    assert (counts == [7, 0, 5]).all()


@pytest.mark.parametrize(("burst", "clustering"), [(1, 0.0), (6, 0.3)])
def test_in_simulations_the_error_halves_and_nine_intervals_in_ten_hold(
    burst: int, clustering: float
) -> None:
    rng, n = np.random.default_rng(1), 60
    inside, naive, corrected = 0, 0.0, 0.0
    for _ in range(n):
        known = Confusion.of(
            *photos(np.array([600] * 3), rng, burst=burst, clustering=clustering), 3
        )
        truth = rng.multinomial(600, rng.dirichlet(np.ones(3)))
        _, labels, groups = photos(truth, rng, burst=burst, clustering=clustering)
        predicted = np.bincount(labels, minlength=3)
        rows = ConfusionPosterior.of(known)
        shares = rows.sample(120, rng)
        codes = np.unique(groups, return_inverse=True)[1]
        in_groups = np.zeros((codes.max() + 1, 3), dtype=np.int64)
        np.add.at(in_groups, (codes, labels), 1)
        n_groups = effective_groups(
            predicted, shares.mean(axis=0), in_groups=in_groups, group_sizes=known.group_sizes()
        )
        found = sample_counts(predicted, rows.sample_for_groups(shares, n_groups, rng), rng)
        low, high = np.quantile(found, [0.05, 0.95], axis=0)
        inside += int(((low <= truth) & (truth <= high)).sum())
        naive += float(np.abs(predicted - truth).sum())
        corrected += float(np.abs(found.mean(axis=0) - truth).sum())
    assert corrected < naive / 2
    assert 0.85 <= inside / (3 * n) <= 0.95
