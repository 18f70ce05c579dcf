"""What the room promises holds for any photos that are counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision.errors import DataError
from support import refuses

NAMES = ("juice", "milk", "oats")


@pytest.fixture(scope="module")
def classifier() -> shv.Classifier:
    """Return a classifier that keeps the scores of 30 photos, a fifth of them wrong."""
    model = shv.build_model(3, image_size=(88, 88), seed=1)
    true = np.arange(30) % 3
    rows = np.full((30, 3), 0.1, np.float32)
    rows[np.arange(30), np.where(np.arange(30) % 5, true, (true + 1) % 3)] = 0.8
    scores = shv.ValidationScores.of(rows, true)
    return shv.Classifier.from_model(model, class_names=NAMES).with_validation(scores)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from("xy")), min_size=1, max_size=9
    ),
    st.integers(0, 2**32 - 1),
)
def test_every_photo_is_counted_once_or_told_with_its_reason(
    classifier: shv.Classifier, photos: list[tuple[int, bool, str]], seed: int
) -> None:
    rows = np.full((len(photos), 3), 0.1, np.float32)
    rows[np.arange(len(photos)), [label for label, _, _ in photos]] = 0.8
    errors = ["torn" if bad else None for _, bad, _ in photos]
    found = shv.Predictions(rows, NAMES, [str(n) for n in range(len(photos))], errors)
    stores = [store for _, _, store in photos]
    n_good = errors.count(None)
    if not n_good:
        with refuses(DataError, "empty", "photos"):
            shv.take_inventory(classifier, found)
        return
    stock = shv.take_inventory(classifier, found, by=stores, seed=seed, draws=100)
    assert stock.n_photos == n_good
    assert stock.failed == {str(n): "torn" for n, bad in enumerate(errors) if bad}
    labels = [NAMES[label] for label, bad, _ in photos if not bad]
    assert stock.naive == {name: labels.count(name) for name in NAMES}
    assert sum(stock.counts.values()) == pytest.approx(n_good)
    assert (stock.draws.sum(axis=1) == n_good).all()
    for name, (low, high) in stock.intervals.items():
        assert 0 <= low <= high <= n_good, name
    for name in NAMES:
        assert stock.naive[name] == sum(part.naive[name] for part in stock.parts.values())
    again = shv.take_inventory(classifier, found, by=stores, seed=seed, draws=100)
    np.testing.assert_array_equal(again.draws, stock.draws)
