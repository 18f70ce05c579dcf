"""Predicting: a classifier against Keras's own calls and against ONNX Runtime, as ratios.

Run it once for each backend: ``KERAS_BACKEND=jax python benchmarks/predicting.py``. ONNX Runtime
takes part on tensorflow where onnx, tf2onnx and onnxruntime are installed.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

import shelfvision as sv
from shelfvision.models._backend import backend_name

Pixels = npt.NDArray[np.uint8]
ROUNDS = 7


def medians(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each call; the calls take turns, so noise hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            seconds[name].append((time.perf_counter() - start) / repeats)
    return {name: statistics.median(times) for name, times in seconds.items()}


def exported(classifier: sv.Classifier, image: Pixels) -> dict[str, Callable[[], object]]:
    """Return a raw call of ONNX Runtime on one image, and that of the predictor on the file."""
    onnxruntime = importlib.import_module("onnxruntime")
    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place) / "model.onnx")
        classifier.export(path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        predictor = sv.export.Predictor(path)
    return {
        "onnxruntime": lambda: session.run(None, {"image": image}),
        "Predictor": lambda: predictor.predict(image[0]),
    }


def main() -> None:
    """Print latency of one array and throughput of many, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2_000, help="how many for throughput")
    arguments = parser.parse_args()
    model = sv.build_model(5)
    classifier = sv.Classifier.from_model(model, class_names=list("abcde"))
    images = np.random.default_rng(0).integers(0, 256, (32, 100, 100, 3), dtype=np.uint8)
    one = images[:1]
    calls: dict[str, Callable[[], object]] = {
        "predict": lambda: classifier.predict(one[0]),
        "predict_on_batch": lambda: np.asarray(model.predict_on_batch(one)),
    }
    if backend_name() == "tensorflow" and all(map(find_spec, ("onnxruntime", "tf2onnx"))):
        calls |= exported(classifier, one)
    found = medians(calls, repeats=20)
    print(f"{backend_name()}, one array, milliseconds")
    for name, seconds in found.items():
        print(f"  {name:18} {seconds * 1e3:8.2f}   predict / it {found['predict'] / seconds:6.2f}")
    many = np.tile(images, (-(-arguments.images // 32), 1, 1, 1))[: arguments.images]
    in_batches: dict[str, Callable[[], object]] = {
        "predict": lambda: classifier.predict(many),
        "predict_on_batch": lambda: [
            np.asarray(model.predict_on_batch(many[start : start + 32]))
            for start in range(0, len(many), 32)
        ],
    }
    found = medians(in_batches, repeats=1)
    print(f"{backend_name()}, {len(many)} arrays, images a second")
    for name, seconds in found.items():
        rate = len(many) / seconds
        print(f"  {name:18} {rate:8.0f}   predict / it {seconds / found['predict']:6.2f}")


if __name__ == "__main__":
    main()
