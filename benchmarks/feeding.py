"""What fresh augmentation in every epoch costs a training step: with it and without, in pairs.

Run ``python benchmarks/feeding.py [--photos 256] [--seconds 200]`` with any ``KERAS_BACKEND``.
One compiled model (the article's network, 100 x 100, batches of 32) is trained by Keras's `fit` on
the feed of `Trainer` from photos in memory: an epoch with `default_augmenter` and one without make
a pair, and the first of a pair is the second of the next, so that what slows the machine for a
while slows both. Printed are medians over all pairs, with an interval that holds the median in 95
of 100 such runs. Bar: augmenting costs under 3 % of a step's time on two cores.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.training.loop._batches import Batches, as_keras_data

if TYPE_CHECKING:
    import keras

CLASSES = 5
BATCH = 32
WARM_UP = 2
FEWEST_PAIRS = 8

Lap: TypeAlias = tuple[float, float]
"""Seconds on the wall's clock, and of CPU in all threads."""


def photos(n: int) -> shv.Dataset:
    """Return n rendered photos of five classes, held in memory."""
    names = ("Can", "Carton", "Jar", "Bottle", "Box")
    several = shv.samples.render_products(dict.fromkeys(names, -(-n // CLASSES)), seed=1)
    return several[:n].cached()


def compiled_model() -> keras.Model:
    """Return the article's network, compiled as the trainer does it."""
    model = shv.build_model(CLASSES)
    accuracy = load_keras().metrics.CategoricalAccuracy(name="accuracy")
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=[accuracy])
    return model


def timed_epoch(model: keras.Model, batches: Batches, epoch: int) -> Lap:
    """Return what one epoch takes."""
    batches.begin_epoch(epoch)
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(as_keras_data(batches), shuffle=False, verbose=0)
    return time.perf_counter() - wall, time.process_time() - cpu


def timed_pairs(
    model: keras.Model, plain: Batches, augmented: Batches, seconds: float
) -> npt.NDArray[np.float64]:
    """Return laps of shape (pairs, 2 feeds, 2 clocks), as many as the time allows."""
    pairs: list[tuple[Lap, Lap]] = []
    end = math.inf
    while len(pairs) < WARM_UP + FEWEST_PAIRS or time.monotonic() < end:
        if len(pairs) == WARM_UP:
            end = time.monotonic() + seconds
        turn = len(pairs) + 1
        if turn % 2:
            lap = timed_epoch(model, plain, turn)
            pairs.append((lap, timed_epoch(model, augmented, turn)))
        else:
            lap = timed_epoch(model, augmented, turn)
            pairs.append((timed_epoch(model, plain, turn), lap))
    return np.array(pairs[WARM_UP:])


def median_within(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the median and the ends of its 95 % interval, by ranks: it assumes no bell curve."""
    ranked = np.sort(values)
    n = len(ranked)
    low = max(0, math.floor((n - 1.96 * math.sqrt(n)) / 2))
    return float(np.median(ranked)), float(ranked[low]), float(ranked[n - 1 - low])


def reading_alone(batches: Batches, epochs: int = 5) -> float:
    """Return milliseconds of CPU that a batch takes to be read, with nothing else going on."""
    laps = []
    for epoch in range(1, epochs + 1):
        batches.begin_epoch(epoch)
        start = time.thread_time()
        for index in range(len(batches)):
            batches[index]
        laps.append((time.thread_time() - start) / len(batches))
    return float(np.median(laps)) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=200)
    options = parser.parse_args()
    dataset, model = photos(options.photos), compiled_model()
    plain, augmented = (
        Batches(dataset, batch_size=BATCH, sparse=False, seed=42, augmenter=augmenter)
        for augmenter in (None, shv.augment.default_augmenter())
    )
    alone = reading_alone(plain), reading_alone(augmented)
    laps = timed_pairs(model, plain, augmented, options.seconds) / len(plain) * 1000
    cores, backend = os.cpu_count(), load_keras().config.backend()
    print(
        f"backend {backend}, {cores} cores, {options.photos} photos in memory, batches of {BATCH}, "
        f"{len(laps)} pairs of epochs; a batch alone takes {alone[0]:.2f} ms of CPU to read, "
        f"augmented {alone[1]:.2f} ms"
    )
    for place, clock in enumerate(("wall", "CPU")):
        without, with_it = laps[:, 0, place], laps[:, 1, place]
        share, low, high = median_within(with_it / without - 1)
        cost, least, most = median_within(with_it - without)
        print(
            f"{clock:4}: {np.median(without):6.1f} ms a step without augmenting; with it "
            f"{share:+.1%} ({low:+.1%} to {high:+.1%}), "
            f"{cost:+.1f} ms ({least:+.1f} to {most:+.1f})"
        )


if __name__ == "__main__":
    main()
