"""What fresh augmentation in every epoch costs a training step: with it and without, in turns.

Run ``python benchmarks/feeding.py [--photos 256] [--rounds 9]`` with any ``KERAS_BACKEND``.
One compiled model (the article's network, 100 x 100, batches of 32) is trained by Keras's `fit` on
the feed of `Trainer`, an epoch with `default_augmenter` and an epoch without, in turns, so that a
busy machine slows both. Bar: augmenting costs under 3 % of a step on two cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

import shelfvision as sv
from shelfvision.models._backend import load_keras
from shelfvision.training._feed import Batches, as_keras_data

if TYPE_CHECKING:
    import keras

CLASSES = 5
BATCH = 32


def photos(n: int) -> sv.Dataset:
    """Return n rendered photos of five classes."""
    names = ("Can", "Carton", "Jar", "Bottle", "Box")
    return sv.samples.render_products(dict.fromkeys(names, -(-n // CLASSES)), seed=1)[:n]


def compiled_model() -> keras.Model:
    """Return the article's network, compiled as the trainer does it."""
    model = sv.build_model(CLASSES)
    accuracy = load_keras().metrics.CategoricalAccuracy(name="accuracy")
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=[accuracy])
    return model


def timed_epoch(model: keras.Model, batches: Batches, epoch: int) -> tuple[float, float]:
    """Return seconds on the wall's clock, and of CPU in all threads, of one epoch."""
    batches.begin_epoch(epoch)
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(as_keras_data(batches), shuffle=False, verbose=0)
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    dataset, model = photos(options.photos), compiled_model()
    feeds = {
        name: Batches(dataset, batch_size=BATCH, sparse=False, seed=42, augmenter=augmenter)
        for name, augmenter in (("plain", None), ("augmented", sv.augment.default_augmenter()))
    }
    steps = len(feeds["plain"])
    laps: dict[str, list[tuple[float, float]]] = {name: [] for name in feeds}
    for turn in range(options.rounds + 1):
        for name in list(feeds) if turn % 2 else list(feeds)[::-1]:
            lap = timed_epoch(model, feeds[name], turn + 1)
            laps[name] += [lap] if turn else []  # the first turn compiles
    cores, backend = os.cpu_count(), load_keras().config.backend()
    print(f"backend {backend}, {cores} cores, {options.photos} photos, batches of {BATCH}")
    for place, clock in enumerate(("wall", "CPU")):
        plain, augmented = (np.array(laps[name])[:, place] / steps * 1000 for name in feeds)
        share = statistics.median(augmented / plain) - 1
        print(
            f"{clock:4}: {np.median(plain):6.1f} ms a step without, {np.median(augmented):6.1f} ms "
            f"with augmenting; median of {len(plain)} pairs {share:+.1%}, of the fastest rounds "
            f"{augmented.min() / plain.min() - 1:+.1%}"
        )


if __name__ == "__main__":
    main()
