"""Counts are corrected by a model whose every part can be checked by hand or by simulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision.inventory import CountCorrection
from shelfvision.inventory.correcting._adjusted_counts import (
    AdjustedCounts,
    adjusted_counts,
    evidence_weight,
    joined_rows,
    whole_numbers,
)
from shelfvision.inventory.correcting._confusion import Confusion
from shelfvision.inventory.correcting._confusion_posterior import ConfusionPosterior
from shelfvision.inventory.correcting._recalibration import Recalibration, centered_logs
from shelfvision.inventory.correcting._sources import sources_of
from shelfvision.predictions import MeasuredPhotos

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


def session(
    counts: Integers, rng: np.random.Generator, *, shift: float, burst: int = 4
) -> tuple[npt.NDArray[np.float64], Integers, Integers]:
    """Return probabilities, true classes and groups of photos of one session.

    Scores of photos vary by photo, by burst and, by `shift`, for each class of the session.
    """
    true = np.repeat(np.arange(3), counts)
    groups = np.concatenate([np.arange(n) // burst for n in counts]) + 10_000 * true
    numbers = np.unique(groups, return_inverse=True)[1]
    scores = 2.5 * np.eye(3)[true] + rng.normal(0, 1, (len(true), 3))
    scores += rng.normal(0, 0.7, (int(numbers.max()) + 1, 3))[numbers]
    # Class 1 looks like class 0; in each session by another amount.
    scores[true == 1, 0] += 1.5
    scores += rng.normal(0, shift, (3, 3))[true]
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True), true, numbers.astype(np.int64)


def measured(counts: Integers, rng: np.random.Generator, *, shift: float) -> MeasuredPhotos:
    rows, labels, groups = session(counts, rng, shift=shift)
    return MeasuredPhotos(probabilities=rows.astype(np.float32), labels=labels, groups=groups)


def counted(
    sources: list[MeasuredPhotos],
    rows: npt.NDArray[np.float64],
    groups: Integers | None,
    rng: np.random.Generator,
) -> AdjustedCounts:
    evidence = sources_of(sources, [None] * len(sources)).evidence(100, 1, rng)
    photos = joined_rows(centered_logs(rows), rows.argmax(axis=1).astype(np.int64), groups)
    return adjusted_counts(photos, evidence, 100, rng)


@pytest.mark.parametrize(("shift", "sources"), [(0.0, 1), (0.5, 1), (0.5, 3)])
def test_in_simulated_sessions_counts_are_never_worse_than_plain_and_intervals_hold(
    shift: float, sources: int
) -> None:
    rng, inside, errors = np.random.default_rng(1), [], []
    for _ in range(25):
        known = [measured(np.array([60] * 3), rng, shift=shift) for _ in range(sources)]
        truth = rng.multinomial(200, rng.dirichlet(np.ones(3)))
        rows, _, groups = session(truth, rng, shift=shift)
        found = counted(known, rows, groups, rng)
        low, high = np.quantile(found.draws, [0.05, 0.95], axis=0)
        inside.append(((low <= truth) & (truth <= high)).mean())
        plain = np.bincount(rows.argmax(axis=1), minlength=3)
        errors.append([np.abs(one - truth).mean() for one in (plain, found.counts)])
    plain_error, adjusted_error = np.mean(errors, axis=0)
    assert adjusted_error <= plain_error + 0.5
    assert np.mean(inside) >= 0.85


def test_photos_that_were_measured_themselves_are_corrected_in_full() -> None:
    rng = np.random.default_rng(2)
    rows, labels, groups = session(np.array([150] * 3), rng, shift=0.0)
    known = MeasuredPhotos(probabilities=rows.astype(np.float32), labels=labels, groups=groups)
    chosen = np.concatenate([np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)[:30]])
    found = counted([known], rows[chosen], None, rng)
    assert found.correction is not None
    assert found.correction.method == "adjusted"
    plain = np.bincount(rows[chosen].argmax(axis=1), minlength=3)
    assert abs(found.counts[1] - 150) < 0.6 * abs(plain[1] - 150)


def test_sessions_that_differ_more_than_usual_leave_more_to_plain_counts() -> None:
    rng = np.random.default_rng(3)
    counts = np.array([80] * 3)
    alike, apart = (
        sources_of([measured(counts, rng, shift=shift) for _ in range(6)], [None] * 6)
        for shift in (0.0, 1.5)
    )
    assert alike.evidence(10, 1, rng).spread < 0.6 < apart.evidence(10, 1, rng).spread


def test_a_perfect_classifier_is_believed() -> None:
    rng = np.random.default_rng(0)
    sure = 0.97 * np.eye(3) + 0.01
    known = MeasuredPhotos(
        probabilities=sure[np.arange(60) % 3].astype(np.float32),
        labels=np.arange(60) % 3,
        groups=np.arange(60),
    )
    rows = sure[np.repeat([0, 2], [7, 5])]
    found = counted([known], rows, None, rng)
    assert found.counts == pytest.approx([7, 0, 5], abs=0.2)
    assert found.draws.sum(axis=1).tolist() == [12] * 100


def test_a_class_without_validation_photos_has_a_bias_near_zero_that_is_uncertain() -> None:
    rng = np.random.default_rng(4)
    rows, labels, groups = session(np.array([100, 100, 0]), rng, shift=0.0)
    found = Recalibration.of(rows, labels, groups)
    assert abs(found.bias[2]) < 0.1
    assert found.covariance[3, 3] > found.covariance[1, 1]


def test_many_photos_share_rows_and_none_is_lost() -> None:
    rng = np.random.default_rng(5)
    rows, _, groups = session(np.array([2000, 1500, 500]), rng, shift=0.0)
    labels = rows.argmax(axis=1)
    found = joined_rows(centered_logs(rows), labels, groups)
    assert len(found.weights) < 1100
    assert found.n == 4000
    joined = np.bincount(found.predicted, found.weights, 3)
    assert joined.tolist() == np.bincount(labels, minlength=3).tolist()


def test_rounding_keeps_sums_and_means() -> None:
    draws = np.tile([0.3, 1.2, 2.5], (4000, 1))
    found = whole_numbers(draws, 4, np.random.default_rng(0))
    assert set(found.sum(axis=1)) == {4}
    assert found.mean(axis=0) == pytest.approx([0.3, 1.2, 2.5], abs=0.05)
    assert found.min() >= 0


def test_the_weight_of_a_correction_grows_with_its_evidence() -> None:
    assert evidence_weight(moved=0.0, uncertainty=1.0) == 0
    assert evidence_weight(moved=1.0, uncertainty=2.0) == 0
    assert evidence_weight(moved=10.0, uncertainty=1.0) == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("weight", "p_value", "text"),
    [
        (0.0, 0.3, "Plain counts: the correction of 3.0 is not larger"),
        (0.75, 0.3, "75% of the correction: the correction of 3.0 is larger"),
        (1.0, 0.95, "Adjusted counts: the confidences of the counted photos match"),
    ],
)
def test_a_correction_says_what_was_done_and_why(weight: float, p_value: float, text: str) -> None:
    found = CountCorrection(weight=weight, p_value=p_value, moved=3.0, uncertainty=1.5, n_sources=1)
    assert text in str(found)
