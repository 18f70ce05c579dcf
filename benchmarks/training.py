"""Training speed: `Trainer.fit` beside bare Keras and a bare PyTorch loop.

Run ``python benchmarks/training.py [--photos 512] [--rounds 5]``, with ``KERAS_BACKEND`` as you
like. The contestants take turns within every round, so that a busy machine slows all of them, and
the medians of the steady epochs (all but the first) are compared; on a machine that others use,
CPU time says more. Bars: at least 0.97 of bare Keras, checkpoints included, and at least 1.0 of
PyTorch (tensorflow backend, on a CPU).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

import shelfvision as sv
from shelfvision.models._backend import load_keras

if TYPE_CHECKING:
    from torch import nn

CLASSES = 5
BATCH = 32
EPOCHS = 3

Lap = tuple[float, float]
"""Seconds on the wall's clock, and seconds of CPU in all threads."""


def photos(n: int) -> sv.Dataset:
    """Return n random photos of five classes."""
    images = np.random.default_rng(0).integers(0, 256, (n, 100, 100, 3), dtype=np.uint8)
    return sv.Dataset.from_arrays(images, np.arange(n) % CLASSES)


def with_trainer(dataset: sv.Dataset) -> list[Lap]:
    """Return the times of each epoch through Trainer.fit, with checkpoints."""
    keras = load_keras()
    model = sv.build_model(CLASSES)
    clock = Clock()
    ends = keras.callbacks.LambdaCallback(on_epoch_begin=clock.tick, on_train_end=clock.tick)
    with tempfile.TemporaryDirectory() as directory:
        trainer = sv.Trainer(
            epochs=EPOCHS,
            batch_size=BATCH,
            monitor="loss",
            checkpoint_dir=directory,
            callbacks=[ends],
            verbose=False,
        )
        trainer.fit(model, dataset)
    # From one epoch's begin to the next, so that saving is counted, too.
    return clock.laps()


def with_keras(dataset: sv.Dataset) -> list[Lap]:
    """Return the times of each epoch through keras.Model.fit on arrays."""
    keras = load_keras()
    model = sv.build_model(CLASSES)
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=[accuracy])
    images, _ = dataset.to_arrays()
    clock = Clock()
    ends = keras.callbacks.LambdaCallback(on_epoch_begin=clock.tick, on_train_end=clock.tick)
    model.fit(
        images,
        dataset.one_hot(),
        batch_size=BATCH,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[ends],
    )
    return clock.laps()


def with_torch(dataset: sv.Dataset) -> list[Lap]:
    """Return the times of each epoch of a bare PyTorch loop in channels_last."""
    import torch

    model = torch_network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)
    loss_of = torch.nn.BCELoss()
    images = torch.from_numpy(dataset.to_arrays()[0])
    targets = torch.from_numpy(dataset.one_hot())
    clock = Clock()
    for _ in range(EPOCHS):
        clock.tick()
        for rows in torch.randperm(len(images)).split(BATCH):
            batch = images[rows].permute(0, 3, 1, 2).float() / 255
            optimizer.zero_grad()
            loss = loss_of(
                model(batch.contiguous(memory_format=torch.channels_last)), targets[rows]
            )
            loss.backward()
            optimizer.step()
    clock.tick()
    return clock.laps()


def torch_network() -> nn.Module:
    """Return grocery_cnn as a torch module."""
    from torch import nn

    layers: list[nn.Module] = [nn.ZeroPad2d(3)]
    for number in range(5):
        layers += [nn.Conv2d(3 if number == 0 else 32, 32, 3), nn.ReLU()]
        layers += [nn.BatchNorm2d(32)] if number == 0 else []
        layers += [nn.MaxPool2d(2), nn.Dropout(0.1)]
    layers += [nn.Flatten(), nn.Linear(32, 64), nn.ReLU(), nn.Dropout(0.25)]
    return nn.Sequential(*layers, nn.Linear(64, CLASSES), nn.Softmax(dim=1))


class Clock:
    """Notes moments and gives the time between them."""

    def __init__(self) -> None:
        self.moments: list[Lap] = []

    def tick(self, *_event: object, **_logs: object) -> None:
        """Note this moment, whatever Keras has to say about it."""
        self.moments.append((time.perf_counter(), time.process_time()))

    def laps(self) -> list[Lap]:
        """Return the times between neighbouring moments."""
        pairs = zip(self.moments, self.moments[1:], strict=False)
        return [(end[0] - start[0], end[1] - start[1]) for start, end in pairs]


def contestants() -> Iterator[tuple[str, Callable[[sv.Dataset], list[Lap]]]]:
    """Yield who takes part on this machine."""
    yield "shelfvision", with_trainer
    yield "keras", with_keras
    try:
        import torch  # noqa: F401  (only to see whether it is there)
    except ImportError:
        return
    yield "torch channels_last", with_torch


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    dataset = photos(options.photos)
    running = list(contestants())
    laps: dict[str, list[Lap]] = {name: [] for name, _ in running}
    for turn in range(options.rounds):
        # Every other round in the opposite order: whoever comes first has a cooler machine.
        for name, train in running if turn % 2 == 0 else running[::-1]:
            laps[name] += train(dataset)[1:]
    print(f"backend {load_keras().config.backend()}, {options.photos} photos, batch {BATCH}")
    wall, cpu = (
        {name: statistics.median(lap[kind] for lap in found) for name, found in laps.items()}
        for kind in (0, 1)
    )
    for name in laps:
        print(
            f"{name:20} {options.photos / wall[name]:6.1f} images/s, "
            f"{1000 * cpu[name] / options.photos:5.1f} ms of CPU an image; shelfvision is at "
            f"{wall[name] / wall['shelfvision']:.3f} of its speed, "
            f"{cpu['shelfvision'] / cpu[name]:.3f} of its CPU time"
        )


if __name__ == "__main__":
    main()
