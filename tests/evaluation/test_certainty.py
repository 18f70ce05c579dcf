"""How sure scores are, and the scores of parts: against scikit-learn, scipy and by hand."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import beta, binomtest, norm, t
from sklearn.metrics import accuracy_score, f1_score, recall_score, top_k_accuracy_score

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation.scores._intervals import accuracy_interval, exact_interval
from shelfvision.evaluation.scores._outcomes import outcomes_of
from shelfvision.evaluation.scores._resampling import Bootstrap, draws_of, group_counts
from shelfvision.predictions import Decision
from support import refuses

NAMES = ("can", "jar", "tub")
RNG = np.random.default_rng(5)
TRUE = RNG.integers(0, 3, 90)
# Some sessions are easy and some are hard.
LUCK = np.repeat(RNG.beta(0.7, 0.3, 15), 6)
SAID = np.where(RNG.random(90) < LUCK, TRUE, RNG.integers(0, 3, 90))
SESSIONS = [f"session {row // 6}" for row in range(90)]


def predictions_of(
    said: Sequence[int] | npt.NDArray[np.int64],
    confidences: Sequence[float] | npt.NDArray[np.float64] | None = None,
    decisions: list[Decision] | None = None,
) -> shv.Predictions:
    sure = np.full(len(said), 0.9) if confidences is None else np.asarray(confidences)
    rows = np.repeat(((1 - sure) / 2)[:, None], 3, axis=1)
    rows[np.arange(len(said)), said] = sure
    ids = [f"photo {row}" for row in range(len(said))]
    return shv.Predictions(rows, NAMES, ids, decisions=decisions)


def report_of(
    said: Sequence[int] | npt.NDArray[np.int64],
    true: Sequence[int] | npt.NDArray[np.int64],
    groups: Sequence[str] | None = None,
) -> shv.EvaluationReport:
    return shv.EvaluationReport(predictions_of(said), np.asarray(true), groups=groups)


WHOLE = report_of(SAID, TRUE, SESSIONS)


# -- intervals -------------------------------------------------------------------------------


def test_every_resample_scores_what_scikit_learn_scores_on_the_same_photos() -> None:
    settings = Bootstrap(resamples=20)
    outcomes = outcomes_of(WHOLE.predictions, WHOLE.labels, np.array(SESSIONS, dtype=object))
    draws = draws_of(outcomes, settings)
    counts = np.concatenate(list(group_counts(15, settings)))

    for number in range(20):
        weight = counts[number][outcomes.groups]
        assert weight.sum() == 90
        assert draws.accuracy[number] == pytest.approx(
            accuracy_score(TRUE, SAID, sample_weight=weight)
        )
        assert draws.macro_f1[number] == pytest.approx(
            f1_score(TRUE, SAID, average="macro", sample_weight=weight)
        )
        assert draws.recall[number] == pytest.approx(
            recall_score(TRUE, SAID, average=None, sample_weight=weight)
        )


def test_photos_of_one_group_are_drawn_together() -> None:
    outcomes = outcomes_of(WHOLE.predictions, WHOLE.labels, np.array(SESSIONS, dtype=object))

    assert outcomes.n_groups == WHOLE.n_groups == 15
    supports = draws_of(outcomes, Bootstrap(resamples=50)).support.sum(axis=1)
    assert set(supports) == {90}


def test_the_interval_is_that_of_a_normal_share_where_photos_stand_alone() -> None:
    right = np.arange(400) % 5 > 0
    report = report_of(np.where(right, 0, 1), np.zeros(400, np.int64))
    low, high = report.intervals.accuracy
    exact = binomtest(320, 400).proportion_ci()

    assert report.accuracy == 0.8
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=0.012)


def test_bursts_make_the_interval_wider() -> None:
    right = np.repeat(np.arange(40) % 5 > 0, 10)
    said = np.where(right, 0, 1)
    true = np.zeros(400, np.int64)
    bursts = [f"burst {row // 10}" for row in range(400)]
    alone = report_of(said, true).intervals.accuracy
    together = report_of(said, true, bursts).intervals.accuracy

    assert together[1] - together[0] > 2.5 * (alone[1] - alone[0])


def test_intervals_hold_the_scores_and_are_the_same_every_time() -> None:
    sure = WHOLE.intervals
    again = report_of(SAID, TRUE, SESSIONS).intervals

    assert sure == again
    assert sure.accuracy[0] < WHOLE.accuracy < sure.accuracy[1]
    assert sure.macro_f1[0] < WHOLE.macro_f1 < sure.macro_f1[1]
    for name, scores in WHOLE.per_class.items():
        one = sure.per_class[name]
        assert one.precision[0] <= scores.precision <= one.precision[1]
        assert one.recall[0] <= scores.recall <= one.recall[1]
        assert one.f1[0] <= scores.f1 <= one.f1[1]


def test_another_seed_draws_other_resamples_and_a_lower_level_is_narrower() -> None:
    predictions = predictions_of(SAID)
    other = shv.EvaluationReport(predictions, TRUE, groups=SESSIONS, seed=1).intervals
    narrow = shv.EvaluationReport(
        predictions, TRUE, groups=SESSIONS, confidence_level=0.5
    ).intervals

    assert other.macro_f1 != WHOLE.intervals.macro_f1
    assert WHOLE.intervals.accuracy[0] < narrow.accuracy[0]
    assert narrow.accuracy[1] < WHOLE.intervals.accuracy[1]
    assert narrow.confidence_level == 0.5


def test_where_all_is_right_the_interval_is_exact_and_not_certain() -> None:
    report = report_of([0, 1] * 10, [0, 1] * 10, [f"{row // 2}" for row in range(20)])
    exact = binomtest(10, 10).proportion_ci()

    assert report.intervals.accuracy == pytest.approx((exact.low, 1.0))
    assert report.intervals.macro_f1 == report.intervals.accuracy
    assert report.intervals.per_class["can"].recall == pytest.approx((exact.low, 1.0))
    # Nothing is known of a class without photos that is never predicted.
    assert report.intervals.per_class["tub"].precision == (0.0, 1.0)


@pytest.mark.parametrize(("right", "n"), [(0, 5), (3, 5), (5, 5), (17, 40)])
def test_the_exact_interval_is_scipys(right: int, n: int) -> None:
    exact = binomtest(right, n).proportion_ci(0.9)

    assert exact_interval(right / n, n, 0.9) == pytest.approx((exact.low, exact.high))


def test_the_interval_is_korn_and_graubards() -> None:
    outcomes = outcomes_of(WHOLE.predictions, WHOLE.labels, np.array(SESSIONS, dtype=object))
    spread = draws_of(outcomes, Bootstrap()).accuracy.var() * 15 / 14
    share = WHOLE.accuracy
    size = share * (1 - share) / spread * (norm.ppf(0.975) / t.ppf(0.975, 14)) ** 2
    right = share * size

    assert WHOLE.intervals.accuracy == pytest.approx(
        (beta.ppf(0.025, right, size - right + 1), beta.ppf(0.975, right + 1, size - right))
    )


def test_the_interval_of_an_f1_is_that_of_the_jaccard_index_behind_it() -> None:
    # Of 12 photos that are cans or taken for cans, all alone, 6 are both: F1 is 2/3.
    report = report_of([0] * 9 + [1] * 3, [0] * 6 + [1] * 3 + [0] * 3)
    counts = draws_of(outcomes_of(report.predictions, report.labels, report.groups), Bootstrap())
    right, either = counts.right[:, 0], counts.support[:, 0] + counts.predicted[:, 0]
    spread = (right / (either - right)).var() * 12 / 11
    size = min(12, 0.25 / spread) * (norm.ppf(0.975) / t.ppf(0.975, 11)) ** 2
    low, high = exact_interval(0.5, size, 0.95)

    assert report.per_class["can"].f1 == pytest.approx(2 / 3)
    expected = (2 * low / (1 + low), 2 * high / (1 + high))
    assert report.intervals.per_class["can"].f1 == pytest.approx(expected)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_hold_the_true_share_as_often_as_they_say(level: float) -> None:
    # 12 bursts of 6 photos, of which some are easy and some are hard, 200 times.
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        easy = rng.beta(0.85, 0.15, 12)
        right = (rng.random((12, 6)) < easy[:, None]).ravel()
        found = predictions_of(np.where(right, 0, 1))
        bursts = [f"burst {row // 6}" for row in range(72)]
        report = shv.EvaluationReport(
            found, np.zeros(72, np.int64), groups=bursts, resamples=200, confidence_level=level
        )
        low, high = accuracy_interval(
            outcomes_of(found, report.labels, report.groups), report.bootstrap
        )
        held += low <= 0.85 <= high

    assert held / 200 == pytest.approx(level, abs=0.06)


def test_one_group_tells_next_to_nothing() -> None:
    low, high = report_of(SAID, TRUE, ["shop"] * 90).intervals.accuracy

    assert high - low > 0.9


@pytest.mark.parametrize(
    ("name", "wrong"), [("confidence_level", 1.0), ("resamples", 0), ("seed", -1)]
)
def test_settings_out_of_range_are_refused(name: str, wrong: float) -> None:
    with refuses(InvalidParameterError, "not-in-range", name):
        shv.EvaluationReport(predictions_of([0]), [0], **{name: wrong})  # type: ignore[arg-type]  # wrong on purpose


def test_groups_that_do_not_fit_are_refused() -> None:
    with refuses(DataError, "wrong-length", "groups"):
        shv.EvaluationReport(predictions_of([0, 1]), [0, 1], groups=["a"])


# -- top-k, confused pairs -------------------------------------------------------------------


def test_top_k_is_scikit_learns() -> None:
    rows = RNG.dirichlet(np.ones(6), 50).astype(np.float32)
    true = RNG.integers(0, 6, 50)
    found = shv.Predictions(rows, list("abcdef"), [str(row) for row in range(50)])
    report = shv.EvaluationReport(found, true)

    for k in (1, 2, 3, 5):
        expected = top_k_accuracy_score(true, rows, k=k, labels=range(6))
        assert report.top_k(k) == pytest.approx(expected)
    assert report.top_k(1) == report.accuracy
    assert report.top_k(6) == report.top_k(7) == 1.0


def test_ties_are_ranked_as_the_answer_is_chosen() -> None:
    found = shv.Predictions([[0.4, 0.4, 0.2]] * 2, NAMES, ["a", "b"])
    report = shv.EvaluationReport(found, [0, 1])

    assert report.accuracy == report.top_k(1) == 0.5
    assert report.top_k(2) == 1.0


def test_the_most_confused_pairs_come_first() -> None:
    report = report_of([1, 1, 1, 0, 2, 0, 2], [0, 0, 1, 1, 1, 0, 2])

    assert [(p.true, p.predicted, p.count) for p in report.most_confused()] == [
        ("can", "jar", 2),
        ("jar", "can", 1),
        ("jar", "tub", 1),
    ]
    assert report.most_confused(1)[0].share == pytest.approx(2 / 3)
    assert report_of([0], [0]).most_confused() == ()


# -- calibration -----------------------------------------------------------------------------


def test_the_bins_of_the_reliability_diagram_are_those_counted_by_hand() -> None:
    sure = [0.9, 0.95, 0.92, 0.5, 0.52, 1.0]
    report = shv.EvaluationReport(predictions_of([0, 0, 1, 1, 2, 2], sure), [0, 0, 0, 1, 1, 2])
    first, second, last = report.reliability

    assert (first.n, first.accuracy, first.confidence) == pytest.approx((2, 0.5, 0.51))
    assert (second.n, second.accuracy, second.confidence) == pytest.approx((2, 0.5, 0.91))
    assert (last.n, last.accuracy, last.confidence) == pytest.approx((2, 1.0, 0.975))
    assert (first.low, first.high) == pytest.approx((7 / 15, 8 / 15))
    assert all(part.low < part.confidence <= part.high for part in report.reliability)


def test_the_calibration_error_is_what_the_bins_come_to() -> None:
    sure = RNG.uniform(0.4, 1, 90)
    report = shv.EvaluationReport(predictions_of(SAID, sure), TRUE)
    by_hand = sum(part.n * abs(part.accuracy - part.confidence) for part in report.reliability) / 90

    assert report.calibration_error == pytest.approx(by_hand, abs=1e-6)


# -- review ----------------------------------------------------------------------------------


def test_accepting_and_reviewing_is_summed_up() -> None:
    decisions: list[Decision] = ["accept", "accept", "review", "review", "accept", "review"]
    found = predictions_of([0, 0, 1, 1, 2, 2], decisions=decisions)
    review = shv.EvaluationReport(found, [0, 1, 1, 0, 2, 0]).review

    assert review is not None
    assert (review.n_accepted, review.n_review, review.coverage) == (3, 3, 0.5)
    assert review.accuracy == pytest.approx(2 / 3)
    assert review.review_accuracy == pytest.approx(1 / 3)
    assert review.accuracy_interval is not None
    assert review.accuracy_interval[0] < 2 / 3 < review.accuracy_interval[1]


def test_without_thresholds_there_is_no_summary_and_without_acceptance_no_accuracy() -> None:
    assert WHOLE.review is None

    none = shv.EvaluationReport(predictions_of([0, 1], decisions=["review", "review"]), [0, 1])
    assert none.review is not None
    assert none.review.accuracy is None
    assert "accepted     0 %, accuracy -" in str(none)


# -- slices ----------------------------------------------------------------------------------


def test_every_value_of_a_column_has_the_scores_of_its_photos() -> None:
    stores = np.array(["north", "south", "east"])[RNG.integers(0, 3, 90)]
    report = shv.EvaluationReport(
        predictions_of(SAID), TRUE, groups=SESSIONS, slices={"store": stores}
    )

    assert list(report.slices["store"]) == ["east", "north", "south"]
    for store, scores in report.slices["store"].items():
        here = stores == store
        alone = report_of(SAID[here], TRUE[here], list(np.array(SESSIONS)[here]))
        assert scores.n == here.sum()
        assert scores.accuracy == pytest.approx(accuracy_score(TRUE[here], SAID[here]))
        assert scores.macro_f1 == alone.macro_f1
        assert scores.accuracy_interval == alone.intervals.accuracy
        assert scores.n_groups == alone.n_groups


def test_a_slice_may_be_a_function_of_the_id_and_have_missing_values() -> None:
    report = shv.EvaluationReport(
        predictions_of([0, 1, 2]),
        [0, 1, 1],
        slices={"even": lambda name: int(name[-1]) % 2 == 0, "shop": [None, float("nan"), "x"]},
    )

    assert {value: scores.n for value, scores in report.slices["even"].items()} == {
        "False": 1,
        "True": 2,
    }
    assert {value: scores.n for value, scores in report.slices["shop"].items()} == {
        "(none)": 2,
        "x": 1,
    }


def test_slices_that_do_not_fit_are_refused() -> None:
    with refuses(InvalidParameterError, "wrong-length", "slices"):
        shv.EvaluationReport(predictions_of([0, 1]), [0, 1], slices={"store": ["a"]})
    with refuses(InvalidParameterError, "wrong-type", "slices"):
        shv.EvaluationReport(predictions_of([0]), [0], slices=["a"])  # type: ignore[arg-type]  # wrong on purpose


# -- comparison ------------------------------------------------------------------------------


def test_the_p_value_is_mcnemars_where_photos_stand_alone() -> None:
    true = [0] * 30
    old = [0] * 12 + [1] * 18
    new = [0] * 10 + [1] * 2 + [0] * 9 + [1] * 9
    found = shv.compare(report_of(old, true), report_of(new, true))

    assert (found.only_first, found.only_second) == (2, 9)
    assert found.p_value == found.mcnemar_p_value == pytest.approx(binomtest(2, 11).pvalue)
    assert found.difference == pytest.approx(7 / 30)
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.accuracies == pytest.approx((12 / 30, 19 / 30))


def test_bursts_weigh_as_one() -> None:
    true = [0] * 30
    bursts = [f"burst {row // 10}" for row in range(30)]
    old, new = [1] * 10 + [0] * 20, [0] * 30
    found = shv.compare(report_of(old, true, bursts), report_of(new, true, bursts))

    assert found.mcnemar_p_value < 0.01
    # Only one burst tells them apart, and one coin decides nothing.
    assert found.p_value == 1.0


def test_the_p_value_over_groups_is_that_of_all_signs() -> None:
    gains = [3, 2, -1, 2, 4]
    true = [0] * 20
    groups = [f"g{row // 4}" for row in range(20)]
    old, new = np.zeros(20, np.int64), np.zeros(20, np.int64)
    for group, gain in enumerate(gains):
        worse = old if gain > 0 else new
        worse[4 * group : 4 * group + abs(gain)] = 1
    found = shv.compare(report_of(old, true, groups), report_of(new, true, groups))
    signs = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1)
    exact = (np.abs(np.array(gains) @ signs) >= abs(sum(gains))).mean()

    assert found.p_value == pytest.approx(exact, abs=0.02)


def test_two_of_the_same_do_not_differ() -> None:
    found = shv.compare(WHOLE, WHOLE)

    low, high = found.interval
    assert (found.difference, found.p_value) == (0.0, 1.0)
    # That 15 sessions tell no difference does not mean that there is none.
    assert -low == high == pytest.approx(binomtest(0, 15).proportion_ci().high)
    assert str(found).splitlines()[-1] == "p-value   1"


def test_the_comparison_swaps_with_its_arguments() -> None:
    other = report_of(TRUE, TRUE, SESSIONS)
    forth, back = shv.compare(WHOLE, other), shv.compare(other, WHOLE)

    assert forth.difference == -back.difference > 0
    assert forth.p_value == back.p_value < 0.01
    assert forth.interval == pytest.approx((-back.interval[1], -back.interval[0]))


def test_reports_on_other_photos_are_refused() -> None:
    with refuses(DataError, "inconsistent", "second"):
        shv.compare(WHOLE, report_of([0], [0]))
    with refuses(DataError, "inconsistent", "second"):
        shv.compare(report_of([0, 1], [0, 1]), report_of([0, 1], [0, 0]))
    with refuses(InvalidParameterError, "wrong-type", "second"):
        shv.compare(WHOLE, "other")  # type: ignore[arg-type]  # wrong on purpose


# -- passing on ------------------------------------------------------------------------------


def test_everything_goes_into_the_dictionary_and_through_a_pickle() -> None:
    report = shv.EvaluationReport(
        predictions_of(SAID), TRUE, groups=SESSIONS, slices={"photo": lambda name: name[-1]}
    )
    plain = report.to_dict()
    again = pickle.loads(pickle.dumps(report))

    assert json.loads(json.dumps(plain)) == plain == again.to_dict()
    assert plain["n_groups"] == 15
    assert plain["intervals"]["accuracy"] == list(report.intervals.accuracy)
    assert plain["slices"]["photo"]["3"]["n"] == 9
    assert plain["review"] is None
