"""`PhotoClassifier`: scikit-learn's tools train networks on photos, without leaks."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import shelfvision as shv
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    LeakageWarning,
    PhotoNotFoundError,
    SplitError,
)
from shelfvision.sklearn import PhotoClassifier
from support import gives_warning, refuses, tiny_network

pytestmark = pytest.mark.backend

X, Y = tiny_network.coloured()
SESSIONS = np.array([f"session {row // 4}" for row in range(24)])


@pytest.fixture
def real_training() -> None:
    """Train networks with Keras in a test; the others solve for the weights, which is quick."""


@pytest.fixture(autouse=True)
def _quick_training(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_network.register()
    if "real_training" not in request.fixturenames:
        monkeypatch.setattr("shelfvision.training._trainer.fit", tiny_network.solved)


def estimator(**params: Any) -> PhotoClassifier:
    trainer = shv.Trainer(epochs=2, batch_size=64, optimizer="sgd", learning_rate=0.5)
    return PhotoClassifier(**{"architecture": tiny_network.NAME, "trainer": trainer, **params})


@pytest.fixture(scope="module")
def fitted() -> PhotoClassifier:
    tiny_network.register()
    return estimator(epochs=20, learning_rate=0.05).fit(X, Y)


class Recording:
    """An augmenter that counts the originals that it is given."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def __call__(self, image: Any, rng: np.random.Generator) -> Any:
        self.seen.append(image.tobytes())
        return 255 - image

    def __deepcopy__(self, memo: object) -> Recording:
        return self


def test_it_learns_and_predicts_labels(fitted: PhotoClassifier) -> None:
    assert is_classifier(fitted)
    assert fitted.classes_.tolist() == ["juice", "milk"]
    # Backends start at other weights, and the steps are few.
    assert fitted.score(X, Y) == (fitted.predict(X) == Y).mean() >= 0.9
    rows = fitted.predict_proba(X)
    assert rows.shape == (24, 2)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)
    assert (rows == fitted.classifier_.predict_proba(X)).all()
    assert fitted.classifier_.class_names == ("juice", "milk")
    assert len(fitted.history_["val_loss"]) == 20
    assert 1 <= fitted.best_epoch_ <= 20


@pytest.mark.parametrize(
    "labels",
    [np.array([7, 3] * 12), np.array([True, False] * 12), np.array([1.0, 2.0] * 12), [*Y], Y],
    ids=["integers", "booleans", "whole floats", "list", "texts"],
)
def test_labels_keep_their_type(labels: Any) -> None:
    found = estimator(epochs=1).fit(X, labels)
    assert found.classes_.tolist() == sorted(set(np.asarray(labels).tolist()))
    assert found.predict(X).dtype == np.asarray(labels).dtype


def test_photos_are_paths_images_or_arrays(fitted: PhotoClassifier, tmp_path: Path) -> None:
    paths = [tmp_path / f"{label}-{'ab'[row % 2]}{row}x.png" for row, label in enumerate(Y)]
    for path, pixels in zip(paths, X, strict=True):
        Image.fromarray(pixels).save(path)
    expected = fitted.predict_proba(X)
    for photos in (paths, [Image.open(path) for path in paths], list(X), np.array(paths, str)):
        np.testing.assert_array_equal(fitted.predict_proba(photos), expected)
    again = estimator().fit(paths, Y)
    assert again.score(paths, Y) == 1.0


def test_photos_of_another_size_are_resized() -> None:
    large = X.repeat(3, axis=1).repeat(2, axis=2)
    found = estimator(epochs=1).fit(large, Y)
    assert found.classifier_.image_size == tiny_network.SIZE
    assert found.predict(large).shape == (24,)


def test_the_same_seed_gives_the_same_network(real_training: None) -> None:
    one, other, third = (estimator(seed=seed).fit(X, Y).predict_proba(X) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, other)
    assert (one != third).any()


def test_parameters_are_got_set_and_cloned() -> None:
    found = estimator(balance=shv.BalancingAugmenter(seed=3))
    copy = clone(found)
    assert copy.get_params()["trainer__epochs"] == 2
    assert copy.get_params()["balance__seed"] == 3
    assert "trainer__epochs" not in copy.get_params(deep=False)
    copy.set_params(trainer__epochs=5, balance__seed=4, epochs=None, dropout=0.5)
    names = ("trainer__epochs", "balance__seed")
    assert [copy.get_params()[name] for name in names] == [5, 4]
    assert [found.get_params()[name] for name in names] == [2, 3]
    assert copy.dropout == 0.5
    assert "dropout=0.5" in repr(copy)


def test_parameters_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="Invalid parameter 'epoch'"):
        estimator().set_params(epoch=3)
    with refuses(InvalidParameterError, "unknown-name", "trainer"):
        estimator().set_params(trainer__epoch=3)
    with refuses(InvalidParameterError, "wrong-type", "trainer"):
        PhotoClassifier().set_params(trainer__epochs=3)
    with refuses(InvalidParameterError, "wrong-type", "balance"):
        estimator().set_params(balance__seed=3)


def test_parameters_replace_settings_of_the_trainer() -> None:
    found = estimator(epochs=3, learning_rate=0.0001).fit(X, Y)
    assert len(found.history_["loss"]) == 3
    recommended = PhotoClassifier(tiny_network.NAME, epochs=1).fit(X, Y)
    assert len(recommended.history_["loss"]) == 1
    own = estimator(trainer=shv.Trainer.recommended, epochs=4).fit(X, Y)
    assert len(own.history_["loss"]) == 4


def test_a_share_of_the_photos_is_the_validation_set() -> None:
    found = estimator(validation=0.25).fit(X, Y)
    assert len(found.validation_indices_) == 6
    assert sorted(Y[found.validation_indices_]) == ["juice"] * 3 + ["milk"] * 3
    without = estimator(validation=0).fit(X, Y)
    assert without.validation_indices_.tolist() == []
    assert "val_loss" not in without.history_


def test_balancing_copies_only_training_photos() -> None:
    rows = [row for row in range(24) if Y[row] == "juice" or row < 12]
    recording = Recording()
    balance = shv.BalancingAugmenter(recording)
    found = estimator(balance=balance, validation=0.3).fit(X[rows], Y[rows])
    held_out = {X[rows][row].tobytes() for row in found.validation_indices_}
    milk = {X[row].tobytes() for row in rows if Y[row] == "milk"}
    assert recording.seen
    assert set(recording.seen) <= milk - held_out
    assert held_out & milk


def test_balance_true_is_the_default_balancer() -> None:
    rows = [row for row in range(24) if Y[row] == "juice" or row < 12]
    chosen = [True, shv.BalancingAugmenter(seed=42), None]
    found = [estimator(balance=one).fit(X[rows], Y[rows]).predict_proba(X) for one in chosen]
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_groups_stay_on_one_side_of_the_inner_division() -> None:
    found = estimator(validation=0.34).fit(X, Y, groups=SESSIONS)
    inside = set(SESSIONS[found.validation_indices_])
    assert inside
    assert not inside & set(np.delete(SESSIONS, found.validation_indices_))


def test_near_duplicates_stay_on_one_side_of_the_inner_division() -> None:
    photos, labels = np.concatenate([X, X[:, :, ::-1]]), np.concatenate([Y, Y])
    found = estimator(validation=0.25).fit(photos, labels)
    assert sorted(found.validation_indices_ % 24) == sorted([*found.validation_indices_ % 24])
    inside = set((found.validation_indices_ % 24).tolist())
    outside = set(range(48)) - set(found.validation_indices_.tolist())
    assert not inside & {row % 24 for row in outside}


@pytest.mark.remedy("groups-parted", "too-few-groups")
def test_a_class_of_one_burst_warns_and_a_class_of_one_photo_is_refused() -> None:
    twins = np.concatenate([X[::2], X[1:2], X[1:2, ::-1], X[1:2, :, ::-1]])
    labels = ["milk"] * 12 + ["juice"] * 3
    with gives_warning(LeakageWarning, "groups-parted"):
        estimator(epochs=1).fit(twins, labels)
    estimator(epochs=1).fit(twins, labels, groups=range(15))
    with refuses(SplitError, "too-few-groups", "validation"):
        estimator().fit(X[:13], ["milk"] * 12 + ["juice"])
    estimator(epochs=1, validation=0).fit(X[:13], ["milk"] * 12 + ["juice"])


def test_scores_on_relatives_of_training_photos_warn(fitted: PhotoClassifier) -> None:
    fresh, labels = tiny_network.coloured(seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", LeakageWarning)
        fitted.score(fresh, labels)
        fitted.score(X[:5], Y[:5])
        fitted.predict(X[:, ::-1])
        pickle.loads(pickle.dumps(fitted)).score(fresh, labels)
    with gives_warning(LeakageWarning, "groups-parted"):
        fitted.score(np.concatenate([fresh, X[:1, ::-1]]), [*labels, Y[0]])
    grouped = estimator(epochs=1).fit(X, Y, groups=SESSIONS)
    grouped.score(X[:, ::-1], Y)


def test_folds_of_scikit_learn_that_part_bursts_warn(tmp_path: Path) -> None:
    paths, labels = [], []
    for label, level in (("milk", 40), ("juice", 200)):
        for number in range(8):
            noise = np.random.default_rng(number).integers(level - 30, level + 30, (20, 20, 3))
            paths.append(tmp_path / f"{label}_{number}.png")
            labels.append(label)
            Image.fromarray(noise.astype(np.uint8)).save(paths[-1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LeakageWarning)
        cross_val_score(estimator(), paths, labels, cv=StratifiedKFold(2))
    found = [str(one.message) for one in caught if isinstance(one.message, LeakageWarning)]
    assert any("the training set and the scored photos part 16 photos" in text for text in found)


def test_cross_val_score_gives_the_scores_of_cross_validate(real_training: None) -> None:
    splitter = shv.SeededSplitter(seed=42)
    trainer = shv.Trainer(epochs=2, batch_size=64, optimizer="sgd", learning_rate=0.02)
    scores = cross_val_score(estimator(trainer=trainer), X, Y, cv=splitter.cv(2))
    found = shv.cross_validate(
        lambda: shv.build_model(2, architecture=tiny_network.NAME),
        trainer,
        shv.Dataset.from_arrays(X, Y),
        n_folds=2,
    )
    assert scores.tolist() == found.scores.tolist()


def test_groups_reach_folds_and_fits_with_and_without_routing() -> None:
    folds = GroupKFold(3)
    plain = cross_val_score(
        *(estimator(), X, Y), groups=SESSIONS, cv=folds, params={"groups": SESSIONS}
    )
    with config_context(enable_metadata_routing=True):
        asking = estimator().set_fit_request(groups=True)
        routed = cross_val_score(asking, X, Y, cv=folds, params={"groups": SESSIONS})
    assert plain.tolist() == routed.tolist()


def test_a_grid_search_sets_nested_parameters() -> None:
    grid = {"trainer__epochs": [3, 4], "balance": [True], "validation": [0.2, 0.25]}
    search = GridSearchCV(estimator(), grid, cv=shv.SeededSplitter().cv(2)).fit(X, Y)
    assert len(search.best_estimator_.history_["loss"]) == search.best_params_["trainer__epochs"]
    assert search.best_estimator_.trainer.epochs == search.best_params_["trainer__epochs"]
    assert search.predict(X).tolist() == Y.tolist()


def test_a_pipeline_prepares_photos() -> None:
    darker = FunctionTransformer(lambda photos: photos // 2)
    pipeline = Pipeline([("darker", darker), ("network", estimator(epochs=10))]).fit(X, Y)
    assert pipeline.score(X, Y) == 1.0
    assert pipeline.set_params(network__seed=7).get_params()["network__seed"] == 7


def test_scikit_learn_calibrates_it() -> None:
    calibrated = CalibratedClassifierCV(estimator(epochs=6), cv=2).fit(X, Y)
    rows = calibrated.predict_proba(X)
    assert rows.shape == (24, 2)
    assert calibrated.predict(X).tolist() == Y.tolist()


def test_probabilities_of_folds_are_collected() -> None:
    folds = shv.SeededSplitter().cv(2)
    rows = cross_val_predict(estimator(epochs=1), X, Y, cv=folds, method="predict_proba")
    assert rows.shape == (24, 2)


def test_pickles_predict_the_same(fitted: PhotoClassifier, tmp_path: Path) -> None:
    expected = fitted.predict_proba(X)
    joblib.dump(fitted, tmp_path / "estimator.joblib")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "estimator.joblib")):
        np.testing.assert_array_equal(copy.predict_proba(X), expected)
        assert copy.classes_.tolist() == ["juice", "milk"]


def test_a_saved_classifier_predicts_the_same(fitted: PhotoClassifier, tmp_path: Path) -> None:
    fitted.classifier_.save(tmp_path / "a.shelf")
    loaded = shv.Classifier.load(tmp_path / "a.shelf")
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


def wrong_fits() -> Iterator[Any]:
    invalid = InvalidParameterError
    yield {"validation": 1}, X, Y, None, (invalid, "not-in-range", "validation")
    yield {"validation": "a"}, X, Y, None, (invalid, "not-in-range", "validation")
    yield {"balance": "all"}, X, Y, None, (invalid, "wrong-type", "balance")
    yield {"trainer": 3}, X, Y, None, (invalid, "wrong-type", "trainer")
    yield {"epochs": 0}, X, Y, None, (invalid, "not-in-range", "epochs")
    yield {"seed": -1}, X, Y, None, (invalid, "not-in-range", "seed")
    yield {}, X, None, None, (invalid, "missing", "y")
    yield {}, X[:5], Y, None, (invalid, "wrong-length", "y")
    yield {}, X, Y, ["a"], (invalid, "wrong-length", "groups")
    yield {}, X / 255, Y, None, (invalid, "wrong-shape", "X")
    yield {}, "a.jpg", ["milk", "juice"], None, (invalid, "wrong-type", "X")
    yield {"validation": 0}, X, ["milk"] * 24, None, (DataError, "one-class", "y")
    yield {}, ["no such file.jpg"] * 24, Y, None, (PhotoNotFoundError, "not-found", None)


@pytest.mark.parametrize(("params", "photos", "labels", "groups", "expected"), [*wrong_fits()])
def test_wrong_arguments_are_refused(
    params: Any, photos: Any, labels: Any, groups: Any, expected: Any
) -> None:
    error, code, parameter = expected
    with refuses(error, code, parameter):
        estimator(**params).fit(photos, labels, groups)


def test_an_estimator_that_is_not_fitted_says_so() -> None:
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(estimator(), method)(X)
    with pytest.raises(NotFittedError):
        estimator().score(X, Y)


@pytest.mark.fuzz
@pytest.mark.usefixtures("real_training")
def test_folds_in_processes_have_the_scores_of_one_process(
    fuzz_count: Callable[[int, int], int],
) -> None:
    if fuzz_count(0, 1) == 0:
        pytest.skip("starting Keras in two processes takes long; --fuzz-share 1 does it")
    trainer = shv.Trainer(epochs=1, batch_size=8, verbose=False)
    # The processes know the architectures of the package only.
    model = PhotoClassifier("shelf_cnn", image_size=(32, 32), trainer=trainer, seed=1)
    scores = [
        cross_val_score(model, X.repeat(4, 1).repeat(4, 2), Y, cv=2, n_jobs=n, error_score="raise")
        for n in (1, 2)
    ]
    assert scores[0].tolist() == scores[1].tolist()
