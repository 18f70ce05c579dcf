"""Devices that would train another model, or be ignored, are refused before the first step."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import ModelError, TrainingError
from support import refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]
QUICK = shv.Trainer(epochs=1, batch_size=16, monitor="loss")


def only_on(backend: str) -> None:
    if load_keras().config.backend() != backend:
        pytest.skip(f"this is about {backend}")


@pytest.fixture
def distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Keras have a distribution, as after ``keras.distribution.set_distribution``."""
    monkeypatch.setattr(load_keras().distribution, "distribution", object)


def test_a_model_is_trained_on_the_one_device_of_a_distribution(
    make_model: MakeModel, train: Dataset
) -> None:
    only_on("jax")
    devices = load_keras().distribution.list_devices()[:1]
    with load_keras().distribution.DataParallel(devices=devices).scope():
        assert QUICK.fit(make_model(), train).stopped_epoch == 1


def test_several_processes_of_jax_are_refused(
    make_model: MakeModel, train: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_on("jax")
    jax = importlib.import_module("jax")
    monkeypatch.setattr(jax, "process_count", lambda: 4)
    with refuses(TrainingError, "not-supported") as caught:
        QUICK.fit(make_model(), train)
    assert "got 4 processes of jax.distributed" in str(caught.value)


def test_a_distribution_is_refused_where_keras_ignores_it(
    make_model: MakeModel, train: Dataset, distribution: None
) -> None:
    if load_keras().config.backend() == "jax":
        pytest.skip("Keras distributes on jax")
    with refuses(TrainingError, "not-supported"):
        QUICK.fit(make_model(), train)


def test_several_processes_of_torch_are_refused(
    make_model: MakeModel, train: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_on("torch")
    torch = importlib.import_module("torch")
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with refuses(TrainingError, "not-supported") as caught:
        QUICK.fit(make_model(), train)
    assert "got 2 processes of torch.distributed" in str(caught.value)


@pytest.mark.remedy("not-supported")
def test_a_wrapped_model_is_refused_by_its_name(make_model: MakeModel, train: Dataset) -> None:
    class DistributedDataParallel:
        """The class of torch, which holds the model as ``module``."""

        def __init__(self, module: object) -> None:
            self.module = module

    model = make_model()
    with refuses(ModelError, "not-supported", "model") as caught:
        QUICK.fit(DistributedDataParallel(model), train)
    assert "DistributedDataParallel" in str(caught.value)
    # The remedy: the Keras model itself.
    assert QUICK.fit(model, train).stopped_epoch == 1


@pytest.mark.remedy("outside-scope")
def test_a_strategy_must_be_that_of_the_model(make_model: MakeModel, train: Dataset) -> None:
    only_on("tensorflow")
    tf = importlib.import_module("tensorflow")
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    outside = make_model()
    with strategy.scope():
        inside = make_model()
        with refuses(ModelError, "outside-scope", "model"):
            QUICK.fit(outside, train)
    with (
        tf.distribute.OneDeviceStrategy("CPU:0").scope(),
        refuses(ModelError, "outside-scope", "model"),
    ):
        QUICK.fit(inside, train)
    # The remedy: outside the scope of the other strategy.
    assert QUICK.fit(inside, train).stopped_epoch == 1


def test_a_strategy_that_is_not_mirrored_is_refused(make_model: MakeModel, train: Dataset) -> None:
    only_on("tensorflow")
    tf = importlib.import_module("tensorflow")
    with tf.distribute.experimental.CentralStorageStrategy(["CPU:0"]).scope():
        model = make_model()
    with refuses(TrainingError, "not-supported", "model") as caught:
        QUICK.fit(model, train)
    assert "got CentralStorageStrategy" in str(caught.value)


def test_a_strategy_of_one_device_trains(make_model: MakeModel, train: Dataset) -> None:
    only_on("tensorflow")
    tf = importlib.import_module("tensorflow")
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = make_model()
    assert QUICK.fit(model, train).stopped_epoch == 1
