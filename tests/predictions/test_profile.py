"""The profile of a classifier: counts and distributions of its validation photos."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions.profile import Distribution
from shelfvision.predictions.profile.design_effects import (
    classes_design_effect,
    share_design_effect,
    values_design_effect,
)
from support import refuses

NAMES = ("juice", "milk", "yoghurt")


def predictions_of(n: int = 200, *, failed: int = 0) -> shv.Predictions:
    rng = np.random.default_rng(0)
    rows = rng.dirichlet([1, 1, 1], n + failed).astype(np.float32)
    errors = [None] * n + ["cannot be read"] * failed
    return shv.Predictions(
        rows,
        NAMES,
        [f"{row}.jpg" for row in range(n + failed)],
        errors,
        decisions=["accept" if row.max() >= 0.5 else "review" for row in rows],
        quality={"brightness": rng.normal(120, 20, n + failed)},
    )


def test_a_profile_has_the_counts_and_distributions_of_its_photos() -> None:
    found = predictions_of(200, failed=3)
    profile = shv.Profile.from_predictions(found)
    assert (profile.n_photos, profile.n_groups, profile.n_unreadable) == (200, 200, 3)
    read = found[:200]
    assert profile.class_counts == {name: (read.labels == name).sum() for name in NAMES}
    assert profile.coverage == np.mean(read.decisions == "accept")
    assert profile.confidence.median == pytest.approx(np.median(read.confidences), abs=0.01)
    brightness = found.quality["brightness"] if found.quality else np.zeros(0)
    assert np.isnan(brightness[200:]).all()
    assert profile.quality["brightness"].quantile(0.9) == pytest.approx(
        np.quantile(brightness[:200], 0.9), rel=0.02
    )


def test_a_profile_without_thresholds_or_quality_says_so() -> None:
    rows = [[0.7, 0.3], [0.2, 0.8]]
    profile = shv.Profile.from_predictions(shv.Predictions(rows, ["a", "b"], ["1", "2"]))
    assert profile.coverage is None
    assert profile.quality == {}


def test_a_profile_survives_json_and_pickle() -> None:
    profile = shv.Profile.from_predictions(predictions_of(failed=1))
    text = json.dumps(profile.to_dict())
    assert shv.Profile.from_dict(json.loads(text)) == profile
    assert pickle.loads(pickle.dumps(profile)) == profile
    assert len(text) < 6_000


def test_a_profile_needs_a_photo_that_can_be_read() -> None:
    with refuses(DataError, "empty", "predictions"):
        shv.Profile.from_predictions(predictions_of(0, failed=2))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"n_photos": 5}, "inconsistent"),
        ({"n_photos": -1}, "not-in-range"),
        ({"n_groups": "many"}, "wrong-type"),
        ({"quality": {"smell": {}}}, "foreign-format"),
        ({"quality": []}, "wrong-type"),
        (
            {"confidence": {"values": [2, 1], "shares": [0, 1], "n_photos": 2, "design_effect": 1}},
            "inconsistent",
        ),
        (
            {"confidence": {"values": [1, 2], "shares": [0, 0], "n_photos": 2, "design_effect": 1}},
            "inconsistent",
        ),
        ({"class_design_effect": 0.5}, "not-in-range"),
        ({"extra": 1}, "foreign-format"),
    ],
)
def test_a_damaged_profile_is_refused(change: dict[str, object], code: str) -> None:
    plain = shv.Profile.from_predictions(predictions_of()).to_dict()
    with pytest.raises(InvalidParameterError) as caught:
        shv.Profile.from_dict(plain | change)
    assert caught.value.code == code


def test_pickled_and_selected_predictions_keep_quality_and_profile() -> None:
    profile = shv.Profile.from_predictions(predictions_of())
    found = shv.Predictions(
        [[0.9, 0.1], [0.2, 0.8]],
        ["a", "b"],
        ["1", "2"],
        quality={"warmth": [1.0, 2.0]},
        profile=profile,
    )
    for one in (pickle.loads(pickle.dumps(found))[1:], found[[1]]):
        assert one.quality is not None
        assert one.quality["warmth"].tolist() == [2.0]
        assert not one.quality["warmth"].flags.writeable
        assert one.profile == profile
    assert found.to_frame()["warmth"].tolist() == [1.0, 2.0]


def test_unknown_or_short_measures_are_refused() -> None:
    wrong = (({"smell": [1.0]}, "not-an-option"), ({"warmth": [1.0, 2]}, "wrong-length"))
    for quality, code in wrong:
        with refuses(InvalidParameterError, code, "quality"):
            shv.Predictions([[0.9, 0.1]], ["a", "b"], ["1"], quality=quality)


def test_a_distribution_has_exact_shares_even_with_ties() -> None:
    values = np.array([0.5] * 30 + [1.0] * 70)
    found = Distribution.of(values, np.arange(100))
    assert (found.values[0], found.values[-1], found.shares) == (0.5, 1.0, (0.3, 0.3, 1.0))


def test_a_frequent_value_is_told_from_those_below_it() -> None:
    values = np.concatenate((np.linspace(0.3, 0.8, 100), np.ones(100)))
    found = Distribution.of(values, np.arange(200))
    assert found.values[-3:] == (0.8, np.nextafter(1.0, 0), 1.0)
    assert found.shares[-3:] == (0.5, 0.5, 1.0)
    assert found.median == 0.8


def test_photos_of_equal_bursts_count_once() -> None:
    groups = np.repeat(np.arange(400), 5)
    values = np.random.default_rng(1).normal(size=400)[groups]
    assert share_design_effect(values > 0, groups) == pytest.approx(5, rel=0.05)
    assert 5 <= values_design_effect(values, groups) < 6.5
    numbers = (values > 0).astype(np.int64)
    assert classes_design_effect(numbers, groups) == pytest.approx(5, rel=0.05)


def test_the_design_effect_of_two_classes_is_that_of_their_share() -> None:
    rng = np.random.default_rng(2)
    groups = np.sort(rng.integers(0, 80, 500))
    groups = np.unique(groups, return_inverse=True)[1]
    members = rng.random(500) < rng.random(80)[groups]
    assert classes_design_effect(members.astype(np.int64), groups) == pytest.approx(
        share_design_effect(members, groups)
    )


def test_independent_photos_have_no_design_effect() -> None:
    values = np.random.default_rng(3).normal(size=300)
    assert values_design_effect(values, np.arange(300)) == 1.0
    assert classes_design_effect(np.arange(300) % 3, np.arange(300)) == 1.0


def test_each_group_counts_as_one_photo_if_all_photos_are_equal_or_of_one_group() -> None:
    groups = np.arange(12) // 3
    same, one_group = np.ones(12), np.zeros(12, np.int64)
    assert share_design_effect(same > 0, groups) == 3.0
    assert values_design_effect(same, groups) == 3.0
    assert classes_design_effect(same.astype(np.int64), groups) == 3.0
    assert share_design_effect(groups > 1, one_group) == 12.0
    assert values_design_effect(np.arange(12.0), one_group) == 12.0
    nobody = np.zeros(0)
    assert share_design_effect(nobody > 0, nobody.astype(np.int64)) == 1.0
    assert values_design_effect(nobody, nobody.astype(np.int64)) == 1.0
    assert classes_design_effect(nobody.astype(np.int64), nobody.astype(np.int64)) == 1.0


def test_the_largest_value_does_not_hide_the_bursts_of_the_others() -> None:
    groups = np.arange(400) // 4
    values = np.where(groups < 96, 1.0, 0.5)
    assert values_design_effect(values, groups) == pytest.approx(4, rel=0.05)
