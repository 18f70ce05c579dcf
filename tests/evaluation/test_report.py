"""Every number of an evaluation report, against hand calculation and scikit-learn."""

from __future__ import annotations

import json
import pickle
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

import shelfvision as shv
from shelfvision.errors import DataError, MissingDependencyError
from support import refuses

NAMES = ["can", "jar", "tub"]


def report_of(
    true: list[int],
    predicted: list[int],
    names: list[str] | None = None,
    *,
    confidences: list[float] | None = None,
    errors: list[str | None] | None = None,
) -> shv.EvaluationReport:
    names = NAMES if names is None else names
    rest = max(len(names) - 1, 1)
    probabilities = np.zeros((len(true), len(names)), dtype=np.float32)
    for row, number in enumerate(predicted):
        confidence = 0.9 if confidences is None else confidences[row]
        probabilities[row] = (1 - confidence) / rest
        probabilities[row, number] = confidence
    ids = [f"photo {row}" for row in range(len(true))]
    return shv.EvaluationReport(shv.Predictions(probabilities, names, ids, errors), true)


# true     0 0 0 1 1 2
# answers  0 0 1 1 0 1
BY_HAND = report_of([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 1])


def test_scores_are_those_calculated_by_hand() -> None:
    assert BY_HAND.n == 6
    assert BY_HAND.accuracy == pytest.approx(3 / 6)
    assert BY_HAND.confusion.tolist() == [[2, 1, 0], [1, 1, 0], [0, 1, 0]]
    can, jar, tub = BY_HAND.per_class.values()
    assert (can.precision, can.recall, can.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (jar.precision, jar.recall, jar.f1) == pytest.approx((1 / 3, 1 / 2, 0.4))
    assert (tub.precision, tub.recall, tub.f1) == (0, 0, 0)
    assert [can.support, jar.support, tub.support] == [3, 2, 1]
    assert BY_HAND.macro_f1 == pytest.approx((2 / 3 + 0.4 + 0) / 3)


def test_the_baseline_is_the_share_of_the_largest_class() -> None:
    assert BY_HAND.majority_class == "can"
    assert BY_HAND.baseline == pytest.approx(3 / 6)
    assert report_of([1, 0, 1, 0], [0, 0, 0, 0]).majority_class == "can"


def test_a_constant_answer_on_five_balanced_classes_scores_a_fifth() -> None:
    report = report_of([0, 1, 2, 3, 4] * 4, [2] * 20, ["a", "b", "c", "d", "e"])

    assert report.accuracy == report.baseline == pytest.approx(0.2)


def test_a_class_without_photos_counts_in_no_mean() -> None:
    report = report_of([0, 0, 1, 1], [0, 0, 1, 2])

    assert report.per_class["tub"].support == 0
    assert report.macro_f1 == pytest.approx((1 + 2 / 3) / 2)
    tub = next(line for line in str(report).splitlines() if line.startswith("tub"))
    assert tub.split() == ["tub", "0.000", "-", "-", "0"]


def test_photos_are_counted_in_whole_numbers_where_all_are_wrong() -> None:
    report = report_of([1, 1], [2, 0])
    assert [type(scores.support) for scores in report.per_class.values()] == [int] * 3
    assert "0.0\n" not in str(report)


def test_a_class_that_was_never_predicted_has_a_dash_and_not_a_precision_of_0() -> None:
    report = report_of([0, 0, 1, 1, 2], [0, 0, 0, 1, 1])

    tub = next(line for line in str(report).splitlines() if line.startswith("tub"))
    assert tub.split() == ["tub", "-", "0.000", "0.000", "1"]
    shown = re.sub(r" style=\"[^\"]*\"", "", report._repr_html_())
    assert "<td>tub</td><td>-</td><td>0.000</td>" in shown
    # Programs go on getting a number.
    assert report.to_dict()["per_class"]["tub"]["precision"] == 0.0


@st.composite
def answers(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    k, n = draw(st.integers(2, 6)), draw(st.integers(1, 40))
    numbers = st.lists(st.integers(0, k - 1), min_size=n, max_size=n)
    return k, draw(numbers), draw(numbers)


@given(answers())
def test_scores_are_scikit_learns(case: tuple[int, list[int], list[int]]) -> None:
    k, true, predicted = case
    report = report_of(true, predicted, [f"class {number}" for number in range(k)])
    labels = list(range(k))
    columns = precision_recall_fscore_support(true, predicted, labels=labels, zero_division=0)

    assert report.accuracy == pytest.approx(accuracy_score(true, predicted))
    assert np.array_equal(report.confusion, confusion_matrix(true, predicted, labels=labels))
    for number, scores in enumerate(report.per_class.values()):
        mine = (scores.precision, scores.recall, scores.f1, scores.support)
        assert mine == pytest.approx(tuple(column[number] for column in columns))
    present = sorted(set(true))
    macro = f1_score(true, predicted, labels=present, average="macro", zero_division=0)
    assert report.macro_f1 == pytest.approx(macro)


@given(answers())
def test_numbers_agree_with_each_other(case: tuple[int, list[int], list[int]]) -> None:
    k, true, predicted = case
    report = report_of(true, predicted, [f"class {number}" for number in range(k)])
    supports = [scores.support for scores in report.per_class.values()]

    assert report.confusion.sum() == report.n == len(true)
    assert report.confusion.sum(axis=1).tolist() == supports
    assert report.accuracy == np.trace(report.confusion) / report.n
    assert report.baseline == max(supports) / report.n
    assert len(report.mistakes()) == report.n - np.trace(report.confusion)
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


def test_mistakes_are_rows_the_most_confident_first() -> None:
    report = report_of(
        [0, 0, 1, 1, 2],
        [1, 0, 0, 1, 0],
        confidences=[0.6, 0.9, 0.8, 0.7, 0.99],
        errors=[None, None, None, None, "gone"],
    )

    assert report.mistakes().tolist() == [2, 0]


def test_the_table_is_aligned_and_shows_intervals_and_the_baseline() -> None:
    sure = BY_HAND.intervals
    assert str(BY_HAND).splitlines() == [
        f"accuracy     0.500  (95 %: {sure.accuracy[0]:.3f} to {sure.accuracy[1]:.3f})",
        f"macro F1     0.356  (95 %: {sure.macro_f1[0]:.3f} to {sure.macro_f1[1]:.3f})",
        "baselines    always 'can' 0.500",
        f"calibration  ECE {BY_HAND.calibration_error:.3f}",
        "photos       6",
        "",
        "class  precision  recall     f1  photos",
        "can        0.667   0.667  0.667       3",
        "jar        0.333   0.500  0.400       2",
        "tub            -   0.000  0.000       1",
    ]
    assert repr(BY_HAND) == (
        "<EvaluationReport: accuracy 0.500, macro F1 0.356, 6 photos of 3 classes>"
    )


def test_long_and_odd_names_do_not_break_the_table() -> None:
    report = report_of([0, 1], [0, 1], ["a" * 60, "two\nlines"])
    table = str(report).splitlines()

    assert len({len(line) for line in table[6:]}) == 1
    assert len(table) == 9
    assert table[7].startswith("a" * 31 + "…")


def test_names_are_escaped_in_html() -> None:
    report = report_of([0, 0, 1], [0, 0, 1], ["<script>", "b&b"])
    shown = report._repr_html_()

    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;") == 2  # as a class, and as the majority class
    assert "b&amp;b" in shown


def test_the_dictionary_holds_plain_types_only() -> None:
    found = report_of([0, 1], [0, 1], errors=[None, "gone"]).to_dict()

    assert found["failed"] == [{"id": "photo 1", "error": "gone"}]
    assert found["per_class"]["can"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
    assert found["confusion"] == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert (found["n"], found["majority_class"], found["baseline"]) == (1, "can", 1.0)


def test_the_frame_has_a_row_for_every_class() -> None:
    pytest.importorskip("pandas")
    frame = BY_HAND.to_frame()

    assert list(frame.columns[:4]) == ["precision", "recall", "f1", "support"]
    assert list(frame.columns[4:]) == [
        f"{score}_{end}" for score in ("precision", "recall", "f1") for end in ("low", "high")
    ]
    assert (frame["recall_low"] <= frame["recall"]).all()
    assert list(frame.index) == NAMES
    assert frame.loc["jar", "recall"] == 0.5
    assert list(frame["support"]) == [3, 2, 1]


def test_without_pandas_the_frame_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)

    with refuses(MissingDependencyError, "missing-dependency"):
        BY_HAND.to_frame()


def test_a_report_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        BY_HAND.accuracy = 1.0  # type: ignore[misc]  # the point of the test
    with pytest.raises(ValueError, match="read-only"):
        BY_HAND.confusion[0, 0] = 100
    BY_HAND.per_class.clear()
    assert list(BY_HAND.per_class) == NAMES


def test_a_report_survives_pickling() -> None:
    again = pickle.loads(pickle.dumps(BY_HAND))

    assert again.to_dict() == BY_HAND.to_dict()
    assert again.mistakes().tolist() == BY_HAND.mistakes().tolist()
    for array in (again.confusion, again.labels, again.predictions.probabilities):
        assert not array.flags.writeable


def test_one_photo_is_told_as_one() -> None:
    one = report_of([0], [0], ["can"])
    assert repr(one).endswith("1 photo of 1 class>")
    assert "photos: 1<" in one._repr_html_()


@pytest.mark.parametrize("labels", [[0], [[0], [1]], [0.0, 1.0], ["can", "jar"]])
def test_labels_that_are_no_column_of_class_numbers_are_refused(labels: list[int]) -> None:
    predictions = shv.Predictions(np.eye(2), ["can", "jar"], ["a", "b"])

    with refuses(DataError, "wrong-shape", "labels"):
        shv.EvaluationReport(predictions, labels)


@pytest.mark.parametrize("wrong", [-1, 2])
def test_a_label_that_is_no_class_is_named(wrong: int) -> None:
    predictions = shv.Predictions(np.eye(2), ["can", "jar"], ["a", "b"])

    with refuses(DataError, "not-in-range", "labels"):
        shv.EvaluationReport(predictions, [0, wrong])


def test_nothing_to_judge_is_refused() -> None:
    with refuses(DataError, "empty", "predictions"):
        shv.EvaluationReport(shv.Predictions(np.empty((0, 2)), ["can", "jar"], []), [])


def test_the_pictures_take_a_report() -> None:
    axes = shv.plot.confusion_matrix(BY_HAND)

    assert [label.get_text() for label in axes.get_yticklabels()] == NAMES
