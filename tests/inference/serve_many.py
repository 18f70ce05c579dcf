"""Predict very many times and print what came of it; test_serving.py runs it alone."""

from __future__ import annotations

import gc
import io
import json
import os
import random
import sys
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

import shelfvision as shv
from shelfvision._keras.backend import load_keras

SIDE = 24
N_THREADS = 16
Pixels = npt.NDArray[np.uint8]


def classifier() -> shv.Classifier:
    """Return a small classifier with calibration and thresholds, loaded from its bundle."""
    keras = load_keras()
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(5, activation="softmax"),
        ],
        name="small",
    )
    made = shv.Classifier.from_model(model, class_names=list("abcde"))
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (50, SIDE, SIDE, 3), dtype=np.uint8)
    dataset = shv.Dataset.from_arrays(photos, np.arange(50) % 5, class_names=list("abcde"))
    return made.with_calibration(dataset=dataset).with_threshold(
        dataset=dataset, mistake_cost=1.0, review_cost=0.1
    )


def questions() -> list[Pixels]:
    """Return single photos and batches, which take programs of different sizes."""
    rng = np.random.default_rng(1)
    shapes = [(SIDE, SIDE, 3)] * 12 + [(n, SIDE, SIDE, 3) for n in (1, 2, 5, 9, 40)]
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]


def ask_from_threads(n_calls: int) -> dict[str, object]:
    """Ask from 16 threads at once, each so many times; answers must be those of one thread."""
    asked, alone = questions(), classifier()
    wanted = [alone.predict_proba(photos) for photos in asked]
    # Nothing is compiled yet in this one: the threads meet there, too.
    shared = classifier()
    start = threading.Barrier(N_THREADS)
    wrong: list[str] = []

    def ask(seed: int) -> None:
        chance = random.Random(seed)
        start.wait()
        try:
            for _ in range(n_calls):
                # Batches take long; one call in fifty asks with one.
                number = chance.randrange(len(asked) if chance.random() < 0.07 else 12)
                if not np.array_equal(shared.predict_proba(asked[number]), wanted[number]):
                    wrong.append(f"answer {number} in thread {seed}")
        except BaseException as error:  # noqa: BLE001  (told to whoever runs this)
            wrong.append(repr(error))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"calls": N_THREADS * n_calls, "wrong": wrong[:5]}


def encoded() -> list[bytes]:
    """Return photos as files, every second one of them malformed in a way of its own."""
    rng = np.random.default_rng(2)
    files: list[bytes] = []
    for number in range(40):
        size = 30 + number
        image = Image.fromarray(rng.integers(0, 256, (size, size + 3, 3), dtype=np.uint8))
        file = io.BytesIO()
        image.save(file, "PNG" if number % 4 == 0 else "JPEG")
        data = file.getvalue()
        broken = (data[: len(data) // 2], data[:30], b"", b"no photo", data[::-1], bytes(500))
        files += [data, broken[number % len(broken)]]
    return files


def resident_mib() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def predict_for_long(n_photos: int) -> dict[str, object]:
    """Predict so many photos, half of them malformed, one by one and in batches."""
    found, files = classifier(), encoded()
    outcomes = {"answered": 0, "errors": 0}

    def some(n: int) -> None:
        done = 0
        while done < n:
            batch = files if done % 400 == 0 else files[done % 80 : done % 80 + 2]
            answers = (
                found.predict(batch, on_error="skip")
                if done % 3
                else found.predict_stream(batch, on_error="skip", batch_size=7)
            )
            for answer in answers:
                outcomes["answered" if answer.error is None else "errors"] += 1
                done += 1

    some(max(2000, n_photos // 20))
    gc.collect()
    before, descriptors = resident_mib(), len(os.listdir("/proc/self/fd"))
    outcomes.update(answered=0, errors=0)
    some(n_photos)
    gc.collect()
    after, left = resident_mib(), len(os.listdir("/proc/self/fd"))
    return outcomes | {"grown_mib": round(after - before, 2), "new_descriptors": left - descriptors}


KINDS = {"threads": ask_from_threads, "long": predict_for_long}

if __name__ == "__main__":
    print(json.dumps(KINDS[sys.argv[1]](int(sys.argv[2]))))
