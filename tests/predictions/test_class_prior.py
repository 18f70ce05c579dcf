"""Probabilities under another mix of products, and finding that mix out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision.errors import InvalidParameterError
from shelfvision.predictions.class_prior import as_prior, estimated_prior, reweighted
from support import refuses

Floats = npt.NDArray[np.float32]


def shelf(
    mix: Sequence[float] | npt.NDArray[np.float64], n: int, rng: np.random.Generator
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return what a network that knows an even mix says of photos from another, and the truth."""
    labels = rng.choice(3, size=n, p=mix)
    seen = rng.normal(np.eye(3)[labels] * 1.5, 1)
    raised = np.exp(1.5 * seen)
    return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32), labels


EVEN = np.full(3, 1 / 3)


def test_a_known_mix_makes_more_photos_right() -> None:
    mix = [0.9, 0.08, 0.02]
    said, true = shelf(mix, 4000, np.random.default_rng(0))
    found = reweighted(said, EVEN, np.array(mix))
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    before = np.mean(said.argmax(axis=1) == true)
    assert np.mean(found.argmax(axis=1) == true) > before + 0.1


def test_the_correction_is_that_of_bayes() -> None:
    found = reweighted(np.array([[0.5, 0.3, 0.2]], np.float32), np.array([0.5, 0.25, 0.25]), EVEN)
    raised = np.array([0.5 / 0.5, 0.3 / 0.25, 0.2 / 0.25])
    np.testing.assert_allclose(found[0], raised / raised.sum(), atol=1e-6)


@pytest.mark.parametrize("mix", [[0.9, 0.08, 0.02], [0.2, 0.2, 0.6], [1 / 3, 1 / 3, 1 / 3]])
def test_the_mix_of_a_shelf_is_found_without_labels(mix: list[float]) -> None:
    said, true = shelf(mix, 4000, np.random.default_rng(1))
    counts = np.bincount(said.argmax(axis=1), minlength=3) / 4000
    found = estimated_prior(said, EVEN)
    assert found.sum() == pytest.approx(1)
    wanted = np.bincount(true, minlength=3) / 4000
    assert np.abs(found - wanted).max() < 0.03
    if mix[0] == 0.9:
        assert np.abs(found - wanted).max() < np.abs(counts - wanted).max() / 3


def test_the_mix_found_is_the_most_likely_one() -> None:
    said, _ = shelf([0.7, 0.2, 0.1], 300, np.random.default_rng(2))
    found = estimated_prior(said, EVEN)

    def likelihood(shares: npt.NDArray[np.float64]) -> float:
        return float(np.log(said @ (shares / EVEN)).sum())

    rng = np.random.default_rng(0)
    others = (np.abs(found + rng.normal(0, 0.02, 3)) for _ in range(200))
    assert all(likelihood(found) >= likelihood(other / other.sum()) for other in others)


def test_a_class_that_is_not_there_is_never_said() -> None:
    said, _ = shelf(EVEN, 100, np.random.default_rng(3))
    found = reweighted(said, EVEN, np.array([0.5, 0.5, 0.0]))
    assert (found[:, 2] == 0).all()
    alone = reweighted(np.array([[0, 0, 1]], np.float32), EVEN, np.array([0.75, 0.25, 0.0]))
    assert alone[0].tolist() == [0.75, 0.25, 0.0]


def test_counts_do_as_well_as_shares() -> None:
    found = as_prior({"b": 30, "a": 10}, ["a", "b"])
    assert found.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("frequencies", "code"),
    [
        ({"a": 1}, "missing-class"),
        ({"a": 1, "b": 1, "c": 1}, "unknown-name"),
        ({"a": 0, "b": 0}, "empty"),
        ({"a": -1, "b": 2}, "not-in-range"),
        ({"a": float("nan"), "b": 2}, "not-in-range"),
    ],
)
def test_frequencies_that_make_no_mix_are_refused(frequencies: dict[str, float], code: str) -> None:
    with refuses(InvalidParameterError, code, "class_prior"):
        as_prior(frequencies, ["a", "b"])


def test_a_misspelled_class_is_named_beside_the_missing_one() -> None:
    with refuses(InvalidParameterError, "missing-class", "class_prior") as caught:
        as_prior({"Can": 1, "Jra": 2}, ["Can", "Jar"])
    assert "lacks 'Jar' and names 'Jra'" in str(caught.value)
