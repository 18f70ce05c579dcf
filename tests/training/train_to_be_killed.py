"""A small training run for `test_kills`, in a process of its own; it tells what it is about to do.

Run as ``python train_to_be_killed.py FOLDER``. Every event is one byte on standard output: ``T``
the training begins, ``s`` a step is done, ``e`` an epoch is closed, ``W`` a save begins on its
thread, ``w`` it has ended.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.training import PlateauSchedule
from shelfvision.training.run._checkpoints import Checkpoints

if TYPE_CHECKING:
    import keras

    from shelfvision.protocols import Image
    from shelfvision.training.run._state import RunState

N_TRAIN, N_VALIDATION, SIZE, BATCH = 44, 12, 12, 6
EPOCHS = 20


def tell(event: bytes) -> None:
    """Write one event, past all buffers."""
    os.write(sys.stdout.fileno(), event)


def roll(image: Image, rng: np.random.Generator) -> Image:
    """Return the image moved sideways."""
    return np.roll(image, rng.integers(SIZE), axis=1)


def announce_saves() -> None:
    """Have every save told, from the encoding of the state to the last rename."""
    write = Checkpoints._write

    def told(self: Checkpoints, path: Path, state: RunState, generation: int) -> None:
        tell(b"W")
        write(self, path, state, generation)
        tell(b"w")

    Checkpoints._write = told  # type: ignore[method-assign]  # on purpose


def photos() -> shv.Dataset:
    """Return noise whose brightness tells a little of its class."""
    n = N_TRAIN + N_VALIDATION
    labels = np.arange(n) % 2
    noise = np.random.default_rng(0).integers(0, 200, (n, SIZE, SIZE, 3))
    return shv.Dataset.from_arrays(
        (noise + 25 * labels[:, None, None, None]).astype(np.uint8), labels
    )


def network() -> keras.Model:
    """Return a network with normalization, dropout and enough weights to make a save last."""
    keras = load_keras()
    glorot = keras.initializers.GlorotUniform
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, kernel_initializer=glorot(1)),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(100, activation="relu", kernel_initializer=glorot(2)),
            keras.layers.Dropout(0.3, seed=3),
            keras.layers.Dense(2, activation="softmax", kernel_initializer=glorot(4)),
        ]
    )


def witness() -> keras.callbacks.Callback:
    """Return a callback that tells of steps and epochs."""

    class Witness(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            tell(b"s")

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            tell(b"e")

        def get_state(self) -> int:
            return 0

        def set_state(self, state: int) -> None:
            assert state == 0

    return Witness()


def main(directory: str) -> None:
    """Train, or go on."""
    if load_keras().config.backend() == "torch":
        import torch

        torch.set_num_threads(1)
    announce_saves()
    dataset = photos()
    trainer = shv.Trainer(
        epochs=EPOCHS,
        batch_size=BATCH,
        learning_rate=0.001,
        schedule=PlateauSchedule(factor=0.5, patience=2, min_delta=0.02),
        patience=6,
        min_delta=0.02,
        augmenter=roll,
        checkpoint_dir=directory,
        save_every=3,
        callbacks=[witness()],
    )
    tell(b"T")
    trainer.fit(network(), dataset[:N_TRAIN], dataset[N_TRAIN:])


if __name__ == "__main__":
    main(sys.argv[1])
