"""What a user of `Trainer.fit` sees."""

from __future__ import annotations

import dataclasses
import logging
import os
import random
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    LeakageError,
    LeakageWarning,
    ModelError,
    PhotoError,
    TrainingError,
    TrainingWarning,
)
from shelfvision.protocols import Image
from shelfvision.training import TrainingResult
from support import gives_warning, refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]
MakePhotos = Callable[..., Dataset]
ValuesOf = Callable[["keras.Model"], list[npt.NDArray[np.generic]]]

QUICK = shv.Trainer(epochs=1, batch_size=8)


def before_epoch(number: int, act: Callable[[keras.Model], None]) -> keras.callbacks.Callback:
    """Return a callback that does something to the model before an epoch, counted from 1."""

    class Act(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            if epoch + 1 == number:
                act(self.model)

    return Act()


def spoil(model: keras.Model) -> None:
    for variable in model.trainable_variables:
        variable.assign(np.full(variable.shape, 3.0, np.float32))


def poison(model: keras.Model) -> None:
    kernel = model.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan, np.float32))


def unmoving_model(dataset: Dataset) -> keras.Model:
    """Return a model whose accuracy stays the same under a tiny learning rate."""
    layers = load_keras().layers
    return load_keras().Sequential(
        [
            load_keras().Input((*dataset.image_size, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_initializer="ones"),
        ]
    )


@pytest.fixture(scope="module")
def spoiled(make_model: MakeModel, train: Dataset, validation: Dataset) -> TrainingResult:
    """Return a run of four epochs whose weights were spoiled before the third."""
    trainer = shv.Trainer(
        epochs=4, batch_size=8, learning_rate=0.01, callbacks=[before_epoch(3, spoil)]
    )
    return trainer.fit(make_model(), train, validation)


def test_history_has_kerass_names_and_one_value_an_epoch(spoiled: TrainingResult) -> None:
    assert set(spoiled.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in spoiled.history.values()} == {4}
    assert {len(values) for values in spoiled.timings.values()} == {4}


def test_the_model_ends_on_the_weights_of_the_best_epoch(
    spoiled: TrainingResult, validation: Dataset
) -> None:
    losses = spoiled.history["val_loss"]
    assert spoiled.best_epoch == losses.index(min(losses)) + 1
    assert spoiled.best_epoch < 3
    images = validation.to_arrays()[0]
    loss = spoiled.model.evaluate(images, validation.one_hot(), batch_size=8, verbose=0)[0]
    assert loss == pytest.approx(min(losses), abs=1e-5)


def test_the_classifier_predicts_as_the_model_and_knows_where_it_came_from(
    spoiled: TrainingResult, train: Dataset, validation: Dataset
) -> None:
    classifier = spoiled.classifier
    images = validation.to_arrays()[0]
    wanted = spoiled.model.predict(images, verbose=0)
    np.testing.assert_allclose(classifier.predict_proba(images), wanted, atol=1e-5)
    assert tuple(classifier.class_names) == train.class_names
    assert classifier.provenance["best_epoch"] == spoiled.best_epoch


def test_the_classifier_does_not_change_when_the_model_is_trained_on(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    first = QUICK.fit(make_model(), train, validation)
    images = validation.to_arrays()[0]
    before = first.classifier.predict_proba(images)
    spoil(first.model)
    np.testing.assert_array_equal(first.classifier.predict_proba(images), before)


def test_the_result_tells_best_and_last_epoch(spoiled: TrainingResult) -> None:
    assert f"best epoch {spoiled.best_epoch} by val_loss" in repr(spoiled)
    assert "stopped after epoch 4" in repr(spoiled)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(
    make_model: MakeModel, train: Dataset, validation: Dataset, values_of: ValuesOf
) -> None:
    one, two = (QUICK.fit(make_model(), train, validation) for _ in range(2))
    other = dataclasses.replace(QUICK, seed=1).fit(make_model(), train, validation)
    assert one.history == two.history
    for a, b in zip(values_of(one.model), values_of(two.model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.history != other.history


def test_training_stops_when_patience_is_out_and_a_tie_keeps_the_earlier_epoch(
    train: Dataset, validation: Dataset
) -> None:
    trainer = shv.Trainer(
        epochs=9, batch_size=16, learning_rate=1e-12, patience=2, monitor="val_accuracy"
    )
    result = trainer.fit(unmoving_model(train), train, validation)
    assert (result.best_epoch, result.stopped_epoch) == (1, 3)


def test_accuracy_is_top_1(train: Dataset, validation: Dataset) -> None:
    trainer = shv.Trainer(epochs=1, batch_size=16, learning_rate=1e-12, loss="binary_crossentropy")
    result = trainer.fit(unmoving_model(train), train, validation)
    assert result.history["val_accuracy"] == [pytest.approx(1 / 3)]


def test_without_validation_the_training_loss_decides_with_a_warning(
    make_model: MakeModel, train: Dataset
) -> None:
    with gives_warning(TrainingWarning, "no-validation", "validation"):
        result = QUICK.fit(make_model(), train)
    assert result.monitor == "loss"
    assert set(result.history) == {"loss", "accuracy"}


def test_the_articles_network_trains_on_binary_cross_entropy(make_photos: MakePhotos) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 88, 88, 3), dtype=np.uint8)
    photos = shv.Dataset.from_arrays(images, ["juice", "milk"] * 3)
    model = shv.build_model(2, image_size=(88, 88))
    trainer = shv.Trainer(epochs=1, monitor="loss")
    assert trainer.fit(model, photos).stopped_epoch == 1
    assert model.loss == "binary_crossentropy"


def test_other_networks_train_on_categorical_cross_entropy(spoiled: TrainingResult) -> None:
    assert spoiled.model.loss == "categorical_crossentropy"


def test_a_compiled_model_is_used_as_it_is_sparse_labels_included(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    model = make_model()
    optimizer = load_keras().optimizers.SGD(0.5)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    result = QUICK.fit(model, train, validation)
    assert model.optimizer is optimizer
    assert 0 < result.history["loss"][0] < 5
    assert set(result.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_settings_that_a_compiled_model_would_ignore_are_refused(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    model = make_model()
    model.compile(optimizer="sgd", loss="categorical_crossentropy")
    with refuses(InvalidParameterError, "already-compiled", "learning_rate"):
        dataclasses.replace(QUICK, learning_rate=0.5).fit(model, train, validation)


def test_another_trainer_trains_the_model_on_with_its_own_settings(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    model = QUICK.fit(make_model(), train, validation).model
    dataclasses.replace(QUICK, optimizer="sgd", learning_rate=0.25).fit(model, train, validation)
    assert type(model.optimizer).__name__ == "SGD"
    assert float(model.optimizer.learning_rate) == 0.25


def test_an_optimizer_instance_is_a_pattern_for_any_number_of_models(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    trainer = dataclasses.replace(QUICK, optimizer=load_keras().optimizers.SGD(0.125))
    for _ in range(2):
        model = trainer.fit(make_model(), train, validation).model
        assert float(model.optimizer.learning_rate) == 0.125


def test_kerass_own_callbacks_work(
    make_model: MakeModel, train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    callbacks = load_keras().callbacks
    seen: list[int] = []
    trainer = shv.Trainer(
        epochs=2,
        batch_size=8,
        callbacks=[
            callbacks.CSVLogger(tmp_path / "log.csv"),
            callbacks.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1)),
            callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch)),
        ],
    )
    result = trainer.fit(make_model(), train, validation)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    assert seen == [0, 1, 2, 3, 4] * 2
    assert float(result.model.optimizer.learning_rate) == 0.25
    assert "learning_rate" not in result.history


def test_an_augmenter_changes_what_is_learned_and_repeats(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    def noise(image: Image, rng: np.random.Generator) -> Image:
        return rng.integers(0, 256, image.shape, dtype=np.uint8)

    trainer = dataclasses.replace(QUICK, augmenter=noise)
    one, two = (trainer.fit(make_model(), train, validation).history for _ in range(2))
    assert one == two
    assert one != QUICK.fit(make_model(), train, validation).history


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_loss_that_is_no_number_stops_with_epoch_and_step(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    values_of: ValuesOf,
    tmp_path: Path,
    epoch: int,
) -> None:
    model = make_model()
    trainer = shv.Trainer(
        epochs=4, batch_size=8, checkpoint_dir=tmp_path, callbacks=[before_epoch(epoch, poison)]
    )
    with refuses(TrainingError, "diverged") as caught:
        trainer.fit(model, train, validation)
    assert f"nan in step 1 of epoch {epoch}" in str(caught.value)
    if epoch == 2:
        assert all(np.isfinite(value).all() for value in values_of(model))
    assert (tmp_path / "state-a.safetensors").exists() == (epoch == 2)
    assert not (tmp_path / "best.shelf").exists()


def test_a_monitor_that_the_model_does_not_measure_is_refused_with_those_it_does(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    with refuses(TrainingError, "unknown-name", "monitor"):
        dataclasses.replace(QUICK, monitor="val_f1").fit(make_model(), train, validation)


def test_an_unreadable_photo_is_told_as_such_by_every_backend(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    class Broken:
        image_size = (20, 20)

        def __len__(self) -> int:
            return 30

        def read(self, row: int) -> Image:
            if row == 25:
                raise PhotoError("'25.jpg' is cut off", path="25.jpg", code="truncated")
            return train[row][0]

        def digest(self, row: int) -> str:
            return f"{row:064d}"

    photos = shv.Dataset.from_source(
        Broken(),
        ids=[f"{row}.jpg" for row in range(30)],
        labels=train.labels[:30],
        class_names=train.class_names,
    )
    with refuses(PhotoError, "truncated") as caught:
        QUICK.fit(make_model(), photos, validation)
    assert caught.value.code == "truncated"


def test_photos_that_both_parts_have_are_a_leak(make_model: MakeModel, train: Dataset) -> None:
    with pytest.raises(LeakageError):
        QUICK.fit(make_model(), train, train[30:])


def test_a_leak_that_is_dropped_is_on_the_result(make_model: MakeModel, train: Dataset) -> None:
    trainer = dataclasses.replace(QUICK, on_leak="drop")
    with pytest.warns(LeakageWarning):
        result = trainer.fit(make_model(), train, train[30:])
    assert len(result.leaks) == 5
    told = result.classifier.provenance["training_photos"]
    assert isinstance(told, dict)
    assert told["photos"] == 30


def test_photos_that_do_not_fit_are_refused(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    one_class = train[train.labels == 1]
    with refuses(DataError, "one-class", "train"):
        QUICK.fit(make_model(), one_class, validation)
    with refuses(DataError, "empty", "train"):
        QUICK.fit(make_model(), train[:0], validation)
    with refuses(DataError, "empty", "validation"):
        QUICK.fit(make_model(), train, validation[:0])
    with refuses(DataError, "unknown-class", "validation"):
        QUICK.fit(make_model(), train, validation.relabel({"milk": "kefir"}))
    with refuses(InvalidParameterError, "wrong-type", "train"):
        QUICK.fit(make_model(), train.to_arrays(), validation)  # type: ignore[arg-type]  # wrong


def test_validation_may_lack_classes_and_list_them_in_another_order(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    some = validation[validation.labels != 0]
    turned = some.select(class_names=train.class_names[:0:-1])
    assert turned.class_names != train.class_names[1:]
    results = [QUICK.fit(make_model(), train, part) for part in (some, turned)]
    assert results[0].history == results[1].history
    scores = [result.classifier.validation_scores for result in results]
    assert scores[0] is not None
    assert scores[1] is not None
    assert scores[0].labels.tolist() == scores[1].labels.tolist() == some.labels.tolist()


@pytest.mark.remedy("inconsistent")
def test_validation_of_another_size_is_read_at_that_of_train(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    validation = validation.resized((9, 9))
    with refuses(DataError, "inconsistent", "validation") as caught:
        QUICK.fit(make_model(), train, validation)
    remedy = "validation.resized(train.image_size, resize=train.resize)"
    assert str(caught.value).endswith(f"pass {remedy}")
    validation = validation.resized(train.image_size, resize=train.resize)
    assert QUICK.fit(make_model(), train, validation).best_epoch == 1


def test_a_model_that_does_not_fit_is_refused(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    with refuses(ModelError, "wrong-shape", "model"):
        QUICK.fit(make_model(num_classes=4), train, validation)
    with refuses(ModelError, "wrong-shape", "model"):
        QUICK.fit(make_model(size=24), train, validation)
    with refuses(ModelError, "wrong-type", "model"):
        QUICK.fit("grocery_cnn", train, validation)


@pytest.mark.parametrize(("setting", "value"), [("optimizer", "adamant"), ("loss", "sorrow")])
def test_a_name_that_keras_does_not_have_is_refused(
    make_model: MakeModel, train: Dataset, validation: Dataset, setting: str, value: str
) -> None:
    trainer = shv.Trainer(**{setting: value})  # type: ignore[arg-type]  # parametrized
    with refuses(InvalidParameterError, "unknown-name", setting):
        trainer.fit(make_model(), train, validation)


def test_a_single_class_in_validation_is_told(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    with pytest.warns(TrainingWarning) as told:
        QUICK.fit(make_model(), train, validation[validation.labels == 1])
    warning = told[0].message
    assert isinstance(warning, TrainingWarning)
    assert (warning.code, warning.parameter) == ("one-class", "validation")
    assert told[0].filename == __file__


def test_fewer_photos_than_a_batch_train(make_model: MakeModel, make_photos: MakePhotos) -> None:
    result = shv.Trainer(epochs=1, monitor="loss").fit(make_model(), make_photos(5))
    assert result.stopped_epoch == 1


def test_training_leaves_the_process_as_it_was(
    make_model: MakeModel, train: Dataset, validation: Dataset
) -> None:
    def surroundings() -> tuple[object, ...]:
        return (
            random.getstate(),
            repr(np.random.get_state()),
            dict(os.environ),
            list(warnings.filters),
            list(logging.getLogger().handlers),
            logging.getLogger("shelfvision").level,
            signal.getsignal(signal.SIGINT),
            Path.cwd(),
        )

    model = make_model()
    before = surroundings()
    QUICK.fit(model, train, validation)
    assert surroundings() == before


def test_every_epoch_is_one_line_in_the_log_and_nothing_on_the_screen(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.INFO, logger="shelfvision"):
        dataclasses.replace(QUICK, epochs=2).fit(make_model(), train, validation)
    assert [record.message[:9] for record in caplog.records] == ["epoch 1/2", "epoch 2/2"]
    assert capsys.readouterr() == ("", "")


def test_a_live_line_can_be_asked_for(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataclasses.replace(QUICK, verbose=True).fit(make_model(), train, validation)
    shown = capsys.readouterr().err
    assert "epoch 1/1 step 5/5" in shown
    assert "images/s" in shown
