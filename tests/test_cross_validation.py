"""`cross_validate`: one model, one report and one classifier per fold, without leaks."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_1samp

import shelfvision as shv
from shelfvision.cross_validation._result import corrected_interval
from shelfvision.errors import (
    InvalidParameterError,
    LeakageError,
    LeakageWarning,
    ModelError,
    SplitError,
)
from support import gives_warning, refuses, tiny_network

pytestmark = pytest.mark.backend

IMAGES, LABELS = tiny_network.coloured()
SESSIONS = [f"session {row // 4}" for row in range(24)]
TRAINER = shv.Trainer(epochs=2, batch_size=64, optimizer="sgd", learning_rate=0.02)


def photos(**columns: Any) -> shv.Dataset:
    return shv.Dataset.from_arrays(IMAGES, LABELS, **columns)


def build() -> Any:
    return shv.build_model(2, architecture=tiny_network.NAME)


@pytest.fixture(autouse=True)
def _quick_training(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_network.register()
    monkeypatch.setattr("shelfvision.training._trainer.fit", tiny_network.solved)


@pytest.fixture(scope="module")
def trained() -> shv.CrossValidation:
    tiny_network.register()
    return shv.cross_validate(build, TRAINER, photos(groups=SESSIONS), n_folds=2, seed=3)


def test_each_fold_has_the_report_of_its_test_set(trained: shv.CrossValidation) -> None:
    assert trained.n_folds == 2
    folds = shv.SeededSplitter(seed=3).folds(photos(groups=SESSIONS), 2)
    for number, (report, fold) in enumerate(zip(trained.reports, folds, strict=True)):
        assert fold.test is not None
        assert report.predictions.ids.tolist() == fold.test.ids.tolist()
        assert np.flatnonzero(trained.fold_of == number).astype(str).tolist() == [*fold.test.ids]
        again = shv.evaluate(trained.classifiers[number], fold.test)
        assert again.accuracy == report.accuracy == trained.scores[number]


def test_a_fold_is_the_loop_written_by_hand(trained: shv.CrossValidation) -> None:
    fold = next(shv.SeededSplitter(seed=3).folds(photos(groups=SESSIONS), 2))
    inner = shv.SeededSplitter(0.8, 0.2, 0, seed=3).split(fold.train)
    assert inner.validation is not None
    assert trained.folds[0].n_train == len(inner.train)
    assert trained.folds[0].n_validation == len(inner.validation)
    assert not set(inner.train.groups) & set(inner.validation.groups)


def test_all_photos_together_are_in_the_order_of_the_dataset(trained: shv.CrossValidation) -> None:
    whole = trained.report
    assert whole.predictions.ids.tolist() == photos().ids.tolist()
    assert whole.n == 24
    assert (whole.confusion == sum(report.confusion for report in trained.reports)).all()
    assert whole.n_groups == 6
    rows = whole.predictions.probabilities[trained.fold_of == 1]
    assert (rows == trained.reports[1].predictions.probabilities).all()


def test_validation_scores_calibrate_a_classifier_of_all_photos(
    trained: shv.CrossValidation,
) -> None:
    scores = trained.validation_scores
    assert (scores.probabilities == trained.report.predictions.probabilities).all()
    assert scores.labels.tolist() == photos().labels.tolist()
    assert scores.n_groups == 6
    final = trained.classifiers[0].with_validation(scores).with_calibration()
    assert final.calibration is not None


def test_the_result_prints_and_pickles(trained: shv.CrossValidation) -> None:
    lines = str(trained).splitlines()
    assert [line[:6] for line in lines] == ["fold 1", "fold 2", "mean  "]
    assert repr(trained).startswith("<CrossValidation: 2 folds, accuracy ")
    copy = pickle.loads(pickle.dumps(trained))
    assert copy.scores.tolist() == trained.scores.tolist()
    assert copy.interval == trained.interval
    frame = trained.to_frame()
    assert frame.index.tolist() == [1, 2]
    assert frame["n_test"].sum() == 24
    assert frame["accuracy"].tolist() == trained.scores.tolist()


def test_the_interval_contains_that_of_all_photos(trained: shv.CrossValidation) -> None:
    (low, high), (least, most) = trained.interval, trained.report.intervals.accuracy
    assert low <= least <= trained.scores.mean() <= most <= high
    narrow = shv.cross_validate(build, TRAINER, photos(), n_folds=2, confidence_level=0.5)
    assert narrow.confidence_level == 0.5


def test_the_corrected_interval_is_wider_than_that_of_independent_folds() -> None:
    scores = np.array([0.7, 0.74, 0.71, 0.69, 0.73])
    low, high = corrected_interval(scores, 0.9)
    plain = ttest_1samp(scores, 0).confidence_interval(0.9)
    # The variance is (1/5 + 1/4) instead of 1/5 of that of the scores.
    assert (high - low) / (plain.high - plain.low) == pytest.approx(np.sqrt(2.25))
    assert (low + high) / 2 == pytest.approx(scores.mean())
    assert corrected_interval(np.array([0.0, 1.0]), 0.95) == (0.0, 1.0)


def test_balancing_copies_only_training_photos() -> None:
    seen: list[bytes] = []

    def turned(image: Any, rng: np.random.Generator) -> Any:
        seen.append(image.tobytes())
        return 255 - image

    few = photos()[[row for row in range(24) if LABELS[row] == "juice" or row < 12]]
    found = shv.cross_validate(
        build, TRAINER, few, n_folds=2, balance=shv.BalancingAugmenter(turned)
    )
    assert [fold.n_train + fold.n_validation for fold in found.folds] == [9, 9]
    assert seen
    milk = {image.tobytes() for image, label in few if label == 1}
    assert set(seen) < milk


def test_without_a_validation_set_the_training_loss_decides() -> None:
    found = shv.cross_validate(build, TRAINER, photos(), n_folds=2, validation=0)
    assert [fold.n_validation for fold in found.folds] == [0, 0]
    assert [fold.n_train for fold in found.folds] == [12, 12]


def test_a_function_returns_the_trainer_of_each_fold() -> None:
    given = []

    def chosen(model: Any, train: shv.Dataset) -> shv.Trainer:
        given.append(len(train))
        return TRAINER

    found = shv.cross_validate(build, chosen, photos(), n_folds=3)
    assert given == [fold.n_train for fold in found.folds]


def test_each_fold_has_its_own_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = []

    def recorded(trainer: Any, *rest: Any) -> Any:
        used.append(Path(trainer.checkpoint_dir))
        return tiny_network.solved(trainer, *rest)

    monkeypatch.setattr("shelfvision.training._trainer.fit", recorded)
    shv.cross_validate(build, shv.Trainer(checkpoint_dir=tmp_path), photos(), n_folds=2)
    assert used == [tmp_path / "fold-1", tmp_path / "fold-2"]


def test_two_networks_are_compared_on_the_same_folds() -> None:
    one, other = (
        shv.cross_validate(build, TRAINER, photos(), n_folds=2, validation=share)
        for share in (0.2, 0)
    )
    assert (one.fold_of == other.fold_of).all()
    assert shv.compare(one.report, other.report).n == 24


@pytest.mark.remedy("groups-parted")
def test_folds_that_part_near_duplicates_warn() -> None:
    twins = shv.Dataset.from_arrays(
        np.concatenate([IMAGES, IMAGES[:, :, ::-1]]), np.concatenate([LABELS, LABELS])
    )
    with gives_warning(LeakageWarning, "groups-parted"):
        shv.cross_validate(build, TRAINER, twins, n_folds=2)
    shv.cross_validate(build, TRAINER, twins.group_near_duplicates(), n_folds=2)


def test_a_model_of_another_fold_is_refused() -> None:
    model = build()
    with refuses(ModelError, "duplicate", "build"):
        shv.cross_validate(lambda: model, TRAINER, photos(), n_folds=2)


def test_wrong_arguments_are_refused() -> None:
    invalid: Any = InvalidParameterError
    with refuses(invalid, "wrong-type", "build"):
        shv.cross_validate(build(), TRAINER, photos())
    with refuses(invalid, "wrong-type", "trainer"):
        shv.cross_validate(build, 3, photos())  # type: ignore[arg-type]
    with refuses(invalid, "wrong-type", "dataset"):
        shv.cross_validate(build, TRAINER, IMAGES)  # type: ignore[arg-type]
    with refuses(invalid, "not-in-range", "n_folds"):
        shv.cross_validate(build, TRAINER, photos(), n_folds=1)
    with refuses(invalid, "not-in-range", "validation"):
        shv.cross_validate(build, TRAINER, photos(), validation=1)
    with refuses(invalid, "wrong-type", "balance"):
        shv.cross_validate(build, TRAINER, photos(), balance="all")  # type: ignore[arg-type]
    with refuses(invalid, "not-in-range", "confidence_level"):
        shv.cross_validate(build, TRAINER, photos(), confidence_level=1)
    with refuses(SplitError, "too-few-groups"):
        shv.cross_validate(build, TRAINER, photos(groups=[*LABELS]), n_folds=2)
    with refuses(LeakageError, "augmented-copies", "X"):
        copies = shv.BalancingAugmenter(sampling_strategy=20).balance(photos())
        shv.cross_validate(build, TRAINER, copies)
