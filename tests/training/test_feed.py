"""Batches depend on seed and epoch alone."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import shelfvision as sv
from shelfvision.data import Dataset
from shelfvision.errors import AugmenterError
from shelfvision.models._backend import backend_name
from shelfvision.protocols import Image
from shelfvision.training._feed import Batches, as_keras_data

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
    assert isinstance(batches.failure, AugmenterError)


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
    balanced = sv.BalancingAugmenter(brighten, refresh=True).balance(few)
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
    trainer = sv.Trainer(epochs=1, class_weight="balanced")
    assert trainer.fit(make_model(), train, validation).stopped_epoch == 1


@pytest.mark.skipif(backend_name() != "tensorflow", reason="others read no tf.data")
def test_no_tuner_runs_beside_an_epoch_which_its_end_would_have_to_wait_for(train: Dataset) -> None:
    data: Any = as_keras_data(Batches(train, batch_size=8, sparse=False, seed=1))
    assert data.options().autotune.enabled is False
