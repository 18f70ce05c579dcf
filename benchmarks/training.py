"""Training speed: `Trainer.fit` beside bare Keras and a bare PyTorch loop.

Run ``python benchmarks/training.py [--photos 128] [--epochs 16] [--rounds 3]``, with
``KERAS_BACKEND`` as you like. The contestants take turns, each in a process of its own, so that a
busy machine slows all of them and none meets another's threads; the medians of the steady epochs
(all but the first) are compared. Many short epochs ride out a machine whose speed wavers, and count
each checkpoint more; where others use it, CPU time says more than the clock. Bars: at least 0.97 of
bare Keras, checkpoints included, and at least 1.0 of PyTorch (tensorflow backend, on a CPU).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

import shelfvision as shv
from shelfvision._keras.backend import load_keras

if TYPE_CHECKING:
    from torch import nn

CLASSES = 5
BATCH = 32

Lap = tuple[float, float]
"""Seconds on the wall's clock, and seconds of CPU in all threads."""


def photos(n: int) -> shv.Dataset:
    """Return n random photos of five classes."""
    images = np.random.default_rng(0).integers(0, 256, (n, 100, 100, 3), dtype=np.uint8)
    return shv.Dataset.from_arrays(images, np.arange(n) % CLASSES)


def with_trainer(dataset: shv.Dataset, epochs: int) -> list[Lap]:
    """Return the times of each epoch through Trainer.fit, with checkpoints."""
    keras = load_keras()
    model = shv.build_model(CLASSES)
    clock = Clock()
    ends = keras.callbacks.LambdaCallback(on_epoch_begin=clock.tick, on_train_end=clock.tick)
    with tempfile.TemporaryDirectory() as directory:
        trainer = shv.Trainer(
            epochs=epochs,
            batch_size=BATCH,
            monitor="loss",
            checkpoint_dir=directory,
            callbacks=[ends],
            verbose=False,
        )
        trainer.fit(model, dataset)
    # From one epoch's begin to the next, so that saving is counted, too.
    return clock.laps()


def with_keras(dataset: shv.Dataset, epochs: int) -> list[Lap]:
    """Return the times of each epoch through keras.Model.fit on arrays."""
    keras = load_keras()
    model = shv.build_model(CLASSES)
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=[accuracy])
    images, _ = dataset.to_arrays()
    clock = Clock()
    ends = keras.callbacks.LambdaCallback(on_epoch_begin=clock.tick, on_train_end=clock.tick)
    model.fit(
        images,
        dataset.one_hot(),
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
        callbacks=[ends],
    )
    return clock.laps()


def with_torch(dataset: shv.Dataset, epochs: int) -> list[Lap]:
    """Return the times of each epoch of a bare PyTorch loop in channels_last."""
    import torch

    model = torch_network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)
    loss_of = torch.nn.BCELoss()
    images = torch.from_numpy(dataset.to_arrays()[0])
    targets = torch.from_numpy(dataset.one_hot())
    clock = Clock()
    for _ in range(epochs):
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


CONTESTANTS: dict[str, Callable[[shv.Dataset, int], list[Lap]]] = {
    "shelfvision": with_trainer,
    "keras": with_keras,
    "torch channels_last": with_torch,
}


def laps_of(name: str, n_photos: int, epochs: int) -> list[Lap]:
    """Return the steady epochs of one contestant, in a process where no other's threads are."""
    size = ("--photos", str(n_photos), "--epochs", str(epochs))
    command = (sys.executable, __file__, *size, "--only", name)
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [(wall, cpu) for wall, cpu in json.loads(finished.stdout.splitlines()[-1])]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=CONTESTANTS, help="print the epochs of one contestant")
    options = parser.parse_args()
    if options.only:
        contestant = CONTESTANTS[options.only]
        print(json.dumps(contestant(photos(options.photos), options.epochs)[1:]))
        return
    running = [name for name in CONTESTANTS if "torch" not in name or find_spec("torch")]
    laps: dict[str, list[Lap]] = {name: [] for name in running}
    for turn in range(options.rounds):
        # Every other round in the opposite order: whoever comes first has a cooler machine.
        for name in running if turn % 2 == 0 else running[::-1]:
            laps[name] += laps_of(name, options.photos, options.epochs)
    report(laps, options.photos)


def report(laps: dict[str, list[Lap]], n_photos: int) -> None:
    """Print the medians and the ratios."""
    print(f"{n_photos} photos, batch {BATCH}, medians of {len(laps['keras'])} steady epochs")
    wall, cpu = (
        {name: statistics.median(lap[kind] for lap in found) for name, found in laps.items()}
        for kind in (0, 1)
    )
    for name in laps:
        print(
            f"{name:20} {n_photos / wall[name]:6.1f} images/s, "
            f"{1000 * cpu[name] / n_photos:5.1f} ms of CPU an image; shelfvision has "
            f"{wall[name] / wall['shelfvision']:.3f} of its speed, "
            f"{cpu['shelfvision'] / cpu[name]:.3f} of its CPU time"
        )


if __name__ == "__main__":
    main()
