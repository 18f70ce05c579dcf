"""`ValidationScores`: what is kept of validation photos."""

from __future__ import annotations

import numpy as np
import pytest

from shelfvision.errors import InvalidParameterError
from shelfvision.predictions import ValidationScores
from shelfvision.predictions.validation_scores import MAX_ROWS
from support import refuses


def test_groups_become_numbers_in_the_order_in_which_they_appear() -> None:
    scores = ValidationScores.of([[0.5, 0.5]] * 4, [0, 1, 0, 1], ["b", "a", "b", "c"])
    assert scores.groups.tolist() == [0, 1, 0, 2]
    assert (len(scores), scores.n_groups) == (4, 3)
    assert repr(scores) == "<ValidationScores: 4 photos of 3 groups, 2 classes>"


def test_nothing_can_be_written_into() -> None:
    rows = np.array([[0.5, 0.5]], np.float32)
    scores = ValidationScores.of(rows, [0])
    rows[:] = 0
    assert scores.probabilities.tolist() == [[0.5, 0.5]]
    for column in (scores.probabilities, scores.labels, scores.groups):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


def test_of_too_many_photos_whole_groups_are_kept_the_same_every_time() -> None:
    n = MAX_ROWS + 5000
    rows = np.random.default_rng(0).dirichlet([1, 1], n).astype(np.float32)
    labels = np.arange(n) % 2
    groups = np.arange(n) // 7
    scores = ValidationScores.of(rows, labels, groups)
    assert MAX_ROWS * 0.9 < len(scores) <= MAX_ROWS
    sizes = np.bincount(scores.groups)
    assert set(sizes[:-1]) <= {7, n - (n - 1) // 7 * 7}
    again = ValidationScores.of(rows, labels, groups)
    assert np.array_equal(again.probabilities, scores.probabilities)
    wide = ValidationScores.of(np.full((900, 4000), 1 / 4000), np.zeros(900, int))
    assert len(wide) == 500
    assert len(ValidationScores.of(rows, labels, np.zeros(n, int))) == MAX_ROWS


def test_columns_that_do_not_fit_are_refused() -> None:
    with refuses(InvalidParameterError, "not-in-range", "labels"):
        ValidationScores.of([[0.5, 0.5]], [2])
    with refuses(InvalidParameterError, "wrong-length", "groups"):
        ValidationScores.of([[0.5, 0.5]], [0], ["a", "b"])
    with refuses(InvalidParameterError, "not-in-range", "probabilities"):
        ValidationScores.of([[0.5, 2]], [0])
