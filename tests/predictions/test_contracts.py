"""What the room promises holds for any probabilities."""

from __future__ import annotations

import json
import pickle

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfvision.predictions import (
    Calibration,
    CalibrationMethod,
    Predictions,
    Thresholds,
    ValidationScores,
)

Floats = npt.NDArray[np.float32]
NAMES = ("juice", "milk", "oats")
seeds = st.integers(0, 2**32 - 1)
methods = st.sampled_from(["temperature", "sigmoid", "isotonic"])
limits = st.floats(0, 1)


def rows(seed: int, n: int, k: int = 3) -> Floats:
    """Return rows of probabilities, some of them quite sure."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(k, rng.choice([0.05, 0.5, 2])), n).astype(np.float32)


@given(seeds, st.lists(st.booleans(), max_size=9), st.lists(st.booleans(), max_size=9))
def test_a_photo_that_failed_is_a_row_with_its_error_and_harms_no_other(
    seed: int, failed: list[bool], chosen: list[bool]
) -> None:
    scores = rows(seed, len(failed))
    errors = [f"photo {n} is torn" if bad else None for n, bad in enumerate(failed)]
    found = Predictions(scores, NAMES, [str(n) for n in range(len(failed))], errors)
    for row, one in enumerate(found):
        assert (one.error, one.id) == (errors[row], str(row))
        assert (one.label is None) == (one.decision == "review") == failed[row]
        assert one.decision in (None, "review")
        assert np.isnan(one.probabilities).all() == failed[row]
        if not failed[row]:
            np.testing.assert_array_equal(one.probabilities, scores[row])
    mask = (chosen + [True] * len(failed))[: len(failed)]
    some: Predictions = pickle.loads(pickle.dumps(found[mask]))
    assert some.errors == tuple(e for e, kept in zip(errors, mask, strict=True) if kept)
    assert some.labels.tolist() == [x for x, kept in zip(found.labels, mask, strict=True) if kept]


@given(seeds, st.integers(0, 20), st.lists(st.none() | limits, min_size=3, max_size=3))
def test_accepted_is_what_reaches_the_threshold_of_its_class(
    seed: int, n: int, values: list[float | None]
) -> None:
    scores = rows(seed, n)
    for given_values in (values, values[:1]):
        thresholds = Thresholds(values=tuple(given_values))
        again = Thresholds.from_dict(json.loads(json.dumps(thresholds.to_dict())))
        for found in (thresholds.decide(scores), again.decide(scores)):
            for row, decision in zip(scores, found, strict=True):
                winner = int(row.argmax())
                limit = given_values[winner if len(given_values) > 1 else 0]
                reached = limit is not None and float(row[winner]) >= limit - 1e-6
                assert (decision == "accept") == reached


@pytest.mark.slow
@settings(max_examples=40)
@given(seeds, st.integers(3, 30), methods)
def test_calibrated_rows_are_probabilities_and_a_temperature_keeps_every_label(
    seed: int, n: int, method: CalibrationMethod
) -> None:
    scores, labels = rows(seed, n), np.random.default_rng(seed).integers(0, 3, n)
    calibration = Calibration.fit(scores, labels, method=method)
    meant = calibration.apply(scores)
    assert meant.dtype == np.float32
    assert ((meant >= 0) & (meant <= 1)).all()
    assert meant.sum(axis=1) == pytest.approx(1, abs=1e-5)
    if method == "temperature":
        kept = np.take_along_axis(meant, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
        np.testing.assert_allclose(kept, meant.max(axis=1), rtol=1e-6)
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    np.testing.assert_array_equal(again.apply(scores), meant)


@settings(max_examples=40)
@given(seeds, st.integers(1, 60), st.floats(0.5, 0.99))
def test_thresholds_count_what_they_accept_and_need_more_where_they_accept_nothing(
    seed: int, n: int, precision: float
) -> None:
    scores, labels = rows(seed, n), np.random.default_rng(seed).integers(0, 3, n)
    found = Thresholds.for_precision(scores, labels, precision=precision)
    accepted = found.decide(scores) == "accept"
    assert found.n_accepted == accepted.sum()
    assert found.n_mistakes == (scores.argmax(axis=1) != labels)[accepted].sum()
    assert (found.values[0] is None) == (not accepted.any())
    assert (found.n_photos, found.n_groups) == (n, n)


@given(seeds, st.lists(st.sampled_from("abc"), min_size=1, max_size=9))
def test_kept_scores_are_read_only_and_keep_who_was_taken_together(
    seed: int, groups: list[str]
) -> None:
    scores = ValidationScores.of(rows(seed, len(groups)), [0] * len(groups), groups)
    for row, group in enumerate(groups):
        same = scores.groups == scores.groups[row]
        assert same.tolist() == [other == group for other in groups]
    for column in (scores.probabilities, scores.labels, scores.groups):
        assert not column.flags.writeable
