"""Small training runs on one and on two virtual devices, for `test_two_devices`.

Run as ``python train_on_two_devices.py CASE...`` with ``KERAS_BACKEND`` set to jax or tensorflow
and ``PYTHONPATH`` to the folder of tests. It prints one line for each case: its name and a JSON
value. The two devices share one processor.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if os.environ["KERAS_BACKEND"] == "jax":
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import numpy as np

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import ShelfVisionError
from shelfvision.training import CosineSchedule, GradientClipping, TrainingResult
from support.run_states import newest_state
from support.training_runs import PowerCutError

if TYPE_CHECKING:
    import keras

SIDE, CLASSES = 6, 3
ON_TENSORFLOW = os.environ["KERAS_BACKEND"] == "tensorflow"

Scope = Callable[[], AbstractContextManager[object]]
Compile = Callable[["keras.Model"], None]


def two_devices() -> Scope:
    """Return the scope of two devices, as a user makes it."""
    if not ON_TENSORFLOW:
        distribution = load_keras().distribution
        devices = distribution.list_devices("cpu")
        assert len(devices) == 2
        return distribution.DataParallel(devices=devices).scope  # type: ignore[no-any-return]  # keras has no types
    tf = importlib.import_module("tensorflow")
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope  # type: ignore[no-any-return]  # tensorflow has no types


def photos(count: int, *, seed: int) -> shv.Dataset:
    """Return noise whose colours tell a little of its class."""
    labels = np.arange(count) % CLASSES
    noise = np.random.default_rng(seed).integers(0, 150, (count, SIDE, SIDE, 3))
    noise[..., 0] += 50 * labels[:, None, None]
    return shv.Dataset.from_arrays(noise.astype(np.uint8), [f"class {i}" for i in labels])


def network(*, normalized: bool = False, regularizer: str | None = None) -> keras.Model:
    """Return a network with fixed initial weights, and with normalization and dropout on demand."""
    layers, glorot = load_keras().layers, load_keras().initializers.GlorotUniform
    middle = [layers.BatchNormalization(momentum=0.5), layers.Dropout(0.3, seed=1)]
    inputs = load_keras().Input((SIDE, SIDE, 3), dtype="uint8")
    outputs = inputs
    for layer in (
        layers.Rescaling(1 / 255),
        layers.Flatten(name="flatten"),
        layers.Dense(5, "tanh", kernel_initializer=glorot(1), kernel_regularizer=regularizer),
        *(middle if normalized else ()),
        layers.Dense(5, "tanh", kernel_initializer=glorot(2), name="deep"),
        layers.Dense(CLASSES, "softmax", kernel_initializer=glorot(4)),
    ):
        outputs = layer(outputs)
    return load_keras().Model(inputs, outputs)


def fit(
    scope: Scope,
    *,
    train: int = 13,
    validation: int = 5,
    normalized: bool = False,
    regularizer: str | None = None,
    compiled: Compile | None = None,
    optimizer: Callable[[], keras.optimizers.Optimizer] | str = "adam",
    **settings: object,
) -> TrainingResult:
    """Train in a scope: 3 whole batches and one of a single photo, if nothing else is asked."""
    values: dict[str, object] = {"epochs": 2, "batch_size": 4, "verbose": 0}
    with scope():
        model = network(normalized=normalized, regularizer=regularizer)
        if compiled is None:
            values["optimizer"] = optimizer if isinstance(optimizer, str) else optimizer()
        else:
            compiled(model)
        trainer = shv.Trainer(**(values | settings))  # type: ignore[arg-type]  # a test's shorthand
        held_out = photos(validation, seed=2) if validation else None
        return trainer.fit(model, photos(train, seed=1), held_out)


def difference(one: TrainingResult, two: TrainingResult) -> float:
    """Return the largest difference of weights, metrics and predictions of two results."""
    assert one.history.keys() == two.history.keys()
    probe = photos(4, seed=3)
    values = [
        [*part.history.values(), *part.model.get_weights(), part.classifier.predict_proba(probe)]
        for part in (one, two)
    ]
    return max(float(np.abs(np.subtract(a, b)).max()) for a, b in zip(*values, strict=True))


def steps_of(result: TrainingResult) -> int:
    """Return how many steps the optimizer of a trained model has made."""
    return int(load_keras().ops.convert_to_numpy(result.model.optimizer.iterations))


def same_as_one_device(scope: Scope, **settings: object) -> object:
    """Train on one and on two devices, and return how much their results differ."""
    one = fit(contextlib.nullcontext, **settings)  # type: ignore[arg-type]  # a test's shorthand
    two = fit(scope, **settings)  # type: ignore[arg-type]  # the same
    return {
        "difference": difference(one, two),
        "steps": [steps_of(part) for part in (one, two)],
    }


def sgd(**settings: object) -> Callable[[], keras.optimizers.Optimizer]:
    """Return a maker of an optimizer with large steps."""
    return lambda: load_keras().optimizers.SGD(0.5, **settings)


def with_sparse_loss(model: keras.Model) -> None:
    """Compile a model as a user may."""
    model.compile(sgd()(), "sparse_categorical_crossentropy", metrics=["accuracy"])


def with_more_metrics(model: keras.Model) -> None:
    """Compile a model with metrics that count weighted and unweighted photos."""
    precision = load_keras().metrics.Precision(name="precision")
    model.compile(
        sgd()(),
        "categorical_crossentropy",
        metrics=["accuracy", precision],
        weighted_metrics=["mae"],
    )


def eagerly(model: keras.Model) -> None:
    """Compile a model that runs without a graph."""
    model.compile(sgd()(), "categorical_crossentropy", run_eagerly=True)


EQUAL: dict[str, dict[str, object]] = {
    "one photo too many": {},
    "every batch odd": {"train": 7, "validation": 4, "batch_size": 3},
    "divisible": {"train": 12, "validation": 4},
    "fewer photos than devices": {"train": 3, "validation": 3, "batch_size": 1},
    "no validation": {"validation": 0, "monitor": "loss"},
    "regularizer": {"regularizer": "l2", "optimizer": sgd()},
    "global norm": {"optimizer": sgd(), "clipping": GradientClipping(global_norm=0.01)},
    "value": {"optimizer": sgd(), "clipping": GradientClipping(value=0.01)},
    "weights and decay": {
        "optimizer": "adamw",
        "weight_decay": 0.1,
        "class_weight": {"class 0": 3.0},
        "label_smoothing": 0.1,
        "layer_decay": 0.5,
        "schedule": CosineSchedule(warmup_epochs=1),
        "augmenter": shv.augment.Flip(),
    },
    "moving average": {"optimizer": sgd(use_ema=True, ema_momentum=0.5)},
    "bfloat16": {"mixed_precision": "bfloat16"},
    "float16": {"mixed_precision": "float16", "clipping": GradientClipping(norm=0.01)},
    "head": {"fine_tune": "head"},
    "layers above": {"fine_tune": "flatten", "augmenter": shv.augment.Flip(), "views": 2},
    "full": {"fine_tune": "full"},
    "sparse loss": {"compiled": with_sparse_loss},
    "more metrics": {"compiled": with_more_metrics, "class_weight": {"class 0": 3.0}},
    "eager": {"compiled": eagerly},
}
"""Runs that must be equal to those on one device, within rounding."""
if not ON_TENSORFLOW:
    EQUAL |= {
        "normalized": {"normalized": True},
        "steps per execution": {"steps_per_execution": 2},
        "accumulated": {"optimizer": sgd(gradient_accumulation_steps=2)},
    }


def power_cut(after: int) -> keras.callbacks.Callback:
    """Return a callback that ends a run after so many steps."""

    class PowerCut(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        steps = 0

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            self.steps += 1
            if self.steps == after:
                raise PowerCutError

        def get_state(self) -> int:
            return 0

        def set_state(self, state: int) -> None:
            assert state == 0

    return PowerCut()


def ending_of(directory: Path) -> list[object]:
    """Return all that a run leaves on disk, as far as it may not differ."""
    state = newest_state(directory)
    arrays = [*state.model, *state.optimizer, *state.best_model]
    return [state.history, dict(state.best), [value.tobytes() for value in arrays]]


def resumed(scope: Scope) -> object:
    """Interrupt a run twice within epochs; return whether it ends as one without interruption."""
    endings = []
    for cuts in ((), (3, 4)):
        with tempfile.TemporaryDirectory() as folder:
            for cut in (*cuts, 99):
                with contextlib.suppress(PowerCutError):
                    fit(
                        scope,
                        normalized=True,
                        train=15,
                        epochs=2,
                        save_every=1,
                        checkpoint_dir=folder,
                        callbacks=[power_cut(cut)],
                    )
            endings.append(ending_of(Path(folder)))
    return endings[0] == endings[1]


def resumed_on_one(scope: Scope) -> object:
    """Resume a run of two devices on one; return the error or the warnings."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fit(scope, epochs=1, checkpoint_dir=folder)
        try:
            fit(contextlib.nullcontext, epochs=2, checkpoint_dir=folder)
        except ShelfVisionError as error:
            return [error.code, str(error)]
        return [str(one.message) for one in found if "environment" in str(one.message)]


def saved_model_is_validated(scope: Scope) -> object:
    """Return how much the validation loss in the history differs from that of the saved model."""
    result = fit(scope, normalized=True, train=15, epochs=1)
    held_out = photos(5, seed=2)
    rows = result.classifier.predict_proba(held_out)
    loss = -np.log(rows[np.arange(5), held_out.labels]).mean()
    return abs(float(loss) - result.history["val_loss"][0])


def used_everywhere(scope: Scope) -> object:
    """Use a classifier within and outside the scope, and load it from its file."""
    result, probe = fit(scope), photos(5, seed=3)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "two.shelf")
        result.classifier.save(file)
        loaded = shv.Classifier.load(file, builder=lambda _: network())
        with scope():
            inside = [result.classifier.predict_proba(probe), loaded.predict_proba(probe)]
            report = shv.evaluate(result.classifier, probe)
            again = shv.Classifier.load(file, builder=lambda _: network()).predict_proba(probe)
        outside = [result.classifier.predict_proba(probe), loaded.predict_proba(probe), again]
    same = [np.array_equal(rows, outside[0]) for rows in (*inside, *outside)]
    return [*same, report.accuracy == shv.evaluate(result.classifier, probe).accuracy]


def built_in(scope: Scope) -> object:
    """Train a built-in network whose scope has ended (tensorflow), or that is still in it (jax)."""
    dataset = photos(7, seed=1).resized((88, 88))
    with scope():
        model = shv.build_model(CLASSES, architecture="shelf_cnn", image_size=(88, 88), seed=1)
    trainer = shv.Trainer(epochs=1, batch_size=3, monitor="loss", verbose=0)
    with contextlib.nullcontext() if ON_TENSORFLOW else scope():
        result = trainer.fit(model, dataset, photos(5, seed=2).resized((88, 88)))
    return steps_of(result)


def refused(scope: Scope) -> object:
    """Return the codes of the errors of models and optimizers that are not on the devices."""
    codes: list[str | None] = []

    def attempt(build: Scope, train: Scope, compiled: Scope | None = None) -> None:
        with build():
            model = network()
        if compiled is not None:
            with compiled():
                optimizer = sgd()()
            with build():
                model.compile(optimizer, "categorical_crossentropy")
        try:
            with train():
                trainer = shv.Trainer(epochs=1, batch_size=4, monitor="loss", verbose=0)
                trainer.fit(model, photos(8, seed=1))
        except ShelfVisionError as error:
            codes.append(error.code)
        else:
            codes.append(None)

    here = contextlib.nullcontext
    attempt(here, scope)
    attempt(scope, scope, compiled=here)
    attempt(scope, here)
    return codes


def unsupported(scope: Scope) -> object:
    """Return the messages of settings that cannot run on several replicas of tensorflow."""
    messages = []
    tried: list[dict[str, object]] = [
        {"optimizer": sgd(gradient_accumulation_steps=2)},
        {"optimizer": sgd(use_ema=True, ema_overwrite_frequency=2)},
        {"steps_per_execution": 2},
    ]
    for settings in tried:
        try:
            fit(scope, **settings)  # type: ignore[arg-type]  # a test's shorthand
        except ShelfVisionError as error:
            messages.append(f"{error.code}: {error}")
    return messages


CASES: dict[str, Callable[[Scope], object]] = {
    "resumed": resumed,
    "resumed on one": resumed_on_one,
    "validated": saved_model_is_validated,
    "used everywhere": used_everywhere,
    "built in": built_in,
    "refused": refused,
    "unsupported": unsupported,
}


def main(names: list[str]) -> None:
    """Run cases and print their results."""
    warnings.simplefilter("ignore")
    scope = two_devices()
    for name in names or [*EQUAL, *CASES]:
        try:
            equal = name in EQUAL
            found = same_as_one_device(scope, **EQUAL[name]) if equal else CASES[name](scope)
        except Exception:  # noqa: BLE001  # the test shows it
            found = traceback.format_exc()
        print(f"{name}\t{json.dumps(found)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
