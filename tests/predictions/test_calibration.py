"""`Calibration`: probabilities that mean what they say, held against scikit-learn and by hand."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator

from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions import (
    Calibration,
    CalibrationMethod,
    IsotonicCalibration,
    PlattScaling,
    TemperatureScaling,
    ValidationScores,
    cross_validated_calibration_error,
    expected_calibration_error,
    register_calibrator,
)
from shelfvision.predictions.calibrators import _registry
from support import refuses

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
METHODS: tuple[CalibrationMethod, ...] = ("temperature", "sigmoid", "isotonic")


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def said_and_true(n: int, k: int = 4, boast: float = 2.5, seed: int = 0) -> tuple[Floats, Labels]:
    """Return what a network says that claims `boast` times the logits that are true."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, k))
    meant = softmax(logits)
    labels = (meant.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return softmax(logits * boast).astype(np.float32), labels


class Says(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A fitted classifier of scikit-learn that says what it is given."""

    def __init__(self, k: int = 2) -> None:
        self.k = k
        self.classes_ = np.arange(k)

    def fit(self, X: object, y: object) -> Says:  # noqa: N803  (the word of scikit-learn)
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803  (the word of scikit-learn)
        return X.argmax(axis=1)


class SaysShares(Says):
    def predict_proba(self, X: Any) -> Any:  # noqa: N803  (the word of scikit-learn)
        return X


class SaysOdds(Says):
    def decision_function(self, X: Any) -> Any:  # noqa: N803  (the word of scikit-learn)
        return np.log(X) - np.log1p(-X)


def judged_by_sklearn(said: Floats, true: Labels, method: str) -> npt.NDArray[np.float64]:
    rows = said.astype(np.float64)
    kind = SaysOdds if method == "sigmoid" else SaysShares
    says = FrozenEstimator(kind(said.shape[1]))
    fitted = CalibratedClassifierCV(says, method=method, cv=2, ensemble=False).fit(rows, true)
    return np.asarray(fitted.predict_proba(rows))


def test_a_temperature_undoes_what_the_network_boasted() -> None:
    said, true = said_and_true(20_000)
    calibration = Calibration.fit(said, true)
    assert calibration.temperature == pytest.approx(2.5, rel=0.05)
    assert calibration.error_after < 0.01 < calibration.error_before / 10
    other, other_true = said_and_true(20_000, seed=1)
    assert expected_calibration_error(calibration.apply(other), other_true) < 0.015


def test_a_temperature_on_probabilities_is_that_on_logits() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (50, 5))
    said = softmax(logits).astype(np.float32)
    calibration = Calibration(
        calibrator=TemperatureScaling(temperature=1.7),
        num_classes=5,
        n_photos=1,
        error_before=0.1,
        error_after=0.1,
    )
    np.testing.assert_allclose(calibration.apply(said), softmax(logits / 1.7), atol=1e-6)


def test_a_temperature_is_the_most_likely_of_all() -> None:
    said, true = said_and_true(300, boast=4)
    fitted = Calibration.fit(said, true).temperature
    logs = np.log(said.astype(np.float64))

    def loss(temperature: float) -> float:
        rows = softmax(logs / temperature)
        own = rows[np.arange(300), true]
        others = np.where(np.arange(4) == true[:, None], 0, rows).max(axis=1)
        return float(-np.mean((301 * np.log(own) + np.log(others)) / 302))

    grid = np.exp(np.linspace(np.log(0.5), np.log(20), 4000))
    assert fitted == pytest.approx(grid[np.argmin([loss(t) for t in grid])], rel=2e-3)


def test_a_network_without_a_mistake_is_not_taken_for_infallible() -> None:
    said = np.tile(np.array([[0.6, 0.3, 0.1]], np.float32), (50, 1))
    calibration = Calibration.fit(said, np.zeros(50, int))
    # One mistake is imagined for 52 photos.
    assert calibration.apply(said)[0, 0] == pytest.approx(51 / 52, abs=0.01)


def test_sigmoids_are_those_of_scikit_learn() -> None:
    said, true = said_and_true(800)
    ours = Calibration.fit(said, true, method="sigmoid").apply(said)
    np.testing.assert_allclose(ours, judged_by_sklearn(said, true, "sigmoid"), atol=2e-3)


def test_rising_curves_are_those_of_scikit_learn() -> None:
    said, true = said_and_true(800)
    ours = Calibration.fit(said, true, method="isotonic").apply(said)
    np.testing.assert_allclose(ours, judged_by_sklearn(said, true, "isotonic"), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_calibrated_rows_sum_to_one_and_err_less(method: CalibrationMethod) -> None:
    said, true = said_and_true(3000)
    calibration = Calibration.fit(said, true, method=method)
    other, other_true = said_and_true(3000, seed=2)
    found = calibration.apply(other)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    before = expected_calibration_error(other, other_true)
    assert expected_calibration_error(found, other_true) < before / 3


@pytest.mark.parametrize("method", METHODS)
def test_what_was_written_as_json_calibrates_the_same(method: CalibrationMethod) -> None:
    said, true = said_and_true(200)
    calibration = Calibration.fit(said, true, method=method)
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again == calibration
    assert np.array_equal(again.apply(said), calibration.apply(said))


@pytest.mark.parametrize("method", METHODS)
def test_photos_that_could_not_be_read_stay_unread(method: CalibrationMethod) -> None:
    said, true = said_and_true(100)
    rows = said[:3].copy()
    rows[1] = np.nan
    found = Calibration.fit(said, true, method=method).apply(rows)
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_a_class_without_photos_stays_as_it_is(method: CalibrationMethod) -> None:
    said, true = said_and_true(300)
    some = true != 3
    calibration = Calibration.fit(said[some], true[some], method=method)
    sure = np.array([[0.001, 0.001, 0.001, 0.997]], np.float32)
    assert calibration.apply(sure)[0].argmax() == 3


def test_a_row_of_one_and_zeros_can_be_calibrated() -> None:
    said, true = said_and_true(100)
    sure = np.array([[1, 0, 0, 0]], np.float32)
    for method in METHODS:
        found = Calibration.fit(said, true, method=method).apply(sure)
        assert np.isfinite(found).all()
        assert found.argmax() == 0


def test_the_error_is_what_a_hand_finds() -> None:
    said = [[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.35, 0.65], [0.25, 0.75]]
    true = [0, 1, 0, 1, 0]
    # Bins of 0.1: two at 0.95 (half right), one at 0.55 (right), one at 0.65 (right), one at 0.75
    # (wrong).
    wanted = (2 * 0.45 + 0.45 + 0.35 + 0.75) / 5
    assert expected_calibration_error(said, true, n_bins=10) == pytest.approx(wanted, abs=1e-6)


def test_a_bin_holds_its_upper_edge() -> None:
    said = [[0.5, 0.25, 0.25], [0.75, 0.25, 0]]
    assert expected_calibration_error(said, [0, 1], n_bins=2) == pytest.approx((0.5 + 0.75) / 2)


def test_the_error_is_made_of_the_curve_of_scikit_learn() -> None:
    said, true = said_and_true(2000)
    right = (said.argmax(axis=1) == true).astype(int)
    sure = said.max(axis=1).astype(np.float64)
    share, mean = calibration_curve(right, sure, n_bins=15)
    counts, _ = np.histogram(sure, bins=np.linspace(0, 1, 16))
    wanted = np.abs(share - mean) @ counts[counts > 0] / 2000
    assert expected_calibration_error(said, true) == pytest.approx(wanted, abs=1e-6)


def test_columns_that_do_not_fit_are_refused() -> None:
    said, true = said_and_true(10)
    cases: list[tuple[Any, Any, str, str]] = [
        (said, true[:5], "wrong-shape", "labels"),
        (said, true + 4, "not-in-range", "labels"),
        (said, true.astype(float), "wrong-shape", "labels"),
        (said[0], true, "wrong-shape", "probabilities"),
        (said * 3, true, "not-in-range", "probabilities"),
        (said * np.nan, true, "not-in-range", "probabilities"),
        ("abc", true, "wrong-type", "probabilities"),
        (said[:, :1] * 0, true * 0, "wrong-shape", "probabilities"),
    ]
    for rows, labels, code, parameter in cases:
        with refuses(InvalidParameterError, code, parameter):
            Calibration.fit(rows, labels)
    with refuses(DataError, "empty", "labels"):
        Calibration.fit(said[:0], true[:0])
    with refuses(InvalidParameterError, "not-an-option", "method"):
        Calibration.fit(said, true, method="magic")
    with refuses(InvalidParameterError, "wrong-shape", "probabilities"):
        Calibration.fit(said, true).apply([[0.5, 0.5]])


def _fields(method: CalibrationMethod) -> dict[str, Any]:
    said, true = said_and_true(60)
    fields: dict[str, Any] = json.loads(
        json.dumps(Calibration.fit(said, true, method=method).to_dict())
    )
    return fields


@pytest.mark.parametrize(
    ("method", "change", "code"),
    [
        ("temperature", lambda f: f.update(temperature=0), "not-in-range"),
        ("temperature", lambda f: f.update(temperature="1"), "wrong-type"),
        ("temperature", lambda f: f.update(temperature=True), "wrong-type"),
        ("temperature", lambda f: f.update(temperature=float("nan")), "not-in-range"),
        ("temperature", lambda f: f.update(temperature=None), "wrong-type"),
        ("temperature", lambda f: f.update(num_classes=1), "not-in-range"),
        ("temperature", lambda f: f.update(num_classes=2.0), "wrong-type"),
        ("temperature", lambda f: f.update(n_photos=-1), "not-in-range"),
        ("temperature", lambda f: f.update(error_before=2), "not-in-range"),
        ("temperature", lambda f: f.update(method="isotonic"), "foreign-format"),
        ("temperature", lambda f: f.update(method=["temperature"]), "not-an-option"),
        ("temperature", lambda f: f.update(method=None), "not-an-option"),
        ("temperature", lambda f: f.update(more=1), "foreign-format"),
        ("temperature", lambda f: f.pop("n_photos"), "foreign-format"),
        ("sigmoid", lambda f: f.update(lines=[]), "wrong-length"),
        ("sigmoid", lambda f: f["lines"].pop(), "wrong-length"),
        ("sigmoid", lambda f: f.update(lines=[[1, 2, 3]] * 4), "wrong-length"),
        ("sigmoid", lambda f: f.update(lines=[[1, "2"]] * 4), "wrong-type"),
        ("sigmoid", lambda f: f.update(lines={}), "wrong-type"),
        ("isotonic", lambda f: f["curves"].pop(), "wrong-length"),
        ("isotonic", lambda f: f.update(curves=[[[0, 1], [0]]] * 4), "inconsistent"),
        ("isotonic", lambda f: f.update(curves=[[[1, 0], [0, 1]]] * 4), "inconsistent"),
        ("isotonic", lambda f: f.update(curves=[[[], []]] * 4), "inconsistent"),
        ("isotonic", lambda f: f.update(curves=[[[0, 2], [0, 1]]] * 4), "not-in-range"),
    ],
)
def test_plain_values_that_make_no_sense_are_refused(
    method: CalibrationMethod, change: Callable[[dict[str, Any]], object], code: str
) -> None:
    fields = _fields(method)
    change(fields)
    with pytest.raises(InvalidParameterError) as caught:
        Calibration.from_dict(fields)
    assert caught.value.code == code


def test_what_is_no_mapping_is_refused() -> None:
    with refuses(InvalidParameterError, "wrong-type", "values"):
        Calibration.from_dict([1])  # type: ignore[arg-type]  # wrong on purpose


@dataclasses.dataclass(frozen=True)
class Shrinkage:
    """Moves every row towards the uniform distribution."""

    share: float
    name = "shrinkage"

    @classmethod
    def fit(cls, probabilities: Floats, labels: Labels) -> Self:
        return cls(float(np.mean(probabilities.argmax(axis=1) != labels)))

    def apply(self, probabilities: Floats) -> Floats:
        uniform = np.float32(self.share / probabilities.shape[1])
        return np.asarray((1 - self.share) * probabilities + uniform, dtype=np.float32)

    def to_dict(self) -> dict[str, object]:
        return {"share": self.share}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        return cls(float(values["share"]))


@pytest.fixture
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_registry, "_known", dict(_registry._known))


def test_a_method_of_ones_own_can_be_given_as_a_class() -> None:
    scores, true = said_and_true(500)
    calibration = Calibration.fit(scores, true, method=Shrinkage)
    assert (calibration.method, calibration.temperature) == ("shrinkage", None)
    assert calibration.error_after < calibration.error_before
    assert pickle.loads(pickle.dumps(calibration)) == calibration


@pytest.mark.usefixtures("_names")
def test_a_registered_method_is_known_by_its_name_and_loaded_again() -> None:
    scores, true = said_and_true(100)
    plain = Calibration.fit(scores, true, method=Shrinkage).to_dict()
    with refuses(InvalidParameterError, "not-an-option", "method"):
        Calibration.from_dict(plain)
    assert register_calibrator(Shrinkage) is Shrinkage
    calibration = Calibration.fit(scores, true, method="shrinkage")
    assert calibration == Calibration.from_dict(json.loads(json.dumps(plain)))


@pytest.mark.usefixtures("_names")
def test_a_name_stands_for_one_class() -> None:
    register_calibrator(Shrinkage)
    register_calibrator(Shrinkage)
    other = type("Other", (Shrinkage,), {"name": "shrinkage"})
    with refuses(InvalidParameterError, "duplicate", "name"):
        register_calibrator(other)
    with refuses(InvalidParameterError, "duplicate", "name"):
        register_calibrator(type("Mine", (Shrinkage,), {"name": "temperature"}))


@pytest.mark.parametrize(
    "method",
    [
        type("NoFit", (), {"name": "none"}),
        type("NoName", (Shrinkage,), {"name": ""}),
        type("LongName", (Shrinkage,), {"name": "n" * 101}),
        type("Number", (Shrinkage,), {"name": 3}),
        42,
    ],
)
def test_what_is_no_calibration_method_is_refused(method: Any) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        Calibration.fit([[0.9, 0.1]], [0], method=method)
    assert caught.value.parameter == "method"


@pytest.mark.parametrize(
    "broken",
    [
        {"apply": lambda _, rows: rows[:, :2]},
        {"apply": lambda _, rows: rows * 0.5},
        {"apply": lambda _, rows: -rows},
        {"apply": lambda _, rows: np.nan * rows},
        {"apply": lambda _, rows: np.nan_to_num(rows, nan=0.25)},
        {"to_dict": lambda _: {"share": np.float32(0.5)}},
        {"to_dict": lambda _: {"share": float("nan")}},
        {"to_dict": lambda _: {"method": "shrinkage"}},
        {"to_dict": lambda _: 0.5},
        {"apply": lambda _, rows: 1 / 0},
        {"apply": lambda _, rows: rows.fill(0)},
        {"fit": classmethod(lambda cls, rows, labels: labels.sort())},
        {"from_dict": classmethod(lambda cls, values: cls(0.5))},
        {"from_dict": classmethod(lambda cls, values: None)},
        {"__init__": lambda self, share: object.__setattr__(self, "name", "other")},
    ],
)
def test_a_method_of_ones_own_that_breaks_the_contract_is_refused(broken: dict[str, Any]) -> None:
    scores, true = said_and_true(50)
    with refuses(InvalidParameterError, "contract", "method"):
        Calibration.fit(scores, true, method=type("Broken", (Shrinkage,), broken))


def test_a_class_with_the_name_of_a_built_in_method_is_refused_before_it_is_fitted() -> None:
    mine = type("Mine", (Shrinkage,), {"name": "temperature"})
    with refuses(InvalidParameterError, "duplicate", "name"):
        Calibration.fit([[0.9, 0.1]], [0], method=mine)


def test_a_calibration_for_a_billion_classes_is_refused_at_once() -> None:
    plain = Calibration.fit(*said_and_true(50)).to_dict()
    with refuses(InvalidParameterError, "not-in-range", "num_classes"):
        Calibration.from_dict(plain | {"num_classes": 10**9})


def test_parameters_for_another_number_of_classes_are_refused() -> None:
    for calibrator in (
        PlattScaling(lines=((1.0, 0.0),) * 3),
        IsotonicCalibration(curves=(((0.0, 1.0), (0.0, 1.0)),) * 3),
    ):
        with refuses(InvalidParameterError, "wrong-length", "calibrator"):
            Calibration(
                calibrator=calibrator, num_classes=4, n_photos=1, error_before=0.1, error_after=0.1
            )


def test_no_photo_is_calibrated_by_a_fit_to_its_own_group() -> None:
    rows, labels = said_and_true(60)
    groups = np.arange(60) // 2
    scores = ValidationScores.of(rows, labels, groups)
    found = np.empty_like(rows)
    for fold in range(3):
        here = groups % 3 == fold
        found[here] = Calibration.fit(rows[~here], labels[~here]).apply(rows[here])
    expected = expected_calibration_error(found, labels)
    assert cross_validated_calibration_error(scores, n_folds=3) == pytest.approx(expected)


def test_the_cross_validated_error_does_not_flatter_a_flexible_method() -> None:
    scores = ValidationScores.of(*said_and_true(200))
    fitted = Calibration.fit(scores.probabilities, scores.labels, method="isotonic")
    found = cross_validated_calibration_error(scores, method="isotonic")
    assert found > 1.5 * fitted.error_after


def test_cross_validation_needs_a_group_in_each_fold() -> None:
    scores = ValidationScores.of(*said_and_true(8), np.arange(8) // 2)
    with refuses(DataError, "too-few-groups", "scores"):
        cross_validated_calibration_error(scores)
    assert 0 <= cross_validated_calibration_error(scores, n_folds=4) <= 1
    with refuses(InvalidParameterError, "not-in-range", "n_folds"):
        cross_validated_calibration_error(scores, n_folds=1)
