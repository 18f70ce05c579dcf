"""Batches depend on seed and epoch alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import backend_name, load_keras
from shelfvision.data import Dataset
from shelfvision.errors import AugmenterError, PhotoError
from shelfvision.protocols import Image
from shelfvision.training.loop._batches import Batches, as_keras_data
from support import refuses

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., "keras.Model"]


def brighten(image: Image, rng: np.random.Generator) -> Image:
    """Return the image with a random amount of light."""
    return np.clip(image.astype(int) + rng.integers(-80, 80), 0, 255).astype(np.uint8)


def everything(batches: Batches, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    batches.begin_epoch(epoch)
    parts = [batches[index] for index in range(len(batches))]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def test_an_epoch_holds_every_photo_once_with_its_label(train: Dataset) -> None:
    images, labels = everything(Batches(train, batch_size=8, sparse=False, seed=1), epoch=1)
    wanted = {(train[row][0].tobytes(), train[row][1]) for row in range(len(train))}
    assert {(x.tobytes(), int(y.argmax())) for x, y in zip(images, labels, strict=True)} == wanted
    assert len(images) == 35
    assert (str(images.dtype), str(labels.dtype)) == ("uint8", "float32")


def test_the_last_batch_holds_what_is_left(train: Dataset) -> None:
    batches = Batches(train, batch_size=8, sparse=False, seed=1)
    assert [len(batches[index][0]) for index in range(len(batches))] == [8, 8, 8, 8, 3]


def test_a_sparse_loss_gets_class_numbers(train: Dataset) -> None:
    labels = everything(Batches(train, batch_size=8, sparse=True), epoch=1)[1]
    np.testing.assert_array_equal(labels, train.labels)


def test_without_a_seed_photos_keep_their_order(train: Dataset) -> None:
    images = everything(Batches(train, batch_size=8, sparse=False), epoch=3)[0]
    np.testing.assert_array_equal(images, train.to_arrays()[0])


def test_every_epoch_has_an_order_of_its_own_that_repeats(train: Dataset) -> None:
    first = Batches(train, batch_size=8, sparse=False, seed=5)
    again = Batches(train, batch_size=8, sparse=False, seed=5)
    third = everything(first, epoch=3)[0]
    assert not np.array_equal(everything(first, epoch=2)[0], third)
    np.testing.assert_array_equal(everything(again, epoch=3)[0], third)


def test_augmentation_is_fresh_in_every_epoch_and_the_same_in_any_order(train: Dataset) -> None:
    one = Batches(train, batch_size=8, sparse=False, seed=5, augmenter=brighten)
    other = Batches(train, batch_size=35, sparse=False, seed=5, augmenter=brighten)
    np.testing.assert_array_equal(everything(one, epoch=2)[0], everything(other, epoch=2)[0])
    one.begin_epoch(2)
    backwards = [one[index][0] for index in reversed(range(len(one)))]
    np.testing.assert_array_equal(np.concatenate(backwards[::-1]), everything(other, epoch=2)[0])
    plain = Batches(train[:1], batch_size=1, sparse=False, seed=5, augmenter=brighten)
    levels = {int(everything(plain, epoch)[0][0, 0, 0, 0]) for epoch in range(1, 8)}
    assert len(levels) > 1


def test_threads_that_read_at_once_get_the_same(train: Dataset) -> None:
    batches = Batches(train, batch_size=4, sparse=False, seed=5, augmenter=brighten)
    wanted = everything(batches, epoch=1)[0]
    found: dict[int, np.ndarray] = {}

    def read(index: int) -> None:
        found[index] = batches[index][0]

    threads = [threading.Thread(target=read, args=(index,)) for index in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(np.concatenate([found[i] for i in range(len(batches))]), wanted)


def test_an_augmenter_that_changes_the_shape_is_refused_with_the_photos_name(
    train: Dataset,
) -> None:
    batches = Batches(
        train[:1], batch_size=1, sparse=False, seed=1, augmenter=lambda image, rng: image[:5]
    )
    with pytest.raises(AugmenterError) as caught:
        batches[0]
    assert "'0000.png'" in str(caught.value)


def test_an_augmenter_that_writes_into_its_input_is_refused_and_spoils_nothing(
    train: Dataset,
) -> None:
    def scribble(image: Image, rng: np.random.Generator) -> Image:
        image[:] = 0
        return np.full_like(image, 7)

    before = train.to_arrays()[0]
    batches = Batches(train, batch_size=8, sparse=False, seed=1, augmenter=scribble)
    with pytest.raises(AugmenterError):
        batches[0]
    np.testing.assert_array_equal(train.to_arrays()[0], before)


def test_refreshed_copies_of_a_balanced_dataset_differ_from_epoch_to_epoch(
    train: Dataset,
) -> None:
    few = train[(train.labels != 1) | (np.arange(len(train)) < 9)]
    balanced = shv.BalancingAugmenter(brighten, refresh=True).balance(few)
    batches = Batches(balanced, batch_size=99, sparse=False, seed=1)
    levels = {int(everything(batches, epoch)[0].sum()) for epoch in range(1, 6)}
    assert len(levels) > 1


def test_validation_keeps_its_pixels_from_epoch_to_epoch(train: Dataset) -> None:
    batches = Batches(train, batch_size=8, sparse=False)
    first, later = (everything(batches, epoch)[0] for epoch in (1, 5))
    np.testing.assert_array_equal(first, later)


def test_an_epoch_that_is_gone_on_with_has_the_rest_of_its_batches(train: Dataset) -> None:
    whole = Batches(train, batch_size=8, sparse=False, seed=5, augmenter=brighten)
    rest = Batches(train, batch_size=8, sparse=False, seed=5, augmenter=brighten)
    whole.begin_epoch(2)
    rest.begin_epoch(2, skip=3)
    assert (len(whole), len(rest), rest.steps) == (5, 2, 5)
    for index in range(2):
        for ours, theirs in zip(rest[index], whole[index + 3], strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("sparse", [True, False])
def test_keras_gets_the_very_batches_anew_in_every_epoch(train: Dataset, sparse: bool) -> None:
    batches = Batches(train, batch_size=8, sparse=sparse, seed=5, augmenter=brighten)
    data: Any = as_keras_data(batches)
    for epoch in (2, 3):
        batches.begin_epoch(epoch)
        found = [data[i] for i in range(len(batches))] if hasattr(data, "workers") else list(data)
        assert len(found) == 5
        for index, pair in enumerate(found):
            for ours, theirs in zip(pair, batches[index], strict=True):
                np.testing.assert_array_equal(np.asarray(ours), theirs)


@pytest.mark.skipif(backend_name() != "tensorflow", reason="others read no tf.data")
def test_tensorflow_reads_no_generator_which_would_set_malloc_for_the_whole_process(
    make_model: MakeModel, train: Dataset, validation: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Keras holds on to it.
    monkeypatch.delattr(sys.modules["tensorflow"].data.Dataset, "from_generator")
    trainer = shv.Trainer(epochs=1, class_weight="balanced")
    assert trainer.fit(make_model(), train, validation).stopped_epoch == 1


@pytest.mark.skipif(backend_name() != "tensorflow", reason="others read no tf.data")
def test_no_tuner_runs_beside_an_epoch_which_its_end_would_have_to_wait_for(train: Dataset) -> None:
    data: Any = as_keras_data(Batches(train, batch_size=8, sparse=False, seed=1))
    assert data.options().autotune.enabled is False


class Spoilt:
    """Photos of which one cannot be read."""

    image_size = (20, 20)
    resize = "stretch"

    def __init__(self, photos: Dataset, bad: int, start: int = 0) -> None:
        self._photos, self._bad, self._start = photos, bad, start

    def __len__(self) -> int:
        return len(self._photos)

    def read(self, row: int) -> Image:
        if row == self._bad:
            raise PhotoError("'cut.jpg' is cut off", path="cut.jpg", code="truncated")
        return self._photos[row][0]

    def digest(self, row: int) -> str:
        return f"{self._start + row:064d}"


def spoilt(photos: Dataset, bad: int, start: int = 0) -> Dataset:
    return Dataset.from_source(
        Spoilt(photos, bad, start),
        ids=[f"{start + row}.jpg" for row in range(len(photos))],
        labels=photos.labels,
        class_names=photos.class_names,
    )


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_photo_of_any_part_and_batch_that_cannot_be_read_ends_in_its_own_error(
    make_model: MakeModel,
    train: Dataset,
    validation: Dataset,
    values_of: Callable[[object], list[np.ndarray]],
    part: str,
) -> None:
    model = make_model()
    trainer = shv.Trainer(epochs=2, batch_size=4, on_leak="allow")
    parts = (
        (spoilt(train, 17), validation) if part == "train" else (train, spoilt(validation, 9, 99))
    )
    with refuses(PhotoError, "truncated") as caught:
        trainer.fit(model, *parts)
    assert caught.value.path == "cut.jpg"
    assert caught.value.__cause__ is None
    assert all(np.isfinite(value).all() for value in values_of(model))


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), MemoryError()])
def test_an_augmenter_that_fails_in_a_later_epoch_leaves_the_best_weights(
    make_model: MakeModel,
    train: Dataset,
    values_of: Callable[[object], list[np.ndarray]],
    error: Exception,
) -> None:
    seen: list[int] = []
    best: list[list[np.ndarray]] = []

    def fail_late(image: Image, rng: np.random.Generator) -> Image:
        seen.append(0)
        if len(seen) > 2 * len(train) + 9:
            raise error
        return image

    def remember(epoch: int, logs: object) -> None:
        best.append(values_of(model))

    model = make_model()
    callback = load_keras().callbacks.LambdaCallback(on_epoch_end=remember)
    trainer = shv.Trainer(
        epochs=5,
        batch_size=4,
        learning_rate=0.001,
        monitor="loss",
        augmenter=fail_late,
        callbacks=[callback],
    )
    with pytest.raises((AugmenterError, MemoryError)):
        trainer.fit(model, train)
    assert any(
        all(np.array_equal(a, b) for a, b in zip(values_of(model), weights, strict=True))
        for weights in best
    )


FAILURES = """
import sys
import numpy as np
import shelfvision as shv
from test_batches import Spoilt, spoilt
from shelfvision.errors import AugmenterError, PhotoError
from shelfvision._keras.backend import load_keras

def photos(start):
    images = np.random.default_rng(start).integers(0, 256, (24, 20, 20, 3), dtype=np.uint8)
    return shv.Dataset.from_arrays(images, [row % 2 for row in range(24)], class_names=["a", "b"])

def fail(kind):
    seen = []
    def augmenter(image, rng):
        seen.append(0)
        if kind == "augmenter" and len(seen) > 30:
            raise ZeroDivisionError("mine")
        return image[:5] if kind == "shape" and len(seen) > 30 else image
    layers = load_keras().layers
    model = load_keras().Sequential([
        load_keras().Input((20, 20, 3)), layers.Rescaling(1 / 255),
        layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")])
    train = spoilt(photos(0), 17 if kind == "photo" else -1)
    held_out = spoilt(photos(1), 9 if kind == "validation" else -1, 99)
    trainer = shv.Trainer(epochs=3, batch_size=4, augmenter=augmenter, on_leak="allow")
    try:
        trainer.fit(model, train, held_out)
        print(kind, "ended")
    except (AugmenterError, PhotoError) as error:
        print(kind, type(error).__name__)

fail("nothing")
print("#", file=sys.stderr, flush=True)
for kind in ("photo", "validation", "augmenter", "shape"):
    fail(kind)
"""


@pytest.mark.processes
def test_a_failure_while_reading_writes_nothing_to_standard_error() -> None:
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    # TensorFlow then logs as it does by default.
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FAILURES],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:-1] == [
        "nothing ended",
        "photo PhotoError",
        "validation PhotoError",
        "augmenter AugmenterError",
        "shape AugmenterError",
    ]
    assert done.stderr.partition("#\n")[2] == ""
