"""Drift: photos in operation are compared with the profile of validation."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import chi2_contingency, fisher_exact, ks_2samp

import shelfvision as shv
from shelfvision._csv import read_table
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation.operation._tests import classes_test, distribution_test, shares_test
from shelfvision.evaluation.scores._adjusting import benjamini_hochberg, holm
from shelfvision.predictions import Distribution
from support import refuses

NAMES = ("juice", "milk", "tea", "rice")


def week(
    seed: int,
    n: int = 300,
    *,
    brightness: float = 120,
    unsure: float = 0.0,
    milk: float = 0.25,
    failed: int = 0,
    bursts: int = 1,
    profile: shv.Profile | None = None,
) -> shv.Predictions:
    """Return predictions of photos; the photos of a burst are equal."""
    rng = np.random.default_rng(seed)
    groups = np.arange(n) // bursts
    m = int(groups[-1]) + 1
    product = np.where(rng.random(m) < (milk - 0.25) / 0.75, 1, rng.integers(0, 4, m))[groups]
    confidence = (0.4 + 0.6 * rng.beta(4, 2 + 3 * unsure, m))[groups]
    rows = np.repeat((1 - confidence)[:, None] / 3, 4, axis=1)
    rows[np.arange(n), product] = confidence
    return shv.Predictions(
        rows,
        NAMES,
        [f"{row}.jpg" for row in range(n)],
        ["cannot be read" if row < failed else None for row in range(n)],
        decisions=["accept" if one > 0.7 else "review" for one in confidence],
        quality={"brightness": rng.normal(brightness, 20, m)[groups]},
        profile=profile,
    )


@pytest.fixture(scope="module")
def profile() -> shv.Profile:
    return shv.Profile.from_predictions(week(0))


def statuses(found: shv.Drift) -> dict[str, str]:
    return {check.measure: check.status for check in found.checks if not check.slice}


def test_a_week_like_validation_has_no_drift(profile: shv.Profile) -> None:
    found = shv.drift(week(1, profile=profile))
    assert not found.drifted
    assert statuses(found) == dict.fromkeys(
        ("brightness", "confidence", "coverage", "classes", "unreadable"), "no drift"
    )
    assert str(found).startswith("No drift in 5 checks: 300 photos, compared with 300 photos")


@pytest.mark.parametrize(
    ("change", "measures"),
    [
        ({"brightness": 90}, {"brightness"}),
        ({"unsure": 1.0}, {"confidence", "coverage"}),
        ({"milk": 0.7}, {"classes"}),
        ({"failed": 30}, {"unreadable"}),
    ],
)
def test_each_kind_of_drift_is_found_and_named(
    profile: shv.Profile, change: dict[str, float], measures: set[str]
) -> None:
    found = shv.drift(week(1, profile=profile, **change))  # type: ignore[arg-type]
    assert {check.measure for check in found.alarms} == measures
    assert all(check.effect and check.effect >= check.min_effect for check in found.alarms)


def test_too_few_photos_are_never_an_alarm(profile: shv.Profile) -> None:
    found = shv.drift(week(1, 20, brightness=20, profile=profile))
    assert set(statuses(found).values()) == {"not enough photos"}
    assert not found.drifted
    assert all(check.p_value is None for check in found.checks)
    assert str(found).startswith("Not enough photos")
    assert "<b>Not enough photos</b>" in found._repr_html_()
    small = shv.Profile.from_predictions(week(0, 20))
    assert not shv.drift(week(1, brightness=20), profile=small).drifted


def test_a_difference_that_does_not_matter_is_no_drift(profile: shv.Profile) -> None:
    many = shv.Profile.from_predictions(week(0, 40_000))
    found = shv.drift(week(1, 40_000, brightness=118, profile=many))
    check = next(one for one in found.checks if one.measure == "brightness")
    assert check.p_value is not None
    assert check.p_value < 1e-6
    assert check.status == "no drift"
    strict = shv.drift(week(1, 40_000, brightness=118, profile=many), min_effect=0.01)
    assert [one.measure for one in strict.alarms] == ["brightness"]
    named = shv.drift(
        week(1, 40_000, brightness=118, profile=many), min_effect={"brightness": 0.01}
    )
    assert named.drifted


def test_bursts_are_not_independent_photos() -> None:
    """Of 16 weeks without drift at a level of 0.2, about 3 may have an alarm; here at most 7."""

    def false_alarms(groups: npt.NDArray[np.int64] | None, known: npt.NDArray[np.int64]) -> int:
        found = 0
        for seed in range(16):
            reference = week(2 * seed, 320, bursts=8)
            profile = shv.Profile.from_predictions(reference, groups=known)
            found += shv.drift(
                week(2 * seed + 1, 320, bursts=8),
                profile=profile,
                groups=None if groups is None else groups.tolist(),
                alpha=0.2,
                min_effect=0.0,
                checks=["brightness", "confidence", "coverage", "classes"],
            ).drifted
        return found

    bursts = np.arange(320) // 8
    assert false_alarms(bursts, bursts) <= 7
    assert false_alarms(None, bursts) <= 7
    assert false_alarms(np.arange(320), np.arange(320)) >= 11


def test_every_combination_of_columns_is_a_slice(profile: shv.Profile) -> None:
    dark, light = week(1, 100, brightness=70), week(2, 300)
    rows = np.concatenate([dark.probabilities, light.probabilities])
    found = shv.Predictions(
        rows,
        NAMES,
        [str(row) for row in range(400)],
        quality={
            "brightness": np.concatenate([one.quality["brightness"] for one in (dark, light)])  # type: ignore[index]
        },
        profile=profile,
    )
    stores = ["north"] * 100 + ["south"] * 300
    weeks = ([1] * 80 + [2] * 20) + [1] * 150 + [2] * 150
    result = shv.drift(found, by={"store": stores, "week": weeks})
    alarms = {check.slice for check in result.alarms if check.slice}
    assert alarms == {("north", "1")}
    few = {check.slice for check in result.checks if check.status == "not enough photos"}
    assert few == {("north", "2")}
    assert (result.by, result.n_slices) == (("store", "week"), 4)
    assert "4 slices by store, week: 1 alarm" in str(result)


def test_columns_come_from_metadata_by_id(profile: shv.Profile) -> None:
    pandas = pytest.importorskip("pandas")
    found = week(1, 200, profile=profile)
    order = np.random.default_rng(0).permutation(200)
    table = pandas.DataFrame(
        {
            "id": [*found.ids[order], "another.jpg"],
            "store": [*("north" if row < 100 else "south" for row in order), "west"],
            "burst": [*(order // 2), 0],
        }
    )
    result = shv.drift(found, by="store", metadata=table, groups="burst")
    direct = shv.drift(
        found,
        by={"store": ["north"] * 100 + ["south"] * 100},
        groups=(np.arange(200) // 2).tolist(),
    )
    assert result == direct
    assert result.checks[0].n_effective < 200
    for wrong, code in ((table[1:150], "unknown-id"), (pandas.concat([table, table]), "duplicate")):
        with refuses(DataError, code, "metadata"):
            shv.drift(found, by="store", metadata=wrong)
    with refuses(DataError, "missing-column", "by"):
        shv.drift(found, by="region", metadata=table)
    with refuses(InvalidParameterError, "wrong-length", "by"):
        shv.drift(found, by={"store": ["north"]})


def test_photos_without_a_group_are_independent(profile: shv.Profile) -> None:
    found = week(1, 200, profile=profile)
    named = shv.drift(found, groups=[None] * 100 + [""] * 100)
    assert named == shv.drift(found, groups=list(range(200)))


def test_a_table_of_scores_gives_the_same_result_as_predictions(profile: shv.Profile) -> None:
    pandas = pytest.importorskip("pandas")
    arrow = pytest.importorskip("pyarrow")
    found = week(1, 200, failed=4, unsure=0.5, profile=profile)
    frame = found.to_frame()
    expected = shv.drift(found)
    assert shv.drift(frame, profile=profile) == expected
    assert shv.drift(arrow.Table.from_pandas(frame), profile=profile) == expected
    assert shv.drift(dict(frame.items()), profile=profile) == expected
    with refuses(DataError, "missing-column", "predictions"):
        shv.drift(frame.drop(columns="confidence"), profile=profile)
    with refuses(DataError, "wrong-type", "predictions"):
        shv.drift(frame.assign(confidence="high"), profile=profile)
    with refuses(DataError, "not-in-range", "predictions"):
        shv.drift(frame.assign(confidence=7.0), profile=profile)
    assert pandas.isna(expected.to_frame()["expected"]).sum() == 1


def test_a_profile_is_needed() -> None:
    with refuses(DataError, "no-profile", "profile"):
        shv.drift(week(1))


@pytest.mark.remedy("no-profile")
def test_a_given_profile_is_enough(profile: shv.Profile) -> None:
    assert not shv.drift(week(1), profile=profile).drifted


@pytest.mark.parametrize(
    ("wrong", "error", "code"),
    [
        ({"alpha": 1}, InvalidParameterError, "not-in-range"),
        ({"min_effect": 2}, InvalidParameterError, "not-in-range"),
        ({"min_effect": {"smell": 0.1}}, InvalidParameterError, "not-an-option"),
        ({"min_photos": 1}, InvalidParameterError, "not-in-range"),
        ({"correction": "none"}, InvalidParameterError, "not-an-option"),
        ({"checks": ["smell"]}, InvalidParameterError, "not-an-option"),
        ({"checks": ["warmth"]}, DataError, "missing-column"),
        ({"profile": "good"}, InvalidParameterError, "wrong-type"),
        ({"groups": [1]}, InvalidParameterError, "wrong-length"),
        ({"groups": "burst"}, DataError, "missing-column"),
    ],
)
def test_wrong_parameters_are_refused(
    profile: shv.Profile,
    wrong: dict[str, object],
    error: type[DataError | InvalidParameterError],
    code: str,
) -> None:
    with refuses(error, code, next(iter(wrong))):
        shv.drift(week(1, profile=profile), **wrong)  # type: ignore[arg-type]


def test_no_photos_and_other_objects_are_refused(profile: shv.Profile) -> None:
    with refuses(DataError, "empty", "predictions"):
        shv.drift(week(1, profile=profile)[:0])
    with refuses(InvalidParameterError, "wrong-type", "predictions"):
        shv.drift(7, profile=profile)  # type: ignore[arg-type]


def test_what_is_not_compared_is_said(profile: shv.Profile) -> None:
    bare = shv.Predictions(week(1).probabilities, NAMES, week(1).ids, profile=profile)
    assert [note.partition(" ")[0] for note in shv.drift(bare).notes] == ["Photo", "Without"]
    bursts = shv.Profile.from_predictions(week(0), groups=(np.arange(300) // 3).tolist())
    assert "with 3.0 photos on average" in shv.drift(week(1), profile=bursts).notes[0]


def test_the_result_is_saved_as_page_json_and_table(profile: shv.Profile, tmp_path: Path) -> None:
    stores = ["<b>north</b>", "=south"] * 150
    found = shv.drift(week(1, brightness=80, profile=profile), by={"store": stores})
    for suffix in (".html", ".json", ".csv"):
        found.save(tmp_path / f"drift{suffix}")
    page = (tmp_path / "drift.html").read_text()
    assert "&lt;b&gt;north" in page
    assert "<b>north" not in page
    plain = json.loads((tmp_path / "drift.json").read_text())
    assert plain == json.loads(json.dumps(found.to_dict()))
    assert plain["drifted"] is True
    table = read_table(tmp_path / "drift.csv", {"store": None, "status": None})
    assert [cells["store"] for _, cells in table.rows][-1] == "'=south"
    assert "Drift" in found._repr_html_()
    assert repr(found) == f"<Drift: 300 photos, 15 checks, {len(found.alarms)} drift>"
    assert pickle.loads(pickle.dumps(found)) == found
    with refuses(InvalidParameterError, "not-an-option", "path"):
        found.save(tmp_path / "drift.txt")


def test_the_tests_are_those_of_scipy_for_independent_photos() -> None:
    rng = np.random.default_rng(0)
    known, values = rng.normal(0, 1, 50), rng.normal(0.5, 1, 400)
    found = distribution_test(Distribution.of(known, np.arange(50)), values, 1.0)
    expected = ks_2samp(known, values, method="asymp")
    assert found.effect == pytest.approx(expected.statistic, abs=0.02)
    assert found.p_value == pytest.approx(expected.pvalue, rel=0.5)
    assert shares_test((10, 50, 1.0), (60, 200, 1.0)).p_value == pytest.approx(
        fisher_exact([[60, 140], [10, 40]])[1]
    )
    counts = [[30, 40, 20], [60, 20, 25]]
    there, here = (dict(zip("abc", row, strict=True)) for row in counts)
    classes = classes_test(there, here, (1.0, 1.0))
    assert classes is not None
    assert classes.p_value == pytest.approx(chi2_contingency(counts)[1])


def test_values_below_all_of_the_profile_are_drift() -> None:
    known = Distribution.of(np.full(100, 0.9), np.arange(100))
    for values in (np.full(100, 0.5), np.full(100, 0.95)):
        assert distribution_test(known, values, 1.0).effect == 1.0
    assert distribution_test(known, np.full(100, 0.9), 1.0).effect == 0.0


def test_a_network_that_is_sure_of_all_validation_photos_is_watched() -> None:
    known = Distribution.of(np.array([0.8] + [1.0] * 199), np.arange(200))
    found = distribution_test(known, np.array([0.9] * 100 + [1.0] * 100), 1.0)
    assert found.effect == pytest.approx(0.495)
    assert found.p_value < 1e-6


def test_equal_bursts_in_the_profile_are_no_strong_evidence() -> None:
    """All 40 bursts of validation are accepted, and 37 of 40 bursts of the week."""
    groups = (np.arange(320) // 8).tolist()

    def decided(review: int) -> shv.Predictions:
        return shv.Predictions(
            np.tile([0.9, 0.1], (320, 1)),
            ["juice", "milk"],
            [str(row) for row in range(320)],
            decisions=["review" if row < review else "accept" for row in range(320)],
        )

    profile = shv.Profile.from_predictions(decided(0), groups=groups)
    result = shv.drift(decided(24), profile=profile, groups=groups, checks=["coverage"])
    assert profile.coverage_design_effect == 8.0
    # As 320 photos, these 24 would have a p-value below 0.01.
    assert result.checks[0].p_value is not None
    assert result.checks[0].p_value > 0.1


def test_unreadable_photos_are_expected_in_bursts_if_groups_are_unknown() -> None:
    bursts = (np.arange(300) // 6).tolist()
    profile = shv.Profile.from_predictions(week(0), groups=bursts)
    one_upload = week(1, failed=6)
    assert not shv.drift(one_upload, profile=profile, min_effect=0, alpha=0.05).drifted
    assert shv.drift(week(1, failed=60), profile=profile).alarms[0].measure == "unreadable"


def test_classes_are_joined_by_their_effective_counts() -> None:
    # 45 photos of juice, 40 of them in bursts of 8, are worth 10; 30 independent ones of tea, 30.
    known = {"milk": 800, "juice": 40, "rice": 40}
    here = {"milk": 170, "juice": 5, "rice": 5, "tea": 30}
    found = classes_test(known, here, (8.0, 1.0))
    assert found is not None
    assert "tea 0.0% -> 14.3%" in found.detail


def test_rare_classes_are_joined() -> None:
    rare = {f"rare {number}": 1 for number in range(30)}
    new = {f"new {number}": 1 for number in range(30)}
    found = classes_test({"milk": 100} | rare, {"milk": 100} | new, (1.0, 1.0))
    assert found is not None
    assert found.effect == pytest.approx(0.0)
    assert classes_test({"milk": 100}, {"milk": 100}, (1.0, 1.0)) is None


def test_adjusted_p_values_are_those_of_the_papers() -> None:
    p_values = [0.01, 0.02, 0.03, 0.5]
    assert holm(p_values).tolist() == pytest.approx([0.04, 0.06, 0.06, 0.5])
    assert benjamini_hochberg(p_values).tolist() == pytest.approx([0.04, 0.04, 0.04, 0.5])
    assert holm([]).tolist() == []


def test_many_stores_do_not_raise_more_false_alarms(profile: shv.Profile) -> None:
    found = week(3, 4000, profile=profile)
    stores = [f"store {row % 40}" for row in range(4000)]
    result = shv.drift(found, by={"store": stores}, alpha=0.05, min_effect=0.0)
    assert result.alarms == ()
    assert sum((check.p_value or 1) <= 0.05 for check in result.checks) >= 1
